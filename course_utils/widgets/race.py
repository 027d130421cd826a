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
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from course_utils.widgets.surfaces import Surface

STEPS = 160
STEPS_AN_EPOCH = 10  # for schedules that count epochs
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


# What a schedule of the learner's is given beside alpha0, t and epoch, by the names in its exercise.
SCHEDULE_SETTINGS = {"decay_rate": 0.5, "base": 0.8, "k": 1.0, "factor": 0.5, "every": 4}
SCHEDULES = {
    "constant": lambda alpha0, t: alpha0,
    "straight line to 0": lambda alpha0, t: alpha0 * (1 - (t - 1) / STEPS),
    "half a cosine": lambda alpha0, t: alpha0 * (1 + np.cos(np.pi * (t - 1) / STEPS)) / 2,
}


BROKEN = ("not written", "error", "wrong result")


@dataclass
class Racer:
    """One update function, and whether it may still be called."""

    name: str
    function: Callable
    source: str = ""  # the name that the notebook knows it by
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
    """What a race depends on besides its functions; a float each, or an array (lanes,) for one of them.

    `schedule` gives the rate at step t, called `schedule(alpha0=..., t=..., ...)`; see `rates_of`.
    """

    surface: Surface
    start: tuple[float, float]
    learning_rate: float | np.ndarray = 0.07
    beta1: float | np.ndarray = 0.9
    beta2: float | np.ndarray = 0.99
    epsilon: float | np.ndarray = 1e-8
    noise: float | np.ndarray = 0.0
    schedule: Callable = SCHEDULES["constant"]
    steps: int = STEPS
    seed: int = 0

    def mini_batches(self):
        """What is added to the slopes, the same for every racer: shape (steps, 2) or (steps, 2, lanes)."""
        draws = np.random.default_rng(self.seed).standard_normal((self.steps, 2))
        return np.multiply.outer(draws, self.noise)

    @cached_property
    def rates(self):
        """The learning rate of each step, shape (steps,) or (steps, lanes)."""
        if np.ndim(self.learning_rate) == 0:
            return rates_of(self.schedule, self.learning_rate, self.steps)
        return np.stack([rates_of(self.schedule, rate, self.steps) for rate in self.learning_rate], axis=-1)


def rates_of(schedule, alpha0, steps=STEPS):
    """The learning rates that a schedule gives, shape (steps,); its arguments say by name what it takes."""
    names = _arguments(schedule)
    rates, known = [], {}
    for t in range(1, steps + 1):
        given = {**SCHEDULE_SETTINGS, "alpha0": float(alpha0), "t": t, "epoch": (t - 1) // STEPS_AN_EPOCH}
        key = t if "t" in names else given["epoch"]
        if key not in known:
            known[key] = schedule(**{name: given[name] for name in names if name in given})
        rates.append(known[key])
    return np.array(rates, dtype=float)


def try_schedule(schedule, alpha0):
    """What is wrong with a schedule, in words; empty if it gives a rate for every step."""
    try:
        with _quiet(), _time_limit(SECONDS):
            rates = rates_of(schedule, alpha0)
    except NotImplementedError:
        return WORDS["not written"]
    except TooLong:
        return WORDS["too slow"]
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}".rstrip(": ")[:200]
    if rates.shape != (STEPS,):
        return f"should give one number, gave an array of shape {rates.shape[1:]}"
    return "" if np.isfinite(rates).all() else "gives a rate that is not a finite number"


class Misuse(Exception):
    """A function broke the contract of its exercise; `str` says how."""


class NotWritten(Exception):
    """A function is still as the exercise left it."""


class Failed(Exception):
    """A function raised; `str` says what."""


class TooLong(BaseException):
    """Raised inside a learner's function when its time is over; `except Exception` does not catch it."""


