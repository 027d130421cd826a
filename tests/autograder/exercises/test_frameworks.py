"""The cases of the frameworks topic judge fairly beyond what selftest tries."""

import itertools
from functools import cache
from graphlib import TopologicalSorter

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from autograder.exercises.frameworks import ancestors
from course_utils.examine import FAILED, HABITS, PASSED, report

EXERCISES = topic("frameworks")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones divide by 0


@cache
def drawn(name, seed, public_only=False):
    return draw(EXERCISES[name], seed, public_only=public_only)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists, and right in ways that no variant shows ---


def ordered(output, parents, *, nodes):
    return list(TopologicalSorter({node: parents[node] for node in nodes(output, parents)}).static_order())


def impatient(output, parents):
    """Kahn's way, waiting for as many parents as there are but counting each entry of the list."""
    waits = {node: len(set(parents[node])) for node in ancestors(output, parents)}
    order, ready = [], [node for node, n in waits.items() if n == 0]
    while ready:
        order.append(ready.pop())
        for child in waits:
            entries = parents[child].count(order[-1])
            waits[child] -= entries
            if entries and waits[child] <= 0 and child not in order + ready:
                ready.append(child)
    return order


ORDERS = {
    "all nodes": lambda output, parents: ordered(output, parents, nodes=lambda o, p: p),
    "all up to the output": lambda output, parents: (every := ordered(output, parents, nodes=lambda o, p: p))[
        : every.index(output) + 1
    ],
    "nodes that are not 0": lambda output, parents: [
        node for node in ordered(output, parents, nodes=ancestors) if node != 0
    ],
    "a parent listed twice counted off twice": lambda output, parents: impatient(output, parents),
    "the output twice": lambda output, parents: [*ordered(output, parents, nodes=ancestors), output],
}


@pytest.mark.parametrize("wrong", ORDERS.values(), ids=ORDERS)
def test_other_orders_are_refused(wrong):
    """What nobody listed is refused as well, whatever is drawn."""
    for seed in range(5):
        assert judged(wrong, drawn("topological_order", seed)).status == FAILED, seed


def test_recursion_of_two_frames_a_node_reaches_the_end():
    """A list comprehension is a frame of its own: recursion is fine in that style as well."""

    def right(output, parents):
        known = set()

        def walk(node):
            if node in known:
                return []
            known.add(node)
            return [*itertools.chain(*[walk(parent) for parent in parents[node]]), node]

        return walk(output)

    assert judged(right, drawn("topological_order", 0)).status == PASSED


def test_any_valid_order_passes():
    """A graph has many orders; that of the standard library is one of them."""
    for seed in range(5):
        drawing = drawn("topological_order", seed)
        assert judged(lambda **given: ordered(**given, nodes=ancestors), drawing).status == PASSED, seed


@pytest.mark.parametrize("extra", [{}, 0.0], ids=["left out", "0"])
def test_nodes_that_the_output_does_not_need_may_be_listed_or_not(extra):
    """The contract says nothing of them, so both are right; a gradient that is not 0 is wrong."""

    def solution(output, parents, local_gradients, extra=extra):
        found = EXERCISES["backpropagate"].reference(output, parents, local_gradients)
        return found if extra == {} else {**dict.fromkeys(parents, extra), **found}

    assert judged(solution, drawn("backpropagate", 0)).status == PASSED
    assert judged(lambda **given: solution(**given, extra=1.0), drawn("backpropagate", 0)).status == FAILED


WALKS = {
    "absolute slopes": lambda slopes: [abs(slope) for slope in slopes],
    "the first parent only": lambda slopes: [*slopes[:1], *(0.0 for _ in slopes[1:])],
    "two parents at most": lambda slopes: [*slopes[:2], *(0.0 for _ in slopes[2:])],
    "squares": lambda slopes: [slope**2 for slope in slopes],
}


@pytest.mark.parametrize("change", WALKS.values(), ids=WALKS)
def test_other_walks_are_refused(change):
    """What nobody listed is refused as well, whatever is drawn."""

    def wrong(output, parents, local_gradients):
        changed = {node: change(slopes) for node, slopes in local_gradients.items()}
        return EXERCISES["backpropagate"].reference(output, parents, changed)

    for seed in range(5):
        assert judged(wrong, drawn("backpropagate", seed)).status == FAILED, seed


def added_in_turn(gradient, shape, *, axis):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=axis)
    for i, n in enumerate(shape):
        if n == 1:
            gradient = gradient.sum(axis=i, keepdims=True)
    return np.array(gradient)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda gradient, shape: added_in_turn(gradient, shape, axis=-1),
        lambda gradient, shape: added_in_turn(gradient, shape, axis=0).ravel(),
        lambda gradient, shape: np.resize(gradient, shape),
    ],
    ids=["the last axis", "flat", "resized"],
)
def test_other_sums_are_refused(wrong):
    """What nobody listed is refused as well, whatever is drawn."""
    for seed in range(5):
        assert judged(wrong, drawn("unbroadcast", seed)).status == FAILED, seed


@pytest.mark.parametrize("name", ["unbroadcast", "multiply_gradients", "matmul_gradients"])
def test_single_precision_is_refused_where_double_arrives(name):
    """No sum of these numbers is rounded in double precision; single precision has too few digits."""

    def wrong(**given):
        found = EXERCISES[name].reference(**given)
        return tuple(map(np.float32, found)) if isinstance(found, tuple) else np.float32(found)

    for seed in range(5):
        assert judged(wrong, drawn(name, seed)).status == FAILED, seed


def test_equal_factors_have_gradients_of_their_own():
    """One array under two names is refused: += on da would change db."""

    def wrong(upstream, a, b):
        da, db = EXERCISES["multiply_gradients"].reference(upstream, a, b)
        return (da, da) if a.shape == b.shape and (a == b).all() else (da, db)

    said = judged(wrong, drawn("multiply_gradients", 0))
    assert {row.name for row in said.rows if row.status == FAILED} == {HABITS}
