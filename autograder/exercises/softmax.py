"""Softmax: scores, probabilities, labels, the loss and its gradient.

Y is one-hot here, as everywhere in the course: who reads the true class off it is as right as who sums.
"""

import math
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from autograder.exercises._mistakes import exposed_by
from course_utils.examine import HABITS
from course_utils.reference import softmax as reference

FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}
SHARP: dict[str, Any] = {
    "rtol": 1e-11,
    "atol": 1e-13,
}  # where scores are of ordinary size, nothing but rounding is forgiven

SIZES = ((2, 1), (5, 2), (2, 9), (3, 17), (10, 6))
EPSILONS = (
    2.2e-16,
    1e-15,
    1e-12,
    1e-10,
    1e-9,
    1e-8,
    1e-7,
    1e-5,
)  # what people choose to keep a logarithm finite
LESSON = np.array([[5.0], [2.0], [-1.0], [3.0]])

OWN = "each example counts for itself"
SHAPES = "two classes, ten classes, a single example"
KINDS = "whole numbers and float32 arrive too"


# --- what inputs are made of -------------------------------------------------------------------------------


def scores(rng, C, m):
    return rng.normal(0, 2, (C, m)).round(2)


def apart(rng, C, m):
    """Return scores of which no two are equal, so that no winner is left to chance."""
    return rng.permutation(C * m).reshape(C, m) * 0.3 - 0.1 * C * m


def chances(rng, C, m):
    """Return probabilities, none of them tiny."""
    return reference.softmax(rng.uniform(-1.5, 1.5, (C, m)))


def classes(rng, C, m):
    """Return labels in which every class occurs where there is room, in random order."""
    return rng.permutation(np.arange(m) % C)


def hot(labels, C):
    return np.eye(C)[:, labels]


def labelled(rng, C, m, one_hot=True):
    """Return the arguments of a loss."""
    A, labels = chances(rng, C, m), classes(rng, C, m)
    return {"A": A, "Y": hot(labels, C)} if one_hot else {"A": A, "labels": labels}


def of_scores(draw, sizes):
    """Return inputs: one call with ``draw(rng, C, m)`` as Z for each size."""
    return lambda rng: [{"Z": draw(rng, C, m)} for C, m in sizes]


def other_kinds(rng):
    """Return scores in whole numbers, without ties, and in float32."""
    whole = rng.permutation(12).reshape(4, 3) - 5
    return [
        {"Z": whole},
        {"Z": apart(rng, 3, 7).astype(np.float32)},
        {"Z": (9 - whole[:, :2]).astype(np.int32)},
    ]


def lesson_and_another(rng):
    return [{"Z": LESSON.copy()}, {"Z": apart(rng, 3, 1)}]


# --- softmax -----------------------------------------------------------------------------------------------

FOUR = "four scores of one example"
HIGH = "very large and very small scores"


def at_own_height(rng):
    """Return examples whose scores lie around 1000, -1000, 0 and 2000, then one that spans 1800."""
    Z = scores(rng, 3, 4) + np.array([1000.0, -1000.0, 0.0, 2000.0])
    return [{"Z": Z}, {"Z": np.array([[900.0], [-300.0], [-900.0]])}]


def of_any_size(rng):
    """Return entries from 1e6 to 4e307; where they are huge no two are equal, and no difference overflows."""
    lifted = scores(rng, 4, 3) + rng.choice([-1e6, 1e6], (1, 3))
    huge = np.array([[4e307, 1e300, 3.0, -2.0, -4e307]] * 2).T
    huge = np.column_stack([rng.permutation(huge[:, 0]), huge[::-1, 1]])  # one with its largest score last
    return [{"Z": lifted}, {"Z": huge}, {"Z": rng.permutation([-1e5, -1.01e5, -1.02e5]).reshape(3, 1)}]


@exposed_by(HIGH)
def softmax_unshifted(Z):
    """np.exp copes with every score

    np.exp(1000) is inf, and inf / inf is nan. Multiply numerator and denominator by e^-c: the shares
    stay. Which c makes the largest power 1?
    """
    return np.exp(Z) / np.exp(Z).sum(axis=0)


@exposed_by(HIGH)
def softmax_nan_to_zero(Z):
    """np.nan_to_num repairs an overflow

    It hides it: the largest score gets 0, and the column no longer sums to 1. Which shift makes the largest
    power 1 before anything overflows?
    """
    return np.nan_to_num(softmax_unshifted.wrong(Z))


@exposed_by(HIGH)
def softmax_one_shift_for_all(Z):
    """the largest score of the whole array is a safe shift for every example

    An example that lies far below that score gets exp(-1000) = 0 in all rows, and 0 / 0. Whose largest
    score must be taken away from a column?
    """
    t = np.exp(Z - Z.max())
    return t / t.sum(axis=0)


@exposed_by(FOUR)
def softmax_shifted_by_class(Z):
    """each class is shifted by its own largest score

    Two classes shifted by different numbers change places. Within one example, which differences must stay?
    """
    t = np.exp(Z - Z.max(axis=1, keepdims=True))
    return t / t.sum(axis=0)


@exposed_by(HIGH)
def softmax_shifted_by_mean(Z):
    """any shift keeps exp from overflowing, the mean for example

    One score may lie 1000 above its column's mean. Which score can no other one exceed?
    """
    t = np.exp(Z - Z.mean(axis=0))
    return t / t.sum(axis=0)


@exposed_by(HIGH)
def softmax_clipped(Z):
    """scores beyond 500 may be cut off

    1000 and 1003 are both cut to 500, and the two classes become equal. What changes the size of all
    scores and leaves their differences as they are?
    """
    t = np.exp(np.clip(Z, -500, 500))
    return t / t.sum(axis=0)


@exposed_by(FOUR)
def softmax_epsilon(Z):
    """a small number in the denominator does no harm

    Print A.sum(axis=0) - 1: it is no longer 0. The largest power is 1 after the shift, so can the sum
    ever be 0?
    """
    t = np.exp(Z - Z.max(axis=0))
    return t / (t.sum(axis=0) + 1e-8)


@exposed_by(OWN)
def softmax_over_everything(Z):
    """all entries of the array together sum to 1

    Add up each column of your result. An example does not share its probability with the others: along
    which axis do the classes lie?
    """
    t = np.exp(Z - Z.max())
    return t / t.sum()


@exposed_by(FOUR)
def softmax_over_rows(Z):
    """axis=1 adds up the classes

    A row is a class, a column an example. Which axis do you walk along when you go from class to class?
    """
    t = np.exp(Z - Z.max(axis=1, keepdims=True))
    return t / t.sum(axis=1, keepdims=True)


@exposed_by(FOUR)
def softmax_sigmoids(Z):
    """each class gets the sigmoid of its score

    Sigmoids answer C separate yes-or-no questions, and their sum may be anything. What ties the
    probabilities of one example together?
    """
    return 1 / (1 + np.exp(-1.0 * Z))


@exposed_by(FOUR)
def softmax_shares_of_scores(Z):
    """a class gets its share of the scores

    A negative score gives a negative share. Which function turns any score into a positive number first?
    """
    return Z / Z.sum(axis=0)


@exposed_by(FOUR)
def softmax_of_sigmoids(Z):
    """sigmoids divided by their sum are a softmax

    A sigmoid cannot exceed 1, so a score of 10 gets hardly more than a score of 5. How many times larger is
    e^10 than e^5?
    """
    t = softmax_sigmoids.wrong(Z)
    return t / t.sum(axis=0)


@exposed_by(FOUR)
def softmax_scaled(Z):
    """dividing by the largest score tames exp as well as subtracting it

    Z / max makes 5 and 3 into 1 and 0.6: their difference is another one. Which of `Z - c` and `Z / c` leaves
    all differences as they are?
    """
    t = np.exp(Z / np.abs(Z).max(axis=0))
    return t / t.sum(axis=0)


@exposed_by(FOUR)
def softmax_of_losses(Z):
    """exp gets a minus sign, as in the sigmoid

    With e^-z the smallest score wins. In the sigmoid the minus comes from dividing by e^z. Which score of the
    lesson's four should have the largest share?
    """
    t = np.exp(Z.min(axis=0) - Z)
    return t / t.sum(axis=0)


@exposed_by(FOUR)
def softmax_not_divided(Z):
    """exp alone makes probabilities

    The powers are positive; what do they sum to, and what should they sum to?
    """
    return np.exp(Z - Z.max(axis=0))


