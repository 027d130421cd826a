"""The cases of the setup topic judge fairly beyond what selftest tries."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from autograder.exercises import behaviour, draw, topic
from course_utils import properties
from course_utils.calls import Call, Observation
from course_utils.examine import FAILED, PASSED, report
from course_utils.plain import Draws

EXERCISES = topic("setup")

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones divide by 0


@cache
def drawn(name, seed, public_only=False):
    return draw(EXERCISES[name], seed, public_only=public_only)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


# --- wrong in ways that no misconception lists, and right in ways that no variant shows ---


def cut(order, m, dev_fraction, test_fraction):
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    return order[n_dev + n_test :], order[:n_dev], order[n_dev : n_dev + n_test]


def without_a_place(m, rng):
    """Shuffle as Sattolo did: no index can stay where it was."""
    order = np.arange(m)
    for i in range(m - 1, 0, -1):
        j = rng.integers(i)
        order[i], order[j] = order[j], order[i]
    return order


SPLITS = {
    "no index stays": without_a_place,
    "the last index stays in train": lambda m, rng: np.concatenate([rng.permutation(m - 1), [m - 1]]),
    "rolled": lambda m, rng: np.roll(np.arange(m), rng.integers(m)),
    "every other one moves": lambda m, rng: np.where(
        np.arange(m) % 2, np.arange(m), 2 * np.resize(rng.permutation((m + 1) // 2).repeat(2), m)
    ),
    "a seed of m": lambda m, rng: np.random.default_rng(m).permutation(m),
    "two seeds": lambda m, rng: np.random.default_rng(int(rng.integers(2))).permutation(m),
    "floats": lambda m, rng: rng.permutation(m).astype(float),
}


@pytest.mark.parametrize("order", SPLITS.values(), ids=SPLITS)
def test_orders_that_only_look_random_are_refused(order):
    """What nobody listed is refused as well, whatever is drawn."""
    for seed in range(3):

        def wrong(m, dev_fraction, test_fraction, rng):
            return cut(order(m, rng), m, dev_fraction, test_fraction)

        assert judged(wrong, drawn("split_indices", seed)).status == FAILED, seed


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (([0, 1], [2], [3]), "split:arrays"),
        ((np.arange(4),) * 2, "split:kind"),
        ((np.ones(4, dtype=bool), np.arange(0), np.arange(0)), "split:masks"),
        ((np.arange(4.0), np.arange(0), np.arange(0)), "split:floats"),
        ((np.arange(4), np.zeros(0), np.arange(0)), "split:empty of floats"),
        ((np.arange(1, 5), np.arange(0), np.arange(0)), "split:from 1"),
        ((np.arange(2), np.array([9]), np.arange(0)), "split:no index"),
        ((np.array([0, 0]), np.array([1]), np.array([2])), "split:twice in a part"),
        ((np.array([0, 1]), np.array([1]), np.array([2])), "split:in two parts"),
        ((np.array([0, 1]), np.array([2]), np.arange(0)), "split:left out"),
        ((np.array([0, 1], np.uint8), np.array([2], np.int16), np.array([3])), None),
    ],
)
def test_every_bad_split_has_its_code(parts, code):
    """Whatever comes back is read without an error, and unlike mistakes have unlike codes."""
    calls = [Call({"m": 4, "dev_fraction": 0.25, "test_fraction": 0.25, "rng": Draws(0)})]
    found = properties.parts_hold_all(calls, [Observation("returned", parts)])
    assert [finding.code for finding in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        ([(3, 4), (3, 4)], None),
        ([(3, 4), (2, 4)], "sizes:by chance"),
        ([(2, 4), (2, 4)], "sizes:other"),
    ],
)
def test_sizes_that_vary_are_told_from_wrong_ones(sizes, code):
    """Equal fractions of equally many examples give parts of one size, right or wrong."""
    given = {"m": 10, "dev_fraction": 0.3, "test_fraction": 0.4}
    calls = [Call({**given, "rng": Draws(seed)}) for seed in range(len(sizes))]
    seen = [
        Observation("returned", (np.arange(d + t, 10), np.arange(d), np.arange(d, d + t))) for d, t in sizes
    ]
    found = properties.parts_have_their_sizes(calls, seen)
    assert [finding.code for finding in found] == ([code] if code else [])


def test_random_splits_are_hardly_ever_refused():
    """The bounds leave room: none of 600 sets of honest splits is refused."""
    rng = np.random.default_rng(1)
    for times, m, *fractions in [(80, 3, 0.3, 0.3), (40, 8, 0.5, 0.25), (6, 60, 0.3, 0.25)] * 200:
        calls = [Call({"m": m, "rng": Draws(0)})] * times
        seen = [Observation("returned", cut(rng.permutation(m), m, *fractions)) for _ in calls]
        assert properties.parts_are_random(calls, seen) == []


def fit(is_constant):
    def solution(X):
        X = X.astype(np.float64)
        mu, sigma = X.mean(axis=1, keepdims=True), X.std(axis=1, keepdims=True)
        return mu, np.where(is_constant(X, mu, sigma), 1.0, sigma)

    return solution


@pytest.mark.parametrize("threshold", [1e-6, 1e-8, 1e-10, 1e-12, 1e-14, 1e-15, 1e-16])
def test_no_threshold_for_sigma_tells_a_constant_feature(threshold):
    """A constant of 1e8 has a larger sigma by rounding than a real spread of 1e-13."""
    wrong = fit(lambda X, mu, sigma: sigma < threshold)
    assert all(judged(wrong, drawn("fit_normalizer", seed)).status == FAILED for seed in range(3))


@pytest.mark.parametrize(
    "is_constant",
    [
        lambda X, mu, sigma: X.max(axis=1, keepdims=True) == X.min(axis=1, keepdims=True),
        lambda X, mu, sigma: np.array([[len(set(row)) == 1] for row in X.tolist()]),
        lambda X, mu, sigma: sigma <= 1e-12 * np.abs(X).max(axis=1, keepdims=True),
    ],
    ids=["range", "set", "relative to the entries"],
)
def test_ways_to_tell_a_constant_feature_pass(is_constant):
    """Asking the entries is right, and so is a threshold that grows with them."""
    for seed in range(10):
        assert judged(fit(is_constant), drawn("fit_normalizer", seed)).status == PASSED, seed


@pytest.mark.parametrize("defaults", [(0.01, 0.02), (0.0, 0.01), (0.0, 0.025)], ids=str)
def test_other_defaults_are_refused(defaults):
    """Calls that leave arguments out tell 0 and 0.02 from what is near them."""

    def wrong(train_error, dev_error, bayes_error=defaults[0], tolerance=defaults[1]):
        return EXERCISES["diagnose"].reference(train_error, dev_error, bayes_error, tolerance)

    assert judged(wrong, drawn("diagnose", 0)).status == FAILED


def test_no_gap_lies_at_its_tolerance():
    """Rounding decides nothing: whoever asks for a billionth more or less gets the same."""
    for seed in range(25):
        for shift in (-1e-9, 1e-9):

            def shifted(train_error, dev_error, bayes_error=0.0, tolerance=0.02, shift=shift):
                gaps = {"high bias": train_error - bayes_error, "high variance": dev_error - train_error}
                return {name for name, gap in gaps.items() if gap > tolerance + shift}

            drawing = draw(replace(EXERCISES["diagnose"], misconceptions=()), seed)
            assert judged(shifted, drawing).status == PASSED, (seed, shift)
