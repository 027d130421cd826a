"""Batch normalization: training, its gradients, running statistics, prediction, folding.

Units lie at most 400 times their spread away from 0: there a variance worked out as E[z^2] - E[z]^2, which is
right, loses nothing that a check could see. What cancels to 0 is judged beside what went in.
"""

import math
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from autograder.exercises._mistakes import exposed_by
from course_utils.compare import agree, differences
from course_utils.examine import HABITS, Finding
from course_utils.reference import batch_normalization as reference

FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}
UNSEEN = 1e-10  # an epsilon that changes nothing: where it stands is another case's question
# nor does 1e-8 in its place: which of the two is added is that case's question as well
UNSEEN_TOO: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}

SIZES = ((1, 7), (5, 3), (4, 4), (9, 30), (2, 150))
FIRST = "a small mini-batch"
EPSILON = "epsilon as large as the variance"
SMALL = "a tiny spread and a tiny epsilon"
FAR = "units far from 0"
CONSTANT = "a unit that never changes"
SHAPES = "one unit, many units, many examples"
KINDS = "whole numbers and float32 arrive too"


# --- what inputs are made of -------------------------------------------------------------------------------


def batch(rng, n, m, far=3.0):
    """Return units that each have a centre and a spread of their own, and are never nearly constant."""
    even = np.tile(np.linspace(-1.5, 1.5, m), (n, 1))
    spread = rng.uniform(0.5, 2.5, (n, 1))
    Z = rng.uniform(-far, far, (n, 1)) + spread * (
        rng.permuted(even, axis=1) + rng.uniform(-0.2, 0.2, (n, m))
    )
    return Z.round(3)


def signed(rng, n):
    """Return a column of numbers between 0.4 and 2, of both signs where there is room."""
    return (rng.uniform(0.4, 2, n) * (-1.0) ** (np.arange(n) + rng.integers(2)))[:, None].round(2)


def learned(rng, n):
    return {"gamma": signed(rng, n), "beta": signed(rng, n)}


def kept(rng, n):
    """Return running statistics that no mini-batch of `batch` has."""
    return {
        "running_mean": rng.uniform(-4, 4, (n, 1)).round(2),
        "running_var": rng.uniform(0.3, 5, (n, 1)).round(2),
    }


def as_kinds(first, second):
    """Return one call in whole numbers and one in float32; numbers by themselves stay."""

    def cast(arguments, change):
        return {k: change(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}

    return [
        cast(first, lambda a: np.ceil(3 * a).astype(np.int64)),
        cast(second, lambda a: a.astype(np.float32)),
    ]


def constant_unit(rng, n, m):
    """Return a mini-batch in which one unit has the same whole number for every example."""
    Z = batch(rng, n, m)
    Z[rng.integers(n)] = rng.integers(1, 9)
    return Z


# --- mistakes that several of the functions can have -------------------------------------------------------


def of_units(Z):
    return Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True)


def of_units_by_m_minus_1(Z):
    # kept from 0/0 at m = 1, so that it explains those who see to that and those who do not
    return Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True, ddof=min(1, Z.shape[1] - 1))


def of_examples(Z):
    return Z.mean(axis=0, keepdims=True), Z.var(axis=0, keepdims=True)


def of_everything(Z):
    return Z.mean(), Z.var()


def of_units_not_centred(Z):
    return Z.mean(axis=1, keepdims=True), (Z**2).mean(axis=1, keepdims=True)


def of_units_summed(Z):
    mean = Z.mean(axis=1, keepdims=True)
    return mean, ((Z - mean) ** 2).sum(axis=1, keepdims=True)


def root(var, epsilon):
    return np.sqrt(var + epsilon)


SHARED = {
    "epsilon-outside-root": (
        {"root": lambda var, epsilon: np.sqrt(var) + epsilon},
        EPSILON,
        "epsilon only prevents 0/0, so it may stand outside the root",
        "With a variance of 1 and epsilon 1 you get 2. What is sqrt(var + epsilon)?",
    ),
    "epsilon-left-out": (
        {"root": lambda var, epsilon: np.sqrt(var)},
        EPSILON,
        "epsilon is too small to matter",
        "A unit that is the same for every example has variance 0. What saves the division then?",
    ),
    "epsilon-wired-in": (
        {"root": lambda var, epsilon: np.sqrt(var + 1e-8)},
        EPSILON,
        "epsilon is 1e-8 in any case",
        "Call your function with epsilon 0.1 and with 4: equal results. Which argument is never read?",
    ),
    "epsilon-only-at-0": (
        {"root": lambda var, epsilon: np.sqrt(np.where(var > 0, var, epsilon))},
        EPSILON,
        "epsilon is needed only where the variance is 0",
        "A variance of 1e-30 is not 0, and dividing by its root makes noise large. What does the equation do "
        "with epsilon, whatever the variance is?",
    ),
    "variance-for-deviation": (
        {"root": lambda var, epsilon: var + epsilon},
        FIRST,
        "the variance is the spread of a unit",
        "Make Z ten times as large: its variance grows a hundredfold. Which measure of spread grows tenfold?",
    ),
    "by-m-minus-1": (
        {"stats": of_units_by_m_minus_1},
        FIRST,
        "a variance divides by m - 1",
        "That estimates the variance of examples not seen; with one example it is 0/0. Which one does the "
        "equation ask for, and which one is np.var by default?",
    ),
    "not-averaged": (
        {"stats": of_units_summed},
        FIRST,
        "the variance is the sum of the squared deviations",
        "Put every example into the mini-batch twice: no unit varies more than before. What does your "
        "variance say, and what turns a sum into a mean?",
    ),
    "squares-not-centred": (
        {"stats": of_units_not_centred},
        FIRST,
        "the variance is the mean of the squares",
        "A unit that is 7 for every example does not vary. What does your variance say of it?",
    ),
    "over-units": (
        {"stats": of_examples},
        FIRST,
        "axis=0 runs over the examples",
        "Rows are units, columns examples. Each unit has its own mean over the examples: which axis goes?",
    ),
    "over-everything": (
        {"stats": of_everything},
        FIRST,
        "the layer has one mean and one variance",
        "One unit may live near 100 and another near 0. How many means does a layer of n units have?",
    ),
}
ROOTS = ("epsilon-outside-root", "epsilon-left-out", "epsilon-wired-in", "variance-for-deviation")
STATISTICS = ("by-m-minus-1", "not-averaged", "squares-not-centred", "over-units", "over-everything")


def shared(prefix, make, keys):
    """Return the shared mistakes as ``make(root=...)`` or ``make(stats=...)`` makes them."""
    return tuple(
        Misconception(f"{prefix}-{key}", belief, make(**changed), case, hint)
        for key in keys
        for changed, case, belief, hint in [SHARED[key]]
    )


# --- batchnorm_forward -------------------------------------------------------------------------------------

SCALED = "gamma and beta give each unit its own scale and shift"


def to_forward(rng, n, m, epsilon, **given):
    return {"Z": batch(rng, n, m), **learned(rng, n), "epsilon": epsilon, **given}


def plain(rng, n, m):
    """Return a mini-batch to normalize and nothing more: gamma 1, beta 0."""
    return to_forward(rng, n, m, UNSEEN, gamma=np.ones((n, 1)), beta=np.zeros((n, 1)))


def one_far_off(rng, n, m):
    """Return a mini-batch in which one example of each unit lies far from all others."""
    Z = batch(rng, n, m)
    Z[np.arange(n), rng.integers(m, size=n)] += 60
    return Z


def single_examples(rng):
    return [to_forward(rng, n, 1, epsilon) for n, epsilon in ((3, 1e-5), (1, 0.1))]


def forward_by(root=root, stats=of_units):
    def wrong(Z, gamma, beta, epsilon):
        mean, var = stats(Z)
        return gamma * (Z - mean) / root(var, epsilon) + beta

    return wrong