@exposed_by(HABITS)
def softmax_in_place(Z):
    """Z -= ... makes a shifted copy

    Print Z before and after the call. Which of `Z -= c` and `Z = Z - c` makes a new array?
    """
    Z -= Z.max(axis=0)
    return softmax_unshifted.wrong(Z)


def softmax_loops(Z):
    A = np.empty(Z.shape)
    for i in range(Z.shape[1]):
        t = [math.exp(z - max(Z[:, i])) for z in Z[:, i]]
        A[:, i] = [each / math.fsum(t) for each in t]
    return A


def softmax_by_pairs(Z):
    return np.array([1 / np.exp(Z - z).sum(axis=0) for z in Z])


def softmax_from_logs(Z):
    return np.exp(Z - np.logaddexp.reduce(Z, axis=0, keepdims=True))


def softmax_transposed(Z):
    rows = Z.T - np.amax(Z.T, axis=-1)[:, None]
    return np.einsum("ik,i->ki", np.exp(rows), 1 / np.einsum("ik->i", np.exp(rows)))


softmax = Exercise(
    reference.softmax,
    cases=(
        Case(
            FOUR,
            "The numbers of the lesson, 0.842, 0.042, 0.002, 0.114. One column, so that the axis shows.",
            lesson_and_another,
            public=True,
            ask="Work out the powers of e for 5, 2, -1 and 3 and add them: which share of the sum has each?",
            **SHARP,
        ),
        Case(
            OWN,
            "More and fewer examples than classes: a sum over rows or over everything cannot pass.",
            of_scores(scores, [(3, 5), (4, 2)]),
            public=True,
            after=(FOUR,),
            ask="Every column is an example. What should A.sum(axis=0) be, and what is it?",
            **SHARP,
        ),
        Case(
            HIGH,
            "exp(1000) overflows, exp(-1000) is 0 and 0/0; heights differ from column to column, so that one "
            "shift for all fails, and one column is so wide that only its largest score is a safe shift.",
            at_own_height,
            public=True,
            after=(FOUR,),
            marks=2,
            ask="What is np.exp(1000)? Which number may you take from all scores of an example before exp?",
        ),
        Case(
            "scores of any size",
            "From 1e6 to 4e307. Equal huge scores are left out: in logarithms their 1/2 is lost to rounding.",
            of_any_size,
            after=(HIGH,),
        ),
        Case(SHAPES, "m = 1, C = 1 and more.", of_scores(scores, [(1, 3), *SIZES]), after=(FOUR,), **SHARP),
        Case(
            KINDS, "Integers must not be cut, float32 may be rounded.", other_kinds, after=(FOUR,), **FLOAT32
        ),
    ),
    misconceptions=(
        softmax_unshifted,
        softmax_nan_to_zero,
        softmax_one_shift_for_all,
        softmax_shifted_by_class,
        softmax_shifted_by_mean,
        softmax_clipped,
        softmax_epsilon,
        softmax_over_everything,
        softmax_over_rows,
        softmax_sigmoids,
        softmax_shares_of_scores,
        softmax_of_sigmoids,
        softmax_scaled,
        softmax_of_losses,
        softmax_not_divided,
        softmax_in_place,
    ),
    variants=(softmax_loops, softmax_by_pairs, softmax_from_logs, softmax_transposed),
)


# --- log_softmax -------------------------------------------------------------------------------------------

FAR = "a class that has hardly any chance"


def far_apart(rng):
    """Return scores 100 to 1000 apart: probabilities down to 0, logarithms that are ordinary numbers."""
    gaps = np.array([[0.0, -40.0, -760.0], [-200.0, 0.0, 0.0], [-750.0, -800.0, -1000.0]])
    return [{"Z": gaps + rng.normal(0, 1, (3, 3)).round(2)}, {"Z": gaps[[1, 0, 2], :2].copy()}]


@exposed_by(FAR)
def log_softmax_log_of_zero(Z):
    """the logarithm of a stable softmax is stable

    A score 800 below the largest has probability 0 in floating point, and log(0) = -inf. Write log(t /
    sum) as a difference first: which exp disappears?
    """
    return np.log(reference.softmax(Z))


def log_of_clipped(epsilon):
    return lambda Z: np.log(np.maximum(reference.softmax(Z), epsilon))


log_softmax_protected = tuple(
    Misconception(
        f"log-softmax-protected-{epsilon:.0e}",
        "a tiny number beside the softmax keeps its logarithm right",
        log_of_clipped(epsilon),
        FAR,
        f"It is finite, but no value can fall below log({epsilon:g}) = {math.log(epsilon):.1f} any more. "
        "Write log(t / sum) as a difference first: which exp disappears?",
    )
    for epsilon in EPSILONS
)


def log_of_raised(epsilon):
    return lambda Z: np.log(reference.softmax(Z) + epsilon)


log_softmax_added = tuple(
    Misconception(
        f"log-softmax-added-{epsilon:.0e}",
        "a tiny number added to the softmax keeps its logarithm right",
        log_of_raised(epsilon),
        FOUR,
        f"It moves every logarithm a little, and none can fall below log({epsilon:g}) = "
        f"{math.log(epsilon):.1f} any more. Write log(t / sum) as a difference first: which exp disappears?",
    )
    for epsilon in EPSILONS
    if epsilon >= 1e-12  # a smaller one shows only where it does what a cut does
)


@exposed_by(HIGH)
def log_softmax_unshifted(Z):
    """np.exp copes with every score

    np.exp(1000) is inf, np.exp(-1000) is 0. Which number can you take from all scores of an example
    without changing the result?
    """
    return Z - np.log(np.exp(Z).sum(axis=0))


@exposed_by(FOUR)
def log_softmax_shift_half_done(Z):
    """shifting inside exp is enough

    The sum was made smaller by e^max, so its logarithm is too small by max. Where must max appear a
    second time?
    """
    return Z - np.log(np.exp(Z - Z.max(axis=0)).sum(axis=0))


@exposed_by(FOUR)
def log_softmax_shifted_twice(Z):
    """max is taken from the score and put into the denominator too

    Shift every score: the sum is that of the shifted scores already. How often may max leave z?
    """
    distance = Z - Z.max(axis=0)
    return distance - (Z.max(axis=0) + np.log(np.exp(distance).sum(axis=0)))


@exposed_by(HIGH)
def log_softmax_one_shift_for_all(Z):
    """the largest score of the whole array is a safe shift for every example

    In a column far below that score all powers are 0, and log(0) = -inf. Whose largest score must be
    taken away from a column?
    """
    return Z - Z.max() - np.log(np.exp(Z - Z.max()).sum(axis=0))


@exposed_by(FOUR)
def log_softmax_sum_without_log(Z):
    """the denominator is subtracted as it is

    log(a / b) is log(a) - log(b). Which of the two logarithms is missing?
    """
    distance = Z - Z.max(axis=0)
    return distance - np.exp(distance).sum(axis=0)


@exposed_by(FOUR)
def log_softmax_only_shifted(Z):
    """subtracting the largest score is the normalisation

    Your largest entry is always 0, a probability of 1. What do np.exp of your entries sum to, and what is
    still to be subtracted?
    """
    return Z - Z.max(axis=0)


@exposed_by(FOUR)
def log_softmax_logs_divided(Z):
    """log(a / b) is log(a) / log(b)

    log(8 / 2) is log(4), and log(8) / log(2) is 3. What becomes of a division when one takes logarithms?
    """
    distance = Z - Z.max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return distance / np.log(np.exp(distance).sum(axis=0))


@exposed_by(FOUR)
def log_softmax_sum_of_logs(Z):
    """the logarithm of a sum is the sum of the logarithms

    log(1 + 1) is 0.69, log(1) + log(1) is 0. What has to be computed before the logarithm of the denominator?
    """
    return Z - Z.sum(axis=0)


@exposed_by(OWN)
def log_softmax_over_everything(Z):
    """all entries of the array together sum to 1

    Add up np.exp of your result, column by column. Along which axis do the classes of one example lie?
    """
    distance = Z - Z.max()
    return distance - np.log(np.exp(distance).sum())


@exposed_by(FOUR)
def log_softmax_over_rows(Z):
    """axis=1 adds up the classes

    A row is a class, a column an example. Which axis do you walk along when you go from class to class?
    """
    return reference.log_softmax(Z.T).T


@exposed_by(FOUR)
def log_softmax_base_ten(Z):
    """a logarithm is a logarithm

    np.exp of the result should give the softmax back. Which logarithm undoes exp?
    """
    distance = Z - Z.max(axis=0)
    return distance - np.log10(np.exp(distance).sum(axis=0))


