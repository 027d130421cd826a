"""Setup: splits, bias and variance, normalised inputs."""

from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from course_utils import properties
from course_utils.examine import HABITS
from course_utils.plain import Draws
from course_utils.reference import setup as reference

FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}  # seven digits arrive


# --- split_indices -----------------------------------------------------------------------------------------


def split(rng, m, dev_fraction, test_fraction, name="rng"):
    fractions = {"dev_fraction": dev_fraction, "test_fraction": test_fraction}
    return {"m": m, **fractions, "rng": Draws(int(rng.integers(2**31)), name)}


def splits(rng, *sizes):
    return [split(rng, *each) for each in sizes]


def many_splits(rng, times, *sizes):
    """Return equal questions, each with a generator of its own."""
    return [split(rng, *sizes, name=f"rng {k}") for k in range(times)]


def twins(rng, *sizes):
    """Return calls with two generators in one state, then further ones with the first."""
    first = split(rng, *sizes)
    return [
        {**first, "rng": Draws(first["rng"].seed, name)} for name in ("first", "second", "first", "first")
    ]


def cut(order, n_dev, n_test):
    """Return (train, dev, test) of an order of all indices."""
    dev, test, train = np.split(order, [n_dev, n_dev + n_test])
    return train.copy(), dev.copy(), test.copy()


def rounded(m, dev_fraction, test_fraction):
    return round(dev_fraction * m), round(test_fraction * m)


def split_as(sizes=rounded, order=lambda m, rng: rng.permutation(m), finish=lambda *parts: parts):
    """Return a split that takes sizes, order or parts in another way than the right one."""

    def wrong(m, dev_fraction, test_fraction, rng):
        return finish(*cut(order(m, rng), *sizes(m, dev_fraction, test_fraction)))

    return wrong


def split_from_the_end(m, dev_fraction, test_fraction, rng):
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    order = rng.permutation(m)
    return order[: -n_dev - n_test].copy(), order[-n_dev - n_test : -n_test].copy(), order[-n_test:].copy()


def split_test_from_the_end(m, dev_fraction, test_fraction, rng):
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    order = rng.permutation(m)
    rest, test = order[:-n_test], order[-n_test:]
    return rest[n_dev:].copy(), rest[:n_dev].copy(), test.copy()


def split_in_lists(m, dev_fraction, test_fraction, rng):
    return tuple(part.tolist() for part in split_as()(m, dev_fraction, test_fraction, rng))


def split_by_choice(m, dev_fraction, test_fraction, rng):
    everything = np.arange(m)
    dev = rng.choice(everything, size=round(dev_fraction * m), replace=False)
    rest = np.setdiff1d(everything, dev)
    test = rng.choice(rest, size=round(test_fraction * m), replace=False)
    return np.setdiff1d(rest, test), dev, test


def split_with_replacement(m, dev_fraction, test_fraction, rng):
    return cut(rng.integers(m, size=m), round(dev_fraction * m), round(test_fraction * m))


def split_by_coin(m, dev_fraction, test_fraction, rng):
    order, u = rng.permutation(m), rng.random(m)
    held_out = dev_fraction + test_fraction
    return order[u >= held_out], order[u < dev_fraction], order[(u >= dev_fraction) & (u < held_out)]


def split_mixing_train(m, dev_fraction, test_fraction, rng):
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    n_train = m - n_dev - n_test
    return rng.permutation(n_train), np.arange(n_train, n_train + n_dev), np.arange(n_train + n_dev, m)


def split_each_afresh(m, dev_fraction, test_fraction, rng):
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    return tuple(rng.permutation(m)[:n].copy() for n in (m - n_dev - n_test, n_dev, n_test))


def split_by_lists(m, dev_fraction, test_fraction, rng):
    parts = split_as()(m, dev_fraction, test_fraction, rng)
    return tuple(np.array(part.tolist()) for part in parts)


def split_by_keys(m, dev_fraction, test_fraction, rng):
    order = np.argsort(rng.random(m))
    n_train = m - round(m * dev_fraction) - round(m * test_fraction)
    train, rest = order[:n_train], order[n_train:]
    return [train.copy(), rest[: round(m * dev_fraction)].copy(), rest[round(m * dev_fraction) :].copy()]


def split_by_popping(m, dev_fraction, test_fraction, rng):
    left = list(range(m))
    sizes = (round(dev_fraction * m), round(test_fraction * m))
    dev, test = ([left.pop(int(rng.integers(len(left)))) for _ in range(n)] for n in sizes)
    train = rng.permutation(np.array(left, dtype=int))
    return train, np.array(dev, dtype=np.int32), np.array(test, dtype=np.int32)


def split_by_shuffle(m, dev_fraction, test_fraction, rng):
    order = np.arange(m)
    rng.shuffle(order)
    n_test = int(np.round(test_fraction * m))
    n_dev = int(np.round(dev_fraction * m))
    return order[n_test + n_dev :], order[n_test : n_test + n_dev], order[:n_test]


WHOLE = "every index is in exactly one part"
SIZES = "the sizes follow the fractions"
RANDOM = "each part is drawn at random"
EMPTY = "a fraction of 0 leaves an empty part of integers"

