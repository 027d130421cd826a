"""Initialization: first weights, and what they do to a signal.

Where weights are drawn, nothing here knows them beforehand: the verifiers of `course_utils.properties` judge
by what chance allows. Sizes are such that 1/n and 2/n, inputs and units, bell and box are worlds apart.
"""

import itertools
import math

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from autograder.exercises._mistakes import exposed_by
from course_utils import properties
from course_utils.calls import Call
from course_utils.examine import HABITS
from course_utils.plain import Draws, Named
from course_utils.reference import initialization as reference

TWELVE = [3, 5, 4, 6, 2, 7, 3, 4, 5, 2, 6, 4, 1]  # 13 sizes, 12 layers: W10 comes after W9


def build(layer_dims, draw, bias=lambda n: np.zeros((n, 1)), start=1):
    """Return the dict that `draw(n_prev, n)` and `bias(n)` fill, layer by layer."""
    parameters = {}
    for layer, (n_prev, n) in enumerate(itertools.pairwise(layer_dims), start=start):
        parameters[f"W{layer}"] = draw(n_prev, n)
        parameters[f"b{layer}"] = bias(n)
    return parameters


def sizes_of(*lists):
    return [{"layer_dims": sizes} for sizes in lists]


# --- initialize_zeros -------------------------------------------------------------------------------------

KEYS = "each layer has its W and its b, of the right shape, all zero"
FLOATS = "training can write fractions into them"


@exposed_by(KEYS)
def zeros_transposed(layer_dims):
    """W has a row for each input.

    W[l] is multiplied from the left, Z = W A: how many rows must it have so that Z has one row a unit?
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n_prev, n)))


@exposed_by(KEYS)
def zeros_flat_bias(layer_dims):
    """b is a list of n numbers.

    Added to Z of shape (n, m), an array of shape (n,) is laid along the examples, not along the units. Make
    it a column: (n, 1).
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)), lambda n: np.zeros(n))


@exposed_by(KEYS)
def zeros_row_bias(layer_dims):
    """b is a row.

    Units are rows of Z, so what is added to each unit must stand in a row of its own: shape (n, 1).
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)), lambda n: np.zeros((1, n)))


@exposed_by(KEYS)
def zeros_number_for_bias(layer_dims):
    """A layer has one bias, a number.

    Logistic regression has one because it has one unit. Each unit of a layer shifts its own row of Z: which
    shape holds a number for each of n rows?
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)), lambda n: 0.0)


