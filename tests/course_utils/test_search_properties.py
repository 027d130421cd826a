"""Verifiers of samples, grids and searches: right results pass, and each mistake has a code of its own."""

import math

import numpy as np
import pytest
from scipy import stats

from course_utils import properties
from course_utils.calls import RETURNED, Call, Observation, observe
from course_utils.plain import Draws, Foreign, Named
from course_utils.properties.hyperparameter_search import spread_evenly

RNG = np.random.default_rng
NAN = math.nan


def seen(*values):
    return [Observation(RETURNED, value) for value in values]


def codes(found):
    return [finding.code for finding in found]


# --- samples ---


def sampled(scale, low, high, x):
    x = np.asarray(x)
    call = Call({"low": low, "high": high, "size": len(x), "rng": Draws(0)}, {"scale": scale})
    return [call], seen(x)


@pytest.mark.parametrize("n", [5, 100, 3000])
def test_the_edge_for_an_even_spread_is_rarely_crossed(n):
    """By the exact distribution of Kolmogorov's distance, chance crosses the edge less than CHANCE allows."""
    edge = math.sqrt(math.log(2 / properties.CHANCE) / (2 * n))
    assert stats.kstwo.sf(edge, n) <= properties.CHANCE
    inside = np.clip((np.arange(n) + 0.5) / n + 0.9 * edge, 0, 1)
    outside = np.clip((np.arange(n) + 0.5) / n + 1.2 * edge, 0, 1)
    assert spread_evenly(inside)
    assert n == 5 or not spread_evenly(outside)


def test_honest_samples_are_hardly_ever_refused():
    """None of 400 honest sets is refused by any of the three verifiers, on any scale."""
    rng = RNG(3)
    for _ in range(130):
        r = rng.random(2000)
        for call, x in [
            sampled("log", 1e-4, 2.0, 1e-4 * 2e4**r),
            sampled("one minus", 0.5, 0.999, 1 - 1e-3 * 500**r),
            sampled("whole", -3, 3, rng.integers(-3, 4, 2000)),
        ]:
            for verify in (
                properties.samples_in_range,
                properties.samples_follow_scale,
                properties.samples_are_independent,
            ):
                assert verify(call, x) == []


@pytest.mark.parametrize(
    ("scale", "x", "code"),
    [
        ("log", [0.5, 0.9], None),
        ("log", [0.1 - 1e-15, 1.0 + 1e-15], None),
        ("log", [0.05, 0.9], "range:below"),
        ("log", [0.2, 1.1], "range:above"),
        ("log", [0.05, 1.1], "range:both"),
        ("log", [0.5, NAN], "form:not finite"),
        ("log", [True, False], "form:no numbers"),
        ("whole", [0.5, 1.0], "form:not integers"),
    ],
)
def test_range_and_form_have_their_codes(scale, x, code):
    """Rounding at an end is forgiven, anything beyond is named."""
    assert codes(properties.samples_in_range(*sampled(scale, 0.1, 1.0, x))) == ([code] if code else [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.5, "form:one"),
        (np.array(0.5), "form:one"),
        ([0.5, 0.6, 0.7], "form:kind"),
        (np.zeros((3, 1)), "form:shape"),
        (np.zeros(2), "form:shape"),
        (Foreign("a function"), "form:kind"),
        ({"a": 1}, "form:kind"),
    ],
)
def test_no_kind_of_value_stops_a_verifier_of_samples(value, code):
    """Whatever comes back is read without an error."""
    for scale in ("log", "whole"):
        call = [Call({"low": 1, "high": 2, "size": 3, "rng": Draws(0)}, {"scale": scale})]
        for verify in (
            properties.samples_in_range,
            properties.samples_follow_scale,
            properties.samples_are_independent,
        ):
            assert codes(verify(call, seen(value))) == [code]