@exposed_by(FOUR)
def log_softmax_negative(Z):
    """the logarithm comes with a minus sign, as in the loss

    A probability is at most 1. Which sign has its logarithm? The minus belongs to the loss.
    """
    return -reference.log_softmax(Z)


@exposed_by(HABITS)
def log_softmax_in_place(Z):
    """Z -= ... makes a shifted copy

    Print Z before and after the call. Which of `Z -= c` and `Z = Z - c` makes a new array?
    """
    Z -= Z.max(axis=0)
    return log_softmax_unshifted.wrong(Z)


def log_by_pairs(Z):
    return Z - np.logaddexp.reduce(Z, axis=0, keepdims=True)


def log_loops(Z):
    columns = []
    for column in np.asarray(Z, dtype=float).T.tolist():
        top = max(column)
        total = math.log(sum(math.exp(z - top) for z in column))
        columns.append([z - top - total for z in column])
    return np.array(columns).T


def log_einsum(Z):
    distance = Z - np.sort(Z, axis=0)[-1]
    return distance + np.log(1 / np.einsum("ki->i", np.exp(distance)))[np.newaxis]


def log_of_differences(Z):
    top = Z[Z.argmax(axis=0), np.arange(Z.shape[1])]
    distance = np.subtract(Z, top, dtype=float)
    return np.stack([row - np.log(np.exp(distance).sum(0)) for row in distance])


log_softmax = Exercise(
    reference.log_softmax,
    cases=(
        Case(
            FOUR,
            "The lesson's example: the logarithms of 0.842, 0.042, 0.002, 0.114.",
            lesson_and_another,
            public=True,
            ask="Take the logarithm of e^z / sum: it is z minus ... what?",
            **SHARP,
        ),
        Case(
            OWN,
            "A sum over rows or over everything cannot pass.",
            of_scores(scores, [(3, 5), (4, 2)]),
            public=True,
            after=(FOUR,),
            ask="Every column is an example. What should np.exp of your result sum to in each column?",
            **SHARP,
        ),
        Case(
            FAR,
            "760 below, the probability is 0 and its logarithm -inf; a protected one ends at -35.",
            far_apart,
            public=True,
            after=(FOUR,),
            marks=2,
            ask="exp(-800) is 0 in floating point. Does the logarithm -800 need it?",
        ),
        Case(
            HIGH,
            "exp(1000) overflows; heights differ from column to column.",
            lambda rng: at_own_height(rng)[:1],
            public=True,
            after=(FOUR,),
            ask="What is np.exp(1000)? Which number may you take from all scores of an example before exp?",
        ),
        Case(
            "scores of any size",
            "From 1e6, where adding the shift back costs 1e-10, to 4e307.",
            of_any_size,
            after=(HIGH, FAR),
        ),
        Case(SHAPES, "m = 1 and more.", of_scores(scores, SIZES), after=(FOUR,), **SHARP),
        Case(
            KINDS, "Integers must not be cut, float32 may be rounded.", other_kinds, after=(FOUR,), **FLOAT32
        ),
    ),
    misconceptions=(
        log_softmax_log_of_zero,
        *log_softmax_protected,
        *log_softmax_added,
        log_softmax_unshifted,
        log_softmax_shift_half_done,
        log_softmax_shifted_twice,
        log_softmax_one_shift_for_all,
        log_softmax_sum_without_log,
        log_softmax_only_shifted,
        log_softmax_logs_divided,
        log_softmax_sum_of_logs,
        log_softmax_over_everything,
        log_softmax_over_rows,
        log_softmax_base_ten,
        log_softmax_negative,
        log_softmax_in_place,
    ),
    variants=(log_by_pairs, log_loops, log_einsum, log_of_differences),
)


# --- hardmax -----------------------------------------------------------------------------------------------

TIES = "of equal largest scores the first wins"
NEGATIVE = "all scores are negative"
CLOSE = "huge scores, and scores that differ by little"


def close_race(rng):
    """Return the lesson's scores, and a race in which nobody has half of the probability."""
    return [{"Z": LESSON.copy()}, {"Z": np.array([[0.9], [1.0], [1.2], [1.1]])}]


def tied(rng, C, m):
    """Return scores whose largest value stands in two rows of each column, never in the last row alone."""
    Z = apart(rng, C, m)
    for i in range(m):
        first, second = np.sort(rng.choice(C, 2, replace=False))
        Z[[first, second], i] = Z.max() + 1
    return Z


def all_tied(rng):
    return [{"Z": tied(rng, 3, 4)}, {"Z": np.full((3, 2), float(rng.integers(1, 9)))}]


def below_zero(rng, C, m):
    """Return negative scores of which the first row never holds the largest."""
    Z = -1 - rng.permutation(C * m).reshape(C, m) * 0.4
    Z[0] = Z.min(axis=0) - 1
    return Z


def close_or_huge(rng):
    """Return scores 1e-9 apart, which are no tie, scores up to 4e307, and columns far apart."""
    close = rng.integers(1, 9, (1, 6)) + 1e-9 * rng.permuted(np.arange(4.0)[:, None] * np.ones(6), axis=0)
    own_height = below_zero(rng, 3, 4) + np.array([0.0, -900.0, 2000.0, 500.0])
    return [
        {"Z": close},
        {"Z": of_any_size(rng)[1]["Z"] * [1.0, 0.5]},
        {"Z": tied(rng, 5, 1) * 1e200},
        {"Z": own_height},
        {"Z": below_zero(rng, 4, 3) * 1e12},
    ]


def tied_kinds(rng):
    return [*other_kinds(rng), {"Z": np.ceil(tied(rng, 4, 5)).astype(np.int64)}]


def winner_cases():
    """Return the cases that hardmax and predict_classes share."""
    return (
        Case(
            FOUR,
            "The lesson's scores, and a race in which the winner has less than half of the probability.",
            close_race,
            public=True,
            ask="Which row holds the largest score?",
        ),
        Case(
            OWN,
            "More and fewer examples than classes: a search along rows or through everything cannot pass.",
            of_scores(apart, [(3, 5), (4, 2)]),
            public=True,
            after=(FOUR,),
            ask="There is a winner in every column. Along which axis are the classes of one example?",
        ),
        Case(
            TIES,
            "Two equal largest scores in any two rows, and columns in which all are equal.",
            all_tied,
            public=True,
            after=(FOUR,),
            ask="Two scores are equally large. Which row comes first?",
        ),
        Case(
            NEGATIVE,
            "A search that starts from 0 finds nothing; the first row never wins.",
            lambda rng: [{"Z": below_zero(rng, 3, 4)}, {"Z": below_zero(rng, 5, 1)}],
            public=True,
            after=(FOUR,),
            ask="What is the largest of -3, -1 and -2, and what does your search compare it with?",
        ),
        Case(
            CLOSE,
            "Differences of 1e-9 decide, and searches that start from -1e9 end there; overflow, underflow "
            "below another column and a tolerance would decide otherwise.",
            close_or_huge,
            after=(FOUR, TIES),
        ),
        Case(
            SHAPES,
            "m = 1, C = 1 and more; ten classes are not the most there can be.",
            of_scores(apart, [(1, 3), *SIZES, (13, 4)]),
            after=(FOUR, OWN),
        ),
        Case(KINDS, "int64, int32 and float32, with ties.", tied_kinds, after=(FOUR, TIES)),
    )


def winners(Z):
    """Return the right answer of hardmax with which wrong ones are built."""
    return hot(Z.argmax(axis=0), len(Z))


@exposed_by(TIES)
def hardmax_all_ties(Z):
    """every entry that equals the largest gets a 1

    With two equal scores your column sums to 2. Which function gives one position only, the first?
    """
    return (Z == Z.max(axis=0)).astype(float)


@exposed_by(TIES)
def hardmax_last_tie(Z):
    """of equal scores the last one wins

    If a comparison says >=, a later equal score takes over. Which comparison keeps the first?
    """
    return winners(Z[::-1])[::-1].copy()


@exposed_by(OWN)
def hardmax_of_everything(Z):
    """there is one largest score in the whole array

    Count the ones in your result: there should be one a column. Over which axis is the largest sought?
    """
    H = np.zeros(Z.shape)
    H.flat[Z.argmax()] = 1
    return H


@exposed_by(FOUR)
def hardmax_over_rows(Z):
    """axis=1 runs over the classes

    A row is a class, a column an example. Along which axis do you go from class to class?
    """
    return winners(Z.T).T.copy()


