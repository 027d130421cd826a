"""Sampling scales, searches and expected improvement, reached by statistics, counting and integration."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from sklearn.model_selection import ParameterGrid

from course_utils.reference.hyperparameter_search import (
    expected_improvement,
    grid,
    random_search,
    sample_beta,
    sample_integers,
    sample_log_uniform,
    successive_halving,
    zoom,
)

seeds = st.integers(0, 2**32 - 1)
some_scores = st.one_of(st.sampled_from([0.0, 1.0, math.inf, -math.inf, math.nan]), st.floats(-5, 5))


def worth(score):
    """The order of scores told another way: NaN is put where nothing can be worse, even than infinity."""
    return (1, 0.0) if score != score else (0, score)


# Scales


@given(low=st.floats(1e-300, 1e300), ratio=st.floats(1, 1e6), size=st.integers(0, 20), seed=seeds)
def test_log_uniform_samples_stay_between_their_ends(low, ratio, size, seed):
    """Also for a range of a single number and at the ends of float64."""
    samples = sample_log_uniform(low, low * ratio, size, np.random.default_rng(seed))
    assert samples.shape == (size,)
    assert samples.dtype == np.float64
    assert ((low <= samples) & (samples <= low * ratio)).all()


def test_log_uniform_gives_every_decade_its_share():
    """On [1e-4, 1] each of 4 decades gets a quarter; a uniform draw would put 90 % above 0.1."""
    samples = sample_log_uniform(1e-4, 1, 20000, np.random.default_rng(0))
    decades = np.histogram(samples, bins=[1e-4, 1e-3, 1e-2, 1e-1, 1])[0] / 20000
    assert_allclose(decades, 0.25, atol=0.015)
    assert stats.kstest(np.log10(samples), stats.uniform(-4, 4).cdf).pvalue > 0.01
    assert abs(np.corrcoef(np.log(samples[1:]), np.log(samples[:-1]))[0, 1]) < 0.03


@given(low=st.floats(0, 1), high=st.floats(0, 1, exclude_max=True), size=st.integers(0, 20), seed=seeds)
def test_betas_stay_between_their_ends(low, high, size, seed):
    """Also from 0, where nothing is remembered, to the last number below 1."""
    assume(low <= high)
    betas = sample_beta(low, high, size, np.random.default_rng(seed))
    assert betas.shape == (size,)
    assert ((low <= betas) & (betas <= high)).all()


def test_betas_spread_over_windows_and_not_over_beta():
    """On [0.9, 0.999] half lie below 0.99, where a uniform draw would put 91 %."""
    betas = sample_beta(0.9, 0.999, 20000, np.random.default_rng(0))
    assert_allclose(np.mean(betas < 0.99), 0.5, atol=0.015)
    log_windows = np.log10(1 / (1 - betas))
    assert stats.kstest(log_windows, stats.uniform(1, 2).cdf).pvalue > 0.01
    assert abs(np.corrcoef(log_windows[1:], log_windows[:-1])[0, 1]) < 0.03


@given(low=st.integers(-50, 50), extent=st.integers(0, 50), size=st.integers(0, 30), seed=seeds)
def test_integers_stay_between_their_ends(low, extent, size, seed):
    """One possible number is a legal range, and so are negative ones."""
    samples = sample_integers(low, low + extent, size, np.random.default_rng(seed))
    assert samples.shape == (size,)
    assert samples.dtype.kind == "i"
    assert ((low <= samples) & (samples <= low + extent)).all()


def test_integers_include_both_ends_equally_often():
    """A die: each face a sixth of the time, the last one too."""
    counts = np.bincount(
        sample_integers(np.int8(1), np.uint8(6), 12000, np.random.default_rng(0)), minlength=7
    )
    assert counts[0] == 0
    assert stats.chisquare(counts[1:]).pvalue > 0.01


@pytest.mark.parametrize("sample", [sample_log_uniform, sample_beta])
def test_equal_generators_agree_and_a_second_draw_is_new(sample):
    """The draw depends on the generator that was handed in, and moves it on."""
    rng, twin = np.random.default_rng(5), np.random.default_rng(5)
    first = sample(0.5, 0.9, 4, rng)
    assert_array_equal(first, sample(0.5, 0.9, 4, twin))
    assert (first != sample(0.5, 0.9, 4, rng)).all()


# Grid and random search


@given(choices=st.dictionaries(st.text("abc", min_size=1, max_size=2), st.lists(st.integers(), max_size=4)))
def test_grid_is_scikit_learns(choices):
    """Every combination once, in whatever order; scikit-learn refuses empty lists, which leave nothing."""
    unique = {name: list(dict.fromkeys(values)) for name, values in choices.items()}
    combinations = {frozenset(combination.items()) for combination in grid(unique)}
    assert len(combinations) == len(grid(unique)) == math.prod(map(len, unique.values()))
    if all(unique.values()):
        assert combinations == {frozenset(combination.items()) for combination in ParameterGrid([unique])}


def test_grid_at_its_ends():
    """No names leave one way to choose nothing; a name without values leaves none."""
    assert grid({}) == [{}]
    assert grid({"rate": []}) == grid({"rate": [], "layers": [1, 2]}) == []


def test_25_trials_of_a_grid_see_5_learning_rates_and_random_ones_25():
    """Why random search finds the right scale sooner."""
    fives = np.linspace(0.1, 0.5, 5)
    assert len({settings["rate"] for settings in grid({"rate": fives, "decay": fives})}) == 5
    space = {"rate": lambda rng: rng.uniform(), "decay": lambda rng: rng.uniform()}
    _, trials = random_search(lambda settings: 0.0, space, 25, np.random.default_rng(0))
    assert len({settings["rate"] for settings, _ in trials}) == 25


def test_grid_hands_out_values_of_its_own():
    """Appending to the layers of one setting must not change another, nor the choices."""
    choices = {"layers": [[8], [16]], "rate": [0.1, 0.2]}
    combinations = grid(choices)
    combinations[0]["layers"].append(99)
    assert [c["layers"] for c in combinations].count([8]) == 1
    assert choices["layers"] == [[8], [16]]


@given(scores=st.lists(some_scores, min_size=1, max_size=12))
def test_random_search_keeps_the_first_of_the_lowest(scores):
    """NaN loses against anything, infinity included; draws and evaluations happen once a trial."""
    assume(any(score == score for score in scores))
    drawn, evaluated = [], []

    def draw(rng):
        drawn.append(len(drawn))
        return drawn[-1]

    def objective(settings):
        evaluated.append(settings["i"])
        return scores[settings["i"]]

    best, trials = random_search(objective, {"i": draw}, len(scores), np.random.default_rng(0))
    assert drawn == evaluated == [settings["i"] for settings, _ in trials] == list(range(len(scores)))
    assert_array_equal([score for _, score in trials], scores)
    assert best == {"i": min(range(len(scores)), key=lambda i: worth(scores[i]))}


def test_random_search_draws_from_the_generator_alone():
    """Equal generators try equal settings, and the draws of one trial are independent."""
    space = {"a": lambda rng: rng.uniform(), "b": lambda rng: rng.uniform()}
    runs = [random_search(lambda s: s["a"], space, 2000, np.random.default_rng(1)) for _ in range(2)]
    assert runs[0] == runs[1]
    a, b = np.array([list(settings.values()) for settings, _ in runs[0][1]]).T
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.07
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.07
    assert runs[0][0]["a"] == a.min()


# Zoom


@given(scores=st.lists(some_scores, min_size=1, max_size=12), data=st.data())
def test_zoom_holds_the_best_trials_and_nothing_that_they_do_not_span(scores, data):
    """The box grows with keep, its sides are settings that were tried, and NaN never enters."""
    scored = [i for i, score in enumerate(scores) if score == score]
    assume(scored)
    keep = data.draw(st.integers(1, len(scored)))
    positions = data.draw(st.permutations(range(len(scores))))
    trials = [({"x": positions[i], "y": -1.5 * positions[i]}, score) for i, score in enumerate(scores)]
    best = sorted(scored, key=lambda i: (scores[i], i))[:keep]
    low, high = min(positions[i] for i in best), max(positions[i] for i in best)
    assert zoom(trials, keep) == {"y": (-1.5 * high, -1.5 * low), "x": (low, high)}


def test_zoom_by_hand():
    """The two best of four; whole numbers stay whole, so that they can be sampled again."""
    trials = [
        ({"rate": 0.1, "units": 8}, 3.0),
        ({"rate": 0.9, "units": 64}, math.nan),
        ({"units": 32, "rate": 0.2}, 1.0),
        ({"rate": 0.05, "units": 16}, 2.0),
    ]
    box = zoom(trials, 2)
    assert box == {"rate": (0.05, 0.2), "units": (16, 32)}
    assert sample_integers(*box["units"], 5, np.random.default_rng(0)).max() <= 32


# Successive halving


def rounds_of_halving(n, budget, eta, evaluate=lambda candidate, budget: candidate):
    """The winner among 0 ... n-1, and the (number of candidates, budget) of each round."""
    calls = []

    def counted(candidate, budget):
        calls.append((candidate, budget))
        return evaluate(candidate, budget)

    winner = successive_halving(counted, list(range(n)), budget, eta)
    assert len(set(calls)) == len(calls), "a candidate was evaluated twice in a round"
    budgets = list(dict.fromkeys(budget for _, budget in calls))
    return winner, [(sum(spent == b for _, spent in calls), b) for b in budgets]


def test_rounds_by_hand():
    """27 candidates by thirds; 10 by 1.5 leave 7, 5, 4, 3, 2, 1; eta 2 rounds 5 up to 3."""
    assert rounds_of_halving(27, 1, 3) == (0, [(27, 1), (9, 3), (3, 9)])
    assert [n for n, _ in rounds_of_halving(10, 1, 1.5)[1]] == [10, 7, 5, 4, 3, 2]
    assert rounds_of_halving(5, 2, 2) == (0, [(5, 2), (3, 4), (2, 8)])
    assert rounds_of_halving(4, 1, 100) == (0, [(4, 1)])
    assert rounds_of_halving(1, 1, 2) == (0, [])


def test_eta_of_one_drops_one_candidate_a_round():
    """ceil(n / 1) would keep all for ever; the budget does not grow then."""
    sizes = []
    candidates = list(range(5))
    winner = successive_halving(lambda c, b: sizes.append(b) or -c, candidates, 7, 1)
    assert (winner, sizes) == (4, [7] * (5 + 4 + 3 + 2))


@given(n=st.integers(2, 80), eta_in_percent=st.integers(101, 500))
@example(n=21, eta_in_percent=140)
def test_number_kept_is_that_of_exact_fractions(n, eta_in_percent):
    """21 / 1.4 is 15, although floats make it 15.000000000000002: rounding must not keep a 16th."""
    expected, left = [], n
    while left > 1:
        expected.append(left)
        left = min(math.ceil(left / Fraction(eta_in_percent, 100)), left - 1)
    assert [count for count, _ in rounds_of_halving(n, 1.0, eta_in_percent / 100)[1]] == expected


@given(scores=st.lists(some_scores, min_size=1, max_size=20), eta=st.floats(1.3, 5))
def test_best_candidate_survives_every_round(scores, eta):
    """With scores that do not change, the first lowest wins, and NaN only if all are NaN."""
    winner, _ = rounds_of_halving(len(scores), 1.0, eta, lambda candidate, budget: scores[candidate])
    assert winner == min(range(len(scores)), key=lambda i: worth(scores[i]))


def test_tie_of_a_late_round_goes_to_the_first_candidate():
    """A round ranks afresh: what an earlier round said no longer counts among those that are left."""
    scores = {1: [2, 1, 3, 4], 2: [5, 5, 0, 0]}
    assert rounds_of_halving(4, 1, 2, lambda candidate, budget: scores[budget][candidate])[0] == 0


def test_candidate_itself_is_returned_and_candidates_are_never_compared():
    """Arrays cannot be compared with == or sorted, yet they make good candidates."""
    candidates = [np.arange(3.0), np.arange(3.0), np.arange(3.0) - 1]
    winner = successive_halving(lambda c, b: c.sum(), candidates, np.int8(100), np.int8(2))
    assert winner is candidates[2]
    assert successive_halving(lambda c, b: 0.0, candidates, 1, 2) is candidates[0]


def test_budget_of_a_small_integer_type_does_not_wrap_around():
    """100 epochs doubled twice are 400, also where they came as int8."""
    assert rounds_of_halving(8, np.int8(100), np.int8(2))[1] == [(8, 100), (4, 200), (2, 400)]


# Expected improvement


def mean_improvement(z):
    """E max(z - x, 0) for a standard normal x, as the integral of u * density(z - u) over u > 0."""
    if z > 0:
        return z + mean_improvement(-z)
    integral, _ = integrate.quad(lambda u: u * math.exp(z * u - u * u / 2), 0, 40 / (1 - z), epsrel=1e-12)
    return integral * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@given(z=st.floats(-36, 36), std=st.floats(1e-3, 1e3), best=st.floats(-1, 1))
def test_expected_improvement_is_the_integral(z, std, best):
    """Also 36 standard deviations away, where 1e-283 is left and Phi would have rounded to 0."""
    mean = np.array([best - z * std])
    z_seen = (best - mean[0]) / std
    expected = std * mean_improvement(z_seen)
    assert_allclose(expected_improvement(mean, np.array([std]), best), [expected], rtol=1e-9)


def test_expected_improvement_is_the_mean_of_samples():
    """The average of max(best - f, 0) over a million draws of f."""
    f = np.random.default_rng(0).normal(0.3, 0.5, size=10**6)
    assert_allclose(expected_improvement([0.3], [0.5], 0.1), np.maximum(0.1 - f, 0).mean(), rtol=0.01)


def test_expected_improvement_by_hand():
    """At mean = best it is std * 0.3989; without uncertainty it is what is certain, with no warning."""
    mean, std = (
        np.array([[0.0, 0.0, -2.0], [3.0, 0.0, 1e308]]),
        np.array([[2.0, 0.0, 0.0], [0.0, 5e-324, 1e-3]]),
    )
    result = expected_improvement(mean, std, 0)
    assert_allclose(result, [[2 * 0.39894228, 0, 2], [0, 0, 0]], rtol=1e-7, atol=1e-300)
    assert result.shape == (2, 3)


@given(seed=seeds, std=st.floats(0, 3))
def test_expected_improvement_never_falls_below_a_certain_one(seed, std):
    """max is convex: uncertainty adds to it, never takes away, and more uncertainty adds more."""
    mean = np.random.default_rng(seed).normal(size=5)
    certain = np.maximum(0.2 - mean, 0)
    less, more = (expected_improvement(mean, np.full(5, s), 0.2) for s in (std, std + 0.1))
    assert (less >= certain - 1e-15).all()
    assert (more >= less - 1e-15).all()


def test_expected_improvement_of_other_number_types():
    """An unsigned mean above best must not wrap around to a giant improvement."""
    expected = expected_improvement(np.array([3.0, 0.0]), np.array([1.0, 0.0]), 2.0)
    for dtype in (np.uint8, np.int64, np.float32):
        got = expected_improvement(np.array([3, 0], dtype), np.array([1, 0], dtype), dtype(2))
        assert_array_equal(got, expected)


RNG = np.random.default_rng(0)
SPACE = {"x": lambda rng: rng.uniform()}
TRIALS = [({"x": 1.0}, 0.5), ({"x": 2.0}, math.nan)]
BAD_CALLS = {
    "log scale from 0": (sample_log_uniform, (0, 1, 5, RNG)),
    "ends swapped": (sample_log_uniform, (1, 0.1, 5, RNG)),
    "half a sample": (sample_log_uniform, (0.1, 1, 2.5, RNG)),
    "a seed for a generator": (sample_log_uniform, (0.1, 1, 5, 0)),
    "beta up to 1": (sample_beta, (0.9, 1, 5, RNG)),
    "beta below 0": (sample_beta, (-0.1, 0.9, 5, RNG)),
    "betas swapped": (sample_beta, (0.99, 0.9, 5, RNG)),
    "fractional end": (sample_integers, (1, 2.5, 5, RNG)),
    "integers swapped": (sample_integers, (3, 1, 5, RNG)),
    "negative size": (sample_integers, (1, 3, -1, RNG)),
    "a word for a list": (grid, ({"activation": "relu"},)),
    "a number for a list": (grid, ({"rate": 0.1},)),
    "pairs for a dict": (grid, ([("rate", [0.1])],)),
    "no trials": (random_search, (lambda s: 0.0, SPACE, 0, RNG)),
    "values for functions": (random_search, (lambda s: 0.0, {"x": 0.1}, 3, RNG)),
    "every score NaN": (random_search, (lambda s: math.nan, SPACE, 3, RNG)),
    "no score": (random_search, (lambda s: None, SPACE, 3, RNG)),
    "objective that is a number": (random_search, (1.0, SPACE, 3, RNG)),
    "keep none": (zoom, (TRIALS, 0)),
    "keep more than have a score": (zoom, (TRIALS, 2)),
    "box around words": (zoom, ([({"x": "relu"}, 1.0)], 1)),
    "trials of two searches": (zoom, ([({"x": 1}, 1.0), ({"y": 1}, 2.0)], 2)),
    "no candidates": (successive_halving, (lambda c, b: 0.0, [], 1, 2)),
    "eta below 1": (successive_halving, (lambda c, b: 0.0, [1, 2], 1, 0.5)),
    "no budget": (successive_halving, (lambda c, b: 0.0, [1, 2], 0, 2)),
    "candidate without a score": (successive_halving, (lambda c, b: None, [1, 2], 1, 2)),
    "std of another shape": (expected_improvement, (np.ones(3), np.ones(1), 0.0)),
    "negative std": (expected_improvement, (np.ones(3), -np.ones(3), 0.0)),
    "nothing seen yet": (expected_improvement, (np.ones(3), np.ones(3), np.inf)),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_are_named(call):
    """A wrong argument stops with what came, never with a wrong choice."""
    function, arguments = BAD_CALLS[call]
    with pytest.raises(ValueError, match="must"):
        function(*arguments)
