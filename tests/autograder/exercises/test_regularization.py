"""The cases of the regularization topic judge fairly beyond what selftest tries."""

from functools import cache

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from course_utils.examine import FAILED, PASSED, report

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


def test_who_waits_from_a_nan_at_the_start_passes():
    """Whether a NaN at epoch 0 is waited for is said nowhere, so no case asks for it."""

    def right(dev_costs, patience):
        return stop(dev_costs, patience, is_better=lambda cost, best: cost < best)

    for seed in range(25):
        assert judged(right, drawn("early_stopping", seed % 5)).status == PASSED, seed


PENALTIES = {
    "nine layers": lambda p: sum((p[f"W{k}"] ** 2).sum() for k in range(1, 10) if f"W{k}" in p),
    "one root for all": lambda p: np.sqrt(sum((W**2).sum() for name, W in p.items() if name[0] == "W")),
    "W W^T": lambda p: sum((W @ W.T).sum() for name, W in p.items() if name[0] == "W"),
    "as an array": lambda p: np.array([sum((W**2).sum() for name, W in p.items() if name[0] == "W")]),
}


@pytest.mark.parametrize("total", PENALTIES.values(), ids=PENALTIES)
def test_other_penalties_are_refused(total):
    """What nobody listed is refused as well, whatever is drawn."""

    def wrong(cross_entropy_cost, parameters, lambd, m):
        return cross_entropy_cost + lambd / (2 * m) * total(parameters)

    for seed in range(5):
        assert judged(wrong, drawn("l2_cost", seed)).status == FAILED, seed


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
