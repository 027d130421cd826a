"""The cases of the initialization topic judge fairly beyond what selftest tries."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import chi2

from autograder.exercises import behaviour, draw, topic
from course_utils import properties
from course_utils.examine import FAILED, report

EXERCISES = topic("initialization")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones overflow


@cache
def drawn(name, seed, public_only):
    return draw(EXERCISES[name], seed, public_only=public_only)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists ---


def he_with(change):
    """A right initialization whose weights are changed afterwards."""

    def function(layer_dims, rng):
        parameters = EXERCISES["initialize_he"].reference(layer_dims, rng)
        return {k: change(v, rng) if k[0] == "W" else v for k, v in parameters.items()}

    return function


def orthogonal(W, rng):
    q, _ = np.linalg.qr(rng.standard_normal((max(W.shape), min(W.shape))))
    q = q if W.shape[0] >= W.shape[1] else q.T
    return q * np.sqrt(2 / W.shape[1] * W.size / min(W.shape))


def mirrored_units(W, rng):
    half = W.shape[0] // 2
    return np.vstack([W[:half], -W[:half], W[2 * half :]])


OTHERS = {
    "two values": lambda W, rng: rng.choice([-1.0, 1.0], W.shape) * np.sqrt(2 / W.shape[1]),
    "rounded": lambda W, rng: np.round(W, 1),
    "laplace": lambda W, rng: rng.laplace(0, np.sqrt(1 / W.shape[1]), W.shape),
    "forced to the deviation": lambda W, rng: W / (W.std() or 1) * np.sqrt(2 / W.shape[1]),
    "one row of each length": lambda W, rng: (
        W / np.linalg.norm(W, axis=1, keepdims=True) * np.sqrt(2)
    ),
    "orthogonal": orthogonal,
    "positive half": lambda W, rng: np.abs(W),
    "mirrored units": mirrored_units,
    "one more input": lambda W, rng: W * np.sqrt(W.shape[1] / (W.shape[1] + 1)),
    "cut at three deviations": lambda W, rng: np.clip(W, *(np.sqrt(2 / W.shape[1]) * np.array([-3, 3]))),
    "not a number": lambda W, rng: np.where(W > 0.2, np.nan, W),
}  # fmt: skip


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_other_wrong_weights_are_refused(change):
    """What nobody listed is refused as well: wrong in distribution, in spread or in independence."""
    for seed in range(3):
        assert judged(he_with(change), drawn("initialize_he", seed, False)).status == FAILED, seed


@pytest.mark.parametrize("name", ["initialize_xavier", "initialize_glorot", "initialize_he"])
def test_layers_of_one_shape_may_not_be_copies(name):
    """A draw that is kept for the next layer of its shape is right in spread, shape and first use."""

    def copies(layer_dims, rng):
        parameters, kept = EXERCISES[name].reference(layer_dims, rng), {}
        return {k: kept.setdefault(v.shape, v).copy() if k[0] == "W" else v for k, v in parameters.items()}

    for seed in range(5):
        assert judged(copies, drawn(name, seed, False)).status == FAILED, seed


def test_rows_that_are_alike_are_called_rows():
    """Units with equal rows also give columns that follow each other: the cause is to be named."""
    tiled = he_with(lambda W, rng: np.repeat(W[:1], len(W), axis=0))
    said = judged(tiled, drawn("initialize_he", 0, False))
    assert "rows are alike" in next(row.problem for row in said.rows if "on its own" in row.name)
    assert said.misconception == "he-one-row-for-all-units"


def rows_told_apart_by(measure, rows_of=lambda W, b: np.hstack([W, b])):
    """`breaks_symmetry` with another measure of the difference of two rows."""

    def function(parameters):
        answers = []
        for layer in range(1, len(parameters) // 2 + 1):
            rows = rows_of(parameters[f"W{layer}"], parameters[f"b{layer}"])
            pairs = [(p, q) for i, p in enumerate(rows) for q in rows[:i]]
            answers.append(all(bool(measure(p, q) > 1e-12) for p, q in pairs))
        return answers

    return function


def neighbours_when_sorted(parameters):
    answers = []
    for layer in range(1, len(parameters) // 2 + 1):
        rows = np.hstack([parameters[f"W{layer}"], parameters[f"b{layer}"]])
        rows = rows[np.lexsort(rows.T[::-1])]
        answers.append(bool((np.abs(np.diff(rows, axis=0)).max(axis=1) > 1e-12).all()))
    return answers


MEASURES = {
    "sum": rows_told_apart_by(lambda p, q: np.abs(p - q).sum()),
    "mean": rows_told_apart_by(lambda p, q: np.abs(p - q).mean()),
    "length": rows_told_apart_by(lambda p, q: np.linalg.norm(p - q)),
    "rounded": rows_told_apart_by(lambda p, q: (p.round(12) != q.round(12)).any()),
    "b added": rows_told_apart_by(lambda p, q: np.abs(p - q).max(), lambda W, b: W + b),
    "neighbours when sorted": neighbours_when_sorted,
}


@pytest.mark.parametrize("function", MEASURES.values(), ids=MEASURES.keys())
def test_only_the_largest_difference_tells_units_apart(function):
    """Other measures of a difference agree with it for few weights, not for many."""
    for seed in range(3):
        assert judged(function, drawn("breaks_symmetry", seed, False)).status == FAILED, seed


def test_a_matrix_without_a_basis_of_eigenvectors_is_among_the_deep_ones():
    """V diag(lambda^n) V^-1 is right for nearly every W that is drawn, and not a power of every matrix."""

    def by_eigenvectors(W, x, n_layers):
        values, vectors = np.linalg.eig(W)
        return (vectors @ np.diag(values**n_layers) @ np.linalg.pinv(vectors)).real @ x

    for seed in range(3):
        assert judged(by_eigenvectors, drawn("deep_linear_output", seed, False)).status == FAILED, seed


@pytest.mark.parametrize("k", [1, 2, 10, 400, 20_000])
def test_the_bounds_for_a_sum_of_squares_are_wide_enough_and_no_wider_than_needed(k):
    """The chi-square distribution of another library: outside lies less than CHANCE, a bit inside more."""
    outside = chi2.sf(_edge(k, 1), k) + chi2.cdf(_edge(k, -1), k)
    assert outside < properties.CHANCE
    if k > 100:
        inner = k + 0.6 * (_edge(k, 1) - k)
        assert chi2.sf(inner, k) > 100 * properties.CHANCE


def _edge(k, sign):
    """The last sum that is allowed, above or below k."""
    low, high = (k, 1000.0 * k) if sign > 0 else (k, 0.0)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if properties.square_sum_allowed(middle, k) else (low, middle)
    return low
