"""The verifiers of mini-batches tell every bad way of dealing, and refuse no good one."""

import numpy as np
import pytest

from autograder.exercises.optimizers import any_place_will_do
from course_utils import properties
from course_utils.calls import Call, Observation
from course_utils.plain import Draws


def deal(order, size, X, Y):
    """Return the batches that deal X and Y in this order."""
    return [(X[:, order[s : s + size]], Y[:, order[s : s + size]]) for s in range(0, len(order), size)]


def verified(verifier, orders, size=10, aids=None):
    """Return the codes that a verifier finds when the calls deal in these orders."""
    m = len(orders[0])
    X, Y = np.arange(2.0 * m).reshape(2, m), -np.arange(float(m))[None]
    aids = aids or [{}] * len(orders)
    calls = [Call({"X": X, "Y": Y, "batch_size": size, "rng": Draws(0)}, aid) for aid in aids]
    seen = [Observation("returned", deal(order, size, X, Y)) for order in orders]
    return [found.code for found in verifier(calls, seen)]


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("order:old", lambda rng, m: np.arange(m)),
        ("order:runs", lambda rng, m: np.roll(np.arange(m), rng.integers(1, m))),
        ("order:runs", lambda rng, m: np.arange(m)[::-1]),
        ("order:near", lambda rng, m: np.argsort(np.arange(m) + rng.uniform(0, 40, size=m))),
        ("order:always the same", lambda rng, m: np.random.default_rng(5).permutation(m)),
        ("order:fixed batch", lambda rng, m: np.concatenate([rng.permutation(m - 3), [m - 3, m - 2, m - 1]])),
        (None, lambda rng, m: rng.permutation(m)),
    ],
)
def test_orders_that_only_look_mixed_are_seen(code, make):
    """Rolling, reversing, jittering, a fixed order and a fixed rest are no shuffle; a permutation is one."""
    rng = np.random.default_rng(3)
    m = 203 if code == "order:near" else 43
    orders = [make(rng, m) for _ in range(6)]
    assert verified(properties.examples_are_mixed, orders) == ([code] if code else [])


def test_random_orders_are_hardly_ever_refused():
    """The bounds leave room: none of 2000 sets of honest orders comes near a refusal."""
    rng = np.random.default_rng(4)
    for _ in range(2000):
        assert verified(properties.examples_are_mixed, [rng.permutation(43) for _ in range(6)]) == []


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("place:kept", lambda rng: np.append(rng.permutation(5), 5)),
        ("place:never kept", lambda rng: (np.arange(6) + rng.integers(1, 6)) % 6),
        (None, lambda rng: rng.permutation(6)),
    ],
)
def test_orders_that_leave_some_out_are_seen(code, make):
    """A last example that never moves, and orders in which all of them move, are no shuffle."""
    rng = np.random.default_rng(6)
    for _ in range(20):
        orders = [make(rng) for _ in range(30)]
        assert verified(any_place_will_do, orders, size=4) == ([code] if code else [])


def test_generators_are_told_apart():
    """Equal generators must agree, others must not."""
    a, b = np.arange(20), np.arange(20)[::-1]
    aids = [{"compare": ""}, {"compare": "equal"}, {"compare": "new"}]
    assert verified(properties.order_follows_rng, [a, a, b], aids=aids) == []
    assert verified(properties.order_follows_rng, [a, b, b], aids=aids) == ["rng:not used"]
    assert verified(properties.order_follows_rng, [a, a, a], aids=aids) == ["rng:always the same"]


@pytest.mark.parametrize(
    ("code", "batches"),
    [
        ("batches:kind", 3.0),
        ("batches:pairs", [np.zeros((2, 3))]),
        ("batches:arrays", [(np.zeros((2, 3)), [1, 2, 3])]),
        ("batches:rows", [(np.zeros((3, 2)), np.zeros((1, 2)))]),
        ("batches:columns", [(np.zeros((2, 3)), np.zeros((1, 2)))]),
        ("batches:sizes", [(np.zeros((2, 4)), np.zeros((1, 4)))] * 2),
        ("batches:filled up", [(np.zeros((2, 3)), np.zeros((1, 3)))] * 3),
        ("batches:evened out", [(np.zeros((2, k)), np.zeros((1, k))) for k in (3, 2, 3)]),
        ("batches:rest joined", [(np.zeros((2, k)), np.zeros((1, k))) for k in (3, 5)]),
        ("batches:rest dropped", [(np.zeros((2, 3)), np.zeros((1, 3)))] * 2),
        ("batches:empty", [(np.zeros((2, k)), np.zeros((1, k))) for k in (3, 3, 2, 0)]),
        ("batches:torn", [(np.zeros((2, k)) - 1, np.zeros((1, k))) for k in (3, 3, 2)]),
        ("batches:repeated inside", [(np.tile([[0.0], [8.0]], k), np.zeros((1, k))) for k in (3, 3, 2)]),
    ],
)
def test_every_way_of_dealing_badly_has_its_code(code, batches):
    """Whatever a learner hands back is read without an error and gets a code of its own."""
    X, Y = np.arange(16.0).reshape(2, 8), np.arange(8.0)[None]
    calls = [Call({"X": X, "Y": Y, "batch_size": 3, "rng": Draws(0)})]
    seen = [Observation("returned", batches)]
    for verifier in (
        properties.every_example_once,
        properties.labels_follow_examples,
        properties.examples_are_mixed,
        properties.order_follows_rng,
        any_place_will_do,
    ):
        assert [found.code for found in verifier(calls, seen)] == [code]
