"""The cases of the softmax topic judge fairly beyond what selftest tries."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from course_utils.examine import FAILED, report

EXERCISES = topic("softmax")


@pytest.fixture(scope="module")
def drawn():
    """Draw each exercise once a seed."""
    known = {}

    def get(name, seed, public_only=False):
        key = (name, seed, public_only)
        if key not in known:
            known[key] = draw(EXERCISES[name], seed, public_only=public_only)
        return known[key]

    return get


@pytest.fixture(scope="module")
def checks():
    """Draw the checks of each exercise for 25 seeds, without what the mistakes do on them."""
    plain = {name: replace(e, misconceptions=()) for name, e in EXERCISES.items()}
    return {name: [draw(e, seed).checks for seed in range(25)] for name, e in plain.items()}


def judged(function, drawn):
    seen = {check.name: behaviour(function, check) for check in drawn.checks}
    return report(drawn.exercise, drawn.checks, seen, drawn.mistakes, show_numbers=True)


def losses(A, Y):
    return -np.log((A * Y).sum(axis=0))


# --- wrong in ways that no misconception lists ---


def shift_by_first(Z):
    t = np.exp(Z - Z[0])
    return t / t.sum(axis=0)


def float32_inside(Z):
    t = np.exp((Z - Z.max(axis=0)).astype(np.float32))
    return t / t.sum(axis=0)


def squeezed(Z):
    t = np.exp(Z - Z.max(axis=0))
    return (t / t.sum(axis=0)).squeeze()


def smoothed(Z):
    A = np.exp(Z - Z.max(axis=0))
    return 0.999 * A / A.sum(axis=0) + 0.001 / len(Z)


def close_is_equal(Z):
    H = np.isclose(Z, Z.max(axis=0))
    return (H & (H.cumsum(axis=0) == 1)).astype(float)


def threshold(Z):
    return (Z[1] > Z[0]).astype(int)


def ten_classes(labels, n_classes):
    return np.eye(max(n_classes, 10))[: max(n_classes, 3), labels]


def top_clipped(A, Y):
    return losses(np.minimum(A, 1 - 1e-15), Y).mean()


def shifted_by_hair(A, Y):
    return losses(A + 1e-300, Y).mean()


def log_of_the_product(A, Y):
    return -np.log(np.prod((A * Y).sum(axis=0))) / A.shape[1]


def search_from_minus_1e9(Z):
    H = np.zeros(Z.shape)
    for i, column in enumerate(Z.T):
        best, largest = 0, -1e9
        for k, score in enumerate(column):
            if score > largest:
                best, largest = k, score
        H[best, i] = 1
    return H


def ten_winners(Z):
    return np.eye(10)[:, Z.argmax(axis=0)][: len(Z)]


def batch_of_five(A, Y):
    return losses(A, Y).sum() / 5


def weighted_backward(A, Y):
    return (A - Y) * Y.sum() / A.shape[1] + 1e-6 * (A > 0.9)


def mean_of_rows(W, b):
    return W[1:] - W.mean(axis=0), b[1:] - b.mean()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("softmax", shift_by_first),
        ("softmax", float32_inside),
        ("softmax", squeezed),
        ("softmax", smoothed),
        ("hardmax", close_is_equal),
        ("hardmax", search_from_minus_1e9),
        ("hardmax", ten_winners),
        ("predict_classes", threshold),
        ("one_hot", ten_classes),
        ("cross_entropy", top_clipped),
        ("cross_entropy", shifted_by_hair),
        ("cross_entropy", batch_of_five),
        ("cross_entropy", log_of_the_product),
        ("softmax_backward", weighted_backward),
        ("to_logistic", mean_of_rows),
    ],
)
def test_other_wrong_solutions_are_refused(name, wrong, drawn):
    """What nobody listed is refused as well."""
    for seed in range(3):
        assert judged(wrong, drawn(name, seed)).status == FAILED, seed


@pytest.mark.parametrize("epsilon", [1e-15, 1e-8])
def test_a_logarithm_protected_in_any_way_is_named(epsilon, drawn):
    """Who adds epsilon, and who clips on both sides, hears the same as who clips below."""
    ways = (
        lambda A, Y: -(Y * np.log(A + epsilon)).sum() / A.shape[1],
        lambda A, Y: -(Y * np.log(A.clip(epsilon, 1 - epsilon))).sum() / A.shape[1],
    )
    for wrong in ways:
        assert (
            judged(wrong, drawn("cross_entropy", 0)).misconception == f"cross-entropy-protected-{epsilon:.0e}"
        )


def test_a_tiny_number_added_to_the_softmax_is_told_from_one_that_cuts_it(drawn):
    """log(A + epsilon) moves every logarithm, log(max(A, epsilon)) only the lowest: another hint each."""

    def added(Z):
        A = np.exp(Z - Z.max(axis=0))
        return np.log(A / A.sum(axis=0) + 1e-8)

    assert judged(added, drawn("log_softmax", 0)).misconception == "log-softmax-added-1e-08"


def test_no_case_hangs_on_rounding(checks):
    """Winners lead by 1e-9 or are exactly equal, and no expected loss but an exact 0 is near 0."""
    for name in ("hardmax", "predict_classes"):
        for check in (check for found in checks[name] for check in found):
            for call in check.calls:
                Z = np.asarray(call.arguments["Z"], dtype=float)
                behind = Z.max(axis=0) - Z
                assert behind[behind > 0].min(initial=1) > 5e-10, check.name
    for name in ("cross_entropy", "sparse_cross_entropy"):
        values = [value for found in checks[name] for check in found for value in check.expected]
        assert all(value == 0 or value > 1e-3 for value in values)
