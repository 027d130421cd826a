"""Are two results the same, and if not, what differs?

The expected value leads: its keys, shapes and kinds are what is asked for. Numbers agree when they differ
by at most ``rtol`` of the expected value plus ``atol`` of the largest entry beside it, so that tiny values
are judged as strictly as large ones and rounding in a sum is forgiven.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from course_utils.plain import Foreign


@dataclass(frozen=True)
class Difference:
    """One place where a result is not what was asked for.

    ``kind`` is one of missing, extra, kind, shape, finite, value. The words are found when they are read:
    ``problem`` is a sentence without any number of the data; ``saw`` and ``expected`` show the numbers.
    """

    where: str
    kind: str
    tell: Callable[[], tuple[str, str, str]] = field(compare=False, repr=False)

    @cached_property
    def _words(self) -> tuple[str, str, str]:
        return self.tell()

    @property
    def problem(self) -> str:
        return self._words[0]

    @property
    def saw(self) -> str:
        return self._words[1]

    @property
    def expected(self) -> str:
        return self._words[2]


def _told(where: str, kind: str, problem: str, saw: str, expected: str) -> Difference:
    return Difference(where, kind, lambda: (problem, saw, expected))


def differences(
    actual: Any, expected: Any, *, name: str = "the result", rtol: float = 1e-7, atol: float = 1e-10
) -> list[Difference]:
    """List what differs, the first difference of each array only."""
    if isinstance(expected, dict):
        return _dicts(actual, expected, name, rtol, atol)
    if isinstance(expected, (list, tuple)):
        return _sequences(actual, expected, name, rtol, atol)
    if isinstance(expected, np.ndarray):
        return _arrays(actual, expected, name, rtol, atol)
    if isinstance(expected, (set, str)) or expected is None:
        same_kind = type(actual) is type(expected)
        if same_kind and actual == expected:
            return []
        problem = f"{name} should be {kind_in_words(expected)}, not {kind_in_words(actual)}"
        if same_kind:
            problem = f"{name} is not the right {'text' if isinstance(expected, str) else 'set'}"
        return [_told(name, "value" if same_kind else "kind", problem, show(actual), show(expected))]
    return _scalars(actual, expected, name, rtol, atol)


def same(actual: Any, expected: Any, *, rtol: float = 1e-7, atol: float = 1e-10) -> bool:
    """Tell whether two results agree."""
    return not differences(actual, expected, rtol=rtol, atol=atol)


def _dicts(actual: Any, expected: dict, name: str, rtol: float, atol: float) -> list[Difference]:
    if not isinstance(actual, dict):
        problem = f"{name} should be a dict, not {kind_in_words(actual)}"
        return [_told(name, "kind", problem, kind_in_words(actual), f"a dict with keys {listed(expected)}")]
    found = []
    missing = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    if missing:
        problem = f"{name} lacks the key{'s' if len(missing) > 1 else ''} {listed(missing)}"
        found.append(_told(name, "missing", problem, f"keys {listed(actual)}", f"keys {listed(expected)}"))
    if extra:
        problem = f"{name} has keys that do not belong there: {listed(extra)}"
        found.append(_told(name, "extra", problem, f"keys {listed(actual)}", f"keys {listed(expected)}"))
    for key, value in expected.items():
        if key in actual:
            inner = f"{name}[{key!r}]"
            found += differences(actual[key], value, name=inner, rtol=rtol, atol=atol)
    return found


def _sequences(actual: Any, expected: list | tuple, name: str, rtol: float, atol: float) -> list[Difference]:
    if not isinstance(actual, (list, tuple)):
        what = f"a {type(expected).__name__} of {len(expected)}"
        problem = f"{name} should be {what}, not {kind_in_words(actual)}"
        return [_told(name, "kind", problem, kind_in_words(actual), what)]
    if len(actual) != len(expected):
        problem = f"{name} has the wrong number of items"
        return [_told(name, "shape", problem, f"{len(actual)} items", f"{len(expected)} items")]
    found = []
    for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
        found += differences(a, e, name=f"{name}[{i}]", rtol=rtol, atol=atol)
    return found


def _arrays(actual: Any, expected: np.ndarray, name: str, rtol: float, atol: float) -> list[Difference]:
    asked = f"an array of shape {expected.shape}"
    is_number = isinstance(actual, numbers.Number) and expected.shape == ()
    if not isinstance(actual, np.ndarray) and not is_number:
        problem = f"{name} should be {asked}, not {kind_in_words(actual)}"
        return [_told(name, "kind", problem, kind_in_words(actual), asked)]
    actual = np.asarray(_as_float(actual) if isinstance(actual, int) and abs(actual) >= 2**63 else actual)
    if actual.shape != expected.shape:
        problem = f"{name} has shape {actual.shape}, but {expected.shape} is asked for"
        problem += _shape_hint(actual, expected)
        return [_told(name, "shape", problem, f"shape {actual.shape}", f"shape {expected.shape}")]
    if expected.dtype == bool and actual.dtype != bool:
        problem = f"{name} should hold True and False, not {_entries(actual)}"
        return [_told(name, "kind", problem, f"entries of type {actual.dtype}", "entries of type bool")]
    if expected.dtype.kind in "iu" and actual.dtype.kind not in "iu":
        problem = f"{name} should hold integers, not {_entries(actual)}"
        return [_told(name, "kind", problem, f"entries of type {actual.dtype}", "integers")]
    if expected.dtype.kind == "f" and actual.dtype == bool:
        problem = f"{name} should hold numbers, not True and False"
        return [_told(name, "kind", problem, "entries of type bool", "numbers")]
    return _values(actual, expected, name, rtol, atol)


def _values(
    actual: np.ndarray, expected: np.ndarray, name: str, rtol: float, atol: float
) -> list[Difference]:
    wrong = ~agree(actual, expected, rtol, atol)
    if not wrong.any():
        return []
    actual, expected = actual.copy(), expected.copy()
    finite = (
        np.isfinite(actual.astype(np.float64)).all() or not np.isfinite(expected.astype(np.float64)).all()
    )
    kind = "value" if finite else "finite"
    return [Difference(name, kind, lambda: _words_for(actual, expected, wrong, name, kind))]


def _words_for(
    actual: np.ndarray, expected: np.ndarray, wrong: np.ndarray, name: str, kind: str
) -> tuple[str, str, str]:
    """Say which entries are wrong, and how they went wrong together."""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    entry = f"{name}[{', '.join(map(str, at))}]" if at else name
    saw, asked = f"{entry} is {show(actual[at])}", show(expected[at])
    if kind == "finite":
        bad = "nan" if np.isnan(actual.astype(np.float64)).any() else "inf"
        return f"{name} holds {bad}", saw, f"{asked}; every entry a finite number"
    share = "no entry agrees" if wrong.all() else f"{int(wrong.sum())} of {wrong.size} entries differ"
    if wrong.size == 1:
        share = "the value differs"
    return f"{name} has the right shape, but {share}{_relation(actual, expected)}", saw, asked


def agree(actual: Any, expected: Any, rtol: float = 1e-7, atol: float = 1e-10) -> np.ndarray:
    """Return the boolean array that is True where ``actual`` is close enough to ``expected``."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if expected.dtype.kind != "f" and actual.dtype.kind != "f":
        return np.asarray(actual == expected)
    a, e = actual.astype(np.float64, copy=False), expected.astype(np.float64, copy=False)
    if a.shape == e.shape and a.tobytes() == e.tobytes():  # most right answers, to the last bit
        return np.ones(e.shape, dtype=bool)
    with np.errstate(all="ignore"):
        size = np.abs(e)
        finite = np.isfinite(e)
        all_finite = bool(finite.all())
        largest = size if all_finite else size[finite]
        scale = largest.max() if largest.size else 0.0
        near = np.abs(a - e) <= rtol * size + atol * scale
        if all_finite:
            return np.asarray(near)
        return np.asarray(near & finite | (a == e) | (np.isnan(a) & np.isnan(e)))


