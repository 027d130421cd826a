"""Gradient checking: slopes from function values, parameters as one vector, and how to compare.

Functions are smooth and steps are large (0.5 to 0.001), so that another formula gives another number, far
from what rounding does to it. Where a difference must be exactly 0, all numbers are quarters and steps powers
of two.
"""

import itertools
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from autograder.exercises._mistakes import exposed_by
from course_utils.examine import HABITS
from course_utils.plain import Named
from course_utils.reference import gradient_checking as reference

SINGLE: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-4}  # float32, divided by a step of an eighth or more
STEEP: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-7}  # steps of 1e-7 leave nine digits
STEEPNESS = 2.0**20  # sin(STEEPNESS x) bends within 1e-6: the usual step is a large one there


# --- one_sided_difference and two_sided_difference ----------------------------------------------------------

VALUES = "a slope from two values"
FALLING = "left of zero, and where the function falls"
ZERO = "at zero"


def at(f, x, epsilon, **options):
    return {"f": Named(f, options), "x": x, "epsilon": epsilon}


def cubic(rng, x, epsilon):
    return at("polynomial", x, epsilon, coefficients=rng.integers(1, 4, size=4).tolist())


def point(rng, low=0.5, high=2.0):
    return round(float(rng.uniform(low, high)), 2)


DIFFERENCE_CASES = (
    Case(
        VALUES,
        "A cubic and a wave, whose slopes bend: the sides, the order and the divisor all show.",
        lambda rng: [cubic(rng, point(rng), 0.1), at("wave", point(rng, 0.3, 0.6), 0.25, frequency=2.0)],
        public=True,
        marks=2,
        ask="At which two places do you look at f, and how far apart are they?",
    ),
    Case(
        FALLING,
        "A negative slope at a negative x.",
        lambda rng: [
            at("growth", -point(rng), 0.5, rate=-1.0),
            at("polynomial", -point(rng), 0.2, coefficients=[1, 2, -3, -2]),
        ],
        public=True,
        after=(VALUES,),
        ask="Which of the two values comes first in your difference?",
    ),
    Case(
        ZERO,
        "x = 0: a step in proportion to x has no length here.",
        lambda rng: [
            at("wave", 0.0, 0.1, frequency=point(rng), phase=0.5),
            at("growth", 0.0, 0.5, rate=point(rng)),
        ],
        public=True,
        after=(VALUES,),
        ask="How long is your step when x is 0?",
    ),
    Case(
        "whole numbers",
        "Integer x, epsilon and values.",
        lambda rng: [cubic(rng, int(rng.integers(2, 5)), 1), cubic(rng, -3, 2), cubic(rng, 0, 1)],
        after=(VALUES,),
    ),
    Case(
        "long steps and short ones",
        "epsilon from 3 to 0.001; nothing may be wired in.",
        lambda rng: [
            at("wave", point(rng), epsilon, frequency=1.0, phase=0.3) for epsilon in (3.0, 0.75, 0.03, 0.001)
        ],
        after=(VALUES,),
        atol=1e-9,
    ),
    Case(
        "a tiny step on a steep function",
        "1e-7 is taken as it is, neither rounded nor raised to something safer.",
        lambda rng: at("wave", point(rng, 0.1, 0.2) * 1e-6, 1e-7, frequency=STEEPNESS),
        after=(VALUES,),
        **STEEP,
    ),
)


def slopes(prefix, *listed, case=VALUES):
    return tuple(
        Misconception(f"{prefix}-{key}", belief, wrong, case, hint) for key, belief, hint, wrong in listed
    )


def size_alone(difference):
    """Return what a learner writes who thinks of a slope as a size."""
    return (
        "size-alone",
        "a slope says how steep it is",
        "It also says which way is up: where f falls, its slope is below 0. Where did the sign go?",
        lambda f, x, epsilon: abs(difference(f, x, epsilon)),
    )


SLOPE_MISTAKES = (
    ("value-for-slope", "f(x) is the gradient",
     "f(x) is a height. A slope compares two heights: x^3 is 1 at 1, its slope there is 3.",
     lambda f, x, epsilon: f(x)),
    ("not-divided", "the difference of the values is the slope",
     "A difference says how far f rose. A slope says how far for each unit of x: what is missing?",
     lambda f, x, epsilon: f(x + epsilon) - f(x)),
    ("both-steps-not-divided", "the difference of the values is the slope, from both sides",
     "A difference says how far f rose. A slope says how far for each unit of x: what is missing?",
     lambda f, x, epsilon: f(x + epsilon) - f(x - epsilon)),
    ("half-steps", "the two places are epsilon apart, x in the middle",
     "Take whole steps: the places are x + epsilon and, for two sides, x - epsilon.",
     lambda f, x, epsilon: (f(x + epsilon / 2) - f(x - epsilon / 2)) / epsilon),
    ("backward", "one step back is as good as one forward",
     "In the limit it is. At a finite step the two are off to opposite sides: look forward, at x + epsilon.",
     lambda f, x, epsilon: (f(x) - f(x - epsilon)) / epsilon),
    ("sum-of-values", "the two values are added",
     "A slope is about how values differ. Which sign stands between them?",
     lambda f, x, epsilon: (f(x + epsilon) + f(x - epsilon)) / (2 * epsilon)),
)  # fmt: skip


@exposed_by(VALUES)
def one_sided_from_both_sides(f, x, epsilon):
    """The one-sided difference steps to the left as well.

    Your number is the better estimate. Here the other one is asked for, to see how much worse it is: from x
    one step forward.
    """
    return (f(x + epsilon) - f(x - epsilon)) / (2 * epsilon)


@exposed_by(VALUES)
def one_sided_twice_the_step(f, x, epsilon):
    """Every difference is divided by 2 epsilon.

    From x to x + epsilon: how far is that?
    """
    return (f(x + epsilon) - f(x)) / (2 * epsilon)


@exposed_by(VALUES)
def one_sided_no_brackets(f, x, epsilon):
    """The division waits for the difference.

    Python divides first: a - b / c is a - (b / c). Put the difference in brackets.
    """
    return f(x + epsilon) - f(x) / epsilon


@exposed_by(VALUES)
def one_sided_other_order(f, x, epsilon):
    """The order of the two values does not matter.

    Where f rises, f(x + epsilon) is the larger one and the slope is above 0. What is yours?
    """
    return (f(x) - f(x + epsilon)) / epsilon


@exposed_by(VALUES)
def one_sided_in_proportion(f, x, epsilon):
    """epsilon is a part of x.

    epsilon is the step itself, whatever x is. At x = 0 a part of x would be no step at all.
    """
    return (f(x + epsilon * x) - f(x)) / (epsilon * x)


@exposed_by(VALUES)
def one_sided_wired_in_step(f, x, epsilon):
    """epsilon is 1e-7 in any case.

    Which argument of yours is never used?
    """
    return (f(x + 1e-7) - f(x)) / 1e-7


@exposed_by(VALUES)
def two_sided_one_step(f, x, epsilon):
    """Every difference is divided by epsilon.

    From x - epsilon to x + epsilon: how far is that?
    """
    return (f(x + epsilon) - f(x - epsilon)) / epsilon


@exposed_by(VALUES)
def two_sided_precedence(f, x, epsilon):
    """a / 2 * b divides by 2 b.

    Python goes from left to right: (a / 2) * b. Put 2 * epsilon in brackets.
    """
    return (f(x + epsilon) - f(x - epsilon)) / 2 * epsilon


@exposed_by(VALUES)
def two_sided_no_brackets(f, x, epsilon):
    """The division waits for the difference.

    Python divides first: a - b / c is a - (b / c). Put the difference in brackets.
    """
    return f(x + epsilon) - f(x - epsilon) / (2 * epsilon)


@exposed_by(VALUES)
def two_sided_other_order(f, x, epsilon):
    """The order of the two values does not matter.

    Where f rises, f(x + epsilon) is the larger one and the slope is above 0. What is yours?
    """
    return (f(x - epsilon) - f(x + epsilon)) / (2 * epsilon)


@exposed_by(VALUES)
def two_sided_forward_only(f, x, epsilon):
    """One step forward will do.

    That is the one-sided difference, with an error like epsilon. Where does the second side come in?
    """
    return (f(x + epsilon) - f(x)) / epsilon


@exposed_by(VALUES)
def two_sided_doubled(f, x, epsilon):
    """2 epsilon is the length of the step.

    Take one epsilon to the right and one to the left: together they are 2 epsilon.
    """
    return (f(x + 2 * epsilon) - f(x - 2 * epsilon)) / (2 * epsilon)


@exposed_by(VALUES)
def two_sided_in_proportion(f, x, epsilon):
    """epsilon is a part of x.

    epsilon is the step itself, whatever x is. At x = 0 a part of x would be no step at all.
    """
    return (f(x + epsilon * x) - f(x - epsilon * x)) / (2 * epsilon * x)


@exposed_by(VALUES)
def two_sided_wired_in_step(f, x, epsilon):
    """epsilon is 1e-7 in any case.

    Which argument of yours is never used?
    """
    return (f(x + 1e-7) - f(x - 1e-7)) / (2 * 1e-7)


@exposed_by(VALUES)
def two_sided_forward_twice_the_step(f, x, epsilon):
    """Two-sided means divided by 2 epsilon.

    You divide by 2 epsilon: between which two places is that the distance?
    """
    return (f(x + epsilon) - f(x)) / (2 * epsilon)