U = RNG(5).random(2000)


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (0.003 * (0.2 / 0.003) ** U, None),
        (0.003 + 0.197 * U, "evenly"),
        (10 ** (math.log10(0.003) * U + math.log10(0.2)), "factor and start"),
        (10 ** (0.003 + 0.197 * U), "ends as exponents"),
        (10 ** (math.log(0.003) + math.log(0.2 / 0.003) * U), "ten to ln"),
        (np.exp(math.log10(0.003) + math.log10(0.2 / 0.003) * U), "e to log10"),
        (math.log10(0.003) + math.log10(0.2 / 0.003) * U, "exponents"),
        (math.log(0.003) + math.log(0.2 / 0.003) * U, "exponents of e"),
        (10 ** (-2 + 2 * U), "exponents cut"),
        (10 ** (-3 + 2 * U), "exponents down"),
        (0.203 - 0.003 * (0.2 / 0.003) ** U, "upside down"),
        (1 - 0.003 * (0.2 / 0.003) ** U, "one minus"),
        (0.003 * (0.2 / 0.003) ** (U**2), "other"),
        (np.full(2000, 0.01), "one number"),
    ],
)
def test_every_wrong_scale_is_told_from_the_others(x, code):
    """Which rule would spread these samples evenly? There is one at most."""
    found = properties.samples_follow_scale(*sampled("log", 0.003, 0.2, x))
    assert codes(found) == ([f"scale:{code}"] if code else [])


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (1 - 1e-3 * 300**U, None),
        (0.7 + 0.299 * U, "evenly"),
        (0.7 * (0.999 / 0.7) ** U, "evenly"),
        (1e-3 * 300**U, "one minus"),
        (1 - 1 / (1 / 0.3 + (1e3 - 1 / 0.3) * U), "windows evenly"),
        (1.699 - (1 - 1e-3 * 300**U), "upside down"),
    ],
)
def test_every_wrong_scale_of_beta_is_told_from_the_others(x, code):
    """From 0.7 to 0.999 the logarithm of beta is almost straight: it counts as even there."""
    found = properties.samples_follow_scale(*sampled("one minus", 0.7, 0.999, x))
    assert codes(found) == ([f"scale:{code}"] if code else [])


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (np.floor(-3 + 7 * U).astype(int), None),
        (np.floor(-3 + 6 * U).astype(int), "high never"),
        (np.floor(-2 + 6 * U).astype(int), "low never"),
        (np.floor(-2 + 5 * U).astype(int), "low and high never"),
        (np.round(-3 + 6 * U).astype(int), "ends half"),
        (np.trunc(-3 + 7 * U).astype(int), "0 twice"),
        (np.floor(-3 + 7 * U**2).astype(int), "other"),
        (np.floor(-4 + 8 * U).astype(int), "outside"),
        (np.full(2000, 2), "one number"),
    ],
)
def test_every_wrong_count_has_its_code(x, code):
    """Ends left out, ends that come half as often, and a 0 that two intervals are cut to."""
    found = properties.samples_follow_scale(*sampled("whole", -3, 3, x))
    assert codes(found) == ([f"counts:{code}"] if code else [])


@pytest.mark.parametrize(
    ("u", "code"),
    [
        (U, None),
        (np.sort(U), "sorted"),
        (np.sort(U)[::-1], "sorted"),
        (RNG(0).permutation((np.arange(2000) + 0.5) / 2000), "too even"),
        (np.concatenate([U[:1000], 1 - U[:1000]]), "related"),
        (np.repeat(U[:1000], 2), "few values"),
        (np.round(U, 2), "few values"),
    ],
)
def test_every_dependence_has_its_code(u, code):
    """Samples on the right scale that were not drawn one by one."""
    found = properties.samples_are_independent(*sampled("log", 0.01, 1.0, 0.01 * 100**u))
    assert codes(found) == ([f"draws:{code}"] if code else [])


def test_numbers_that_are_taken_out_once_drawn_show():
    """60 of 60 numbers without a repetition: chance does that once in 1e25 times; 5 of 60 is nothing odd."""
    x = RNG(0).permutation(np.arange(1, 61))
    assert codes(properties.samples_are_independent(*sampled("whole", 1, 60, x))) == ["draws:no repetition"]
    few = RNG(0).permutation(np.arange(1, 61))[:5]
    assert properties.samples_are_independent(*sampled("whole", 1, 60, few)) == []


# --- grids ---


