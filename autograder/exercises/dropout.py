"""Dropout: what its four functions are judged by.

Masks are drawn by the learner, so nothing here knows them beforehand: the verifiers of
`course_utils.properties` judge them by what chance allows. Given the masks, the output of a network is exact.
"""

import itertools
from dataclasses import replace

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from course_utils import properties
from course_utils.calls import Call
from course_utils.examine import HABITS, Finding
from course_utils.plain import Draws
from course_utils.properties.chance import too_even
from course_utils.reference import dropout as reference

# --- inputs -----------------------------------------------------------------------------------------------


def draws(rng, name="rng"):
    """A generator for the learner's function, in a state that nobody can know before."""
    return Draws(int(rng.integers(2**31)), name)


def activations(rng, n, m):
    """Numbers as they leave an activation: a third of them zero, some negative."""
    A = rng.uniform(0.5, 3, (n, m)) * rng.choice([-1.0, 1.0], (n, m), p=[0.3, 0.7])
    return A * (rng.random((n, m)) < 0.7)


def network(rng, layer_dims):
    """Parameters of a network whose units are on for some examples and off for others, nothing saturated."""
    parameters = {}
    for layer, (n_prev, n) in enumerate(itertools.pairwise(layer_dims), start=1):
        parameters[f"W{layer}"] = rng.normal(0, 1.4 / np.sqrt(n_prev), (n, n_prev)).round(2)
        parameters[f"b{layer}"] = rng.normal(0.2, 0.2, (n, 1)).round(2)
    return parameters


def shuffled(rng, parameters):
    """The same dict, filled in another order."""
    return {key: parameters[key] for key in rng.permutation(list(parameters)).tolist()}


def layer_call(rng, n, m, keep_prob, A=None):
    return {"A": activations(rng, n, m) if A is None else A, "keep_prob": keep_prob, "rng": draws(rng)}


def about(rng: np.random.Generator, n: int, m: int) -> tuple[int, int]:
    """Sizes close to these that nobody can know before: a mask kept from another day does not fit."""
    return int(n + rng.integers(-3, 10)), int(m + rng.integers(-3, 10))


# --- dropout_forward --------------------------------------------------------------------------------------


def same_layer_again(rng, n, m, keep_prob, times):
    """Several calls that draw on with one generator."""
    A, generator = activations(rng, n, m), draws(rng)
    return [{"A": A, "keep_prob": keep_prob, "rng": generator} for _ in range(times)]


def twins(rng, arguments):
    """Two calls with generators in one state, then further calls with the first generator."""
    seed = int(rng.integers(2**31))
    names = ("first", "second", "first", "first", "first")
    return [{**arguments, "rng": Draws(seed, name)} for name in names]


def one_or_none(rng):
    """A single entry, kept for certain, and layers of one example and of one unit."""
    return [
        layer_call(rng, 1, 1, 1.0, A=np.array([[-1.5]])),
        layer_call(rng, 2500, 1, 0.65),
        layer_call(rng, 1, 2500, 0.35),
    ]


def other_numbers(rng):
    return [
        layer_call(rng, 6, 9, 0.8, A=rng.integers(1, 9, (6, 9))),
        layer_call(rng, 7, 5, 0.3, A=rng.uniform(0.5, 2, (7, 5)).astype(np.float32)),
        layer_call(rng, 5, 8, 1, A=rng.integers(-4, 5, (5, 8))),
    ]


FORM = ("mask:numbers", "mask:scaled", "mask:marks the dropped")


def fits_apart_from_form(calls, observations):
    """The mask fits the result; whether it holds True and False is asked once, in a case of its own."""
    return [found for found in properties.mask_fits_result(calls, observations) if found.code not in FORM]


def one_column_alone(calls, observations):
    """All that is asked of a mask, for calls of one column or one row."""
    return fits_apart_from_form(calls, observations) or properties.kept_share(calls, observations)


def all_of_it(calls, observations):
    """The mask fits the result, and the result is scaled; fractions cut off are a fault of its own."""
    found = fits_apart_from_form(calls, observations) or properties.kept_is_scaled(calls, observations)
    if found and found[0].code == "scale:other" and any(o.value[0].dtype.kind in "iu" for o in observations):
        problem = "the result holds whole numbers: what lay behind the point is lost"
        return [replace(found[0], code="scale:cut off", problem=problem)]
    return found


def everything_kept(calls, observations):
    """With keep_prob 1 nothing is dropped and nothing scaled."""
    return properties.kept_share(calls, observations) or properties.kept_is_scaled(calls, observations)


FITS = "the mask says which entries are kept"

FORWARD_CASES = (
    Case(
        FITS,
        "The form of the result: a pair, one boolean per entry of A, 0 where it is False. Zeros and negative "
        "entries of A tell a mask from what is left of A.",
        lambda rng: [layer_call(rng, 4, 6, 0.8), layer_call(rng, 5, 3, 0.6), layer_call(rng, 12, 9, 0.75)],
        public=True,
        verify=properties.mask_fits_result,
    ),
    Case(
        "what is kept is scaled, so that the mean stays",
        "Two keep_probs, neither of them 0.5, where 1/p and 1/(1-p) would be one.",
        lambda rng: [
            layer_call(rng, 4, 6, 0.8),
            layer_call(rng, *about(rng, 30, 17), keep_prob=0.3),
            layer_call(rng, *about(rng, 20, 20), keep_prob=0.77),
        ],
        public=True,
        verify=properties.kept_is_scaled,
        marks=2,
    ),
    Case(
        "an entry is kept with probability keep_prob, whatever its value",
        "At 0.2 a mask from normal numbers keeps 58 %, an inverted one 80 %; at 0.85 the first would pass.",
        lambda rng: [
            layer_call(rng, *about(rng, 50, 60), keep_prob=0.2),
            layer_call(rng, *about(rng, 45, 70), keep_prob=0.85),
        ],
        public=True,
        verify=properties.kept_share,
        after=(FITS,),
        marks=2,
    ),
    Case(
        "every entry is drawn on its own",
        "Masks by unit, by example or by an exact count have the right share and the wrong noise. Ten calls: "
        "one exact count may be chance, ten are not.",
        lambda rng: same_layer_again(rng, *about(rng, 40, 50), keep_prob=0.8, times=10),
        public=True,
        verify=properties.entries_independent,
        marks=2,
    ),
    Case(
        "equal generators give equal masks, the next call a new one",
        "All chance must come from rng. 30 * 40 entries at 0.6: two right masks are equal once in 1e340.",
        lambda rng: twins(rng, {"A": activations(rng, *about(rng, 33, 43)), "keep_prob": 0.6}),
        public=True,
        verify=properties.fresh_draws,
    ),
    Case(
        "with keep_prob 1 nothing changes",
        "A comparison with normal numbers still drops; dividing by 1 - keep_prob is a division by zero. Tens "
        "of thousands are no reason to cut anything.",
        lambda rng: [
            layer_call(rng, 30, 40, 1.0),
            layer_call(rng, 3, 2, 1),
            layer_call(rng, 6, 5, 1.0, A=2e4 * activations(rng, 6, 5)),
        ],
        verify=everything_kept,
        after=(FITS,),
    ),
    Case(
        "keep_prob close to 0 and close to 1",
        "Where random integers stand in for random numbers, 0.005 turns into 0.01 or 0.",
        lambda rng: [layer_call(rng, 120, 170, 0.005), layer_call(rng, 90, 110, 0.985)],
        verify=properties.kept_share,
        after=(FITS, "an entry is kept with probability keep_prob, whatever its value"),
    ),
    Case(
        "a single example, a single unit",
        "Shapes (n, 1) and (1, m), where a lost axis or a mask per unit shows.",
        one_or_none,
        verify=one_column_alone,
        after=(FITS,),
    ),
    Case(
        "every entry is drawn on its own, in wide and in tall layers",
        "Masks that repeat after some columns, or that count per unit, at another shape and keep_prob. Half "
        "of 128 is a multiple of every power of two before it, so blocks of such sizes show.",
        lambda rng: [layer_call(rng, 96, 24, 0.45), layer_call(rng, 16, 128, 0.7)],
        verify=properties.entries_independent,
        after=("every entry is drawn on its own",),
    ),
    Case(
        "whole numbers and float32",
        "zeros_like(A) of integers cuts 1/0.8 to 1.",
        other_numbers,
        verify=all_of_it,
        after=(FITS, "what is kept is scaled, so that the mean stays"),
    ),
)


