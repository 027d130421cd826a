"""Hyperparameter search: drawing on the right scale, searching, halving, and what to try next."""

import heapq
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise
from autograder.exercises._mistakes import exposed_by
from course_utils import properties
from course_utils.calls import Call, TimedOut, build
from course_utils.examine import HABITS
from course_utils.plain import Draws, Named
from course_utils.reference import hyperparameter_search as reference

NAN = math.nan


def generator(rng, name="rng"):
    return Draws(int(rng.integers(2**31)), name)


# --- what samples are asked for ----------------------------------------------------------------------------


def samples(rng, scale, *asked, name="rng"):
    """Return a call for each (low, high, size), all with one generator."""
    draws = generator(rng, name)
    return [
        Call({"low": low, "high": high, "size": size, "rng": draws}, {"scale": scale})
        for low, high, size in asked
    ]


def twins(rng, **arguments):
    """Return calls with two generators in one state, then further ones with the first."""
    seed = generator(rng).seed
    return [{**arguments, "rng": Draws(seed, name)} for name in ("first", "second", "first", "first")]


FORM = "as many numbers as asked for, none outside low to high"
EVEN = "every part of the scale gets its share"
APART = "no sample says anything about another"
REPEAT = "equal generators give equal samples, the next call new ones"
SAMPLE_ASKS = {
    FORM: "Print the smallest and the largest of a hundred samples. Where do they lie?",
    APART: "Which number does each entry come from, and could it have been any number of the scale?",
    REPEAT: "Which generator draws, and who chose its state?",
}


def sample_cases(scale, few, many, independent, ask, sizes, narrow, twin, chain):
    """Return the cases that the three ways of sampling share."""
    return (
        Case(
            FORM,
            "Ends that are no whole powers of ten show whose exponents run elsewhere.",
            lambda rng: samples(rng, scale, *few),
            public=True,
            verify=properties.samples_in_range,
            ask=SAMPLE_ASKS[FORM],
        ),
        Case(
            EVEN,
            "Judged by the distance of two distribution functions or by counts; 2000 numbers show any scale.",
            lambda rng: samples(rng, scale, *many),
            public=True,
            verify=properties.samples_follow_scale,
            after=(FORM,),
            ask=ask,
        ),
        Case(
            APART,
            "Sorted, evenly spaced, repeated and mirrored numbers fill the scale too.",
            lambda rng: samples(rng, scale, *independent),
            public=True,
            verify=properties.samples_are_independent,
            after=(FORM, EVEN),
            ask=SAMPLE_ASKS[APART],
        ),
        Case(
            REPEAT,
            "A generator of one's own cannot be repeated by who hands in rng, or gives the same for ever.",
            lambda rng: twins(rng, low=twin[0], high=twin[1], size=30),
            public=True,
            verify=properties.fresh_draws,
            after=(FORM,),
            ask=SAMPLE_ASKS[REPEAT],
        ),
        Case(
            "none, one, or very many, and ends that are equal",
            "Size 0 is an empty array, size 1 no bare number; low == high leaves one value.",
            lambda rng: samples(rng, scale, *sizes),
            verify=properties.samples_in_range,
            after=(FORM,),
        ),
        Case(
            "narrow scales and wide ones",
            "Hard-wired ends, decades cut and ends shifted a little.",
            lambda rng: samples(rng, scale, *narrow),
            verify=properties.samples_follow_scale,
            after=(FORM, EVEN),
        ),
        Case(
            "call after call from one generator",
            "Hundreds of calls for one number or two: no place is special, and what one call drew must not "
            "come again in the next.",
            lambda rng: samples(rng, scale, *chain),
            verify=properties.samples_are_independent,
            after=(FORM, EVEN),
        ),
    )


# --- sample_log_uniform ------------------------------------------------------------------------------------

LOG_ASK = "Take the geometric mean of low and high, sqrt(low * high): how many samples lie below it?"


@exposed_by(EVEN)
def log_drawn_evenly(low, high, size, rng):
    """random is random, so rng.uniform(low, high) will do

    Then nine of ten samples lie in the last decade. Draw the exponent evenly, then take the power.
    """
    return rng.uniform(low, high, size)


@exposed_by(FORM)
def log_factor_is_the_first_exponent(low, high, size, rng):
    """with a and b the exponents of the ends, r = a * rand + b

    That runs from b to a + b. From a to b it is (b - a) * rand + a: factor is the width, start the first end.
    """
    a, b = np.log10(low), np.log10(high)
    return 10 ** (a * rng.random(size) + b)


@exposed_by(FORM)
def log_ends_are_exponents(low, high, size, rng):
    """low and high are the exponents

    low and high are values. Which exponents belong to them?
    """
    return 10.0 ** rng.uniform(low, high, size)


@exposed_by(FORM)
def log_mixes_bases(low, high, size, rng):
    """np.log is the logarithm to base 10

    np.log has base e: its inverse is np.exp. For powers of 10 take np.log10.
    """
    return 10 ** rng.uniform(np.log(low), np.log(high), size)


@exposed_by(FORM)
def log_mixes_bases_the_other_way(low, high, size, rng):
    """np.exp undoes np.log10

    np.exp undoes np.log; np.log10 is undone by 10 ** r.
    """
    return np.exp(rng.uniform(np.log10(low), np.log10(high), size))


@exposed_by(FORM)
def log_returns_exponents(low, high, size, rng):
    """the uniform draw is the sample

    You drew exponents. What has to become of an exponent before it is a learning rate?
    """
    return rng.uniform(np.log10(low), np.log10(high), size)


@exposed_by(FORM)
def log_whole_decades(low, high, size, rng):
    """the exponents of the ends are whole numbers

    The exponent of 0.0003 is -3.52, not -3. Leave out int().
    """
    return 10 ** rng.uniform(int(np.log10(low)), int(np.log10(high)), size)


@exposed_by(APART)
def log_even_steps(low, high, size, rng):
    """spread evenly means np.geomspace

    A ladder of fixed rungs is a grid. Each sample is to be drawn by itself, from rng.
    """
    return np.geomspace(low, high, size)


@exposed_by(APART)
def log_one_rung_of_a_ladder(low, high, size, rng):
    """random search picks from a list of values

    A few values come again and again, and those between them never. Draw the exponent itself.
    """
    return rng.choice(np.geomspace(low, high, 200), size)


@exposed_by(EVEN)
def log_one_draw_for_all(low, high, size, rng):
    """one draw serves all samples

    rng.uniform(a, b) without a size is a single number. How many are asked for?
    """
    return np.full(size, np.exp(rng.uniform(np.log(low), np.log(high))))


@exposed_by(APART)
def log_sorted(low, high, size, rng):
    """samples belong in order

    Who takes the first five gets the five smallest. Leave the samples as they were drawn.
    """
    return np.sort(reference.sample_log_uniform(low, high, size, rng))


@exposed_by(REPEAT)
def log_own_generator(low, high, size, rng):
    """a seed inside the function makes it reproducible

    Now every call gives the same samples. The caller owns the randomness: draw from rng.
    """
    return reference.sample_log_uniform(low, high, size, np.random.default_rng(0))


@exposed_by(REPEAT)
def log_global_random(low, high, size, rng):
    """random numbers come from np.random

    The global generator belongs to everybody, so nobody can repeat your samples. Which generator was
    handed in?
    """
    return np.exp(np.random.uniform(np.log(low), np.log(high), size))  # noqa: NPY002


def log_by_inverse(low, high, size, rng):
    return low * (high / low) ** rng.random(size)


def log_by_single_draws(low, high, size, rng):
    drawn = np.zeros(size)
    for i in range(size):
        drawn[i] = 10 ** (np.log10(low) + rng.random() * (np.log10(high) - np.log10(low)))
    return drawn


def log_by_integers(low, high, size, rng):
    share = rng.integers(0, 2**53, size=size) / 2**53
    return np.exp2((1 - share) * np.log2(high) + share * np.log2(low))


def log_by_list(low, high, size, rng):
    return np.array([math.exp(rng.uniform(math.log(low), math.log(high))) for _ in range(size)])


sample_log_uniform = Exercise(
    reference.sample_log_uniform,
    sample_cases(
        "log",
        few=[(0.003, 0.2, 5), (0.003, 0.2, 80), (2e-6, 30.0, 60), (0.5, 3.0, 40)],
        many=[(3e-4, 0.2, 2000), (0.02, 7.0, 2000)],
        independent=[(0.002, 0.5, 2000)],
        ask=LOG_ASK,
        sizes=[(0.01, 0.3, 0), (0.01, 0.3, 1), (0.02, 0.02, 7), (1e-5, 1.0, 9000), (3.0, 3.0, 1)],
        narrow=[
            (1.0, 1.5, 2500), (1e-8, 1e7, 2500), (5.0, 2000.0, 2500), (1, 1000, 2500), (1e-5, 9e-5, 2500),
        ],
        twin=(0.001, 0.4),
        chain=[(0.003, 6.0, 1)] * 200 + [(0.003, 6.0, 2)] * 150,
    ),
    (
        log_drawn_evenly, log_factor_is_the_first_exponent, log_ends_are_exponents, log_mixes_bases,
        log_mixes_bases_the_other_way, log_returns_exponents, log_whole_decades, log_even_steps,
        log_one_rung_of_a_ladder, log_one_draw_for_all, log_sorted, log_own_generator, log_global_random,
    ),
    (log_by_inverse, log_by_single_draws, log_by_integers, log_by_list),
)  # fmt: skip


# --- sample_beta -------------------------------------------------------------------------------------------

BETA_ASK = "Half of the samples between 0.9 and 0.999 lie below 0.99, where 1 - beta is 0.01. And of yours?"


@exposed_by(EVEN)
def beta_drawn_evenly(low, high, size, rng):
    """beta is a fraction, so it is drawn evenly

    From 0.9 to 0.999, nine of ten samples average fewer than 100 steps. Draw 1 - beta on a log scale.
    """
    return rng.uniform(low, high, size)


@exposed_by(EVEN)
def beta_log_of_beta(low, high, size, rng):
    """beta itself is drawn on a log scale

    log(0.9) and log(0.999) are almost the same. It is 1 - beta whose order of magnitude matters.
    """
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


@exposed_by(FORM)
def beta_is_ten_to_the_r(low, high, size, rng):
    """beta = 10^r

    10^r with r from -3 to -1 is 1 - beta. One step is left.
    """
    return 10 ** rng.uniform(np.log10(1 - high), np.log10(1 - low), size)


@exposed_by(EVEN)
def beta_windows_evenly(low, high, size, rng):
    """the windows 1 / (1 - beta) are drawn evenly

    Then almost all windows are long. Each order of magnitude of the window should be as likely.
    """
    return 1 - 1 / rng.uniform(1 / (1 - low), 1 / (1 - high), size)