@pytest.mark.parametrize(
    ("choices", "value", "code"),
    [
        ({"a": [1, 2], "b": [3]}, [{"b": 3, "a": 2}, {"a": 1, "b": 3}], None),
        ({"a": [[1, 2], True]}, ({"a": (1, 2)}, {"a": True}), None),
        ({}, [{}], None),
        ({"a": []}, [], None),
        ({}, [], "no names"),
        ({"a": []}, [{}], "names"),
        ({"a": [True]}, [{"a": 1}], "foreign value"),
        ({"a": [1, 2], "b": [3, 4]}, [{"a": 1, "b": 3}, {"a": 2, "b": 4}], "side by side"),
        ({"a": [1, 2], "b": [3, 4]}, [{"a": 1, "b": 3}, {"a": 2, "b": 3}, {"a": 1, "b": 4}], "one at a time"),
        ({"a": [1, 2]}, [{"a": 2}, {"a": 2}], "the same"),
        ({"a": [1, 2]}, [{"a": 2}, {"a": 1}, {"a": 2}], "twice"),
        ({"a": [1, 2, 3]}, [{"a": 2}, {"a": 1}], "left out"),
        ({"a": [1, 2]}, [(1,), (2,)], "no dict"),
        ({"a": [1, 2]}, {"a": 1}, "kind"),
        ({"a": [1, 2]}, [{"a": 2}, {"b": 1}], "names"),
        ({"a": [1, 2]}, [{"a": np.arange(2)}, {"a": Foreign("x")}], "foreign value"),
    ],
)
def test_every_bad_grid_has_its_code(choices, value, code):
    """The order of the list and of each dict is free; a number is no truth."""
    found = properties.every_combination_once([Call({"choices": choices})], seen(value))
    assert codes(found) == ([f"grid:{code}"] if code else [])


# --- searches ---


def search(n_trials, space=None, scores=None):
    objective = (
        Named("scores_in_turn", {"scores": scores}) if scores else Named("score_of", {"weights": {"x": 1.0}})
    )
    space = space or {"x": Named("uniform", {"low": 0.0, "high": 1.0})}
    return [Call({"objective": objective, "space": space, "n_trials": n_trials, "rng": Draws(0)})]


A, B, C = {"x": 0.5}, {"x": 0.25}, {"x": 0.75}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ((B, [(A, 0.5), (B, 0.25), (C, 0.75)]), None),
        ([B, ([A, np.float64(0.5)], [B, np.array(0.25)], [C, 0.75])], None),
        ((C, [(A, 0.5), (B, 0.25), (C, 0.75)]), "best:highest"),
        ((A, [(A, 0.5), (B, 0.25), (C, 0.75)]), "best:other"),
        (({"x": 0.3}, [(A, 0.5), (B, 0.25), (C, 0.75)]), "best:other"),
        ((B, [(A, 0.5), (B, 0.75), (C, 0.25)]), "search:order"),
        ((B, [(A, 0.5), (B, 0.25), (C, 0.7)]), "search:score"),
        ((B, [(A, 0.5), (B, 0.25)]), "search:number"),
        ((B, [(A, 0.5), (B, 0.25), (C, 0.75), (A, 0.5)]), "search:more"),
        ((A, [(A, 0.5)] * 3), "search:always the same"),
        ((A, [(A, 0.5), (A, 0.25), (A, 0.75)]), "search:one dict"),
        (((B, 0.25), [(A, 0.5), (B, 0.25), (C, 0.75)]), "search:best with score"),
        ((0.25, [(A, 0.5), (B, 0.25), (C, 0.75)]), "search:best"),
        (([(A, 0.5), (B, 0.25), (C, 0.75)], B), "search:swapped"),
        ((B, [(0.5, A), (0.25, B), (0.75, C)]), "search:score first"),
        ((B, [A, B, C]), "search:pairs"),
        ((B, [(A, None), (B, 0.25), (C, 0.75)]), "search:no number"),
        ((B, [(A, 10**400), (B, 0.25), (C, 0.75)]), "search:no number"),
        ((B, [({"x": "a"}, 0.5), (B, 0.25), (C, 0.75)]), "search:settings"),
        ((B, [({"y": 1}, 0.5), (B, 0.25), (C, 0.75)]), "search:names"),
        ((B, 3), "search:trials"),
        (Foreign("a function"), "search:kind"),
    ],
)
def test_every_bad_search_has_its_code(value, code):
    """Whatever comes back is read without an error, and unlike mistakes have unlike codes."""
    for verify in (properties.search_holds_together, properties.drawn_and_asked_once):
        assert codes(verify(search(3), seen(value))) == ([code] if code else [])
    if code and not code.startswith("best"):
        properties.settings_follow_space(search(3), seen(value))


