"""Splits: three parts that hold every index once, at random."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import kind_in_words, listed, show
from course_utils.examine import Finding
from course_utils.properties.chance import allowed

PARTS = ("train", "dev", "test")
OTHER_SIZES = {
    "rounded down": (lambda m, d, t: (int(d * m), int(t * m)), "sizes are cut off, not rounded"),
    "rounded up": (lambda m, d, t: (math.ceil(d * m), math.ceil(t * m)), "sizes are rounded up"),
    "halves up": (
        lambda m, d, t: (math.floor(d * m + 0.5), math.floor(t * m + 0.5)),
        "a half is always rounded up; Python's round takes it to the even neighbour",
    ),
    "test of the rest": (
        lambda m, d, t: (round(d * m), round(t * (m - round(d * m)))),
        "test got its fraction of what dev had left, not of all examples",
    ),
    "test up to the sum": (
        lambda m, d, t: (round(d * m), round((d + t) * m) - round(d * m)),
        "dev and test were rounded together, not each by itself",
    ),
    "train rounded": (
        lambda m, d, t: (round(d * m), m - round(d * m) - round((1 - d - t) * m)),
        "train was rounded and test got the rest",
    ),
    "empty test is all": (
        lambda m, d, t: (round(d * m), round(t * m)) if round(t * m) else (0, m),
        "a test part that should be empty took all indices",
    ),
    "dev and test exchanged": (
        lambda m, d, t: (round(t * m), round(d * m)),
        "dev has the size of test, and test that of dev",
    ),
}


def _split_badly(seen: Observation) -> Finding | None:
    """Say what is wrong with the form of (train, dev, test); None if these are three arrays of integers."""
    value = seen.value
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        return Finding(
            "split:kind", "the result should be three arrays: train, dev, test", kind_in_words(value)
        )
    for name, part in zip(PARTS, value, strict=True):
        if not isinstance(part, np.ndarray) or part.ndim != 1:
            return Finding("split:arrays", f"{name} should be an array with one axis", kind_in_words(part))
    kinds = "".join(part.dtype.kind for part in value)
    if "b" in kinds:
        return Finding("split:masks", "the parts should hold indices, not True and False")
    if not set(kinds) <= set("iu"):
        code = (
            "split:empty of floats"
            if all(p.size == 0 or p.dtype.kind in "iu" for p in value)
            else "split:floats"
        )
        saw = ", ".join(f"{name} of type {p.dtype}" for name, p in zip(PARTS, value, strict=True))
        return Finding(code, "the indices should be integers, in an empty part too", saw, "integers",
                       "Which number type does an array have that nobody filled?")  # fmt: skip
    return None


def parts_hold_all(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Three arrays of integers that together hold 0 to m-1, each once."""
    for call, seen in zip(calls, observations, strict=True):
        found, m = _split_badly(seen), int(call.arguments["m"])
        if found:
            return [found]
        indices = np.sort(np.concatenate(seen.value))
        if np.array_equal(indices, np.arange(m)):
            continue
        code, problem = "split:left out", "some indices are in no part"
        if np.array_equal(indices, np.arange(1, m + 1)):
            code, problem = "split:from 1", "the indices count from 1, not from 0"
        elif indices.size and (indices[0] < 0 or indices[-1] >= m):
            code, problem = "split:no index", "there are numbers that are no index"
        elif any(len(set(part.tolist())) < part.size for part in seen.value):
            code, problem = "split:twice in a part", "a part holds an index more than once"
        elif len(set(indices.tolist())) < indices.size:
            code, problem = "split:in two parts", "an index is in more than one part"
        saw = "; ".join(f"{name} {show(part)}" for name, part in zip(PARTS, seen.value, strict=True))
        return [Finding(code, problem, saw, f"0 to {m - 1}, each in one part")]
    return []


