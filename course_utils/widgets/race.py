"""Run a learner's update functions on a surface, whatever they do.

A function sees what it sees in the exercise: dicts of `(1, 1)` arrays, here `W1` and `b1`, which are the two
weights of the surface.  Nothing that it does stops the race: each `Outcome` says in words what happened, and
the path is NaN from where it ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import io
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from course_utils.widgets.surfaces import Surface

STEPS = 160
SECONDS = 0.6  # a race takes milliseconds; a function that needs longer is taken to be endless
FAR = 1e4  # further out than this a path has diverged

# Names and arguments of the exercises; a function of the learner's own is read from its signature.
EXERCISES = {
    "gradient descent": ("parameters", "grads", "learning_rate"),
    "momentum": ("parameters", "grads", "velocity", "learning_rate", "beta"),
    "RMSprop": ("parameters", "grads", "squares", "learning_rate", "beta2", "epsilon"),
    "Adam": (
        "parameters", "grads", "velocity", "squares", "t", "learning_rate", "beta1", "beta2", "epsilon",
    ),
}  # fmt: skip
STATES = ("velocity", "squares")
WORDS = {
    "ok": "",
    "not written": "Not written yet",
    "error": "Raises an error",
    "wrong result": "Returns something else",
    "changes its arguments": "Changes its arguments",
    "diverged": "Diverged",
    "too slow": "Takes too long",
}


@dataclass
class Racer:
    """One update function, and whether it may still be called."""

    name: str
    function: Callable
    muted: Outcome | None = None  # set once it proved endless: nobody waits for it twice


@dataclass
class Outcome:
    """What became of a function: a key of WORDS, what to tell the learner, and the steps that were made."""

    status: str = "ok"
    message: str = ""
    steps: int = STEPS

    @property
    def said(self):
        return ": ".join(filter(None, [WORDS[self.status], self.message]))

    def plain(self):
        return {"status": self.status, "said": self.said, "steps": self.steps}


@dataclass(frozen=True)
class Settings:
    """What a race depends on besides its functions; a float each, or an array (lanes,) for one of them."""

    surface: Surface
    start: tuple[float, float]
    learning_rate: float | np.ndarray = 0.07
    beta1: float | np.ndarray = 0.9
    beta2: float | np.ndarray = 0.99
    epsilon: float = 1e-8
    steps: int = STEPS
    seed: int = 0

    def noise(self):
        """The same mini-batches for every racer, shape (steps, 2)."""
        rng = np.random.default_rng(self.seed)
        return self.surface.noise * rng.standard_normal((self.steps, 2))


class Misuse(Exception):
    """A function broke the contract of its exercise; `str` says how."""


class NotWritten(Exception):
    """A function is still as the exercise left it."""


class Failed(Exception):
    """A function raised; `str` says what."""


class TooLong(BaseException):
    """Raised inside a learner's function when its time is over; `except Exception` does not catch it."""


def run(racer, settings, lanes=None, seconds=SECONDS):
    """Let one function walk down a surface.

    Parameters
    ----------
    racer : Racer
    settings : Settings
    lanes : int, optional
        Walk this many ways at once: every array gets a last axis of this length.

    Returns
    -------
    path : float64, shape (steps + 1, 2) or, with lanes, (steps + 1, 2, lanes)
        NaN after the last step.
    outcome : Outcome
    """
    shape = (1, 1) if lanes is None else (1, 1, lanes)
    path = np.full((settings.steps + 1, 2, *shape[2:]), np.nan)
    path[0] = np.reshape(settings.start, (2,) + (1,) * (len(shape) - 2))
    if racer.muted:
        return path, racer.muted
    outcome = Outcome(steps=0)
    try:
        with _quiet(), _time_limit(seconds):
            for t, parameters in _walk(racer, settings, shape, outcome):
                path[t, 0], path[t, 1] = parameters["W1"][0, 0], parameters["b1"][0, 0]
                outcome.steps = t
    except TooLong:
        message = f"no result after {seconds:g} s; the race goes on without it"
        outcome.status, outcome.message = "too slow", message
        racer.muted = Outcome("too slow", message, 0)
    except NotWritten:
        outcome.status, outcome.message = "not written", ""
    except Misuse as misuse:
        outcome.status, outcome.message = "wrong result", f"{misuse} (step {outcome.steps + 1})"
    except Failed as failed:
        outcome.status, outcome.message = "error", f"{failed} (step {outcome.steps + 1})"
    return path, outcome