@exposed_by(FOUR)
def hardmax_rounded(Z):
    """rounding the softmax gives the winner

    With four classes the winner may have 0.3. What does it round to? Does one need probabilities here?
    """
    return np.round(reference.softmax(Z))


@exposed_by(FOUR)
def hardmax_booleans(Z):
    """True and False are as good as 1 and 0

    H - H fails for booleans, and so would a loss. How do you turn them into numbers?
    """
    return winners(Z) == 1


@exposed_by(FOUR)
def hardmax_keeps_scores(Z):
    """the largest score stays, the others become 0

    That is max pooling. What should stand in the place of the winner?
    """
    return winners(Z) * Z


@exposed_by(FOUR)
def hardmax_transposed(Z):
    """one row an example

    Compare the shapes of Z and of your result. Where do the examples lie in this course?
    """
    return np.eye(len(Z))[Z.argmax(axis=0)]


@exposed_by(NEGATIVE)
def hardmax_from_zero(Z):
    """a search for the largest starts from 0

    No negative score is larger than 0, so nobody ever wins. What is a safe number to start from?
    """
    H = np.zeros(Z.shape)
    for i in range(Z.shape[1]):
        best, largest = 0, 0
        for k in range(len(Z)):
            if Z[k, i] > largest:
                best, largest = k, Z[k, i]
        H[best, i] = 1
    return H


@exposed_by(FOUR)
def hardmax_smallest(Z):
    """the smallest score wins

    Scores are no losses: e^z grows with z. Which score has the largest probability?
    """
    return hot(Z.argmin(axis=0), len(Z))


@exposed_by(NEGATIVE)
def hardmax_of_sizes(Z):
    """the score farthest from 0 wins

    -5 is far from 0 and still below 3: its probability is tiny. What does np.abs take away from a score?
    """
    return winners(np.abs(Z))


@exposed_by(FOUR)
def hardmax_index(Z):
    """the winner's row number is the result

    That is predict_classes. Here each example keeps a column: what stands in the row that you found?
    """
    return Z.argmax(axis=0)


@exposed_by(TIES)
def hardmax_shared(Z):
    """equal winners share the 1

    There is a single 1 in each column, and of equal scores the first one has it. Which function gives one
    position only?
    """
    return (Z == Z.max(axis=0)) / (Z == Z.max(axis=0)).sum(axis=0)


@exposed_by(CLOSE)
def hardmax_through_exp(Z):
    """the winner is found among probabilities

    exp(1000) is inf and exp(-1000) is 0, and then scores that differ look equal. exp never changes which of
    two is larger: what can you leave out?
    """
    return winners(softmax_unshifted.wrong(Z))


def hardmax_put(Z):
    H = np.zeros(Z.shape, dtype=np.int8)
    np.put_along_axis(H, Z.argmax(axis=0)[np.newaxis], 1, axis=0)
    return H


def hardmax_cumulated(Z):
    largest = Z.max(axis=0) == Z
    return (largest & (largest.cumsum(axis=0) == 1)).astype(np.float32)


def hardmax_loops(Z):
    columns = [column.tolist() for column in Z.T]
    return np.array([[int(k == c.index(max(c))) for c in columns] for k in range(len(Z))])


hardmax = Exercise(
    reference.hardmax,
    cases=winner_cases(),
    misconceptions=(
        hardmax_all_ties,
        hardmax_last_tie,
        hardmax_of_everything,
        hardmax_over_rows,
        hardmax_rounded,
        hardmax_booleans,
        hardmax_keeps_scores,
        hardmax_transposed,
        hardmax_from_zero,
        hardmax_smallest,
        hardmax_of_sizes,
        hardmax_index,
        hardmax_shared,
        hardmax_through_exp,
    ),
    variants=(hardmax_put, hardmax_cumulated, hardmax_loops),
)


# --- predict_classes ---------------------------------------------------------------------------------------


@exposed_by(FOUR)
def classes_without_axis(Z):
    """np.argmax finds the class of each example by itself

    Without an axis it numbers all entries of the array and gives one position. Which axis has the
    classes?
    """
    return np.argmax(Z)


@exposed_by(FOUR)
def classes_over_rows(Z):
    """axis=1 runs over the classes

    You get one number for each class; one for each example is asked for. Which axis should disappear?
    """
    return np.argmax(Z, axis=1)


@exposed_by(TIES)
def classes_last_tie(Z):
    """of equal scores the last one wins

    If a comparison says >=, a later equal score takes over. Which comparison keeps the first?
    """
    return len(Z) - 1 - np.argmax(Z[::-1], axis=0)


@exposed_by(FOUR)
def classes_from_one(Z):
    """classes are numbered from 1

    The first row is class 0, as everywhere in Python. What does np.argmax count from?
    """
    return np.argmax(Z, axis=0) + 1


@exposed_by(FOUR)
def classes_as_a_row(Z):
    """one number for each example has shape (1, m)

    Labels are a plain list of m integers, shape (m,). Does keepdims help or hurt here?
    """
    return np.argmax(Z, axis=0, keepdims=True)


@exposed_by(FOUR)
def classes_one_hot(Z):
    """the prediction is the one-hot column

    That is hardmax. Which row holds the 1? This number is asked for.
    """
    return winners(Z)


@exposed_by(FOUR)
def classes_largest_score(Z):
    """the largest score is the prediction

    You return how large the winner is. Who is it? Compare np.max with np.argmax.
    """
    return Z.max(axis=0)


@exposed_by(FOUR)
def classes_as_floats(Z):
    """a class may be a float

    names[2.0] is an error, names[2] is not. Which type does np.argmax give, and where is it lost?
    """
    return np.argmax(Z, axis=0).astype(float)


@exposed_by(NEGATIVE)
def classes_search_from_zero(Z):
    """a search for the largest starts from 0

    No negative score is larger than 0, so class 0 is never beaten. What is a safe number to start from?
    """
    return np.argmax(hardmax_from_zero.wrong(Z), axis=0)


@exposed_by(FOUR)
def classes_smallest(Z):
    """the smallest score wins

    Scores are no losses: e^z grows with z. Which score has the largest probability?
    """
    return np.argmin(Z, axis=0)


@exposed_by(NEGATIVE)
def classes_of_sizes(Z):
    """the score farthest from 0 wins

    -5 is far from 0 and still below 3: its probability is tiny. What does np.abs take away from a score?
    """
    return np.argmax(np.abs(Z), axis=0)


@exposed_by(CLOSE)
def classes_through_exp(Z):
    """the likeliest class is found among probabilities

    exp(1000) is inf and exp(-1000) is 0, and then scores that differ look equal. exp never changes which of
    two is larger: what can you leave out?
    """
    return np.argmax(softmax_unshifted.wrong(Z), axis=0)


@exposed_by(FOUR)
def classes_above_half(Z):
    """a class is predicted when its probability exceeds one half

    That is the rule for two classes. Of four classes none may have a half: who wins then?
    """
    return np.argmax(reference.softmax(Z) > 0.5, axis=0)


@exposed_by(FOUR)
def classes_probabilities(Z):
    """the probabilities are the prediction

    They say how likely each class is. One number for each example is asked for: which row has the largest?
    """
    return reference.softmax(Z)


def classes_loops(Z):
    found = []
    for column in Z.T:
        best = 0
        for k in range(1, len(column)):
            if column[k] > column[best]:
                best = k
        found.append(best)
    return np.array(found)


def classes_by_comparison(Z):
    return (np.cumsum(Z == Z.max(axis=0), axis=0) == 0).sum(axis=0).astype(np.uint8)


def classes_sorted(Z):
    return np.argsort(-Z, axis=0, kind="stable")[0].astype(np.int32)


predict_classes = Exercise(
    reference.predict_classes,
    cases=winner_cases(),
    misconceptions=(
        classes_without_axis,
        classes_over_rows,
        classes_last_tie,
        classes_from_one,
        classes_as_a_row,
        classes_one_hot,
        classes_largest_score,
        classes_as_floats,
        classes_search_from_zero,
        classes_smallest,
        classes_of_sizes,
        classes_through_exp,
        classes_above_half,
        classes_probabilities,
    ),
    variants=(classes_loops, classes_by_comparison, classes_sorted),
)


# --- one_hot -----------------------------------------------------------------------------------------------

FEW = "three labels, four classes"
ABSENT = "the last classes have no example"
REPEATED = "classes that come more than once"