def _relation(actual: np.ndarray, expected: np.ndarray) -> str:
    """Say how all entries went wrong together, if they did."""
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    if not e.any() or not np.isfinite(a).all() or not np.isfinite(e).all():
        return ""
    if agree(a, -e).all():
        return ": every sign is the other way round"
    if a.ndim == 2 and a.shape[0] == a.shape[1] and agree(a.T, e).all():
        return ": it is the transpose of what is asked for"
    if not a.any():
        return ": every entry is 0"
    with np.errstate(all="ignore"):
        ratio = a[e != 0] / e[e != 0]
        offset = a - e
    if a.size > 1 and not a[e == 0].any() and agree(ratio, np.full_like(ratio, ratio[0])).all():
        return ": all entries are off by one common factor"
    if a.size > 1 and agree(offset, np.full_like(offset, offset.flat[0])).all():
        return ": all entries are off by the same amount"
    return ""


def _scalars(actual: Any, expected: Any, name: str, rtol: float, atol: float) -> list[Difference]:
    if isinstance(actual, np.generic) or (isinstance(actual, np.ndarray) and actual.shape == ()):
        actual = actual.item()
    asked = kind_in_words(expected)
    if isinstance(actual, np.ndarray):
        problem = f"{name} should be {asked}, not an array of shape {actual.shape}"
        return [_told(name, "kind", problem, f"an array of shape {actual.shape}", asked)]
    truth = isinstance(expected, bool)
    whole = isinstance(expected, int)
    fits = (
        isinstance(actual, bool) == truth
        and isinstance(actual, (int, float))
        and (not whole or isinstance(actual, int))
    )
    if not fits:
        problem = f"{name} should be {asked}, not {kind_in_words(actual)}"
        return [_told(name, "kind", problem, show(actual), show(expected))]
    if whole:
        agrees = actual == expected
    else:
        actual = _as_float(actual)
        agrees = bool(agree(actual, expected, rtol, atol))
    if agrees:
        return []
    if not whole and np.isfinite(expected) and not np.isfinite(actual):
        return [_told(name, "finite", f"{name} is {actual}", show(actual), show(expected))]
    relation = "" if truth or not expected or actual != -expected else ": the sign is the other way round"
    return [_told(name, "value", f"{name} is not the right value{relation}", show(actual), show(expected))]


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _shape_hint(actual: np.ndarray, expected: np.ndarray) -> str:
    if actual.shape == expected.shape[::-1]:
        return ": rows and columns are swapped"
    if actual.ndim < 2 and expected.ndim == 2:
        return ": an axis was lost (keepdims=True keeps it)"
    return ": the right number of entries in another arrangement" if actual.size == expected.size else ""


def _entries(array: np.ndarray) -> str:
    return {"b": "True and False", "f": "floats", "i": "integers", "u": "integers"}.get(
        array.dtype.kind, "that"
    )


def kind_in_words(value: Any) -> str:
    """Say what kind of thing a value is: 'a list of 3', 'an array of shape (2, 1)', 'None'."""
    if isinstance(value, Foreign):
        return value.description
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (list, tuple, set, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    names = {bool: "True or False", int: "an integer", float: "a float", str: "a text", type(None): "None"}
    return names.get(type(value), f"a {type(value).__name__}")


def show(value: Any) -> str:
    """Write a small value the way a person would read it."""
    if isinstance(value, Foreign):
        return value.description
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.7g}"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=5, threshold=20, max_line_width=90)
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def listed(names: Any) -> str:
    """Join names for a sentence, the long tail cut."""
    names = [str(name)[:40] for name in names]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "") or "none"