def _walk(racer, settings, shape, outcome):
    """Yield (t, parameters) after each update; raise Misuse where a result breaks the contract."""
    exercise = EXERCISES.get(racer.name)
    arguments = exercise or _arguments(racer.function)
    states = [name for name in STATES if name in arguments]
    parameters = {
        key: np.full(shape, float(value)) for key, value in zip(("W1", "b1"), settings.start, strict=True)
    }
    state = {name: {"dW1": np.zeros(shape), "db1": np.zeros(shape)} for name in states}
    hyper = {
        "learning_rate": settings.learning_rate,
        "beta": settings.beta1,
        "beta1": settings.beta1,
        "beta2": settings.beta2,
        "epsilon": settings.epsilon,
    }
    for t, noise in enumerate(settings.noise(), start=1):
        slopes = settings.surface.gradient(parameters["W1"], parameters["b1"])
        grads = {"dW1": slopes[0] + noise[0], "db1": slopes[1] + noise[1]}
        given = {"parameters": parameters, "grads": grads, "t": t, **state, **hyper}
        watched = [given[name] for name in ("parameters", "grads", *states)]
        before = _content(watched)
        try:
            if exercise:
                result = racer.function(*[given[name] for name in arguments])
            else:
                result = racer.function(**{name: given[name] for name in arguments if name in given})
            changed = _content(watched) != before
        except NotImplementedError:
            raise NotWritten from None
        except (Exception, SystemExit) as error:
            raise Failed(f"{type(error).__name__}: {error}".rstrip(": ")[:200]) from error
        if changed and outcome.status == "ok":
            outcome.status, outcome.message = "changes its arguments", "it should return new arrays instead"
        parameters, state = _result(result, states, shape)
        if len(shape) == 2 and not _near(parameters):
            outcome.status, outcome.message = "diverged", f"left the map for good at step {t}"
            return  # the rule is in _ended once more, for all lanes of a batch
        yield t, parameters


def _arguments(function):
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        raise Misuse(f"expected a function, got {_kind(function)}") from None


def _result(result, states, shape):
    """Parameters and state out of what a function returned."""
    if result is None:
        raise NotWritten
    returned = ["parameters", *states]
    parts = [result] if not states else result
    if not isinstance(parts, tuple | list) or len(parts) != len(returned):
        raise Misuse(f"expected ({', '.join(returned)}), got {_kind(result)}")
    clean = []
    for name, part in zip(returned, parts, strict=True):
        keys = ("W1", "b1") if name == "parameters" else ("dW1", "db1")
        if not isinstance(part, dict):
            raise Misuse(f"{name} should be a dict, got {_kind(part)}")
        if set(part) != set(keys):
            got = ", ".join(map(str, part)) or "none"
            raise Misuse(f"{name} should have the keys {', '.join(keys)}, got {got}")
        clean.append({key: _array(f'{name}["{key}"]', part[key], shape) for key in keys})
    return clean[0], dict(zip(states, clean[1:], strict=True))


def _array(name, value, shape):
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise Misuse(f"{name} should be an array of shape {shape}, got {_kind(value)}") from None
    if array.shape != shape:
        raise Misuse(f"{name} has shape {array.shape}, expected {shape}")
    return array


def _kind(value):
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{'an' if type(value).__name__[:1] in 'aeiou' else 'a'} {type(value).__name__}"


def _content(dicts):
    """What the dicts hold, bit by bit: comparing this costs a tenth of comparing arrays."""
    return [{key: np.asarray(value).tobytes() for key, value in each.items()} for each in dicts]


def _near(parameters):
    return all(np.abs(a).max() <= FAR for a in parameters.values())  # False for NaN too


# --- all stops of a slider at once -----------------------------------------------------------------------