@exposed_by(VALUES)
def two_sided_second_difference(f, x, epsilon):
    """The central difference is f(x + epsilon) - 2 f(x) + f(x - epsilon), over epsilon squared.

    That one says how fast the slope changes. On a straight line it is 0: which difference gives the slope?
    """
    return (f(x + epsilon) - 2 * f(x) + f(x - epsilon)) / epsilon**2


def one_sided_by_division_first(f, x, epsilon):
    return np.float64(f(x + epsilon) / epsilon - f(x) / epsilon)


def one_sided_by_lists(f, x, epsilon):
    left, right = (float(f(place)) for place in [x, x + epsilon])
    return -(left - right) * (1 / epsilon)


def one_sided_by_arrays(f, x, epsilon):
    places = np.array([x, x + epsilon], dtype=float)
    return np.squeeze(np.diff(f(places)) / epsilon)


def two_sided_by_halves(f, x, epsilon):
    return 0.5 * (f(x + epsilon) - f(x - epsilon)) / epsilon


def two_sided_by_mean(f, x, epsilon):
    forward, backward = (f(x + epsilon) - f(x)) / epsilon, (f(x) - f(x - epsilon)) / epsilon
    return np.array((forward + backward) / 2)


def two_sided_by_arrays(f, x, epsilon):
    values = f(np.asarray(x, dtype=float) + epsilon * np.array([-1.0, 1.0]))
    return float(np.dot(values, [-1, 1]) / (2 * epsilon))


one_sided_difference = Exercise(
    reference.one_sided_difference,
    DIFFERENCE_CASES,
    (
        *slopes("one-sided", *SLOPE_MISTAKES),
        *slopes("one-sided", size_alone(reference.one_sided_difference), case=FALLING),
        one_sided_wired_in_step,
        one_sided_from_both_sides,
        one_sided_twice_the_step,
        one_sided_no_brackets,
        one_sided_other_order,
        one_sided_in_proportion,
    ),
    (one_sided_by_division_first, one_sided_by_lists, one_sided_by_arrays),
)

two_sided_difference = Exercise(
    reference.two_sided_difference,
    DIFFERENCE_CASES,
    (
        *slopes("two-sided", *SLOPE_MISTAKES),
        *slopes("two-sided", size_alone(reference.two_sided_difference), case=FALLING),
        two_sided_wired_in_step,
        two_sided_forward_twice_the_step,
        two_sided_second_difference,
        two_sided_one_step,
        two_sided_precedence,
        two_sided_no_brackets,
        two_sided_other_order,
        two_sided_forward_only,
        two_sided_doubled,
        two_sided_in_proportion,
    ),
    (two_sided_by_halves, two_sided_by_mean, two_sided_by_arrays),
)


# --- to_vector and from_vector ------------------------------------------------------------------------------

ROWS = "one layer, row by row"
PAIRS = "W1, b1, W2, b2, ... end to end"
LAYERS = "twelve layers, dicts in any order"
TWELVE = [3, 2, 4, 1, 2, 3, 1, 2, 5, 2, 3, 2, 1]
NARROW = [1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]
SINGLES = "single units, single layers"


def network(rng, sizes, digits=2, dtype=np.float64, values=None):
    """A network of which no two entries are alike, so that each place in a vector can be told."""
    shapes = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        shapes |= {f"W{layer}": (n_out, n_in), f"b{layer}": (n_out, 1)}
    count = sum(rows * columns for rows, columns in shapes.values())
    if values is None:
        values = rng.permutation(np.arange(1, count + 1)) * rng.choice([-1, 1], size=count) / 10**digits
    parts = np.split(values.astype(dtype), np.cumsum([rows * columns for rows, columns in shapes.values()]))
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=False)}


def without_biases(parameters):
    return {name: np.zeros_like(a) if name[0] == "b" else a for name, a in parameters.items()}


def shuffled(rng, parameters):
    return {name: parameters[name] for name in rng.permutation(list(parameters)).tolist()}