def forward_unscaled(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask, mask


def forward_multiplied(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask * keep_prob, mask


def forward_by_dropped_share(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    # with a way out where nothing is dropped: who has none holds the same belief, and fails there as well
    return A * mask / (1 - keep_prob or 1), mask


def forward_by_measured_share(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask / (mask.mean() or 1), mask


def forward_inverted(A, keep_prob, rng):
    mask = rng.random(A.shape) > keep_prob
    return A * mask / keep_prob, mask


def forward_drop_rate(A, keep_prob, rng):
    mask = rng.random(A.shape) > keep_prob
    return A * mask / np.float64(1 - keep_prob), mask


def forward_per_unit(A, keep_prob, rng):
    mask = np.repeat(rng.random((A.shape[0], 1)) < keep_prob, A.shape[1], axis=1)
    return A * mask / keep_prob, mask


def forward_per_example(A, keep_prob, rng):
    mask = np.repeat(rng.random((1, A.shape[1])) < keep_prob, A.shape[0], axis=0)
    return A * mask / keep_prob, mask


def forward_exact_count(A, keep_prob, rng):
    mask = np.zeros(A.size, dtype=bool)
    mask[rng.permutation(A.size)[: round(keep_prob * A.size)]] = True
    mask = mask.reshape(A.shape)
    return A * mask / keep_prob, mask


def forward_exact_count_per_example(A, keep_prob, rng):
    n, m = A.shape
    mask = np.zeros((n, m), dtype=bool)
    for j in range(m):
        mask[rng.choice(n, round(keep_prob * n), replace=False), j] = True
    return A * mask / keep_prob, mask


def forward_normal(A, keep_prob, rng):
    mask = rng.standard_normal(A.shape) < keep_prob
    return A * mask / keep_prob, mask


def forward_number_mask(A, keep_prob, rng):
    mask = (rng.random(A.shape) < keep_prob).astype(float)
    return A * mask / keep_prob, mask


def forward_scaled_mask(A, keep_prob, rng):
    mask = (rng.random(A.shape) < keep_prob) / keep_prob
    return A * mask, mask


def forward_dropped_mask(A, keep_prob, rng):
    dropped = rng.random(A.shape) >= keep_prob
    return A * ~dropped / keep_prob, dropped


def forward_mask_from_result(A, keep_prob, rng):
    A_dropped = A * (rng.random(A.shape) < keep_prob) / keep_prob
    return A_dropped, A_dropped != 0


def forward_in_place(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    if A.dtype.kind != "f":
        return A * mask / keep_prob, mask
    A *= mask
    A /= keep_prob
    return A.copy(), mask


def forward_swapped(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return mask, A * mask / keep_prob


def forward_two_masks(A, keep_prob, rng):
    return A * (rng.random(A.shape) < keep_prob) / keep_prob, rng.random(A.shape) < keep_prob


def forward_not_applied(A, keep_prob, rng):
    return A / keep_prob, rng.random(A.shape) < keep_prob


def forward_truncated(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    A_dropped = np.zeros_like(A)
    A_dropped[mask] = A[mask] / keep_prob
    return A_dropped, mask


def forward_global(A, keep_prob, rng):
    mask = np.random.rand(*A.shape) < keep_prob  # noqa: NPY002
    return A * mask / keep_prob, mask


def forward_fixed(A, keep_prob, rng):
    mask = np.random.default_rng(0).random(A.shape) < keep_prob
    return A * mask / keep_prob, mask


FORWARD_MISCONCEPTIONS = (
    Misconception(
        "dropout-swapped",
        "the mask comes first",
        forward_swapped,
        FITS,
        "Both are right. The docstring names A_dropped first, then the mask.",
    ),
    Misconception(
        "dropout-two-masks",
        "a second draw gives the same mask again",
        forward_two_masks,
        FITS,
        "Each draw is a new one. Draw once, keep the mask in a variable, and use it for both.",
    ),
    Misconception(
        "dropout-mask-not-applied",
        "drawing the mask is enough",
        forward_not_applied,
        FITS,
        "The mask says who is to be silent, and silences nobody. What must A be multiplied by, besides the "
        "scale?",
    ),
    Misconception(
        "dropout-truncates",
        "zeros_like(A) can hold the result",
        forward_truncated,
        "whole numbers and float32",
        "zeros_like copies the number type: an array of integers cuts 1 / 0.8 to 1.",
    ),
    Misconception(
        "dropout-in-place",
        "A *= mask makes a new A",
        forward_in_place,
        HABITS,
        "A *= mask writes into the activations of whoever called you. Write A * mask.",
    ),
    Misconception(
        "dropout-unscaled",
        "dropping is all there is to dropout",
        forward_unscaled,
        "what is kept is scaled, so that the mean stays",
        "With a share of the entries gone, the next layer receives a weaker signal than it will at test "
        "time, when nothing is dropped. Compare A.mean() with A_dropped.mean(): which factor would make "
        "them equal on average?",
    ),
    Misconception(
        "dropout-scale-multiplied",
        "the scale is a factor keep_prob",
        forward_multiplied,
        "what is kept is scaled, so that the mean stays",
        "The signal has become weaker by dropping and then weaker again by the factor. Work out the mean of"
        " an entry that is 1: it survives with probability keep_prob - how large must it be then, for the "
        "mean to be 1?",
    ),
    Misconception(
        "dropout-scaled-by-dropped-share",
        "what is lost is 1 - keep_prob, so one divides by that",
        forward_by_dropped_share,
        "what is kept is scaled, so that the mean stays",
        "Try keep_prob = 0.9: hardly anything is dropped, and you multiply by 10. The share that is left "
        "must grow back to the whole: which share is left?",
    ),
    Misconception(
        "dropout-scaled-by-measured-share",
        "one divides by the share that happened to be kept",
        forward_by_measured_share,
        "what is kept is scaled, so that the mean stays",
        "Your factor changes from call to call and ties all entries together; with a single entry that is "
        "dropped it is 1/0. The backward pass is given keep_prob only: by which number must both passes "
        "divide?",
    ),
    Misconception(
        "dropout-mask-inverted",
        "random numbers above keep_prob are the ones to keep",
        forward_inverted,
        "an entry is kept with probability keep_prob, whatever its value",
        "rng.random() lies between 0 and 1. How often does it lie above 0.8, and how often below?",
    ),
    Misconception(
        "dropout-keep-prob-drops",
        "keep_prob is the probability of dropping",
        forward_drop_rate,
        "an entry is kept with probability keep_prob, whatever its value",
        "Some libraries ask for the rate of dropping; here keep_prob is the probability of keeping, as its "
        "name says. Exchange the two everywhere, also in the scale.",
    ),
    Misconception(
        "dropout-mask-per-unit",
        "a unit is dropped for the whole batch",
        forward_per_unit,
        "every entry is drawn on its own",
        "Every example trains its own thinned network. Rows are units and columns examples: draw one random"
        " number for each entry of A, not for each row.",
    ),
    Misconception(
        "dropout-mask-per-example",
        "an example is dropped with all its units",
        forward_per_example,
        "every entry is drawn on its own",
        "A column of zeros is an example about which the layer says nothing at all. Draw one random number "
        "for each entry of A, not for each column.",
    ),
    Misconception(
        "dropout-exact-count",
        "exactly the share keep_prob of all entries is kept",
        forward_exact_count,
        "every entry is drawn on its own",
        "Choosing a fixed number without replacement makes entries depend on each other: if one is kept, "
        "another is less likely to be. Let each entry toss its own coin.",
    ),
    Misconception(
        "dropout-exact-count-per-example",
        "dropout with 0.8 keeps eight of the ten units of a layer",
        forward_exact_count_per_example,
        "every entry is drawn on its own",
        "On average it does. Each unit is kept or dropped without a look at the others, so it may be seven "
        "or nine: how often do ten coins show exactly five heads?",
    ),
    Misconception(
        "dropout-mask-from-normal",
        "any random numbers will do, randn for example",
        forward_normal,
        "an entry is kept with probability keep_prob, whatever its value",
        "Normal numbers are not spread evenly over 0 to 1: below 0.8 lie 79 % of them, below 0.2 still 58 "
        "%. Which method of rng gives numbers for which `number < keep_prob` is true with probability "
        "keep_prob?",
    ),
    Misconception(
        "dropout-mask-of-numbers",
        "a mask is an array of 0. and 1.",
        forward_number_mask,
        FITS,
        "The product A * mask is the same, but `~mask` and `A[mask]` work on True and False only. The "
        "comparison gives them; nothing needs to be converted.",
    ),
    Misconception(
        "dropout-mask-scaled",
        "the scale belongs into the mask",
        forward_scaled_mask,
        FITS,
        "What you return as A_dropped is right. The mask has one job, to say who was kept; divide A * mask,"
        " not the mask.",
    ),
    Misconception(
        "dropout-mask-marks-dropped",
        "the mask marks what is dropped",
        forward_dropped_mask,
        FITS,
        "np.ma does it that way round, dropout does not: True means kept, so that `A * mask` reads like the"
        " equation.",
    ),
    Misconception(
        "dropout-mask-from-result",
        "what is not 0 afterwards was kept",
        forward_mask_from_result,
        "an entry is kept with probability keep_prob, whatever its value",
        "After a ReLU many activations are 0 before anything is dropped. Keep the mask that you have drawn,"
        " and return it.",
    ),
    Misconception(
        "dropout-global-random",
        "np.random is as good as rng",
        forward_global,
        "equal generators give equal masks, the next call a new one",
        "The global generator belongs to everybody, so nobody can repeat your result. Draw from rng: "
        "rng.random(A.shape).",
    ),
    Misconception(
        "dropout-fixed-seed",
        "a generator with a fixed seed makes results repeatable",
        forward_fixed,
        "equal generators give equal masks, the next call a new one",
        "With its own seed the function drops the same units in every step: a smaller network, not dropout."
        " Whoever calls you decides about the seed, and hands in rng.",
    ),
)


def forward_binomial(A, keep_prob, rng):
    mask = rng.binomial(1, keep_prob, size=A.shape).astype(bool)
    return np.where(mask, A / keep_prob, 0.0), mask


def forward_loops(A, keep_prob, rng):
    columns, masks = [], []
    for column in A.T:
        masks.append([number <= keep_prob for number in rng.uniform(0, 1, len(column)).tolist()])
        columns.append(
            [a / keep_prob if keep else 0.0 for a, keep in zip(column.tolist(), masks[-1], strict=True)]
        )
    return np.array(columns).T, np.array(masks).T


def forward_choice(A, keep_prob, rng):
    mask = rng.choice(np.array([True, False]), size=A.shape, p=[keep_prob, 1 - keep_prob])
    A_dropped = A.astype(float)
    A_dropped[~mask] = 0
    return [A_dropped / keep_prob, mask]


def forward_rng_tail(A, keep_prob, rng):
    mask = rng.random(A.T.shape).T >= 1 - keep_prob
    return np.multiply(A, mask) * (1 / keep_prob), mask


def forward_exponential(A, keep_prob, rng):
    mask = (
        np.array(rng.exponential(size=A.shape) > -np.log(keep_prob))
        if keep_prob < 1
        else np.ones(A.shape, bool)
    )
    return A * mask / keep_prob, mask


# --- dropout_backward -------------------------------------------------------------------------------------


def gradient_call(rng, n, m, keep_prob, dA=None, mask=None):
    return {
        "dA": rng.normal(size=(n, m)).round(2) if dA is None else dA,
        "mask": both(rng, n, m, keep_prob) if mask is None else mask,
        "keep_prob": keep_prob,
    }


def both(rng, n, m, keep_prob):
    """A mask that keeps something and drops something, with another share than keep_prob."""
    while True:
        mask = rng.random((n, m)) < keep_prob
        if 0 < mask.sum() < mask.size and abs(mask.mean() - keep_prob) > 0.01:
            return mask


def gradient_of_mean(rng):
    """Where the cost is the sum of all outputs, dA is 1 everywhere: the result shows the factor alone."""
    return [
        gradient_call(rng, 3, 4, 0.8, dA=np.ones((3, 4))),
        gradient_call(rng, 2, 5, 0.4, dA=np.ones((2, 5))),
    ]


BACKWARD_CASES = (
    Case(
        "the gradient takes the way of the activations",
        "Kept and dropped entries at keep_probs away from 0.5, and a mask whose share is not keep_prob.",
        lambda rng: [gradient_call(rng, 3, 4, 0.8), gradient_call(rng, 4, 6, 0.3)],
        public=True,
        marks=2,
        ask=(
            "A_dropped = A * mask / keep_prob: what is the derivative of one entry with respect to the "
            "same entry of A?"
        ),
    ),
    Case(
        "a gradient of ones shows the factor",
        "The plainest public numbers: each entry of the result is the derivative itself.",
        gradient_of_mean,
        public=True,
        ask="Read the factor off a kept entry. Which one did the forward pass use?",
    ),
    Case(
        "with keep_prob 1 the gradient passes unchanged",
        "Nothing to scale; the result must still be a new array.",
        lambda rng: gradient_call(rng, 5, 7, 1.0, mask=np.ones((5, 7), dtype=bool)),
    ),
    Case(
        "everything dropped, everything kept",
        "A mask may hold a single value; 1/mask.mean() would be 1/0.",
        lambda rng: [
            gradient_call(rng, 4, 3, 0.1, mask=np.zeros((4, 3), dtype=bool)),
            gradient_call(rng, 3, 5, 0.9, mask=np.ones((3, 5), dtype=bool)),
        ],
    ),
    Case(
        "one example, one unit, keep_prob close to 0 and to 1",
        "Shapes (n, 1), (1, m) and (1, 1), and the largest factors.",
        lambda rng: [
            gradient_call(rng, 40, 1, 0.05),
            gradient_call(rng, 1, 30, 0.97, mask=np.arange(30)[None] % 7 > 0),
            gradient_call(rng, 1, 1, 0.25, mask=np.array([[True]])),
            gradient_call(rng, 60, 50, 0.65),
        ],
    ),
    Case(
        "whole numbers and float32",
        "zeros_like(dA) of integers cuts 1/0.8 to 1.",
        lambda rng: [
            gradient_call(rng, 6, 4, 0.8, dA=rng.integers(-9, 10, (6, 4))),
            gradient_call(rng, 3, 8, 0.7, dA=rng.normal(size=(3, 8)).astype(np.float32)),
        ],
        rtol=1e-5,
        atol=1e-6,
    ),
)


def backward_unscaled(dA, mask, keep_prob):
    return dA * mask


def backward_multiplied(dA, mask, keep_prob):
    return dA * mask * keep_prob


def backward_twice(dA, mask, keep_prob):
    return dA * mask / keep_prob / keep_prob


def backward_unmasked(dA, mask, keep_prob):
    return dA / keep_prob


def backward_inverted(dA, mask, keep_prob):
    return dA * ~mask / keep_prob


def backward_by_dropped_share(dA, mask, keep_prob):
    return dA * mask / (1 - keep_prob or 1)


def backward_by_measured_share(dA, mask, keep_prob):
    return dA * mask / (mask.mean() or 1)


def backward_averaged(dA, mask, keep_prob):
    return dA * mask / keep_prob / dA.shape[1]


def backward_truncated(dA, mask, keep_prob):
    result = np.zeros_like(dA)
    result[mask] = dA[mask] / keep_prob
    return result


def backward_in_place(dA, mask, keep_prob):
    if dA.dtype.kind != "f":
        return dA * mask / keep_prob
    dA *= mask
    dA /= keep_prob
    return dA.copy()


def backward_kept_only(dA, mask, keep_prob):
    return dA[mask] / keep_prob


def backward_untouched(dA, mask, keep_prob):
    return np.array(dA, dtype=float)


BACKWARD_MISCONCEPTIONS = (
    Misconception(
        "backward-divided-by-m",
        "every gradient is divided by m",
        backward_averaged,
        "a gradient of ones shows the factor",
        "Nothing is summed over examples here, so nothing is averaged: each entry goes back to its own.",
    ),
    Misconception(
        "backward-kept-only",
        "dA[mask] keeps the shape",
        backward_kept_only,
        "the gradient takes the way of the activations",
        "dA[mask] lists the kept entries. The dropped ones have a gradient too: 0. Multiply by the mask.",
    ),
    Misconception(
        "backward-truncates",
        "zeros_like(dA) can hold the result",
        backward_truncated,
        "whole numbers and float32",
        "zeros_like copies the number type: an array of integers cuts 1 / 0.8 to 1.",
    ),
    Misconception(
        "backward-in-place",
        "dA *= mask makes a new dA",
        backward_in_place,
        HABITS,
        "dA *= mask writes into the gradient of whoever called you. Write dA * mask.",
    ),
    Misconception(
        "backward-unscaled",
        "the mask is all that the backward pass needs",
        backward_unscaled,
        "a gradient of ones shows the factor",
        "The forward pass multiplied every kept entry by a constant. Where does a constant factor go in a "
        "derivative?",
    ),
    Misconception(
        "backward-scaled-down",
        "the gradient is scaled down by keep_prob",
        backward_multiplied,
        "a gradient of ones shows the factor",
        "If A grows by 0.1, A_dropped grows by 0.1 / keep_prob where it is kept. The gradient has the very "
        "factor of the forward pass, not its inverse.",
    ),
    Misconception(
        "backward-scaled-twice",
        "forward and backward each owe one division",
        backward_twice,
        "a gradient of ones shows the factor",
        "dA does not hold the factor of this dropout yet, but it needs it only once: one factor forward, "
        "one factor back.",
    ),
    Misconception(
        "backward-mask-forgotten",
        "dropped units are a matter of the forward pass",
        backward_unmasked,
        "the gradient takes the way of the activations",
        "Change A where the mask is False: A_dropped stays 0, and so does the cost. What is the gradient "
        "there?",
    ),
    Misconception(
        "backward-mask-inverted",
        "the gradient goes to the units that were dropped",
        backward_inverted,
        "the gradient takes the way of the activations",
        "True means kept. A unit that was dropped had no influence on the cost: which gradient does it get?",
    ),
    Misconception(
        "backward-scaled-by-dropped-share",
        "one divides by 1 - keep_prob",
        backward_by_dropped_share,
        "a gradient of ones shows the factor",
        "Forward pass and backward pass have one factor. By what did dropout_forward divide?",
    ),
    Misconception(
        "backward-scaled-by-measured-share",
        "one divides by the share of the mask that is True",
        backward_by_measured_share,
        "a gradient of ones shows the factor",
        "mask.mean() is near keep_prob, but the forward pass did not use it: by what did it divide?",
    ),
    Misconception(
        "backward-untouched",
        "the gradient passes through dropout as it is",
        backward_untouched,
        "the gradient takes the way of the activations",
        "Dropout is a layer like any other: A_dropped = A * mask / keep_prob. Take the derivative of that.",
    ),
)


def backward_where(dA, mask, keep_prob):
    return np.where(mask, dA / keep_prob, 0)


def backward_indexed(dA, mask, keep_prob):
    dA_in = np.zeros(dA.shape)
    dA_in[mask] = dA[mask] / keep_prob
    return dA_in


def backward_loops(dA, mask, keep_prob):
    rows = [
        [float(d) / keep_prob if keep else 0.0 for d, keep in zip(*pair, strict=True)]
        for pair in zip(dA, mask, strict=False)
    ]
    return np.array(rows)


def backward_einsum(dA, mask, keep_prob):
    return np.einsum("ij,ij->ij", dA, mask.astype(float)) * keep_prob**-1


# --- forward_with_dropout ---------------------------------------------------------------------------------


def relu(Z):
    return np.maximum(Z, 0)


def sigmoid(Z):
    return np.exp(-np.logaddexp(0, -Z))


def run(X, parameters, masks, factors, hidden=relu, output=sigmoid):
    """The output of the network when each hidden layer is multiplied by its mask and its factor."""
    A, L = np.asarray(X, dtype=np.float64), len(parameters) // 2
    for layer, mask, factor in zip(range(1, L), masks, factors, strict=True):
        A = hidden(parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]) * mask * factor
    return output(parameters[f"W{L}"] @ A + parameters[f"b{L}"])


def outputs(X, parameters, keep_probs, masks):
    """All outputs that follow from these masks, right and of known mistakes, each (ways, n, m)."""
    p = np.array(keep_probs, dtype=float)
    right = run(X, parameters, masks, 1 / p)
    found = {"right": right}
    if len(p):
        everything = [np.ones_like(mask) for mask in masks]
        found |= {
            "unscaled": run(X, parameters, masks, np.ones_like(p)),
            "times keep_prob": run(X, parameters, masks, p),
            "not applied": run(X, parameters, everything, np.ones_like(p)),
            "one keep_prob": run(X, parameters, masks, np.full_like(p, 1 / p[0])),
            "no relu": run(X, parameters, masks, 1 / p, hidden=lambda Z: Z),
            "sigmoid hidden": run(X, parameters, masks, 1 / p, hidden=sigmoid),
        }
    found["relu output"] = run(X, parameters, masks, 1 / p, output=relu)
    found["linear output"] = run(X, parameters, masks, 1 / p, output=lambda Z: Z)
    ways = {way: AL[None] for way, AL in found.items()}
    if len(p):
        ways["output dropped"] = np.array([np.zeros_like(right), right / p[-1]])
        if len(X) <= 3:
            kept = np.array(np.meshgrid(*[[0, 1]] * len(X))).reshape(len(X), -1).T[:, :, None]
            ways["input dropped"] = np.array([run(X * k / p[0], parameters, masks, 1 / p) for k in kept])
    return ways


def with_table(arguments):
    """A call whose aid lists the outputs of a tiny network for every pattern of its hidden units."""
    X, parameters, keep_probs = (arguments[name] for name in ("X", "parameters", "keep_probs"))
    sizes = [len(parameters[f"b{layer}"]) for layer in range(1, len(parameters) // 2)]
    m, patterns = X.shape[1], 2 ** sum(sizes)
    units = (np.arange(patterns) >> np.arange(sum(sizes))[:, None]) & 1
    masks = np.split(np.repeat(units, m, axis=1), np.cumsum(sizes)[:-1]) if sizes else []
    ways = outputs(np.tile(X, patterns), parameters, keep_probs, masks)
    return Call(arguments, {"outputs": {way: AL.reshape(len(AL), patterns, m) for way, AL in ways.items()}})


def output_recomputed(calls, observations):
    """The output follows from the masks that came with it, whatever they are."""
    tables = []
    for call, seen in zip(calls, observations, strict=True):
        found = properties.masks_off(call, seen)
        if found:
            return [found]
        a = call.arguments
        tables.append(outputs(a["X"], a["parameters"], a["keep_probs"], seen.value[1]))
    return properties.explain_outputs(calls, observations, tables)


def network_call(rng, layer_dims, m, keep_probs):
    return {
        "X": rng.normal(0.3, 1, (layer_dims[0], m)).round(1),
        "parameters": network(rng, layer_dims),
        "keep_probs": list(keep_probs),
        "rng": draws(rng),
    }


def tiny_networks(rng):
    return [
        with_table(network_call(rng, dims, 16, p))
        for dims, p in (([2, 4, 3, 1], [0.8, 0.6]), ([3, 5, 1], [0.7]))
    ]


def unusual_networks(rng):
    """Twelve layers, one unit, one example, float32, integers, dicts in another order, keep_prob 1."""
    deep = network_call(rng, [3, 5, 4, 3, 5, 4, 3, 4, 5, 3, 4, 6, 1], 9, [0.9, 0.8, 1.0, 0.95] + [0.85] * 7)
    deep["parameters"] = shuffled(rng, deep["parameters"])
    thin = network_call(rng, [4, 1, 2, 1], 30, [0.6, 0.9])
    single = network_call(rng, [5, 40, 30, 1], 1, [0.5, 0.75])
    whole = network_call(rng, [3, 6, 1], 12, [0.5])
    whole["X"] = rng.integers(-3, 4, (3, 12))
    whole["parameters"] = {
        key: np.rint(2 * values).astype(int) for key, values in whole["parameters"].items()
    }
    return [deep, thin, single, whole]


def single_precision(rng):
    call = network_call(rng, [4, 7, 5, 1], 20, [0.8, 0.5])
    call["X"] = call["X"].astype(np.float32)
    call["parameters"] = {key: values.astype(np.float32) for key, values in call["parameters"].items()}
    return call


def nothing_dropped(rng):
    return [network_call(rng, [3, 7, 5, 1], 11, [1.0, 1.0]), network_call(rng, [3, 4, 1], 5, [1])]


def layer_over_and_over(rng):
    """A dozen calls that draw on with one generator."""
    call = network_call(rng, [3, 40, 30, 1], int(rng.integers(40, 60)), [0.7, 0.7])
    return [dict(call) for _ in range(12)]


def counts_scatter(calls, observations):
    """How many entries a layer keeps differs from call to call, as it does with tosses of a coin."""
    for call, seen in zip(calls, observations, strict=True):
        found = properties.masks_off(call, seen)
        if found:
            return [found]
    for layer, p in enumerate(calls[0].arguments["keep_probs"]):
        masks = [seen.value[1][layer] for seen in observations]
        if too_even(np.array([mask.sum() for mask in masks]), masks[0].size, p):
            return [
                Finding(
                    "counted:whole",
                    "a hidden layer keeps the same number of entries in every call: they were counted out",
                    ask="Ten coin tosses do not always give five heads: does each entry toss its own coin?",
                )
            ]
    return []


def keeps_everything(calls, observations):
    return properties.layer_masks(calls, observations) or output_recomputed(calls, observations)


FOLLOWS = "the output follows from the masks"
LAYERS = "each hidden layer has its own mask and its own keep_prob"
COUNTS = "how many are kept is left to chance"

NETWORK_CASES = (
    Case(
        FOLLOWS,
        "Sixteen examples through tiny networks with all outputs tabulated: any right draw is found in the "
        "table.",
        tiny_networks,
        public=True,
        verify=properties.output_follows_masks,
        marks=2,
    ),
    Case(
        LAYERS,
        "Sizes that tell layer from input and output, keep_probs that tell layer from layer; equal sizes in"
        " the second network show a mask that is used twice.",
        lambda rng: [
            network_call(rng, [4, 60, 45, 30, 1], 70, [0.9, 0.35, 0.6]),
            network_call(rng, [3, 40, 40, 1], 80, [0.7, 0.7]),
        ],
        public=True,
        verify=properties.layer_masks,
        marks=2,
    ),
    Case(
        "equal generators give equal masks, the next call new ones",
        "All chance must come from rng.",
        lambda rng: twins(rng, network_call(rng, [3, 30, 20, 1], 25, [0.7, 0.5])),
        public=True,
        verify=properties.fresh_draws,
    ),
    Case(
        "without a hidden layer nothing is dropped",
        "Logistic regression has no hidden layer: no mask, and the plain output.",
        lambda rng: [
            with_table(network_call(rng, [3, 1], 6, [])),
            with_table(network_call(rng, [1, 1], 1, [])),
        ],
        public=True,
        verify=properties.output_follows_masks,
    ),
    Case(
        "the output follows from the masks in larger networks",
        "Three hidden layers of different sizes, and keep_probs near 0 and 1.",
        lambda rng: [
            network_call(rng, [4, 20, 30, 10, 1], 50, [0.9, 0.4, 0.7]),
            network_call(rng, [6, 50, 12, 1], 40, [0.1, 0.98]),
        ],
        verify=output_recomputed,
        after=(FOLLOWS,),
    ),
    Case(
        "twelve layers, one unit, one example, whole numbers, any order of the dict",
        "W10 comes after W9; sorted names put it after W1.",
        unusual_networks,
        verify=output_recomputed,
        after=(FOLLOWS,),
    ),
    Case(
        COUNTS,
        "Masks of an exact count have the right share, and too little noise. One such mask may be chance.",
        layer_over_and_over,
        verify=counts_scatter,
        after=(FOLLOWS, LAYERS),
    ),
    Case(
        "float32 in, the same network out",
        "The tolerance matches the input.",
        single_precision,
        verify=output_recomputed,
        after=(FOLLOWS,),
    ),
    Case(
        "with every keep_prob 1 it is the plain network",
        "This is how a training loop with dropout is tested first.",
        nothing_dropped,
        verify=keeps_everything,
        after=(FOLLOWS, LAYERS),
    ),
)


def train_forward(
    X, parameters, keep_probs, rng, drop=reference.dropout_forward, hidden=relu, output=sigmoid
):
    """The exercise with one piece exchanged."""
    A, L, masks = X, len(parameters) // 2, []
    for layer in range(1, L):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
        A, mask = drop(hidden(Z), keep_probs[layer - 1], rng)
        masks.append(mask)
    return output(parameters[f"W{L}"] @ A + parameters[f"b{L}"]), masks


def network_unscaled(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_unscaled)


def network_multiplied(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_multiplied)


def network_not_applied(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=lambda A, p, r: (A, r.random(A.shape) < p))


def network_output_dropped(X, parameters, keep_probs, rng):
    AL, masks = train_forward(X, parameters, keep_probs, rng)
    return (reference.dropout_forward(AL, keep_probs[-1], rng)[0] if masks else AL), masks


def network_input_dropped(X, parameters, keep_probs, rng):
    if keep_probs:
        X, _ = reference.dropout_forward(X, keep_probs[0], rng)
    return train_forward(X, parameters, keep_probs, rng)


def network_drops_before(X, parameters, keep_probs, rng):
    A, L, masks = X, len(parameters) // 2, []
    for layer in range(1, L):
        A, mask = reference.dropout_forward(A, keep_probs[layer - 1], rng)
        masks.append(mask)
        A = relu(parameters[f"W{layer}"] @ A + parameters[f"b{layer}"])
    return sigmoid(parameters[f"W{L}"] @ A + parameters[f"b{L}"]), masks


def network_one_keep_prob(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs[:1] * len(keep_probs), rng)


def network_per_unit(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_per_unit)


def network_fixed_seed(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, np.random.default_rng(1))


def network_seed_each_layer(X, parameters, keep_probs, rng):
    return train_forward(
        X,
        parameters,
        keep_probs,
        rng,
        drop=lambda A, p, r: reference.dropout_forward(A, p, np.random.default_rng(1)),
    )


def network_global(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_global)


def network_no_relu(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, hidden=lambda Z: Z)


def network_masks_of_numbers(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_scaled_mask)


def network_masks_by_name(X, parameters, keep_probs, rng):
    AL, masks = train_forward(X, parameters, keep_probs, rng)
    return AL, {f"D{layer}": mask for layer, mask in enumerate(masks, start=1)}


def network_drop_rate(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_inverted)


def network_pops(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, [keep_probs.pop(0) for _ in range(len(keep_probs))], rng)


def network_relu_output(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, output=relu)


def network_sigmoid_everywhere(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, hidden=sigmoid)


def network_exact_count(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng, drop=forward_exact_count)


def network_mask_of_the_output(X, parameters, keep_probs, rng):
    AL, masks = train_forward(X, parameters, keep_probs, rng)
    return AL, [*masks, np.ones(AL.shape, dtype=bool)]


def network_drops_weights(X, parameters, keep_probs, rng):
    A, L, masks = X, len(parameters) // 2, []
    for layer in range(1, L):
        W, mask = reference.dropout_forward(parameters[f"W{layer}"], keep_probs[layer - 1], rng)
        A = relu(W @ A + parameters[f"b{layer}"])
        masks.append(mask)
    return sigmoid(parameters[f"W{L}"] @ A + parameters[f"b{L}"]), masks


NETWORK_MISCONCEPTIONS = (
    Misconception(
        "network-masks-of-numbers",
        "a mask may hold its scale",
        network_masks_of_numbers,
        FOLLOWS,
        "The backward pass asks the mask who was kept. Divide A * mask by keep_prob, not the mask.",
    ),
    Misconception(
        "network-masks-by-name",
        "masks are kept by name, as parameters are",
        network_masks_by_name,
        FOLLOWS,
        "A list is asked for, one mask a hidden layer: masks.append(mask).",
    ),
    Misconception(
        "network-mask-inverted",
        "random numbers above keep_prob are the ones to keep",
        network_drop_rate,
        LAYERS,
        "rng.random() lies below 0.8 in 80 % of all draws. Which comparison keeps that share?",
    ),
    Misconception(
        "network-pops-keep-probs",
        "keep_probs is there to be used up",
        network_pops,
        HABITS,
        "The list belongs to whoever called you, who needs it again. Read keep_probs[l - 1] instead.",
    ),
    Misconception(
        "network-unscaled",
        "each layer is multiplied by its mask, and that is all",
        network_unscaled,
        FOLLOWS,
        "Two layers at 0.8 left as they are pass on 0.8 * 0.8 = 0.64 of the signal. Your dropout_forward "
        "scales what it keeps: does this function use it?",
    ),
    Misconception(
        "network-scale-multiplied",
        "the scale is a factor keep_prob",
        network_multiplied,
        FOLLOWS,
        "Every layer makes its signal weaker twice, by dropping and by the factor. Divide, or call "
        "dropout_forward.",
    ),
    Misconception(
        "network-mask-not-applied",
        "drawing the masks is enough",
        network_not_applied,
        FOLLOWS,
        "The masks are there, but AL is that of the whole network. Which variable does the next layer "
        "multiply by its W?",
    ),
    Misconception(
        "network-drops-output",
        "dropout stands after every layer, the last one too",
        network_output_dropped,
        FOLLOWS,
        "The output is the answer: a dropped one says 0 whatever the input was. Let the last layer stand "
        "outside the loop.",
    ),
    Misconception(
        "network-drops-input",
        "the input goes through dropout first",
        network_input_dropped,
        FOLLOWS,
        "keep_probs has one entry for each hidden layer and none for X. What goes into the first product?",
    ),
    Misconception(
        "network-drops-before-layers",
        "dropout stands before each hidden layer",
        network_drops_before,
        LAYERS,
        "Your first mask has the shape of X, and the last hidden layer has none. The order is W A + b, "
        "ReLU, dropout.",
    ),
    Misconception(
        "network-one-keep-prob",
        "there is one keep_prob, the first",
        network_one_keep_prob,
        LAYERS,
        "A wide layer may lose more than a narrow one, so each has its own: layer l uses keep_probs[l - 1].",
    ),
    Misconception(
        "network-mask-per-unit",
        "a unit is dropped for all examples at once",
        network_per_unit,
        LAYERS,
        "Every column is an example with a thinned network of its own. What shape has the array of random "
        "numbers?",
    ),
    Misconception(
        "network-fixed-seed",
        "a generator with a fixed seed makes results repeatable",
        network_fixed_seed,
        "equal generators give equal masks, the next call new ones",
        "The same units are silent in every step of training. Hand on the rng that you were given.",
    ),
    Misconception(
        "network-same-draw-in-every-layer",
        "every layer makes its generator anew",
        network_seed_each_layer,
        LAYERS,
        "The layers see the same random numbers, so their masks are copies of each other. One rng, handed "
        "from layer to layer, moves on with every draw.",
    ),
    Misconception(
        "network-global-random",
        "np.random is as good as rng",
        network_global,
        "equal generators give equal masks, the next call new ones",
        "Nobody can repeat your result. Hand rng to dropout_forward, and draw from nothing else.",
    ),
    Misconception(
        "network-no-relu",
        "dropout takes the place of the activation",
        network_no_relu,
        FOLLOWS,
        "A hidden layer has three steps: W A + b, then the ReLU, then dropout. Which one is missing?",
    ),
    Misconception(
        "network-relu-output",
        "every layer ends in a ReLU",
        network_relu_output,
        "without a hidden layer nothing is dropped",
        "AL is a probability, between 0 and 1. Which activation belongs to the last layer?",
    ),
    Misconception(
        "network-sigmoid-everywhere",
        "every layer ends in a sigmoid",
        network_sigmoid_everywhere,
        FOLLOWS,
        "The sigmoid turns the last score into a probability. Which activation does the docstring name for "
        "the hidden layers?",
    ),
    Misconception(
        "network-drops-weights",
        "dropout cuts connections, so the weights are masked",
        network_drops_weights,
        FOLLOWS,
        "That is DropConnect, a relative. Dropout silences units, one by one in every example: which array "
        "has a row for each unit and a column for each example?",
    ),
    Misconception(
        "network-mask-of-the-output",
        "every layer has a mask, the output's keeps everything",
        network_mask_of_the_output,
        FOLLOWS,
        "A mask that keeps everything says nothing, so the list ends with the last hidden layer. How many "
        "entries has keep_probs?",
    ),
    Misconception(
        "network-exact-count",
        "exactly the share keep_prob of a layer is kept",
        network_exact_count,
        COUNTS,
        "Right on average. Chosen without replacement, entries depend on each other: if one is kept, another "
        "is less likely to be. How does each entry get a coin of its own?",
    ),
)


def network_plain(X, parameters, keep_probs, rng):
    return train_forward(X, parameters, keep_probs, rng)


def network_masks_first(X, parameters, keep_probs, rng):
    L, m = len(parameters) // 2, X.shape[1]
    shapes = [(parameters[f"W{layer}"].shape[0], m) for layer in range(1, L)]
    masks = [rng.uniform(size=shape) < p for shape, p in zip(shapes, keep_probs, strict=True)]
    A = X
    for layer, (mask, p) in enumerate(zip(masks, keep_probs, strict=True), start=1):
        # dropping before the ReLU is the same: both leave 0 alone and the factor is positive
        A = np.where(mask, parameters[f"W{layer}"] @ A + parameters[f"b{layer}"], 0) / p
        A = A * (A > 0)
    Z = parameters[f"W{L}"] @ A + parameters[f"b{L}"]
    return 0.5 * (1 + np.tanh(Z / 2)), masks


def network_recursive(X, parameters, keep_probs, rng):
    def after(layer):
        if layer == 0:
            return X, []
        A, masks = after(layer - 1)
        Z = np.einsum("ij,jk->ik", parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
        A, mask = forward_binomial(Z.clip(min=0), keep_probs[layer - 1], rng)
        return A, [*masks, mask]

    A, masks = after(len(parameters) // 2 - 1)
    Z = parameters[f"W{len(masks) + 1}"] @ A + parameters[f"b{len(masks) + 1}"]
    return 1 / (1 + np.exp(-Z)), masks


def network_by_example(X, parameters, keep_probs, rng):
    columns = [network_plain(X[:, j : j + 1], parameters, keep_probs, rng) for j in range(X.shape[1])]
    masks = [np.hstack(layer) for layer in zip(*(masks for _, masks in columns), strict=True)]
    return np.hstack([AL for AL, _ in columns]), masks


# --- predict ----------------------------------------------------------------------------------------------


def clear(rng, layer_dims, m, off_centre=0.0):
    """A network and examples that lie clear of the threshold, with both answers among many."""
    while True:
        parameters = network(rng, layer_dims)
        X = rng.normal(0.3, 1, (layer_dims[0], m)).round(1)
        L = len(layer_dims) - 1
        # shift the last Z, so that about as many examples lie above the threshold as below
        Z = run(X, parameters, [1] * (L - 1), [1] * (L - 1), output=lambda Z: Z)
        parameters[f"b{L}"] = parameters[f"b{L}"] - np.median(Z).round(2) + off_centre
        AL = run(X, parameters, [1] * (L - 1), [1] * (L - 1))
        if np.abs(AL - 0.5).min() > 1e-3 and (m < 8 or 0.2 < (AL > 0.5).mean() < 0.8):
            return {"X": X, "parameters": parameters}


def large_scores(rng):
    """Z in the thousands on both sides of 0, for half of the examples: exp must not decide the answer."""
    while True:
        call = clear(rng, [3, 6, 1], 40)
        X = np.where(np.arange(40) % 2, 1e4, 1) * call["X"]
        Z = run(X, call["parameters"], [1], [1], output=lambda Z: Z)
        if np.abs(Z).min() > 0.01 and Z.max() > 1e3 and Z.min() < -1e3:
            return {**call, "X": X}


def exactly_half(rng):
    """All parameters 0: every score is 0 and every AL is 0.5, with nothing to round. Then the last b is 1."""
    dims = [3, 4, 1]
    zeros = {
        f"W{l}": np.zeros((n, n_prev)) for l, (n_prev, n) in enumerate(itertools.pairwise(dims), start=1)
    }
    zeros |= {f"b{l}": np.zeros((n, 1)) for l, n in enumerate(dims[1:], start=1)}
    X = rng.normal(size=(3, 5)).round(1)
    return [{"X": X, "parameters": zeros}, {"X": X, "parameters": {**zeros, "b2": np.ones((1, 1))}}]


def unusual_predictions(rng):
    deep = clear(rng, [3, 6, 5, 4, 6, 5, 4, 6, 5, 4, 6, 5, 1], 60)
    single = clear(rng, [4, 1], 1)
    thin = clear(rng, [1, 8, 1, 1], 60)
    return [{**deep, "parameters": shuffled(rng, deep["parameters"])}, single, thin]


def other_number_types(rng):
    single = clear(rng, [4, 9, 1], 60)
    single = {
        "X": single["X"].astype(np.float32),
        "parameters": {k: v.astype(np.float32) for k, v in single["parameters"].items()},
    }
    while True:
        # halves keep every integer score away from 0
        parameters = {k: np.rint(3 * v).astype(int) for k, v in network(rng, [3, 5, 1]).items()}
        X = rng.integers(-4, 5, (3, 60))
        scores = run(X, parameters, [1], [1], output=lambda Z: Z)
        if (scores != 0).all() and 0.2 < (scores > 0).mean() < 0.8:
            return [single, {"X": X, "parameters": parameters}]


def twice(rng):
    call = clear(rng, [3, 12, 8, 1], 200)
    return [call, dict(call)]


PREDICT_CASES = (
    Case(
        "a single layer answers True or False",
        "No hidden layer, so that the answer can be followed by hand: a boolean row, not numbers.",
        lambda rng: clear(rng, [2, 1], 8),
        public=True,
        ask="AL = sigmoid(W1 X + b1), then a comparison: which type does a comparison give?",
    ),
    Case(
        "the whole network answers, nothing dropped and nothing scaled",
        "Many examples near the threshold, so that any factor on a hidden layer changes some of the answers.",
        lambda rng: [clear(rng, [2, 10, 1], 150), clear(rng, [3, 8, 6, 1], 150)],
        public=True,
        marks=2,
        ask="Which factors stand in your hidden layers? At test time there are none.",
    ),
    Case(
        "asked twice, it answers the same",
        "Chance has no place in a prediction.",
        twice,
        public=True,
        verify=properties.same_each_time,
    ),
    Case(
        "an output of exactly 0.5 is no",
        "With all parameters 0 every AL is 0.5 without rounding, and 0.5 > 0.5 is false.",
        exactly_half,
        public=True,
        ask="Is it > or >= that the docstring asks for?",
    ),
    Case(
        "scores of any size",
        "exp(-Z) overflows beyond 709; the answer must not.",
        large_scores,
    ),
    Case(
        "twelve layers, one example, one unit",
        "W10 comes after W9, and an answer for one example still has shape (1, 1).",
        unusual_predictions,
    ),
    Case(
        "whole numbers and float32",
        "Integer weights must not be rounded on the way.",
        other_number_types,
    ),
)


def answer(X, parameters, factor=1.0, hidden=relu, output=sigmoid):
    L = len(parameters) // 2
    return run(X, parameters, [1] * (L - 1), [factor] * (L - 1), hidden, output)


def predict_probabilities(X, parameters):
    return answer(X, parameters)


def predict_numbers(X, parameters):
    return (answer(X, parameters) > 0.5).astype(int)


def predict_fills_zeros(X, parameters):
    return (answer(X, parameters) > 0.5).astype(float)


def predict_scaled(X, parameters):
    return answer(X, parameters, factor=0.8) > 0.5


def predict_scaled_half(X, parameters):
    return answer(X, parameters, factor=0.5) > 0.5


def predict_dropped(X, parameters):
    keep_probs = [0.5] * (len(parameters) // 2 - 1)
    return train_forward(X, parameters, keep_probs, np.random.default_rng())[0] > 0.5


def predict_at_least(X, parameters):
    return answer(X, parameters) >= 0.5


def predict_score(X, parameters):
    return answer(X, parameters, output=lambda Z: Z) > 0.5


def predict_argmax(X, parameters):
    return answer(X, parameters).argmax(axis=0)[None].astype(bool)


def predict_sigmoid_hidden(X, parameters):
    return answer(X, parameters, hidden=sigmoid) > 0.5


def predict_no_relu(X, parameters):
    return answer(X, parameters, hidden=lambda Z: Z) > 0.5


def predict_no_bias(X, parameters):
    return answer(X, {k: v if k[0] == "W" else 0 * v for k, v in parameters.items()}) > 0.5


def predict_inverted(X, parameters):
    return answer(X, parameters) < 0.5


def predict_as_text_sorts(X, parameters):
    A, names = X, sorted(name[1:] for name in parameters if name[0] == "W")
    for k in names:
        Z = parameters["W" + k] @ A + parameters["b" + k]
        A = sigmoid(Z) if k == names[-1] else relu(Z)
    return A > 0.5


def predict_flat(X, parameters):
    return (answer(X, parameters) > 0.5).ravel()


WHOLE = "the whole network answers, nothing dropped and nothing scaled"
PREDICT_MISCONCEPTIONS = (
    Misconception(
        "predict-no-bias",
        "W alone makes the network",
        predict_no_bias,
        WHOLE,
        "Z = W A + b in every layer: which half of it is missing?",
    ),
    Misconception(
        "predict-inverted",
        "a small output means yes",
        predict_inverted,
        WHOLE,
        "Every answer is the other one: AL is the probability of yes.",
    ),
    Misconception(
        "predict-text-order",
        "sorted names are in the order of the layers",
        predict_as_text_sorts,
        "twelve layers, one example, one unit",
        "As texts, W10 comes before W2. Count layers with a number, and make the name from it.",
    ),
    Misconception(
        "predict-scaled-at-test-time",
        "at test time the activations are multiplied by keep_prob",
        predict_scaled,
        WHOLE,
        "That belongs to the older form of dropout, which leaves training unscaled. You have divided in "
        "training already: the means agree, and test time needs nothing.",
    ),
    Misconception(
        "predict-halved-at-test-time",
        "at test time the weights are halved",
        predict_scaled_half,
        WHOLE,
        "In the papers of 2012 the weights are halved at test time, because training was not scaled. "
        "Inverted dropout scales in training, so that the network can be used as it is.",
    ),
    Misconception(
        "predict-drops",
        "the network predicts as it was trained, with dropout",
        predict_dropped,
        "asked twice, it answers the same",
        "Two equal questions got two answers. Dropout is noise for training; a prediction uses every unit. "
        "(The average over many noisy answers is another matter: the lesson comes to it.)",
    ),
    Misconception(
        "predict-returns-probabilities",
        "a prediction is the output AL",
        predict_probabilities,
        "a single layer answers True or False",
        "AL says how sure the network is; asked for is its answer: is AL above 0.5?",
    ),
    Misconception(
        "predict-returns-numbers",
        "a prediction is 0 or 1",
        predict_numbers,
        "a single layer answers True or False",
        "Right in value. The comparison gives True and False already: leave it as it is.",
    ),
    Misconception(
        "predict-fills-zeros",
        "the answers are written as 1 into np.zeros",
        predict_fills_zeros,
        "a single layer answers True or False",
        "Right in value, but zeros hold numbers. A whole row can be compared with 0.5 at once: what does the "
        "comparison give?",
    ),
    Misconception(
        "predict-threshold-included",
        "an output of 0.5 counts as yes",
        predict_at_least,
        "an output of exactly 0.5 is no",
        "The docstring says AL > 0.5. What does >= say for a network whose parameters are all 0?",
    ),
    Misconception(
        "predict-threshold-on-score",
        "the score Z is compared with 0.5",
        predict_score,
        WHOLE,
        "sigmoid(0) = 0.5: a score of 0.3 means yes. Either apply the sigmoid first or compare with another"
        " number.",
    ),
    Misconception(
        "predict-argmax",
        "the answer is the row with the largest output",
        predict_argmax,
        WHOLE,
        "There is one row only, so its index is always 0. Compare AL with a threshold.",
    ),
    Misconception(
        "predict-sigmoid-everywhere",
        "every layer ends in a sigmoid",
        predict_sigmoid_hidden,
        WHOLE,
        "The network was trained with ReLU in its hidden layers; predicting with another activation is "
        "another network.",
    ),
    Misconception(
        "predict-no-relu",
        "the activation belongs to training",
        predict_no_relu,
        WHOLE,
        "Only dropout belongs to training. Without its ReLU, a network of any depth is a single linear "
        "layer.",
    ),
    Misconception(
        "predict-flat",
        "one answer for each example is a flat array",
        predict_flat,
        "a single layer answers True or False",
        "Examples are columns, in the answer too: shape (1, m), as Y has.",
    ),
)


def predict_by_score(X, parameters):
    return answer(X, parameters, output=lambda Z: Z) > 0


def predict_loops(X, parameters):
    answers = []
    for x in X.T:
        a, L = x[:, None], len(parameters) // 2
        for layer in range(1, L + 1):
            z = np.dot(parameters["W" + str(layer)], a) + parameters["b" + str(layer)]
            a = z * (z > 0) if layer < L else 1.0 / (1.0 + np.exp(-z))
        answers.append(bool(a[0, 0] > 0.5))
    return np.array(answers).reshape(1, -1)


def predict_einsum(X, parameters):
    A, L = X, len(parameters) // 2
    for layer in range(1, L + 1):
        Z = np.einsum("ij,jm->im", parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
        A = np.where(Z < 0, 0, Z) if layer < L else 0.5 * (1 + np.tanh(0.5 * Z))
    return A.round() == 1


EXERCISES = (
    Exercise(
        reference.dropout_forward,
        FORWARD_CASES,
        FORWARD_MISCONCEPTIONS,
        (forward_binomial, forward_loops, forward_choice, forward_rng_tail, forward_exponential),
    ),
    Exercise(
        reference.dropout_backward,
        BACKWARD_CASES,
        BACKWARD_MISCONCEPTIONS,
        (backward_where, backward_indexed, backward_loops, backward_einsum),
    ),
    Exercise(
        reference.forward_with_dropout,
        NETWORK_CASES,
        NETWORK_MISCONCEPTIONS,
        (network_plain, network_masks_first, network_recursive, network_by_example),
    ),
    Exercise(
        reference.predict,
        PREDICT_CASES,
        PREDICT_MISCONCEPTIONS,
        (predict_by_score, predict_loops, predict_einsum),
    ),
)