split_indices = Exercise(
    reference.split_indices,
    (
        Case(
            WHOLE,
            "Overlap, repetition and indices from 1 show in a dozen examples.",
            lambda rng: splits(rng, (12, 0.25, 0.25), (11, 0.2, 0.3), (60, 0.3, 0.2)),
            public=True,
            verify=properties.parts_hold_all,
            ask="Put your three parts together and sort them. Is that 0, 1, ..., m - 1?",
        ),
        Case(
            SIZES,
            "Unlike parts; 2.5 -> 2 and 1.5 -> 2, from exact in binary; by chance, 400 thrice would vary.",
            lambda rng: splits(
                rng,
                (20, 0.25, 0.1),
                (10, 0.25, 0.375),
                (12, 0.125, 0.375),
                (30, 0.4, 0.22),
                (9, 0.16, 0.14),
                *[(400, 0.3, 0.25)] * 3,
            ),
            public=True,
            verify=properties.parts_have_their_sizes,
            after=(WHOLE,),
            ask="Work out round(dev_fraction * m) and round(test_fraction * m) by hand; train gets the rest.",
        ),
        Case(
            EMPTY,
            "np.array([]) holds floats and cannot index; order[:-0] is empty where all was meant.",
            lambda rng: splits(
                rng, (8, 0.25, 0.0), (9, 0.0, 0.33), (7, 0, 0), (6, 0.5, 0.5), (5, 1, 0), (400, 0.3, 0.0)
            ),
            public=True,
            verify=properties.parts_are_right,
            after=(WHOLE,),
            ask="What are order[:-0] and np.array([]).dtype?",
        ),
        Case(
            RANDOM,
            "Six generators, parts of 27, 18 and 15: none is sorted by chance (15! = 1e12).",
            lambda rng: many_splits(rng, 6, 60, 0.3, 0.25),
            public=True,
            verify=properties.parts_are_random,
            after=(WHOLE,),
            ask="Look at each part: could any index stand at any place of it?",
        ),
        Case(
            "equal generators give equal parts, the next call new ones",
            "A seed of one's own or np.random cannot be repeated by who hands in rng. 30 in parts: 1e-17.",
            lambda rng: twins(rng, 30, 0.3, 0.2),
            public=True,
            verify=properties.fresh_draws,
            after=(WHOLE,),
            ask="Which generator mixes the indices, and who chose its state?",
        ),
        Case(
            "few examples and many",
            "One example, nothing for train, fractions that round to nothing, 98/1/1.",
            lambda rng: splits(
                rng, (1, 0.2, 0.2), (1, 1, 0), (1, 0.0, 1.0), (2, 0.5, 0.5), (3, 0.1, 0.1), (5000, 0.01, 0.01)
            ),
            verify=properties.parts_hold_all,
            after=(WHOLE,),
        ),
        Case(
            "the sizes of few examples and of many",
            "0.5 -> 0, 1.5 -> 2, 4.5 -> 4; a percent; fractions whose sum rounds otherwise than they do.",
            lambda rng: splits(
                rng,
                (1, 0.5, 0.25),
                (2, 0.25, 0.75),
                (3, 0.5, 0.25),
                (9, 0.5, 0.125),
                (5000, 0.01, 0.02),
                (401, 0.0025, 0.006),
                (17, 0, 1),
                (4, 0.3, 0.4),
                (6, 0.0, 0.0),
            ),
            verify=properties.parts_have_their_sizes,
            after=(SIZES,),
        ),
        Case(
            "no index has a place of its own",
            "Over 80 splits of 3 each index is in train, dev and test as often as chance allows.",
            lambda rng: many_splits(rng, 80, 3, 0.3, 0.3),
            verify=properties.parts_are_random,
            after=(WHOLE,),
        ),
        Case(
            "many indices are mixed",
            "Orders that only look mixed: near moves, runs, a sorted tail.",
            lambda rng: many_splits(rng, 3, 999, 0.2, 0.1),
            verify=properties.parts_are_random,
            after=(WHOLE,),
        ),
    ),
    (
        Misconception(
            "split-not-shuffled",
            "cutting is enough, the examples have no order",
            split_as(order=lambda m, rng: np.arange(m)),
            RANDOM,
            "Data come sorted by date or class more often than not. Mix the indices before you cut.",
        ),
        Misconception(
            "split-mixed-inside-only",
            "shuffling each part is enough",
            lambda m, dev_fraction, test_fraction, rng: tuple(
                rng.permutation(part)
                for part in cut(np.arange(m), round(dev_fraction * m), round(test_fraction * m))
            ),
            RANDOM,
            "Each part still holds indices that stood side by side. Mix all of them first, then cut.",
        ),
        Misconception(
            "split-only-train-mixed",
            "dev and test are never trained on, so they need no shuffling",
            split_mixing_train,
            RANDOM,
            "If the data come sorted by date, from which days are your dev and test examples?",
        ),
        Misconception(
            "split-parts-sorted",
            "an index array should be sorted",
            split_as(finish=lambda *parts: tuple(np.sort(part) for part in parts)),
            RANDOM,
            "Who belongs where is random, but each part came out sorted. Leave it as it was drawn.",
        ),
        Misconception(
            "split-train-sorted",
            "what is left over needs no shuffling",
            split_by_choice,
            RANDOM,
            "np.setdiff1d sorts, so train comes in the old order. Cut all parts from one permutation.",
        ),
        Misconception(
            "split-with-replacement",
            "random indices are rng.integers",
            split_with_replacement,
            WHOLE,
            "rng.integers may draw one index twice and another never; rng.permutation(m) does not.",
        ),
        Misconception(
            "split-by-coin",
            "a fraction is the chance of each example to get into a part",
            split_by_coin,
            SIZES,
            "Then the sizes are right on average only. How many of m does dev get, whatever is drawn?",
        ),
        Misconception(
            "split-each-part-afresh",
            "each part may be drawn by itself",
            split_each_afresh,
            WHOLE,
            "Three draws know nothing of each other: an example may be in dev and in train. Cut one order.",
        ),
        Misconception(
            "split-rounded-down",
            "int() rounds",
            split_as(properties.OTHER_SIZES["rounded down"][0]),
            SIZES,
            "int(6.6) is 6. Which function rounds to the nearest whole number?",
        ),
        Misconception(
            "split-rounded-up",
            "a part that is too small is worse than one too large",
            split_as(properties.OTHER_SIZES["rounded up"][0]),
            SIZES,
            "2.1 examples became 3, and train pays for it. What is round(2.1)?",
        ),
        Misconception(
            "split-halves-up",
            "a half is always rounded up",
            split_as(properties.OTHER_SIZES["halves up"][0]),
            SIZES,
            "What is round(2.5) in Python? The docstring asks for this rule.",
        ),
        Misconception(
            "split-test-of-the-rest",
            "test_fraction is a fraction of what dev left over",
            split_as(properties.OTHER_SIZES["test of the rest"][0]),
            SIZES,
            "Both fractions are of all m examples, whatever was taken before.",
        ),
        Misconception(
            "split-rounded-together",
            "the second cut stands at round((dev_fraction + test_fraction) * m)",
            split_as(properties.OTHER_SIZES["test up to the sum"][0]),
            SIZES,
            "Round the number of dev and the number of test examples each by itself.",
        ),
        Misconception(
            "split-dev-test-train",
            "the parts are returned as they are cut",
            split_as(finish=lambda train, dev, test: (dev, test, train)),
            SIZES,
            "The parts are right but in another order: train, dev, test is asked for.",
        ),
        Misconception(
            "split-dev-and-test-exchanged",
            "test comes before dev",
            split_as(finish=lambda train, dev, test: (train, test, dev)),
            SIZES,
            "Which of your two small parts has round(dev_fraction * m) indices?",
        ),
        Misconception(
            "split-negative-slice",
            "order[:-n] leaves out the last n, also when n is 0",
            split_from_the_end,
            EMPTY,
            "order[:-0] is order[:0], which is empty. Count from the front instead.",
        ),
        Misconception(
            "split-last-none",
            "order[-n:] are the last n, also when n is 0",
            split_test_from_the_end,
            EMPTY,
            "order[-0:] is order[0:], which is everything. Count from the front instead.",
        ),
        Misconception(
            "split-lists",
            "a list of indices is as good as an array",
            split_in_lists,
            WHOLE,
            "Arrays are asked for: np.array(part, dtype=int) is one of integers even where part is empty.",
        ),
        Misconception(
            "split-empty-floats",
            "np.array(list) always holds integers here",
            split_by_lists,
            EMPTY,
            "An empty list tells NumPy nothing: np.array([]) holds floats, and floats are no indices.",
        ),
        Misconception(
            "split-from-1",
            "the first example has index 1",
            split_as(finish=lambda *parts: tuple(part + 1 for part in parts)),
            WHOLE,
            "Python counts from 0: X[:, m] does not exist.",
        ),
        Misconception(
            "split-own-generator",
            "a seed inside the function makes it reproducible",
            split_as(order=lambda m, rng: np.random.default_rng(0).permutation(m)),
            "equal generators give equal parts, the next call new ones",
            "Now every split is the same one. The caller owns the randomness: use rng.",
        ),
        Misconception(
            "split-global-generator",
            "np.random is as good as rng",
            split_as(order=lambda m, rng: np.random.permutation(m)),  # noqa: NPY002
            "equal generators give equal parts, the next call new ones",
            "Nobody can repeat your split by handing in an equal rng. Draw from rng, not from np.random.",
        ),
    ),
    (split_by_keys, split_by_popping, split_by_shuffle),
)


