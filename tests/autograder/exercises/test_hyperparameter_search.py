"""The cases of hyperparameter search: right in any style passes, known mistakes are caught and named."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from autograder.exercises import PUBLIC_SEED, behaviour, draw, topic
from course_utils.examine import FAILED, PASSED, report

EXERCISES = topic("hyperparameter_search")
WRONG = [(name, m) for name, exercise in EXERCISES.items() for m in exercise.misconceptions]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of the wrong ones divide by 0


@cache
def drawn(name, seed, public_only=False):
    return draw(EXERCISES[name], seed, public_only=public_only)


def judged(function, drawing):
    seen = {check.name: behaviour(function, check) for check in drawing.checks}
    return report(drawing.exercise, drawing.checks, seen, drawing.mistakes, show_numbers=True)


@pytest.mark.parametrize("name", EXERCISES)
def test_right_solutions_pass_whatever_is_drawn(name):
    """Nobody who is right is refused: the reference and each variant, on ten draws."""
    exercise = replace(EXERCISES[name], misconceptions=())
    for seed in range(10):
        drawing = draw(exercise, seed)
        for function in (exercise.reference, *exercise.variants):
            bad = [(row.name, row.problem) for row in judged(function, drawing).rows if row.status != PASSED]
            assert not bad, (function.__name__, seed, bad)


@pytest.mark.parametrize("public_only", [True, False], ids=["public", "hidden"])
@pytest.mark.parametrize(("name", "mistake"), WRONG, ids=lambda x: getattr(x, "key", x))
def test_each_mistake_is_caught_where_it_says_and_named(name, mistake, public_only):
    """The case that a mistake names is red, and it is told apart from all others, by public cases alone."""
    for seed in [PUBLIC_SEED] if public_only else range(2):
        said = judged(mistake.wrong, drawn(name, seed, public_only))
        assert {row.name: row.status for row in said.rows}[mistake.exposed_by] == FAILED, seed
        assert said.misconception == mistake.key, seed


# --- wrong in ways that no misconception lists, and right in ways that no variant shows ---


def log_samples(draw_shares):
    def solution(low, high, size, rng):
        return low * (high / low) ** draw_shares(size, rng)

    return solution


def mirrored(size, rng):
    u = rng.random((size + 1) // 2)
    return np.concatenate([u, 1 - u])[:size]


WRONG_SHARES = {
    "one in each stratum, mixed": lambda n, rng: rng.permutation(np.arange(n) + rng.random(n)) / max(n, 1),
    "mirrored": mirrored,
    "mirrored in pairs": lambda n, rng: np.stack([u := rng.random(n), 1 - u], axis=1).ravel()[:n],
    "the mean of two": lambda n, rng: (rng.random(n) + rng.random(n)) / 2,
    "a bell cut at the ends": lambda n, rng: np.clip(rng.normal(0.5, 0.3, n), 0, 1),
    "two decimals": lambda n, rng: np.round(rng.random(n), 2),
    "without the upper tenth": lambda n, rng: 0.9 * rng.random(n),
    "squared": lambda n, rng: rng.random(n) ** 2,
    "each drawn twice": lambda n, rng: np.repeat(rng.random(n // 2 + 1), 2)[:n],
    "a golden walk": lambda n, rng: (rng.random() + 0.6180339887498949 * np.arange(n)) % 1,
    "one seed of two": lambda n, rng: np.random.default_rng(int(rng.integers(2))).random(n),
}  # fmt: skip
RIGHT_SHARES = {
    "from the end": lambda n, rng: 1 - rng.random(n),
    "of a child": lambda n, rng: np.random.default_rng(rng.integers(2**63)).random(n),
    "a choice of halves": lambda n, rng: (rng.choice(2, n) + rng.random(n)) / 2,
    "of normal numbers": lambda n, rng: stats.norm.cdf(rng.standard_normal(n)),
    "beta(1, 1)": lambda n, rng: rng.beta(1, 1, n),
}


@pytest.mark.parametrize("shares", WRONG_SHARES.values(), ids=WRONG_SHARES)
def test_samples_that_only_look_right_are_refused(shares):
    """What nobody listed is refused as well: a wrong spread, a wrong evenness, a relation."""
    for seed in range(3):
        assert judged(log_samples(shares), drawn("sample_log_uniform", seed)).status == FAILED, seed


@pytest.mark.parametrize("shares", RIGHT_SHARES.values(), ids=RIGHT_SHARES)
def test_any_valid_way_of_drawing_passes(shares):
    """The numbers drawn are not judged, what they look like together is."""
    for seed in range(3):
        assert judged(log_samples(shares), drawn("sample_log_uniform", seed)).status == PASSED, seed


WRONG_INTEGERS = {
    "high one lower in wide ranges": lambda low, high, n, rng: rng.integers(low, high + (high < 50), n),
    "dealt like cards": lambda low, high, n, rng: (
        rng.permutation(np.resize(np.arange(low, high + 1), n)) if n else np.zeros(0, int)
    ),
    "never the same twice in a row": lambda low, high, n, rng: (
        low
        + (rng.integers(high - low + 1) + np.cumsum(rng.integers(1, max(high - low + 1, 2), n)))
        % (high - low + 1)
    ),
    "a log scale": lambda low, high, n, rng: np.round(
        low - 1 + (high - low + 1) ** rng.random(n) + 1e-9
    ).astype(int),
}


@pytest.mark.parametrize("wrong", WRONG_INTEGERS.values(), ids=WRONG_INTEGERS)
def test_integers_that_only_look_right_are_refused(wrong):
    """Counts that are too even, neighbours that repel each other, ends that are missed."""

    def solution(low, high, size, rng):
        return wrong(low, high, size, rng)

    for seed in range(3):
        assert judged(solution, drawn("sample_integers", seed)).status == FAILED, seed


def ceil_of_floats(n, eta):
    return math.ceil(n / eta)


def ceil_by_floor_division(n, eta):
    return int(-(-n // eta))


def ceil_with_room(n, eta):
    return math.ceil(n / eta - 1e-9)


@pytest.mark.parametrize("ceil", [ceil_of_floats, ceil_by_floor_division, ceil_with_room])
@pytest.mark.parametrize("stay", [True, False], ids=["in their order", "by score"])
@pytest.mark.parametrize("infinite", [True, False], ids=["NaN as infinity", "NaN last"])
def test_rounding_and_order_decide_no_race(ceil, stay, infinite):
    """Wherever the contract leaves a choice, both choices have the same winner."""

    def solution(evaluate, candidates, budget, eta):
        left, spent, lap = list(candidates), budget, 0
        while len(left) > 1:
            scores = [evaluate(candidate, spent) for candidate in left]
            if infinite:
                scores = [math.inf if math.isnan(s) else s for s in scores]
            order = sorted(range(len(left)), key=lambda i: (math.isnan(scores[i]), scores[i]))
            kept = order[: min(ceil(len(left), eta), len(left) - 1)]
            left = [left[i] for i in (sorted(kept) if stay else kept)]
            lap += 1
            spent = budget * eta**lap if stay else spent * eta
        return left[0]

    exercise = replace(EXERCISES["successive_halving"], misconceptions=())
    for seed in range(15):
        said = judged(solution, draw(exercise, seed))
        assert said.status == PASSED, (seed, [(row.name, row.problem) for row in said.rows])


@pytest.mark.parametrize(
    "cdf",
    [
        stats.norm.cdf,
        np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2)))),
        np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2))),
    ],
    ids=["scipy", "erf", "erfc"],
)
def test_every_good_distribution_function_passes(cdf):
    """1 + erf is 0 from z = -9 down, which plays no part beside improvements that matter."""

    def solution(mean, std, best):
        mean, std = np.float64(mean), np.float64(std)
        result = np.maximum(best - mean, 0.0)
        at = std > 0
        z = (best - mean[at]) / std[at]
        if at.any():
            result[at] = (best - mean[at]) * cdf(z) + std[at] * stats.norm.pdf(z)
        return result

    for seed in range(10):
        assert judged(solution, drawn("expected_improvement", seed)).status == PASSED, seed


def test_a_search_that_counts_its_own_best_trial_twice_is_refused():
    """Scores and settings may fit while the objective was asked behind the back of the list."""

    def solution(objective, space, n_trials, rng):
        trials = []
        for _ in range(n_trials):
            settings = {name: draw(rng) for name, draw in space.items()}
            trials.append((settings, objective(settings)))
        best = min(trials, key=lambda t: (math.isnan(t[1]), t[1]))[0]
        again = [objective(settings) for settings, _ in trials]
        return best, [(s, a if a < score else score) for (s, score), a in zip(trials, again, strict=True)]

    assert judged(solution, drawn("random_search", 0)).status == FAILED


def test_rounds_counted_by_a_logarithm_are_refused():
    """6 candidates and eta 2.5 go 6, 3, 2, 1: three rounds, though 2.5 squared exceeds 6."""

    def solution(evaluate, candidates, budget, eta):
        left = list(candidates)
        for _ in range(math.ceil(math.log(len(left), eta)) if eta > 1 else len(left)):
            scores = [evaluate(candidate, budget) for candidate in left]
            order = sorted(range(len(left)), key=lambda i: (math.isnan(scores[i]), scores[i]))
            left = [left[i] for i in order[: max(1, min(math.ceil(len(left) / eta), len(left) - 1))]]
            budget *= eta
        return left[0]

    for seed in range(3):
        assert judged(solution, drawn("successive_halving", seed)).status == FAILED, seed


def test_settings_that_come_again_are_a_trial_again():
    """n_trials counts draws: of two words and five trials some are alike, and all belong in the list."""

    def solution(objective, space, n_trials, rng):
        trials = []
        for _ in range(n_trials):
            settings = {name: draw(rng) for name, draw in space.items()}
            if settings not in [known for known, _ in trials]:
                trials.append((settings, objective(settings)))
        return min(trials, key=lambda t: (math.isnan(t[1]), t[1]))[0], trials

    for seed in range(3):
        assert judged(solution, drawn("random_search", seed)).status == FAILED, seed


@pytest.mark.parametrize(("few", "key"), [(True, "leaves-out-nan"), (False, "one-trial-more")])
def test_too_many_trials_are_told_from_those_without_nan(few, key):
    """The hint about NaN goes to who drops NaN, that about the loop to who runs it once more."""

    def solution(objective, space, n_trials, rng):
        best, trials = EXERCISES["random_search"].reference(objective, space, n_trials + (not few), rng)
        return best, [t for t in trials if not (few and math.isnan(t[1]))]

    assert judged(solution, drawn("random_search", 0)).misconception == f"search-{key}"


def test_an_infinite_score_is_a_score():
    """A run that blew up is worse than the others, and still better than none: zoom may have to keep it."""

    def solution(trials, keep):
        finite = [trial for trial in trials if math.isfinite(trial[1])]
        return EXERCISES["zoom"].reference(finite, min(keep, len(finite)))

    for seed in range(3):
        assert judged(solution, drawn("zoom", seed)).status == FAILED, seed


@pytest.mark.parametrize("name", ["sample_log_uniform", "sample_beta", "sample_integers"])
@pytest.mark.parametrize("ends", [("low",), ("high",), ("low", "high")], ids=" and ".join)
def test_ends_that_always_come_are_refused(name, ends):
    """In thousands of samples one forced end cannot be seen; in many small calls it can."""

    def solution(low, high, size, rng):
        x = EXERCISES[name].reference(low, high, size, rng)
        for i, end in enumerate(ends[:size]):
            x[i] = {"low": low, "high": high}[end]
        return x

    for seed in range(3):
        assert judged(solution, drawn(name, seed)).status == FAILED, seed


@pytest.mark.parametrize("what", ["objective", "space"])
def test_a_question_that_leaves_no_trace_in_the_result_is_seen_all_the_same(what):
    """Asking once more at the end changes nothing that is returned, and is a training more."""

    def solution(objective, space, n_trials, rng):
        best, trials = EXERCISES["random_search"].reference(objective, space, n_trials, rng)
        if what == "objective":
            objective(best)
        else:
            space["x"](rng)
        return best, trials

    assert judged(solution, drawn("random_search", 0)).status == FAILED