def to_encode(labels, n_classes):
    return {"labels": np.asarray(labels), "n_classes": n_classes}


def drawn_labels(rng, C, m):
    return to_encode(classes(rng, C, m), C)


@exposed_by(FEW)
def one_hot_transposed(labels, n_classes):
    """one row an example

    Compare your shape with (n_classes, m). Where do the examples lie in this course?
    """
    return np.eye(n_classes)[labels]


@exposed_by(FEW)
def one_hot_from_one(labels, n_classes):
    """labels count from 1

    Label 0 becomes index -1, and Python takes the last row without a word. Which row is class 0's?
    """
    return np.eye(n_classes)[:, labels - 1]


@exposed_by(ABSENT)
def one_hot_counts_itself(labels, n_classes):
    """the largest label tells how many classes there are

    A mini-batch need not hold the last class, and then Y no longer fits A. What is n_classes for?
    """
    return hot(labels, labels.max() + 1)


@exposed_by(FEW)
def one_hot_of_present(labels, n_classes):
    """only classes that occur need a row

    If no example is a 1, the 2s move up into its row. How many rows does A have in every mini-batch?
    """
    present = np.unique(labels)
    return (present[:, None] == labels).astype(float)


@exposed_by(FEW)
def one_hot_whole_rows(labels, n_classes):
    """Y[labels] = 1 sets one entry an example

    It fills whole rows: an index without a second one means all columns. Which column goes with
    labels[i]?
    """
    Y = np.zeros((n_classes, len(labels)))
    Y[labels] = 1
    return Y


@exposed_by(FEW)
def one_hot_booleans(labels, n_classes):
    """True and False are as good as 1 and 0

    A - Y fails for booleans in other libraries, and -Y in NumPy. How do you turn them into numbers?
    """
    return np.arange(n_classes)[:, None] == labels


@exposed_by(FEW)
def one_hot_row_too_many(labels, n_classes):
    """labels 0 to n_classes need n_classes + 1 rows

    Counting from 0, which label has the last of n_classes classes?
    """
    return hot(labels, n_classes + 1)


@exposed_by(FEW)
def one_hot_holds_the_label(labels, n_classes):
    """the label itself stands in its row

    The row says which class it is. What does the entry say?
    """
    return hot(labels, n_classes) * labels


@exposed_by(FEW)
def one_hot_reshaped(labels, n_classes):
    """reshape turns (m, C) into (C, m)

    reshape keeps the order of the entries and cuts rows elsewhere. What swaps rows and columns?
    """
    return np.eye(n_classes)[labels].reshape(n_classes, -1)


def one_hot_assigned(labels, n_classes):
    Y = np.zeros((n_classes, labels.size))
    Y[labels, np.arange(labels.size)] = 1
    return Y


def one_hot_loops(labels, n_classes):
    return np.array([[1 if label == k else 0 for label in labels] for k in range(n_classes)])


def one_hot_turned(labels, n_classes):
    return np.identity(n_classes, dtype=np.int8)[labels].T


def one_hot_added(labels, n_classes):
    Y = np.zeros((n_classes, len(labels)), dtype=np.float32)
    np.add.at(Y, (labels, range(len(labels))), 1)
    return Y


one_hot = Exercise(
    reference.one_hot,
    cases=(
        Case(
            FEW,
            "Not square, first and last class present, columns in no order.",
            lambda rng: [to_encode([3, 0, 2], 4), to_encode(rng.permutation([6, 0, 2, 5, 3]), 7)],
            public=True,
            ask="Example 0 has label 3. Where in column 0 does its 1 stand, if the first row is row 0?",
        ),
        Case(
            ABSENT,
            "The number of classes cannot be read off the labels.",
            lambda rng: [to_encode([1, 0], 3), to_encode(rng.permutation([2, 0, 3, 2, 1]), 6)],
            public=True,
            after=(FEW,),
            ask="A mini-batch need not hold every class. Which argument says how many rows there are?",
        ),
        Case(
            REPEATED,
            "More examples than classes.",
            lambda rng: [drawn_labels(rng, 3, 5), drawn_labels(rng, 4, 9)],
            public=True,
            after=(FEW,),
            ask="How many ones should there be in a column, and how many in your result?",
        ),
        Case(
            SHAPES,
            "A single example, a single class, ten classes of 40 examples.",
            lambda rng: [
                to_encode([1], 2),
                to_encode([0], 3),
                to_encode([0, 0, 0], 1),
                drawn_labels(rng, 10, 40),
                to_encode(rng.integers(0, 50, 12), 50),
            ],
            after=(FEW,),
        ),
        Case(
            "integers of other types",
            "int32 labels, n_classes a NumPy integer.",
            lambda rng: [
                to_encode(classes(rng, 4, 7).astype(np.int32), np.int64(4)),
                to_encode(rng.permutation(3).astype(np.int16), np.int32(5)),
            ],
            after=(FEW,),
        ),
    ),
    misconceptions=(
        one_hot_transposed,
        one_hot_from_one,
        one_hot_counts_itself,
        one_hot_of_present,
        one_hot_whole_rows,
        one_hot_booleans,
        one_hot_row_too_many,
        one_hot_holds_the_label,
        one_hot_reshaped,
    ),
    variants=(one_hot_assigned, one_hot_loops, one_hot_turned, one_hot_added),
)


# --- cross_entropy and sparse_cross_entropy ----------------------------------------------------------------

ONE = "a true class that was given 0.2"
MEAN = "the mean over the examples"
ZERO = "a chance of 0 for a class that is not true"
TINY = "a tiny chance for the true class"
PERFECT = "certain and right costs nothing"
BY_CASE = {
    ONE: "The surprise of 0.2 is -log(0.2). Which entries of A take part?",
    MEAN: "Compute the loss of each column alone. How do they become one number?",
    ZERO: "What is 0 * np.log(0) in NumPy, and what should it count here?",
    TINY: "What is -log(1e-20)? Can your function return it?",
}


def one_example(rng):
    A, another = np.array([[0.5], [0.2], [0.1], [0.2]]), chances(rng, 4, 1)
    return [(A, np.array([1])), (another, another.argmin(axis=0))]


def with_zeros(rng):
    """Return chances that are 0 beside the true class, here and there or everywhere."""
    A = np.array([[0.0, 0.3, 0.25, 0.0], [0.6, 0.7, 0.0, 0.2], [0.4, 0.0, 0.75, 0.8]])
    return [
        (A, np.array([1, 0, 2, 1])),
        (A[:, :2].copy(), np.array([2, 1])),
        (A[:, 3:].copy(), np.array([2])),
    ]


def tiny_chance(rng, smallest=1e-20):
    A = chances(rng, 3, 4)
    A[:, 1] = rng.permutation([0.4, 0.6, smallest])
    labels = classes(rng, 3, 4)
    labels[1] = np.argmin(A[:, 1])
    return A, labels


def still_smaller(rng):
    return [tiny_chance(rng, smallest) for smallest in (1e-9, 1e-17, 1e-200, 1e-300)]


def certain(rng):
    labels = classes(rng, 3, 5)
    return [(hot(labels, 3), labels), (np.ones((1, 2)), np.zeros(2, dtype=int))]


def many_sizes(rng):
    return [(chances(rng, C, m), classes(rng, C, m)) for C, m in (*SIZES, (10, 400))]


def loss_kinds(rng):
    """Return float32 chances, and labels as int32: a one-hot Y of them holds integers."""
    return [
        (chances(rng, 4, 3), classes(rng, 4, 3).astype(np.int32)),
        (chances(rng, 3, 8).astype(np.float32), classes(rng, 3, 8).astype(np.int32)),
    ]


