"""The cases of the regularization topic judge fairly beyond what selftest tries."""

from functools import cache

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from course_utils.examine import FAILED, report

EXERCISES = topic("regularization")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones divide by 0


@cache
def drawn(name, seed, public_only=False):
    return draw(EXERCISES[name], seed, public_only=public_only)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists, and right in ways that no variant shows ---


def stop(dev_costs, patience, *, is_better, first=np.inf):
    best_cost, best, waited = first, 0, 0
    for epoch, cost in enumerate(dev_costs):
        if is_better(cost, best_cost):
            best_cost, best, waited = cost, epoch, 0
        else:
            waited += 1
        if waited >= patience:
            break
    return best, epoch


@pytest.mark.parametrize(
    "how",
    [
        {"is_better": lambda cost, best: cost < best - 1e-6},
        {"is_better": lambda cost, best: cost < best, "first": 1.0},
    ],
    ids=["a least gain", "costs below 1 only"],
)
def test_other_ways_of_stopping_are_refused(how):
    """What nobody listed is refused as well, whatever is drawn."""

    def wrong(dev_costs, patience):
        return stop(dev_costs, patience, **how)

    for seed in range(5):
        assert judged(wrong, drawn("early_stopping", seed)).status == FAILED, seed


def test_a_cost_of_zero_is_a_cost():
    """It is the lowest there may be, not a missing number."""

    def wrong(dev_costs, patience):
        return EXERCISES["early_stopping"].reference([cost or np.inf for cost in dev_costs], patience)

    assert judged(wrong, drawn("early_stopping", 0)).status == FAILED


@pytest.mark.parametrize("softness", [1e-6, 1e-8, 1e-12])
def test_a_rounded_corner_at_zero_is_refused(softness):
    """L1 costs nothing at 0, where sqrt(w**2 + epsilon) still costs its root."""

    def wrong(cross_entropy_cost, parameters, lambd, m):
        sums = [np.sqrt(W**2 + softness).sum() for name, W in parameters.items() if name[0] == "W"]
        return cross_entropy_cost + lambd / (2 * m) * sum(sums)

    assert judged(wrong, drawn("l1_cost", 0)).status == FAILED


def test_a_step_of_nothing_returns_a_new_array():
    """Who hands W itself back lets the caller's next change into it."""

    def wrong(W, dW, learning_rate, lambd, m):
        if lambd == 0 and not dW.any():
            return W
        return W - learning_rate * (dW + lambd / m * W)

    assert judged(wrong, drawn("weight_decay_update", 0)).status == FAILED


@pytest.mark.parametrize(
    "size",
    [
        lambda X, h, w: (int(len(X) ** 0.5), len(X) // int(len(X) ** 0.5)),
        lambda X, h, w: (max(h, w), min(h, w)),
        lambda X, h, w: (min(h, w), max(h, w)),
    ],
    ids=["square", "tall", "wide"],
)
def test_pictures_of_a_fixed_form_are_refused(size):
    """Height and width are what the caller says."""

    def wrong(X, Y, height, width):
        return EXERCISES["augment_by_flipping"].reference(X, Y, *size(X, height, width))

    for seed in range(5):
        assert judged(wrong, drawn("augment_by_flipping", seed)).status == FAILED, seed