@pytest.mark.parametrize(
    ("scores", "best", "code"),
    [
        ([2.0, 1.0, 1.0], B, None),
        ([2.0, 1.0, 1.0], C, "best:last of equals"),
        ([NAN, 2.0, 1.0], C, None),
        ([NAN, 2.0, 1.0], A, "best:first nan"),
        ([2.0, NAN, 1.0], B, "best:nan"),
        ([NAN, NAN, 1e300], C, None),
    ],
)
def test_best_is_the_first_with_the_lowest_score(scores, best, code):
    """Ties go to the first, and NaN is worse than 1e300."""
    trials = list(zip((A, B, C), scores, strict=True))
    found = properties.search_holds_together(search(3, scores=scores), seen((best, trials)))
    assert codes(found) == ([code] if code else [])


def test_a_space_that_counts_shows_what_was_drawn_besides():
    """turns() gives 0, 1, 2, ...: a number left out was drawn for nothing."""
    call = search(3, {"x": Named("turns")}, [3.0, 1.0, 2.0])
    for drawn, code in {
        (0, 1, 2): None,
        (2, 0, 1): None,
        (0, 2, 4): "drawn:again",
        (0, 0, 1): "drawn:reused",
        (0, 0, 0): "drawn:not anew",
        ("a", 1, 2): "drawn:kind",
    }.items():
        trials = [({"x": x}, score) for x, score in zip(drawn, [3.0, 1.0, 2.0], strict=True)]
        found = properties.drawn_and_asked_once(call, seen((trials[1][0], trials)))
        assert codes(found) == ([code] if code else []), drawn


def test_a_record_that_somebody_has_forged_stops_nothing():
    """What was called is written down beside the learner's code, so it may hold anything."""
    trials = [(A, 3.0), (B, 1.0)]
    for record, code in [
        ((("objective", (A,)), ("objective", (B,)), ("x", ())), None),
        ((("objective", (A,)),) * 3, "search:asked too often"),
        ((["x", ()],) * 3, "search:drawn too often"),
        ((3, None, (), (np.arange(3), 1), "objective", {"x": 1}, Foreign("x")), None),
    ]:
        told = [Observation(RETURNED, (B, trials), record=record)]
        found = properties.drawn_and_asked_once(search(2, scores=[3.0, 1.0]), told)
        assert codes(found) == ([code] if code else [])


@pytest.mark.parametrize(
    ("xy", "code"),
    [
        (lambda u, v: (u, v), None),
        (lambda u, v: (u, u), "names related"),
        (lambda u, v: (np.round(u, 1), v), "repeated"),
        (lambda u, v: (u, v**3), "spread"),
        (lambda u, v: (np.sort(u), v), "trials related"),
        (lambda u, v: ((np.argsort(u) + 0.5) / len(u), v), "too even"),
        (lambda u, v: (u, np.ones(len(v), dtype=int)), "kind"),
    ],
)
def test_settings_that_do_not_follow_their_space_are_named(xy, code):
    """Even draws from 0 to 1 for two names, bent in one way each."""
    x, y = xy(RNG(0).random(400), RNG(1).random(400))
    trials = [({"x": a, "y": b}, 0.0) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    call = search(400, dict.fromkeys("xy", Named("uniform", {"low": 0.0, "high": 1.0})), [0.0] * 400)
    found = properties.settings_follow_space(call, seen((trials[0][0], trials)))
    assert codes(found) == ([f"space:{code}"] if code else [])


# --- functions that travel by name ---


def test_a_race_shows_further_questions_and_other_budgets():
    """Each candidate runs its own laps, and a budget that is not that of its lap means nothing."""
    options = {"laps": [[5.0, 6.0], [7.0, 8.0]], "budget": 2, "eta": 1.5}

    def run(evaluate):
        return [
            evaluate(0, 2), evaluate({"number": 1}, 2.0), evaluate(1, 3.0), evaluate(0, 3), evaluate(0, 4.5),
            evaluate(1, 2) in (6.0, 7.0, 8.0),
        ]  # fmt: skip

    (told,) = observe(run, [Call({"evaluate": Named("race", options)})])
    assert told.value == [5.0, 6.0, 8.0, 7.0, 7.0, False]
    assert len(told.record) == 6


def test_scores_in_turn_and_turns_begin_afresh_in_each_call():
    """A call that names them gets its own; past the end of the list scores keep falling."""
    given = {"f": Named("scores_in_turn", {"scores": [2.0, NAN]}), "draw": Named("turns")}
    for told in observe(lambda f, draw: [f({}), f({}), f({}), f({}), draw(0), draw(0)], [Call(given)] * 2):
        np.testing.assert_equal(told.value, [2.0, NAN, 1.0, 0.0, 0.0, 1.0])