def loss_cases(given, kinds):
    """Return the cases of both losses; ``given`` and ``kinds`` make arguments of (A, labels)."""

    def case(name, why, draw, given=given, **more):
        return Case(
            name, why, lambda rng: [given(*pair) for pair in draw(rng)], ask=BY_CASE.get(name, ""), **more
        )

    return (
        case(
            ONE, "1.609, and a second column; the true class is not the likeliest.", one_example, public=True
        ),
        case(
            MEAN,
            "Neither m nor C is 1, and they differ: a sum, or a mean over anything else, shows.",
            lambda rng: [(chances(rng, 3, 5), classes(rng, 3, 5)), (chances(rng, 4, 2), classes(rng, 4, 2))],
            public=True,
            after=(ONE,),
            marks=2,
        ),
        case(ZERO, "0 log 0 is nan in NumPy; it must count 0.", with_zeros, public=True, after=(ONE,)),
        case(
            TINY,
            "A logarithm that is clipped or shifted ends at -log(epsilon).",
            lambda rng: [tiny_chance(rng)],
            public=True,
            after=(ONE,),
        ),
        case(
            "still smaller chances",
            "Down to 1e-300, and 1 / A still a number: log(1 / A) is right as well.",
            still_smaller,
            after=(ONE, TINY),
        ),
        case(
            PERFECT,
            "log(1) is exactly 0, so no rounding is forgiven: log(1 + 1e-15) is not 0.",
            certain,
            after=(ONE, ZERO),
        ),
        case(
            SHAPES,
            "m = 1, C = 2, and 400 examples, whose product of chances is 0 in floating point.",
            many_sizes,
            after=(ONE, MEAN),
        ),
        case(KINDS, "Integer labels, float32 chances.", loss_kinds, kinds, after=(ONE, MEAN), **FLOAT32),
    )


def dense(A, labels):
    return {"A": A, "Y": hot(labels, len(A))}


def dense_whole(A, labels):
    return {"A": A, "Y": hot(labels, len(A)).astype(np.int64)}


def sparse(A, labels):
    return {"A": A, "labels": labels}


def log_or_zero(A):
    """Return log A, and 0 where A is 0."""
    return np.log(np.where(A > 0, A, 1))


def clips_logarithm(epsilon):
    def clipped(A, Y):
        return -np.sum(Y * np.log(np.maximum(A, epsilon))) / A.shape[1]

    def clipped_sparse(A, labels):
        return clipped(A, hot(labels, len(A)))

    return clipped, clipped_sparse


def protected(prefix, which):
    """Return one misconception for each epsilon that people choose: each gives another number."""
    return tuple(
        Misconception(
            f"{prefix}-protected-{epsilon:.0e}",
            "an epsilon beside A keeps the logarithm finite and changes nothing",
            clips_logarithm(epsilon)[which],
            TINY,
            f"The worst prediction now costs -log({epsilon:g}) = {-math.log(epsilon):.1f}, no more. "
            "Only the chance of the true class counts, and it is not 0: can you leave out the other entries?",
        )
        for epsilon in EPSILONS
    )


@exposed_by(MEAN)
def cross_entropy_sum(A, Y):
    """J is the sum of the losses

    Twice the examples would give twice the cost, and other learning rates. What makes batches
    comparable?
    """
    return -np.sum(Y * log_or_zero(A))


@exposed_by(ONE)
def cross_entropy_mean_of_entries(A, Y):
    """np.mean averages over the examples

    np.mean divides by C * m, and a cost of four classes shrinks to a quarter. By what should one divide?
    """
    return -np.mean(Y * log_or_zero(A))


@exposed_by(ONE)
def cross_entropy_half(A, Y):
    """every cost starts with 1 / (2m)

    The 2 belongs to squares, where the derivative takes it away again. What is the mean of m losses?
    """
    return -np.sum(Y * log_or_zero(A)) / (2 * A.shape[1])


@exposed_by(MEAN)
def cross_entropy_log_of_the_mean(A, Y):
    """the mean may be taken before the logarithm

    One hopeless example hardly moves the mean chance, but it should cost a lot. Which comes first?
    """
    return -np.log(np.sum(A * Y) / A.shape[1])


@exposed_by(ONE)
def cross_entropy_of_the_likeliest(A, Y):
    """the loss looks at the largest probability

    A network that is certain and wrong would cost nothing. Which entry does Y point to?
    """
    return -np.log(A.max(axis=0)).mean()


@exposed_by(ONE)
def cross_entropy_over_classes(A, Y):
    """len(Y) is the number of examples

    Print Y.shape. Which of the two numbers counts the examples?
    """
    return -np.sum(Y * log_or_zero(A)) / len(Y)


@exposed_by(ONE)
def cross_entropy_binary(A, Y):
    """every class adds a yes-or-no loss

    The term (1 - Y) log(1 - A) belongs to sigmoids. The softmax ties the classes together: what does it
    do to the others when the true class gets more?
    """
    return -np.sum(Y * log_or_zero(A) + (1 - Y) * log_or_zero(1 - A)) / A.shape[1]


@exposed_by(ZERO)
def cross_entropy_zero_times_infinity(A, Y):
    """a factor 0 removes any term

    np.log(0) is -inf, and 0 * -inf is nan. How can you leave out the entries where Y is 0 before the
    log?
    """
    return -np.sum(Y * np.log(A)) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_sign(A, Y):
    """log A is already positive

    A chance is at most 1. Which sign has its logarithm, and which sign should a cost have?
    """
    return np.sum(Y * log_or_zero(A)) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_swapped(A, Y):
    """Y and A may change places

    log(Y) is log(0) for every class but one. Whose logarithm is the surprise?
    """
    return -np.sum(A * np.log(Y)) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_in_bits(A, Y):
    """a logarithm is a logarithm

    A true class given 0.2 costs 1.609 in this course. Which base gives that?
    """
    return cross_entropy_sum.wrong(A, Y) / A.shape[1] / np.log(2)


@exposed_by(ONE)
def cross_entropy_per_example(A, Y):
    """the losses of the examples are the cost

    There is one loss for each example; a single number is asked for. What is done with them?
    """
    return -np.sum(Y * log_or_zero(A), axis=0)


@exposed_by(ONE)
def cross_entropy_without_log(A, Y):
    """the cost is minus the probability of the true class

    A chance of 0.001 and one of 0.0001 would cost nearly the same. Which function tells them apart?
    """
    return -np.sum(Y * A) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_missing_chance(A, Y):
    """the cost is what the true class lacks to 1

    A chance of 0.001 and one of 0.0001 would cost nearly the same. Which function tells them apart?
    """
    return 1 - np.sum(Y * A) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_squares(A, Y):
    """every cost is a squared distance

    A prediction that is certain and wrong would cost 2, and hardly more than one that is nearly certain. What
    is the surprise of a true class that was given 0.001?
    """
    return np.sum((A - Y) ** 2) / A.shape[1]


@exposed_by(ONE)
def cross_entropy_of_scores(A, Y):
    """the loss applies the softmax itself

    Some libraries take scores, but A holds probabilities already: its columns sum to 1. What does a second
    softmax make of a chance of 1?
    """
    return -np.sum(Y * reference.log_softmax(A)) / A.shape[1]


def entropy_of_chosen(A, Y):
    return -np.log(A[Y == 1]).mean()


def entropy_loops(A, Y):
    total = 0.0
    for i in range(A.shape[1]):
        for k in range(A.shape[0]):
            if Y[k, i] != 0:
                total -= float(Y[k, i]) * math.log(A[k, i])
    return total / A.shape[1]


def entropy_where(A, Y):
    logs = np.log(A, out=np.zeros_like(A), where=Y != 0)
    return np.array(-np.einsum("ki,ki->", Y, logs) / A.shape[1])


def entropy_of_products(A, Y):
    return np.mean([-np.log(a @ y) for a, y in zip(A.T, Y.T, strict=True)])


cross_entropy = Exercise(
    reference.cross_entropy,
    cases=loss_cases(dense, dense_whole),
    misconceptions=(
        cross_entropy_sum,
        cross_entropy_mean_of_entries,
        cross_entropy_half,
        cross_entropy_log_of_the_mean,
        cross_entropy_of_the_likeliest,
        cross_entropy_over_classes,
        cross_entropy_binary,
        cross_entropy_zero_times_infinity,
        cross_entropy_sign,
        cross_entropy_swapped,
        cross_entropy_in_bits,
        cross_entropy_per_example,
        cross_entropy_without_log,
        cross_entropy_missing_chance,
        cross_entropy_squares,
        cross_entropy_of_scores,
        *protected("cross-entropy", 0),
    ),
    variants=(entropy_of_chosen, entropy_loops, entropy_where, entropy_of_products),
)


def of_true(A, labels):
    return A[labels, np.arange(len(labels))]


@exposed_by(MEAN)
def sparse_sum(A, labels):
    """J is the sum of the losses

    Twice the examples would give twice the cost. What makes batches of different sizes comparable?
    """
    return -np.log(of_true(A, labels)).sum()


@exposed_by(ONE)
def sparse_over_classes(A, labels):
    """len(A) is the number of examples

    Print A.shape and labels.shape. Which number counts the examples?
    """
    return sparse_sum.wrong(A, labels) / len(A)


