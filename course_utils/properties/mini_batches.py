"""Mini-batches: every example once, X and Y alike, in a random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.calls import Call, Observation
from course_utils.compare import kind_in_words, listed, show
from course_utils.examine import Finding

REPEATED, INSIDE = "batches:repeated", "batches:repeated inside"  # between batches, or inside one

# The examples of these calls are columns that all differ, so that a returned column tells which one it was.
# Bounds are those of a random order: a right solution fails one of them less than once in 1e9 checks.


def every_example_once(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Batches of the asked sizes that together hold every example exactly once."""
    dealt = [_dealt_badly(c.arguments, seen.value) for c, seen in zip(calls, observations, strict=True)]
    found = [each for each in dealt if each]
    # whoever draws with replacement repeats inside a batch sooner or later: that tells more
    telling = [each for each in found if each.code == INSIDE and found[0].code == REPEATED]
    return (telling or found)[:1]


def labels_follow_examples(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Column for column, each example has the label that it came with."""
    for call, seen in zip(calls, observations, strict=True):
        X, Y, value = call.arguments["X"], call.arguments["Y"], seen.value
        found = _dealt_badly(call.arguments, value)
        if found:
            return [found]
        order, dealt = _order_of(X, value), np.hstack([np.asarray(batch[1]) for batch in value])
        if not np.array_equal(dealt, Y[:, order]):
            still = np.array_equal(dealt, Y)
            return [
                Finding(
                    "labels:unmoved" if still else "labels:mixed up",
                    "Y came out in its old order while X was shuffled"
                    if still
                    else "examples have lost their labels",
                    f"example {order[0]} came with label {_column(dealt, 0)}",
                    f"its label {_column(Y, order[0])}",
                )
            ]
    return []


def examples_are_mixed(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """No trace of the old order is left, in none of several calls with generators of their own."""
    orders = []
    for call, seen in zip(calls, observations, strict=True):
        found = _dealt_badly(call.arguments, seen.value)
        if found:
            return [found]
        orders.append(_order_of(call.arguments["X"], seen.value))
    arguments = calls[0].arguments
    m, size = len(orders[0]), int(arguments["batch_size"])
    problem, code = "", ""
    if any(np.array_equal(order, np.arange(m)) for order in orders):
        code, problem = "order:old", "the examples come out in the order in which they went in"
    elif all(_same_groups(order, np.arange(m), size) for order in orders):
        inside = any((np.diff(order) < 0).sum() >= -(-m // size) for order in orders)
        code = "order:only inside batches" if inside else "order:only of batches"
        problem = "each batch holds examples that stood side by side before"
    # neighbours that stay neighbours: Poisson with mean 2, so 20 of them come once in 1e13
    elif any((np.abs(np.diff(order)) == 1).sum() >= 20 for order in orders):
        code, problem = "order:runs", "most examples come out beside their old neighbours"
    # the rank correlation of old and new place has standard deviation 1 / sqrt(m - 1), and is below 1
    elif any(abs(np.corrcoef(order, np.arange(m))[0, 1]) * np.sqrt(m - 1) > 6.3 for order in orders):
        code, problem = "order:near", "examples stay near their old places"
    elif all(np.array_equal(order, orders[0]) for order in orders[1:]):
        code, problem = "order:always the same", "other generators give the same order"
    elif _some_batch_never_changes(orders, size):
        code, problem = "order:fixed batch", "one batch holds the same examples whatever the generator"
    if not code:
        return []
    first = ", ".join(map(str, orders[0][:6]))
    saw = f"columns {first}, ... of X in this order"
    return [Finding(code, problem, saw, "a random order of all columns")]


def order_follows_rng(calls: Sequence[Call], observations: Sequence[Observation]) -> list[Finding]:
    """Generators in one state give one order; the next call and another generator give new ones."""
    orders = []
    for call, seen in zip(calls, observations, strict=True):
        found = _dealt_badly(call.arguments, seen.value)
        if found:
            return [found]
        orders.append(_order_of(call.arguments["X"], seen.value))
    for call, order in zip(calls[1:], orders[1:], strict=True):
        equal = np.array_equal(order, orders[0])
        if call.aid["compare"] == "equal" and not equal:
            problem = "two generators in the same state give two different orders"
            return [Finding("rng:not used", problem, "two orders", "one order: rng decides it")]
        if call.aid["compare"] == "new" and equal:
            problem = "the order is the same every time"
            return [Finding("rng:always the same", problem, "the same order again", "a new order each time")]
    return []


def _dealt_badly(arguments: Mapping[str, Any], batches: Any) -> Finding | None:
    """The first thing that is wrong with the batches as such; None if they hold every example once."""
    X, Y, size = np.asarray(arguments["X"]), np.asarray(arguments["Y"]), int(arguments["batch_size"])
    m = X.shape[1]
    if not isinstance(batches, list | tuple):
        return Finding("batches:kind", f"the result should be a list, not {kind_in_words(batches)}")
    for batch in batches:
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            problem = f"each item should be a pair (X_batch, Y_batch), not {kind_in_words(batch)}"
            return Finding("batches:pairs", problem)
        for name, part, whole in zip(("X_batch", "Y_batch"), batch, (X, Y), strict=True):
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "biuf":
                problem = f"{name} should be an array of numbers, not {kind_in_words(part)}"
                return Finding("batches:arrays", problem)
            if part.ndim != 2 or part.shape[0] != len(whole):
                problem = f"{name} should have a row for each row of {name[0]} and a column for each example"
                return Finding("batches:rows", problem, f"shape {part.shape}", f"{len(whole)} rows")
        if batch[0].shape[1] != batch[1].shape[1]:
            problem = "X_batch and Y_batch should have equally many columns"
            return Finding("batches:columns", problem, f"{batch[0].shape[1]} and {batch[1].shape[1]}")
    sizes = [batch[0].shape[1] for batch in batches]
    asked = [size] * (m // size) + ([m % size] if m % size else [])
    if sizes != asked:
        code, problem = "batches:sizes", "the batches have other sizes than asked for"
        if sizes == asked[:-1]:
            code, problem = "batches:rest dropped", "the examples left over at the end are in no batch"
        elif 0 in sizes:
            code, problem = "batches:empty", "there is a batch without examples"
        elif sum(sizes) > m:
            code, problem = "batches:filled up", "the batches hold more columns than there are examples"
        elif len(sizes) == len(asked) and sum(sizes) == m and max(sizes) - min(sizes) <= 1:
            code, problem = "batches:evened out", "all batches were made equally large, or nearly so"
        elif sizes == [*asked[:-2], sum(asked[-2:])]:
            code, problem = "batches:rest joined", "the last batch is larger than asked for"
        return Finding(code, problem, f"sizes {listed(sizes)}", f"sizes {listed(asked)}")
    dealt = np.hstack([batch[0] for batch in batches])
    if np.array_equal(dealt[:, np.lexsort(dealt)], X[:, np.lexsort(X)]):
        return None
    known = {tuple(column) for column in X.T.tolist()}
    if all(tuple(column) in known for column in dealt.T.tolist()):
        inside = any(len({tuple(c) for c in part.T.tolist()}) < part.shape[1] for part, _ in batches)
        problem = "some examples come more than once, and others never"
        return Finding(INSIDE if inside else REPEATED, problem, "", "each column of X once")
    problem = "there are columns that are no example: the entries of X were torn apart"
    return Finding("batches:torn", problem, f"a column {_column(dealt, 0)}", "columns of X as they are")


def _order_of(X: np.ndarray, batches: Any) -> np.ndarray:
    """Which column of X each returned column is; the columns of X all differ."""
    dealt = np.hstack([np.asarray(batch[0]) for batch in batches])
    order = np.empty(X.shape[1], dtype=int)
    order[np.lexsort(dealt)] = np.lexsort(X)
    return order


def _groups(order: np.ndarray, size: int) -> list[frozenset[int]]:
    return [frozenset(order[start : start + size].tolist()) for start in range(0, len(order), size)]


def _same_groups(order: np.ndarray, other: np.ndarray, size: int) -> bool:
    # a batch of one is no group: everybody deals those
    return set(_groups(order, size)) == set(_groups(other, size)) and 1 < size < len(order)


def _some_batch_never_changes(orders: Sequence[np.ndarray], size: int) -> bool:
    groups = [_groups(order, size) for order in orders]
    several = range(len(groups[0])) if len(groups[0]) > 1 else range(0)
    return any(all(found[k] == groups[0][k] for found in groups) for k in several)


def _column(array: Any, j: int) -> str:
    return show(np.asarray(array)[:, j])
