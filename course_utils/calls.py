"""Call a learner's function and write down what happened, all of it, whatever it does."""

from __future__ import annotations

import ctypes
import itertools
import linecache
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils import library
from course_utils.plain import Draws, Named, fresh

RETURNED, RAISED, UNWRITTEN, MISSING = "returned", "raised", "not written yet", "missing"
TIMED_OUT, DIED, UNREADABLE, SKIPPED = "timed out", "died", "unreadable", "skipped"
MOST_RECORDED = 5_000
DEEPEST = 4_000
MERSENNE_TWISTER = 624 * 4 + 4  # bytes of its state: 624 words and a position


@dataclass(frozen=True)
class Call:
    """The arguments of one call, and an ``aid`` that only the one who verifies the result sees."""

    arguments: dict[str, Any]
    aid: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """What one call did; ``record`` lists the calls of the functions that it was handed: (argument, inputs).

    ``outcome`` is one of the words above. ``value`` is what was returned. ``error`` and ``line`` say what was
    raised and where in the learner's code. ``changed`` names arguments that are no longer what they were,
    ``shared`` pairs of arrays that overlap in memory; ``moved_random``: did NumPy's global generator move?
    """

    outcome: str
    value: Any = None
    error: str = ""
    line: str = ""
    changed: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    moved_random: bool = False
    remarks: tuple[str, ...] = ()
    record: tuple[Any, ...] = ()


def no_input(prompt: object = "") -> str:
    """Stand in for ``input`` where nobody is asked."""
    raise RuntimeError("nobody is there to answer input(): take the value as an argument instead")


class TimedOut(BaseException):
    """Raised inside a learner's function whose time is up; no ``except Exception`` holds it back."""


def observe(function: Any, calls: Sequence[Call], seconds: float = 5.0) -> list[Observation]:
    """Make calls in turn until one gives no result; those that name the same generator share it."""
    generators: dict[Draws, np.random.Generator] = {}
    seen: list[Observation] = []
    for call in calls:
        seen.append(observe_call(function, call, generators, seconds))
        if seen[-1].outcome != RETURNED:
            break
    return seen


def observe_call(
    function: Any, call: Call, generators: dict[Draws, np.random.Generator], seconds: float = 5.0
) -> Observation:
    """Make one call on fresh copies of its arguments; ``generators`` are those of the calls before it."""
    if function is None:
        return Observation(MISSING)
    if not callable(function):
        return Observation(
            RAISED, error=f"the name stands for an object of type {type(function).__name__}, not a function"
        )
    record: list[Any] = []
    arguments = {name: build(value, generators, record, name) for name, value in call.arguments.items()}
    random_before = _global_random()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with time_limit(seconds), _deep_recursion():
                value = function(**arguments)
        except KeyboardInterrupt:
            raise
        except NotImplementedError:
            return Observation(UNWRITTEN)
        except TimedOut:
            return Observation(TIMED_OUT, error=f"no result after {seconds:g} s")
        except BaseException as error:  # SystemExit and whatever else a learner's code may raise
            return Observation(RAISED, error=_words(error) + _lost_numpy(function), line=learners_line(error))
    if value is None:
        return Observation(UNWRITTEN)
    changed = [path for name, was in call.arguments.items() for path in _changes(name, was, arguments[name])]
    return Observation(
        RETURNED,
        value,
        changed=tuple(changed[:5]),
        shared=tuple(_overlaps(value, arguments)[:5]),
        moved_random=_global_random() != random_before,
        remarks=tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}"[:200] for w in caught[:20])),
        record=tuple(record),
    )