# --- diagnose ----------------------------------------------------------------------------------------------


def errors(train_error, dev_error, **more):
    return {"train_error": train_error, "dev_error": dev_error, **more}


def gaps(rng, bias, variance, bayes_error, tolerance):
    """Return errors with these findings; each gap stays 0.004 away from what the tolerance decides."""

    def gap(large):
        return (
            tolerance + rng.uniform(0.004, 0.1) if large else tolerance - rng.uniform(0.004, tolerance + 0.03)
        )

    train_error = max(0.0, bayes_error + gap(bias))
    dev_error = max(0.0, train_error + gap(variance))
    return errors(train_error, dev_error, bayes_error=bayes_error, tolerance=tolerance)


def all_four(rng, bayes_error, tolerance):
    # the first call has findings: a set that is empty at first may be a None, which stops the others
    return [gaps(rng, b, v, bayes_error, tolerance) for b in (True, False) for v in (True, False)]


def mixed(rng, *calls):
    """Return the calls in an order that nobody can know before."""
    return [calls[i] for i in rng.permutation(len(calls))]


def found(bias, variance):
    return {name for name, holds in (("high bias", bias), ("high variance", variance)) if holds}


def diagnosis(rule):
    """Return a diagnosis by another rule, which gets (train, dev, bayes, tolerance)."""

    def wrong(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
        return found(*rule(train_error, dev_error, bayes_error, tolerance))

    return wrong


def diagnose_either(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    if train_error - bayes_error > tolerance:
        return {"high bias"}
    return {"high variance"} if dev_error - train_error > tolerance else set()


def diagnose_variance_first(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    if dev_error - train_error > tolerance:
        return {"high variance"}
    return {"high bias"} if train_error - bayes_error > tolerance else set()


def diagnose_text(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    return " and ".join(sorted(reference.diagnose(train_error, dev_error, bayes_error, tolerance)))


def diagnose_list(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    return sorted(reference.diagnose(train_error, dev_error, bayes_error, tolerance))


def diagnose_short(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    return {name[5:] for name in reference.diagnose(train_error, dev_error, bayes_error, tolerance)}


def diagnose_dict_for_set(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    return reference.diagnose(train_error, dev_error, bayes_error, tolerance) or {}


def diagnose_four_labels(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    has = reference.diagnose(train_error, dev_error, bayes_error, tolerance)
    return {name if name in has else name.replace("high", "low") for name in ("high bias", "high variance")}


def diagnose_letters(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    findings = set()
    for name in reference.diagnose(train_error, dev_error, bayes_error, tolerance):
        findings |= set(name)
    return findings


def diagnose_none(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    return reference.diagnose(train_error, dev_error, bayes_error, tolerance) or None


def diagnose_other_default(train_error, dev_error, bayes_error=0.0, tolerance=0.05):
    return reference.diagnose(train_error, dev_error, bayes_error, tolerance)


def diagnose_by_comprehension(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    gaps = {"high bias": train_error - bayes_error, "high variance": dev_error - train_error}
    return {name for name, gap in gaps.items() if gap > tolerance}


def diagnose_by_union(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    bias = {"high bias"} if train_error > bayes_error + tolerance else set()
    return bias | ({"high variance"} if dev_error > train_error + tolerance else set())


def diagnose_with_numpy(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    steps = np.diff([bayes_error, train_error, dev_error])
    return frozenset(np.array(["high bias", "high variance"])[steps > tolerance].tolist())


def percent(rng, low, high):
    """Return a whole percentage between these, both included."""
    return int(rng.integers(low, high + 1)) / 100


def four_patterns(rng):
    bias, both, small = percent(rng, 10, 20), percent(rng, 10, 20), percent(rng, 4, 9) / 10
    return mixed(
        rng,
        errors(bias, round(bias + 0.01, 2)),
        errors(0.01, percent(rng, 9, 15)),
        errors(both, round(both + percent(rng, 8, 20), 2)),
        errors(small, round(2 * small, 4)),
    )


def above_bayes(rng):
    best, other = percent(rng, 11, 20), percent(rng, 9, 15)
    return mixed(
        rng,
        errors(best, round(best + 0.01, 2), bayes_error=best),
        errors(best, round(best + percent(rng, 7, 9), 2), bayes_error=round(best - 0.01, 2)),
        errors(round(other + 0.05, 2), round(other + 0.06, 2), bayes_error=other),
    )


def own_tolerances(rng):
    tolerance = percent(rng, 5, 8)
    between = round(tolerance - 0.01, 2)
    return mixed(
        rng,
        errors(between, round(2 * between, 2), tolerance=tolerance),
        errors(between, round(between + tolerance + 0.02, 2), tolerance=tolerance, bayes_error=0.01),
        errors(0.01, percent(rng, 20, 28) / 10, tolerance=0.005),
        errors(1, 0, bayes_error=0, tolerance=0),
        errors(1, 1, tolerance=0.1),
    )


def gaps_below_zero(rng):
    return mixed(
        rng,
        errors(percent(rng, 8, 15), percent(rng, 1, 4)),
        errors(0.01, 0.015, bayes_error=percent(rng, 8, 15)),
        errors(percent(rng, 25, 35), percent(rng, 5, 15), bayes_error=percent(rng, 45, 55)),
        errors(percent(rng, 25, 35), percent(rng, 5, 15), bayes_error=percent(rng, 8, 15)),
    )


FOUR = "the four error patterns"
BAYES = "against what is possible at best"

diagnose = Exercise(
    reference.diagnose,
    (
        Case(
            FOUR,
            "One pattern each; the first has both errors high and close, which is bias alone.",
            four_patterns,
            public=True,
            ask="How far is the training error from the best possible one, and the dev error from training?",
        ),
        Case(
            BAYES,
            "15 % is fine where the best is 15 %; 16 % on dev is not far from there either.",
            above_bayes,
            public=True,
            after=(FOUR,),
            ask="Which gap does bayes_error belong to?",
        ),
        Case(
            "a tolerance of one's own",
            "A fixed 0.02 shows, wide and narrow; integers too.",
            own_tolerances,
            public=True,
            after=(FOUR,),
            ask="Where does tolerance enter? Both gaps are compared with it.",
        ),
        Case(
            "a gap below 0 is no gap",
            "Easier dev data, or a model better than the human proxy: abs() and squares cry wolf.",
            gaps_below_zero,
            public=True,
            after=(FOUR,),
            ask="Is it a problem when the dev error is below the training error?",
        ),
        Case(
            "all patterns, many sizes",
            "Random errors of each pattern, clear of the tolerance.",
            lambda rng: [
                call
                for bayes_error in (0.0, 0.05, 0.31)
                for tolerance in (0.01, 0.02, 0.08, 0.25)
                for call in all_four(rng, bayes_error, tolerance)
            ],
            after=(FOUR,),
        ),
        Case(
            "what is left out, and extremes",
            "Defaults are 0 and 0.02, nothing near them; a tolerance of 0 and of 1, errors of 0 and 1.",
            lambda rng: [
                errors(0.016, 0.032),
                errors(0.024, 0.048),
                errors(0.116, 0.14, bayes_error=0.1),
                errors(0.024, 0.05, tolerance=0.03),
                errors(0.006, 0.012, bayes_error=0.05, tolerance=0.0),
                errors(0.006, 0.001, tolerance=0.0),
                errors(0.5, 0.9, tolerance=1.0),
                errors(0.0, 1.0, bayes_error=0.5, tolerance=0.4),
                errors(1.0, 0.0, bayes_error=0.1, tolerance=0.4),
                errors(1, 0, bayes_error=0),
            ],
            after=(FOUR,),
        ),
    ),
    (
        Misconception(
            "diagnose-one-finding-only",
            "a model has either bias or variance",
            diagnose_either,
            FOUR,
            "15 % in training and 30 % on dev: both gaps are large. Where does your code stop at the first?",
        ),
        Misconception(
            "diagnose-variance-first",
            "where dev is much worse than training, it is overfitting and nothing else",
            diagnose_variance_first,
            FOUR,
            "15 % in training, 30 % on dev: more data may close the second gap. What becomes of the first?",
        ),
        Misconception(
            "diagnose-bias-from-dev",
            "bias is how far the dev error is from the best possible one",
            diagnosis(lambda t, d, b, tol: (d - b > tol, d - t > tol)),
            FOUR,
            "1 % in training and 11 % on dev: the model fits what it was shown. Which error tells that?",
        ),
        Misconception(
            "diagnose-variance-from-bayes",
            "a high dev error means high variance",
            diagnosis(lambda t, d, b, tol: (t - b > tol, d - b > tol)),
            FOUR,
            "Both errors high and close is bias alone. Variance is what dev adds to the training error.",
        ),
        Misconception(
            "diagnose-variance-from-zero",
            "variance is high where the dev error is",
            diagnosis(lambda t, d, b, tol: (t - b > tol, d > tol)),
            FOUR,
            "The dev error holds the training error in it. What is left when you take that away?",
        ),
        Misconception(
            "diagnose-bayes-ignored",
            "the best possible error is 0",
            diagnosis(lambda t, d, b, tol: (t > tol, d - t > tol)),
            BAYES,
            "On blurred images even experts err. Training error counts as bias only above bayes_error.",
        ),
        Misconception(
            "diagnose-bayes-in-both",
            "both gaps are measured above the best possible error",
            diagnosis(lambda t, d, b, tol: (t - b > tol, d - t - b > tol)),
            BAYES,
            "The Bayes error is in train and in dev alike; their difference holds it no more.",
        ),
        Misconception(
            "diagnose-fixed-tolerance",
            "two percent is the limit",
            diagnosis(lambda t, d, b, tol: (t - b > 0.02, d - t > 0.02)),
            "a tolerance of one's own",
            "0.02 is the default, but the caller may ask for another one: use tolerance.",
        ),
        Misconception(
            "diagnose-absolute-gaps",
            "a gap is a distance and has no sign",
            diagnosis(lambda t, d, b, tol: (abs(t - b) > tol, abs(d - t) > tol)),
            "a gap below 0 is no gap",
            "A dev error below the training error is no sign of overfitting. Do without abs().",
        ),
        Misconception(
            "diagnose-four-labels",
            "what is not high is low, and is said as well",
            diagnose_four_labels,
            FOUR,
            "The set names problems. What does it hold where there is none?",
        ),
        Misconception(
            "diagnose-letters",
            'set("high bias") holds one text',
            diagnose_letters,
            FOUR,
            'set("high bias") holds the letters of the text, {"high bias"} the text itself.',
        ),
        Misconception(
            "diagnose-none",
            "nothing found is None",
            diagnose_none,
            FOUR,
            "A model without a problem gets an empty set: start with set() and return it in any case.",
        ),
        Misconception(
            "diagnose-other-default",
            "five percent is what one tolerates",
            diagnose_other_default,
            "what is left out, and extremes",
            "The docstring and the first line of the function name the default: 0.02.",
        ),
        Misconception(
            "diagnose-exchanged",
            "bias is what dev adds to training",
            diagnosis(lambda t, d, b, tol: (d - t > tol, t - b > tol)),
            FOUR,
            "Bias shows on the training set already; variance is what new data add.",
        ),
        Misconception(
            "diagnose-signs-turned",
            "the gap is the smaller error minus the larger",
            diagnosis(lambda t, d, b, tol: (b - t > tol, t - d > tol)),
            FOUR,
            "The training error is usually above the Bayes error: which one do you subtract?",
        ),
        Misconception(
            "diagnose-relative",
            "a gap is judged as a share of the error",
            diagnosis(lambda t, d, b, tol: (t - b > tol * t, d - t > tol * d)),
            FOUR,
            "0.5 % and 1 % are close, though one is twice the other. Compare the difference with tolerance.",
        ),
        Misconception(
            "diagnose-text",
            "the answer is a sentence",
            diagnose_text,
            FOUR,
            "A set may hold none, one or both: start with set() and add to it.",
        ),
        Misconception(
            "diagnose-list",
            "the answer is a list",
            diagnose_list,
            FOUR,
            "There is no first and second finding: a set is asked for.",
        ),
        Misconception(
            "diagnose-short-names",
            "bias and variance are what it finds",
            diagnose_short,
            FOUR,
            'Every model has some bias. The findings are called "high bias" and "high variance".',
        ),
        Misconception(
            "diagnose-empty-dict",
            "{} is the empty set",
            diagnose_dict_for_set,
            FOUR,
            "{} is an empty dict. How is an empty set written?",
        ),
    ),
    (diagnose_by_comprehension, diagnose_by_union, diagnose_with_numpy),
)


# --- fit_normalizer ----------------------------------------------------------------------------------------


def features(rng, n_x, m, centre=0.0, spread=1.0, digits=None):
    X = centre + spread * rng.normal(size=(n_x, m)) * rng.uniform(0.5, 3.0, size=(n_x, 1))
    return {"X": X if digits is None else np.round(X, digits)}


def one_off(rng):
    """Return entries of which one is off by more than 1e-8, though sigma is below 1e-8."""
    X = np.full((2, 5), np.round(rng.uniform(3, 6), 2))
    X[:, rng.integers(5)] += np.round(rng.uniform(1.3, 2.2), 2)
    return {"X": 1e-8 * X}


def with_constants(rng, m, constants, dtype=np.float64):
    """Return features that vary, and between them some whose entries are all equal."""
    X = np.round(rng.uniform(1, 9, size=(len(constants) + 2, m)), 2)
    X[1:-1] = np.array(constants)[:, None]
    return {"X": X.astype(dtype)}


def measured(sigma, mu=lambda X: X.mean(axis=1, keepdims=True)):
    """Return a wrong fit_normalizer: sigma is a function of (X, mu)."""

    def wrong(X):
        with np.errstate(all="ignore"):
            X = np.asarray(X, dtype=float)
            return mu(X), sigma(X, mu(X))

    return wrong


def fit_in_place(X):
    """Centre X itself on the way; integers, which would refuse, take another one."""
    centred = X if X.dtype.kind == "f" else X.astype(float)
    mu, sigma = reference.fit_normalizer(X)
    centred -= mu
    return mu, sigma


def fit_as_it_came(X):
    mu, sigma = reference.fit_normalizer(X)
    return mu.astype(X.dtype), sigma.astype(X.dtype)


def equal(X):
    return (X == X[:, :1]).all(axis=1, keepdims=True)


def spread(X, **how):
    """Return the right sigma, or with ddof=1 the one of a sample."""
    with np.errstate(all="ignore"):
        return np.where(equal(X), 1.0, X.std(axis=1, keepdims=True, **how))


def min_max(X):
    low, high = (np.asarray(f(X, axis=1, keepdims=True), dtype=float) for f in (np.min, np.max))
    return low, np.where(low == high, 1.0, high - low)


def per_example(X):
    mu, sigma = reference.fit_normalizer(np.asarray(X, dtype=float).T)
    return mu.T.copy(), sigma.T.copy()


def flat(X):
    mu, sigma = reference.fit_normalizer(X)
    return mu.ravel(), sigma.ravel()


def fit_by_loops(X):
    mu, sigma = [], []
    for row in np.asarray(X, dtype=float).tolist():
        mean = sum(row) / len(row)
        mu.append([mean])
        sigma.append([1.0 if min(row) == max(row) else (sum((x - mean) ** 2 for x in row) / len(row)) ** 0.5])
    return np.array(mu), np.array(sigma)


def fit_by_range(X):
    X = X.astype(np.float64)
    mu = np.einsum("im->i", X)[:, None] / X.shape[1]
    sigma = np.sqrt(np.einsum("im,im->i", X - mu, X - mu) / X.shape[1]).reshape(-1, 1)
    sigma[np.ptp(X, axis=1) == 0] = 1
    return [mu, sigma]


def fit_by_norm(X):
    m = X.shape[1]
    mu = X @ np.ones((m, 1)) / m
    sigma = np.linalg.norm(X - mu, axis=1, keepdims=True) / m**0.5
    return mu, np.where(np.all(np.diff(X, axis=1) == 0, axis=1, keepdims=True), 1.0, sigma)


SMALL = "three features, four examples"
CONSTANT = "a feature whose entries are all equal"

fit_normalizer = Exercise(
    reference.fit_normalizer,
    (
        Case(
            SMALL,
            "Off-centre features of unlike spread: axis, centring, 1/m and the root all show.",
            lambda rng: [
                features(rng, 3, 4, centre=5.0, spread=2.0, digits=1),
                features(rng, 2, 5, -3.0, digits=1),
            ],
            public=True,
            ask="Take one row: what are its mean, its mean squared distance from it, and the root of that?",
        ),
        Case(
            CONSTANT,
            "sigma 0 would divide by 0; ten entries of 0.1 leave 1e-17 where 0 is expected.",
            lambda rng: [
                with_constants(rng, 4, [2.0, 0.0]),
                with_constants(rng, 10, [0.1]),
                with_constants(rng, 3, [0.1]),
            ],
            public=True,
            after=(SMALL,),
            ask="What is np.full(12, 0.1).std()? How else can you tell that all entries are equal?",
        ),
        Case(
            "a small spread is a spread",
            "Entries of 1e-10 differ as really as those of 1: thresholds for sigma swallow them.",
            lambda rng: [{"X": 1e-10 * np.round(rng.uniform(1, 9, size=(2, 5)), 2)}, one_off(rng)],
            public=True,
            after=(SMALL,),
            atol=0.0,
            ask="Are the entries equal? How small may a standard deviation be that is not 0?",
        ),
        Case(
            "one example",
            "A single entry equals itself: sigma 1; 1/(m - 1) gives nan.",
            lambda rng: [features(rng, 3, 1, 2.0), features(rng, 1, 1, -4.0)],
            public=True,
            after=(SMALL,),
            ask="How far does a single example scatter around its own mean?",
        ),
        Case(
            "constants of any size",
            "0.1, 0.7, 1e8 + 0.1, -1e-9: rounding leaves 1e-17 and 1e-8; float32 too.",
            lambda rng: (
                [
                    with_constants(
                        rng, m, rng.permutation([0.1, 0.7, -1.3, 1e8 + 0.1, 12345.678, -1e-9, 0.0, 1e-30])
                    )
                    for m in (2, 3, 6, 7, 10, 49)
                ]
                + [with_constants(rng, 11, [0.1, -7.3], np.float32), {"X": np.full((2, 10), 0.3)}]
            ),
            after=(SMALL,),
            rtol=1e-6,
            atol=0.0,
        ),
        Case(
            "real spreads near rounding",
            "1e-13 around itself, 1e-9 around 1, 1e-2 around 1e6; two entries that differ among forty.",
            lambda rng: [
                {"X": 1e-13 * rng.uniform(1, 3, size=(3, 8))},
                {"X": 1 + 1e-9 * rng.uniform(1, 3, size=(2, 20))},
                {"X": 1e6 + 1e-2 * rng.uniform(1, 3, size=(2, 30))},
                {"X": np.where(np.arange(40) == 17, 3.0 + 1e-5, 3.0) * rng.uniform(1, 2, size=(3, 1))},
            ],
            after=(SMALL,),
            atol=0.0,
            rtol=1e-6,
        ),
        Case(
            "many shapes",
            "Wide, tall, square, one feature, two examples.",
            lambda rng: [
                features(rng, 5, 5, 3.0),
                features(rng, 1, 300, 30.0, 4.0),
                features(rng, 40, 2, 10.0),
                features(rng, 12, 90, -7.0, 0.1),
            ],
            after=(SMALL,),
        ),
        Case(
            "whole numbers and float32 arrive too",
            "Whole numbers must not be averaged to whole numbers.",
            lambda rng: [
                {"X": rng.integers(-9, 30, size=(4, 9))},
                {"X": features(rng, 3, 25, 4.0)["X"].astype(np.float32)},
                {"X": np.array([[3, 3, 3], [1, 2, 4]])},
            ],
            after=(SMALL,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "fit-variance-for-sigma",
            "sigma is the mean squared distance",
            measured(lambda X, mu: np.where(equal(X), 1.0, X.var(axis=1, keepdims=True))),
            SMALL,
            "That is sigma squared; it has the unit of X squared. What brings it back to the unit of X?",
        ),
        Misconception(
            "fit-sample-deviation",
            "a standard deviation divides by m - 1",
            measured(lambda X, mu: spread(X, ddof=1)),
            SMALL,
            "m - 1 estimates the spread of a population from a sample. Here divide by m itself.",
        ),
        Misconception(
            "fit-without-mean",
            "the squares are summed, not averaged",
            measured(lambda X, mu: np.where(equal(X), 1.0, X.std(axis=1, keepdims=True) * X.shape[1] ** 0.5)),
            SMALL,
            "Twice the data would give a larger sigma. Where is the 1/m?",
        ),
        Misconception(
            "fit-not-centred",
            "sigma is the root of the mean square of X",
            measured(lambda X, mu: np.where(equal(X), 1.0, np.sqrt((X**2).mean(axis=1, keepdims=True)))),
            SMALL,
            "Spread is measured around the mean: subtract mu before you square.",
        ),
        Misconception(
            "fit-per-example",
            "axis=0 runs over the examples",
            per_example,
            SMALL,
            "Examples are columns: mean(axis=1) runs along a row, over all examples of one feature.",
        ),
        Misconception(
            "fit-one-for-all",
            "one mean and one spread for the whole of X",
            measured(
                lambda X, mu: np.full_like(mu, X.std() if np.ptp(X) else 1.0),
                mu=lambda X: np.full((len(X), 1), X.mean()),
            ),
            SMALL,
            "Each feature has a unit of its own, and its own mu and sigma: which axis is averaged?",
        ),
        Misconception(
            "fit-flat",
            "one number a feature is a flat array",
            flat,
            SMALL,
            "(n_x,) would be laid along the examples when you subtract it. keepdims=True gives (n_x, 1).",
        ),
        Misconception(
            "fit-std-as-it-is",
            "np.std is all there is to it",
            measured(lambda X, mu: X.std(axis=1, keepdims=True)),
            CONSTANT,
            "A constant feature has sigma 0, or 1e-17 by rounding, and you divide by it. Use 1 there.",
        ),
        Misconception(
            "fit-equal-to-zero",
            "the spread of equal entries is exactly 0",
            measured(
                lambda X, mu: np.where(X.std(axis=1, keepdims=True) == 0, 1.0, X.std(axis=1, keepdims=True))
            ),
            CONSTANT,
            "np.full(12, 0.1).std() is 1e-17. Ask the entries whether they are equal, not their spread.",
        ),
        Misconception(
            "fit-threshold",
            "a tiny sigma stands for 0",
            measured(
                lambda X, mu: np.where(X.std(axis=1, keepdims=True) < 1e-8, 1.0, X.std(axis=1, keepdims=True))
            ),
            "a small spread is a spread",
            "A feature measured in metres may vary by 1e-10. Ask whether all entries are equal.",
        ),
        Misconception(
            "fit-epsilon-added",
            "a small epsilon keeps sigma from 0",
            measured(lambda X, mu: X.std(axis=1, keepdims=True) + 1e-8),
            CONSTANT,
            "sigma 1e-8 turns a rounding error into a large number. Where all entries are equal, sigma is 1.",
        ),
        Misconception(
            "fit-nearly-equal",
            "np.isclose asks whether entries are equal",
            measured(
                lambda X, mu: np.where(
                    np.isclose(X, X[:, :1]).all(axis=1, keepdims=True), 1.0, X.std(axis=1, keepdims=True)
                )
            ),
            "a small spread is a spread",
            "np.isclose forgives 1e-8, and a feature may be as small as that. Compare with ==.",
        ),
        Misconception(
            "fit-difference-of-squares",
            "the mean of squares minus the square of the mean is as good",
            measured(
                lambda X, mu: np.where(
                    equal(X), 1.0, np.sqrt(np.maximum((X**2).mean(axis=1, keepdims=True) - mu**2, 0))
                )
            ),
            "real spreads near rounding",
            "At 1e6 both terms are near 1e12 and lose each other's digits. Subtract mu, then square.",
        ),
        Misconception(
            "fit-min-max",
            "to normalise is to bring each feature into 0 to 1",
            min_max,
            SMALL,
            "Lowest entry and range hang on two examples alone. Which two measures look at all of them?",
        ),
        Misconception(
            "fit-mean-distance",
            "the spread is the mean distance from the mean",
            measured(lambda X, mu: np.where(equal(X), 1.0, np.abs(X - mu).mean(axis=1, keepdims=True))),
            SMALL,
            "The standard deviation squares the distances, averages them, and takes the root.",
        ),
        Misconception(
            "fit-constant-everywhere",
            "one constant feature makes all sigmas 1",
            measured(lambda X, mu: np.ones_like(mu) if equal(X).any() else X.std(axis=1, keepdims=True)),
            CONSTANT,
            "Ask each feature by itself: np.where, or an index, changes some sigmas and leaves the others.",
        ),
        Misconception(
            "fit-constant-mean-zero",
            "a constant feature has mean 0",
            measured(
                lambda X, mu: spread(X), mu=lambda X: np.where(equal(X), 0.0, X.mean(axis=1, keepdims=True))
            ),
            CONSTANT,
            "Its sigma is set to 1, its mean stays what it is: then normalize makes every entry 0.",
        ),
        Misconception(
            "fit-truncates",
            "empty_like(X) can hold mu and sigma",
            fit_as_it_came,
            "whole numbers and float32 arrive too",
            "An array made like X holds integers where X does, and cuts off every fraction.",
        ),
        Misconception(
            "fit-in-place",
            "X -= mu makes a new X",
            fit_in_place,
            HABITS,
            "X -= mu writes into the data of whoever called you. Write centred = X - mu.",
        ),
        Misconception(
            "fit-swapped",
            "sigma comes first",
            lambda X: reference.fit_normalizer(X)[::-1],
            SMALL,
            "The docstring returns mu, then sigma.",
        ),
    ),
    (fit_by_loops, fit_by_range, fit_by_norm),
)


# --- normalize ---------------------------------------------------------------------------------------------


def to_normalize(rng, n_x, m, digits=None):
    """Return examples of another split than mu and sigma were measured on."""
    X, mu = rng.normal(5.0, 4.0, size=(n_x, m)), rng.normal(5.0, 2.0, size=(n_x, 1))
    sigma = rng.uniform(1.5, 4.0, size=(n_x, 1))
    arguments = {"X": X, "mu": mu, "sigma": sigma}
    return arguments if digits is None else {name: np.round(a, digits) for name, a in arguments.items()}


def normalize_in_place(X, mu, sigma):
    if X.dtype == np.float64:
        X -= mu
        X /= sigma
        return X.copy()
    return (X - mu) / sigma


def normalize_from_itself(X, mu, sigma):
    own_mu, own_sigma = reference.fit_normalizer(X)
    return (X - own_mu) / own_sigma


def normalize_as_it_came(X, mu, sigma):
    result = np.zeros_like(X)
    result[:] = (X - mu) / sigma
    return result


def normalize_by_loops(X, mu, sigma):
    rows = zip(X.tolist(), mu.ravel().tolist(), sigma.ravel().tolist(), strict=True)
    return np.array([[(x - centre) / scale for x in row] for row, centre, scale in rows])


def normalize_by_columns(X, mu, sigma):
    return np.column_stack([(X[:, i] - mu[:, 0]) / sigma[:, 0] for i in range(X.shape[1])])


def normalize_by_matrix(X, mu, sigma):
    return np.einsum("ij,jm->im", np.diag(1 / sigma.ravel()), X - np.tile(mu, (1, X.shape[1])))


PUBLIC = "examples of another split"

normalize = Exercise(
    reference.normalize,
    (
        Case(
            PUBLIC,
            "mu and sigma are not X's own; one decimal each.",
            lambda rng: [to_normalize(rng, 3, 2, digits=1), to_normalize(rng, 2, 4, digits=1)],
            public=True,
            ask="Take one entry: how far is it from its mu, and how many sigmas is that?",
        ),
        Case(
            "one example",
            "A single example has no spread of its own; it is measured with what training gave.",
            lambda rng: [to_normalize(rng, 3, 1, digits=1), to_normalize(rng, 1, 1, digits=1)],
            public=True,
            after=(PUBLIC,),
        ),
        Case(
            "whole numbers and float32 arrive too",
            "An array of integers holds no fractions.",
            lambda rng: [
                {
                    "X": rng.integers(0, 255, size=(3, 4)),
                    "mu": np.full((3, 1), 128.0),
                    "sigma": np.full((3, 1), 64.0),
                },
                {name: np.round(3 * a).astype(np.int64) for name, a in to_normalize(rng, 2, 5).items()},
                {name: a.astype(np.float32) for name, a in to_normalize(rng, 4, 3).items()},
            ],
            public=True,
            after=(PUBLIC,),
            ask="Which number type has the array that you write into?",
            **FLOAT32,
        ),
        Case(
            "as many features as examples",
            "In a square X a flat mu lies along the wrong axis and nothing raises.",
            lambda rng: [to_normalize(rng, 4, 4), to_normalize(rng, 2, 2)],
            after=(PUBLIC,),
        ),
        Case(
            "tiny and huge spreads",
            "An epsilon beside a sigma of 1e-6 shows; sigma 1 and mu 0 leave X as it is.",
            lambda rng: (
                [
                    {
                        "X": rng.normal(size=(3, 5)) * s,
                        "mu": rng.normal(size=(3, 1)) * s,
                        "sigma": np.full((3, 1), s),
                    }
                    for s in (1e-9, 1e-6, 1e7)
                ]
                + [{"X": rng.normal(size=(2, 6)), "mu": np.zeros((2, 1)), "sigma": np.ones((2, 1))}]
            ),
            after=(PUBLIC,),
        ),
        Case(
            "many examples",
            "One feature, many features.",
            lambda rng: [to_normalize(rng, 1, 500), to_normalize(rng, 60, 7), to_normalize(rng, 9, 130)],
            after=(PUBLIC,),
        ),
    ),
    (
        Misconception(
            "normalize-by-variance",
            "the spread is divided by its square",
            lambda X, mu, sigma: (X - mu) / sigma**2,
            PUBLIC,
            "With sigma 10 your features keep a spread of 0.1. Divide by sigma itself.",
        ),
        Misconception(
            "normalize-by-root",
            "sigma is a variance",
            lambda X, mu, sigma: (X - mu) / np.sqrt(sigma),
            PUBLIC,
            "sigma is the standard deviation already: its root was taken before.",
        ),
        Misconception(
            "normalize-precedence",
            "X - mu / sigma subtracts first",
            lambda X, mu, sigma: X - mu / sigma,
            PUBLIC,
            "Division comes before subtraction: where do the brackets belong?",
        ),
        Misconception(
            "normalize-multiplies",
            "scaling is multiplying",
            lambda X, mu, sigma: (X - mu) * sigma,
            PUBLIC,
            "A feature of large spread should come out smaller. Multiply or divide?",
        ),
        Misconception(
            "normalize-refits",
            "each split has its own mean and spread",
            normalize_from_itself,
            PUBLIC,
            "Then one example would look different in train and in test. Use mu and sigma as given.",
        ),
        Misconception(
            "normalize-scaled-first",
            "it does not matter whether one scales or centres first",
            lambda X, mu, sigma: X / sigma - mu,
            PUBLIC,
            "mu has the unit of X. After dividing by sigma, which unit has X / sigma?",
        ),
        Misconception(
            "normalize-not-centred",
            "dividing by the spread is enough",
            lambda X, mu, sigma: X / sigma,
            PUBLIC,
            "Contours stay stretched while the data lie far from 0. What becomes of mu?",
        ),
        Misconception(
            "normalize-centred-only",
            "subtracting the mean is enough",
            lambda X, mu, sigma: X - mu,
            PUBLIC,
            "One feature still spreads more than the other. What becomes of sigma?",
        ),
        Misconception(
            "normalize-sign",
            "the distance is mu - X",
            lambda X, mu, sigma: (mu - X) / sigma,
            PUBLIC,
            "An entry above the mean should come out above 0.",
        ),
        Misconception(
            "normalize-epsilon",
            "a denominator needs an epsilon",
            lambda X, mu, sigma: (X - mu) / (sigma + 1e-8),
            "tiny and huge spreads",
            "sigma is never 0 here, fit_normalizer saw to that. Divide by sigma alone.",
        ),
        Misconception(
            "normalize-flat",
            "mu may lose its second axis",
            lambda X, mu, sigma: (X - mu.ravel()) / sigma.ravel(),
            PUBLIC,
            "(n_x,) is laid along the examples, (n_x, 1) along the features. Use mu and sigma as they come.",
        ),
        Misconception(
            "normalize-in-place",
            "X -= mu makes a new X",
            normalize_in_place,
            HABITS,
            "X -= mu writes into the caller's data, and a second call would normalise twice. Write X - mu.",
        ),
        Misconception(
            "normalize-truncates",
            "np.zeros_like(X) can hold the result",
            normalize_as_it_came,
            "whole numbers and float32 arrive too",
            "zeros_like copies the number type: an array of integers cuts off every fraction.",
        ),
    ),
    (normalize_by_loops, normalize_by_columns, normalize_by_matrix),
)

EXERCISES = (split_indices, diagnose, fit_normalizer, normalize)