@exposed_by(ONE)
def sparse_labels_from_one(A, labels):
    """labels count from 1

    Label 0 becomes index -1, and Python takes the last class without a word. Which row is class 0's?
    """
    return -np.log(of_true(A, labels - 1)).mean()


@exposed_by(MEAN)
def sparse_whole_rows(A, labels):
    """A[labels] picks one entry an example

    Print A[labels].shape: whole rows. Which column goes with labels[i]? Give NumPy both indices.
    """
    return -np.log(A[labels]).mean()


@exposed_by(ONE)
def sparse_indices_swapped(A, labels):
    """the example comes first, then the class

    A is (C, m). Which of the two indices of A[., .] is the class?
    """
    return -np.log(A[np.arange(len(labels)), labels]).mean()


@exposed_by(ONE)
def sparse_of_the_likeliest(A, labels):
    """the loss looks at the largest probability

    A network that is certain and wrong would cost nothing. Which row does the label point to?
    """
    return -np.log(A.max(axis=0)).mean()


@exposed_by(ZERO)
def sparse_zero_times_infinity(A, labels):
    """a one-hot factor 0 removes any term

    np.log(0) is -inf, and 0 * -inf is nan. Do you need the logarithm of any other class?
    """
    return cross_entropy_zero_times_infinity.wrong(A, hot(labels, len(A)))


@exposed_by(ONE)
def sparse_classes_from_labels(A, labels):
    """the largest label tells how many classes there are

    A mini-batch need not hold the last class, and then the shapes do not fit. Which array knows C?
    """
    Y = hot(labels, labels.max() + 1)
    return -np.sum(Y * log_or_zero(A)) / len(labels)


@exposed_by(ONE)
def sparse_sign(A, labels):
    """log A is already positive

    A chance is at most 1. Which sign has its logarithm, and which sign should a cost have?
    """
    return np.log(of_true(A, labels)).mean()


@exposed_by(MEAN)
def sparse_log_of_the_mean(A, labels):
    """the mean may be taken before the logarithm

    One hopeless example hardly moves the mean chance, but it should cost a lot. Which comes first?
    """
    return -np.log(of_true(A, labels).mean())


@exposed_by(ONE)
def sparse_without_log(A, labels):
    """the cost is minus the probability of the true class

    A chance of 0.001 and one of 0.0001 would cost nearly the same. Which function tells them apart?
    """
    return -of_true(A, labels).mean()


@exposed_by(ONE)
def sparse_in_bits(A, labels):
    """a logarithm is a logarithm

    A true class given 0.2 costs 1.609 in this course. Which base gives that?
    """
    return -np.log2(of_true(A, labels)).mean()


@exposed_by(ONE)
def sparse_missing_chance(A, labels):
    """the cost is what the true class lacks to 1

    A chance of 0.001 and one of 0.0001 would cost nearly the same. Which function tells them apart?
    """
    return 1 - of_true(A, labels).mean()


@exposed_by(ONE)
def sparse_of_scores(A, labels):
    """the loss applies the softmax itself

    Some libraries take scores, but A holds probabilities already: its columns sum to 1. What does a second
    softmax make of a chance of 1?
    """
    return -of_true(reference.log_softmax(A), labels).mean()


@exposed_by(ONE)
def sparse_label_as_factor(A, labels):
    """the labels multiply the logarithms, as Y does

    A one-hot Y is 1 at the true class and 0 elsewhere; a label of 2 would only count twice. What does a label
    tell you about the rows of A?
    """
    return -np.sum(labels * log_or_zero(A)) / len(labels)


def sparse_loops(A, labels):
    return -math.fsum(math.log(A[k][i]) for i, k in enumerate(labels)) / len(labels)


def sparse_taken(A, labels):
    chosen = np.take_along_axis(A, labels[np.newaxis], axis=0)
    return np.negative(np.log(chosen)).mean(keepdims=False)


def sparse_through_one_hot(A, labels):
    Y = np.arange(len(A)).reshape(-1, 1) == labels
    return np.array(np.log(1 / A.T[Y.T]).sum() / labels.size)


sparse_cross_entropy = Exercise(
    reference.sparse_cross_entropy,
    cases=loss_cases(sparse, sparse),
    misconceptions=(
        sparse_sum,
        sparse_over_classes,
        sparse_labels_from_one,
        sparse_whole_rows,
        sparse_indices_swapped,
        sparse_of_the_likeliest,
        sparse_zero_times_infinity,
        sparse_classes_from_labels,
        sparse_sign,
        sparse_log_of_the_mean,
        sparse_without_log,
        sparse_in_bits,
        sparse_missing_chance,
        sparse_of_scores,
        sparse_label_as_factor,
        *protected("sparse", 1),
    ),
    variants=(sparse_loops, sparse_taken, sparse_through_one_hot),
)


# --- softmax_backward --------------------------------------------------------------------------------------

SLOPE = "the gradient of one example"
SEVERAL = "several examples, each with its own loss"


@exposed_by(SLOPE)
def softmax_backward_sign(A, Y):
    """the gradient is what is missing to the truth

    Descent takes the gradient away. With yours, does the score of the true class rise or fall in a step?
    """
    return Y - A


@exposed_by(SEVERAL)
def softmax_backward_averaged(A, Y):
    """every gradient is divided by m

    The mean comes later, once, in dW and db. What is the slope of one example's own loss?
    """
    return (A - Y) / A.shape[1]


@exposed_by(SLOPE)
def softmax_backward_to_probabilities(A, Y):
    """the derivative of -log A is the answer

    That is the slope towards A. The scores come before the softmax: what does the chain rule still ask
    for?
    """
    return -Y / A


@exposed_by(SLOPE)
def softmax_backward_true_class_only(A, Y):
    """only the score of the true class has a slope

    A higher score of another class takes probability from the true one. Does the loss notice?
    """
    return (A - Y) * Y


@exposed_by(SLOPE)
def softmax_backward_sigmoid_slope(A, Y):
    """A (1 - A) is still to be multiplied

    That factor belongs to a squared error. With the logarithm it cancels: what is left over?
    """
    return (A - Y) * A * (1 - A)


@exposed_by(SLOPE)
def softmax_backward_without_labels(A, Y):
    """the derivative of the softmax is A (1 - A), and that is dZ

    That says how a probability moves with its own score; Y plays no part in it. Does the loss fall the same
    way whichever class is true?
    """
    return A * (1 - A)


@exposed_by(SEVERAL)
def softmax_backward_summed(A, Y):
    """the gradient is summed over the examples here

    That is db. Z has a score for each example: which shape has its gradient?
    """
    return (A - Y).sum(axis=1, keepdims=True)


@exposed_by(SLOPE)
def softmax_backward_of_winners(A, Y):
    """what counts is whether the prediction was right

    A right prediction would never be learned any better. Does the loss use the winner or its chance?
    """
    return winners(A) - Y


@exposed_by(SLOPE)
def softmax_backward_twice(A, Y):
    """the derivative of (A - Y)^2

    The loss is a logarithm, not a square. Where would a 2 come from?
    """
    return 2 * (A - Y)


@exposed_by(SLOPE)
def softmax_backward_true_class_left_out(A, Y):
    """the true class needs no push

    Sum your gradient over the classes: adding the same to all scores changes no loss, so what must it
    be?
    """
    return A * (1 - Y)


@exposed_by(HABITS)
def softmax_backward_in_place(A, Y):
    """A -= Y makes a new array

    Print A before and after the call: the forward pass has lost it. Which of `A -= Y` and `A - Y` is
    new?
    """
    A -= Y
    return A


def backward_jacobian(A, Y):
    dZ = np.zeros(A.shape)
    for i in range(A.shape[1]):
        a, k = A[:, i], int(np.argmax(Y[:, i]))
        dZ[:, i] = -(np.diag(a) - np.outer(a, a))[:, k] / a[k]
    return dZ


def backward_at_true_class(A, Y):
    dZ = A.copy()
    dZ[Y.argmax(axis=0), np.arange(A.shape[1])] -= 1
    return dZ


def backward_loops(A, Y):
    return np.array([[a - y for a, y in zip(*rows, strict=True)] for rows in zip(A, Y, strict=True)])


def backward_where(A, Y):
    return np.add(np.where(Y == 1, -1, 0), A)