def parts_have_their_sizes(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Dev and test have round(fraction * m) indices each, train the rest."""
    sizes, given = [], []
    for call, seen in zip(calls, observations, strict=True):
        found = _split_badly(seen)
        if found:
            return [found]
        sizes.append(tuple(part.size for part in seen.value))
        given.append(tuple(call.arguments[name] for name in ("m", "dev_fraction", "test_fraction")))
    asked = [_sizes(m, round(d * m), round(t * m)) for m, d, t in given]
    if sizes == asked:
        return []
    k = next(i for i, (size, right) in enumerate(zip(sizes, asked, strict=True)) if size != right)
    code, problem = "other", "the parts do not have the sizes asked for"
    if sizes == [(dev, test, train) for train, dev, test in asked]:
        code, problem = "train last", "train is returned last; it should come first"
    for name, (rule, said) in OTHER_SIZES.items():
        if sizes == [_sizes(m, *rule(m, d, t)) for m, d, t in given]:
            code, problem = name, said
            break
    if len(set(zip(given, sizes, strict=True))) > len(set(given)):
        code, problem = "by chance", "equal fractions of equally many examples gave parts of unlike sizes"
    (m, d, t), shown = given[k], ["{} train, {} dev, {} test".format(*each[k]) for each in (sizes, asked)]
    return [Finding(f"sizes:{code}", problem, shown[0], f"{shown[1]} (m = {m}, fractions {d:g} and {t:g})")]


def _sizes(m: int, n_dev: int, n_test: int) -> tuple[int, int, int]:
    return m - n_dev - n_test, n_dev, n_test


def parts_are_random(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Any index may be in any part, in any place: for calls of one size, each with a generator of its own.

    Parts of at least 14 are sorted by chance once in 1e10 times; in smaller ones only counts are judged.
    """
    found = next(filter(None, map(_split_badly, observations)), None)
    if found:
        return [found]
    splits = [[part.astype(np.int64) for part in seen.value] for seen in observations]
    m = int(calls[0].arguments["m"])
    orders = [np.concatenate(parts) for parts in splits]
    if any(not np.array_equal(np.sort(order), np.arange(m)) for order in orders):
        return [Finding("random:incomplete", "the parts do not hold every index once")]
    code, problem = "", ""
    long = [[p for p in parts if p.size >= 14] for parts in splits]
    ordered = [name for name, *drawn in zip(PARTS, *splits, strict=True)
               if any(p.size >= 14 and (_rises(p) or _rises(-p)) for p in drawn)]  # fmt: skip
    blocks = any(long) and any(all(np.ptp(p) == p.size - 1 for p in parts if p.size) for parts in splits)
    if blocks:
        code = "old order" if ordered else "inside the parts only"
        problem = "each part holds indices that stood side by side"
    elif ordered:
        code, problem = f"{' and '.join(ordered)} in order", f"{' and '.join(ordered)} came out sorted"
    elif len(orders) > 1 and all(np.array_equal(order, orders[0]) for order in orders):
        code, problem = "always the same", "other generators give the same split"
    elif m >= 40 and any((np.abs(np.diff(order)) == 1).sum() >= 20 for order in orders):
        code, problem = "runs", "most indices come out beside their old neighbours"
    elif m >= 40 and any(
        abs(np.corrcoef(order, np.arange(m))[0, 1]) * np.sqrt(m - 1) > 6.3 for order in orders
    ):
        code, problem = "near", "indices stay near their old places"
    elif len(splits) >= 20 and _favoured(splits, m):  # fewer calls cannot tell
        code, problem = "favoured", "an index has a part or a place of its own, whatever the generator"
    if not code:
        return []
    saw = "; ".join(f"{name} {listed(part[:6])}, ..." for name, part in zip(PARTS, splits[0], strict=True))
    return [Finding(f"random:{code}", problem, saw, "a random order of all indices, cut into three")]


def _rises(part: np.ndarray) -> bool:
    return bool((np.diff(part) > 0).all())


def _favoured(splits: Sequence[Any], m: int) -> bool:
    """Count over all calls in which part each index is, and which index comes first in each part."""
    for k in range(3):
        parts = [parts[k] for parts in splits if parts[k].size]
        if len(parts) == len(splits) and len({part.size for part in parts}) == 1:
            inside = np.bincount(np.concatenate(parts), minlength=m)
            first = np.bincount([part[0] for part in parts], minlength=m)
            for counts, p in ((inside, parts[0].size / m), (first, 1 / m)):
                if not all(allowed(int(count), len(parts), p) for count in counts):
                    return True
    return False


def parts_are_right(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """The parts hold every index once, and have the sizes asked for."""
    return parts_hold_all(calls, observations) or parts_have_their_sizes(calls, observations)