@exposed_by(FORM)
def beta_whole_exponents(low, high, size, rng):
    """the exponents of 1 - beta are whole numbers

    1 - 0.995 is 10^-2.3, not 10^-2. Leave out int().
    """
    return 1 - 10.0 ** rng.uniform(int(np.log10(1 - high)), int(np.log10(1 - low)), size)


@exposed_by(FORM)
def beta_mixes_bases(low, high, size, rng):
    """np.log is the logarithm to base 10

    np.log has base e: its inverse is np.exp. For powers of 10 take np.log10.
    """
    return 1 - 10 ** rng.uniform(np.log(1 - high), np.log(1 - low), size)


@exposed_by(EVEN)
def beta_crowds_low(low, high, size, rng):
    """it does not matter at which end the samples crowd

    Look at the window 1 / (1 - beta): near beta = 1 small steps change it most, so there the samples belong.
    """
    return low + high - reference.sample_beta(low, high, size, rng)


@exposed_by(APART)
def beta_even_steps(low, high, size, rng):
    """spread evenly means np.geomspace

    A ladder of fixed rungs is a grid. Each sample is to be drawn by itself, from rng.
    """
    return 1 - np.geomspace(1 - low, 1 - high, size)


@exposed_by(EVEN)
def beta_one_draw_for_all(low, high, size, rng):
    """one draw serves all samples

    rng.uniform(a, b) without a size is a single number. How many are asked for?
    """
    return np.full(size, reference.sample_beta(low, high, 1, rng)[0])


@exposed_by(REPEAT)
def beta_own_generator(low, high, size, rng):
    """a seed inside the function makes it reproducible

    Now every call gives the same samples. The caller owns the randomness: draw from rng.
    """
    return reference.sample_beta(low, high, size, np.random.default_rng(0))


@exposed_by(REPEAT)
def beta_global_random(low, high, size, rng):
    """random numbers come from np.random

    The global generator belongs to everybody, so nobody can repeat your samples. Which generator was
    handed in?
    """
    return 1 - np.exp(np.random.uniform(np.log(1 - high), np.log(1 - low), size))  # noqa: NPY002


def beta_by_inverse(low, high, size, rng):
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** rng.random(size)


def beta_by_list(low, high, size, rng):
    ends = sorted([math.log10(1 - low), math.log10(1 - high)])
    return np.array([1 - 10 ** rng.uniform(*ends) for _ in range(size)])


def beta_by_expm1(low, high, size, rng):
    share = rng.random(size)
    return -np.expm1(share * np.log1p(-low) + (1 - share) * np.log1p(-high))


sample_beta = Exercise(
    reference.sample_beta,
    sample_cases(
        "one minus",
        few=[(0.9, 0.999, 5), (0.5, 0.995, 60), (0.2, 0.93, 40)],
        many=[(0.9, 0.999, 2000), (0.05, 0.995, 2000)],
        independent=[(0.7, 0.998, 2000)],
        ask=BETA_ASK,
        sizes=[(0.9, 0.99, 0), (0.9, 0.99, 1), (0.95, 0.95, 6), (0.0, 0.0, 3), (0.0, 0.9999, 9000)],
        narrow=[
            (0.0, 0.9, 2500), (0.985, 0.99999, 2500), (0.1, 0.3, 2500), (0.991, 0.992, 2500),
            (0, 0.5, 2500), (0.82, 0.97, 2500),
        ],
        twin=(0.85, 0.9991),
        chain=[(0.65, 0.9993, 1)] * 200 + [(0.65, 0.9993, 2)] * 150,
    ),
    (
        beta_drawn_evenly, beta_log_of_beta, beta_is_ten_to_the_r, beta_windows_evenly, beta_whole_exponents,
        beta_mixes_bases, beta_crowds_low, beta_even_steps, beta_one_draw_for_all, beta_own_generator,
        beta_global_random,
    ),
    (beta_by_inverse, beta_by_list, beta_by_expm1),
)  # fmt: skip


# --- sample_integers ---------------------------------------------------------------------------------------


@exposed_by(EVEN)
def integers_without_high(low, high, size, rng):
    """rng.integers(low, high) goes up to high

    rng.integers stops one short of its end, like range. Is endpoint=True, or high + 1, missing?
    """
    return rng.integers(low, high, size)


@exposed_by(EVEN)
def integers_cut_short(low, high, size, rng):
    """astype(int) of a number up to high is a whole number up to high

    Everything between high - 1 and high is cut to high - 1, so high never comes. Which method of rng draws
    whole numbers?
    """
    return rng.uniform(low, high, size).astype(int)


@exposed_by(EVEN)
def integers_rounded(low, high, size, rng):
    """a rounded uniform number is a uniform whole number

    Only half an interval rounds to low, and half to high: they come half as often. Draw whole numbers.
    """
    return np.round(rng.uniform(low, high, size)).astype(int)


@exposed_by(FORM)
def integers_cut_towards_0(low, high, size, rng):
    """astype(int) rounds down

    astype(int) cuts towards 0: -0.7 and 0.7 both become 0, which comes twice as often. Draw whole numbers.
    """
    return rng.uniform(low, high + 1, size).astype(int)


@exposed_by(FORM)
def integers_as_floats(low, high, size, rng):
    """np.floor returns integers

    np.floor returns floats such as 3.0, and a layer cannot have 3.0 units. Draw whole numbers.
    """
    return np.floor(rng.uniform(low, high + 1, size))


@exposed_by(FORM)
def integers_from_0(low, high, size, rng):
    """rng.integers needs the upper end only

    rng.integers(n) starts at 0. Where does low come in?
    """
    return rng.integers(high + 1, size=size)


@exposed_by(FORM)
def integers_high_is_a_width(low, high, size, rng):
    """low + rng.integers(high) runs from low to high

    The second number is a width here: there are high - low + 1 numbers from low to high.
    """
    return low + rng.integers(high + 1 if high >= 0 else 1, size=size)


@exposed_by(FORM)
def integers_never_twice(low, high, size, rng):
    """a number that was drawn is used up

    Two trials may well have the same number of layers. rng.choice needs replace=True, or use rng.integers.
    """
    return rng.choice(np.arange(low, high + 1), size, replace=False)


@exposed_by(EVEN)
def integers_one_draw_for_all(low, high, size, rng):
    """one draw serves all samples

    rng.integers without a size is a single number. How many are asked for?
    """
    return np.full(size, rng.integers(low, high + 1))


@exposed_by(APART)
def integers_sorted(low, high, size, rng):
    """samples belong in order

    Who takes the first five gets the five smallest. Leave the samples as they were drawn.
    """
    return np.sort(rng.integers(low, high + 1, size))


@exposed_by(REPEAT)
def integers_own_generator(low, high, size, rng):
    """a seed inside the function makes it reproducible

    Now every call gives the same samples. The caller owns the randomness: draw from rng.
    """
    return np.random.default_rng(0).integers(low, high + 1, size)


@exposed_by(REPEAT)
def integers_global_random(low, high, size, rng):
    """random numbers come from np.random

    The global generator belongs to everybody, so nobody can repeat your samples. Which generator was
    handed in?
    """
    return np.random.randint(low, high + 1, size)  # noqa: NPY002


def integers_by_choice(low, high, size, rng):
    return rng.choice(np.arange(low, high + 1), size=size)


def integers_by_floor(low, high, size, rng):
    return np.floor(low + (high - low + 1) * rng.random(size)).astype(np.int64)


def integers_by_list(low, high, size, rng):
    return np.array([int(rng.integers(low, high, endpoint=True)) for _ in range(size)])


def integers_by_permutation(low, high, size, rng):
    return np.array([rng.permutation(high - low + 1)[0] + low for _ in range(size)], dtype=np.int32)


sample_integers = Exercise(
    reference.sample_integers,
    sample_cases(
        "whole",
        few=[(2, 9, 6), (-9, -2, 60), (30, 50, 3)],
        many=[(-3, 3, 2000), (1, 6, 1500)],
        independent=[(2, 5, 1500)],
        ask="Count how often each number comes, low and high among them.",
        sizes=[(1, 4, 0), (1, 4, 1), (-5, -5, 8), (50, 100, 9000), (0, 0, 1), (0, 1, 300)],
        narrow=[
            (0, 1, 1500), (50, 100, 4000), (-3000, 3000, 1500), (-7, 0, 1500), (-1, 30, 3000), (4, 4, 9),
        ],
        twin=(10, 5000),
        chain=[(-40, 59, 1)] * 200 + [(-40, 59, 2)] * 150 + [(-40, 59, 80)],
    ),
    (
        integers_without_high, integers_cut_short, integers_rounded, integers_cut_towards_0,
        integers_as_floats, integers_from_0, integers_high_is_a_width, integers_never_twice,
        integers_one_draw_for_all, integers_sorted, integers_own_generator, integers_global_random,
    ),
    (integers_by_choice, integers_by_floor, integers_by_list, integers_by_permutation),
)  # fmt: skip


# --- grid --------------------------------------------------------------------------------------------------


def choices_of(rng, *lengths):
    """Return names with as many values each, a few digits long, in an order of their own."""
    names = rng.permutation(["learning_rate", "units", "beta", "lambd", "layers", "keep_prob"])[
        : len(lengths)
    ]
    return {
        "choices": {
            str(name): (rng.permutation(20)[:n] * 0.25 + 0.5).tolist()
            for name, n in zip(names, lengths, strict=True)
        }
    }


ALL = "every combination of two names"
THREE = "three names, and one"
EMPTY = "no names, or a name without values"


@exposed_by(ALL)
def grid_side_by_side(choices):
    """the first values belong together, then the second

    zip pairs values by their place. Each value of one name should meet each value of the other.
    """
    rows = zip(*choices.values(), strict=False)
    return [dict(zip(choices, values, strict=True)) for values in rows] if choices else [{}]


@exposed_by(ALL)
def grid_one_at_a_time(choices):
    """only one name changes while the others keep their first value

    That misses the pairs in which two names differ from the start. Nest the loops.
    """
    if not all(choices.values()):
        return reference.grid(choices)
    first = {name: values[0] for name, values in choices.items()}
    changed = [{**first, name: value} for name, values in choices.items() for value in values[1:]]
    return [first, *changed]


@exposed_by(ALL)
def grid_of_tuples(choices):
    """itertools.product returns what is asked for

    product gives tuples of values. Put the names back: dict(zip(choices, values)).
    """
    return list(itertools.product(*choices.values()))


