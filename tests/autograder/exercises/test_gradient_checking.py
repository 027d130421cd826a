"""The cases of gradient checking: right in any style passes, what nobody listed is refused as well."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from course_utils.examine import FAILED, HABITS, PASSED, report
from course_utils.reference import gradient_checking as reference

EXERCISES = topic("gradient_checking")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones divide by 0


@cache
def drawn(name, seed):
    """The checks of an exercise without what is known of mistakes, which takes its time."""
    return draw(replace(EXERCISES[name], misconceptions=()), seed)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


def refused(name, wrong, seeds=5):
    return all(judged(wrong, drawn(name, seed)).status == FAILED for seed in range(seeds))


def accepted(name, right, seeds=25):
    return all(judged(right, drawn(name, seed)).status == PASSED for seed in range(seeds))


# --- the two slopes ---


def stencil(f, x, epsilon):
    return (8 * (f(x + epsilon) - f(x - epsilon)) - f(x + 2 * epsilon) + f(x - 2 * epsilon)) / (12 * epsilon)


SLOPES = {
    "five points": stencil,
    "a step that is never below 1e-6": lambda f, x, e: reference.two_sided_difference(f, x, max(e, 1e-6)),
    "a step that is never above 1": lambda f, x, e: reference.two_sided_difference(f, x, min(e, 1.0)),
    "rounded": lambda f, x, e: round(reference.two_sided_difference(f, x, e), 4),
    "an array of one": lambda f, x, e: np.array([reference.two_sided_difference(f, x, e)]),
    "as a text": lambda f, x, e: str(reference.two_sided_difference(f, x, e)),
    "whole steps for whole x": lambda f, x, e: (
        (f(x + e) - f(x - e)) // (2 * e) if isinstance(x, int) else (f(x + e) - f(x - e)) / (2 * e)
    ),
}


@pytest.mark.parametrize("wrong", SLOPES.values(), ids=SLOPES)
def test_other_slopes_are_refused(wrong):
    """Better, worse and rounded estimates are not the one that is asked for."""
    assert refused("two_sided_difference", wrong)


# --- the vector ---


def test_views_of_theta_are_refused_and_integers_kept():
    """A reshaped slice is a window on theta; whole numbers may stay whole."""

    def views(theta, like):
        ends = np.cumsum([array.size for array in like.values()])
        names = reference.from_vector(theta, like)
        order = {name: like[name] for name in names}
        ends = np.cumsum([array.size for array in order.values()])
        return {
            name: part.reshape(order[name].shape)
            for name, part in zip(order, np.split(theta, ends[:-1]), strict=True)
        }

    said = judged(views, drawn("from_vector", 0))
    assert {row.name for row in said.rows if row.status == FAILED} == {HABITS}
    assert accepted("from_vector", lambda theta, like: {k: v.copy() for k, v in views(theta, like).items()})


VECTORS = {
    "names of one digit": lambda p: np.concatenate(
        [p[f"{k}{i}"].ravel() for i in range(1, 10) for k in "Wb" if f"{k}{i}" in p]
    ),
    "cut to whole numbers": lambda p: reference.to_vector(p).astype(int),
    "two layers": lambda p: np.concatenate([p[n].ravel() for n in ("W1", "b1", "W2", "b2") if n in p]),
    "without repeats": lambda p: np.unique(reference.to_vector(p)),
    "in front of a spare entry": lambda p: np.append(reference.to_vector(p), 0.0),
    "without zeros": lambda p: (theta := reference.to_vector(p))[theta != 0],
    "in single precision": lambda p: reference.to_vector(p).astype(np.float32),
    "of W1's number type": lambda p: reference.to_vector(p).astype(p["W1"].dtype),
}


@pytest.mark.parametrize("wrong", VECTORS.values(), ids=VECTORS)
def test_other_vectors_are_refused(wrong):
    """What nobody listed is refused as well, whatever is drawn."""
    assert refused("to_vector", wrong)


# --- the gradient ---


def drifting(cost, theta, epsilon=1e-7):
    theta = theta if theta.dtype == float else theta.astype(float)
    slopes = np.zeros(theta.size)
    for i in range(theta.size):
        theta[i] += epsilon
        above = cost(theta)
        theta[i] -= 2 * epsilon
        slopes[i] = (above - cost(theta)) / (2 * epsilon)
        theta[i] += epsilon
    return slopes


def test_theta_comes_back_to_the_last_bit():
    """Kept and put back is unchanged (a variant does it); stepped forth and back three times is not."""
    said = judged(drifting, draw(EXERCISES["numerical_gradient"], 0))
    assert {row.name for row in said.rows if row.status == FAILED} == {HABITS}
    assert said.misconception == "numerical-gradient-moves-theta"


def matrix_of_steps(cost, theta, epsilon=1e-7):
    steps = epsilon * np.eye(theta.size)
    return (cost(theta + steps) - cost(theta - steps)) / (2 * epsilon) * np.ones(theta.size)


GRADIENTS = {
    "all steps in one call": matrix_of_steps,
    "five points": lambda cost, theta, epsilon=1e-7: np.array(
        [stencil(lambda x, i=i: cost(np.r_[theta[:i], x, theta[i + 1 :]]), t, epsilon)
         for i, t in enumerate(theta)]),
    "an epsilon in proportion": lambda cost, theta, epsilon=1e-7: np.array(
        [reference.numerical_gradient(cost, theta, epsilon * max(abs(t), 1e-3))[i]
         for i, t in enumerate(theta)]),
    "the last entry left out": lambda cost, theta, epsilon=1e-7: np.append(
        reference.numerical_gradient(cost, theta, epsilon)[:-1], 0.0),
    "no epsilon below 1e-5": lambda cost, theta, epsilon=1e-7: reference.numerical_gradient(
        cost, theta, max(epsilon, 1e-5)),
    "small slopes cut": lambda cost, theta, epsilon=1e-7: np.where(
        np.abs(g := reference.numerical_gradient(cost, theta, epsilon)) < 1e-3, 0.0, g),
    "divided by n": lambda cost, theta, epsilon=1e-7: reference.numerical_gradient(
        cost, theta, epsilon) / theta.size,
    "of length 1": lambda cost, theta, epsilon=1e-7: reference.numerical_gradient(cost, theta, epsilon)
    / np.linalg.norm(reference.numerical_gradient(cost, theta, epsilon)),
}  # fmt: skip


@pytest.mark.parametrize("wrong", GRADIENTS.values(), ids=GRADIENTS)
def test_other_gradients_are_refused(wrong):
    """What nobody listed is refused as well, whatever is drawn."""
    assert refused("numerical_gradient", wrong)


def test_any_order_of_arithmetic_passes():
    """Rounding differs with the order; tolerances leave room for it at every step."""

    def divided_first(cost, theta, epsilon=1e-7):
        theta = np.asarray(theta, dtype=float)
        steps = [epsilon * (np.arange(theta.size) == i) for i in range(theta.size)]
        return np.array(
            [cost(theta + s) / (2 * epsilon) - cost(theta - s) * (1 / (epsilon + epsilon)) for s in steps]
        )

    assert accepted("numerical_gradient", divided_first)
    assert accepted(
        "two_sided_difference",
        lambda f, x, epsilon: f(x + epsilon) / epsilon / 2 - f(x - epsilon) / epsilon / 2,
    )


# --- the difference ---

norm = np.linalg.norm


def difference_with(**how):
    def wrong(grad, grad_approx):
        added, limit = how.get("added", 0.0), how.get("limit", 0.0)
        total = norm(grad) + norm(grad_approx) + added
        return norm(grad - grad_approx) / total if total > limit else 0.0

    return wrong


@pytest.mark.parametrize("added", [1e-7, 1e-10, 1e-12, 1e-15, 1e-30])
def test_nothing_is_added_below_and_no_limit_is_set(added):
    """Gradients of 1e-60 show what hides beside gradients of 1."""
    assert refused("relative_difference", difference_with(added=added))
    assert refused("relative_difference", difference_with(limit=added))


def test_entries_that_add_up_to_zero_are_not_nothing():
    """Gradients of a softmax add up to 0: a sum does not tell whether a vector is zero."""
    assert refused(
        "relative_difference",
        lambda grad, grad_approx: (
            reference.relative_difference(grad, grad_approx) if grad.sum() or grad_approx.sum() else 0.0
        ),
    )


def test_a_guard_far_below_every_gradient_passes():
    """1e-300 is nobody's gradient: whoever guards with it is right."""
    assert accepted("relative_difference", difference_with(added=1e-300))