def run(racer, settings, lanes=None, seconds=SECONDS, watch=None):
    """Let one function walk down a surface.

    Parameters
    ----------
    racer : Racer
    settings : Settings
    lanes : int, optional
        Walk this many ways at once: every array gets a last axis of this length.
    watch : function (t, grads, state), optional
        Called after each step with what the function was given, and the state that it returned.

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
    settings.surface.loss(*settings.start)  # trains a network, once: not in the racer's time
    try:
        with _quiet(), _time_limit(seconds):
            for t, parameters, *given in _walk(racer, settings, shape, outcome):
                path[t, 0], path[t, 1] = parameters["W1"][0, 0], parameters["b1"][0, 0]
                outcome.steps = t
                if watch:
                    watch(t, *given)
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
    """Yield (t, parameters, grads, state) after each update; raise where a result breaks the contract."""
    exercise = EXERCISES.get(racer.name)
    arguments = exercise or _arguments(racer.function)
    states = [name for name in STATES if name in arguments]
    parameters = {
        key: np.full(shape, float(value)) for key, value in zip(("W1", "b1"), settings.start, strict=True)
    }
    state = {name: {"dW1": np.zeros(shape), "db1": np.zeros(shape)} for name in states}
    hyper = {
        "beta": settings.beta1,
        "beta1": settings.beta1,
        "beta2": settings.beta2,
        "epsilon": settings.epsilon,
    }
    try:
        rates = settings.rates
    except Exception as error:
        raise Failed(f"the schedule raised {type(error).__name__}: {error}"[:200]) from error
    for t, (noise, rate) in enumerate(zip(settings.mini_batches(), rates, strict=True), start=1):
        slopes = settings.surface.gradient(parameters["W1"], parameters["b1"])
        grads = {"dW1": slopes[0] + noise[0], "db1": slopes[1] + noise[1]}
        seen = dict(grads)
        given = {
            **{"parameters": parameters, "grads": grads, "learning_rate": rate, "t": t},
            **state,
            **hyper,
        }
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
        yield t, parameters, seen, state


def inside(racer, settings):
    """What one function saw and kept at every step.

    Returns
    -------
    float64, shape (steps + 1, 6)
        In row t the slopes that step t was given, and the velocity and the squares that it returned, each for
        W1 and b1; NaN where there is none.
    """
    kept = np.full((settings.steps + 1, 6), np.nan)

    def watch(t, grads, state):
        for column, values in enumerate((grads, state.get("velocity"), state.get("squares"))):
            if values is not None:
                kept[t, 2 * column : 2 * column + 2] = [np.ravel(values[key])[0] for key in ("dW1", "db1")]

    run(racer, settings, watch=watch)
    return kept


def arguments_of(racer):
    """The names of what a racer is given; none if it cannot be called."""
    try:
        return EXERCISES.get(racer.name) or _arguments(racer.function)
    except Misuse:
        return ()


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
    control : "learning_rate", "beta1", "beta2", "epsilon" or "noise"
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
        # It may well work without the extra axis; not if both ends fail alike at their first step.
        ends = [run(racer, _with(settings, control, stops[index])) for index in (wanted[0], wanted[-1])]
        hopeless = {single.said for _, single in ends if single.steps == 0 and single.status in BROKEN}
        alike = len(hopeless) == 1 and all(single.said in hopeless for _, single in ends)
        return dict.fromkeys(wanted, ends[0]) if alike else None
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
    # Plain flags: an exception that strikes inside an Event or a join would leave its lock taken for ever.
    state = {"over": False, "gone": False}
    thread, raised = threading.get_ident(), ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch():
        due = time.monotonic() + seconds
        while not state["over"]:
            if time.monotonic() >= due:
                raised(ctypes.c_ulong(thread), ctypes.py_object(TooLong))
                due += 0.05
            time.sleep(0.002)
        state["gone"] = True

    def wait():
        while not state["gone"]:
            time.sleep(0.001)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        _undisturbed(lambda: state.update(over=True))
        _undisturbed(wait)
        _undisturbed(lambda: raised(ctypes.c_ulong(thread), None))  # one may be under way


def _undisturbed(act):
    """Do it even if the alarm rings meanwhile."""
    while True:
        try:
            return act()
        except TooLong:
            continue