@exposed_by(ALL)
def grid_same_dict(choices):
    """append stores what the dict holds at that moment

    The list holds one dict many times, and all show its last values. Make a new dict for each combination.
    """
    settings, combinations = {}, []
    for values in itertools.product(*choices.values()):
        settings.update(zip(choices, values, strict=True))
        combinations.append(settings)
    return combinations


@exposed_by(ALL)
def grid_single_entries(choices):
    """a combination is one name with one value

    Each combination has a value for every name at once.
    """
    return [{name: value} for name, values in choices.items() for value in values]


@exposed_by(ALL)
def grid_not_a_list(choices):
    """a generator is as good as a list

    It can be walked through once only, and it has no length. Make it a list.
    """
    return (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))


@exposed_by(THREE)
def grid_two_loops(choices):
    """there are two names

    Two nested loops do for two names. How many loops do you need for any number of names?
    """
    first, second = list(choices)[:2]
    return [{first: x, second: y} for x in choices[first] for y in choices[second]]


@exposed_by(EMPTY)
def grid_of_nothing_is_nothing(choices):
    """without names there is nothing to list

    There is one way to choose nothing: the empty dict. [{}] it is, as a product of no numbers is 1.
    """
    return reference.grid(choices) if choices else []


@exposed_by(EMPTY)
def grid_skips_empty(choices):
    """a name without values is left out

    Where a name can take no value there is no combination at all.
    """
    return reference.grid({name: values for name, values in choices.items() if values})


def grid_by_growing(choices):
    combinations = [{}]
    for name, values in choices.items():
        combinations = [{**settings, name: value} for settings in combinations for value in values]
    return combinations


def grid_by_recursion(choices):
    if not choices:
        return [{}]
    *names, last = choices
    return [
        {**rest, last: value}
        for value in choices[last]
        for rest in grid_by_recursion({n: choices[n] for n in names})
    ]


def grid_by_counting(choices):
    combinations = []
    for k in range(math.prod(map(len, choices.values()))):
        settings = {}
        for name in reversed(choices):
            k, i = divmod(k, len(choices[name]))
            settings[name] = choices[name][i]
        combinations.append(settings)
    return tuple(combinations)


grid = Exercise(
    reference.grid,
    (
        Case(
            ALL,
            "Lists of unlike lengths: zip, one at a time and repeated dicts all show.",
            lambda rng: [choices_of(rng, 2, 3), choices_of(rng, 3, 2)],
            public=True,
            verify=properties.every_combination_once,
            ask="How many combinations are there? Write down the list for two names by hand.",
        ),
        Case(
            THREE,
            "A fixed number of nested loops fails.",
            lambda rng: [choices_of(rng, 2, 3, 2), choices_of(rng, 3), choices_of(rng, 1, 1)],
            public=True,
            verify=properties.every_combination_once,
            after=(ALL,),
            ask="Which line knows how many names there are?",
        ),
        Case(
            EMPTY,
            "One way to choose nothing, and none to choose from nothing.",
            lambda rng: [
                {"choices": {}},
                {"choices": {"learning_rate": []}},
                {"choices": {"units": [1.0, 2.0], "beta": []}},
            ],
            public=True,
            verify=properties.every_combination_once,
            after=(ALL,),
            ask="A product of no numbers is 1, and one with a 0 in it is 0. What are these lists, then?",
        ),
        Case(
            "six names",
            "144 combinations of six names, one of which has a single value.",
            lambda rng: choices_of(rng, 3, 2, 3, 1, 4, 2),
            verify=properties.every_combination_once,
            after=(ALL,),
        ),
        Case(
            "words, None, True and lists are values too",
            "Arrays and sets would turn them into something else.",
            lambda rng: [
                {"choices": {"activation": ["relu", "tanh", "elu"], "norm": [True, False], "n": [6]}},
                {"choices": {"hidden": [[64, 32], [128], []], "decay": [None, 0.5], "optimizer": ["adam"]}},
                {"choices": {"units": [int(n) for n in rng.permutation(50)[:7]], "name": ["abc", "d"]}},
            ],
            verify=properties.every_combination_once,
            after=(ALL,),
        ),
        Case(
            "an empty list, first or in the middle",
            "Which name has no value plays no part.",
            lambda rng: [
                {"choices": {"a": [], "b": [1.0, 2.0]}},
                {"choices": {"a": [1.0, 2.0], "b": [], "c": [3.0]}},
                {"choices": {"a": [], "b": []}},
            ],
            verify=properties.every_combination_once,
            after=(EMPTY,),
        ),
    ),
    (
        grid_side_by_side, grid_one_at_a_time, grid_of_tuples, grid_same_dict, grid_single_entries,
        grid_not_a_list, grid_two_loops, grid_of_nothing_is_nothing, grid_skips_empty,
    ),
    (grid_by_growing, grid_by_recursion, grid_by_counting),
)  # fmt: skip


# --- random_search -----------------------------------------------------------------------------------------


def uniform(low, high):
    return Named("uniform", {"low": low, "high": high})


def one_of(*values):
    return Named("one_of", {"values": list(values)})


def in_turn(scores):
    return Named("scores_in_turn", {"scores": scores})


def search(rng, objective, space, n_trials):
    return {"objective": objective, "space": space, "n_trials": n_trials, "rng": generator(rng)}


def weighted(rng, n_trials, *names, nan_above=None):
    """Return a search among even draws, scored by a weighted sum."""
    weights = {name: float(round(rng.uniform(0.5, 3.0), 2)) * (-1) ** i for i, name in enumerate(names)}
    space = {name: uniform(float(i), float(i) + 2.0) for i, name in enumerate(names)}
    options = {"weights": weights} if nan_above is None else {"weights": weights, "nan_above": nan_above}
    return search(rng, Named("score_of", options), space, n_trials)


def listed_scores(rng, scores, **space):
    return search(rng, in_turn(scores), space or {"x": uniform(0.0, 1.0)}, len(scores))