softmax_backward = Exercise(
    reference.softmax_backward,
    cases=(
        Case(
            SLOPE,
            "The lesson's probabilities with the likeliest class true, then another one.",
            lambda rng: [
                {"A": np.array([[0.842], [0.042], [0.002], [0.114]]), "Y": hot([0], 4)},
                labelled(rng, 3, 1),
            ],
            public=True,
            ask="If a score grows a little, does the loss fall or grow: for the true class, for another one?",
        ),
        Case(
            SEVERAL,
            "A mean over examples, or a sum, shows as soon as m is not 1.",
            lambda rng: [labelled(rng, 3, 5), labelled(rng, 4, 2)],
            public=True,
            after=(SLOPE,),
            marks=2,
            ask="The loss of one example knows nothing of the others. Does your gradient change when m does?",
        ),
        Case(
            "nearly certain, rightly and wrongly",
            "Chances of 1e-6 and of 0: what divides by A explodes, what multiplies by A (1 - A) vanishes.",
            lambda rng: [
                {
                    "A": reference.softmax(rng.permuted([[14.0] * 4, [0.0] * 4, [-1.0] * 4], axis=0)),
                    "Y": hot(classes(rng, 3, 4), 3),
                },
                *(dense(A, labels) for A, labels in with_zeros(rng)),
            ],
            after=(SLOPE,),
        ),
        Case(
            SHAPES,
            "m = 1, two classes, more examples than classes.",
            lambda rng: [labelled(rng, C, m) for C, m in SIZES],
            after=(SLOPE,),
        ),
        Case(
            KINDS,
            "Y in whole numbers, A in float32.",
            lambda rng: [
                dense_whole(*pair)
                for pair in [(A.astype(np.float32), labels) for A, labels in loss_kinds(rng)]
            ],
            after=(SLOPE,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        softmax_backward_sign,
        softmax_backward_averaged,
        softmax_backward_to_probabilities,
        softmax_backward_true_class_only,
        softmax_backward_sigmoid_slope,
        softmax_backward_without_labels,
        softmax_backward_summed,
        softmax_backward_of_winners,
        softmax_backward_twice,
        softmax_backward_true_class_left_out,
        softmax_backward_in_place,
    ),
    variants=(backward_jacobian, backward_at_true_class, backward_loops, backward_where),
)


# --- to_logistic -------------------------------------------------------------------------------------------

LAYER = "a layer of two classes"
SHIFTED = "both classes lifted by the same amount"


def layer(rng, n, spread=1.5):
    """Return weights and biases in which the two classes differ."""
    W = rng.normal(0, spread, (2, n)).round(2)
    W[1] += np.where(np.abs(W[1] - W[0]) < 0.2, 0.7, 0)
    return {"W": W, "b": np.array([[rng.uniform(0.5, 1)], [rng.uniform(1.5, 2)]]).round(2)}


def against_zeros(rng, n):
    """Return a layer whose class 0 always scores 0: softmax of [0, z] is the sigmoid of z."""
    return {name: a * np.array([[0.0], [1.0]]) for name, a in layer(rng, n).items()}


def lifted(rng, n):
    """Return a layer to both of whose classes the same row was to_logistic_added: the probabilities stay."""
    given = layer(rng, n)
    return {"W": given["W"] + rng.normal(0, 20, (1, n)).round(1), "b": given["b"] + rng.integers(20, 90)}


def layer_kinds(rng):
    whole = layer(rng, 3, spread=4)
    return [
        {"W": np.ceil(whole["W"]).astype(np.int64), "b": rng.permutation([[3], [-4]])},
        {name: a.astype(np.float32) for name, a in layer(rng, 5).items()},
    ]


@exposed_by(LAYER)
def to_logistic_classes_swapped(W, b):
    """the first class is the positive one

    With your w and c the sigmoid gives the probability of class 0. Whose is asked for?
    """
    return W[:1] - W[1:], b[:1] - b[1:]


@exposed_by(LAYER)
def to_logistic_second_row_only(W, b):
    """class 1's own weights are enough

    Raise both scores by 10: no probability changes, but your c does. What does z1 compete with?
    """
    return W[1:].copy(), b[1:].copy()


@exposed_by(LAYER)
def to_logistic_added(W, b):
    """the two rows are put together by adding

    Let both classes have the same weights: both get 1/2. What must w be then?
    """
    return W[1:] + W[:1], b[1:] + b[:1]


@exposed_by(LAYER)
def to_logistic_axis_lost(W, b):
    """W[1] is a row of a matrix

    Print W[1].shape and W[1:].shape. Which one is (1, n)?
    """
    return W[1] - W[0], b[1] - b[0]


@exposed_by(LAYER)
def to_logistic_bias_swapped(W, b):
    """the bias goes the other way round

    z1 - z0 holds W x and b alike. Do they change sign separately?
    """
    return W[1:] - W[:1], b[:1] - b[1:]


@exposed_by(LAYER)
def to_logistic_bias_of_class_one(W, b):
    """the bias is that of class 1

    Set x = 0: the softmax compares b[0] and b[1]. What does your sigmoid see of b[0]?
    """
    return W[1:] - W[:1], b[1:].copy()


@exposed_by(LAYER)
def to_logistic_halved(W, b):
    """each class gets half of the difference

    That would be right for a sigmoid of 2z. What is e^z1 / (e^z0 + e^z1) when z1 - z0 = 2?
    """
    return (W[1:] - W[:1]) / 2, (b[1:] - b[:1]) / 2


@exposed_by(LAYER)
def to_logistic_as_column(W, b):
    """w is a column vector

    w x has to work for x of shape (n, m). Which shape has w then?
    """
    return (W[1:] - W[:1]).T.copy(), b[1:] - b[:1]


@exposed_by(LAYER)
def to_logistic_bias_as_number(W, b):
    """c is a number

    It would do for adding; a layer's b has a row for each unit and one column. Which shape is that here?
    """
    return W[1:] - W[:1], float(b[1, 0] - b[0, 0])


@exposed_by(LAYER)
def to_logistic_divided(W, b):
    """the softmax divides, so the weights are divided

    It divides powers: e^z1 / e^z0. What becomes of z1 and z0 when two powers of e are divided?
    """
    with np.errstate(all="ignore"):
        return W[1:] / W[:1], b[1:] / b[:1]


def logistic_by_matrix(W, b):
    D = np.array([[-1, 1]])
    return D @ W, D @ b


def logistic_diff(W, b):
    return [np.diff(W, axis=0), np.diff(b, axis=0)]


def logistic_loops(W, b):
    return np.array([[w1 - w0 for w0, w1 in W.T.tolist()]]), np.array([[b.item(1) - b.item(0)]])


def logistic_reshaped(W, b):
    both = np.hstack([W, b])
    w = (both[1] - both[0]).reshape(1, -1)
    return w[:, :-1].copy(), w[:, -1:].copy()


to_logistic = Exercise(
    reference.to_logistic,
    cases=(
        Case(
            LAYER,
            "sigmoid(w x + c) fits for every x with one w and one c only, so these may be judged as numbers.",
            lambda rng: [
                {"W": np.array([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]]), "b": np.array([[0.25], [1.0]])},
                layer(rng, 4),
            ],
            public=True,
            marks=2,
            ask="Divide e^z1 / (e^z0 + e^z1) by e^z1: which difference stands in the exponent that is left?",
        ),
        Case(
            SHIFTED,
            "What is to_logistic_added to both classes has to cancel.",
            lambda rng: [lifted(rng, 3), lifted(rng, 2)],
            public=True,
            after=(LAYER,),
            ask="Adding the same to z0 and z1 changes no probability. Does it change your w or c?",
        ),
        Case(
            "one feature, many features",
            "W of shape (2, 1), square, and wide; and a class 0 of zeros, where a view of class 1 would do.",
            lambda rng: [layer(rng, 1), layer(rng, 2), layer(rng, 37), against_zeros(rng, 3)],
            after=(LAYER,),
        ),
        Case(KINDS, "Whole numbers, float32.", layer_kinds, after=(LAYER,), **FLOAT32),
    ),
    misconceptions=(
        to_logistic_classes_swapped,
        to_logistic_second_row_only,
        to_logistic_added,
        to_logistic_axis_lost,
        to_logistic_bias_swapped,
        to_logistic_bias_of_class_one,
        to_logistic_halved,
        to_logistic_as_column,
        to_logistic_bias_as_number,
        to_logistic_divided,
    ),
    variants=(logistic_by_matrix, logistic_diff, logistic_loops, logistic_reshaped),
)


EXERCISES = (
    softmax,
    log_softmax,
    hardmax,
    one_hot,
    cross_entropy,
    sparse_cross_entropy,
    softmax_backward,
    predict_classes,
    to_logistic,
)