@exposed_by(SCALED)
def forward_not_scaled(Z, gamma, beta, epsilon):
    """normalized is finished

    Every unit of your result has mean 0. What if the next layer is better off with another mean and spread:
    which two arguments have you not used?
    """
    mean, var = of_units(Z)
    return (Z - mean) / np.sqrt(var + epsilon)


@exposed_by(FIRST)
def forward_gamma_beta_swapped(Z, gamma, beta, epsilon):
    """beta is the scale and gamma the shift

    With gamma = 1 and beta = 0 nothing but the normalized Z should be left. What is left of yours?
    """
    return forward_by()(Z, beta, gamma, epsilon)


@exposed_by(SCALED)
def forward_shift_inside(Z, gamma, beta, epsilon):
    """gamma scales the shift as well

    The mean of a unit of your result is gamma * beta. Which mean is it to have?
    """
    return gamma * ((Z - of_units(Z)[0]) / np.sqrt(of_units(Z)[1] + epsilon) + beta)


@exposed_by(FIRST)
def forward_not_centred(Z, gamma, beta, epsilon):
    """dividing by the spread normalizes

    Print the mean of each row of your result with beta = 0. What has to be taken away before the division?
    """
    return gamma * Z / np.sqrt(of_units(Z)[1] + epsilon) + beta


@exposed_by(SCALED)
def forward_not_shifted(Z, gamma, beta, epsilon):
    """gamma is all that is learned

    Every unit of your result has mean 0. Which mean is it to have, and which argument have you not used?
    """
    return forward_by()(Z, gamma, 0, epsilon)


@exposed_by(FIRST)
def forward_axis_lost(Z, gamma, beta, epsilon):
    """a mean over the examples is a list of n numbers

    A list of n numbers lines up with the columns of Z, not with its rows. What keeps the axis in Z.mean?
    """
    return gamma * (Z - Z.mean(axis=1)) / np.sqrt(Z.var(axis=1) + epsilon) + beta


@exposed_by(SCALED)
def forward_root_of_gamma(Z, gamma, beta, epsilon):
    """gamma is the new variance

    With gamma = 2 your result has a variance of 2. gamma is multiplied: which standard deviation comes out?
    """
    return np.sign(gamma) * np.sqrt(np.abs(gamma)) * forward_by()(Z, 1, 0, epsilon) + beta


@exposed_by(HABITS)
def forward_in_place(Z, gamma, beta, epsilon):
    """Z -= mean makes a centred copy

    The backward pass needs Z as it was. Which of `Z -= mean` and `Z = Z - mean` makes a new array?
    """
    mean, var = of_units(Z)
    Z -= mean
    return gamma * Z / np.sqrt(var + epsilon) + beta


def forward_loops(Z, gamma, beta, epsilon):
    Z_tilde = np.empty(Z.shape)
    for j, row in enumerate(Z.tolist()):
        mean = math.fsum(row) / len(row)
        var = math.fsum((z - mean) ** 2 for z in row) / len(row)
        for i, z in enumerate(row):
            Z_tilde[j, i] = float(gamma[j, 0]) * (z - mean) / math.sqrt(var + epsilon) + beta[j, 0]
    return Z_tilde


def forward_one_pass(Z, gamma, beta, epsilon):
    m = Z.shape[1]
    mean = Z.sum(axis=1, keepdims=True) / m
    var = (np.asarray(Z, dtype=float) ** 2).sum(axis=1, keepdims=True) / m - mean**2
    scale = gamma * (var + epsilon) ** -0.5
    return scale * Z + (beta - scale * mean)


def forward_einsum(Z, gamma, beta, epsilon):
    D = Z @ (np.eye(Z.shape[1]) - 1 / Z.shape[1])
    std = np.sqrt(np.einsum("ji,ji->j", D, D) / Z.shape[1] + epsilon)
    return np.einsum("j,ji->ji", gamma[:, 0] / std, D) + beta


def forward_transposed(Z, gamma, beta, epsilon):
    rows = Z.T.astype(np.float64)
    normed = (rows - np.average(rows, axis=0)) / np.hypot(rows.std(axis=0), np.sqrt(epsilon))
    return np.ascontiguousarray((normed * gamma.ravel() + beta.ravel()).T)