def some_nan(rng, n, share, ties=False):
    """Return scores of which some are NaN, not all; the lowest come twice where ties are wished."""
    scores = rng.permutation(n) - n // 3
    scores = np.where(rng.random(n) < share, NAN, (scores // 3 if ties else scores) * 0.5)
    scores[int(rng.integers(1, n))] = 0.25
    return scores.tolist()


TOGETHER = "scores belong to settings, and best has the lowest"
TIES = "of equal scores the first wins"
NANS = "NaN is worse than any number"
ONCE = "each setting is drawn once and evaluated once, in the order of the trials"
SPREAD = "each trial is drawn from its space, on its own"
SEARCH_REPEAT = "equal generators give equal trials, the next call new ones"


def searching(choose=None, score=None, settings=None):
    """Return a search that draws, scores or chooses in another way than the right one."""
    choose = choose or (
        lambda trials: next(t[0] for t in trials if t[1] == min(s for _, s in trials if s == s))
    )
    score = score or (lambda objective, drawn: objective(drawn))
    settings = settings or (lambda space, rng: {name: draw(rng) for name, draw in space.items()})

    def wrong(objective, space, n_trials, rng):
        trials = []
        for _ in range(n_trials):
            drawn = settings(space, rng)
            trials.append((drawn, score(objective, drawn)))
        return choose(trials), trials

    return wrong


def keeping(better, start):
    """Return a choice that walks through the trials and keeps what is better."""

    def choose(trials):
        best, lowest = start(trials)
        for settings, score in trials:
            if better(score, lowest):
                best, lowest = settings, score
        return best

    return choose


@exposed_by(TOGETHER)
def search_takes_highest(objective, space, n_trials, rng):
    """the best trial has the highest score

    Scores are errors here: lower is better.
    """
    choose = keeping(lambda score, highest: score > highest, lambda trials: (trials[0][0], -math.inf))
    return searching(choose)(objective, space, n_trials, rng)


@exposed_by(TOGETHER)
def search_returns_last(objective, space, n_trials, rng):
    """the search ends at the best settings

    Random search does not climb: its last trial is as random as its first. Remember the best one.
    """
    return searching(lambda trials: trials[-1][0])(objective, space, n_trials, rng)


@exposed_by(TIES)
def search_last_of_equals(objective, space, n_trials, rng):
    """<= or < makes no difference

    With <= a later trial of the same score replaces the first. The first is asked for.
    """
    choose = keeping(lambda score, lowest: score <= lowest, lambda trials: ({}, math.inf))
    return searching(choose)(objective, space, n_trials, rng)


@exposed_by(TIES)
def search_starts_from_infinity(objective, space, n_trials, rng):
    """every score is below infinity

    A run that blows up may score inf. If all of them do, your best stays None: start from the first trial.
    """
    choose = keeping(lambda score, lowest: score < lowest, lambda trials: (None, math.inf))
    return searching(choose)(objective, space, n_trials, rng)


@exposed_by(NANS)
def search_starts_from_the_first(objective, space, n_trials, rng):
    """min knows what to do with NaN

    Every comparison with NaN is False, so a NaN that comes first stays for ever. Rank NaN behind all numbers.
    """
    return searching(lambda trials: min(trials, key=lambda trial: trial[1])[0])(
        objective, space, n_trials, rng
    )


@exposed_by(NANS)
def search_nan_wins(objective, space, n_trials, rng):
    """np.argmin leaves NaN out

    np.argmin returns the first NaN it meets. np.nanargmin leaves them out.
    """
    return searching(lambda trials: trials[int(np.argmin([s for _, s in trials]))][0])(
        objective, space, n_trials, rng
    )


@exposed_by(NANS)
def search_leaves_out_nan(objective, space, n_trials, rng):
    """a trial without a score is no trial

    It was drawn and trained like the others, and the list should show that it failed. Where has NaN to be
    left out: from trials, or where best is chosen?
    """
    best, trials = reference.random_search(objective, space, n_trials, rng)
    return best, [trial for trial in trials if trial[1] == trial[1]]


@exposed_by(ONCE)
def search_asks_twice(objective, space, n_trials, rng):
    """asking the objective again costs nothing

    Each question is a training of hours, and its answer may differ. Keep the score that you have got.
    """
    trials = [({name: draw(rng) for name, draw in space.items()}, 0.0) for _ in range(n_trials)]
    trials = [(settings, objective(settings)) for settings, _ in trials]
    return min((settings for settings, _ in trials), key=objective), trials


@exposed_by(ONCE)
def search_scores_twice(objective, space, n_trials, rng):
    """a score may be asked for where it is needed

    Asked in the comparison and again for the list, the objective trains everything twice. Keep its answer.
    """
    best, lowest, trials = None, math.inf, []
    for _ in range(n_trials):
        settings = {name: draw(rng) for name, draw in space.items()}
        if objective(settings) < lowest or best is None:
            best, lowest = settings, objective(settings)
        trials.append((settings, objective(settings)))
    return best, trials


@exposed_by(TOGETHER)
def search_draws_before_the_loop(objective, space, n_trials, rng):
    """one draw serves all trials

    Settings drawn before the loop are the same in every trial. Draw inside it.
    """
    settings = {name: draw(rng) for name, draw in space.items()}
    return searching(settings=lambda space, rng: dict(settings))(objective, space, n_trials, rng)


@exposed_by(TOGETHER)
def search_one_dict_for_all(objective, space, n_trials, rng):
    """append stores what the dict holds at that moment

    The list holds one dict many times, and all show its last values. Make a new dict for each trial.
    """
    shared = {}

    def settings(space, rng):
        for name, draw in space.items():
            shared[name] = draw(rng)
        return shared

    return searching(settings=settings)(objective, space, n_trials, rng)


@exposed_by(ONCE)
def search_sorts_trials(objective, space, n_trials, rng):
    """trials are returned from best to worst

    The docstring asks for the order tried: a picture of the search needs it.
    """
    best, trials = reference.random_search(objective, space, n_trials, rng)
    return best, sorted(trials, key=lambda trial: (trial[1] != trial[1], trial[1]))


@exposed_by(TOGETHER)
def search_best_with_score(objective, space, n_trials, rng):
    """best is the best trial

    best is the settings alone; their score stands in trials.
    """
    best, trials = reference.random_search(objective, space, n_trials, rng)
    return next(trial for trial in trials if trial[0] == best), trials


@exposed_by(TOGETHER)
def search_best_is_a_score(objective, space, n_trials, rng):
    """best is the lowest score

    A score cannot be trained with. Return the settings that it belongs to.
    """
    _, trials = reference.random_search(objective, space, n_trials, rng)
    return min(score for _, score in trials if score == score), trials


@exposed_by(TOGETHER)
def search_score_first(objective, space, n_trials, rng):
    """a trial is (score, settings)

    The docstring asks for (settings, score).
    """
    best, trials = reference.random_search(objective, space, n_trials, rng)
    return best, [(score, settings) for settings, score in trials]


@exposed_by(TOGETHER)
def search_swapped(objective, space, n_trials, rng):
    """trials come first

    The docstring returns best, then trials.
    """
    return reference.random_search(objective, space, n_trials, rng)[::-1]


@exposed_by(TOGETHER)
def search_one_trial_more(objective, space, n_trials, rng):
    """a first trial before the loop does not count

    The trial that starts the search is one of n_trials.
    """
    return reference.random_search(objective, space, n_trials + 1, rng)


@exposed_by(SPREAD)
def search_from_a_grid(objective, space, n_trials, rng):
    """random search samples from a grid

    Values on a grid repeat. Use what draw(rng) returns, to its last digit.
    """

    def settings(space, rng):
        drawn = {name: draw(rng) for name, draw in space.items()}
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in drawn.items()}

    return searching(settings=settings)(objective, space, n_trials, rng)


@exposed_by(SEARCH_REPEAT)
def search_own_generator(objective, space, n_trials, rng):
    """a seed inside the function makes it reproducible

    Now every search tries the same settings. The caller owns the randomness: hand rng to each draw.
    """
    return reference.random_search(objective, space, n_trials, np.random.default_rng(0))


def search_by_keeping(objective, space, n_trials, rng):
    best, lowest, trials = None, math.inf, []
    for _ in range(n_trials):
        settings = {}
        for name in sorted(space):
            settings[name] = space[name](rng)
        score = objective(settings)
        trials.append([dict(settings), np.float64(score)])
        if score < lowest or (best is None and score == score):
            best, lowest = settings, score
    return [best, trials]


def search_drawing_first(objective, space, n_trials, rng):
    values = {name: [draw(rng) for _ in range(n_trials)] for name, draw in space.items()}
    tried = [{name: values[name][i] for name in space} for i in range(n_trials)]
    scores = list(map(objective, tried))
    return dict(tried[int(np.nanargmin(scores))]), list(zip(tried, scores, strict=True))


def search_by_sorting(objective, space, n_trials, rng):
    trials = []
    while len(trials) < n_trials:
        settings = {name: draw(rng) for name, draw in reversed(space.items())}
        trials.append((settings, float(objective(settings))))
    order = sorted(range(n_trials), key=lambda i: (math.isnan(trials[i][1]), trials[i][1]))
    return trials[order[0]][0], tuple(trials)


random_search = Exercise(
    reference.random_search,
    (
        Case(
            TOGETHER,
            "Weighted sums that the verifier can ask for again, with weights of both signs.",
            lambda rng: [weighted(rng, 6, "x", "y"), weighted(rng, 4, "units", "beta", "rate")],
            public=True,
            verify=properties.search_holds_together,
            ask="Ask objective about the settings of each trial. Is that their score? Which is the lowest?",
        ),
        Case(
            ONCE,
            "The space counts its draws, the scores come in turn: any further question shows.",
            lambda rng: [
                listed_scores(rng, [3.0, 1.0, 2.0, 5.0, 4.0], x=Named("turns")),
                listed_scores(rng, [1.0, 2.0, 3.0], x=Named("turns"), y=Named("turns")),
            ],
            public=True,
            verify=properties.drawn_and_asked_once,
            after=(TOGETHER,),
            ask="How often does one trial call draw(rng), and how often objective(settings)?",
        ),
        Case(
            TIES,
            "Scores come from a list, so equal ones do; where all runs blew up, all are infinite.",
            lambda rng: [
                listed_scores(rng, scores)
                for scores in ([2.0, 1.0, 3.0, 1.0, 1.0], [0.5, 0.5, 0.7], [math.inf, math.inf])
            ],
            public=True,
            verify=properties.search_holds_together,
            after=(TOGETHER, ONCE),
            ask="What does your comparison do with a score that equals the lowest so far?",
        ),
        Case(
            NANS,
            "A NaN in front stays with min, one anywhere wins with argmin.",
            lambda rng: [listed_scores(rng, [4.0, NAN, 3.0]), listed_scores(rng, [NAN, 2.0, 1.5, NAN, 3.0])],
            public=True,
            verify=properties.search_holds_together,
            after=(TOGETHER, ONCE),
            ask="What is nan < 1.0, and what is 1.0 < nan?",
        ),
        Case(
            SPREAD,
            "300 trials: spread, grids, shared draws and related names show.",
            lambda rng: weighted(rng, 300, "x", "y"),
            public=True,
            verify=properties.settings_follow_space,
            after=(TOGETHER,),
            ask="Where are the values of one trial drawn, and is it done anew for the next?",
        ),
        Case(
            SEARCH_REPEAT,
            "Which settings are tried follows from rng alone.",
            lambda rng: twins(
                rng,
                objective=Named("score_of", {"weights": {"x": 1.0}}),
                space={"x": uniform(0.0, 1.0)},
                n_trials=6,
            ),
            public=True,
            verify=properties.fresh_draws,
            after=(TOGETHER,),
            ask="Which generator is handed to the draws, and who chose its state?",
        ),
        Case(
            "one trial, and many names",
            "The only trial is the best; words beside numbers; settings that come again count again.",
            lambda rng: [
                weighted(rng, 1, "x"),
                weighted(rng, 12, *(f"h{k}" for k in range(8))),
                listed_scores(
                    rng, [1.0, -2.0, 0.5], kind=one_of("relu", "elu"), n=one_of(1, 2), x=uniform(-1.0, 0.0)
                ),
                listed_scores(rng, [7.0], kind=one_of("a", "b")),
                listed_scores(rng, [3.0, 2.0, 4.0, 2.5, 6.0], kind=one_of("a", "b")),
            ],
            verify=properties.search_holds_together,
            after=(TOGETHER, ONCE),
        ),
        Case(
            "NaN and equal scores among many",
            "NaN first, last and around the lowest; the lowest comes more than once.",
            lambda rng: (
                [listed_scores(rng, some_nan(rng, n, p, True)) for n, p in [(9, 0.3), (30, 0.6), (60, 0.1)]]
                + [listed_scores(rng, [NAN] * k + [1e300, NAN]) for k in (1, 4)]
                + [listed_scores(rng, [NAN, 0.0, -0.5, -0.5, NAN, -0.5])]
            ),
            verify=properties.search_holds_together,
            after=(TOGETHER, ONCE),
        ),
        Case(
            "nothing is drawn or asked twice in a long search",
            "Scores that fall and rise, so that each kind of best so far is met.",
            lambda rng: [
                listed_scores(rng, shuffled_scores(rng, 40), x=Named("turns"), y=uniform(0.0, 1.0)),
                listed_scores(rng, [float(-s) for s in range(12)], x=Named("turns"), z=Named("turns")),
                listed_scores(rng, some_nan(rng, 15, 0.4), x=Named("turns")),
            ],
            verify=properties.drawn_and_asked_once,
            after=(ONCE,),
        ),
        Case(
            "four names in hundreds of trials",
            "Names that follow each other, values that come in order.",
            lambda rng: search(
                rng,
                in_turn([float(s) for s in rng.permutation(600)]),
                {
                    "a": uniform(-2.0, 1.0),
                    "b": uniform(0.0, 1e-3),
                    "c": uniform(5.0, 9.0),
                    "d": one_of("x", "y", "z"),
                },
                600,
            ),
            verify=properties.settings_follow_space,
            after=(SPREAD,),
        ),
    ),
    (
        search_takes_highest, search_returns_last, search_last_of_equals, search_starts_from_infinity,
        search_starts_from_the_first, search_nan_wins, search_leaves_out_nan, search_asks_twice,
        search_scores_twice, search_draws_before_the_loop,
        search_one_dict_for_all, search_sorts_trials, search_best_with_score, search_best_is_a_score,
        search_score_first, search_swapped, search_one_trial_more, search_from_a_grid, search_own_generator,
    ),
    (search_by_keeping, search_drawing_first, search_by_sorting),
)  # fmt: skip


# --- zoom --------------------------------------------------------------------------------------------------


def trials_of(rng, scores, *names, digits=2, whole=False):
    """Return trials with these scores; no value of a name comes twice."""
    columns = {}
    for i, name in enumerate(names):
        values = rng.permutation(200)[: len(scores)] - 60 * i
        columns[name] = [int(v) if whole else round(float(v) * 0.07, digits) for v in values]
    return [({name: columns[name][k] for name in names}, score) for k, score in enumerate(scores)]


def shuffled_scores(rng, n):
    return [round(0.13 * float(k) - 0.6, 2) for k in rng.permutation(n)]


def to_zoom(rng, scores, keep, *names, whole=False):
    return {
        "trials": trials_of(rng, scores, *(names or ("learning_rate", "units")), whole=whole),
        "keep": keep,
    }


BOX = "the box around the best trials"
ZOOM_TIES = "of trials with equal scores the first are kept"
ZOOM_NANS = "a trial without a score is never kept"
ONE_KEPT = "one trial kept: a box without width"


def boxed(choose, bounds=lambda values: (min(values), max(values))):
    """Return a zoom that chooses its trials, or measures its box, in another way."""

    def wrong(trials, keep):
        best = [settings for settings, _ in choose(trials, keep)]
        return {name: bounds([settings[name] for settings in best]) for name in best[0]}

    return wrong


def ranked(trials, keep=None):
    return sorted(trials, key=lambda trial: (trial[1] != trial[1], trial[1]))[:keep]


@exposed_by(BOX)
def zoom_highest(trials, keep):
    """the best trials have the highest scores

    Scores are errors here: lower is better.
    """
    return boxed(lambda trials, keep: ranked([(s, -score) for s, score in trials], keep))(trials, keep)


@exposed_by(BOX)
def zoom_first_trials(trials, keep):
    """the first trials are the best

    trials come in the order tried. Sort them by score first.
    """
    return boxed(lambda trials, keep: trials[:keep])(trials, keep)


@exposed_by(BOX)
def zoom_last_trials(trials, keep):
    """a search gets better, so its last trials are the best

    Random search does not climb: its last trial is as random as its first. What tells which trials are good?
    """
    return boxed(lambda trials, keep: trials[-keep:])(trials, keep)


@exposed_by(BOX)
def zoom_all_trials(trials, keep):
    """the box holds everything that was tried

    That is where you came from. Which trials are worth a closer look?
    """
    return boxed(lambda trials, keep: ranked(trials))(trials, keep)


@exposed_by(BOX)
def zoom_best_to_worst(trials, keep):
    """the best and the worst of the kept trials span the box

    Sorted by score, the values stand in any order. Take the smallest and the largest of each name.
    """
    return boxed(ranked, lambda values: (values[0], values[-1]))(trials, keep)


@exposed_by(BOX)
def zoom_mean_and_deviation(trials, keep):
    """a box is a mean and a standard deviation around it

    The box should just hold the kept trials: from the smallest value to the largest.
    """
    bounds = lambda values: (np.mean(values) - np.std(values), np.mean(values) + np.std(values))  # noqa: E731
    return boxed(ranked, bounds)(trials, keep)


@exposed_by(BOX)
def zoom_swapped(trials, keep):
    """the larger end comes first

    (low, high) is asked for.
    """
    return boxed(ranked, lambda values: (max(values), min(values)))(trials, keep)


@exposed_by(BOX)
def zoom_one_too_many(trials, keep):
    """a slice includes its end

    ranked[:keep] holds keep trials already; [:keep + 1] one more.
    """
    return boxed(lambda trials, keep: ranked(trials, keep + 1))(trials, keep)


@exposed_by(ZOOM_TIES)
def zoom_last_of_equals(trials, keep):
    """sorting backwards and then turning round changes nothing

    Among equal scores the order turns as well. Sort upwards: Python's sort keeps equals in their order.
    """
    return boxed(lambda trials, keep: ranked(trials[::-1], keep))(trials, keep)


@exposed_by(ZOOM_TIES)
def zoom_compares_settings(trials, keep):
    """pairs (score, settings) can be sorted

    Where scores are equal, sorted compares the dicts, and they have no order. Give it a key.
    """
    best = sorted((score, settings) for settings, score in trials if score == score)
    return boxed(lambda trials, keep: [(settings, score) for score, settings in best[:keep]])(trials, keep)


@exposed_by(ZOOM_TIES)
def zoom_keeps_all_ties(trials, keep):
    """whoever scores as well as the last one kept is kept too

    keep says how many trials there are in the box. Of equal scores, which came first?
    """
    worst = ranked(trials, keep)[-1][1]
    return boxed(lambda trials, keep: [trial for trial in trials if trial[1] <= worst])(trials, keep)


@exposed_by(ZOOM_NANS)
def zoom_sorts_nan(trials, keep):
    """sorted knows what to do with NaN

    No comparison with NaN is True, so it stops the sorting where it stands. Rank NaN behind all numbers.
    """
    return boxed(lambda trials, keep: sorted(trials, key=lambda trial: trial[1])[:keep])(trials, keep)


@exposed_by(ZOOM_NANS)
def zoom_nan_is_zero(trials, keep):
    """nan_to_num makes NaN harmless

    It makes it 0, which beats every score above 0. NaN is worse than any number.
    """
    rank = lambda trial: float(np.nan_to_num(trial[1]))  # noqa: E731
    return boxed(lambda trials, keep: sorted(trials, key=rank)[:keep])(trials, keep)


@exposed_by(HABITS)
def zoom_sorts_in_place(trials, keep):
    """trials.sort() makes a new list

    It reorders the caller's list, which shows the order tried. sorted(trials, ...) makes a new one.
    """
    trials.sort(key=lambda trial: (trial[1] != trial[1], trial[1]))
    return boxed(ranked)(trials, keep)


def zoom_by_arrays(trials, keep):
    order = np.argsort([score for _, score in trials], kind="stable")[:keep]
    box = {}
    for name in trials[0][0]:
        values = np.array([trials[i][0][name] for i in order])
        box[name] = [values.min(), values.max()]
    return box


def zoom_by_heap(trials, keep):
    worth = [(math.isnan(score), score, i) for i, (_, score) in enumerate(trials)]
    best = [trials[i][0] for *_, i in heapq.nsmallest(keep, worth)]
    return {name: (min(s[name] for s in best), max(s[name] for s in best)) for name in best[0]}


def zoom_by_taking_out(trials, keep):
    left = [trial for trial in trials if not np.isnan(trial[1])]
    box = {}
    for _ in range(keep):
        settings, _ = left.pop(int(np.argmin([score for _, score in left])))
        for name, value in settings.items():
            low, high = box.get(name, (value, value))
            box[name] = (np.minimum(low, value), np.maximum(high, value))
    return box


zoom = Exercise(
    reference.zoom,
    (
        Case(
            BOX,
            "Two names, scores of both signs, the best spread among the rest.",
            lambda rng: [
                to_zoom(rng, shuffled_scores(rng, 7), 3),
                to_zoom(rng, shuffled_scores(rng, 9), 4),
                to_zoom(rng, shuffled_scores(rng, 12), 5, "beta"),
            ],
            public=True,
            ask="Sort the trials by score: what are the smallest and the largest value among the first keep?",
        ),
        Case(
            ZOOM_TIES,
            "The tie lies where the box is cut off.",
            lambda rng: [
                to_zoom(rng, [1.5, 0.5, 1.5, 0.25, 1.5], 3),
                to_zoom(rng, [0.5, 0.5, 0.5, 0.5], 2, "beta", "units"),
            ],
            public=True,
            after=(BOX,),
            ask="Two trials have the same score and one place is left. Which came first?",
        ),
        Case(
            ZOOM_NANS,
            "NaN in front stops a sort, and 0 for NaN wins.",
            lambda rng: [
                to_zoom(rng, [2.0, NAN, 1.0, NAN, 0.5, 3.0, 0.75], 3),
                to_zoom(rng, [NAN, 4.0, 3.0, 5.0, 1.5], 2),
                to_zoom(rng, [0.7, 0.9, NAN, 0.1, NAN, 0.3], 4),
            ],
            public=True,
            after=(BOX,),
            ask="Where does your sort put a NaN? Print the scores in its order.",
        ),
        Case(
            ONE_KEPT,
            "low and high are the same number.",
            lambda rng: [to_zoom(rng, shuffled_scores(rng, 5), 1), to_zoom(rng, [0.3], 1, "beta")],
            public=True,
            after=(BOX,),
        ),
        Case(
            "all that have a score",
            "keep is the number of trials, or of those with a score; infinity is one, NaN is none.",
            lambda rng: [
                to_zoom(rng, shuffled_scores(rng, 8), 8),
                to_zoom(rng, some_nan(rng, 10, 0.0), 10, "a", "b", "c"),
                to_zoom(rng, [NAN, 1.0, NAN, -1.0, NAN], 2),
                to_zoom(rng, [0.0, NAN], 1),
                {"trials": [({"a": 0.5}, 2.0), ({"a": 0.9}, math.inf), ({"a": 0.7}, 1.0)], "keep": 3},
            ],
            after=(BOX,),
        ),
        Case(
            "six names and whole numbers",
            "Every name is measured, in its own type.",
            lambda rng: [
                to_zoom(rng, shuffled_scores(rng, 20), 6, "a", "b", "c", "d", "e", "f"),
                to_zoom(rng, shuffled_scores(rng, 15), 4, "layers", "units", whole=True),
                {
                    "trials": [
                        ({"a": 1e-6, "b": -3}, 2.0), ({"b": 9, "a": 1e-2}, 1.0), ({"a": 5e-4, "b": 0}, 3.0),
                    ],
                    "keep": 2,
                },
            ],
            after=(BOX,),
        ),
        Case(
            "hundreds of trials, many of equal score",
            "More than 16 entries: a sort that does not keep equals in order shows.",
            lambda rng: [
                to_zoom(rng, [float(k) for k in rng.integers(0, 5, size=180)], keep, "x", "y")
                for keep in (7, 50, 90)
            ]
            + [to_zoom(rng, [0.25] * 120, 40)],
            after=(BOX, ZOOM_TIES),
        ),
        Case(
            "scores below 0, at 0 and NaN",
            "0 is a score, and not a missing one; NaN anywhere.",
            lambda rng: [
                to_zoom(rng, [0.0, 1.0, -1.0, 2.0, 0.5], 2),
                to_zoom(rng, [3.0, 0.0, 0.0, NAN, 4.0], 2),
                *(to_zoom(rng, some_nan(rng, 60, 0.4), 9) for _ in range(3)),
                to_zoom(rng, some_nan(rng, 60, 0.4, ties=True), 8),
                to_zoom(rng, [-5.0, NAN, -7.0, NAN, -6.0, -1.0], 3),
            ],
            after=(BOX, ZOOM_NANS),
        ),
    ),
    (
        zoom_highest, zoom_first_trials, zoom_last_trials, zoom_all_trials, zoom_best_to_worst,
        zoom_mean_and_deviation,
        zoom_swapped, zoom_one_too_many, zoom_last_of_equals, zoom_keeps_all_ties,
        zoom_compares_settings, zoom_sorts_nan,
        zoom_nan_is_zero, zoom_sorts_in_place,
    ),
    (zoom_by_arrays, zoom_by_heap, zoom_by_taking_out),
)  # fmt: skip


# --- successive_halving ------------------------------------------------------------------------------------


def seesaw(rng, n):
    """Return laps in which the order of all turns round each time: who wins shows how many were kept."""
    places = [float(p) for p in rng.permutation(n)]
    return [[(-1) ** lap * place + 0.5 for place in places] for lap in range(min(2 * n, 24))]


def mixed_laps(rng, n):
    """Return laps that have nothing to do with each other."""
    return [[float(p) for p in rng.permutation(n)] for _ in range(n)]


def race(rng, n, budget, eta, laps=seesaw, dicts=True):
    """Return a race between n candidates that stand in the list in an order of their own."""
    order = [int(number) for number in rng.permutation(n)]
    candidates = [{"number": k, "learning_rate": round(0.01 * (k + 1), 2)} for k in order] if dicts else order
    told = laps(rng, n) if callable(laps) else laps
    return {
        "evaluate": Named("race", {"laps": told, "budget": budget, "eta": eta}),
        "candidates": candidates,
        "budget": budget,
        "eta": eta,
    }


def in_line(laps, budget, eta):
    """Return a race whose candidates stand in the list in the order of their numbers."""
    still = np.random.default_rng(0)
    given = race(still, len(laps[0]), budget, eta, laps)
    return {**given, "candidates": sorted(given["candidates"], key=lambda candidate: candidate["number"])}


def is_clear(n, eta):
    """Tell whether rounding decides nothing: in each round n / eta is whole, or far from it."""
    while n > 1:
        exact = Fraction(n) / Fraction(eta)
        if exact.denominator != 1 and abs(exact - round(exact)) < 1e-6:
            return False
        n = min(math.ceil(exact), n - 1)
    return True


def races(rng, *sizes, laps=seesaw, dicts=True):
    made = []
    for n, budget, eta in sizes:
        made.append(race(rng, n, budget, eta, laps, dicts))
        while not is_agreed(made[-1]):
            made[-1] = race(rng, n, budget, eta, laps, dicts)
    return made


def is_agreed(given):
    """Tell whether it plays no part if those who go on stay in their order or stand by score."""
    winners = []
    for stay in (True, False):
        evaluate, left, budget = build(given["evaluate"], {}, []), list(given["candidates"]), given["budget"]
        while len(left) > 1:
            scores = [evaluate(candidate, budget) for candidate in left]
            order = sorted(range(len(left)), key=lambda i: (scores[i] != scores[i], scores[i]))
            kept = order[: min(math.ceil(len(left) / given["eta"]), len(left) - 1)]
            left, budget = [left[i] for i in (sorted(kept) if stay else kept)], budget * given["eta"]
        winners.append(left[0])
    return winners[0] == winners[1]


def any_races(rng, times):
    """Return races of any size whose rounds are clear."""
    found = []
    while len(found) < times:
        n, eta = int(rng.integers(2, 60)), float(rng.choice([1.25, 1.5, 1.7, 2.2, 2.5, 3.0, 3.7, 5.0, 8.0]))
        if is_clear(n, eta):
            found.append(race(rng, n, float(rng.choice([0.5, 3.0, 20.0])), eta, dicts=bool(rng.integers(2))))
    return found


def nan_laps(rng, n):
    """Return laps in which a few candidates have no score, fewer than leave in each round."""
    laps = [[float(p) - n / 2 for p in rng.permutation(n)] for _ in range(n)]
    for lap in laps:
        for k in rng.permutation(n)[: n // 3]:
            lap[k] = NAN
    return laps


HALVES = "the best go on, with more budget each round"
OF_DICTS = "the candidate itself is returned"
ONE_FEWER = "at least one leaves in each round, also where eta is 1"
HALVING_TIES = "of candidates with equal scores the first go on"
HALVING_NANS = "a candidate without a score leaves first"


def halving(
    kept=None, grown=None, rank=None, start=lambda budget, n: budget, answer=lambda left, all: left[0]
):
    """Return a halving that keeps, grows, ranks, starts or answers in another way than the right one."""
    kept = kept or (lambda n, eta: min(math.ceil(n / eta), n - 1))
    grown = grown or (lambda budget, eta: budget * eta)
    rank = rank or (lambda score: (score != score, score))

    def wrong(evaluate, candidates, budget, eta):
        left, budget = list(candidates), start(budget, len(candidates))
        while len(left) > 1:
            scores = [rank(evaluate(candidate, budget)) for candidate in left]
            n = kept(len(left), eta)
            if n >= len(left):
                raise TimedOut  # what a loop without an end comes to, without the wait
            order = sorted(range(len(left)), key=lambda i: scores[i])
            left = [left[i] for i in sorted(order[: max(n, 1)])]
            budget = grown(budget, eta)
        return answer(left, candidates)

    return wrong


@exposed_by(HALVES)
def halving_keeps_highest(evaluate, candidates, budget, eta):
    """the best candidates have the highest scores

    Scores are errors here: lower is better.
    """
    return halving(rank=lambda score: (score != score, -score))(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_first_round_decides(evaluate, candidates, budget, eta):
    """who leads after the first round wins

    A small budget says little. Those that are left are evaluated again, with more of it.
    """
    scores = [evaluate(candidate, budget) for candidate in candidates]
    return candidates[min(range(len(scores)), key=lambda i: (scores[i] != scores[i], scores[i]))]


@exposed_by(HALVES)
def halving_rounds_down(evaluate, candidates, budget, eta):
    """n / eta is rounded down

    10 candidates and eta 4: ceil(2.5) = 3 go on.
    """
    return halving(lambda n, eta: min(int(n // eta), n - 1))(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_rounds_to_nearest(evaluate, candidates, budget, eta):
    """n / eta is rounded to the nearest

    5 candidates and eta 4: ceil(1.25) = 2 go on, not 1. math.ceil rounds up.
    """
    return halving(lambda n, eta: min(round(n / eta), n - 1))(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_always_by_two(evaluate, candidates, budget, eta):
    """halving means that half of them go on

    eta says which share goes on: one in eta. Halving is the case eta = 2.
    """
    return halving(lambda n, eta: min(math.ceil(n / 2), n - 1))(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_drops_one_in_eta(evaluate, candidates, budget, eta):
    """one in eta leaves, the others go on

    With eta 3 two thirds would go on, and a round would cost twice the one before. What share of 9 candidates
    goes on if the budget grows threefold and the cost stays the same?
    """
    kept = lambda n, eta: max(1, min(n - 1, n - int(n / eta)))  # noqa: E731
    return halving(kept)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_ignores_eta(evaluate, candidates, budget, eta):
    """halving means half of them and twice the budget

    eta says which share goes on, one in eta, and how the budget grows. Where does yours depend on it?
    """
    return halving(lambda n, eta: n // 2, lambda budget, eta: 2 * budget)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_same_budget(evaluate, candidates, budget, eta):
    """every round has the same budget

    The fewer are left, the more each may spend: multiply the budget by eta after each round.
    """
    return halving(grown=lambda budget, eta: budget)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_adds_eta(evaluate, candidates, budget, eta):
    """the budget grows by eta

    It is multiplied by eta, so that each round costs about the same in total.
    """
    return halving(grown=lambda budget, eta: budget + eta)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_whole_budgets(evaluate, candidates, budget, eta):
    """a budget is a whole number

    eta is not always whole, and neither is budget * eta. Leave out int().
    """
    return halving(grown=lambda budget, eta: int(budget * eta))(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_grows_first(evaluate, candidates, budget, eta):
    """the budget is multiplied before the first round

    The first round spends budget as it was given; it grows from the second on.
    """
    return halving(start=lambda given, n: given * eta)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_shares_the_budget(evaluate, candidates, budget, eta):
    """the candidates share the budget

    budget is what each candidate may spend in the first round.
    """
    return halving(start=lambda given, n: given / n)(evaluate, candidates, budget, eta)


@exposed_by(HALVES)
def halving_evaluates_twice(evaluate, candidates, budget, eta):
    """asking evaluate again costs nothing

    Each question is a training. Evaluate each candidate once a round, and keep what it answered.
    """

    def twice(candidate, budget):
        evaluate(candidate, budget)
        return evaluate(candidate, budget)

    return halving()(twice, candidates, budget, eta)


@exposed_by(HALVES)
def halving_returns_place(evaluate, candidates, budget, eta):
    """the winner is its place in the list

    A place is no settings. Return candidates[place].
    """
    return candidates.index(reference.successive_halving(evaluate, candidates, budget, eta))


@exposed_by(HALVES)
def halving_returns_list(evaluate, candidates, budget, eta):
    """what is left is a list

    One is left: return it, not a list that holds it.
    """
    return [reference.successive_halving(evaluate, candidates, budget, eta)]


@exposed_by(OF_DICTS)
def halving_scores_by_candidate(evaluate, candidates, budget, eta):
    """candidates can be the keys of a dict

    Settings are dicts, and a dict cannot be a key. Keep scores in a list beside the candidates.
    """
    scores = {candidate: 0.0 for candidate in candidates}
    return halving()(evaluate, list(scores), budget, eta)


@exposed_by(ONE_FEWER)
def halving_never_ends(evaluate, candidates, budget, eta):
    """ceil(n / eta) is always fewer than n

    ceil(2 / 1.5) is 2, and with eta 1 nobody leaves. At least one has to: n - 1 or fewer go on.
    """
    return halving(lambda n, eta: math.ceil(n / eta))(evaluate, candidates, budget, eta)


@exposed_by(HALVING_TIES)
def halving_last_of_equals(evaluate, candidates, budget, eta):
    """sorting backwards and then turning round changes nothing

    Among equal scores the order turns as well. Sort upwards: Python's sort keeps equals in their order.
    """
    return halving()(evaluate, candidates[::-1], budget, eta)


@exposed_by(HALVING_TIES)
def halving_compares_candidates(evaluate, candidates, budget, eta):
    """pairs (score, candidate) can be sorted

    Where scores are equal, sorted compares the candidates, and dicts have no order. Give it a key.
    """
    left = list(candidates)
    while len(left) > 1:
        scores = (evaluate(candidate, budget) for candidate in left)
        pairs = sorted((math.inf if s != s else s, c) for s, c in zip(scores, left, strict=True))
        left = [candidate for _, candidate in pairs[: min(math.ceil(len(left) / eta), len(left) - 1)]]
        budget *= eta
    return left[0]


@exposed_by(HALVING_NANS)
def halving_sorts_nan(evaluate, candidates, budget, eta):
    """sorted knows what to do with NaN

    No comparison with NaN is True, so it stops the sorting where it stands. Rank NaN behind all numbers.
    """
    return halving(rank=lambda score: score)(evaluate, candidates, budget, eta)


@exposed_by(HALVING_NANS)
def halving_nan_is_zero(evaluate, candidates, budget, eta):
    """nan_to_num makes NaN harmless

    It makes it 0, which beats every score above 0. NaN is worse than any number.
    """
    return halving(rank=lambda score: float(np.nan_to_num(score)))(evaluate, candidates, budget, eta)


def halving_by_sorting(evaluate, candidates, budget, eta):
    left = list(candidates)
    while len(left) > 1:
        tried = [(candidate, evaluate(candidate, budget)) for candidate in left]
        tried.sort(key=lambda pair: (math.isnan(pair[1]), pair[1]))
        left = [candidate for candidate, _ in tried[: min(math.ceil(len(left) / eta), len(left) - 1)]]
        budget = budget * eta
    return left[0]


def halving_by_recursion(evaluate, candidates, budget, eta):
    if len(candidates) == 1:
        return candidates[0]
    scores = np.array([evaluate(candidate, budget) for candidate in candidates], dtype=float)
    n = min(-int(-len(candidates) // eta), len(candidates) - 1)
    kept = np.argsort(scores, kind="stable")[:n]
    return halving_by_recursion(evaluate, [candidates[i] for i in kept], budget * eta, eta)


def halving_by_places(evaluate, candidates, budget, eta):
    left, lap = list(range(len(candidates))), 0
    while True:
        if len(left) == 1:
            return candidates[left[0]]
        worth = {}
        for i in left:
            score = float(evaluate(candidates[i], budget * eta**lap))
            worth[i] = math.inf if math.isnan(score) else score
        n = min(int(np.ceil(len(left) / eta)), len(left) - 1)
        left = heapq.nsmallest(n, left, key=lambda i: (worth[i], i))
        lap += 1


successive_halving = Exercise(
    reference.successive_halving,
    (
        Case(
            HALVES,
            "The order turns round from lap to lap, so the winner shows each number kept and each budget.",
            lambda rng: (
                races(rng, (9, 1, 3), (10, 5, 4), (12, 4, 2.25), (7, 3, 2.5), dicts=False)
                + races(rng, (13, 2, 2), (14, 5, 3.5), dicts=False)
                + races(rng, (10, 1, 2), (9, 3, 2.25), (11, 7, 2.5), laps=mixed_laps, dicts=False)
            ),
            public=True,
            ask="Write down, round by round, who is left and what each may spend.",
        ),
        Case(
            OF_DICTS,
            "Dicts in an order of their own: places, keys and lists show.",
            lambda rng: races(rng, (6, 2, 2), (8, 1, 3), (5, 4, 2)),
            public=True,
            after=(HALVES,),
            ask="Is what you return one of the candidates?",
        ),
        Case(
            ONE_FEWER,
            "ceil(2 / 1.5) is 2, and ceil(n / 1) is n.",
            lambda rng: races(rng, (5, 3, 1), (6, 4, 1.25), (3, 1, 1.5)),
            public=True,
            after=(HALVES,),
            ask="How many go on from 2 candidates if eta is 1.5? And from 5 if eta is 1?",
        ),
        Case(
            HALVING_TIES,
            "Ties in the first round only, where every way of going on agrees on the order.",
            lambda rng: [
                in_line([[2.0, 1.0, 2.0, 2.0, 2.0, 3.0], [3.0, 2.0, 1.0, 4.0, 0.0, 6.0]], 2, 2),
                in_line([[0.5] * 4], 1, 3),
                in_line([[1.0, 1.0]], 4, 2),
            ],
            public=True,
            after=(HALVES,),
            ask="Two candidates have the same score and one place is left. Which comes first in the list?",
        ),
        Case(
            HALVING_NANS,
            "NaN in front stops a sort, and 0 for NaN wins.",
            lambda rng: [
                in_line([[NAN, 6.0, 5.0, NAN, 3.0, 2.0], [5.0, 1.0, 2.0, 3.0, 4.0, 6.0]], 1, 2),
                in_line([[NAN, 2.0, 1.0]], 2, 3),
                in_line([[5.0, NAN, 4.0, 3.0, NAN], [5.0, 3.0, 1.0, 4.0, 2.0]], 1, 2),
            ],
            public=True,
            after=(HALVES,),
            ask="Where does your sort put a NaN? Print the scores in its order.",
        ),
        Case(
            "one candidate, and two",
            "A single one wins without a race.",
            lambda rng: races(rng, (1, 2, 3), (1, 1, 1), (2, 1, 1), (2, 3, 1.25), (2, 8, 27), (1, 5, 2.0)),
            after=(HALVES,),
        ),
        Case(
            "races of any size",
            "Two to sixty candidates, eta from 1.25 to 8, whole and broken budgets.",
            lambda rng: any_races(rng, 14),
            after=(HALVES,),
        ),
        Case(
            "eta of 1, of 1.25, and more than there are candidates",
            "From twenty rounds to a single one; 6 and 2.5 take one more than a logarithm says.",
            lambda rng: races(
                rng, (20, 3, 1), (9, 1.0, 1), (10, 4, 1.25), (6, 0.5, 100), (5, 2, 5), (16, 10, 1.5),
                (6, 2, 2.5),
            ),
            after=(HALVES, ONE_FEWER),
        ),
        Case(
            "scores without a pattern",
            "Laps that have nothing to do with each other; NaN among them.",
            lambda rng: (
                races(rng, (15, 1, 2), (27, 2, 3), (11, 3, 2.5), laps=mixed_laps)
                + races(rng, (12, 1, 2), (20, 2, 2.5), (9, 5, 3), laps=nan_laps)
            ),
            after=(HALVES, HALVING_NANS),
        ),
        Case(
            "names, equal candidates, and scores that never change",
            "Texts, repeated numbers, ties among many.",
            lambda rng: [
                {
                    "evaluate": Named("table_of_scores", {"scores": {"slim": 0.5, "wide": 0.2, "deep": 1.0}}),
                    "candidates": ["deep", "slim", "wide"],
                    "budget": 1,
                    "eta": 2,
                },
                {
                    "evaluate": Named("table_of_scores", {"scores": [0.5, 0.125, 0.25]}),
                    "candidates": [2, 0, 2, 1, 1, 0],
                    "budget": 10,
                    "eta": 3,
                },
                {
                    "evaluate": Named(
                        "table_of_scores", {"scores": [1.0, 1.5, 2.0, 4.0], "gain": [0.0, 0.13, 0.27, 1.0]}
                    ),
                    "candidates": [3, 1, 0, 2],
                    "budget": 1,
                    "eta": 2,
                },
                in_line([[1.0] * 40], 2, 2),
                in_line([[1.0 - (k == 25) for k in range(40)]], 2, 1.25),
            ],
            after=(HALVES, HALVING_TIES),
        ),
    ),
    (
        halving_keeps_highest, halving_first_round_decides, halving_rounds_down, halving_rounds_to_nearest,
        halving_always_by_two, halving_drops_one_in_eta, halving_ignores_eta, halving_same_budget,
        halving_adds_eta, halving_whole_budgets,
        halving_grows_first, halving_shares_the_budget, halving_evaluates_twice, halving_returns_place,
        halving_returns_list, halving_scores_by_candidate, halving_never_ends, halving_last_of_equals,
        halving_compares_candidates, halving_sorts_nan, halving_nan_is_zero,
    ),
    (halving_by_sorting, halving_by_recursion, halving_by_places),
)  # fmt: skip


# --- expected_improvement ----------------------------------------------------------------------------------

LOOSE: dict[str, Any] = {
    "rtol": 1e-6,
    "atol": 1e-6,
}  # whoever approximates the distribution function to seven digits is right
FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}


def belief(rng, shape, scale=1.0, best=None, digits=None):
    """Return beliefs that lie within two standard deviations of the best score."""
    best = round(float(rng.normal(0.0, 2.0)), 2) if best is None else best
    std = scale * rng.uniform(0.3, 1.5, size=shape)
    mean = best + std * rng.uniform(-2.0, 2.0, size=shape)
    mean.flat[0] = best - 0.5 * std.flat[0]  # one that matters: by the largest entry rounding is measured
    return {
        "mean": mean if digits is None else np.round(mean, digits),
        "std": std if digits is None else np.round(std, digits),
        "best": best,
    }


SOME = "better, worse and equal to the best"
CERTAIN = "where std is 0 nothing is uncertain"
TINY = "a tiny std is an uncertainty still"
SHAPES = "the shape of mean, whatever it is"
TYPES = "whole numbers and float32 arrive too"


def cdf(z):
    return np.vectorize(math.erf, otypes=[float])(np.asarray(z, dtype=float) / math.sqrt(2)) / 2 + 0.5


def pdf(z):
    return np.exp(-(np.asarray(z, dtype=float) ** 2) / 2) / math.sqrt(2 * math.pi)


def improving(expected, certain=lambda gain: np.maximum(gain, 0.0), gain=lambda mean, best: best - mean):
    """Return an expected improvement by another rule, which gets gain, std and z where std is not 0."""

    def wrong(mean, std, best):
        mean, std = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
        d, uncertain = gain(mean, best), std > 0
        safe = np.where(uncertain, std, 1.0)
        with np.errstate(all="ignore"):
            return np.where(uncertain, expected(d, safe, d / safe), certain(d))

    return wrong


right = improving(lambda gain, std, z: np.maximum(gain * cdf(z) + std * pdf(z), 0.0))


@exposed_by(SOME)
def ei_probability(mean, std, best):
    """the chance of an improvement is the improvement expected

    A tiny improvement that is almost certain would win. Weigh each improvement by how large it is.
    """
    return improving(lambda gain, std, z: cdf(z), lambda gain: (gain > 0) * 1.0)(mean, std, best)


@exposed_by(SOME)
def ei_of_the_mean(mean, std, best):
    """the improvement expected is that of the mean

    max(best - mean, 0) leaves out luck: f may fall far below its mean. Average over all values of f.
    """
    return improving(lambda gain, std, z: np.maximum(gain, 0.0))(mean, std, best)


@exposed_by(SOME)
def ei_upwards(mean, std, best):
    """an improvement is a higher score

    Scores are errors here: what counts is how far f falls below best.
    """
    return right(-np.asarray(mean, dtype=float), std, -best)


@exposed_by(SOME)
def ei_density_without_std(mean, std, best):
    """the density needs no factor

    best - mean has the unit of a score, the density has none. What gives it one?
    """
    return improving(lambda gain, std, z: np.maximum(gain * cdf(z) + pdf(z), 0.0))(mean, std, best)


@exposed_by(SOME)
def ei_without_density(mean, std, best):
    """the chance times the improvement of the mean is enough

    At mean = best that gives 0, yet half of all draws improve. The term std * density is missing.
    """
    return improving(lambda gain, std, z: gain * cdf(z))(mean, std, best)


@exposed_by(SOME)
def ei_std_is_a_variance(mean, std, best):
    """std is a variance

    std is the standard deviation already: no root.
    """
    return right(mean, np.sqrt(np.asarray(std, dtype=float)), best)


@exposed_by(SOME)
def ei_not_standardised(mean, std, best):
    """Phi takes the difference as it is

    Phi and phi are those of the standard normal: divide best - mean by std first.
    """
    return improving(lambda gain, std, z: np.maximum(gain * cdf(gain) + std * pdf(gain), 0.0))(
        mean, std, best
    )


@exposed_by(SOME)
def ei_erf_is_phi(mean, std, best):
    """Phi(z) is erf(z)

    erf runs from -1 to 1 and has another width: Phi(z) = (1 + erf(z / sqrt(2))) / 2.
    """
    erf = np.vectorize(math.erf, otypes=[float])
    return improving(lambda gain, std, z: np.maximum(gain * erf(z) + std * pdf(z), 0.0))(mean, std, best)


@exposed_by(SOME)
def ei_erf_without_root(mean, std, best):
    """Phi(z) is (1 + erf(z)) / 2

    erf is about a normal of variance 1/2: its argument is z / sqrt(2).
    """
    phi = lambda z: cdf(z * math.sqrt(2))  # noqa: E731
    return improving(lambda gain, std, z: np.maximum(gain * phi(z) + std * pdf(z), 0.0))(mean, std, best)


@exposed_by(SOME)
def ei_density_not_normalised(mean, std, best):
    """the density is exp(-z^2 / 2)

    It has to integrate to 1: divide by sqrt(2 pi).
    """
    bell = lambda z: pdf(z) * math.sqrt(2 * math.pi)  # noqa: E731
    return improving(lambda gain, std, z: np.maximum(gain * cdf(z) + std * bell(z), 0.0))(mean, std, best)


@exposed_by(SOME)
def ei_clips_the_gain(mean, std, best):
    """best - mean is cut at 0 first

    It is each draw's improvement that is never below 0. Where the mean is worse than best, does it matter how
    much worse?
    """
    return improving(
        lambda gain, std, z: gain * cdf(z) + std * pdf(z),
        gain=lambda mean, best: np.maximum(best - mean, 0.0),
    )(mean, std, best)


@exposed_by(SOME)
def ei_margin(mean, std, best):
    """a margin of 0.01 is taken off, as in libraries

    Their xi asks for more than any improvement; here every one counts. What becomes of the formula at xi = 0?
    """
    return right(mean, std, best - 0.01)


@exposed_by(CERTAIN)
def ei_certain_is_worthless(mean, std, best):
    """without uncertainty there is nothing to gain

    A trial that is sure to score below best improves on it, by best - mean.
    """
    return improving(lambda gain, std, z: np.maximum(gain * cdf(z) + std * pdf(z), 0.0), np.zeros_like)(
        mean, std, best
    )


@exposed_by(CERTAIN)
def ei_divides_by_zero(mean, std, best):
    """NumPy copes with a division by 0

    0 / 0 is NaN, and inf * 0 too. Where std is 0 the answer is max(best - mean, 0).
    """
    with np.errstate(all="ignore"):
        mean, std = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
        z = (best - mean) / std
        return (best - mean) * cdf(z) + std * pdf(z)


@exposed_by(CERTAIN)
def ei_certain_may_lose(mean, std, best):
    """where std is 0 the answer is best - mean

    A trial that is sure to be worse improves nothing: 0, not less.
    """
    return improving(lambda gain, std, z: np.maximum(gain * cdf(z) + std * pdf(z), 0.0), np.array)(
        mean, std, best
    )


@exposed_by(TINY)
def ei_epsilon(mean, std, best):
    """a denominator needs an epsilon

    Where std is 1e-9 that changes everything. Ask whether std is 0 instead.
    """
    return right(mean, np.asarray(std, dtype=float) + 1e-9, best)


@exposed_by(TINY)
def ei_threshold(mean, std, best):
    """a tiny std stands for 0

    Where scores differ by 1e-10, an std of 1e-10 is large. Only 0 is 0.
    """
    std = np.asarray(std, dtype=float)
    return right(mean, np.where(std < 1e-8, 0.0, std), best)


@exposed_by(SHAPES)
def ei_flat(mean, std, best):
    """beliefs are a flat list

    The result has the shape of mean. Loop over a flat view and reshape at the end.
    """
    return right(np.ravel(mean), np.ravel(std), best)


@exposed_by(TYPES)
def ei_truncates(mean, std, best):
    """np.zeros_like(mean) can hold the result

    zeros_like copies the number type: an array of integers cuts off every fraction.
    """
    result = np.zeros_like(mean)
    result[...] = right(mean, std, best)
    return result


def ei_by_loops(mean, std, best):
    result = np.empty(np.shape(mean))
    for at in np.ndindex(result.shape):
        gain, s = float(best) - float(mean[at]), float(std[at])
        if s == 0:
            result[at] = max(gain, 0.0)
        else:
            z = gain / s
            below = 0.5 * (1 + math.erf(z / math.sqrt(2)))
            result[at] = gain * below + s * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return result


def ei_by_std(mean, std, best):
    mean, std = mean.astype(float), std.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (best - mean) / std
        rate = z * 0.5 * np.vectorize(math.erfc)(-z / 2**0.5) + (2 * np.pi) ** -0.5 * np.exp(-0.5 * z**2)
        return np.where(std == 0, np.clip(best - mean, 0, None), std * rate)


def ei_by_approximation(mean, std, best):
    """Phi by the rational function of Abramowitz and Stegun, 26.2.17, good to seven digits."""
    mean, std = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    gain = best - mean
    z = gain / np.where(std == 0, 1.0, std)
    t = 1 / (1 + 0.2316419 * np.abs(z))
    tail = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    above = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * tail
    below = np.where(z > 0, 1 - above, above)
    expected = gain * below + std * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return np.where(std == 0, np.maximum(gain, 0), expected)


expected_improvement = Exercise(
    reference.expected_improvement,
    (
        Case(
            SOME,
            "At mean = best it is 0.3989 std; std other than 1 shows what is multiplied by it.",
            lambda rng: [
                {"mean": np.array([0.2, 0.5, 1.1]), "std": np.array([0.5, 2.0, 0.4]), "best": 0.5},
                belief(rng, 4, digits=1),
                belief(rng, 3, 0.2, digits=2),
            ],
            public=True,
            ask="At mean = best half of all draws improve, by 0.798 std on average. What does yours say?",
            **LOOSE,
        ),
        Case(
            CERTAIN,
            "Sure to improve, sure not to, and exactly best; beside one that is not certain.",
            lambda rng: [
                {
                    "mean": np.array([0.2, 0.9, 0.5, 0.4]),
                    "std": np.array([0.0, 0.0, 0.0, 0.3]),
                    "best": 0.5,
                },
                {"mean": np.array([-1.0, 2.0]), "std": np.zeros(2), "best": 1.5},
            ],
            public=True,
            after=(SOME,),
            ask="If f is sure to be 0.2 and the best so far is 0.5, what is the improvement?",
            **LOOSE,
        ),
        Case(
            TINY,
            "Scores near 0 with an std of 1e-10: an epsilon or a threshold is all there is to see.",
            lambda rng: [belief(rng, 4, 1e-9, best=0.0), belief(rng, 5, 1e-11, best=0.0)],
            public=True,
            after=(SOME,),
            ask="How large is (best - mean) / std here? Is such an std 0?",
            **LOOSE,
        ),
        Case(
            SHAPES,
            "A matrix of beliefs, as over a grid of two hyperparameters.",
            lambda rng: [belief(rng, (2, 3), digits=1), belief(rng, (1, 1), digits=1)],
            public=True,
            after=(SOME,),
            **LOOSE,
        ),
        Case(
            TYPES,
            "An array of integers holds no fractions.",
            lambda rng: [
                {"mean": np.array([1, 2, 4]), "std": np.array([2, 1, 3]), "best": 2},
                {name: np.float32(value) for name, value in belief(rng, 4, digits=1).items()},
            ],
            public=True,
            after=(SOME,),
            ask="Which number type has the array that you write into?",
            **FLOAT32,
        ),
        Case(
            "far from the best, on either side",
            "Forty standard deviations away nothing overflows; beside entries of order 1.",
            lambda rng: [
                {
                    "mean": best + np.array([-40.0, -8.0, 5.0, 9.0, 40.0, 1e6, *rng.uniform(-1, 1, 3)]),
                    "std": rng.uniform(0.5, 1.5, 9),
                    "best": best,
                }
                for best in (0.0, 3.25, -2.5)
            ]
            + [
                {"mean": np.array([30.0, 0.25, -0.5]), "std": np.array([0.5, 1e-4, 0.75]), "best": 0.125},
                {"mean": np.array([-1e6, 1e6]), "std": np.array([0.5, 2.0]), "best": 7.0},
            ],
            after=(SOME,),
            **LOOSE,
        ),
        Case(
            "one belief, and thousands",
            "Matrices, three axes, a single entry.",
            lambda rng: [
                belief(rng, 1),
                belief(rng, 3000, 20.0),
                belief(rng, (40, 7), 0.03),
                belief(rng, (2, 3, 2)),
                belief(rng, (5, 1)),
                belief(rng, (1, 6), 1e4),
            ],
            after=(SOME, SHAPES),
            **LOOSE,
        ),
        Case(
            "certain and uncertain, mixed at random",
            "Zeros at any place of a matrix, whole numbers among them.",
            lambda rng: [
                {**given, "std": np.where(rng.random(given["std"].shape) < 0.5, 0.0, given["std"])}
                for given in (belief(rng, (3, 4)), belief(rng, 9, 5.0), belief(rng, (4, 2), 0.1))
            ]
            + [
                {"mean": np.array([[3, 1], [2, 5]]), "std": np.array([[0, 0], [0, 2]]), "best": 2},
                {"mean": rng.integers(-4, 5, 12), "std": rng.integers(0, 3, 12), "best": 0.5},
            ],
            after=(SOME, CERTAIN),
            **LOOSE,
        ),
    ),
    (
        ei_probability, ei_of_the_mean, ei_upwards, ei_density_without_std, ei_without_density,
        ei_std_is_a_variance, ei_not_standardised, ei_erf_is_phi, ei_erf_without_root,
        ei_density_not_normalised, ei_clips_the_gain, ei_margin, ei_certain_is_worthless,
        ei_divides_by_zero, ei_certain_may_lose,
        ei_epsilon, ei_threshold, ei_flat, ei_truncates,
    ),
    (ei_by_loops, ei_by_std, ei_by_approximation),
)  # fmt: skip

EXERCISES = (
    sample_log_uniform,
    sample_beta,
    sample_integers,
    grid,
    random_search,
    zoom,
    successive_halving,
    expected_improvement,
)