@exposed_by(KEYS)
def zeros_counted_from_0(layer_dims):
    """The first layer is number 0.

    layer_dims[0] are the inputs, which have no weights. The first layer with weights is number 1: W1, b1.
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)), start=0)


@exposed_by(KEYS)
def zeros_without_the_output(layer_dims):
    """The last size is the output, which needs no weights.

    The output layer computes like all others. range(1, len(layer_dims)) ends with which layer?
    """
    return build(layer_dims[:-1], lambda n_prev, n: np.zeros((n, n_prev)))


@exposed_by(KEYS)
def zeros_but_one(layer_dims):
    """A bias starts at one.

    Some recipes do so elsewhere. Here everything is to be zero, so that we can watch what that leads to.
    """
    return build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)), lambda n: np.ones((n, 1)))


@exposed_by(KEYS)
def zeros_nearly(layer_dims):
    """Small enough is zero.

    A small constant is as symmetric as zero, but it is not zero: np.zeros.
    """
    return build(layer_dims, lambda n_prev, n: np.full((n, n_prev), 0.01))


@exposed_by(KEYS)
def zeros_weights_alone(layer_dims):
    """Zero biases may be left out.

    Z = W A + b asks for b, and training will move it away from zero. Each layer has its W and its b.
    """
    return {f"W{k}": np.zeros((n, p)) for k, (p, n) in enumerate(itertools.pairwise(layer_dims), start=1)}


@exposed_by(FLOATS)
def zeros_of_whole_numbers(layer_dims):
    """A zero is a zero.

    np.full(shape, 0) and np.array([[0, 0]]) hold integers, and W -= 0.1 * dW stops there. Write 0.0, or
    use np.zeros.
    """
    return build(layer_dims, lambda n_prev, n: np.full((n, n_prev), 0), lambda n: np.full((n, 1), 0))


@exposed_by(HABITS)
def zeros_shared(layer_dims):
    """A view of zeros is as good as zeros.

    Whoever changes W changes b with it: they are one piece of memory. Give each array zeros of its own.
    """
    parameters = build(layer_dims, lambda n_prev, n: np.zeros((n, n_prev)))
    return {**parameters, **{f"b{name[1:]}": W[:, :1] for name, W in parameters.items() if name[0] == "W"}}


def zeros_by_index(layer_dims):
    parameters = {}
    for layer in range(len(layer_dims) - 1, 0, -1):
        parameters["b" + str(layer)] = np.full((layer_dims[layer], 1), 0.0)
        parameters["W" + str(layer)] = np.array(
            [[0.0] * layer_dims[layer - 1] for _ in range(layer_dims[layer])]
        )
    return parameters


def zeros_recursive(layer_dims):
    *before, n_prev, n = layer_dims
    known = zeros_recursive([*before, n_prev]) if before else {}
    layer = len(before) + 1
    return known | {f"W{layer}": 0.0 * np.ones((n, n_prev)), f"b{layer}": np.zeros(n).reshape(-1, 1)}


def zeros_zipped(layer_dims):
    pairs = list(zip(layer_dims[1:], layer_dims[:-1], strict=True))
    weights = {f"W{i + 1}": np.zeros(shape) for i, shape in enumerate(pairs)}
    return weights | {f"b{i + 1}": np.zeros((n, 1)) for i, (n, _) in enumerate(pairs)}


initialize_zeros = Exercise(
    reference.initialize_zeros,
    (
        Case(
            KEYS,
            "Sizes all differ, so that a transposed W and a lost axis show; one to three layers.",
            lambda rng: sizes_of(*(rng.permutation(np.arange(1, 9))[:n].tolist() for n in (3, 4, 2))),
            public=True,
            ask="Write down the shapes of Z = W A + b for the first layer. Does each of yours fit?",
        ),
        Case(
            FLOATS,
            "Integers cut off every fraction, and W -= ... stops at them.",
            lambda rng: sizes_of(rng.permutation(np.arange(2, 9))[:3].tolist()),
            public=True,
            verify=properties.parameters_hold_floats,
            after=(KEYS,),
            ask="Which number type has W1.dtype?",
        ),
        Case(
            "a single unit, a single layer",
            "(1, 1) hides a transposed W, but not a missing axis.",
            lambda rng: sizes_of(
                [1, 1], [1, int(rng.integers(3, 9))], [int(rng.integers(3, 9)), 1], [1, 2, 1]
            ),
            after=(KEYS,),
        ),
        Case(
            "twelve layers",
            "W10 is there, and after W9; sizes as NumPy integers too.",
            lambda rng: sizes_of(TWELVE, [np.int64(n) for n in rng.integers(1, 9, 13)]),
            after=(KEYS,),
        ),
        Case(
            "wide layers",
            "Sizes that nobody has wired in.",
            lambda rng: sizes_of(rng.integers(20, 200, 4).tolist(), [784, 30, 10]),
            after=(KEYS,),
        ),
    ),
    (
        zeros_transposed,
        zeros_flat_bias,
        zeros_row_bias,
        zeros_number_for_bias,
        zeros_counted_from_0,
        zeros_without_the_output,
        zeros_but_one,
        zeros_nearly,
        zeros_weights_alone,
        zeros_of_whole_numbers,
        zeros_shared,
    ),
    (zeros_by_index, zeros_recursive, zeros_zipped),
)


# --- the four that draw -----------------------------------------------------------------------------------


def xavier(n_prev, n):
    return math.sqrt(1 / n_prev)


def glorot(n_prev, n):
    return math.sqrt(2 / (n_prev + n))


def he(n_prev, n):
    return math.sqrt(2 / n_prev)


def taking(rule, body):
    """Give `body(layer_dims, rng, deviation)` the signature of an exercise; without a rule, by scale."""
    if rule is None:
        return lambda layer_dims, scale, rng: body(layer_dims, rng, lambda n_prev, n: scale)
    return lambda layer_dims, rng: body(layer_dims, rng, rule)


def weights(draw):
    """Return a body in which `draw(rng, shape, s)` makes the weights of a layer."""
    return lambda layer_dims, rng, s: build(layer_dims, lambda p, n: draw(rng, (n, p), s(p, n)))


def spread(wrong):
    """Return a body in which `wrong(n_prev, n, s)` stands for the standard deviation s."""
    return lambda layer_dims, rng, s: build(
        layer_dims, lambda p, n: rng.standard_normal((n, p)) * wrong(p, n, s(p, n))
    )


def same_for_all(layer_dims, rng, s):
    first = s(*layer_dims[:2])
    return build(layer_dims, lambda p, n: rng.standard_normal((n, p)) * first)


def bias(make):
    return lambda layer_dims, rng, s: build(
        layer_dims,
        lambda p, n: rng.standard_normal((n, p)) * s(p, n),
        lambda n: make(rng, n),
    )


def each_layer_reseeded(layer_dims, rng, s):
    seed = int(rng.integers(2**31))
    return build(layer_dims, lambda p, n: np.random.default_rng(seed).standard_normal((n, p)) * s(p, n))


def with_own_seed(layer_dims, rng, s):
    own = np.random.default_rng(3)
    return build(layer_dims, lambda p, n: own.standard_normal((n, p)) * s(p, n))


def resampled_tails(rng, shape, s):
    z = rng.standard_normal(shape)
    while (np.abs(z) > 2).any():
        z = np.where(np.abs(z) > 2, rng.standard_normal(shape), z)
    return z * s / 0.8796  # the standard deviation of what is left between -2 and 2


FORM = "each layer has a W of the right shape and a b of zeros"
SPREAD = "the weights of every layer have the right spread"
NORMAL = "the weights are normal numbers around zero"
ALONE = "every weight is drawn on its own"
TWINS = "equal generators give equal weights, the next call new ones"

COMMON = {  # what goes wrong whatever the scheme: key -> (belief, body, case, hint)
    "transposed": (
        "W has a row for each input",
        lambda layer_dims, rng, s: build(layer_dims, lambda p, n: rng.standard_normal((p, n)) * s(p, n)),
        FORM,
        "W[l] is multiplied from the left, Z = W A: how many rows must it have so that Z has one row a unit?",
    ),
    "flat-bias": (
        "b is a list of n numbers",
        bias(lambda rng, n: np.zeros(n)),
        FORM,
        "Added to Z of shape (n, m), an array of shape (n,) is laid along the examples. Make it a column.",
    ),
    "bias-drawn": (
        "the biases must be drawn as well, to break symmetry",
        bias(lambda rng, n: rng.standard_normal((n, 1))),
        FORM,
        "Rows of W that differ are enough to tell units apart: b may start at zero, and here it does.",
    ),
    "counted-from-0": (
        "the first layer is number 0",
        lambda layer_dims, rng, s: build(
            layer_dims, lambda p, n: rng.standard_normal((n, p)) * s(p, n), start=0
        ),
        FORM,
        "layer_dims[0] are the inputs, which have no weights. The first with weights is number 1: W1, b1.",
    ),
    "without-the-output": (
        "the last size is the output, which needs no weights",
        lambda layer_dims, rng, s: build(layer_dims[:-1], lambda p, n: rng.standard_normal((n, p)) * s(p, n)),
        FORM,
        "The output layer computes like all others. range(1, len(layer_dims)) ends with which layer?",
    ),
    "smaller-still": (
        "small weights are safe, so a factor 0.01 goes on top",
        spread(lambda p, n, s: 0.01 * s),
        SPREAD,
        "The spread that is asked for is small enough. What is left of a signal after three layers that each "
        "take it times 0.01?",
    ),
    "positive": (
        "random numbers between 0 and 1 are random enough",
        weights(lambda rng, shape, s: rng.random(shape) * s),
        NORMAL,
        "With weights of one sign all units pull the same way and sums grow with every input. Normal numbers "
        "lie on both sides of 0: rng.standard_normal, not rng.random.",
    ),
    "absolute": (
        "weights are positive",
        weights(lambda rng, shape, s: np.abs(rng.standard_normal(shape)) * s),
        NORMAL,
        "With weights of one sign all units pull the same way and sums grow with every input. Leave out abs.",
    ),
    "uniform": (
        "a uniform distribution of the same spread will do",
        weights(lambda rng, shape, s: rng.uniform(-1, 1, shape) * s * math.sqrt(3)),
        NORMAL,
        "The spread is right, and many libraries offer this variant. Here normal numbers are asked for: a "
        "bell with tails, not a box.",
    ),
    "uniform-up-to-the-deviation": (
        "the standard deviation is the largest value",
        weights(lambda rng, shape, s: rng.uniform(-1, 1, shape) * s),
        SPREAD,
        "Numbers spread evenly over -s to s have a standard deviation of only s / 1.73. Draw normal numbers "
        "and multiply them by s.",
    ),
    "tails-cut": (
        "large weights are drawn again",
        weights(resampled_tails),
        NORMAL,
        "That is a truncated normal distribution. The one asked for has tails: 4.6 % lie beyond two standard "
        "deviations.",
    ),
    "one-row-for-all-units": (
        "one set of random weights serves all units of a layer",
        weights(lambda rng, shape, s: np.repeat(rng.standard_normal((1, shape[1])) * s, shape[0], axis=0)),
        ALONE,
        "Units with equal rows compute the same, so the whole layer says no more than one unit. Draw "
        "n * n_prev numbers.",
    ),
    "each-layer-reseeded": (
        "each layer starts a generator with the same seed",
        each_layer_reseeded,
        ALONE,
        "Then all layers begin with the same numbers. Draw one layer after the other from the one rng.",
    ),
    "fixed-seed": (
        "a generator with a fixed seed makes results repeatable",
        with_own_seed,
        TWINS,
        "Whoever calls you decides about the seed, and hands in rng. With a seed of your own every network "
        "starts with the same weights.",
    ),
    "global-random": (
        "np.random is as good as rng",
        weights(lambda rng, shape, s: np.random.standard_normal(shape) * s),  # noqa: NPY002
        TWINS,
        "The global generator belongs to everybody, so nobody can repeat your result. Draw from rng.",
    ),
}  # fmt: skip

VARIANCE = (
    "The equation gives the variance, and standard_normal is multiplied by a standard deviation. What lies "
    "between the two?"
)
FAN_OUT = (
    "Each unit adds up n[l-1] products, one an input. The more there are, the smaller each must be: count "
    "what comes in, not what goes out."
)
HUNDREDTH = (
    "the weights are random numbers times 0.01", lambda p, n, s: 0.01,
    "0.01 suits one width and no other: 10,000 inputs give Z a spread of 1, 100 inputs give 0.1. Which "
    "number in your function depends on the sizes of the layer?",
)  # fmt: skip
ONE_FOR_ALL = (
    "Each layer has its own number of inputs. Which sizes does your loop look at in the second layer?"
)
SPREADS = {
    None: {
        "as-variance": ("scale is the variance", lambda p, n, s: math.sqrt(s),
                        "scale is the standard deviation: normal numbers are multiplied by it as it is."),
        "squared": ("the standard deviation is scale squared", lambda p, n, s: s**2,
                    "The variance is scale squared. Multiply normal numbers by the standard deviation."),
        "ignored": ("normal numbers have the right size already", lambda p, n, s: 1.0,
                    "Is there a line in your function that uses scale?"),
        "hard-wired": ("the scale is 0.01", lambda p, n, s: 0.01,
                       "0.01 is one choice among many. Which name stands for the caller's choice?"),
        "by-inputs": ("the scale is divided by the root of the inputs", lambda p, n, s: s / math.sqrt(p),
                      "That is the idea of the next exercise. Here all layers have the same spread."),
    },
    xavier: {
        "variance-for-deviation": ("one multiplies by the variance", lambda p, n, s: s**2, VARIANCE),
        "by-units": ("n is the number of the layer's own units", lambda p, n, s: math.sqrt(1 / n), FAN_OUT),
        "twice": ("the variance is 2/n", lambda p, n, s: math.sqrt(2 / p),
                  "The 2 makes up for what ReLU cuts off. A linear or tanh layer cuts nothing: 1 / n[l-1]."),
        "both-sides": ("inputs and units share the variance", lambda p, n, s: math.sqrt(2 / (p + n)),
                       "That is Glorot's compromise, the next exercise. Here the forward signal counts."),
        "upside-down": ("one multiplies by the root of n", lambda p, n, s: math.sqrt(p),
                        "Try a layer with 10,000 inputs: should each weight be large or small?"),
        "hard-wired": HUNDREDTH,
        "unscaled": ("randn values are near 1, so nothing explodes", lambda p, n, s: 1.0,
                     "A sum of 100 numbers near 1 with random signs is near 10, in every layer again."),
    },
    glorot: {
        "variance-for-deviation": ("one multiplies by the variance", lambda p, n, s: s**2, VARIANCE),
        "one-over-the-sum": ("the variance is 1 over the sum", lambda p, n, s: math.sqrt(1 / (p + n)),
                             "It is 1 over their mean. For 50 and 50 that must give 1/50."),
        "inputs-alone": ("only inputs count", lambda p, n, s: math.sqrt(1 / p),
                         "That keeps the forward signal. The gradient comes back through the same W and adds "
                         "up over the units: where is n[l] in your formula?"),
        "units-alone": ("only units count", lambda p, n, s: math.sqrt(1 / n),
                        "That keeps the gradient. The forward signal adds up over inputs: where is n[l-1]?"),
        "six": ("the variance is 6 over the sum", lambda p, n, s: math.sqrt(6 / (p + n)),
                "6 belongs to the border of the uniform variant: its variance is border squared by 3."),
        "brackets": ("2 / p + n divides by the sum", lambda p, n, s: math.sqrt(2 / p + n),
                     "Division comes before addition: put n[l-1] + n[l] in brackets."),
        "hard-wired": HUNDREDTH,
        "upside-down": ("one divides by the deviation", lambda p, n, s: math.sqrt((p + n) / 2),
                        "Try a layer with 10,000 inputs: should each weight be large or small?"),
        "he": ("the variance is 2 over the inputs", lambda p, n, s: math.sqrt(2 / p),
               "That is He's scheme for ReLU, the next exercise."),
    },
    he: {
        "variance-for-deviation": ("one multiplies by the variance", lambda p, n, s: s**2, VARIANCE),
        "by-units": ("n is the number of the layer's own units", lambda p, n, s: math.sqrt(2 / n), FAN_OUT),
        "one-over-n": ("the variance is 1/n", lambda p, n, s: math.sqrt(1 / p),
                       "That is right where nothing is cut off. ReLU silences half of the signal in every "
                       "layer: after 50 of them 1/2 to the 50 is left."),
        "root-of-two": ("the root is that of 2 alone", lambda p, n, s: math.sqrt(2) / p,
                        "n[l-1] stands below the 2 and under the same root: where does your bracket close?"),
        "two-outside": ("the 2 stands before the root", lambda p, n, s: 2 * math.sqrt(1 / p),
                        "2 * sqrt(1 / n) is sqrt(4 / n), twice the variance asked for."),
        "glorot": ("inputs and units share the variance", lambda p, n, s: math.sqrt(2 / (p + n)),
                   "That is Glorot's compromise, for layers without ReLU."),
        "upside-down": ("one divides by the deviation", lambda p, n, s: math.sqrt(p / 2),
                        "Try a layer with 10,000 inputs: should each weight be large or small?"),
        "hard-wired": HUNDREDTH,
        "unscaled": ("randn values are near 1, so nothing explodes", lambda p, n, s: 1.0,
                     "A sum of 100 numbers near 1 with random signs is near 10, in every layer again."),
    },
}  # fmt: skip


def mistakes(prefix, rule):
    """Return the misconceptions of a scheme: its own wrong spreads, then what goes wrong with any scheme."""
    own = [(key, belief, spread(f), SPREAD, hint) for key, (belief, f, hint) in SPREADS[rule].items()]
    if rule is not None:
        said = "the spread of the first layer serves all layers"
        own.append(("first-layer-for-all", said, same_for_all, SPREAD, ONE_FOR_ALL))
    common = [(key, *rest) for key, rest in COMMON.items()]
    return tuple(
        Misconception(f"{prefix}-{key}", belief, taking(rule, body), case, hint)
        for key, belief, body, case, hint in own + common
    )


def row_by_row(layer_dims, rng, s):
    def draw(n_prev, n):
        return np.array([[s(n_prev, n) * z for z in rng.normal(size=n_prev).tolist()] for _ in range(n)])

    return build(layer_dims, draw)


def by_one_stream(layer_dims, rng, s):
    shapes = [(n, p) for p, n in itertools.pairwise(layer_dims)]
    stream = rng.normal(size=sum(n * p for n, p in shapes))
    cuts = np.cumsum([n * p for n, p in shapes])[:-1]
    parameters = {f"b{i}": np.zeros((n, 1)) for i, (n, _) in enumerate(shapes, start=1)}
    for i, (part, (n, p)) in enumerate(zip(np.split(stream, cuts), shapes, strict=True), start=1):
        parameters[f"W{i}"] = part.reshape(n, p, order="F") * s(p, n)
    return parameters


def by_box_and_muller(rng, shape, s):
    u, v = rng.random(shape), rng.random(shape)
    return s * np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)


RIGHT = (
    weights(lambda rng, shape, s: rng.normal(scale=s, size=shape)),
    weights(lambda rng, shape, s: rng.normal(0, s, size=shape[::-1]).T),
    weights(by_box_and_muller),
    row_by_row,
    by_one_stream,
)


def drawing(rule):
    """Return the function that makes a call: sizes, a generator, and the deviations to expect."""

    def call(rng, sizes, scale=None, generator=None):
        given = {"layer_dims": [int(n) for n in sizes], "rng": generator or draws(rng)}
        if rule is None:
            scale = float(rng.choice([0.05, 0.2, 3.0])) if scale is None else scale
            given["scale"] = scale
        deviations = [float(scale) if rule is None else rule(p, n) for p, n in itertools.pairwise(sizes)]
        return Call(given, {"deviations": np.array(deviations)})

    return call


def draws(rng, name="rng"):
    return Draws(int(rng.integers(2**31)), name)


def around(rng, *sizes):
    """Sizes that nobody can know before, close to these."""
    return [int(n + rng.integers(0, 4)) for n in sizes]


def chance_cases(call, *extra):
    """Return the cases that all four share; `call(rng, sizes)` makes the arguments."""

    def several(rng, names, sizes):
        seed = int(rng.integers(2**31))
        scale = float(rng.choice([0.05, 0.3, 2.0]))
        return [call(rng, sizes, scale=scale, generator=Draws(seed, name)) for name in names]

    return (
        Case(
            FORM,
            "Neighbouring sizes differ; one layer up to three; b has its second axis.",
            lambda rng: [call(rng, sizes) for sizes in ([2, 5, 3, 4], [3, 2])],
            public=True,
            verify=properties.parameters_have_form,
            ask="Write down the shapes in Z = W A + b for each layer. Does each of yours fit, and is b zero?",
        ),
        Case(
            SPREAD,
            "Layers that widen and that narrow, 1.5 times or more; 2000 weights tell variances 20 % apart.",
            lambda rng: [
                call(rng, around(rng, 90, 140, 15, 40), scale=0.2),
                call(rng, around(rng, 20, 60, 150), scale=3.0),
            ],
            public=True,
            verify=properties.weights_spread,
            after=(FORM,),
            marks=2,
            ask="Compute the standard deviation that the equation asks for, by hand, for one layer. Which "
            "factor lies between it and yours?",
        ),
        Case(
            NORMAL,
            "16,000 weights: a cut at two or three deviations, a box and two values have no chance.",
            lambda rng: call(rng, around(rng, 120, 80, 60, 25)),
            public=True,
            verify=properties.weights_are_normal,
            after=(FORM,),
            marks=2,
        ),
        Case(
            ALONE,
            "Two layers of one shape, where copies show; two calls with one generator.",
            lambda rng: several(rng, ("rng", "rng"), [30, 40, 40, 40, 12]),
            public=True,
            verify=properties.weights_are_independent,
            after=(FORM,),
        ),
        Case(
            TWINS,
            "All chance must come from rng. 50 normal numbers are never equal twice.",
            lambda rng: several(rng, ("first", "second", "first"), [6, 5, 4]),
            public=True,
            verify=properties.fresh_draws,
        ),
        Case(
            "a single unit, and twelve layers",
            "(1, 1), (n, 1) and (1, n); W10 after W9.",
            lambda rng: [call(rng, sizes) for sizes in ([1, 1], [3, 1, 4, 1], TWELVE)],
            verify=properties.parameters_have_form,
            after=(FORM,),
        ),
        Case(
            "the spread of few inputs into many units, and of many into few",
            "With 2 inputs, n + 1 for n is 50 % off; a single unit has 800 weights of its own. No wider: "
            "who draws rows from a covariance matrix takes seconds at 1500 inputs.",
            lambda rng: [
                call(rng, [2, *around(rng, 900), 4], scale=0.7),
                call(rng, [1, *around(rng, 800), 1], scale=1),
                call(rng, [*around(rng, 600), 3, *around(rng, 400)], scale=0.02),
            ],
            verify=properties.weights_spread,
            after=(FORM, SPREAD),
        ),
        Case(
            "the spread in each of twelve layers",
            "Nothing may be carried from layer to layer, no layer may be special.",
            lambda rng: call(rng, rng.permutation([12, 20, 28, 32, 35, 40, 44, 50, 55, 60, 66, 75, 90])),
            verify=properties.weights_spread,
            after=(FORM, SPREAD),
        ),
        Case(
            "normal numbers in other sizes",
            "32,000 weights, 85 of them beyond three deviations.",
            lambda rng: call(rng, around(rng, 200, 90, 150)),
            verify=properties.weights_are_normal,
            after=(FORM, NORMAL),
        ),
        Case(
            "every weight on its own, in other sizes",
            "Square, wide and tall layers; rows and columns half a layer apart.",
            lambda rng: several(rng, ("rng", "rng"), [24, *around(rng, 70), 24, 70, 70]),
            verify=properties.weights_are_independent,
            after=(FORM, ALONE),
        ),
        *extra,
    )


def chance_exercise(of, rule, *extra):
    prefix = of.__name__.removeprefix("initialize_")
    variants = tuple(taking(rule, body) for body in RIGHT)
    return Exercise(of, chance_cases(drawing(rule), *extra), mistakes(prefix, rule), variants)


any_scale = drawing(None)
initialize_random = chance_exercise(
    reference.initialize_random,
    None,
    Case(
        "a scale of 0, of 1, a tiny and a large one",
        "Scale 0 is legal and gives zeros; a whole number is a scale too.",
        lambda rng: [any_scale(rng, around(rng, 40, 25, 30), scale=s) for s in (0, 0.0, 1, 1e-6, 100)],
        verify=properties.weights_spread,
        after=(FORM, SPREAD),
    ),
)
initialize_xavier = chance_exercise(reference.initialize_xavier, xavier)
initialize_glorot = chance_exercise(reference.initialize_glorot, glorot)
initialize_he = chance_exercise(reference.initialize_he, he)


# --- deep_linear_output -----------------------------------------------------------------------------------

STEPS = "the layers act one after the other"
NONE = "without a layer the input comes out"


def deep(rng, n, n_layers, gain=1.0):
    W = rng.normal(0, gain / np.sqrt(n), (n, n)).round(2)
    return {
        "W": W + np.where(W == 0, 0.1, 0),
        "x": rng.uniform(0.5, 2, (n, 1)).round(2),
        "n_layers": n_layers,
    }


@exposed_by(STEPS)
def deep_entrywise(W, x, n_layers):
    """W ** n is the n-th power of a matrix.

    ** raises each entry by itself. A power of a matrix is a product of matrices: W @ W is not W * W.
    """
    return W**n_layers @ x if n_layers else x.copy()


@exposed_by(STEPS)
def deep_transposed(W, x, n_layers):
    """x @ W and W @ x are the same.

    Try W = [[0, 1], [0, 0]] and x = [[1], [2]] on paper: which entry survives?
    """
    for _ in range(n_layers):
        x = W.T @ x
    return x.copy()


@exposed_by(NONE)
def deep_one_more(W, x, n_layers):
    """The first product is made before counting.

    Count the products for n_layers = 1 and for 0. Start from x, not from W x.
    """
    output = W @ x
    for _ in range(n_layers):
        output = W @ output
    return output


@exposed_by(STEPS)
def deep_one_less(W, x, n_layers):
    """range(1, n) makes n steps.

    range(1, 3) holds 1 and 2: two steps, not three.
    """
    output = x.copy()
    for _ in range(1, n_layers):
        output = W @ output
    return output


@exposed_by(STEPS)
def deep_times(W, x, n_layers):
    """n layers multiply by n.

    Each layer multiplies what the layer before it gave. For W = 2 and three layers: 2 * 2 * 2, not 3 * 2.
    """
    return n_layers * (W @ x) if n_layers else x.copy()


@exposed_by(STEPS)
def deep_with_tanh(W, x, n_layers):
    """A layer always ends with an activation.

    These layers are linear on purpose, so that one sees what W alone does. Leave the activation away.
    """
    output = x.copy()
    for _ in range(n_layers):
        output = np.tanh(W @ output)
    return output


@exposed_by(STEPS)
def deep_with_relu(W, x, n_layers):
    """A layer always ends with a ReLU.

    These layers are linear on purpose, so that one sees what W alone does. Leave the activation away.
    """
    output = x.copy()
    for _ in range(n_layers):
        output = np.maximum(W @ output, 0)
    return output


@exposed_by(STEPS)
def deep_product_of_entries(W, x, n_layers):
    """W * x is the product of a matrix and a vector.

    * multiplies entry by entry and lays x along the columns. The product of matrices is W @ x.
    """
    output = x.copy()
    for _ in range(n_layers):
        output = W * output
    return output


@exposed_by(STEPS)
def deep_always_from_x(W, x, n_layers):
    """A loop over W @ x applies W again and again.

    Every turn starts from x once more. What goes into the second layer is what came out of the first.
    """
    output = x.copy()
    for _ in range(n_layers):
        output = W @ x
    return output


@exposed_by(STEPS)
def deep_flat(W, x, n_layers):
    """A vector has one axis.

    x is a column, (n, 1), and so is the result. Which call of yours loses the second axis?
    """
    output = x.ravel().copy()
    for _ in range(n_layers):
        output = W @ output
    return output


@exposed_by(HABITS)
def deep_same_object(W, x, n_layers):
    """output = x makes a new array.

    It gives the same array a second name. With no layers you hand back the argument itself: x.copy().
    """
    output = x
    for _ in range(n_layers):
        output = W @ output
    return output


@exposed_by(HABITS)
def deep_in_place(W, x, n_layers):
    """x may be overwritten on the way.

    Whoever calls you still needs x. x[:] = ... writes into it; output = W @ output makes a new array.
    """
    for _ in range(n_layers):
        x[:] = W @ x
    return x.copy()


def deep_by_power(W, x, n_layers):
    return np.linalg.matrix_power(W, n_layers) @ x


def deep_by_recursion(W, x, n_layers):
    return 1.0 * x if n_layers == 0 else deep_by_recursion(W, np.dot(W, x), n_layers - 1)


def deep_by_sums(W, x, n_layers):
    column = [float(v) for v in x[:, 0]]
    for _ in range(int(n_layers)):
        column = [sum(w * v for w, v in zip(row, column, strict=True)) for row in W.tolist()]
    return np.array(column).reshape(-1, 1)


def deep_by_einsum(W, x, n_layers):
    output = np.array(x, dtype=float)
    while n_layers > 0:
        output = np.einsum("ij,jk->ik", W, output)
        n_layers -= 1
    return output


deep_linear_output = Exercise(
    reference.deep_linear_output,
    (
        Case(
            STEPS,
            "W is not symmetric and no power of its entries; one, two and three layers.",
            lambda rng: [deep(rng, 2, 3), deep(rng, 3, 2), deep(rng, 3, 1)],
            public=True,
            marks=2,
            ask="Follow x through the first two layers with paper and pencil.",
        ),
        Case(
            NONE,
            "0 layers: nothing is multiplied, and the result is a new array.",
            lambda rng: deep(rng, 2, 0),
            public=True,
            ask="How often does your loop run when n_layers is 0?",
        ),
        Case(
            "a single unit",
            "1.5^149 and 0.5^149, where it explodes and vanishes.",
            lambda rng: [
                {"W": np.array([[w]]), "x": rng.uniform(1, 2, (1, 1)), "n_layers": n}
                for w, n in ((1.5, 149), (0.5, 149), (-1.1, 7), (0.0, 3))
            ],
            after=(STEPS,),
        ),
        Case(
            "deep and wide",
            "Up to 60 layers; NumPy integers count layers too; a W that no eigenvectors take apart.",
            lambda rng: [
                deep(rng, 7, 60, 1.1),
                deep(rng, 20, np.int64(12)),
                deep(rng, 5, 25, 0.8),
                {**deep(rng, 3, 9), "W": np.eye(3) + np.diag(rng.uniform(0.5, 2, 2).round(2), k=1)},
            ],
            after=(STEPS,),
        ),
        Case(
            "whole numbers",
            "Integer W and x, no overflow near.",
            lambda rng: {
                "W": rng.integers(1, 4, (3, 3)),
                "x": rng.integers(1, 5, (3, 1)),
                "n_layers": 6,
            },
            after=(STEPS,),
        ),
        Case(
            "float32",
            "Values of single precision, judged as such.",
            lambda rng: {
                k: v.astype(np.float32) if k != "n_layers" else v for k, v in deep(rng, 6, 9).items()
            },
            rtol=1e-4,
            atol=1e-5,
            after=(STEPS,),
        ),
    ),
    (
        deep_entrywise,
        deep_transposed,
        deep_one_more,
        deep_one_less,
        deep_times,
        deep_with_tanh,
        deep_with_relu,
        deep_product_of_entries,
        deep_always_from_x,
        deep_flat,
        deep_same_object,
        deep_in_place,
    ),
    (deep_by_power, deep_by_recursion, deep_by_sums, deep_by_einsum),
)


# --- activation_scales ------------------------------------------------------------------------------------

LAYERS = "one standard deviation for each layer"
OTHERS = "with the activation that is handed in"
ORDER = "ten layers and more, in their order"


def network(rng, sizes, gain=1.5):
    return {
        name: value.round(2)
        for name, value in build(
            sizes,
            lambda p, n: rng.normal(0, gain / np.sqrt(p), (n, p)),
            lambda n: rng.normal(0.3, 0.5, (n, 1)),
        ).items()
    }


def shuffled(rng, parameters):
    """The same dict, filled in another order."""
    return {key: parameters[key] for key in rng.permutation(list(parameters)).tolist()}


def measured(rng, sizes, m, activation="tanh", gain=1.5):
    X = rng.normal(0.5, 1, (sizes[0], m)).round(2)
    parameters = network(rng, sizes, gain)
    if len(sizes) > 6:
        parameters = shuffled(rng, parameters)
    return {"X": X, "parameters": parameters, "activation": Named("activation", {"name": activation})}


def scales_with(measure=np.std, layer=lambda W, A, b, f: f(W @ A + b), names=None, like=np.array):
    """Return a version of the function that takes one of its steps in another way than the right one."""

    def wrong(X, parameters, activation):
        A, found = X, []
        L = len(parameters) // 2
        for index in names(L) if names else range(1, L + 1):
            A = layer(parameters[f"W{index}"], A, parameters[f"b{index}"], activation)
            found.append(measure(A))
        return like(found)

    return wrong


def scales_before_activation(X, parameters, activation):
    A, found = X, []
    for layer in range(1, len(parameters) // 2 + 1):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
        found.append(Z.std())
        A = activation(Z)
    return np.array(found)


def scales_with_the_input(X, parameters, activation):
    return np.concatenate([[X.std()], scales_with()(X, parameters, activation)])


def scales_of_inputs(X, parameters, activation):
    return scales_with_the_input(X, parameters, activation)[:-1]


def scales_linear_output(X, parameters, activation):
    A, found, L = X, [], len(parameters) // 2
    for layer in range(1, L + 1):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
        A = activation(Z) if layer < L else Z
        found.append(A.std())
    return np.array(found)


def scales_sigmoid_output(X, parameters, activation):
    A, found, L = X, [], len(parameters) // 2
    for layer in range(1, L + 1):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
        A = activation(Z) if layer < L else 1 / (1 + np.exp(-Z))
        found.append(A.std())
    return np.array(found)


def as_text_sorts(L):
    return sorted(range(1, L + 1), key=str)


def as_filled(X, parameters, activation):
    A, found = X, []
    for name, W in parameters.items():
        if name[0] == "W":
            A = activation(W @ A + parameters["b" + name[1:]])
            found.append(A.std())
    return np.array(found)


SCALES_MISCONCEPTIONS = tuple(
    Misconception(f"scales-{key}", belief, wrong, case, hint)
    for key, belief, wrong, case, hint in (
        ("before-activation", "the spread of Z is asked for", scales_before_activation, LAYERS,
         "Z may spread widely while tanh has pressed A against 1 and -1. Measure what leaves the layer."),
        ("variance", "spread means variance", scales_with(np.var), LAYERS,
         "The standard deviation is the root of the variance, in the unit of A itself."),
        ("root-mean-square", "the mean is zero anyway",
         scales_with(lambda A: np.sqrt(np.mean(A**2))), LAYERS,
         "After ReLU or sigmoid no mean is 0. The standard deviation measures around the mean."),
        ("sample", "a standard deviation divides by n - 1",
         scales_with(lambda A: np.std(A, ddof=1) if A.size > 1 else 0.0), LAYERS,
         "Nothing is estimated here: all entries of A are at hand. np.std without ddof does it."),
        ("unit-by-unit", "each unit has a spread, and the layer their mean",
         scales_with(lambda A: A.std(axis=1).mean()), LAYERS,
         "Units whose means differ spread as well. Take all entries together: A.std() without an axis."),
        ("example-by-example", "each example has a spread, and the layer their mean",
         scales_with(lambda A: A.std(axis=0).mean()), LAYERS,
         "Examples whose means differ spread as well. Take all entries together: A.std() without an axis."),
        ("no-bias", "b plays no part", scales_with(layer=lambda W, A, b, f: f(W @ A)), LAYERS,
         "b shifts Z, and so changes how much of it the activation cuts off."),
        ("with-input", "the input is layer 0 and counts", scales_with_the_input, LAYERS,
         "There are L layers with weights, and L numbers are asked for: those of A[1] to A[L]."),
        ("linear-output", "the last layer has no activation", scales_linear_output, LAYERS,
         "Often it has another one. Here the same function stands after every layer, the last one too."),
        ("sigmoid-output", "the output is always a sigmoid", scales_sigmoid_output, LAYERS,
         "It is where a probability is asked for. Here the activation that is handed in stands after every "
         "layer: which line treats the last one apart?"),
        ("of-inputs", "each layer is measured by what goes in", scales_of_inputs, LAYERS,
         "The first of your numbers belongs to X. Measure A after the activation, then go on."),
        ("last-left-out", "range(1, L) counts up to L",
         lambda X, parameters, activation: scales_with()(X, parameters, activation)[:-1], LAYERS,
         "Print the layer numbers that your loop visits: range(1, L) ends at L - 1."),
        ("column", "one number a layer is a column", scales_with(like=lambda found: np.array(found)[:, None]),
         LAYERS, "A list of numbers has one axis: shape (L,). Append the number, not [number]."),
        ("of-weights", "the spread of the weights is that of the layer",
         lambda X, parameters, activation: np.array(
             [parameters[f"W{k}"].std() for k in range(1, len(parameters) // 2 + 1)]), LAYERS,
         "How far the signal spreads depends on X and on all layers before: send X through the network."),
        ("always-tanh", "the activation is tanh", scales_with(layer=lambda W, A, b, f: np.tanh(W @ A + b)),
         OTHERS, "Which argument of yours is never used?"),
        ("always-relu", "the activation is ReLU",
         scales_with(layer=lambda W, A, b, f: np.maximum(W @ A + b, 0)), LAYERS,
         "Which argument of yours is never used?"),
        ("text-order", "sorted names are in the order of the layers", scales_with(names=as_text_sorts), ORDER,
         "As texts, W10 comes before W2. Count layers with a number, and make the name from it."),
        ("dict-order", "the dict holds the layers in their order", as_filled, ORDER,
         "A dict keeps the order in which it was filled, which may be any. Count layers with a number."),
        ("list", "a list is as good as an array", scales_with(like=lambda found: [float(s) for s in found]),
         LAYERS, "Your numbers are fine. An array can be divided and compared at once: np.array(...)."),
    )
)  # fmt: skip


def scales_by_mean_of_squares(X, parameters, activation):
    scales = np.zeros(len(parameters) // 2)
    for i in range(scales.size):
        X = activation(np.dot(parameters[f"W{i + 1}"], X) + parameters[f"b{i + 1}"])
        scales[i] = np.sqrt(((X - X.mean()) ** 2).mean())
    return scales


def scales_by_recursion(X, parameters, activation):
    def rest(A, layer):
        if f"W{layer}" not in parameters:
            return []
        A = activation(np.einsum("ij,jk->ik", parameters[f"W{layer}"], A) + parameters[f"b{layer}"])
        return [np.std(A.ravel()), *rest(A, layer + 1)]

    return np.asarray(rest(X, 1))


def scales_by_columns(X, parameters, activation):
    columns, scales = [x[:, None] for x in X.T], []
    for layer in range(1, len(parameters) // 2 + 1):
        W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
        columns = [activation(W @ x + b) for x in columns]
        scales.append(np.hstack(columns).std())
    return np.array(scales)


def single(call):
    arrays = {name: value.astype(np.float32) for name, value in call["parameters"].items()}
    return {**call, "X": call["X"].astype(np.float32), "parameters": arrays}


def whole(rng, sizes, m, activation):
    parameters = build(sizes, lambda p, n: rng.integers(-2, 3, (n, p)), lambda n: rng.integers(-1, 3, (n, 1)))
    X = rng.integers(-3, 4, (sizes[0], m))
    return {"X": X, "parameters": parameters, "activation": Named("activation", {"name": activation})}


activation_scales = Exercise(
    reference.activation_scales,
    (
        Case(
            LAYERS,
            "Biases off zero, few entries, so that n - 1, a mean and a lost b all show.",
            lambda rng: [measured(rng, [2, 3, 4], 3), measured(rng, [3, 4, 2], 5, "sigmoid")],
            public=True,
            marks=2,
            ask="Print Z and A of the first layer. Which of them do you measure, and over which entries?",
        ),
        Case(
            OTHERS,
            "ReLU, leaky ReLU and none: nothing may be wired in.",
            lambda rng: [measured(rng, [3, 5, 4, 2], 6, name, 2.0) for name in ("relu", "leaky", "identity")],
            public=True,
            ask="Which of your lines calls activation?",
        ),
        Case(
            ORDER,
            "Equal sizes from the second layer on, so that the wrong order gives numbers, and wrong ones.",
            lambda rng: [measured(rng, [2, *[3] * 11, 3], 4), measured(rng, [3, *[3] * 11, 1], 4, "leaky")],
            public=True,
            after=(LAYERS,),
            ask="In which order do your layers come when the dict was filled in another one?",
        ),
        Case(
            "a single example, a single unit, a single layer",
            "One entry has a standard deviation of exactly 0.",
            lambda rng: [
                measured(rng, [4, 5, 3], 1),
                measured(rng, [3, 1], 6, "leaky"),
                measured(rng, [1, 1], 1, "sigmoid"),
                measured(rng, [2, 7], 3, "identity"),
            ],
            after=(LAYERS,),
        ),
        Case(
            "twelve layers of many sizes",
            "W10 after W9; gains at which the signal dies away and grows.",
            lambda rng: [
                measured(rng, TWELVE, 9, "tanh"),
                measured(rng, TWELVE, 5, "identity", 4.0),
                measured(rng, [30, *[40] * 6, 10], 50, "sigmoid", 0.3),
            ],
            after=(LAYERS, ORDER),
        ),
        Case(
            "whole numbers",
            "Integer weights: an array like them would cut every activation.",
            lambda rng: [whole(rng, [3, 4, 2], 5, "tanh"), whole(rng, [2, 5, 3], 4, "leaky")],
            after=(LAYERS,),
        ),
        Case(
            "float32",
            "Values of single precision, judged as such.",
            lambda rng: [single(measured(rng, [4, 6, 5], 8)), single(measured(rng, [5, 3], 7, "sigmoid"))],
            rtol=1e-4,
            atol=1e-5,
            after=(LAYERS,),
        ),
    ),
    SCALES_MISCONCEPTIONS,
    (scales_by_mean_of_squares, scales_by_recursion, scales_by_columns),
)


# --- breaks_symmetry --------------------------------------------------------------------------------------

TWO = "two equal units are found wherever they stand"
BIAS = "b alone can tell units apart"
ONE = "a layer of one unit has no twin"
NEAR = "a difference by rounding is none, a small one is one"
ROWS = "units are rows"
TEN = "ten layers and more, an answer for each"


def twin(parameters, layer, i, j, by=0.0, bias_too=True):
    """Make unit j of a layer a copy of unit i, all but `by` in its first weight."""
    W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
    W[j] = W[i]
    W[j, 0] += by
    if bias_too:
        b[j] = b[i]
    return parameters


def plain(rng, *sizes):
    """Weights and biases with two digits, no two rows alike."""
    return {
        name: (np.arange(1.0, 1 + value.size) / 4).reshape(value.shape) + value
        for name, value in network(rng, sizes).items()
    }


def asked(*networks):
    return [{"parameters": parameters} for parameters in networks]


def only_columns(rng):
    """Equal columns, unlike rows; rows of the same numbers in another order; two that are equal."""
    columns, mixed = plain(rng, 3, 4), plain(rng, 3, 2)
    columns["W1"][:, 1] = columns["W1"][:, 0]
    mixed["W1"][1] = mixed["W1"][0, ::-1]
    mixed["b1"][:] = 0.5
    signs = plain(rng, 2, 2, 3)
    signs["W2"][1], signs["b2"][1] = -signs["W2"][0], -signs["b2"][0]
    return asked(columns, mixed, signs, twin(plain(rng, 3, 2), 1, 0, 1))


def constant(rng, sizes, value):
    return build(sizes, lambda p, n: np.full((n, p), value), lambda n: np.zeros((n, 1)))


def biased(rng):
    """All rows of W alike, every b another one; then W zero as a whole; then b alike as well."""
    rows, zero = plain(rng, 2, 3, 2), plain(rng, 3, 2)
    rows["W1"][:] = rows["W1"][0]
    zero["W1"][:] = 0
    return asked(rows, zero, twin(plain(rng, 3, 2), 1, 0, 1))


def twelve_layers(rng):
    tens = plain(rng, 2, *[3] * 12)
    for layer in rng.choice(np.arange(2, 13), 3, replace=False).tolist():  # sorted as texts, these move
        twin(tens, layer, 0, int(rng.integers(1, 3)))
    return asked(shuffled(rng, tens))


def entry_by_entry(rng):
    """Units 3e-13 apart in each of 60 weights; 2e-11 apart in one of them; one between two equal ones."""
    many, one, between = (plain(rng, 60, 3), plain(rng, 60, 3), plain(rng, 2, 3))
    many["W1"][0] += 4e-13  # so that 12 digits part the two
    twin(many, 1, 0, 2)["W1"][2] += 3e-13
    twin(one, 1, 0, 2, by=2e-11)
    twin(between, 1, 0, 2)["W1"][:, 0] = between["W1"][0, 0] + np.array([0, 2e-13, 4e-13])
    return [many, one, between]


def small_and_large(rng):
    """Units of a thousand that differ by a millionth, and equal ones of a millionth."""
    large, small = plain(rng, 3, 4, 2), plain(rng, 4, 3)
    twin(large, 1, 1, 3, by=1e-6)["W1"][:] += 1000
    small = {name: value * 1e-6 for name, value in small.items()}
    tiny = {k: v * 1e-6 for k, v in plain(rng, 2, 3).items()}
    return asked(large, twin(small, 1, 0, 2), tiny, *entry_by_entry(rng))


def shifted(rng):
    """Rows of W whose difference is that of the biases, the other way: W + b has equal rows."""
    parameters = plain(rng, 4, 2)
    parameters["W1"], parameters["b1"] = np.array([[1.0, 2, 3, 4], [0, 1, 2, 3]]), np.array([[0.0], [1]])
    return parameters


def single_precision(rng):
    return [
        {name: value.astype(np.float32) for name, value in each.items()}
        for each in (twin(plain(rng, 3, 4, 2), 1, 1, 3), plain(rng, 2, 5))
    ]


def symmetry_by(rows_differ, rows_of=lambda W, b: np.hstack([W, b]), names=None, finish=list):
    """Return a version that asks `rows_differ` of what it takes to be the rows of a layer."""

    def version(parameters):
        L = len(parameters) // 2
        order = names(L) if names else range(1, L + 1)
        return finish([bool(rows_differ(rows_of(parameters[f"W{k}"], parameters[f"b{k}"]))) for k in order])

    return version


def differ(rows, i, j):
    return np.max(np.abs(rows[i] - rows[j])) > 1e-12


def all_differ(rows):
    return all(differ(rows, i, j) for i, j in itertools.combinations(range(len(rows)), 2))


def distinct(rows):
    return len({tuple(row) for row in rows.tolist()}) == len(rows)


def symmetry_as_filled(parameters):
    layers = [name[1:] for name in parameters if name[0] == "W"]
    return [all_differ(np.hstack([parameters["W" + k], parameters["b" + k]])) for k in layers]


SYMMETRY_MISCONCEPTIONS = tuple(
    Misconception(f"symmetry-{key}", belief, wrong, case, hint)
    for key, belief, wrong, case, hint in (
        ("without-b", "only W counts", symmetry_by(all_differ, lambda W, b: W), BIAS,
         "Two units with equal weights and unlike biases give unlike outputs, and so unlike gradients."),
        ("neighbours", "equal units stand side by side",
         symmetry_by(lambda rows: all(differ(rows, i, i + 1) for i in range(len(rows) - 1))), TWO,
         "Unit 0 and unit 2 may be equal while unit 1 differs from both. Compare every pair."),
        ("with-the-first", "it is enough to compare with the first unit",
         symmetry_by(lambda rows: all(differ(rows, 0, j) for j in range(1, len(rows)))), TWO,
         "The second and the third unit may be equal too. Compare every pair."),
        ("all-alike", "symmetry means that all units are equal",
         symmetry_by(lambda rows: len(rows) == 1 or not np.all(np.abs(rows - rows[0]) <= 1e-12)), TWO,
         "Two equal units are enough to waste one of them: False as soon as any pair is equal."),
        ("columns", "units are columns",
         symmetry_by(all_differ, lambda W, b: W.T), ROWS,
         "W[l] has shape (n[l], n[l-1]): a row holds the weights of one unit. Columns belong to inputs."),
        ("exact", "equal means ==", symmetry_by(distinct), NEAR,
         "0.1 + 0.2 == 0.3 is False. Call two rows equal when they differ by at most 1e-12."),
        ("allclose", "np.allclose knows what equal means",
         symmetry_by(lambda rows: not any(np.allclose(rows[i], rows[j])
                                          for i, j in itertools.combinations(range(len(rows)), 2))), NEAR,
         "By default it forgives differences of 1e-5 of a value. A small difference grows with training; "
         "only rounding is to be forgiven: rtol=0, atol=1e-12."),
        ("one-unit", "a layer of one unit breaks no symmetry",
         symmetry_by(lambda rows: len(rows) > 1 and all_differ(rows)), ONE,
         "There is nobody that it could be equal to, so nothing is wasted: True."),
        ("nonzero", "what is not zero breaks symmetry", symmetry_by(lambda rows: np.any(rows != 0)), TWO,
         "Weights of 0.5 everywhere are as symmetric as zeros. What counts is how units differ."),
        ("sums", "units with the same sum are equal",
         symmetry_by(lambda rows: all_differ(rows.sum(axis=1, keepdims=True))), ROWS,
         "(1, 2) and (2, 1) have one sum and are two different units. Compare entry by entry."),
        ("inverted", "True means symmetric", symmetry_by(lambda rows: not all_differ(rows)), TWO,
         "The function is called breaks_symmetry: True where the layer does break it."),
        ("one-answer", "one answer for the whole network", symmetry_by(all_differ, finish=all), TWO,
         "Which layer is it? One answer a layer, in a list."),
        ("any-entry", "units are equal where they share a weight",
         symmetry_by(lambda rows: not any(np.min(np.abs(p - q)) <= 1e-12
                                          for p, q in itertools.combinations(rows, 2))), BIAS,
         "Two units that share one weight still differ in the others. All entries of a row must agree."),
        ("no-abs", "the largest difference needs no abs",
         symmetry_by(lambda rows: not any(np.max(p - q) <= 1e-12
                                          for p, q in itertools.permutations(rows, 2))), TWO,
         "-5 is a large difference too, and below 1e-12. Take absolute values first."),
        ("output-left-out", "range(1, L) counts up to L",
         symmetry_by(all_differ, finish=lambda answers: answers[:-1]), TWO,
         "Print the layer numbers that your loop visits: range(1, L) ends at L - 1."),
        ("dict-order", "the dict holds the layers in their order", symmetry_as_filled, TEN,
         "A dict keeps the order in which it was filled, which may be any. Count layers with a number."),
        ("text-order", "sorted names are in the order of the layers",
         symmetry_by(all_differ, names=as_text_sorts), TEN,
         "As texts, W10 comes before W2. Count layers with a number, and make the name from it."),
    )
)  # fmt: skip


def symmetry_by_broadcasting(parameters):
    answers = []
    for layer in range(1, len(parameters) // 2 + 1):
        rows = np.concatenate([parameters[f"W{layer}"], parameters[f"b{layer}"]], axis=1)
        distance = np.abs(rows[:, None, :] - rows[None, :, :]).max(axis=2)
        np.fill_diagonal(distance, np.inf)
        answers.append(distance.min() > 1e-12)
    return answers


def symmetry_by_loops(parameters):
    answers, layer = [], 1
    while f"W{layer}" in parameters:
        units = [
            [*w, *b]
            for w, b in zip(parameters[f"W{layer}"].tolist(), parameters[f"b{layer}"].tolist(), strict=True)
        ]
        broken = True
        for i in range(len(units)):
            for j in range(i):
                broken &= any(abs(p - q) > 1e-12 for p, q in zip(units[i], units[j], strict=True))
        answers.append(broken)
        layer += 1
    return answers


def symmetry_by_allclose(parameters):
    def equal(W, b, i, j):
        return np.allclose(W[i], W[j], rtol=0, atol=1e-12) and abs(float(b[i, 0]) - float(b[j, 0])) <= 1e-12

    result = []
    for k in range(len(parameters) // 2):
        W, b = parameters[f"W{k + 1}"], parameters[f"b{k + 1}"]
        pairs = itertools.combinations(range(W.shape[0]), 2)
        result.append(np.bool_(not any(equal(W, b, i, j) for i, j in pairs)))
    return result


breaks_symmetry = Exercise(
    reference.breaks_symmetry,
    (
        Case(
            TWO,
            "Equal units apart and beside each other; a constant W; all unlike; sizes give no answer away.",
            lambda rng: asked(
                twin(plain(rng, 2, 4, 3), 1, 0, 2),
                twin(plain(rng, 2, 4, 3), 1, 1, 2),
                constant(rng, [2, 4, 3], 0.5),
                plain(rng, 2, 4, 3),
            ),
            public=True,
            marks=2,
            ask="Write each unit as a row, its weights and then its bias. Which two rows are equal?",
        ),
        Case(
            BIAS,
            "Equal rows of W with unlike b; W zero with unlike b.",
            biased,
            public=True,
            ask="Do two units with unlike biases ever give the same output?",
        ),
        Case(
            ONE,
            "One unit, also where its weights are zero, and above two equal ones.",
            lambda rng: asked(
                plain(rng, 3, 1),
                constant(rng, [2, 1], 0.0),
                plain(rng, 2, 2, 1),
                twin(plain(rng, 2, 2, 1), 1, 0, 1),
            ),
            public=True,
            ask="With whom could a single unit be confused?",
        ),
        Case(
            ROWS,
            "Equal columns, permuted rows and opposite rows are no equal units.",
            only_columns,
            public=True,
            ask="Which axis of W counts the units?",
        ),
        Case(
            NEAR,
            "1e-14 is rounding, 1e-9 is not: hundred times away from the border on both sides.",
            lambda rng: asked(
                twin(plain(rng, 2, 3), 1, 0, 1, by=1e-14),
                twin(plain(rng, 2, 3), 1, 0, 1, by=1e-9),
                twin(plain(rng, 3, 3), 1, 0, 2, by=-1e-9),
            ),
            public=True,
            after=(TWO,),
            ask="How large is the largest difference between the two rows that are nearest to each other?",
        ),
        Case(
            TEN,
            "W10 after W9, in a dict filled in any order.",
            twelve_layers,
            public=True,
            after=(TWO,),
        ),
        Case(
            "zeros everywhere",
            "What initialize_zeros returns; the single output unit is on its own.",
            lambda rng: asked(
                constant(rng, [2, int(rng.integers(3, 6)), 4, 1], 0.0), constant(rng, TWELVE, 0.0)
            ),
            after=(TWO, ONE),
        ),
        Case(
            "large weights and tiny ones",
            "The tolerance is absolute, a relative one fails at a thousand and at a millionth; it is one for "
            "each entry, not for a sum, a mean or a length.",
            small_and_large,
            after=(TWO, NEAR),
        ),
        Case(
            "unlike in one place only",
            "The last weight, or the first one, or b, tells many units apart.",
            lambda rng: asked(
                twin(plain(rng, 6, 9, 2), 1, 2, 7, by=0.01),
                twin(plain(rng, 5, 8), 1, 1, 6, bias_too=False),
                twin(plain(rng, 30, 40, 3), 1, 5, 38),
                shifted(rng),
            ),
            after=(TWO,),
        ),
        Case(
            "float32", "Values of single precision.", lambda rng: asked(*single_precision(rng)), after=(TWO,)
        ),
    ),
    SYMMETRY_MISCONCEPTIONS,
    (symmetry_by_broadcasting, symmetry_by_loops, symmetry_by_allclose),
)

EXERCISES = (
    initialize_zeros,
    initialize_random,
    initialize_xavier,
    initialize_glorot,
    initialize_he,
    deep_linear_output,
    activation_scales,
    breaks_symmetry,
)
