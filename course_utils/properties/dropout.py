"""Dropout on one layer: the mask, the factor, and the independence of entries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import kind_in_words, show
from course_utils.examine import Finding
from course_utils.properties.chance import CHANCE, allowed, binomial_range, pairs, too_even


def tolerance(*arrays: Any) -> float:
    return 1e-4 if any(np.asarray(a).dtype in (np.float16, np.float32) for a in arrays) else 1e-7


def _opened(seen: Observation) -> tuple[Any, Any] | None:
    """Return (A_dropped, mask), the mask made boolean; None where there is no pair of arrays."""
    value = seen.value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    A_dropped, mask = value
    if (
        not isinstance(A_dropped, np.ndarray)
        or not isinstance(mask, np.ndarray)
        or mask.dtype.kind not in "biuf"
    ):
        return None
    return (mask, A_dropped.astype(bool)) if A_dropped.dtype == bool else (A_dropped, mask.astype(bool))


def _no_pair(seen: Observation) -> list[Finding]:
    return [
        Finding(
            "return:no pair",
            "the result should be a pair of arrays: the activations after dropout, and the mask",
            kind_in_words(seen.value),
            "a tuple (A_dropped, mask)",
            "Does your function end with `return A_dropped, mask`?",
        )
    ]


def mask_fits_result(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that the result is 0 where the boolean mask is False, and kept where it is True."""
    for call, seen in zip(calls, observations, strict=True):
        found = _mask_fits(np.asarray(call.arguments["A"]), seen)
        if found:
            return [found]
    return []


def _mask_fits(A: np.ndarray, seen: Observation) -> Finding | None:
    opened = _opened(seen)
    if opened is None:
        return _no_pair(seen)[0]
    A_dropped, given = seen.value
    if A_dropped.dtype == bool:
        return Finding(
            "return:swapped",
            "the mask and the activations come in the wrong order",
            "(mask, A_dropped)",
            "(A_dropped, mask)",
            "Which of the two does the docstring name first?",
        )
    asked = f"shape {A.shape}, as A has"
    if A_dropped.shape != A.shape:
        problem = "the activations changed their shape"
        return Finding("result:shape", problem, f"A_dropped of shape {A_dropped.shape}", asked)
    if given.shape != A.shape:
        problem = "the mask does not have the shape of A"
        ask = "How many decisions do you draw, and how many entries has A?"
        return Finding("mask:shape", problem, f"a mask of shape {given.shape}", asked, ask)
    if given.dtype != bool:
        scaled = not np.isin(given, (0, 1)).all()
        return Finding(
            "mask:scaled" if scaled else "mask:numbers",
            "the mask holds numbers, not True and False",
            f"entries such as {show(given.ravel()[0])}, of type {given.dtype}",
            "True where an entry is kept, False where it is not",
            "The mask says who was kept, the scale is a matter of its own: which comparison gives True and"
            " False?"
            if scaled
            else "Which comparison gives True and False by itself? Leave its result as it is.",
        )
    silent, alive = A_dropped == 0, A != 0
    if (silent == given)[alive].all():
        return Finding(
            "mask:marks the dropped",
            "the mask is True where an entry was dropped",
            "True where A_dropped is 0",
            "True where an entry was kept",
            "In which of the two ways does `A * mask` read the mask?",
        )
    if (alive & ~given).any() and not silent[alive].any():
        return Finding(
            "dropped:nothing",
            "the mask drops entries, and the result keeps them all",
            f"{show(A_dropped[alive & ~given][0])} where the mask is False",
            "0 where the mask is False",
            "Which line of yours multiplies by the mask?",
        )
    if not silent[~given].all():
        return Finding(
            "dropped:not zero",
            "there are entries that the mask drops and the result keeps",
            f"{show(A_dropped[~given & ~silent][0])} where the mask is False",
            "0 where the mask is False",
            "Is what you return the product of A and this very mask?",
        )
    if silent[given & alive].any():
        return Finding(
            "kept:zero",
            "there are entries that the mask keeps and the result has lost",
            "0 where the mask is True and A is not 0",
            "A, scaled, where the mask is True",
            "Do you use one mask for the product and return another one?",
        )
    return None