batchnorm_forward = Exercise(
    reference.batchnorm_forward,
    cases=(
        Case(
            FIRST,
            "gamma 1, beta 0, hardly an epsilon: nothing but mean and standard deviation of each row.",
            lambda rng: [plain(rng, 2, 5), plain(rng, 3, 4)],
            public=True,
            marks=2,
            ask="What are mean and standard deviation of each row of your result? Which should they be?",
            **UNSEEN_TOO,
        ),
        Case(
            SCALED,
            "Both signs in gamma and beta, no entry 1 or 0.",
            lambda rng: [to_forward(rng, 2, 4, UNSEEN), to_forward(rng, 4, 3, UNSEEN)],
            public=True,
            after=(FIRST,),
            ask="Where do gamma and beta come in, after the row has mean 0?",
        ),
        Case(
            EPSILON,
            "The lesson's s^2 / (s^2 + epsilon) = 0.5; outside the root, squared or left out, epsilon shows.",
            lambda rng: [
                to_forward(rng, 1, 4, 4.0, Z=np.array([[1.0, 5.0, 5.0, 1.0]])),
                to_forward(rng, 3, 5, 1.5),
                to_forward(rng, 2, 4, 4e-8, Z=1e-4 * batch(rng, 2, 4)),
                to_forward(rng, 2, 5, 0.5, Z=constant_unit(rng, 2, 5)),
            ],
            public=True,
            after=(FIRST,),
            ask="The unit 1, 5, 5, 1 has variance 4. With epsilon 4, what do you divide by?",
        ),
        Case(
            CONSTANT,
            "Variance 0 is no reason for nan: the unit comes out as its beta.",
            lambda rng: [to_forward(rng, 3, 4, 1e-3, Z=constant_unit(rng, 3, 4))],
            after=(FIRST, EPSILON),
        ),
        Case(
            "a single example",
            "m = 1: the mean is the example, the variance 0, the result beta.",
            single_examples,
            after=(FIRST, EPSILON),
        ),
        Case(
            SMALL,
            "A variance near 1e-8 beside epsilon 1e-8, and 1e-12 beside 1; far larger epsilons too.",
            lambda rng: [
                to_forward(rng, 3, 6, 1e-8, Z=1e-4 * batch(rng, 3, 6)),
                to_forward(rng, 2, 5, 1e-12),
                to_forward(rng, 2, 7, 1e3),
            ],
            after=(FIRST,),
        ),
        Case(
            FAR,
            "Rows up to 200 from 0.",
            lambda rng: [to_forward(rng, 5, 8, 1e-5, Z=batch(rng, 5, 8, far=200))],
            after=(FIRST,),
        ),
        Case(
            SHAPES,
            "One unit, a square Z, two examples, 150 examples; one example seven deviations from the others.",
            lambda rng: [
                *(to_forward(rng, n, m, 1e-3) for n, m in (*SIZES, (6, 2))),
                to_forward(rng, 3, 60, 1e-3, Z=one_far_off(rng, 3, 60)),
            ],
            after=(FIRST,),
        ),
        Case(
            KINDS,
            "Integers must not be cut.",
            lambda rng: as_kinds(to_forward(rng, 3, 5, 1), to_forward(rng, 4, 6, 1e-2)),
            after=(FIRST,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        *shared("batchnorm-forward", forward_by, (*ROOTS, "epsilon-only-at-0", *STATISTICS)),
        forward_not_scaled,
        forward_gamma_beta_swapped,
        forward_shift_inside,
        forward_not_centred,
        forward_not_shifted,
        forward_axis_lost,
        forward_root_of_gamma,
        forward_in_place,
    ),
    variants=(forward_loops, forward_one_pass, forward_einsum, forward_transposed),
)


# --- batchnorm_backward ------------------------------------------------------------------------------------


def to_backward(rng, n, m, epsilon, **given):
    """Return the arguments of the backward pass; the gradient has a mean of its own in every row."""
    dZ_tilde = (rng.normal(0, 1, (n, m)) + signed(rng, n)).round(3)
    return {"dZ_tilde": dZ_tilde, "Z": batch(rng, n, m), "gamma": signed(rng, n), "epsilon": epsilon, **given}


def what_vanishes(rng):
    """Return calls whose dZ is 0: a single example, and a gradient that is the same for every example."""
    equal = np.tile(signed(rng, 3), (1, 5))
    return [
        to_backward(rng, 3, 1, 1e-2),
        to_backward(rng, 1, 1, 0.5),
        to_backward(rng, 3, 5, 1e-3, dZ_tilde=equal),
    ]


def right_beside_what_went_in(calls, observations):
    """Compare with the reference, forgiving rounding of the terms that cancel."""
    for i, (call, seen) in enumerate(zip(calls, observations, strict=True)):
        given, expected = call.arguments, reference.batchnorm_backward(**call.arguments)
        misshapen = [d for d in differences(seen.value, expected) if d.kind not in ("value", "finite")]
        if misshapen:
            return [Finding(f"{i}:{misshapen[0].where}:{misshapen[0].kind}", misshapen[0].problem)]
        scale = np.abs(given["dZ_tilde"]).sum() * (
            1 + np.abs(given["gamma"]).max() / np.sqrt(given["epsilon"])
        )
        for name, part, right in zip(("dZ", "dgamma", "dbeta"), seen.value, expected, strict=True):
            if not (np.abs(part - right) <= 1e-9 * scale).all():  # 0 beside 0 is right
                return [Finding(f"{i}:{name}:value", f"{name} is not the right value")]
    return []


def pieces(Z, dZ_tilde, epsilon, root=root, stats=of_units):
    """Return what the backward pass is put together from."""
    mean, var = stats(Z)
    std = root(var, epsilon)
    Z_norm = (Z - mean) / std
    dgamma = (dZ_tilde * Z_norm).sum(axis=1, keepdims=True)
    return Z_norm, std, dgamma, dZ_tilde.sum(axis=1, keepdims=True), Z.shape[1]


def backward_by(**changed):
    def wrong(dZ_tilde, Z, gamma, epsilon):
        Z_norm, std, dgamma, dbeta, m = pieces(Z, dZ_tilde, epsilon, **changed)
        return gamma / std * (dZ_tilde - dbeta / m - Z_norm * dgamma / m), dgamma, dbeta

    return wrong


@exposed_by(FIRST)
def backward_statistics_constant(dZ_tilde, Z, gamma, epsilon):
    """mean and variance are constants

    Push one entry of Z up a little: the mean moves, and with it every example of the unit. Which two further
    ways lead from Z to the result?
    """
    _, std, dgamma, dbeta, _ = pieces(Z, dZ_tilde, epsilon)
    return gamma / std * dZ_tilde, dgamma, dbeta


@exposed_by(FIRST)
def backward_variance_constant(dZ_tilde, Z, gamma, epsilon):
    """only the mean depends on Z

    Pull one example away from the others: the variance grows, and all of them are divided by more. Which term
    is missing?
    """
    _, std, dgamma, dbeta, m = pieces(Z, dZ_tilde, epsilon)
    return gamma / std * (dZ_tilde - dbeta / m), dgamma, dbeta


@exposed_by(FIRST)
def backward_mean_constant(dZ_tilde, Z, gamma, epsilon):
    """only the variance depends on Z

    Add the same to every example of a unit: the result does not change, so what must each row of dZ sum to?
    """
    Z_norm, std, dgamma, dbeta, m = pieces(Z, dZ_tilde, epsilon)
    return gamma / std * (dZ_tilde - Z_norm * dgamma / m), dgamma, dbeta


@exposed_by(FIRST)
def backward_m_left_out(dZ_tilde, Z, gamma, epsilon):
    """the sums are taken away as they are

    Each entry of Z moves the mean by 1/m of its own step. Where must m appear in dZ?
    """
    Z_norm, std, dgamma, dbeta, _ = pieces(Z, dZ_tilde, epsilon)
    return gamma / std * (dZ_tilde - dbeta - Z_norm * dgamma), dgamma, dbeta


@exposed_by(FIRST)
def backward_m_too_many(dZ_tilde, Z, gamma, epsilon):
    """m * dZ_tilde minus the two sums is all there is

    Multiplying by m clears the two fractions. What has to be divided by m in return?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ * Z.shape[1], dgamma, dbeta


@exposed_by(FIRST)
def backward_averaged(dZ_tilde, Z, gamma, epsilon):
    """dgamma and dbeta are averages

    dZ_tilde already holds the 1/m of the cost, if there is one. beta is added to every example: how do the
    examples' gradients come together?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ, dgamma / Z.shape[1], dbeta / Z.shape[1]


@exposed_by(FIRST)
def backward_dgamma_of_Z(dZ_tilde, Z, gamma, epsilon):
    """gamma multiplies Z

    What stands beside gamma in the equation of the forward pass: Z, or something made from it?
    """
    dZ, _, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ, (dZ_tilde * Z).sum(axis=1, keepdims=True), dbeta


@exposed_by(FIRST)
def backward_gamma_left_out(dZ_tilde, Z, gamma, epsilon):
    """gamma has its own gradient and plays no part in dZ

    A unit with gamma = 0 lets nothing through. What should its dZ be, and what is yours?
    """
    _, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return backward_by()(dZ_tilde, Z, 1.0, epsilon)[0], dgamma, dbeta


@exposed_by(FIRST)
def backward_dZ_averaged(dZ_tilde, Z, gamma, epsilon):
    """every backward pass divides by m

    That 1/m belongs to the cost, which dZ_tilde has passed already. Where in the forward pass is anything
    averaged but mean and variance?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ / Z.shape[1], dgamma, dbeta


@exposed_by(FIRST)
def backward_gamma_in_its_own(dZ_tilde, Z, gamma, epsilon):
    """gamma stands in all three gradients

    Double gamma: does a step of gamma then move gamma * Z_norm + beta by more than before? What is the slope
    of gamma * Z_norm along gamma, and that of beta along beta?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ, gamma * dgamma, gamma * dbeta


@exposed_by(FIRST)
def backward_multiplies(dZ_tilde, Z, gamma, epsilon):
    """the backward pass undoes the division

    Take a unit with a wide spread: a small step of Z is divided by it on its way. Does the result move by
    more or by less, and what follows for dZ?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ * (of_units(Z)[1] + epsilon), dgamma, dbeta


@exposed_by(FIRST)
def backward_not_summed(dZ_tilde, Z, gamma, epsilon):
    """each example has its own gradient of gamma and beta

    gamma has one number for each unit, and all examples of the unit share it. What becomes of their (n, m)
    contributions?
    """
    Z_norm = pieces(Z, dZ_tilde, epsilon)[0]
    return backward_by()(dZ_tilde, Z, gamma, epsilon)[0], dZ_tilde * Z_norm, dZ_tilde.copy()


@exposed_by(FIRST)
def backward_axis_lost(dZ_tilde, Z, gamma, epsilon):
    """a sum over the examples is a list of n numbers

    gamma is a column. Compare gamma.shape with dgamma.shape: gamma - learning_rate * dgamma becomes (n, n).
    What keeps the axis?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ, dgamma.ravel(), dbeta.ravel()


@exposed_by(FIRST)
def backward_order_swapped(dZ_tilde, Z, gamma, epsilon):
    """dbeta comes before dgamma

    Which of your results is the plain sum of dZ_tilde, and in which place does the docstring want it?
    """
    dZ, dgamma, dbeta = backward_by()(dZ_tilde, Z, gamma, epsilon)
    return dZ, dbeta, dgamma


def backward_six_steps(dZ_tilde, Z, gamma, epsilon):
    m = Z.shape[1]
    mean, var = of_units(Z)
    dZ_norm = dZ_tilde * gamma
    dvar = np.sum(dZ_norm * (Z - mean) * -0.5 * (var + epsilon) ** -1.5, axis=1, keepdims=True)
    dmean = -np.sum(dZ_norm / np.sqrt(var + epsilon), axis=1, keepdims=True)
    dmean = dmean + dvar * np.mean(-2.0 * (Z - mean), axis=1, keepdims=True)
    dZ = dZ_norm * (1 / np.sqrt(var + epsilon)) + dvar * 2.0 * (Z - mean) / m + dmean / m
    Z_norm = (Z - mean) / np.sqrt(var + epsilon)
    return dZ, np.sum(dZ_tilde * Z_norm, axis=1, keepdims=True), np.sum(dZ_tilde, axis=1, keepdims=True)


def backward_jacobians(dZ_tilde, Z, gamma, epsilon):
    n, m = Z.shape
    dZ, dgamma = np.zeros((n, m)), np.zeros((n, 1))
    for j in range(n):
        centred = Z[j] - sum(Z[j].tolist()) / m
        std = math.sqrt(float(centred @ centred) / m + epsilon)
        normed = centred / std
        jacobian = (np.eye(m) - 1 / m - np.outer(normed, normed) / m) / std
        dZ[j] = gamma[j] * (jacobian @ dZ_tilde[j])
        dgamma[j] = normed @ dZ_tilde[j]
    return [dZ, dgamma, dZ_tilde @ np.ones((m, 1))]


def backward_by_means(dZ_tilde, Z, gamma, epsilon):
    Z_norm, std, *_ = pieces(Z, dZ_tilde, epsilon)
    g = gamma * dZ_tilde
    dZ = (g - g.mean(1, keepdims=True) - Z_norm * (g * Z_norm).mean(1, keepdims=True)) / std
    return dZ, np.einsum("ji,ji->j", dZ_tilde, Z_norm)[:, None], np.add.reduce(dZ_tilde, 1)[:, None]


batchnorm_backward = Exercise(
    reference.batchnorm_backward,
    cases=(
        Case(
            FIRST,
            "Both signs in gamma, gradients with a mean of their own: every term counts.",
            lambda rng: [to_backward(rng, 2, 4, UNSEEN), to_backward(rng, 3, 5, UNSEEN)],
            public=True,
            marks=3,
            ask="Which three ways lead from one entry of Z to the result?",
            **UNSEEN_TOO,
        ),
        Case(
            EPSILON,
            "epsilon stands in dZ and in dgamma, each time under the root.",
            lambda rng: [
                to_backward(rng, 2, 5, 2.0),
                to_backward(rng, 1, 4, 0.7),
                to_backward(rng, 2, 4, 4e-6, Z=1e-3 * batch(rng, 2, 4)),
            ],
            public=True,
            after=(FIRST,),
            ask="Do forward and backward pass divide by the same number?",
        ),
        Case(
            "what moves all examples alike changes nothing",
            "m = 1, a gradient equal for all: dZ is 0 up to rounding, so it is judged beside what came in.",
            what_vanishes,
            verify=right_beside_what_went_in,
            after=(FIRST,),
        ),
        Case(
            CONSTANT,
            "With variance 0, Z_norm is 0 and only the mean's term is left.",
            lambda rng: [to_backward(rng, 3, 4, 1e-2, Z=constant_unit(rng, 3, 4))],
            after=(FIRST, EPSILON),
        ),
        Case(
            SMALL,
            "Variance and epsilon near 1e-6, an epsilon of 100.",
            lambda rng: [
                to_backward(rng, 3, 6, 1e-6, Z=1e-3 * batch(rng, 3, 6)),
                to_backward(rng, 2, 5, 100.0),
            ],
            after=(FIRST,),
        ),
        Case(
            FAR,
            "Rows up to 200 from 0, gradients of 1e-6.",
            lambda rng: [
                to_backward(rng, 4, 9, 1e-4, Z=batch(rng, 4, 9, far=200)),
                to_backward(rng, 3, 6, 1e-4, dZ_tilde=1e-6 * rng.normal(1, 2, (3, 6))),
            ],
            after=(FIRST,),
        ),
        Case(
            SHAPES,
            "One unit, a square Z, two examples, 150 examples.",
            lambda rng: [*(to_backward(rng, n, m, 1e-3) for n, m in SIZES), to_backward(rng, 3, 2, 0.5)],
            after=(FIRST,),
        ),
        Case(
            KINDS,
            "Integers must not be cut.",
            lambda rng: as_kinds(to_backward(rng, 3, 5, 1), to_backward(rng, 2, 6, 0.1)),
            after=(FIRST,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        *shared("batchnorm-backward", backward_by, (*ROOTS, *STATISTICS)),
        backward_statistics_constant,
        backward_variance_constant,
        backward_mean_constant,
        backward_m_left_out,
        backward_m_too_many,
        backward_averaged,
        backward_dgamma_of_Z,
        backward_gamma_left_out,
        backward_dZ_averaged,
        backward_gamma_in_its_own,
        backward_multiplies,
        backward_not_summed,
        backward_axis_lost,
        backward_order_swapped,
    ),
    variants=(backward_six_steps, backward_jacobians, backward_by_means),
)


# --- update_running ----------------------------------------------------------------------------------------

FRESH = "the first mini-batch"
MOVED = "statistics that have already moved"
EXTREMES = "momentum 0 and momentum 1"


def to_update(rng, n, m, momentum, **given):
    return {**kept(rng, n), "Z": batch(rng, n, m), "momentum": momentum, **given}


def from_start(rng, n, m, momentum):
    """Return the first update: mean 0 and variance 1 so far."""
    return to_update(rng, n, m, momentum, running_mean=np.zeros((n, 1)), running_var=np.ones((n, 1)))


def several_steps(rng, n, m, momentum, n_steps=4):
    steps = [to_update(rng, n, m, momentum)]
    while len(steps) < n_steps:
        mean, var = reference.update_running(**steps[-1])
        steps.append(to_update(rng, n, m, momentum, running_mean=mean, running_var=var))
    return steps


def running_by(stats=of_units):
    def wrong(running_mean, running_var, Z, momentum):
        mean, var = stats(Z)
        return (
            momentum * running_mean + (1 - momentum) * mean,
            momentum * running_var + (1 - momentum) * var,
        )

    return wrong


def running_with(mean_of, var_of):
    """Return an update that mixes other things than mean and variance."""
    return running_by(lambda Z: (mean_of(Z), var_of(Z)))


@exposed_by(FRESH)
def running_momentum_for_the_new(running_mean, running_var, Z, momentum):
    """momentum is the weight of the new mini-batch

    Some libraries mean it that way. Here momentum 0.9 keeps nine tenths of the past: which term does it
    multiply?
    """
    return running_by()(running_mean, running_var, Z, 1 - momentum)


@exposed_by(FRESH)
def running_momentum_fixed(running_mean, running_var, Z, momentum):
    """momentum is always 0.9

    Call your function with momentum 0.5 and with 0.9: the results are equal. Which argument is never read?
    """
    return running_by()(running_mean, running_var, Z, 0.9)


@exposed_by(FRESH)
def running_deviation_for_variance(running_mean, running_var, Z, momentum):
    """the standard deviation is kept

    batchnorm_predict takes sqrt(running_var + epsilon). What would the root of a standard deviation be?
    """
    return running_with(lambda Z: of_units(Z)[0], lambda Z: np.sqrt(of_units(Z)[1]))(
        running_mean, running_var, Z, momentum
    )


@exposed_by(FRESH)
def running_forgets(running_mean, running_var, Z, momentum):
    """the statistics of the last mini-batch are the best ones

    One mini-batch of 32 is a noisy witness. Which share of what was known before should stay?
    """
    return of_units(Z)


@exposed_by(FRESH)
def running_only_the_mean(running_mean, running_var, Z, momentum):
    """only the mean has to be followed

    Prediction divides by the root of running_var. How does it learn what the variance is?
    """
    return running_by()(running_mean, running_var, Z, momentum)[0], running_var.copy()


@exposed_by(FRESH)
def running_not_weighted(running_mean, running_var, Z, momentum):
    """the new mini-batch is added in full

    Feed the same mini-batch again and again: your average grows to 1 / (1 - momentum) times its mean. Do the
    two weights sum to 1?
    """
    mean, var = of_units(Z)
    return momentum * running_mean + mean, momentum * running_var + var


@exposed_by(FRESH)
def running_around_running_mean(running_mean, running_var, Z, momentum):
    """the spread is measured around the running mean

    That mixes a shift of the mean into the variance. Around which mean does np.var measure?
    """
    mean, _ = running_by()(running_mean, running_var, Z, momentum)
    var = ((Z - mean) ** 2).mean(axis=1, keepdims=True)
    return mean, momentum * running_var + (1 - momentum) * var


@exposed_by(FRESH)
def running_around_old_mean(running_mean, running_var, Z, momentum):
    """the spread is measured around the mean that was kept

    That mixes a shift of the mean into the variance. Around which mean does np.var measure?
    """
    mean, _ = running_by()(running_mean, running_var, Z, momentum)
    var = ((Z - running_mean) ** 2).mean(axis=1, keepdims=True)
    return mean, momentum * running_var + (1 - momentum) * var


@exposed_by(FRESH)
def running_axis_lost(running_mean, running_var, Z, momentum):
    """a mean over the examples is a list of n numbers

    A column plus a list of n numbers is an n by n table. What keeps the axis in Z.mean?
    """
    return running_with(lambda Z: Z.mean(axis=1), lambda Z: Z.var(axis=1))(
        running_mean, running_var, Z, momentum
    )


@exposed_by(FRESH)
def running_order_swapped(running_mean, running_var, Z, momentum):
    """the variance comes before the mean

    Both are right. Which of the two does the docstring want first?
    """
    return running_by()(running_mean, running_var, Z, momentum)[::-1]


@exposed_by(HABITS)
def running_in_place(running_mean, running_var, Z, momentum):
    """running statistics are to be updated where they are

    Whoever called you still holds them. The new ones are what you return: does += make a new array?
    """
    new = running_by()(running_mean, running_var, Z, momentum)
    if running_mean.dtype.kind != "f":  # there *= raises and [:] = cuts; no mistake but this one is meant
        return new
    running_mean[:], running_var[:] = new
    return running_mean, running_var


def running_steps(running_mean, running_var, Z, momentum):
    mean, var = of_units(Z)
    return [old + (1 - momentum) * (new - old) for old, new in ((running_mean, mean), (running_var, var))]


def running_loops(running_mean, running_var, Z, momentum):
    kept_mean, kept_var = np.zeros(running_mean.shape), np.zeros(running_var.shape)
    for j, row in enumerate(Z.tolist()):
        mean = sum(row) / len(row)
        var = sum(z * z for z in row) / len(row) - mean * mean
        kept_mean[j, 0] = momentum * running_mean[j, 0] + (1 - momentum) * mean
        kept_var[j, 0] = momentum * running_var[j, 0] + (1 - momentum) * var
    return kept_mean, kept_var


def running_average(running_mean, running_var, Z, momentum):
    weights = [momentum, 1 - momentum]
    old, new = np.hstack([running_mean, running_var]), np.stack([Z.mean(1), Z.std(1) ** 2], axis=1)
    both = np.average([old, new], axis=0, weights=weights)
    return both[:, :1].copy(), both[:, 1:].copy()


update_running = Exercise(
    reference.update_running,
    cases=(
        Case(
            FRESH,
            "Mean 0 and variance 1 so far: each term can be read off.",
            lambda rng: [from_start(rng, 2, 4, 0.9), from_start(rng, 3, 5, 0.7)],
            public=True,
            marks=2,
            ask="With momentum 0.9: which share of the old mean stays, and which comes from the mini-batch?",
        ),
        Case(
            MOVED,
            "What was kept counts as well.",
            lambda rng: [to_update(rng, 3, 4, 0.8), to_update(rng, 2, 6, 0.25)],
            public=True,
            after=(FRESH,),
            ask="Do the weights of the past and of the mini-batch sum to 1?",
        ),
        Case(
            "four mini-batches in a row",
            "Each step starts from the one before.",
            lambda rng: several_steps(rng, 4, 3, 0.9),
            after=(FRESH,),
        ),
        Case(
            EXTREMES,
            "0 forgets everything, 1 learns nothing; neither result may be the very array that came in.",
            lambda rng: [to_update(rng, 3, 4, momentum) for momentum in (0, 1, 0.0, 1.0)],
            after=(FRESH,),
        ),
        Case(
            "a single example",
            "m = 1 has variance 0, and pulls running_var down.",
            lambda rng: [to_update(rng, 4, 1, 0.6), to_update(rng, 1, 1, 0.99)],
            after=(FRESH,),
        ),
        Case(
            FAR,
            "Rows up to 200 from 0.",
            lambda rng: [to_update(rng, 4, 9, 0.95, Z=batch(rng, 4, 9, far=200))],
            after=(FRESH,),
        ),
        Case(
            SHAPES,
            "One unit to many.",
            lambda rng: [to_update(rng, n, m, 0.9) for n, m in SIZES],
            after=(FRESH,),
        ),
        Case(
            KINDS,
            "Running statistics in whole numbers must not be cut.",
            lambda rng: as_kinds(to_update(rng, 3, 5, 0.9), to_update(rng, 2, 6, 0.5)),
            after=(FRESH,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        *(
            Misconception(m.key, m.belief, m.wrong, FRESH, m.hint)
            for m in shared("update-running", running_by, STATISTICS)
        ),
        running_momentum_for_the_new,
        running_momentum_fixed,
        running_deviation_for_variance,
        running_forgets,
        running_only_the_mean,
        running_not_weighted,
        running_around_running_mean,
        running_around_old_mean,
        running_axis_lost,
        running_order_swapped,
        running_in_place,
    ),
    variants=(running_steps, running_loops, running_average),
)


# --- batchnorm_predict -------------------------------------------------------------------------------------


def to_predict(rng, n, m, epsilon, **given):
    return {"Z": batch(rng, n, m), **learned(rng, n), **kept(rng, n), "epsilon": epsilon, **given}


def predict_by(root=root):
    def wrong(Z, gamma, beta, running_mean, running_var, epsilon):
        return gamma * (Z - running_mean) / root(running_var, epsilon) + beta

    return wrong


@exposed_by(FIRST)
def predict_from_batch(Z, gamma, beta, running_mean, running_var, epsilon):
    """the batch at hand is normalized with its own statistics

    Ask for one example: its mean is itself, and every answer is beta. Which statistics do not depend on who
    else is in the batch?
    """
    return forward_by()(Z, gamma, beta, epsilon)


@exposed_by(FIRST)
def predict_batch_mean(Z, gamma, beta, running_mean, running_var, epsilon):
    """only the variance was kept from training

    An example's prediction must not depend on its neighbours in the batch. Which mean does not?
    """
    return gamma * (Z - of_units(Z)[0]) / np.sqrt(running_var + epsilon) + beta


@exposed_by(FIRST)
def predict_batch_variance(Z, gamma, beta, running_mean, running_var, epsilon):
    """only the mean was kept from training

    An example's prediction must not depend on its neighbours in the batch. Which variance does not?
    """
    return gamma * (Z - running_mean) / np.sqrt(of_units(Z)[1] + epsilon) + beta


@exposed_by(FIRST)
def predict_from_batch_if_it_can(Z, gamma, beta, running_mean, running_var, epsilon):
    """running statistics are for single examples, a batch has its own

    Ask for one example alone, then for the same one among others. Should the neighbours change its answer?
    """
    if Z.shape[1] > 1:
        return forward_by()(Z, gamma, beta, epsilon)
    return predict_by()(Z, gamma, beta, running_mean, running_var, epsilon)


@exposed_by(FIRST)
def predict_switched_off(Z, gamma, beta, running_mean, running_var, epsilon):
    """like dropout, batch normalization is for training only

    The weights of the next layer were learned on normalized values. What would they see if Z came through as
    it is?
    """
    return Z.copy()


@exposed_by(FIRST)
def predict_not_normalized(Z, gamma, beta, running_mean, running_var, epsilon):
    """without a mini-batch only gamma and beta are left to apply

    gamma and beta were learned for values of mean 0 and variance 1. Which two arguments bring Z near to that?
    """
    return gamma * Z + beta


@exposed_by(FIRST)
def predict_goes_on_updating(Z, gamma, beta, running_mean, running_var, epsilon):
    """running statistics follow the data at prediction time too

    Predict twice: the same example would get two answers. When is the time to learn statistics?
    """
    mean, var = running_by()(running_mean, running_var, Z, 0.9)
    return gamma * (Z - mean) / np.sqrt(var + epsilon) + beta


@exposed_by(FIRST)
def predict_not_scaled(Z, gamma, beta, running_mean, running_var, epsilon):
    """gamma and beta belong to training

    The next layer has learned from scaled and shifted values. What would it see now?
    """
    return (Z - running_mean) / np.sqrt(running_var + epsilon)


@exposed_by(FIRST)
def predict_gamma_beta_swapped(Z, gamma, beta, running_mean, running_var, epsilon):
    """beta is the scale and gamma the shift

    What is left of Z when gamma = 1 and beta = 0, and what should be left?
    """
    return predict_by()(Z, beta, gamma, running_mean, running_var, epsilon)


@exposed_by(FIRST)
def predict_not_centred(Z, gamma, beta, running_mean, running_var, epsilon):
    """beta makes up for the mean

    In training the mean was taken away before beta was added. Which running statistic have you not used?
    """
    return gamma * Z / np.sqrt(running_var + epsilon) + beta


@exposed_by(FIRST)
def predict_shift_inside(Z, gamma, beta, running_mean, running_var, epsilon):
    """gamma scales the shift as well

    An example that equals running_mean should come out as beta. As what does yours come out?
    """
    return gamma * ((Z - running_mean) / np.sqrt(running_var + epsilon) + beta)


@exposed_by(FIRST)
def predict_not_shifted(Z, gamma, beta, running_mean, running_var, epsilon):
    """gamma is all that was learned

    An example that equals running_mean should come out as beta. As what does yours come out?
    """
    return predict_by()(Z, gamma, 0, running_mean, running_var, epsilon)


@exposed_by(HABITS)
def predict_in_place(Z, gamma, beta, running_mean, running_var, epsilon):
    """Z -= running_mean makes a centred copy

    Whoever asked for the prediction still holds Z. Which of `Z -= mean` and `Z = Z - mean` makes a new array?
    """
    Z -= running_mean
    return gamma * Z / np.sqrt(running_var + epsilon) + beta


def predict_folded(Z, gamma, beta, running_mean, running_var, epsilon):
    scale = gamma * np.power(running_var + epsilon, -0.5)
    return scale * Z + (beta - scale * running_mean)


def predict_loops(Z, gamma, beta, running_mean, running_var, epsilon):
    rows = zip(Z, gamma[:, 0], beta[:, 0], running_mean[:, 0], running_var[:, 0], strict=True)
    return np.stack([g * (z - mu) / math.sqrt(var + epsilon) + b for z, g, b, mu, var in rows])


def predict_diagonal(Z, gamma, beta, running_mean, running_var, epsilon):
    D = np.diag((gamma / np.sqrt(running_var + epsilon))[:, 0])
    return D @ np.subtract(Z, running_mean) + beta


def predict_by_example(Z, gamma, beta, running_mean, running_var, epsilon):
    std = np.sqrt(epsilon + running_var)
    return np.hstack([beta + (Z[:, [i]] - running_mean) / std * gamma for i in range(Z.shape[1])])


batchnorm_predict = Exercise(
    reference.batchnorm_predict,
    cases=(
        Case(
            FIRST,
            "Running statistics that are not the batch's, both signs in gamma and beta.",
            lambda rng: [to_predict(rng, 2, 4, UNSEEN), to_predict(rng, 3, 5, UNSEEN)],
            public=True,
            marks=2,
            ask="Take one entry of Z: which numbers of its unit does its result depend on?",
            **UNSEEN_TOO,
        ),
        Case(
            "a single example",
            "m = 1, where the batch's own statistics would leave nothing but beta.",
            lambda rng: [to_predict(rng, 3, 1, UNSEEN), to_predict(rng, 1, 1, UNSEEN)],
            public=True,
            after=(FIRST,),
            ask="What does your function answer for one example alone, and what for the same one in a batch?",
        ),
        Case(
            EPSILON,
            "Outside the root, or left out, epsilon shows.",
            lambda rng: [
                to_predict(rng, 1, 3, 4.0, running_var=np.array([[4.0]])),
                to_predict(rng, 3, 5, 1.5),
                to_predict(rng, 2, 4, 4e-8, running_var=rng.uniform(0.5, 2, (2, 1)) * 1e-8),
                to_predict(rng, 2, 3, 0.5, running_var=rng.permutation([0.0, 2.0])[:, None]),
            ],
            public=True,
            after=(FIRST,),
            ask="With running_var 4 and epsilon 4, what do you divide by?",
        ),
        Case(
            CONSTANT,
            "running_var 0 beside others; the division must not be by 0.",
            lambda rng: [to_predict(rng, 3, 4, 0.01, running_var=rng.permutation([0.0, 1.5, 3.0])[:, None])],
            after=(FIRST, EPSILON),
        ),
        Case(
            SMALL,
            "running_var and epsilon of 1e-8, epsilon 1e-12 and 1000.",
            lambda rng: [
                to_predict(rng, 3, 6, 1e-8, running_var=rng.uniform(0.5, 2, (3, 1)) * 1e-8),
                to_predict(rng, 2, 5, 1e-12),
                to_predict(rng, 2, 7, 1e3),
            ],
            after=(FIRST,),
        ),
        Case(
            SHAPES,
            "One unit to many.",
            lambda rng: [to_predict(rng, n, m, 1e-3) for n, m in SIZES],
            after=(FIRST,),
        ),
        Case(
            KINDS,
            "Whole numbers must not be cut; running_var stays above 0.",
            lambda rng: as_kinds(to_predict(rng, 3, 5, 1), to_predict(rng, 4, 6, 1e-2)),
            after=(FIRST,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        *shared("batchnorm-predict", predict_by, (*ROOTS, "epsilon-only-at-0")),
        predict_from_batch,
        predict_batch_mean,
        predict_batch_variance,
        predict_from_batch_if_it_can,
        predict_switched_off,
        predict_not_normalized,
        predict_goes_on_updating,
        predict_not_scaled,
        predict_gamma_beta_swapped,
        predict_not_centred,
        predict_shift_inside,
        predict_not_shifted,
        predict_in_place,
    ),
    variants=(predict_folded, predict_loops, predict_diagonal, predict_by_example),
)


# --- identity_parameters -----------------------------------------------------------------------------------


def to_undo(rng, n, m, epsilon, **given):
    return {"Z": batch(rng, n, m), "epsilon": epsilon, **given}


def gives_Z_back(calls, observations):
    """Run the forward pass with what was returned: Z must come out, whatever the parameters are.

    The code holds how far off Z is: one mistake is not taken for another that is off by another amount.
    """
    found = []
    for i, (call, seen) in enumerate(zip(calls, observations, strict=True)):
        Z = call.arguments["Z"]
        column = np.zeros((len(Z), 1))
        wrong_form = [d for d in differences(seen.value, (column, column)) if d.kind != "value"]
        if wrong_form:
            d = wrong_form[0]
            return [Finding(f"form:{d.where}:{d.kind}:{d.saw}", d.problem, d.saw, d.expected)]
        Z_tilde = reference.batchnorm_forward(Z, *seen.value, call.arguments["epsilon"])
        rtol = 1e-4 if Z.dtype == np.float32 else 1e-7
        if not agree(Z_tilde, Z, rtol, rtol * 1e-3).all():
            problem = "batch normalization with these gamma and beta still changes Z"
            off = np.abs(Z_tilde - Z).max() / np.abs(Z).max()
            found.append(Finding(f"{i}:Z:changed:{off:.2g}", problem))
    return found


def identity_by(root=root, stats=of_units):
    def wrong(Z, epsilon):
        mean, var = stats(Z)
        return root(var, epsilon), mean

    return wrong


@exposed_by(FIRST)
def identity_one_and_zero(Z, epsilon):
    """gamma 1 and beta 0 leave everything as it is

    They leave the normalized Z as it is. With which mean does a unit come out then, and which had it?
    """
    return np.ones((len(Z), 1)), np.zeros((len(Z), 1))


@exposed_by(FIRST)
def identity_swapped(Z, epsilon):
    """the mean comes first

    gamma is the first of the two. Which one is multiplied, and which one added?
    """
    return identity_by()(Z, epsilon)[::-1]


@exposed_by(FIRST)
def identity_divides_once_more(Z, epsilon):
    """gamma divides by the spread

    The forward pass has divided by it already. What undoes a division?
    """
    gamma, beta = identity_by()(Z, epsilon)
    return 1 / gamma, beta


@exposed_by(FIRST)
def identity_minus_mean(Z, epsilon):
    """beta takes the mean away

    The forward pass has taken it away already. Which sign brings it back?
    """
    gamma, beta = identity_by()(Z, epsilon)
    return gamma, -beta


@exposed_by(FIRST)
def identity_shift_left_out(Z, epsilon):
    """only the spread has to be brought back

    With your parameters every unit comes out with mean 0. With which mean did it come in?
    """
    gamma, beta = identity_by()(Z, epsilon)
    return gamma, np.zeros_like(beta)


@exposed_by(FIRST)
def identity_spread_left_out(Z, epsilon):
    """only the mean has to be brought back

    With your parameters every unit comes out with a spread of 1. With which spread did it come in?
    """
    return np.ones((len(Z), 1)), identity_by()(Z, epsilon)[1]


@exposed_by(FIRST)
def identity_shift_normalized(Z, epsilon):
    """beta is divided by the spread like everything else

    beta is added at the very end. Which mean has the unit just before, and which one should it get?
    """
    gamma, beta = identity_by()(Z, epsilon)
    return gamma, beta / gamma


@exposed_by(FIRST)
def identity_axis_lost(Z, epsilon):
    """one number for each unit has shape (n,)

    gamma is multiplied with an (n, m) array, row by row. Which shape stretches over the columns?
    """
    gamma, beta = identity_by()(Z, epsilon)
    return gamma.ravel(), beta.ravel()


def identity_loops(Z, epsilon):
    means = [[sum(row) / len(row)] for row in Z.tolist()]
    var = [[sum((z - mu) ** 2 for z in row) / len(row)] for row, (mu,) in zip(Z.tolist(), means, strict=True)]
    return np.sqrt(np.array(var) + epsilon), np.array(means)


def identity_from_two_examples(Z, epsilon):
    normed = reference.batchnorm_forward(Z, np.ones((len(Z), 1)), np.zeros((len(Z), 1)), epsilon)
    gamma, beta = np.ones((len(Z), 1)), Z[:, :1].astype(float)
    for j in range(len(Z)):
        low, high = normed[j].argmin(), normed[j].argmax()
        if normed[j, high] - normed[j, low] > 1e-9:
            gamma[j] = (float(Z[j, high]) - Z[j, low]) / (normed[j, high] - normed[j, low])
            beta[j] = Z[j, low] - gamma[j] * normed[j, low]
    return gamma, beta


def identity_hypot(Z, epsilon):
    return [np.hypot(Z.std(axis=1), epsilon**0.5)[:, np.newaxis], np.atleast_2d(np.mean(Z, axis=1)).T.copy()]


identity_parameters = Exercise(
    reference.identity_parameters,
    cases=(
        Case(
            FIRST,
            "No unit is constant, so only one gamma and beta give Z back and they may be judged as numbers.",
            lambda rng: [to_undo(rng, 2, 4, UNSEEN), to_undo(rng, 3, 5, UNSEEN)],
            public=True,
            marks=2,
            ask="By what does the forward pass divide, and what does it take away? Undo both.",
            **UNSEEN_TOO,
        ),
        Case(
            EPSILON,
            "gamma has to undo what epsilon adds.",
            lambda rng: [
                to_undo(rng, 1, 4, 4.0, Z=np.array([[1.0, 5.0, 5.0, 1.0]])),
                to_undo(rng, 3, 6, 1.5),
                to_undo(rng, 2, 4, 4e-8, Z=1e-4 * batch(rng, 2, 4)),
            ],
            public=True,
            after=(FIRST,),
            ask="The unit 1, 5, 5, 1 has variance 4. With epsilon 4, what does the forward pass divide by?",
        ),
        Case(
            "whatever comes in comes out again",
            "The property itself, from small to large spreads and epsilons.",
            lambda rng: [
                to_undo(rng, 3, 6, 1e-8, Z=1e-4 * batch(rng, 3, 6)),
                to_undo(rng, 2, 5, 1e3),
                to_undo(rng, 4, 3, 1e-12),
                to_undo(rng, 5, 8, 1.0, Z=batch(rng, 5, 8, far=200)),
            ],
            verify=gives_Z_back,
            after=(FIRST,),
        ),
        Case(
            "a single example, a unit that never changes",
            "Where Z_norm is 0 any gamma will do.",
            lambda rng: [
                to_undo(rng, 3, 1, 1e-2),
                to_undo(rng, 1, 1, 1.0),
                to_undo(rng, 3, 4, 1e-2, Z=constant_unit(rng, 3, 4)),
            ],
            verify=gives_Z_back,
            after=(FIRST,),
        ),
        Case(
            SHAPES,
            "One unit to many.",
            lambda rng: [to_undo(rng, n, m, 0.1) for n, m in SIZES],
            verify=gives_Z_back,
            after=(FIRST,),
        ),
        Case(
            KINDS,
            "Whole numbers must not be cut.",
            lambda rng: as_kinds(to_undo(rng, 3, 5, 1), to_undo(rng, 2, 6, 0.5)),
            verify=gives_Z_back,
            after=(FIRST,),
        ),
    ),
    misconceptions=(
        *shared("identity", identity_by, (*ROOTS, *STATISTICS)),
        identity_one_and_zero,
        identity_swapped,
        identity_divides_once_more,
        identity_minus_mean,
        identity_shift_left_out,
        identity_spread_left_out,
        identity_shift_normalized,
        identity_axis_lost,
    ),
    variants=(identity_loops, identity_from_two_examples, identity_hypot),
)


# --- fold_batchnorm ----------------------------------------------------------------------------------------


def to_fold(rng, n, n_prev, epsilon, **given):
    W = rng.normal(0, 1, (n, n_prev)).round(2)
    return {"W": W, **learned(rng, n), **kept(rng, n), "epsilon": epsilon, **given}


def fold_by(root=root):
    def wrong(W, gamma, beta, running_mean, running_var, epsilon):
        scale = gamma / root(running_var, epsilon)
        return scale * W, beta - scale * running_mean

    return wrong


@exposed_by(FIRST)
def fold_bias_is_beta(W, gamma, beta, running_mean, running_var, epsilon):
    """beta is the new bias

    An activation of 0 gives W A = 0, from which running_mean is still taken away. What comes out?
    """
    return fold_by()(W, gamma, beta, running_mean, running_var, epsilon)[0], beta.copy()


@exposed_by(FIRST)
def fold_beta_left_out(W, gamma, beta, running_mean, running_var, epsilon):
    """the bias is what the mean leaves behind

    Write out gamma * (W A - mean) / std + beta. Which of the two constant terms is missing?
    """
    scale = gamma / np.sqrt(running_var + epsilon)
    return scale * W, -scale * running_mean


@exposed_by(FIRST)
def fold_beta_scaled(W, gamma, beta, running_mean, running_var, epsilon):
    """beta is scaled like the rest

    beta is added after the scaling. Write out gamma * (W A - mean) / std + beta: what does gamma / std
    multiply?
    """
    scale = gamma / np.sqrt(running_var + epsilon)
    return scale * W, scale * (beta - running_mean)


@exposed_by(FIRST)
def fold_mean_added(W, gamma, beta, running_mean, running_var, epsilon):
    """the mean is added

    The mean is taken away in the forward pass. Which sign does it keep after multiplying out?
    """
    scale = gamma / np.sqrt(running_var + epsilon)
    return scale * W, beta + scale * running_mean


@exposed_by(FIRST)
def fold_mean_not_scaled(W, gamma, beta, running_mean, running_var, epsilon):
    """the mean goes into the bias as it is

    Write out gamma * (W A - mean) / std + beta. What does gamma / std multiply besides W A?
    """
    return gamma / np.sqrt(running_var + epsilon) * W, beta - running_mean


@exposed_by(FIRST)
def fold_weights_unchanged(W, gamma, beta, running_mean, running_var, epsilon):
    """only the bias takes part

    Double the activations: the normalized output moves by scale * W A, yours by W A. Where does the scale go?
    """
    return W.copy(), fold_by()(W, gamma, beta, running_mean, running_var, epsilon)[1]


@exposed_by(FIRST)
def fold_gamma_left_out(W, gamma, beta, running_mean, running_var, epsilon):
    """folding is dividing by the deviation

    A unit with gamma = 0 is constant. Which of your weights become 0?
    """
    return fold_by()(W, 1.0, beta, running_mean, running_var, epsilon)


@exposed_by(FIRST)
def fold_columns_scaled(W, gamma, beta, running_mean, running_var, epsilon):
    """each column of W belongs to a unit

    W A has a row for each unit. Which entries of W make row j of W A, and which scale do they share?
    """
    scale = gamma / np.sqrt(running_var + epsilon)
    return W * scale.T, beta - scale * running_mean


@exposed_by(FIRST)
def fold_gamma_in_weights_only(W, gamma, beta, running_mean, running_var, epsilon):
    """gamma scales the weights, not the mean

    Write out gamma * (W A - mean) / std + beta. What does gamma multiply besides W A?
    """
    W_folded, _ = fold_by()(W, gamma, beta, running_mean, running_var, epsilon)
    return W_folded, beta - running_mean / np.sqrt(running_var + epsilon)


@exposed_by(FIRST)
def fold_axis_lost(W, gamma, beta, running_mean, running_var, epsilon):
    """a bias has shape (n,)

    Your layer adds b to an (n, m) array. Which shape stretches over the columns?
    """
    W_folded, b_folded = fold_by()(W, gamma, beta, running_mean, running_var, epsilon)
    return W_folded, b_folded.ravel()


@exposed_by(HABITS)
def fold_in_place(W, gamma, beta, running_mean, running_var, epsilon):
    """W *= scale makes a folded copy

    Training may go on with the old W. Which of `W *= scale` and `W = W * scale` makes a new array?
    """
    scale = gamma / np.sqrt(running_var + epsilon)
    W *= scale
    return W, beta - scale * running_mean


def fold_diagonal(W, gamma, beta, running_mean, running_var, epsilon):
    D = np.diag((gamma / np.sqrt(running_var + epsilon)).ravel())
    return [D @ W, beta - D @ running_mean]


def fold_by_probing(W, gamma, beta, running_mean, running_var, epsilon):
    def layer(A):
        return gamma * (W @ A - running_mean) / np.sqrt(running_var + epsilon) + beta

    b_folded = layer(np.zeros((W.shape[1], 1)))
    return layer(np.eye(W.shape[1])) - b_folded, b_folded


def fold_loops(W, gamma, beta, running_mean, running_var, epsilon):
    W_folded, b_folded = np.zeros(W.shape), np.zeros((len(W), 1))
    for j in range(len(W)):
        scale = gamma.item(j) * math.pow(running_var.item(j) + epsilon, -0.5)
        W_folded[j] = [scale * w for w in W[j]]
        b_folded[j] = beta.item(j) - scale * running_mean.item(j)
    return W_folded, b_folded


fold_batchnorm = Exercise(
    reference.fold_batchnorm,
    cases=(
        Case(
            FIRST,
            "Both signs in gamma and beta, W not square; equality for all A leaves one W and one b.",
            lambda rng: [to_fold(rng, 2, 3, UNSEEN), to_fold(rng, 4, 2, UNSEEN)],
            public=True,
            marks=2,
            ask="Multiply out gamma * (W A - mean) / std + beta: what stands beside A, what alone?",
            **UNSEEN_TOO,
        ),
        Case(
            EPSILON,
            "Outside the root, or left out, epsilon shows.",
            lambda rng: [
                to_fold(rng, 1, 3, 4.0, running_var=np.array([[4.0]])),
                to_fold(rng, 3, 2, 1.5),
                to_fold(rng, 2, 4, 4e-8, running_var=rng.uniform(0.5, 2, (2, 1)) * 1e-8),
            ],
            public=True,
            after=(FIRST,),
            ask="With running_var 4 and epsilon 4, what do you divide by?",
        ),
        Case(
            SMALL,
            "running_var 0, running_var and epsilon of 1e-8, epsilon 1e-12 and 1000.",
            lambda rng: [
                to_fold(rng, 3, 4, 0.01, running_var=rng.permutation([0.0, 1.5, 3.0])[:, None]),
                to_fold(rng, 3, 5, 1e-8, running_var=rng.uniform(0.5, 2, (3, 1)) * 1e-8),
                to_fold(rng, 2, 5, 1e-12),
                to_fold(rng, 2, 3, 1e3),
            ],
            after=(FIRST, EPSILON),
        ),
        Case(
            SHAPES,
            "One unit to many; a layer that has seen no mini-batch yet, whose mean 0 takes nothing away.",
            lambda rng: [
                *(to_fold(rng, n, m, 1e-3) for n, m in (*SIZES, (1, 1), (6, 1))),
                to_fold(rng, 3, 4, 1e-3, running_mean=np.zeros((3, 1)), running_var=np.ones((3, 1))),
            ],
            after=(FIRST,),
        ),
        Case(
            KINDS,
            "Whole numbers must not be cut.",
            lambda rng: as_kinds(to_fold(rng, 3, 5, 1), to_fold(rng, 4, 6, 1e-2)),
            after=(FIRST,),
            **FLOAT32,
        ),
    ),
    misconceptions=(
        *shared("fold", fold_by, ROOTS),
        fold_bias_is_beta,
        fold_beta_left_out,
        fold_beta_scaled,
        fold_mean_added,
        fold_mean_not_scaled,
        fold_weights_unchanged,
        fold_gamma_left_out,
        fold_columns_scaled,
        fold_gamma_in_weights_only,
        fold_axis_lost,
        fold_in_place,
    ),
    variants=(fold_diagonal, fold_by_probing, fold_loops),
)


EXERCISES = (
    batchnorm_forward,
    batchnorm_backward,
    update_running,
    batchnorm_predict,
    identity_parameters,
    fold_batchnorm,
)