def sweep(racers, settings, control, stops, wanted, enough=lambda: False):
    """The paths for several stops of one slider, each racer's in one walk where its function broadcasts.

    Parameters
    ----------
    racers : list of Racer
    control : "learning_rate", "beta1" or "beta2"
    stops : sequence of float
    wanted : sequence of int
        Indices of the stops, the most urgent first.
    enough : function without arguments
        Asked between the stops: is the time over?

    Returns
    -------
    dict of index to list of (path, Outcome), one for each racer; some stops may be missing when the time was
    over, but never the first.
    """
    batches = [_batch(r, settings, control, stops, wanted) if len(wanted) > 2 else None for r in racers]
    done = {}
    for index in wanted:
        if done and enough() and not all(batches):
            break
        one = _with(settings, control, stops[index])
        done[index] = [
            batch[index] if batch else run(racer, one) for racer, batch in zip(racers, batches, strict=True)
        ]
    return done


def _batch(racer, settings, control, stops, wanted):
    values = np.array([stops[index] for index in wanted], dtype=float)
    paths, outcome = run(racer, _with(settings, control, values), lanes=len(values))
    if outcome.status == "too slow" and racer.muted:
        return dict.fromkeys(wanted, (paths[:, :, 0], racer.muted))
    if outcome.status not in ("ok", "changes its arguments"):
        return None  # it may well work without the extra axis
    lanes = {index: _ended(paths[:, :, lane].copy(), outcome) for lane, index in enumerate(wanted)}
    for index in (wanted[0], wanted[-1]):
        path, single = run(racer, _with(settings, control, stops[index]))
        if single.plain() != lanes[index][1].plain() or not np.allclose(
            path, lanes[index][0], rtol=1e-6, atol=1e-9, equal_nan=True
        ):
            return None  # it broadcasts, but to something else
    return lanes


def _ended(path, outcome):
    """The end of one lane, by the rule of `_walk`."""
    far = ~(np.abs(path) <= FAR).all(axis=1)
    if not far.any():
        return path, outcome
    end = int(np.argmax(far))
    path[end:] = np.nan
    return path, Outcome("diverged", f"left the map for good at step {end}", end - 1)


def _with(settings, control, value):
    return replace(settings, **{control: value})


# --- limits ----------------------------------------------------------------------------------------------


_RACE = threading.Lock()


@contextlib.contextmanager
def _quiet():
    """No prints, no warnings, no floating-point alarms: a diverging path is news, not noise."""
    with (
        _RACE,  # streams and filters belong to the whole process: two races must not restore each other's
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(_Nowhere(sys.stdout)),
        contextlib.redirect_stderr(_Nowhere(sys.stderr)),
    ):
        warnings.simplefilter("ignore")
        yield


class _Nowhere(io.TextIOBase):
    """Swallows what this thread prints; a cell that runs meanwhile in another prints on."""

    def __init__(self, stream):
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text):
        return len(text) if threading.get_ident() == self._thread else self._stream.write(text)

    def flush(self):
        self._stream.flush()


@contextlib.contextmanager
def _time_limit(seconds):
    """Raise TooLong inside the block when the time is over, in the main thread or in another."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _thread_alarm(seconds):
            yield


@contextlib.contextmanager
def _alarm(seconds):
    def stop(signum, frame):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    # It rings again and again, for a bare `except:` would swallow a single one.
    others = signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    try:
        yield
    finally:
        _undisturbed(lambda: signal.setitimer(signal.ITIMER_REAL, *others))
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _thread_alarm(seconds):
    # Jupyter may handle a widget's messages in a thread of its own, where no signal arrives.
    over = threading.Event()
    thread, raised = threading.get_ident(), ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch():
        wait = seconds
        while not over.wait(wait):
            raised(ctypes.c_ulong(thread), ctypes.py_object(TooLong))
            wait = 0.05

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _undisturbed(over.set)
        _undisturbed(watcher.join)
        _undisturbed(lambda: raised(ctypes.c_ulong(thread), None))  # one may be under way


def _undisturbed(act):
    """Do it even if the alarm rings meanwhile."""
    while True:
        try:
            return act()
        except TooLong:
            continue