def kept_is_scaled(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check the factor by which kept entries were multiplied; which ones are kept is judged elsewhere."""
    factors: list[tuple[float, float, np.ndarray]] = []
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is None:
            return _no_pair(seen)
        A, keep_prob = np.asarray(call.arguments["A"]), float(call.arguments["keep_prob"])
        A_dropped = opened[0]
        if A_dropped.shape != A.shape:
            problem = "the activations changed their shape"
            return [Finding("result:shape", problem, f"shape {A_dropped.shape}", f"shape {A.shape}")]
        with np.errstate(all="ignore"):
            ratio = np.asarray(A_dropped, dtype=np.float64)[A != 0] / np.asarray(A, dtype=np.float64)[A != 0]
        ratio = ratio[ratio != 0]
        if ratio.size:
            factors.append((keep_prob, float(opened[1].mean()), ratio))
    if all(_is_factor(ratio, 1 / p, calls) for p, _, ratio in factors):
        return []
    named = {
        "scale:missing": (1.0, "nothing makes up for what was dropped"),
        "scale:times keep_prob": (lambda p, _: p, "what is kept was made smaller once more"),
        "scale:by the dropped share": (
            lambda p, _: 1 / (1 - p) if p < 1 else np.inf,
            "what is kept has the wrong size",
        ),
        "scale:times the dropped share": (lambda p, _: 1 - p, "what is kept has the wrong size"),
        "scale:twice": (lambda p, _: 1 / p**2, "what is kept was scaled twice"),
        "scale:by the measured share": (
            lambda _, share: 1 / share if share else np.inf,
            "what is kept was scaled by how many happened to be kept",
        ),
    }
    p, _, ratio = next(each for each in factors if not _is_factor(each[2], 1 / each[0], calls))
    saw = f"a kept entry times {show(float(ratio[0]))}, at keep_prob = {p:g}"
    expected = "on average over many masks, every entry comes out as large as it went in"
    ask = f"An entry survives with probability {p:g}: what is its average, and what makes up for the loss?"
    for code, (factor, problem) in named.items():
        made = [(r, factor if isinstance(factor, float) else factor(q, share)) for q, share, r in factors]
        if all(_is_factor(r, f, calls) for r, f in made):
            return [Finding(code, problem, saw, expected, ask)]
    if any(not np.isfinite(r).all() for *_, r in factors):
        return [Finding("scale:not finite", "kept entries became inf or nan", saw, expected, ask)]
    return [Finding("scale:other", "what is kept has the wrong size", saw, expected, ask)]


def _is_factor(ratio: np.ndarray, factor: float, calls: Sequence[Call]) -> bool:
    rtol = tolerance(*(call.arguments["A"] for call in calls))
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(ratio - factor) <= rtol * abs(factor)) | (ratio == factor)))


def decisions(mask: np.ndarray) -> np.ndarray:
    """Leave out what only repeats: where all columns are alike, one is kept, and so with rows.

    So one mask for a whole unit is one mistake (entries_independent names it) and not a wrong share as well.
    """
    if mask.all() or not mask.any():
        return mask
    if mask.shape[1] > 1 and (mask == mask[:, :1]).all():
        mask = mask[:, :1]
    if mask.shape[0] > 1 and (mask == mask[:1]).all():
        mask = mask[:1]
    return mask


def _drawn_masks(
    calls: Sequence[Call], observations: Sequence[Observation]
) -> Iterator[tuple[np.ndarray, float, np.ndarray]]:
    """Go through (A, keep_prob, mask) of all calls whose result can be read, each different mask once."""
    known = set()
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is not None and opened[1].ndim == 2:
            key = (opened[1].shape, opened[1].tobytes())
            if key not in known or opened[1].all():
                known.add(key)
                yield np.asarray(call.arguments["A"]), float(call.arguments["keep_prob"]), opened[1]


def _unrelated(A: np.ndarray, mask: np.ndarray) -> Finding | None:
    """Find a mask that has neither an entry for each of A's, nor one for each unit or example."""
    if mask.size in (A.size, *A.shape):
        return None
    saw = f"a mask of shape {mask.shape}"
    return Finding("mask:shape", "the mask does not have the shape of A", saw, f"shape {A.shape}, as A has")


def kept_share(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that entries are kept with probability keep_prob, all and those of each kind of value."""
    counted, off_kinds = [], []
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is None:
            return _no_pair(seen)
        unrelated = _unrelated(np.asarray(call.arguments["A"]), opened[1])
        if unrelated:
            return [unrelated]
    for A, p, mask in _drawn_masks(calls, observations):
        drawn = decisions(mask)
        counted.append((int(drawn.sum()), drawn.size, p))
        if drawn.shape == A.shape:
            off_kinds += _kinds_off(A, p, mask)
    off = [(kept, n, p) for kept, n, p in counted if not allowed(kept, n, p)]
    if off_kinds:
        return [
            Finding(
                f"kept by value:{off_kinds[0]}",
                "whether an entry is kept depends on its value",
                f"among the {off_kinds[0]} entries another share is kept than among the rest",
                "the same chance for every entry, whatever its value",
                "The mask is drawn before anybody looks at A: from what do you compute yours?",
            )
        ]
    if not off:
        return []
    kept, n, p = off[0]
    low, high = binomial_range(n, p)
    saw = f"{kept} of {n} entries kept, at keep_prob = {p:g}"
    expected = f"between {low} and {high}" if low < high else f"{low}"
    ask = f"rng.random(shape) gives numbers between 0 and 1: how often is `number < {p:g}` true?"
    code, problem = _wrong_rate(counted)
    return [Finding(code, problem, saw, expected, ask)]


def _kinds_off(A: np.ndarray, p: float, mask: np.ndarray) -> list[str]:
    """Name the kinds of value that are kept too often or too seldom while the others are not."""
    middle = np.median(np.abs(A[A != 0])) if (A != 0).any() else 0
    kinds = {
        "zero": A == 0,
        "negative": A < 0,
        "large": np.abs(A) > middle,
        "small": (np.abs(A) <= middle) & (A != 0),
    }
    found = []
    for kind, those in kinds.items():
        if those.any() and not those.all():
            fits = [allowed(int(mask[g].sum()), int(g.sum()), p) for g in (those, ~those)]
            if not fits[0] and fits[1]:
                found.append(kind)
    return found


def _wrong_rate(counted: Sequence[tuple[int, int, float]]) -> tuple[str, str]:
    guesses = {
        "share:dropped instead": (lambda p: 1 - p, "keep_prob is used as the chance of dropping"),
        "share:from a normal": (
            lambda p: 0.5 * (1 + math.erf(p / math.sqrt(2))),
            "the share that is kept is not keep_prob, and at keep_prob = 1 some entries are still dropped",
        ),
        "share:always half": (lambda _: 0.5, "one half is kept whatever keep_prob is"),
        "share:all": (lambda _: 1.0, "every entry is kept"),
        "share:none": (lambda _: 0.0, "no entry is kept"),
    }
    for code, (rate, problem) in guesses.items():
        if all(allowed(kept, n, rate(p)) for kept, n, p in counted):
            return code, problem
    return "share:other", "the share of entries that is kept is not keep_prob"


def entries_independent(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Check that each entry is drawn on its own: not by column, row or count, nor as it was before."""
    for call, seen in zip(calls, observations, strict=True):
        opened = _opened(seen)
        if opened is None:
            return _no_pair(seen)
        A = np.asarray(call.arguments["A"])
        unrelated = _unrelated(A, opened[1])
        if unrelated:
            return [unrelated]
        if opened[1].shape != A.shape:
            by = {(A.shape[0], 1): "columns", (A.shape[0],): "columns", (1, A.shape[1]): "rows"}
            direction = by.get(opened[1].shape) or by.get(tuple(s for s in opened[1].shape if s != 1))
            return [_alike(direction, f"a mask of shape {opened[1].shape}")] if direction else []
    drawn = list(_drawn_masks(calls, observations))
    for _, p, mask in drawn:
        found = dependence(mask, p)
        if found:
            return [found]
    for (_, p, mask), (_, q, other) in itertools.pairwise(drawn):
        if mask.shape == other.shape and not agreement_allowed(mask, other, p, q):
            saw = (
                f"{int((mask == other).sum())} of {mask.size} entries equal in two calls, one after the other"
            )
            return [
                Finding("alike:calls", "the mask of one call tells something about that of the next", saw)
            ]
    if drawn and len({(mask.shape, p) for _, p, mask in drawn}) == 1:
        _, p, mask = drawn[0]
        counts = np.array([m.sum() for *_, m in drawn])
        if too_even(counts, mask.size, p):
            return [_counted("whole", "mask", counts)]
    return []


def dependence(mask: np.ndarray, p: float) -> Finding | None:
    """Say how the entries of one mask depend on each other; None where chance allows what is seen."""
    if 0 in mask.shape or not 0 < p < 1:
        return None
    reduced = decisions(mask)
    # one row or one column of few decisions may be all alike by chance
    if reduced.shape != mask.shape and p**reduced.size + (1 - p) ** reduced.size < 1:
        repeats = mask.size - reduced.size
        if repeats * math.log(max(p, 1 - p)) < math.log(CHANCE):
            direction = "columns" if reduced.shape[1] < mask.shape[1] else "rows"
            return _alike(direction, f"{direction} that are all alike")
    for direction, lines in (("columns", mask), ("rows", mask.T)):
        for lag in {1, 2, 3, lines.shape[1] // 2} - {0}:
            left, right = pairs(lines, lag)
            if not agreement_allowed(left, right, p, p):
                equal = int((left == right).sum())
                saw = f"{direction} {lag} apart are equal in {equal} of {left.size} entries"
                return Finding(
                    f"related:{direction}", f"{direction} of the mask tell something about each other", saw
                )
    for direction, axis in (("column", 0), ("row", 1)):
        if too_even(mask.sum(axis=axis), mask.shape[axis], p):
            return _counted(direction, direction, mask.sum(axis=axis))
    return None


def agreement_allowed(mask: np.ndarray, other: np.ndarray, p: float, q: float) -> bool:
    equal = p * q + (1 - p) * (1 - q)
    return allowed(int((mask == other).sum()), mask.size, equal)


def _alike(direction: str, saw: str) -> Finding:
    problem, ask = {
        "columns": (
            "all examples share one mask: a unit is silent for all of them or for none",
            "Columns are examples. How many numbers must be drawn, so that each example loses other units?",
        ),
        "rows": (
            "all units share one mask: an example loses the whole layer or nothing",
            "Rows are units. How many numbers must be drawn, so that each unit is silenced on its own?",
        ),
    }[direction]
    return Finding(f"alike:{direction}", problem, saw, "every entry drawn on its own", ask)


def _counted(code: str, what: str, counts: np.ndarray) -> Finding:
    return Finding(
        f"counted:{code}",
        "the number of entries that are kept is always the same: they were not drawn each on its own",
        f"kept in each {what}: {', '.join(str(int(c)) for c in counts[:8])}, ...",
        "numbers that scatter around their mean, as those of coin tosses do",
        "Ten coin tosses do not always give five heads: does each of your entries toss its own coin?",
    )