def in_order(parameters):
    return [f"{kind}{layer}" for layer in range(1, len(parameters) // 2 + 1) for kind in "Wb"]


def weights_first(parameters):
    return sorted(in_order(parameters), key=lambda name: name[0])


def biases_before(parameters):
    return [f"{kind}{layer}" for layer in range(1, len(parameters) // 2 + 1) for kind in "bW"]


def layers_backwards(parameters):
    return [f"{kind}{layer}" for layer in range(len(parameters) // 2, 0, -1) for kind in "Wb"]


def from_zero(parameters):
    return [f"{kind}{layer}" for layer in range(len(parameters) // 2) for kind in "Wb"]


def a_layer_a_key(parameters):
    return [f"{kind}{layer}" for layer in range(1, len(parameters) + 1) for kind in "Wb"]


def as_texts(parameters):
    return sorted(in_order(parameters), key=lambda name: name[1:])


ORDERS = (
    ("dict-order", list, LAYERS, "the dict holds the layers in their order",
     "A dict keeps the order in which it was filled, which may be any. Count layers with a number."),
    ("text-order", as_texts, LAYERS, "sorted names are in the order of the layers",
     "As texts, 10 comes before 2. Count layers with a number, and make the name from it."),
    ("sorted", sorted, PAIRS, "sorted(parameters) gives W1, b1, W2, b2",
     "Print sorted(parameters): every capital letter comes before every small one."),
    ("weights-first", weights_first, PAIRS, "first all W, then all b",
     "Each W is followed by the b of its own layer."),
    ("biases-first", biases_before, ROWS, "b1 comes before W1",
     "W1 comes first, then b1."),
    ("backwards", layers_backwards, PAIRS, "the last layer comes first",
     "Start with W1, as one reads."),
    ("from-zero", from_zero, ROWS, "the first layer has the number 0",
     "Print the layer numbers that your loop visits: range(L) starts at 0. What is the first key called?"),
    ("layer-a-key", a_layer_a_key, ROWS, "there are as many layers as keys",
     "Every layer has two keys, a W and a b. How many layers are len(parameters) keys?"),
)  # fmt: skip


def joined(names=in_order, flat=np.ravel, join=np.concatenate):
    """Return a wrong to_vector: other names, another way through an array, another form of the result."""

    def wrong(parameters):
        return join([flat(parameters[name]) for name in names(parameters)])

    return wrong


def three_always(_parameters):
    return ["W1", "b1", "W2", "b2", "W3", "b3"]


def first_three(parameters):
    return [name for name in in_order(parameters) if int(name[1:]) <= 3]


def one_digit(parameters):
    return [name for name in in_order(parameters) if len(name) == 2]


def vector(key, belief, hint, case, **how):
    return Misconception(f"to-vector-{key}", belief, joined(**how), case, hint)


def to_vector_by_hstack(parameters):
    L = len(parameters) // 2
    return np.hstack([parameters[kind + str(k + 1)].flatten() for k in range(L) for kind in ("W", "b")])


def to_vector_by_loops(parameters):
    entries, layer = [], 1
    while f"W{layer}" in parameters:
        for row in parameters[f"W{layer}"]:
            for w in row:
                entries.append(float(w))
        entries += [float(b) for b in parameters[f"b{layer}"][:, 0]]
        layer += 1
    return np.array(entries)


def to_vector_by_sorting(parameters):
    theta = np.array([])
    for name in sorted(parameters, key=lambda name: (int(name[1:]), name[0])):
        theta = np.append(theta, parameters[name].reshape(-1))
    return theta


def to_vector_by_filling(parameters):
    theta, end = np.empty(sum(array.size for array in parameters.values())), 0
    for layer in range(1, len(parameters) // 2 + 1):
        for array in (parameters[f"W{layer}"], parameters[f"b{layer}"]):
            theta[end : end + array.size] = array.flat
            end += array.size
    return theta


to_vector = Exercise(
    reference.to_vector,
    (
        Case(
            ROWS,
            "More rows than columns and fewer: a way through by columns gives another vector.",
            lambda rng: [{"parameters": network(rng, sizes, 0)} for sizes in ([3, 2], [2, 4])],
            public=True,
            ask="Write the entries of W1 on paper in the order in which you read them. Then those of b1.",
        ),
        Case(
            PAIRS,
            "Two and three layers.",
            lambda rng: [{"parameters": network(rng, sizes, 0)} for sizes in ([2, 3, 1], [1, 2, 3, 2])],
            public=True,
            after=(ROWS,),
            ask="How many entries does the vector have, and which array does each of them come from?",
        ),
        Case(
            LAYERS,
            "W10 comes after W9; the dict was filled in another order.",
            lambda rng: {"parameters": shuffled(rng, network(rng, TWELVE, 0))},
            public=True,
            after=(ROWS, PAIRS),
            ask="In which order do you visit the keys?",
        ),
        Case(
            SINGLES,
            "Shapes (1, 1), (1, n) and (n, 1).",
            lambda rng: [
                {"parameters": network(rng, sizes)} for sizes in ([1, 1], [5, 1], [1, 5], [1, 1, 1])
            ],
            after=(ROWS,),
        ),
        Case(
            "layers of one size",
            "All shapes alike, shuffled: only the numbers tell the arrays apart.",
            lambda rng: [
                {"parameters": shuffled(rng, network(rng, [n] * layers))}
                for n, layers in ((2, 4), (3, 12), (1, 15))
            ],
            after=(ROWS,),
        ),
        Case(
            "a large network",
            "Some two thousand entries to the last bit, and a network as it starts: every b is 0.",
            lambda rng: [
                {"parameters": shuffled(rng, network(rng, [40, 30, 20, 8, 1], 3))},
                {"parameters": without_biases(network(rng, [3, 2, 2]))},
            ],
            after=(ROWS,),
            rtol=1e-12,
        ),
        Case(
            "whole numbers and float32",
            "Entries arrive in other number types, also in several at once.",
            lambda rng: [
                {"parameters": network(rng, [3, 4, 2], 0, np.int64)},
                {"parameters": network(rng, [4, 3, 1], 2, np.float32)},
                {"parameters": network(rng, [3, 2, 2]) | {"W1": rng.integers(1, 9, size=(2, 3))}},
            ],
            after=(ROWS,),
        ),
    ),
    (
        *(vector(key, belief, hint, case, names=names) for key, names, case, belief, hint in ORDERS),
        vector(
            "column-by-column",
            "an array is read down its columns",
            'Read W as you read a page: along the first row, then the second. What does order="F" do?',
            ROWS,
            flat=lambda array: array.ravel(order="F"),
        ),
        vector(
            "column",
            "a vector is a column, (n, 1)",
            "Here theta has one axis, (n,). The numbers are right; which call gives them a second axis?",
            ROWS,
            join=lambda parts: np.concatenate(parts).reshape(-1, 1),
        ),
        vector(
            "list",
            "a list of numbers is a vector",
            "Your numbers are right. An array can be stepped and subtracted at once: np.array(...).",
            ROWS,
            join=lambda parts: np.concatenate(parts).tolist(),
        ),
        vector(
            "weights-alone",
            "only W are parameters",
            "A bias has a gradient as well, and it may be wrong. Where are the b?",
            ROWS,
            names=lambda parameters: [name for name in in_order(parameters) if name[0] == "W"],
        ),
        vector(
            "three-layers",
            "a network has at most three layers",
            "Let the dict tell you how many layers there are: half as many as keys.",
            LAYERS,
            names=first_three,
        ),
        vector(
            "three-layers-always",
            "every network has three layers",
            "A list of six names fits one network only. How can the dict tell you how many layers there are?",
            ROWS,
            names=three_always,
        ),
        vector(
            "one-digit",
            "a layer's number has one digit",
            "The tenth layer is W10. What does name[1] or len(name) == 2 make of it?",
            LAYERS,
            names=one_digit,
        ),
        vector(
            "last-layer-left-out",
            "range(1, L) counts up to L",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
            ROWS,
            names=lambda parameters: in_order(parameters)[:-2],
        ),
    ),
    (to_vector_by_hstack, to_vector_by_loops, to_vector_by_sorting, to_vector_by_filling),
)


def cut(rng, sizes, dtype=np.float64, like_dtype=np.float64, digits=2):
    like = network(rng, sizes, digits, like_dtype)
    count = sum(array.size for array in like.values())
    theta = rng.permutation(np.arange(1, count + 1)) * rng.choice([-1, 1], size=count) / 10**digits
    like = {name: np.zeros_like(array) for name, array in like.items()}
    return {"theta": theta.astype(dtype), "like": shuffled(rng, like) if len(sizes) > 5 else like}


def cutting(names=in_order, shape=lambda part, like: part.reshape(like.shape), advance=True):
    """Return a wrong from_vector: other names, other shapes, or a place that does not move on."""

    def wrong(theta, like):
        parameters, start = {}, 0
        for name in names(like):
            part = theta[start : start + like[name].size]
            parameters[name] = shape(part.copy(), like[name])
            start += like[name].size if advance else 0
        return parameters

    return wrong


def parts(key, belief, hint, case, **how):
    return Misconception(f"from-vector-{key}", belief, cutting(**how), case, hint)


@exposed_by(HABITS)
def from_vector_views(theta, like):
    """reshape makes a new array.

    A slice and a reshape are windows on theta: whoever writes into W1 changes theta. Where is a copy missing?
    """
    parameters, start = {}, 0
    for name in in_order(like):
        parameters[name] = theta[start : start + like[name].size].reshape(like[name].shape)
        start += like[name].size
    return parameters


@exposed_by(HABITS)
def from_vector_writes_into_like(theta, like):
    """like is there to be filled.

    like shows the shapes and stays as it is: its owner still needs it. Make a new dict with new arrays.
    """
    start = 0
    for name in in_order(like):
        like[name][...] = theta[start : start + like[name].size].reshape(like[name].shape)
        start += like[name].size
    return {name: array.copy() for name, array in like.items()}


@exposed_by("whole numbers and float32")
def from_vector_fills_a_copy(theta, like):
    """A copy of like is the right thing to fill.

    A copy has the number type of like: filled into whole numbers, 0.7 becomes 0. like gives names and shapes.
    """
    parameters, start = {}, 0
    for name in in_order(like):
        parameters[name] = like[name].copy()
        parameters[name].flat = theta[start : start + like[name].size]
        start += like[name].size
    return parameters


@exposed_by(ROWS)
def from_vector_flat_biases(theta, like):
    """b is a vector, (n,)

    A b is a column, (n, 1), as in like. Lost, its axis makes W A + b another sum.
    """
    parameters = reference.from_vector(theta, like)
    return {name: array.ravel() if name[0] == "b" else array for name, array in parameters.items()}


@exposed_by(ROWS)
def from_vector_gives_like(theta, like):
    """like already holds the values.

    The values come from theta, the names and shapes from like. Which argument of yours is never used?
    """
    return {name: array.copy() for name, array in like.items()}


@exposed_by(ROWS)
def from_vector_biases_forgotten(theta, like):
    """The next W starts where the last W ended.

    Behind W1 comes b1, which takes its entries too. Print where each array starts and where it ends.
    """
    parameters, start = {}, 0
    for layer in range(1, len(like) // 2 + 1):
        W, b = like[f"W{layer}"], like[f"b{layer}"]
        parameters[f"W{layer}"] = theta[start : start + W.size].reshape(W.shape).copy()
        parameters[f"b{layer}"] = theta[start : start + b.size].reshape(b.shape).copy()
        start += W.size
    return parameters


@exposed_by(PAIRS)
def from_vector_biases_not_counted(theta, like):
    """Only W move the place on.

    b1 is right, and then W2 starts with the entries of b1 once more. What must the place do after each b?
    """
    parameters, start = {}, 0
    for layer in range(1, len(like) // 2 + 1):
        W, b = like[f"W{layer}"], like[f"b{layer}"]
        parameters[f"W{layer}"] = theta[start : start + W.size].reshape(W.shape).copy()
        start += W.size
        parameters[f"b{layer}"] = theta[start : start + b.size].reshape(b.shape).copy()
    return parameters


@exposed_by(ROWS)
def from_vector_as_list(theta, like):
    """A list of arrays says as much as a dict.

    Which of them is b2? Give each its name: a dict with the names of like.
    """
    return list(reference.from_vector(theta, like).values())


def from_vector_by_split(theta, like):
    names = sorted(like, key=lambda name: (int(name[1:]), name[0]))
    pieces = np.split(np.array(theta), np.cumsum([like[name].size for name in names])[:-1])
    return {
        name: piece.reshape(np.shape(like[name])).copy() for name, piece in zip(names, pieces, strict=True)
    }


def from_vector_by_iterator(theta, like):
    entries = iter(theta.tolist())
    parameters = {}
    for layer in range(1, len(like) // 2 + 1):
        for name in (f"W{layer}", f"b{layer}"):
            rows, columns = like[name].shape
            parameters[name] = np.array([[next(entries) for _ in range(columns)] for _ in range(rows)])
    return parameters


def from_vector_from_the_end(theta, like):
    parameters, end = {name: None for name in like}, len(theta)
    for layer in range(len(like) // 2, 0, -1):
        for kind in "bW":
            array = np.empty(like[f"{kind}{layer}"].shape)
            array.flat = theta[end - array.size : end]
            parameters[f"{kind}{layer}"], end = array, end - array.size
    return parameters


from_vector = Exercise(
    reference.from_vector,
    (
        Case(
            ROWS,
            "More rows than columns and fewer; like is all zeros.",
            lambda rng: [cut(rng, sizes, digits=0) for sizes in ([3, 2], [2, 4])],
            public=True,
            ask="How many entries of theta belong to W1? Which row do the first of them fill?",
        ),
        Case(
            PAIRS,
            "Two and three layers.",
            lambda rng: [cut(rng, sizes, digits=0) for sizes in ([2, 3, 1], [1, 2, 3, 2])],
            public=True,
            after=(ROWS,),
            ask="Print where each array starts in theta and where it ends.",
        ),
        Case(
            LAYERS,
            "W10 comes after W9; like was filled in another order.",
            lambda rng: cut(rng, TWELVE, digits=0),
            public=True,
            after=(ROWS, PAIRS),
            ask="In which order do you visit the keys?",
        ),
        Case(
            SINGLES,
            "Shapes (1, 1), (1, n) and (n, 1).",
            lambda rng: [cut(rng, sizes) for sizes in ([1, 1], [5, 1], [1, 5], [1, 1, 1], [1] * 14)],
            after=(ROWS,),
        ),
        Case(
            "layers of one size",
            "All shapes alike, shuffled: only the names tell the arrays apart.",
            lambda rng: [cut(rng, [2] * 7), cut(rng, [3] * 13)],
            after=(ROWS,),
        ),
        Case(
            "a large network",
            "Some two thousand entries, to the last bit.",
            lambda rng: cut(rng, [40, 30, 20, 8, 1], digits=3),
            after=(ROWS,),
            rtol=1e-12,
        ),
        Case(
            "whole numbers and float32",
            "Entries arrive in other number types.",
            lambda rng: [
                cut(rng, [3, 4, 2], np.int64, np.int64, 0),
                cut(rng, [4, 3, 1], np.float32, np.float32),
                cut(rng, [2, 3, 1], np.float64, np.int64),
            ],
            after=(ROWS,),
        ),
    ),
    (
        *(parts(key, belief, hint, case, names=names) for key, names, case, belief, hint in ORDERS),
        parts(
            "column-by-column",
            "an array is filled down its columns",
            'Fill W as you read a page: the first row, then the second. What does order="F" do?',
            ROWS,
            shape=lambda part, like: part.reshape(like.shape, order="F"),
        ),
        parts(
            "transposed",
            "rows and columns may be swapped",
            "like says which shape each array has: (rows, columns).",
            ROWS,
            shape=lambda part, like: part.reshape(like.shape[::-1]),
        ),
        parts(
            "flat",
            "cutting is enough",
            "The pieces are right. W1 is a matrix again only once it has the shape of like['W1'].",
            ROWS,
            shape=lambda part, like: part,
        ),
        parts(
            "stuck",
            "every array starts at entry 0",
            "Does the place where you cut move on after each array?",
            ROWS,
            advance=False,
        ),
        parts(
            "three-layers",
            "a network has at most three layers",
            "Let the dict tell you how many layers there are: half as many as keys.",
            LAYERS,
            names=first_three,
        ),
        parts(
            "last-layer-left-out",
            "range(1, L) counts up to L",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
            ROWS,
            names=lambda like: in_order(like)[:-2],
        ),
        from_vector_flat_biases,
        from_vector_biases_forgotten,
        from_vector_biases_not_counted,
        from_vector_gives_like,
        from_vector_as_list,
        from_vector_views,
        from_vector_writes_into_like,
        from_vector_fills_a_copy,
    ),
    (from_vector_by_split, from_vector_by_iterator, from_vector_from_the_end),
)


# --- numerical_gradient ------------------------------------------------------------------------------------

EACH = "one entry after the other"
USUAL = "without an epsilon it is 1e-7"
WHOLE = "whole numbers"


def waves(rng, n, epsilon, dtype=np.float64):
    """A cost in which every entry bends in its own way and also pulls at its neighbours."""
    amplitudes = rng.uniform(3, 5, size=n).round(1) * np.resize(rng.permutation([-1, 1]), n)
    theta = rng.permutation(np.linspace(0.4, 0.8, n)) * rng.choice([-1, 1], size=n)
    if dtype != np.float64:
        theta = np.round(4 * theta) / (1 if dtype == np.int64 else 4)
    return {
        "cost": Named("waves", {"amplitudes": amplitudes}),
        "theta": theta.round(2).astype(dtype),
        "epsilon": epsilon,
    }


def steep(rng, n):
    return {"cost": Named("ripples", {"frequency": STEEPNESS}), "theta": rng.uniform(0.1, 0.9, size=n)}


def entry(theta, i, epsilon):
    """theta with its entry i moved."""
    moved = np.array(theta, dtype=float)
    moved[i] += epsilon
    return moved


def gradient(slope, like=np.array, default=1e-7):
    """Return a gradient in which `slope` finds every entry in its own way."""

    def wrong(cost, theta, epsilon=default):
        return like([slope(cost, theta, i, epsilon) for i in range(len(theta))])

    return wrong


def both_sides(cost, theta, i, epsilon):
    return (cost(entry(theta, i, epsilon)) - cost(entry(theta, i, -epsilon))) / (2 * epsilon)


def steps_alone(cost, theta, i, epsilon):
    step = np.zeros(len(theta))
    step[i] = epsilon
    return (cost(step) - cost(-step)) / (2 * epsilon)


@exposed_by(EACH)
def numerical_gradient_all_at_once(cost, theta, epsilon=1e-7):
    """theta + epsilon moves every entry, so one difference gives all slopes.

    Then nobody can tell which entry the cost rose for. Move one entry, look, put it back, move the next.
    """
    slope = (cost(theta + epsilon) - cost(theta - epsilon)) / (2 * epsilon)
    return np.full(len(theta), slope)


@exposed_by(EACH)
def numerical_gradient_not_put_back(cost, theta, epsilon=1e-7):
    """An entry that was looked at may stay where it is.

    Your first entry is right, the others are not: what does theta look like when their turn comes?
    """
    moved, slopes = np.array(theta, dtype=float), []
    for i in range(len(theta)):
        moved[i] += epsilon
        above = cost(moved)
        moved[i] -= 2 * epsilon
        slopes.append((above - cost(moved)) / (2 * epsilon))
    return np.array(slopes)


@exposed_by(EACH)
def numerical_gradient_steps_pile_up(cost, theta, epsilon=1e-7):
    """Two copies of theta are enough for all entries.

    Your first entry is right. When the second one's turn comes, what has become of the first in your copies?
    """
    above, below, slopes = np.array(theta, dtype=float), np.array(theta, dtype=float), []
    for i in range(len(theta)):
        above[i] += epsilon
        below[i] -= epsilon
        slopes.append((cost(above) - cost(below)) / (2 * epsilon))
    return np.array(slopes)


@exposed_by(WHOLE)
def numerical_gradient_cut_to_integers(cost, theta, epsilon=1e-7):
    """A copy of theta can hold theta + epsilon.

    A copy of whole numbers holds whole numbers: 2 + 0.25 becomes 2 again. Copy theta as floats.
    """
    slopes = np.zeros(len(theta))
    for i in range(len(theta)):
        above, below = theta.copy(), theta.copy()
        above[i], below[i] = theta[i] + epsilon, theta[i] - epsilon
        slopes[i] = (cost(above) - cost(below)) / (2 * epsilon)
    return slopes


@exposed_by(WHOLE)
def numerical_gradient_slopes_cut(cost, theta, epsilon=1e-7):
    """np.zeros_like(theta) can hold slopes.

    If theta holds whole numbers, so does an array made like it, and every slope loses its decimals.
    """
    slopes = np.zeros_like(theta)
    for i in range(len(theta)):
        slopes[i] = both_sides(cost, theta, i, epsilon)
    return slopes


@exposed_by(HABITS)
def numerical_gradient_moves_theta(cost, theta, epsilon=1e-7):
    """theta may be moved if it is moved back.

    A step there and a step back are rounded, and do not end where they began. Work on a copy, or keep the
    entry and put that very number back.
    """
    slopes = np.zeros(len(theta))
    where = theta if theta.dtype == np.float64 else theta.astype(float)
    for i in range(len(theta)):
        where[i] += epsilon
        above = cost(where)
        where[i] -= 2 * epsilon
        below = cost(where)
        where[i] += epsilon
        slopes[i] = (above - below) / (2 * epsilon)
    return slopes


def slope_by_slope(key, belief, hint, case, **how):
    return Misconception(f"numerical-gradient-{key}", belief, gradient(**how), case, hint)


def numerical_gradient_put_back(cost, theta, epsilon=1e-7):
    work = theta.astype(float)
    slopes = np.empty(work.shape)
    for i, kept in enumerate(work.tolist()):
        work[i] = kept + epsilon
        above = cost(work)
        work[i] = kept - epsilon
        slopes[i] = (above - cost(work)) / (2 * epsilon)
        work[i] = kept
    return slopes


def numerical_gradient_by_identity(cost, theta, epsilon=1e-7):
    steps = epsilon * np.eye(theta.size)
    above, below = (np.array([cost(theta + sign * step) for step in steps]) for sign in (1, -1))
    return (above - below) / epsilon / 2


def numerical_gradient_by_concatenation(cost, theta, epsilon=1e-7):
    def moved(i, by):
        return cost(np.concatenate([theta[:i], [theta[i] + by], theta[i + 1 :]]))

    return 0.5 / epsilon * np.array([moved(i, epsilon) - moved(i, -epsilon) for i in range(len(theta))])


def numerical_gradient_in_place(cost, theta, epsilon=1e-7):
    if theta.dtype != np.float64:
        theta = np.array(theta, dtype=np.float64)
    slopes = np.zeros(len(theta))
    for i in range(len(theta)):
        kept = theta[i]
        theta[i] = kept + epsilon
        right = cost(theta)
        theta[i] = kept - epsilon
        left = cost(theta)
        theta[i] = kept
        slopes[i] = (right - left) / (2 * epsilon)
    return slopes


numerical_gradient = Exercise(
    reference.numerical_gradient,
    (
        Case(
            EACH,
            "A cost in which neighbours pull at each other, and long steps: what else moved shows, and how.",
            lambda rng: [waves(rng, 3, 0.1), waves(rng, 4, 0.5)],
            public=True,
            marks=2,
            ask="For the second slope: in which entries do the two vectors that you hand to cost differ?",
            atol=1e-9,
        ),
        Case(
            USUAL,
            "A cost so steep that 1e-7 and 1e-6 give different slopes.",
            lambda rng: [steep(rng, 3), steep(rng, 1)],
            public=True,
            after=(EACH,),
            ask="What is epsilon when nobody hands one in?",
            **STEEP,
        ),
        Case(
            WHOLE,
            "An array like theta holds neither theta + epsilon nor a slope.",
            lambda rng: [waves(rng, 3, 0.25, np.int64), waves(rng, 5, 0.01, np.int64)],
            public=True,
            after=(EACH,),
            ask="Print the vector that you hand to cost. Did its entry move?",
            atol=1e-9,
        ),
        Case(
            "a single parameter",
            "n = 1.",
            lambda rng: [waves(rng, 1, 0.3), waves(rng, 1, 0.01)],
            after=(EACH,),
            atol=1e-9,
        ),
        Case(
            "long steps and short ones",
            "epsilon from 2 to 0.001.",
            lambda rng: [waves(rng, 5, epsilon) for epsilon in (2.0, 0.3, 0.01, 0.001)],
            after=(EACH,),
            atol=1e-9,
        ),
        Case(
            "many parameters, some without a slope",
            "120 entries; curvatures of 0 and entries at the bottom have slopes of exactly or nearly 0, "
            "flat bowls small ones.",
            lambda rng: [
                waves(rng, 120, 0.05),
                *(
                    {
                        "cost": Named(
                            "bowl", {"curvatures": steepest * np.arange(6.0), "centre": np.ones(6)}
                        ),
                        "theta": rng.integers(1, 4, size=6) / 4 * np.array([1, 1, 0, 1, 1, 1]) + 0.5,
                        "epsilon": 0.25,
                    }
                    for steepest in (1.0, 2.0**-12)
                ),
            ],
            after=(EACH,),
            atol=1e-9,
        ),
        Case(
            "float32",
            "Quarters of single precision and long steps, judged as such.",
            lambda rng: [waves(rng, 4, 0.25, np.float32), waves(rng, 7, 0.5, np.float32)],
            after=(EACH,),
            **SINGLE,
        ),
    ),
    (
        slope_by_slope(
            "one-sided",
            "one step forward will do",
            "That is the one-sided difference. Where does the step to the other side come in?",
            EACH,
            slope=lambda cost, theta, i, e: (cost(entry(theta, i, e)) - cost(np.array(theta, float))) / e,
        ),
        slope_by_slope(
            "one-epsilon",
            "every difference is divided by epsilon",
            "From theta - epsilon to theta + epsilon: how far is that?",
            EACH,
            slope=lambda cost, theta, i, e: 2 * both_sides(cost, theta, i, e),
        ),
        slope_by_slope(
            "precedence",
            "a / 2 * b divides by 2 b",
            "Python goes from left to right: (a / 2) * b. Put 2 * epsilon in brackets.",
            EACH,
            slope=lambda cost, theta, i, e: both_sides(cost, theta, i, e) * e**2,
        ),
        slope_by_slope(
            "sign",
            "the order of the two values does not matter",
            "Where the cost rises with an entry, its slope is above 0. What is yours?",
            EACH,
            slope=lambda cost, theta, i, e: -both_sides(cost, theta, i, e),
        ),
        slope_by_slope(
            "size-alone",
            "a gradient says how steep it is",
            "It also says which way is up. Where did the sign go?",
            EACH,
            slope=lambda cost, theta, i, e: abs(both_sides(cost, theta, i, e)),
        ),
        slope_by_slope(
            "step-alone",
            "cost takes the step",
            "cost takes all parameters: theta with one entry moved. You hand it the step without theta.",
            EACH,
            slope=steps_alone,
        ),
        slope_by_slope(
            "wired-in-step",
            "epsilon is 1e-7 in any case",
            "Which argument of yours is never used?",
            EACH,
            slope=lambda cost, theta, i, e: both_sides(cost, theta, i, 1e-7),
        ),
        *(
            slope_by_slope(
                f"default-1e{exponent}",
                f"epsilon is 1e{exponent} unless somebody says otherwise",
                "Your formula is right. Compare the default of epsilon with what the exercise asks for.",
                USUAL,
                slope=both_sides,
                default=10.0**exponent,
            )
            for exponent in (-8, -6, -5, -4, -3)
        ),
        slope_by_slope(
            "column",
            "a gradient is a column, (n, 1)",
            "The slopes are right. Here a vector has one axis, (n,), as theta has.",
            EACH,
            slope=both_sides,
            like=lambda slopes: np.array(slopes).reshape(-1, 1),
        ),
        slope_by_slope(
            "list",
            "a list of numbers is a vector",
            "Your numbers are right. An array can be subtracted at once: np.array(...).",
            EACH,
            slope=both_sides,
            like=lambda slopes: [float(slope) for slope in slopes],
        ),
        numerical_gradient_all_at_once,
        numerical_gradient_not_put_back,
        numerical_gradient_steps_pile_up,
        numerical_gradient_cut_to_integers,
        numerical_gradient_slopes_cut,
        numerical_gradient_moves_theta,
    ),
    (
        numerical_gradient_put_back,
        numerical_gradient_by_identity,
        numerical_gradient_by_concatenation,
        numerical_gradient_in_place,
    ),
)


# --- relative_difference -----------------------------------------------------------------------------------

APART = "two vectors that differ"
NOTHING = "both are zero"
ONE_IS_ZERO = "one of them is zero, or they are opposite"


def two(rng, n, scale=1.0, apart=0.3, dtype=np.float64):
    """A gradient and one that is `apart` from it, relative to its size."""
    grad = rng.uniform(0.5, 2.0, size=n) * rng.choice([-1.0, 1.0], size=n)
    noise = apart * rng.uniform(0.5, 1.0, size=n) * rng.choice([-1.0, 1.0], size=n)
    approx = grad * (1 + noise)
    if dtype == np.int64:
        return {"grad": np.round(20 * grad).astype(dtype), "grad_approx": np.round(20 * approx).astype(dtype)}
    return {"grad": (scale * grad).astype(dtype), "grad_approx": (scale * approx).astype(dtype)}


def by_hand(rng):
    """Vectors whose norms are whole numbers: 3, 4, 12 gives 13."""
    grad, approx = np.array([3.0, 4.0, 12.0]), np.array([1.0, 2.0, 2.0])
    signs = rng.choice([-1.0, 1.0], size=3)
    return {"grad": signs * rng.permutation(grad), "grad_approx": signs * rng.permutation(approx)}


norm = np.linalg.norm


def relative(formula, zero=0.0):
    """Return a wrong relative difference that at least knows 0/0."""

    def wrong(grad, grad_approx):
        if not np.any(grad) and not np.any(grad_approx):
            return zero
        return formula(grad, grad_approx)

    return wrong


RELATIVE_MISTAKES = tuple(
    Misconception(f"relative-{key}", belief, relative(formula), case, hint)
    for key, case, belief, hint, formula in (
        ("norm-not-divided", APART, "the norm of the difference says enough",
         "A gap of 0.001 is nothing beside a gradient of 1000 and everything beside one of 0.0001. Divide by "
         "their size.", lambda a, b: norm(a - b)),
        ("by-one-norm", APART, "the size is that of grad",
         "If grad is wrong, its norm is too. Both norms stand in the denominator, as a sum.",
         lambda a, b: norm(a - b) / norm(a) if norm(a) else np.inf),
        ("by-other-norm", APART, "the size is that of grad_approx",
         "Both norms stand in the denominator, as a sum.",
         lambda a, b: norm(a - b) / norm(b) if norm(b) else np.inf),
        ("by-larger-norm", APART, "the size is the larger norm of the two",
         "CS231n writes it so for single numbers. Here the two norms are added.",
         lambda a, b: norm(a - b) / max(norm(a), norm(b))),
        ("by-mean-norm", APART, "the size is the mean of the two norms",
         "The sum is asked for: then 1 means opposite, and nothing is larger.",
         lambda a, b: 2 * norm(a - b) / (norm(a) + norm(b))),
        ("norm-of-sum", APART, "the norm of the sum is the sum of the norms",
         "Opposite vectors add up to nothing, though each is long. Take two norms, then add.",
         lambda a, b: norm(a - b) / norm(a + b) if norm(a + b) else np.inf),
        ("product-of-norms", APART, "the norms are multiplied",
         "Scale both vectors by 10: would your number stay? Add the norms.",
         lambda a, b: norm(a - b) / (norm(a) * norm(b)) if norm(a) and norm(b) else np.inf),
        ("squared", APART, "a norm is a sum of squares",
         "The norm is the root of the sum of squares. For 3 and 4 it is 5.",
         lambda a, b: np.sum((a - b) ** 2) / (np.sum(a**2) + np.sum(b**2))),
        ("gap-of-norms", APART, "the norms are compared",
         "Two gradients of one length may point to opposite sides. Subtract the vectors first, then take the "
         "norm.", lambda a, b: abs(norm(a) - norm(b)) / (norm(a) + norm(b))),
        ("absolute-values", APART, "a norm sums absolute values",
         "That is another norm. The Euclidean one is the root of the sum of squares.",
         lambda a, b: np.abs(a - b).sum() / (np.abs(a).sum() + np.abs(b).sum())),
        ("largest-entry", APART, "a norm is the largest entry",
         "That is another norm. The Euclidean one is the root of the sum of squares.",
         lambda a, b: np.abs(a - b).max() / (np.abs(a).max() + np.abs(b).max())),
        ("entry-by-entry", APART, "the entries' relative differences are averaged",
         "Then one entry near 0 can spoil everything. Norms of whole vectors are asked for.",
         lambda a, b: np.mean(np.abs(a - b) / np.maximum(np.abs(a) + np.abs(b), 1e-300))),
        ("largest-of-entries", APART, "the entry that fits worst decides",
         "CS231n compares two arrays so, entry by entry. Here whole vectors are compared: by which norms?",
         lambda a, b: np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b)))),
        ("sum-above", APART, "the vectors are added",
         "Equal vectors should give 0. Which sign stands between them?",
         lambda a, b: norm(a + b) / (norm(a) + norm(b))),
        ("no-brackets", APART, "a / b + c divides by b + c",
         "Python divides first: a / b + c is (a / b) + c. Put the sum in brackets.",
         lambda a, b: norm(a - b) / norm(a) + norm(b) if norm(a) else np.inf),
        ("verdict", APART, "the answer is whether they agree",
         "Return the number itself: 1e-7 and 1e-3 tell different stories.",
         lambda a, b: bool(norm(a - b) / (norm(a) + norm(b)) < 1e-7)),
    )
)  # fmt: skip


@exposed_by(NOTHING)
def relative_zero_by_zero(grad, grad_approx):
    """The denominator is never 0.

    A parameter that does nothing has two gradients of zero, and 0/0 is not a number. They agree: 0.0.
    """
    total = norm(grad) + norm(grad_approx)
    return norm(grad - grad_approx) / total if total else np.nan


@exposed_by(NOTHING)
def relative_zero_is_one(grad, grad_approx):
    """Where nothing can be divided the difference is 1.

    Two vectors of zeros agree completely. What does complete agreement give?
    """
    total = norm(grad) + norm(grad_approx)
    return norm(grad - grad_approx) / total if total else 1.0


SMALL = "small gradients count as much as large ones"


def relative_with_epsilon(grad, grad_approx):
    return norm(grad - grad_approx) / (norm(grad) + norm(grad_approx) + 1e-8)


def relative_small_is_zero(grad, grad_approx):
    total = norm(grad) + norm(grad_approx)
    return norm(grad - grad_approx) / total if total > 1e-8 else 0.0


def relative_by_dot(grad, grad_approx):
    gap = np.asarray(grad, dtype=float) - grad_approx
    total = sum(np.sqrt(np.dot(v, v)) for v in (np.asarray(grad, float), np.asarray(grad_approx, float)))
    return np.sqrt(np.dot(gap, gap)) / total if total > 0 else 0.0


def relative_by_loops(grad, grad_approx):
    def length(entries):
        return sum(float(entry) ** 2 for entry in entries) ** 0.5

    total = length(grad) + length(grad_approx)
    if total == 0:
        return 0
    return length(float(a) - float(b) for a, b in zip(grad, grad_approx, strict=True)) / total


def relative_by_hypot(grad, grad_approx):
    lengths = [np.hypot.reduce(v.astype(np.float64)) for v in (grad, grad_approx, grad_approx - grad)]
    with np.errstate(invalid="ignore"):
        return np.array(np.nan_to_num(lengths[2] / np.add(lengths[0], lengths[1])))


relative_difference = Exercise(
    reference.relative_difference,
    (
        Case(
            APART,
            "Three entries, far apart, so that another norm or another denominator gives another number.",
            lambda rng: [by_hand(rng), two(rng, 4, apart=0.6)],
            public=True,
            marks=2,
            ask="Work out the three norms by hand, one after the other, then put them together.",
        ),
        Case(
            NOTHING,
            "0/0.",
            lambda rng: [
                {"grad": np.zeros(n), "grad_approx": np.zeros(n)} for n in rng.permutation(50)[:3] + 1
            ],
            public=True,
            ask="What do you divide by when both vectors are zero?",
        ),
        Case(
            ONE_IS_ZERO,
            "The most that is possible is 1, whichever of the two is zero.",
            lambda rng: [
                {"grad": a * v, "grad_approx": b * v}
                for a, b in ((1, -1), (1, 0), (0, 1))
                for v in [two(rng, 3)["grad"].round(1)]
            ],
            public=True,
            after=(APART,),
            ask="Which of your norms is 0 here? What is the rest?",
        ),
        Case(
            SMALL,
            "Gradients of size 1e-9 and 1e-7: something added to the denominator, or a limit, shows.",
            lambda rng: [two(rng, 3, scale=1e-9), two(rng, 5, scale=1e-7)],
            public=True,
            after=(APART,),
            ask="Multiply both vectors by 1000. Does your number stay?",
        ),
        Case(
            "gradients of every size",
            "1e-60 to 1e60, and a hundredth of what plain floats can square.",
            lambda rng: [two(rng, 4, scale=scale) for scale in (1e-60, 1e-12, 1e-4, 1e4, 1e60)],
            after=(APART,),
        ),
        Case(
            "from alike to unlike",
            "Readings from 1e-7, which is fine, to 1e-3, which is not, exactly equal, and entries that add "
            "up to 0, as those of a softmax do.",
            lambda rng: [
                *(two(rng, 6, apart=apart) for apart in (1e-7, 1e-5, 1e-3)),
                {name: v for v in [two(rng, 6)["grad"]] for name in ("grad", "grad_approx")},
                {"grad": np.array([1.5, -1.5, 0.0]), "grad_approx": np.array([0.5, 2.0, -2.5])},
            ],
            after=(APART,),
        ),
        Case(
            "one entry, and a thousand",
            "n = 1 and n = 1000.",
            lambda rng: [two(rng, 1), two(rng, 1, apart=2.5), two(rng, 1000)],
            after=(APART,),
        ),
        Case(
            "whole numbers and float32",
            "Entries arrive in other number types.",
            lambda rng: [two(rng, 5, dtype=np.int64), two(rng, 5, dtype=np.float32)],
            after=(APART,),
            rtol=1e-4,
            atol=1e-5,
        ),
    ),
    (
        *RELATIVE_MISTAKES,
        relative_zero_by_zero,
        relative_zero_is_one,
        Misconception(
            "relative-epsilon-below",
            "a small number in the denominator does no harm",
            relative_with_epsilon,
            SMALL,
            "It makes small gradients look right, whatever they are. Ask whether both are zero instead.",
        ),
        Misconception(
            "relative-floor-below",
            "a denominator of at least 1e-8 does no harm",
            lambda grad, grad_approx: (
                norm(grad - grad_approx) / np.maximum(norm(grad) + norm(grad_approx), 1e-8)
            ),
            SMALL,
            "It makes gradients of 1e-9 look alike, whatever they are. Ask whether both are zero instead.",
        ),
        Misconception(
            "relative-either-is-zero",
            "a gradient of zero is as good as none to compare",
            relative(lambda a, b: norm(a - b) / (norm(a) + norm(b)) if np.any(a) and np.any(b) else 0.0),
            ONE_IS_ZERO,
            "A gradient of 0 where the slope is not is as wrong as can be. When are there really two zeros?",
        ),
        Misconception(
            "relative-small-is-zero",
            "below 1e-8 everything is zero",
            relative_small_is_zero,
            SMALL,
            "Gradients may be small and still wrong. Only two vectors of zeros have nothing to divide by.",
        ),
    ),
    (relative_by_dot, relative_by_loops, relative_by_hypot),
)


# --- check_each ---------------------------------------------------------------------------------------------

ONE_LAYER = "one layer, one number for each array"
CULPRIT = "a planted mistake shows in its own array"
IDLE = "an array that does nothing, with a gradient of zero"


def planted(
    rng,
    sizes,
    epsilon,
    wrong=1,
    bend=0.0,
    coupling=0.0,
    scale=1.0,
    without=(),
    dtype=np.float64,
    whole=False,
    one_entry=False,
):
    """A network, a cost, its gradients, and in `wrong` arrays a mistake.

    All numbers are quarters: a right array of a cost without a cubic term differs by exactly 0.
    """
    grid = 1 if whole else 4

    def quarters(shape):
        values = rng.integers(1, 9, size=shape) * rng.choice([-1, 1], size=shape) / grid
        return values.astype(dtype)

    parameters = {name: quarters(array.shape) for name, array in network(rng, sizes).items()}
    offset = 9 if whole else 3  # nothing lies at the bottom
    centre = {name: np.round(array * 0.25 * grid) / grid + offset for name, array in parameters.items()}
    apart = {name: parameters[name] - centre[name] for name in parameters}
    total = sum(float(d.sum()) for name, d in apart.items() if name not in without)
    grads = {
        "d" + name: (0.0 if name in without else scale) * (d + 3 * bend * d**2 + coupling * total)
        for name, d in apart.items()
    }
    spoil = [lambda g: 2 * g, lambda g: -g, lambda g: 4 * g, np.zeros_like, lambda g: g + scale, spoil_one]
    others = rng.permutation([name for name in parameters if name not in without])[:wrong].tolist()
    for name, k in zip(others, rng.permutation(len(spoil)).tolist() * 9, strict=False):
        grads["d" + name] = spoil[k](grads["d" + name])
    if one_entry:
        grads["dW1"] = spoil_one(grads["dW1"])
    options = {"centre": centre, "bend": bend, "coupling": coupling, "scale": scale, "without": list(without)}
    if len(sizes) > 5:
        parameters, grads = shuffled(rng, parameters), shuffled(rng, grads)
    arguments = {"cost": Named("bent_bowl_of_parameters", options), "parameters": parameters, "grads": grads}
    return arguments | {"epsilon": epsilon}


def spoil_one(grad):
    """Wrong in a single entry."""
    spoilt = grad.copy()
    spoilt.flat[-1] *= 3
    return spoilt


def steep_network(rng, sizes):
    parameters = network(rng, sizes)
    grads = {
        "d" + name: STEEPNESS * rng.uniform(0.3, 1, size=array.shape).round(2)
        for name, array in parameters.items()
    }
    cost = Named("ripples", {"frequency": STEEPNESS})
    return {"cost": cost, "parameters": parameters, "grads": grads}


def moved_by(parameters, name, index, epsilon):
    """The parameters with a single entry moved."""
    moved = {key: np.array(array, dtype=float) for key, array in parameters.items()}
    moved[name][index] += epsilon
    return moved


def slopes_of(cost, parameters, name, epsilon, sides=(1, -1)):
    slopes = np.zeros(parameters[name].shape)
    for index in np.ndindex(slopes.shape):
        right, left = (cost(moved_by(parameters, name, index, side * epsilon)) for side in sides)
        slopes[index] = (right - left) / ((sides[0] - sides[1]) * epsilon)
    return slopes


def apart(a, b):
    return reference.relative_difference(np.ravel(a), np.ravel(b))


def checking(names=in_order, label=lambda name: name, distance=apart, slopes=slopes_of, default=1e-7):
    """Return a wrong check_each."""

    def wrong(cost, parameters, grads, epsilon=default):
        return {
            label(name): distance(
                grads["d" + name],
                slopes(cost, parameters, name, epsilon),
            )
            for name in names(parameters)
        }

    return wrong


def flattened(arrays, names, prefix=""):
    return np.concatenate([np.ravel(arrays[prefix + name]) for name in names])


@exposed_by(ONE_LAYER)
def check_each_one_for_all(cost, parameters, grads, epsilon=1e-7):
    """The relative difference of the whole gradient stands behind every name.

    Then every array looks equally guilty. Compare dW1 with the slopes along W1 alone, then db1, and so on.
    """
    names = in_order(parameters)
    slopes = {name: slopes_of(cost, parameters, name, epsilon) for name in names}
    together = apart(flattened(grads, names, "d"), flattened(slopes, names))
    return {name: together for name in names}


@exposed_by(ONE_LAYER)
def check_each_single_number(cost, parameters, grads, epsilon=1e-7):
    """One number says whether the gradients are right.

    It says that something is wrong, not what. A dict is asked for, with a number for each array.
    """
    return check_each_one_for_all.wrong(cost, parameters, grads, epsilon)["W1"]


@exposed_by(ONE_LAYER)
def check_each_whole_array(cost, parameters, grads, epsilon=1e-7):
    """An array can be moved as a whole.

    Then nobody can tell which entry the cost rose for. Move one entry at a time.
    """

    def slopes(name):
        right, left = (cost({**parameters, name: parameters[name] + side * epsilon}) for side in (1, -1))
        return np.full(parameters[name].shape, (right - left) / (2 * epsilon))

    return {name: apart(grads["d" + name], slopes(name)) for name in in_order(parameters)}


@exposed_by(ONE_LAYER)
def check_each_shallow_copy(cost, parameters, grads, epsilon=1e-7):
    """parameters.copy() copies the arrays.

    It copies the dict; both dicts hold the same arrays, so one step undoes the other. How is an array copied?
    """

    def slopes(name):
        found = np.zeros(parameters[name].shape)
        for index in np.ndindex(found.shape):
            above, below = parameters.copy(), parameters.copy()
            above[name][index] += epsilon
            below[name][index] -= epsilon
            found[index] = (cost(above) - cost(below)) / (2 * epsilon)
        return found

    return {name: apart(grads["d" + name], slopes(name)) for name in in_order(parameters)}


@exposed_by(ONE_LAYER)
def check_each_steps_pile_up(cost, parameters, grads, epsilon=1e-7):
    """Two copies of the parameters are enough for a whole array.

    When the second entry's turn comes, what has become of the first in your copies?
    """

    def slopes(name):
        above, below = ({n: np.array(a, dtype=float) for n, a in parameters.items()} for _ in range(2))
        found = np.zeros(parameters[name].shape)
        for index in np.ndindex(found.shape):
            above[name][index] += epsilon
            below[name][index] -= epsilon
            found[index] = (cost(above) - cost(below)) / (2 * epsilon)
        return found

    return {name: apart(grads["d" + name], slopes(name)) for name in in_order(parameters)}


@exposed_by(LAYERS)
def check_each_slices_of_the_dict(cost, parameters, grads, epsilon=1e-7):
    """The vector of slopes can be cut in the order of the dict.

    to_vector goes W1, b1, W2, ..., whatever the dict's order: cut in the same order, or use from_vector.
    """
    slopes = flattened({n: slopes_of(cost, parameters, n, epsilon) for n in parameters}, in_order(parameters))
    result, start = {}, 0
    for name, array in parameters.items():
        result[name] = apart(grads["d" + name], slopes[start : start + array.size])
        start += array.size
    return result


@exposed_by(LAYERS)
def check_each_dicts_side_by_side(cost, parameters, grads, epsilon=1e-7):
    """Both dicts were filled in the same order.

    They may have been filled in any order. Which key of grads belongs to W1, whatever its place?
    """
    return {
        name: apart(np.resize(grad, parameters[name].shape), slopes_of(cost, parameters, name, epsilon))
        for name, grad in zip(parameters, grads.values(), strict=True)
    }


@exposed_by(WHOLE)
def check_each_cut_to_integers(cost, parameters, grads, epsilon=1e-7):
    """A copy of a parameter can hold it and epsilon.

    A copy of whole numbers holds whole numbers: 2 + 0.5 becomes 2 again. Copy as floats.
    """

    def slopes(name):
        found = np.zeros(parameters[name].shape)
        for index in np.ndindex(found.shape):
            costs = []
            for side in (1, -1):
                moved = {key: array.copy() for key, array in parameters.items()}
                moved[name][index] = parameters[name][index] + side * epsilon
                costs.append(cost(moved))
            found[index] = (costs[0] - costs[1]) / (2 * epsilon)
        return found

    return {name: apart(grads["d" + name], slopes(name)) for name in in_order(parameters)}


@exposed_by(HABITS)
def check_each_moves_parameters(cost, parameters, grads, epsilon=1e-7):
    """The parameters may stay where the last step took them.

    Whoever calls you goes on training with them. Work on copies.
    """
    result = checking()(cost, parameters, grads, epsilon)
    for name in parameters:
        parameters[name][...] = parameters[name] + 1
    return result


def check_each_mistake(key, belief, hint, case, **how):
    return Misconception(f"check-each-{key}", belief, checking(**how), case, hint)


def entrywise(a, b):
    size = np.abs(a) + np.abs(b)
    return float(np.mean(np.where(size > 0, np.abs(a - b) / np.where(size > 0, size, 1), 0)))


def zero_by_zero(a, b):
    total = norm(a) + norm(b)
    return norm(a - b) / total if total else np.nan


def check_each_by_vector(cost, parameters, grads, epsilon=1e-7):
    shapes = [(n, parameters[n].shape, parameters[n].size) for n in in_order(parameters)]
    theta = np.concatenate([parameters[n].ravel().astype(float) for n, _, _ in shapes])

    def unflatten(vector):
        ends = np.cumsum([size for _, _, size in shapes])
        return {
            n: vector[end - size : end].reshape(s) for (n, s, size), end in zip(shapes, ends, strict=True)
        }

    slopes = np.zeros_like(theta)
    for i in range(theta.size):
        above, below = theta.copy(), theta.copy()
        above[i] += epsilon
        below[i] -= epsilon
        slopes[i] = (cost(unflatten(above)) - cost(unflatten(below))) / (2 * epsilon)
    result = {}
    for n, approx in unflatten(slopes).items():
        total = norm(grads[f"d{n}"]) + norm(approx)
        result[n] = 0.0 if total == 0 else float(norm(grads[f"d{n}"] - approx) / total)
    return result


def check_each_put_back(cost, parameters, grads, epsilon=1e-7):
    work = {name: array.astype(np.float64) for name, array in parameters.items()}
    result = {}
    for name, array in work.items():
        slopes = np.empty(array.size)
        for i, kept in enumerate(array.ravel().tolist()):
            array.flat[i] = kept + epsilon
            above = cost(work)
            array.flat[i] = kept - epsilon
            slopes[i] = (above - cost(work)) / epsilon / 2
            array.flat[i] = kept
        grad = grads["d" + name].ravel()
        size = np.sqrt(np.sum(grad**2)) + np.sqrt(np.sum(slopes**2))
        result[name] = np.array(np.sqrt(np.sum((grad - slopes) ** 2)) / size if size else 0)
    return result


def check_each_array_by_array(cost, parameters, grads, epsilon=1e-7):
    def along(name):
        def cost_of(entries):
            return cost({**parameters, name: entries.reshape(parameters[name].shape)})

        theta = parameters[name].ravel() * 1.0
        return [
            (cost_of(theta + step) - cost_of(theta - step)) / (2 * epsilon)
            for step in epsilon * np.eye(theta.size)
        ]

    return {name: apart(grads["d" + name], np.array(along(name))) for name in parameters}


check_each = Exercise(
    reference.check_each,
    (
        Case(
            ONE_LAYER,
            "A cost whose entries all pull at each other, with a cubic term: sides and step show.",
            lambda rng: [
                planted(rng, [2, 2], 0.5, wrong=0, bend=0.25, coupling=0.25, one_entry=True),
                planted(rng, [3, 1], 0.25, wrong=2, bend=0.5, coupling=0.25),
            ],
            public=True,
            marks=2,
            ask="Take b1 alone: which numbers of grads, and which slopes of the cost, belong to it?",
        ),
        Case(
            CULPRIT,
            "Two and three layers, one array wrong; the others differ by exactly 0.",
            lambda rng: [
                planted(rng, [2, 3, 1], 0.5, coupling=0.5),
                planted(rng, [3, 2, 2, 1], 0.25, coupling=0.25),
                planted(rng, [2, 2, 1], 0.25, wrong=0, coupling=0.25),
            ],
            public=True,
            after=(ONE_LAYER,),
            ask="How many arrays has the network, and how many numbers do you return?",
        ),
        Case(
            IDLE,
            "0/0: both gradients of the array are zero.",
            lambda rng: [
                planted(rng, [3, 2], 0.5, without=("b1",)),
                planted(rng, [2, 3, 1], 0.25, without=("W2", "b1")),
            ],
            public=True,
            after=(ONE_LAYER,),
            ask="What should two gradients of zero differ by?",
        ),
        Case(
            LAYERS,
            "W10 comes after W9; both dicts were filled in other orders.",
            lambda rng: planted(rng, NARROW, 0.5, wrong=8, coupling=0.25),
            public=True,
            after=(ONE_LAYER, CULPRIT),
            ask="Which slopes belong to W10?",
        ),
        Case(
            WHOLE,
            "A copy of whole numbers cannot hold a step of a half.",
            lambda rng: planted(rng, [2, 2, 1], 0.5, coupling=1.0, dtype=np.int64, whole=True),
            public=True,
            after=(ONE_LAYER,),
            ask="Print the parameters that you hand to cost. Did the entry move?",
        ),
        Case(
            USUAL,
            "A cost so steep that 1e-7 and 1e-6 give different slopes.",
            lambda rng: steep_network(rng, [3, 2]),
            public=True,
            after=(ONE_LAYER,),
            ask="What is epsilon when nobody hands one in?",
            **STEEP,
        ),
        Case(
            "single units",
            "Arrays of one entry.",
            lambda rng: [
                planted(rng, [1, 1], 0.5, bend=0.25),
                planted(rng, [1, 1, 1], 0.25, wrong=2, coupling=0.5),
                planted(rng, [1] * 5, 0.5, wrong=3, bend=0.25),
            ],
            after=(ONE_LAYER,),
        ),
        Case(
            "small gradients count as much as large ones",
            "A cost in millionths of millionths: something added to a denominator, or a limit, shows.",
            lambda rng: [
                planted(rng, [2, 2, 1], 0.5, wrong=2, coupling=0.5, scale=2.0**-40),
                planted(rng, [2, 2, 1], 0.5, wrong=2, coupling=0.5, scale=2.0**40),
            ],
            after=(ONE_LAYER,),
        ),
        Case(
            "long steps and short ones",
            "The step shows through the cubic term: 1, 1/16 and, as no power of two, 0.03.",
            lambda rng: [
                planted(rng, [2, 3, 1], epsilon, wrong=3, bend=0.5, coupling=0.25)
                for epsilon in (1.0, 0.0625, 0.03)
            ],
            after=(ONE_LAYER,),
            rtol=1e-6,
            atol=1e-6,
        ),
        Case(
            "float32",
            "Quarters, which single precision holds as well.",
            lambda rng: planted(rng, [4, 3, 2], 0.5, wrong=2, bend=0.25, coupling=0.25, dtype=np.float32),
            after=(ONE_LAYER,),
            **SINGLE,
        ),
    ),
    (
        check_each_mistake(
            "names-of-gradients",
            "the keys are those of grads",
            "Your numbers are right. Each is to stand under the parameter's own name: W1, not dW1.",
            ONE_LAYER,
            label=lambda name: "d" + name,
        ),
        check_each_mistake(
            "one-sided",
            "one step forward will do",
            "That is the one-sided difference. Where does the step to the other side come in?",
            ONE_LAYER,
            slopes=lambda cost, parameters, name, e: slopes_of(cost, parameters, name, e, (1, 0)),
        ),
        check_each_mistake(
            "one-epsilon",
            "every difference is divided by epsilon",
            "Are your slopes twice too large? From one step to the other it is 2 epsilon.",
            ONE_LAYER,
            slopes=lambda cost, parameters, name, e: 2 * slopes_of(cost, parameters, name, e),
        ),
        check_each_mistake(
            "wired-in-step",
            "epsilon is 1e-7 in any case",
            "Is epsilon handed on to numerical_gradient?",
            ONE_LAYER,
            slopes=lambda cost, parameters, name, e: slopes_of(cost, parameters, name, 1e-7),
        ),
        *(
            check_each_mistake(
                f"default-1e{exponent}",
                f"epsilon is 1e{exponent} unless somebody says otherwise",
                "Compare the default of epsilon with what the exercise asks for.",
                USUAL,
                default=10.0**exponent,
            )
            for exponent in (-8, -6, -5, -4, -3)
        ),
        check_each_mistake(
            "norm-not-divided",
            "the norm of the difference says enough",
            "Arrays of different size are to be compared: take the relative difference of each.",
            ONE_LAYER,
            distance=lambda a, b: float(norm(a - b)),
        ),
        check_each_mistake(
            "by-one-norm",
            "the size is that of the gradient",
            "If grads is wrong, its norm is too. Both norms stand in the denominator, as a sum.",
            ONE_LAYER,
            distance=lambda a, b: float(norm(a - b) / norm(a)) if np.any(a) else float(np.any(b)),
        ),
        check_each_mistake(
            "squared",
            "a norm is a sum of squares",
            "The norm is the root of the sum of squares. For 3 and 4 it is 5.",
            ONE_LAYER,
            distance=lambda a, b: (
                float(np.sum((a - b) ** 2) / (np.sum(a**2) + np.sum(b**2))) if np.any(a) or np.any(b) else 0.0
            ),
        ),
        check_each_mistake(
            "entry-by-entry",
            "the entries' relative differences are averaged",
            "Norms of the whole array are asked for: your relative_difference of the two, raveled.",
            ONE_LAYER,
            distance=entrywise,
        ),
        check_each_mistake(
            "spectral-norm",
            "np.linalg.norm(W, 2) is the Euclidean norm of a matrix",
            "For a matrix, norm(W, 2) is its largest stretch. Ravel first, then take the norm.",
            ONE_LAYER,
            distance=lambda a, b: (
                norm(a - b, 2) / (norm(a, 2) + norm(b, 2)) if np.any(a) or np.any(b) else 0.0
            ),
        ),
        check_each_mistake(
            "column-by-column",
            "both may be raveled in any way",
            "Entry by entry the same: the slopes of W run row by row. Do the entries of dW?",
            ONE_LAYER,
            distance=lambda a, b: apart(np.ravel(a, order="F"), np.ravel(b)),
        ),
        check_each_mistake(
            "verdict",
            "the answer is whether an array is right",
            "Return the numbers themselves: 1e-7 and 1e-3 tell different stories.",
            ONE_LAYER,
            distance=lambda a, b: bool(apart(a, b) < 1e-7),
        ),
        check_each_mistake(
            "weights-alone",
            "only W have gradients worth a check",
            "db is easily wrong as well, by a sum that should be a mean. Where are the b?",
            ONE_LAYER,
            names=lambda parameters: [name for name in in_order(parameters) if name[0] == "W"],
        ),
        check_each_mistake(
            "last-layer-left-out",
            "range(1, L) counts up to L",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
            ONE_LAYER,
            names=lambda parameters: in_order(parameters)[:-2],
        ),
        check_each_mistake(
            "three-layers",
            "a network has at most three layers",
            "Let the dict tell you how many layers there are: half as many as keys.",
            LAYERS,
            names=first_three,
        ),
        check_each_mistake(
            "zero-by-zero",
            "the denominator is never 0",
            "An array that does nothing has two gradients of zero, and 0/0 is not a number. They agree: 0.0.",
            IDLE,
            distance=zero_by_zero,
        ),
        check_each_one_for_all,
        check_each_single_number,
        check_each_whole_array,
        check_each_shallow_copy,
        check_each_steps_pile_up,
        check_each_slices_of_the_dict,
        check_each_dicts_side_by_side,
        check_each_cut_to_integers,
        check_each_moves_parameters,
    ),
    (check_each_by_vector, check_each_put_back, check_each_array_by_array),
)

EXERCISES = (
    one_sided_difference,
    two_sided_difference,
    to_vector,
    from_vector,
    numerical_gradient,
    relative_difference,
    check_each,
)