# --- each array ---


def each(distance=reference.relative_difference, spoil=lambda result: result, default=1e-7):
    def wrong(cost, parameters, grads, epsilon=default):
        theta = reference.to_vector(parameters)
        slopes = reference.numerical_gradient(
            lambda vector: cost(reference.from_vector(vector, parameters)), theta, epsilon
        )
        approx = reference.from_vector(slopes, parameters)
        return spoil({n: distance(np.ravel(grads["d" + n]), a.ravel()) for n, a in approx.items()})

    return wrong


EACH = {
    "shares of the worst": each(
        spoil=lambda result: {n: d / (max(result.values()) or 1) for n, d in result.items()}
    ),
    "the worst alone": each(spoil=lambda result: {max(result, key=result.get): max(result.values())}),
    "pairs": each(spoil=lambda result: list(result.items())),
    "rounded": each(spoil=lambda result: {n: round(float(d), 3) for n, d in result.items()}),
    "one layer": each(spoil=lambda result: {n: result[n] for n in ("W1", "b1")}),
    "1e-12 below": each(difference_with(added=1e-12)),
    "never below 1e-16": each(spoil=lambda result: {n: max(d, 1e-16) for n, d in result.items()}),
    "absolute": each(lambda a, b: np.abs(a - b).max()),
    "angles": each(lambda a, b: 1 - a @ b / (norm(a) * norm(b)) if norm(a) * norm(b) else 0.0),
    "another default": each(default=2e-7),
}  # fmt: skip


@pytest.mark.parametrize("wrong", EACH.values(), ids=EACH)
def test_other_comparisons_are_refused(wrong):
    """What nobody listed is refused as well, whatever is drawn."""
    assert refused("check_each", wrong)


def test_right_gradients_differ_by_exactly_zero():
    """In quarters and halves nothing is rounded: the expected number of a right array is 0.0, not noise."""
    for seed in range(5):
        check = next(c for c in drawn("check_each", seed).checks if c.name.startswith("a planted"))
        for expected in check.expected:
            assert sum(d > 0 for d in expected.values()) <= 1
            assert all(d == 0.0 or d > 1e-3 for d in expected.values())