def build(value: Any, generators: dict[Draws, np.random.Generator], record: list[Any], name: str = "") -> Any:
    """Return an argument as the function gets it: fresh arrays, real generators, recorded functions."""
    if isinstance(value, Draws):
        if value not in generators:
            generators[value] = np.random.default_rng(value.seed)
        return generators[value]
    if isinstance(value, Named):
        return _recorded(library.build(value.name, value.options), record, name)
    if isinstance(value, dict):
        return {key: build(item, generators, record, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(build(item, generators, record, name) for item in value)
    return fresh(value)


def _recorded(function: Callable[..., Any], record: list[Any], name: str) -> Callable[..., Any]:
    def recorded(*given: Any, **named: Any) -> Any:
        if len(record) < MOST_RECORDED:
            kept = (g for g in (*given, *named.values()) if not isinstance(g, np.random.Generator))
            record.append((name, tuple(fresh(g) for g in kept)))
        return function(*given, **named)

    return recorded


def _global_random() -> tuple[Any, ...]:
    """The state of NumPy's global generator, read where it lies: a copy takes longer than most calls."""
    generator = np.random.get_bit_generator()
    if type(generator) is not np.random.MT19937:  # somebody has put another in its place
        return id(generator), repr(generator.state)
    return id(generator), ctypes.string_at(generator.ctypes.state_address, MERSENNE_TWISTER)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimedOut`` inside the block after ``seconds``, where the platform and the thread allow it."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: Any) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, ring)
    # a bare `except:` in a loop may swallow the first ring: ring again
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let a recursive solution go 500 nodes deep with a few frames for each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}"[:300]


def _lost_numpy(function: Any) -> str:
    """Say that ``np`` is no longer NumPy, where a learner's cell gave that name to something else."""
    code, names = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    if code is None or "np" not in code.co_names or names.get("np", np) is np:
        return ""
    kind = type(names["np"]).__name__
    return f" (np is no longer NumPy: a cell made it an object of type {kind}; run the first cell again)"


def learners_line(error: BaseException) -> str:
    """Return 'line 7: v = velocity["dW1"]', the innermost line that is the learner's own."""
    found = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        path = frame.f_code.co_filename
        if "site-packages" not in path and path != __file__ and not path.startswith("<__array"):
            source = linecache.getline(path, number).strip()
            if source and not path.endswith((".py", ".pyx")):
                found = f"line {number}: {source}"[:200]
    return found


def _changes(path: str, was: Any, now: Any) -> list[str]:
    """Name what is no longer what it was, down to the entry of a dict or list."""
    if isinstance(was, (Draws, Named)):
        return []
    if type(was) is not type(now):
        return [path]
    if isinstance(was, np.ndarray):
        same = was.shape == now.shape and was.dtype == now.dtype and was.tobytes() == now.tobytes()
        return [] if same else [path]
    if isinstance(was, dict):
        if was.keys() != now.keys():
            return [path]
        return [p for key in was for p in _changes(f"{path}[{key!r}]", was[key], now[key])]
    if isinstance(was, (list, tuple)):
        if len(was) != len(now):
            return [path]
        return [
            p for i, pair in enumerate(zip(was, now, strict=True)) for p in _changes(f"{path}[{i}]", *pair)
        ]
    return [] if was == now or was != was else [path]


def _arrays(path: str, value: Any, depth: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    if depth > 20:
        return
    if isinstance(value, np.ndarray):
        yield path, value
    elif type(value) is dict:
        for key, item in value.items():
            yield from _arrays(f"{path}[{key!r}]", item, depth + 1)
    elif type(value) in (list, tuple):
        for i, item in enumerate(value):
            yield from _arrays(f"{path}[{i}]", item, depth + 1)


def _overlaps(value: Any, arguments: dict[str, Any]) -> list[str]:
    """Say which returned arrays overlap in memory with an argument or with each other."""
    there = [pair for name, argument in arguments.items() for pair in _arrays(name, argument)]
    owners = {id(array) for _, array in there if array.base is None}
    views = [pair for pair in there if pair[1].base is not None]
    found: list[str] = []
    for path, array in itertools.islice(_arrays("result", value), 2000):
        is_new_owner = array.base is None and id(array) not in owners  # only views can reach into that
        for other_path, other in views if is_new_owner else there:
            if np.may_share_memory(array, other) and _share(array, other):
                found.append(f"{path} and {other_path}")
                if len(found) == 5:
                    return found
        there.append((path, array))
        if array.base is None:
            owners.add(id(array))
        else:
            views.append((path, array))
    return found


def _share(a: np.ndarray, b: np.ndarray) -> bool:
    try:
        return bool(np.shares_memory(a, b, max_work=100_000))
    except np.exceptions.TooHardError:
        return True
