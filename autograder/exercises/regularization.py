"""Regularization: penalties on weights, early stopping, mirrored images."""

import itertools
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from course_utils.examine import HABITS
from course_utils.reference import regularization as reference

FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}  # seven digits arrive
OTHER_NUMBERS = "whole numbers and float32 arrive too"


# --- l2_cost and l1_cost -----------------------------------------------------------------------------------


def penalised(rng, sizes, lambd=0.7, m=5, cost=0.6, digits=2, dtype=np.float64):
    """Return a cost and a network whose weights have both signs and whose biases are as large as they."""
    parameters = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        for name, shape in ((f"W{layer}", (n_out, n_in)), (f"b{layer}", (n_out, 1))):
            values = rng.uniform(0.3, 2.0, size=shape) * rng.choice([-1.0, 1.0], size=shape)
            parameters[name] = np.round(values if dtype == np.float64 else 3 * values, digits).astype(dtype)
    return {"cross_entropy_cost": cost, "parameters": parameters, "lambd": lambd, "m": m}


def sparse(rng, arguments):
    """Keep about one weight in five, some of them barely, as an L1 penalty does."""

    def thinned(values):
        return values * (rng.random(values.shape) < 0.2) * 10.0 ** rng.integers(-5, 1, size=values.shape)

    kept = {
        name: thinned(values) if name[0] == "W" else values
        for name, values in arguments["parameters"].items()
    }
    return {**arguments, "parameters": kept}


def shuffled(rng, arguments):
    parameters = arguments["parameters"]
    return {
        **arguments,
        "parameters": {name: parameters[name] for name in rng.permutation(list(parameters)).tolist()},
    }


def weights_of(parameters):
    return [parameters[f"W{layer}"] for layer in range(1, len(parameters) // 2 + 1)]


def penalty(
    of_each, factor=lambda lambd, m: lambd / (2 * m), which=weights_of, join=lambda cost, extra: cost + extra
):
    """Return a wrong penalised cost: `of_each` is summed over the arrays that `which` picks."""

    def wrong(cross_entropy_cost, parameters, lambd, m):
        return join(cross_entropy_cost, factor(lambd, m) * sum(float(of_each(W)) for W in which(parameters)))

    return wrong


def three_layers(parameters):
    return [parameters["W1"], parameters["W2"], parameters["W3"]]


def penalty_in_place(of_each):
    def wrong(cross_entropy_cost, parameters, lambd, m):
        cost = penalty(of_each)(cross_entropy_cost, parameters, lambd, m)
        for W in weights_of(parameters):
            np.square(W, out=W)
        return cost

    return wrong


def penalty_mistakes(prefix, of_each, what):
    """Return the mistakes that L1 and L2 share."""

    def a(key, belief, hint, case=ONE, **how):
        return Misconception(f"{prefix}-{key}", belief, penalty(**{"of_each": of_each, **how}), case, hint)

    return (
        a(
            "half-missing",
            "the penalty is lambda / m times the sum",
            "Twice what is asked for: the factor is lambd / (2 m).",
            factor=lambda lambd, m: lambd / m,
        ),
        a(
            "factor-forgotten",
            "the penalty is lambda times the sum",
            "Books write it so too, but here lambda is shared by the examples. Which factor is asked for?",
            factor=lambda lambd, m: lambd,
        ),
        a(
            "precedence",
            "lambd / 2 * m divides by 2 m",
            "Python goes from left to right: (lambd / 2) * m. Put 2 * m in brackets.",
            factor=lambda lambd, m: lambd / 2 * m,
        ),
        a(
            "not-averaged",
            "the penalty does not depend on m",
            "The cost is an average over m examples, and so is its penalty. Where is m?",
            factor=lambda lambd, m: lambd / 2,
        ),
        a(
            "whole-division",
            "// divides",
            "// cuts the quotient to a whole number, mostly 0 here. Divide with /.",
            factor=lambda lambd, m: lambd // (2 * m),
        ),
        a(
            "biases-too",
            "all parameters are penalised",
            "A bias is one number among many weights and bends nothing: leave every b out.",
            which=lambda parameters: parameters.values(),
        ),
        a(
            "mean",
            f"{what} are averaged over the entries of W",
            "A mean makes the penalty of a large layer small. Sum over all entries.",
            of_each=lambda W: of_each(W) / W.size,
        ),
        a(
            "penalty-alone",
            "the function returns the penalty",
            "What is minimised is the cost and its penalty together. Where did the first go?",
            join=lambda cost, extra: extra,
        ),
        a(
            "subtracted",
            "the penalty is taken off",
            "Then larger weights would be cheaper. Which sign makes them costly?",
            join=lambda cost, extra: cost - extra,
        ),
        a(
            "first-layer-only",
            "there is one W",
            "Every layer has its W, and all of them are penalised.",
            SEVERAL,
            which=lambda parameters: weights_of(parameters)[:1],
        ),
        a(
            "first-layer-left-out",
            "the first weights that a loop meets are those of layer 2",
            "Print the layer numbers that your loop visits. Is W1 among them?",
            which=lambda parameters: weights_of(parameters)[1:],
        ),
        a(
            "last-layer-left-out",
            "range(1, L) counts up to L",
            "Print the layer numbers that your loop visits: range(1, L) ends at L - 1.",
            which=lambda parameters: weights_of(parameters)[:-1],
        ),
        a(
            "last-layer-only",
            "a loop adds up by itself",
            "In each turn your loop overwrites the sum of the turn before. Start at 0 and add with +=.",
            SEVERAL,
            which=lambda parameters: weights_of(parameters)[-1:],
        ),
        Misconception(
            f"{prefix}-cost-averaged-again",
            "cost and penalty are both divided by m",
            lambda cross_entropy_cost, parameters, lambd, m: penalty(of_each)(
                cross_entropy_cost / m, parameters, lambd, m
            ),
            ONE,
            "cross_entropy_cost is an average already. Divide the penalty alone.",
        ),
        a(
            "dict-order",
            "every second value of the dict is a W",
            "A dict keeps the order in which it was filled, which may be any. Ask for the names.",
            LAYERS,
            which=lambda parameters: list(parameters.values())[::2],
        ),
        Misconception(
            f"{prefix}-in-place",
            "what happens to W inside the function stays there",
            penalty_in_place(of_each),
            HABITS,
            "The arrays in parameters belong to whoever called you, W *= W as well. Work out a new array.",
        ),
        a(
            "three-layers",
            "a network has three layers",
            'How many keys start with "W"? Let the dict tell you, and sum over as many as there are.',
            which=three_layers,
        ),
        a(
            "one-digit",
            "a layer's number has one digit",
            "The tenth layer is W10. What does name[1] or len(name) == 2 make of it?",
            LAYERS,
            which=lambda parameters: [
                W for name, W in parameters.items() if name[0] == "W" and len(name) == 2
            ],
        ),
    )


ONE = "one layer"
SEVERAL = "layers of several sizes"
LAYERS = "twelve layers, dicts in any order"


def penalty_cases(what):
    return (
        Case(
            ONE,
            f"Biases as large as the weights, m = 5: factor, root, sign and biases show in {what}.",
            lambda rng: [
                penalised(rng, [3, 2], digits=1),
                penalised(rng, [2, 3], lambd=1.0, m=4, cost=0.0, digits=1),
            ],
            public=True,
            ask="Work out the sum over W by hand, then its factor lambd / (2 m), then add the cost.",
        ),
        Case(
            SEVERAL,
            "Two and three layers.",
            lambda rng: [
                penalised(rng, [2, 3, 1], digits=1),
                penalised(rng, [4, 3, 2, 1], lambd=2, m=3, digits=1),
            ],
            public=True,
            after=(ONE,),
            ask="How many W does parameters hold, and how many did you count?",
        ),
        Case(
            LAYERS,
            "Fixed layer numbers and W10 taken for W1 fail; the dict starts anywhere.",
            lambda rng: shuffled(rng, penalised(rng, [3, 2, 4, 1, 2, 3, 1, 2, 5, 2, 3, 2, 1], m=7, digits=1)),
            public=True,
            after=(ONE,),
            ask="Which keys does your loop visit? There are twelve that start with W.",
        ),
        Case(
            "strengths from 0 up",
            "lambd 0 leaves the cost alone; 1000 leaves the penalty alone; whole numbers.",
            lambda rng: [
                penalised(rng, sizes, lambd=lambd, m=m, cost=cost)
                for sizes, lambd, m, cost in (
                    ([4, 3, 1], 0.0, 9, 0.83),
                    ([3, 1], 0, 2, 1.7),
                    ([3, 2], 1, 3, 0),
                    ([2, 2, 1], 1000.0, 40, 0.2),
                    ([5, 2, 1], 1e-3, 6, 0.0),
                )
            ],
            after=(ONE,),
        ),
        Case(
            "one example, one unit",
            "m = 1; shapes (1, 1), (1, n) and (n, 1).",
            lambda rng: [
                penalised(rng, sizes, m=m)
                for sizes, m in (([1, 1], 1), ([1, 1, 1], 3), ([6, 1], 1), ([1, 6], 2), ([3, 3, 3], 1))
            ],
            after=(ONE,),
        ),
        Case(
            "a large network",
            "Many entries, and more examples than entries; weights of 0 and near it: a rounded corner shows.",
            lambda rng: [
                penalised(rng, [40, 25, 12, 3, 1], lambd=0.3, m=5000, digits=6),
                sparse(rng, penalised(rng, [30, 20, 1], lambd=50.0, m=3)),
            ],
            after=(ONE,),
        ),
        Case(
            OTHER_NUMBERS,
            "Weights of whole numbers and of seven digits.",
            lambda rng: [
                penalised(rng, [4, 3, 1], digits=0, dtype=np.int64, cost=1, lambd=2, m=3),
                penalised(rng, [5, 3, 2], digits=6, dtype=np.float32),
            ],
            after=(ONE,),
            **FLOAT32,
        ),
    )


def l2_by_norm(cross_entropy_cost, parameters, lambd, m):
    names = [name for name in parameters if name.startswith("W")]
    return cross_entropy_cost + sum(lambd / (2 * m) * np.linalg.norm(parameters[name]) ** 2 for name in names)


def l2_by_loops(cross_entropy_cost, parameters, lambd, m):
    total = 0.0
    for layer in range(len(parameters) // 2, 0, -1):
        for row in parameters["W" + str(layer)].tolist():
            for w in row:
                total += float(w) * w
    return cross_entropy_cost + 0.5 * lambd * total / m


def l2_by_vdot(cross_entropy_cost, parameters, lambd, m):
    flat = np.concatenate([W.astype(float).ravel() for name, W in parameters.items() if "W" in name])
    return np.array(cross_entropy_cost + lambd * np.vdot(flat, flat) / 2 / m)


def l1_by_norm(cross_entropy_cost, parameters, lambd, m):
    sums = [np.linalg.norm(W.ravel(), ord=1) for name, W in parameters.items() if name[0] == "W"]
    return np.float64(cross_entropy_cost + lambd * np.sum(sums) / (2 * m))


def l1_by_loops(cross_entropy_cost, parameters, lambd, m):
    total = 0.0
    for layer in range(1, len(parameters) // 2 + 1):
        for w in np.nditer(parameters[f"W{layer}"]):
            total += float(w) if w > 0 else -float(w)
    return cross_entropy_cost + total * lambd / m / 2


def l1_by_sign(cross_entropy_cost, parameters, lambd, m):
    parts = [np.einsum("ij,ij->", W, np.sign(W)) for key, W in parameters.items() if not key.startswith("b")]
    return np.array(cross_entropy_cost) + lambd / (2 * m) * sum(parts)


l2_cost = Exercise(
    reference.l2_cost,
    penalty_cases("squares"),
    (
        *penalty_mistakes("l2", lambda W: (W**2).sum(), "the squares"),
        Misconception(
            "l2-norm-not-squared",
            "np.linalg.norm(W) is the sum of squares",
            penalty(lambda W: np.linalg.norm(W)),
            ONE,
            "The norm is the root of the sum of squares; the penalty has no root in it.",
        ),
        Misconception(
            "l2-spectral-norm",
            "the 2 in L2 belongs into np.linalg.norm(W, 2)",
            penalty(lambda W: np.linalg.norm(W, 2) ** 2),
            ONE,
            "For a matrix, norm(W, 2) is its largest stretch. The Frobenius norm sums over all entries.",
        ),
        Misconception(
            "l2-square-of-sum",
            "the sum is squared",
            penalty(lambda W: W.sum() ** 2),
            ONE,
            "Entries of opposite sign cancel in your sum. Square each entry first, then sum.",
        ),
        Misconception(
            "l2-matrix-product",
            "W @ W.T squares the entries",
            penalty(lambda W: (W @ W.T).sum()),
            ONE,
            "@ multiplies rows by columns. Which operator takes each entry times itself?",
        ),
        Misconception(
            "l2-absolute-values",
            "a penalty sums absolute values",
            penalty(lambda W: np.abs(W).sum()),
            ONE,
            "That is L1. L2 squares.",
        ),
    ),
    (l2_by_norm, l2_by_loops, l2_by_vdot),
)

l1_cost = Exercise(
    reference.l1_cost,
    penalty_cases("absolute values"),
    (
        *penalty_mistakes("l1", lambda W: np.abs(W).sum(), "the absolute values"),
        Misconception(
            "l1-squares",
            "a penalty sums squares",
            penalty(lambda W: (W**2).sum()),
            ONE,
            "That is L2. L1 sums how far each weight is from 0.",
        ),
        Misconception(
            "l1-signs-kept",
            "the weights are summed as they are",
            penalty(lambda W: W.sum()),
            ONE,
            "Weights of -1 and 1 would cost nothing together. What makes each of them count?",
        ),
        Misconception(
            "l1-matrix-norm",
            "np.linalg.norm(W, 1) sums all absolute values",
            penalty(lambda W: np.linalg.norm(W, 1)),
            ONE,
            "For a matrix, norm(W, 1) is the largest column sum. Sum over all entries: np.abs(W).sum().",
        ),
        Misconception(
            "l1-root-of-squares",
            "np.linalg.norm(W) is the sum of absolute values",
            penalty(lambda W: np.linalg.norm(W)),
            ONE,
            "norm(W) is the root of the sum of squares. Take absolute values and sum them.",
        ),
        Misconception(
            "l1-absolute-of-sum",
            "abs comes after the sum",
            penalty(lambda W: abs(W.sum())),
            ONE,
            "Entries of opposite sign cancel before abs sees them. Which comes first?",
        ),
    ),
    (l1_by_norm, l1_by_loops, l1_by_sign),
)


# --- linear_backward_l2 ------------------------------------------------------------------------------------


def layer(rng, n, n_prev, m, lambd, grid=None, dtype=np.float64):
    shapes = {"dZ": (n, m), "A_prev": (n_prev, m), "W": (n, n_prev)}
    arrays = {name: 2 * rng.normal(size=shape) for name, shape in shapes.items()}
    if grid:  # sums of these are exact: where they cancel, nothing is left of them
        arrays = {name: np.round(a * grid) / grid for name, a in arrays.items()}
    return {**{name: a.astype(dtype) for name, a in arrays.items()}, "lambd": lambd}


def backward(
    dW=lambda dZ, A, W, lambd, m: (dZ @ A.T + lambd * W) / m,
    db=lambda dZ, W, lambd, m: dZ.mean(axis=1, keepdims=True),
    dA=lambda dZ, W, m: W.T @ dZ,
):
    """Return a backward pass in which one of the three gradients is another one."""

    def wrong(dZ, A_prev, W, lambd):
        m = dZ.shape[1]
        return dA(dZ, W, m), dW(dZ, A_prev, W, lambd, m), db(dZ, W, lambd, m)

    return wrong


def backward_by_loops(dZ, A_prev, W, lambd):
    (n, m), n_prev = dZ.shape, A_prev.shape[0]
    dA_prev, dW, db = np.zeros((n_prev, m)), np.zeros((n, n_prev)), np.zeros((n, 1))
    for k in range(m):
        for i in range(n):
            db[i, 0] += dZ[i, k] / m
            for j in range(n_prev):
                dW[i, j] += dZ[i, k] * A_prev[j, k] / m
                dA_prev[j, k] += W[i, j] * dZ[i, k]
    return dA_prev, dW + lambd / m * W, db


def backward_by_einsum(dZ, A_prev, W, lambd):
    m = A_prev.shape[1]
    dW = np.einsum("ik,jk->ij", dZ, A_prev) / m + lambd * W / m
    return [np.einsum("ij,ik->jk", W, dZ), dW, np.einsum("ik->i", dZ)[:, None] / m]


def backward_by_example(dZ, A_prev, W, lambd):
    dW = np.mean([np.outer(dz, a) for dz, a in zip(dZ.T, A_prev.T, strict=True)], axis=0)
    db = np.mean(dZ, axis=1).reshape(-1, 1)
    return np.stack([W.T @ dz for dz in dZ.T], axis=1), dW + W * (lambd / dZ.shape[1]), db


STEP = "one layer backwards"

linear_backward_l2 = Exercise(
    reference.linear_backward_l2,
    (
        Case(
            STEP,
            "Three unlike sizes, quarters, lambd 0.7 beside m = 4.",
            lambda rng: [layer(rng, 2, 3, 4, 0.7, grid=4), layer(rng, 3, 2, 5, 1.0, grid=4)],
            public=True,
            ask="Which of dA_prev, dW and db is off? Write down its equation, and which of them hold 1/m.",
        ),
        Case(
            "without penalty",
            "lambd 0: whatever is still wrong has nothing to do with the penalty.",
            lambda rng: [layer(rng, 2, 3, 4, 0.0, grid=4), layer(rng, 4, 1, 3, 0)],
            public=True,
        ),
        Case(
            "all sizes the same",
            "With square matrices a transpose too many or too few raises no error.",
            lambda rng: layer(rng, 3, 3, 3, 0.5, grid=4),
            public=True,
            after=(STEP,),
            ask="Which axis of each array are the examples, and which axis must the product sum over?",
        ),
        Case(
            "one example, one unit, one input",
            "m = 1 leaves no average; axes of length 1 must stay.",
            lambda rng: [
                layer(rng, 4, 3, 1, 0.3),
                layer(rng, 1, 3, 5, 0.3),
                layer(rng, 4, 1, 5, 0.3),
                layer(rng, 1, 1, 1, 2.0),
                layer(rng, 1, 1, 7, 2.0),
            ],
            after=(STEP,),
        ),
        Case(
            "strengths and sizes",
            "A penalty that rules, one that hardly shows, many examples.",
            lambda rng: [layer(rng, 6, 4, 9, 100.0), layer(rng, 2, 7, 300, 1e-2), layer(rng, 30, 20, 11, 3)],
            after=(STEP,),
        ),
        Case(
            OTHER_NUMBERS,
            "Gradients of whole numbers are fractions.",
            lambda rng: [
                layer(rng, 2, 4, 3, 1, grid=1, dtype=np.int64),
                layer(rng, 3, 4, 6, 0.2, grid=8, dtype=np.float32),
            ],
            after=(STEP,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "backward-penalty-missing",
            "the penalty changes the cost, not its gradient",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T / m),
            STEP,
            "The derivative of lambd / (2 m) * W**2 is not 0. What is it?",
        ),
        Misconception(
            "backward-penalty-not-averaged",
            "lambda W is added after the average",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T / m + lambd * W),
            STEP,
            "The penalty in the cost holds 1/m as well: its gradient is lambd / m * W.",
        ),
        Misconception(
            "backward-penalty-halved",
            "the factor of the cost is also that of the gradient",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T / m + lambd / (2 * m) * W),
            STEP,
            "Differentiating W**2 gives 2 W: what becomes of the 2 below?",
        ),
        Misconception(
            "backward-penalty-doubled",
            "the gradient of the penalty is 2 lambda / m W",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T / m + 2 * lambd / m * W),
            STEP,
            "The 2 of the square meets the 2 in lambd / (2 m). What is left?",
        ),
        Misconception(
            "backward-penalty-subtracted",
            "weights shrink, so the penalty is subtracted",
            backward(dW=lambda dZ, A, W, lambd, m: (dZ @ A.T - lambd * W) / m),
            STEP,
            "The update subtracts dW already. The penalty grows with W, so its slope has the sign of W.",
        ),
        Misconception(
            "backward-penalty-squared",
            "the penalty itself goes into the gradient",
            backward(dW=lambda dZ, A, W, lambd, m: (dZ @ A.T + lambd * W**2) / m),
            STEP,
            "W**2 stands in the cost. What is its derivative?",
        ),
        Misconception(
            "backward-penalty-one-number",
            "the penalty of the cost is added to its gradient",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T / m + lambd / (2 * m) * (W**2).sum()),
            STEP,
            "Your code adds one number to every entry. How does the penalty change when a single w does?",
        ),
        Misconception(
            "backward-penalty-sign",
            "the penalty pulls at every weight alike",
            backward(dW=lambda dZ, A, W, lambd, m: (dZ @ A.T + lambd * np.sign(W)) / m),
            STEP,
            "That is the slope of abs(w), which L1 sums. L2 sums w**2: what is its slope?",
        ),
        Misconception(
            "backward-bias-penalised",
            "b is penalised like W",
            backward(
                db=lambda dZ, W, lambd, m: (
                    (dZ.sum(axis=1, keepdims=True) + lambd * W.sum(axis=1, keepdims=True)) / m
                )
            ),
            STEP,
            "The cost has no penalty on b, so db is the plain average of dZ.",
        ),
        Misconception(
            "backward-sums-for-averages",
            "gradients are summed over the examples",
            backward(
                dW=lambda dZ, A, W, lambd, m: dZ @ A.T + lambd / m * W,
                db=lambda dZ, W, lambd, m: dZ.sum(axis=1, keepdims=True),
            ),
            STEP,
            "The cost is an average over m examples: where is the 1/m of dW and db?",
        ),
        Misconception(
            "backward-dW-summed",
            "a matrix product over the examples averages them",
            backward(dW=lambda dZ, A, W, lambd, m: dZ @ A.T + lambd / m * W),
            STEP,
            "dZ @ A_prev.T sums over the m examples. What makes an average of it, as in db?",
        ),
        Misconception(
            "backward-m-from-rows",
            "m is A_prev.shape[0]",
            backward(
                dW=lambda dZ, A, W, lambd, m: (dZ @ A.T + lambd * W) / len(A),
                db=lambda dZ, W, lambd, m: dZ.sum(axis=1, keepdims=True) / W.shape[1],
            ),
            STEP,
            "Rows of A_prev are units, examples are its columns: shape[1].",
        ),
        Misconception(
            "backward-penalty-averaged-twice",
            "the penalty is averaged after lambd / m",
            backward(dW=lambda dZ, A, W, lambd, m: (dZ @ A.T + lambd / m * W) / m),
            STEP,
            "lambd / m * W is divided by m already. Which bracket does your 1/m stand before?",
        ),
        Misconception(
            "backward-db-summed",
            "db is the sum of dZ",
            backward(db=lambda dZ, W, lambd, m: dZ.sum(axis=1, keepdims=True)),
            STEP,
            "dW is an average, and db is one too: divide by m.",
        ),
        Misconception(
            "backward-db-one-number",
            "np.sum(dZ) / m is db",
            backward(db=lambda dZ, W, lambd, m: dZ.sum() / m),
            STEP,
            "Each unit has a bias of its own: sum along the examples only, axis=1.",
        ),
        Misconception(
            "backward-db-flat",
            "the sum over an axis keeps its place",
            backward(db=lambda dZ, W, lambd, m: dZ.mean(axis=1)),
            STEP,
            "b has shape (n, 1), and so has db: keepdims=True.",
        ),
        Misconception(
            "backward-db-wrong-axis",
            "axis=0 runs over the examples",
            backward(db=lambda dZ, W, lambd, m: dZ.mean(axis=0, keepdims=True)),
            STEP,
            "Examples are columns: a sum over them is one along axis=1.",
        ),
        Misconception(
            "backward-input-averaged",
            "every gradient is averaged",
            backward(dA=lambda dZ, W, m: W.T @ dZ / m),
            STEP,
            "dA_prev has a column for each example and sums over none of them: nothing to average yet.",
        ),
        Misconception(
            "backward-input-by-W",
            "dA_prev = W dZ",
            backward(dA=lambda dZ, W, m: W @ dZ),
            STEP,
            "dA_prev sums over the units of this layer, which are the rows of W. Where does W.T come from?",
        ),
        Misconception(
            "backward-order",
            "dW comes first",
            lambda dZ, A_prev, W, lambd: (
                backward()(dZ, A_prev, W, lambd)[1:] + backward()(dZ, A_prev, W, lambd)[:1]
            ),
            STEP,
            "The three gradients are right. In which order does the docstring return them?",
        ),
    ),
    (backward_by_loops, backward_by_einsum, backward_by_example),
)


# --- weight_decay_update -----------------------------------------------------------------------------------


def decay(rng, shape, learning_rate=0.1, lambd=0.7, m=5, digits=None, dtype=np.float64):
    W, dW = 3 * rng.normal(size=shape), rng.uniform(0.3, 3, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    if digits is not None:
        W, dW = np.round(W, digits), np.round(dW, digits)
    return {
        "W": W.astype(dtype),
        "dW": dW.astype(dtype),
        "learning_rate": learning_rate,
        "lambd": lambd,
        "m": m,
    }


def decay_in_place(W, dW, learning_rate, lambd, m):
    if W.dtype == np.float64:
        W -= learning_rate * (dW + lambd / m * W)
        return W
    return W - learning_rate * (dW + lambd / m * W)


def decay_step_in_place(W, dW, learning_rate, lambd, m):
    if dW.dtype == np.float64:
        dW *= learning_rate
        return (1 - learning_rate * lambd / m) * W - dW
    return (1 - learning_rate * lambd / m) * W - learning_rate * dW


def decay_as_penalty(W, dW, learning_rate, lambd, m):
    return W - learning_rate * (dW + lambd / m * W)


def decay_by_loops(W, dW, learning_rate, lambd, m):
    keep = 1 - learning_rate * lambd / m
    rows = zip(W.tolist(), dW.tolist(), strict=True)
    return np.array([[keep * w - learning_rate * g for w, g in zip(*row, strict=True)] for row in rows])


def decay_in_two_steps(W, dW, learning_rate, lambd, m):
    new = np.array(W, dtype=float)
    new *= 1 - lambd * learning_rate / m
    new -= np.multiply(dW, learning_rate)
    return new


DECAY = "one step"

weight_decay_update = Exercise(
    reference.weight_decay_update,
    (
        Case(
            DECAY,
            "The factor 1 - 0.1 * 0.7 / 5 = 0.986, and a stronger one; one decimal each.",
            lambda rng: [decay(rng, (2, 3), digits=1), decay(rng, (3, 2), 0.5, 2.0, 4, digits=1)],
            public=True,
            ask="Work out the factor of W first, then what is subtracted, then one entry.",
        ),
        Case(
            "where nothing pulls, weights fade",
            "dW = 0: what is left is the factor alone.",
            lambda rng: {**decay(rng, (2, 2), 0.2, 3.0, 6, digits=1), "dW": np.zeros((2, 2))},
            public=True,
            after=(DECAY,),
        ),
        Case(
            "without penalty it is gradient descent",
            "lambd 0, also as an integer.",
            lambda rng: [decay(rng, (2, 3), 0.3, 0.0, 4, digits=1), decay(rng, (1, 4), 0.3, 0, 2)],
            public=True,
            after=(DECAY,),
        ),
        Case(
            "rates and strengths at their ends",
            "A rate of 0 moves nothing, in a new array; a factor of 0 forgets W; beyond it W turns; tiny W.",
            lambda rng: [
                decay(rng, (3, 2), 0.0, 2.0, 5),
                decay(rng, (3, 2), 1.0, 5.0, 5),
                decay(rng, (2, 4), 1, 1, 1),
                decay(rng, (2, 4), 1.5, 6.0, 3),
                decay(rng, (2, 4), 1e-3, 1e-2, 10),
                decay(rng, (2, 4), 0.01, 800.0, 100),
                {**decay(rng, (2, 3), 0.3, 0.0, 5), "dW": np.zeros((2, 3))},
                {**decay(rng, (3, 3), 0.5, 2.0, 4), "W": 1e-4 * rng.uniform(1, 3, size=(3, 3))},
            ],
            after=(DECAY,),
        ),
        Case(
            "one weight, one example, many weights",
            "Shapes (1, 1), (n, 1), (1, n); m = 1.",
            lambda rng: [
                decay(rng, (1, 1), m=1),
                decay(rng, (7, 1), 0.2, 0.4, 1),
                decay(rng, (1, 7), 0.2, 0.4, 3),
                decay(rng, (60, 45), 0.05, 11.0, 32),
                decay(rng, (4, 4), 0.7, 1.3, 2),
            ],
            after=(DECAY,),
        ),
        Case(
            OTHER_NUMBERS,
            "Whole weights shrink to fractions.",
            lambda rng: [
                decay(rng, (3, 2), digits=0, dtype=np.int64),
                decay(rng, (4, 3), 0.3, dtype=np.float32),
            ],
            after=(DECAY,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "decay-rate-missing",
            "the factor is 1 - lambda / m",
            lambda W, dW, learning_rate, lambd, m: (1 - lambd / m) * W - learning_rate * dW,
            DECAY,
            "The shrinking comes from a gradient, lambd / m * W, and every gradient meets the rate.",
        ),
        Misconception(
            "decay-halved",
            "the factor holds lambda / (2 m)",
            lambda W, dW, learning_rate, lambd, m: (
                (1 - learning_rate * lambd / (2 * m)) * W - learning_rate * dW
            ),
            DECAY,
            "lambd / (2 m) stands before W**2; its derivative has lost the 2.",
        ),
        Misconception(
            "decay-m-missing",
            "the factor does not depend on m",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd) * W - learning_rate * dW,
            DECAY,
            "The penalty is lambd / (2 m) times the squares: where is m?",
        ),
        Misconception(
            "decay-gradient-averaged",
            "dW still has to be divided by m",
            lambda W, dW, learning_rate, lambd, m: (
                (1 - learning_rate * lambd / m) * W - learning_rate * dW / m
            ),
            DECAY,
            "dW is the gradient of an average: it has been divided by m already.",
        ),
        Misconception(
            "decay-after-the-step",
            "first the step, then the shrinking",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd / m) * (W - learning_rate * dW),
            DECAY,
            "Only the old W shrinks. In your code the step shrinks too: mind the brackets.",
        ),
        Misconception(
            "decay-alone",
            "decay takes the place of the gradient step",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd / m) * W,
            DECAY,
            "Your weights fade, and nothing is learned from the examples. Where does dW enter?",
        ),
        Misconception(
            "decay-by-sign",
            "every weight loses the same amount",
            lambda W, dW, learning_rate, lambd, m: W - learning_rate * (dW + lambd / m * np.sign(W)),
            DECAY,
            "That is what L1 does. Under L2, which loses more in a step, a weight of 2 or one of 0.1?",
        ),
        Misconception(
            "decay-divided-by-m",
            "1 - learning_rate * lambd is what m divides",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd) / m * W - learning_rate * dW,
            DECAY,
            "What is your factor when lambd is 0? It should be 1 then.",
        ),
        Misconception(
            "decay-counted-twice",
            "the factor and the penalty's gradient go together",
            lambda W, dW, learning_rate, lambd, m: (
                (1 - learning_rate * lambd / m) * W - learning_rate * (dW + lambd / m * W)
            ),
            DECAY,
            "The factor is the penalty's gradient, written in another way. Use one of the two.",
        ),
        Misconception(
            "decay-grows",
            "1 + learning_rate * lambd / m shrinks",
            lambda W, dW, learning_rate, lambd, m: (1 + learning_rate * lambd / m) * W - learning_rate * dW,
            DECAY,
            "Is your factor below 1?",
        ),
        Misconception(
            "decay-uphill",
            "the step is added",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd / m) * W + learning_rate * dW,
            DECAY,
            "The gradient points to where the cost grows. Which sign takes you down?",
        ),
        Misconception(
            "decay-forgotten",
            "the penalty is in dW already",
            lambda W, dW, learning_rate, lambd, m: W - learning_rate * dW,
            DECAY,
            "dW comes without the penalty here. Where does lambd enter?",
        ),
        Misconception(
            "decay-step-without-rate",
            "the rate belongs to the decay alone",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate * lambd / m) * W - dW,
            DECAY,
            "The step along dW has a length too: which factor stands before dW?",
        ),
        Misconception(
            "decay-brackets",
            "1 - learning_rate stands in brackets",
            lambda W, dW, learning_rate, lambd, m: (1 - learning_rate) * lambd / m * W - learning_rate * dW,
            DECAY,
            "The product learning_rate * lambd / m is subtracted from 1: where does the bracket close?",
        ),
        Misconception(
            "decay-m-from-W",
            "m is W.shape[1]",
            lambda W, dW, learning_rate, lambd, m: (
                (1 - learning_rate * lambd / W.shape[1]) * W - learning_rate * dW
            ),
            DECAY,
            "The columns of W are units, not examples. m is an argument: use it.",
        ),
        Misconception(
            "decay-changes-dW",
            "dW may be scaled where it is",
            decay_step_in_place,
            HABITS,
            "dW *= writes into the gradient of whoever called you. Write learning_rate * dW.",
        ),
        Misconception(
            "decay-in-place",
            "W -= ... makes a new W",
            decay_in_place,
            HABITS,
            "W -= writes into the array of whoever called you. Return a new one: (1 - ...) * W - ...",
        ),
    ),
    (decay_as_penalty, decay_by_loops, decay_in_two_steps),
)


# --- early_stopping ----------------------------------------------------------------------------------------


def curve(costs, patience):
    return {"dev_costs": costs, "patience": patience}


def told_anew(rng, costs, patience, before=5):
    """Return a curve in another unit, after up to `before` epochs that fall."""
    top = max(costs)
    falling = [top + 0.1 * k for k in range(int(rng.integers(before + 1)), 0, -1)]
    unit = rng.uniform(0.5, 2)
    return curve([round(unit * c, 3) for c in [*falling, *costs]], patience)


def noisy_curve(rng, n_epochs, patience, digits=1):
    """Return a cost that falls and then rises, rounded so that ties occur."""
    epochs = np.arange(n_epochs)
    costs = 0.02 * (epochs - rng.integers(n_epochs)) ** 2 / (1 + n_epochs / 20) + rng.normal(
        0, 0.4, size=n_epochs
    )
    return curve(np.round(costs - costs.min() + 0.5, digits), patience)


def stopping(
    better=lambda cost, best, last: cost < best,
    stops=lambda waited, patience: waited >= patience,
    reset=lambda waited: 0,
    finish=lambda best, stop, costs: (best, stop),
):
    """Return an early stopping in which one of its parts is another one."""

    def wrong(dev_costs, patience):
        best, waited = 0, 0
        for epoch, cost in enumerate(dev_costs):
            if epoch and better(cost, dev_costs[best], dev_costs[epoch - 1]):
                best, waited = epoch, reset(waited)
            elif epoch:
                waited += 1
            if stops(waited, patience):
                break
        return finish(best, epoch, dev_costs)

    return wrong


def stop_looks_ahead(dev_costs, patience):
    _, stop = reference.early_stopping(dev_costs, patience)
    return int(np.argmin(dev_costs)), stop


def stop_argmin(dev_costs, patience):
    best = int(np.argmin(dev_costs))
    return best, min(best + patience, len(dev_costs) - 1)


def stop_past_the_end(dev_costs, patience):
    best, _ = reference.early_stopping(dev_costs, patience)
    return best, best + patience


def stop_number_of_epochs(dev_costs, patience):
    best, stop = reference.early_stopping(dev_costs, patience)
    return best, stop if stop - best == patience else len(dev_costs)


def stop_counted_back(dev_costs, patience):
    _, stop = reference.early_stopping(dev_costs, patience)
    return max(stop - patience, 0), stop


def stop_one_further(dev_costs, patience):
    best, stop = reference.early_stopping(dev_costs, patience)
    return best, min(stop + 1, len(dev_costs) - 1)


def stop_at_a_rise(dev_costs, patience):
    for epoch in range(1, len(dev_costs)):
        if dev_costs[epoch] > dev_costs[epoch - 1]:
            return epoch - 1, epoch
    return int(np.argmin(dev_costs)), len(dev_costs) - 1


def stop_below(start):
    """Return an early stopping that looks for a cost below `start` first."""

    def wrong(dev_costs, patience):
        lowest, best, waited = start, 0, 0
        for epoch, cost in enumerate(dev_costs):
            if cost < lowest:
                lowest, best, waited = cost, epoch, 0
            else:
                waited += 1
                if waited >= patience:
                    return best, epoch
        return best, len(dev_costs) - 1

    return wrong


def stop_with_infinity(dev_costs, patience):
    best_cost, best_epoch, waited = float("inf"), 0, 0
    for epoch in range(len(dev_costs)):
        if dev_costs[epoch] < best_cost:
            best_cost, best_epoch, waited = dev_costs[epoch], epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best_epoch, epoch
    return best_epoch, len(dev_costs) - 1


def stop_by_prefixes(dev_costs, patience):
    for stop in range(len(dev_costs)):
        best = np.argmin(dev_costs[: stop + 1])
        if stop - best == patience:
            break
    return [best, np.int64(stop)]


def stop_from_the_first(dev_costs, patience):
    best, waited = 0, 0
    for epoch in range(1, len(dev_costs)):
        best, waited = (epoch, 0) if dev_costs[epoch] < dev_costs[best] else (best, waited + 1)
        if waited == patience:
            return best, epoch
    return best, len(dev_costs) - 1


def stop_while(dev_costs, patience):
    costs = [c if c == c else float("inf") for c in map(float, dev_costs)]
    best = epoch = 0
    while epoch < len(costs) - 1 and epoch - best < patience:
        epoch += 1
        best = epoch if costs[epoch] < costs[best] else best
    return np.array(best), np.array(epoch)


VALLEY = "a valley, then a rise"
TIES = "equal costs"
AFTERWARDS = "a better cost comes too late"

early_stopping = Exercise(
    reference.early_stopping,
    (
        Case(
            VALLEY,
            "Two that stop, one with a bump on the way that is shorter than the patience.",
            lambda rng: [
                told_anew(rng, [0.9, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8], 2),
                told_anew(rng, [0.9, 0.7, 0.8, 0.6, 0.65, 0.7, 0.75, 0.8], 3),
                told_anew(rng, [0.9, 0.4, 0.5, 0.45, 0.43, 0.42, 0.5], 3),
            ],
            public=True,
            ask="Count by hand: after each epoch, how many epochs in a row brought no new lowest cost?",
        ),
        Case(
            TIES,
            "A cost that is only reached again is no new minimum, and the first one is the best.",
            lambda rng: [
                told_anew(rng, [0.8, 0.5, 0.5, 0.5, 0.5, 0.6], 3),
                told_anew(rng, [0.7, 0.7, 0.6, 0.7, 0.6], 4),
            ],
            public=True,
            after=(VALLEY,),
            ask="Does an equal cost count as a new minimum?",
        ),
        Case(
            AFTERWARDS,
            "Whoever stopped never sees the lowest cost of all.",
            lambda rng: [
                told_anew(rng, [0.9, 0.6, 0.7, 0.8, 0.3, 0.2], 2),
                told_anew(rng, [0.5, 0.9, 0.1], 1),
            ],
            public=True,
            after=(VALLEY,),
            ask="At which epoch does training stop, and which costs are known by then?",
        ),
        Case(
            "training ends first",
            "Patience that is never used up; a single epoch.",
            lambda rng: [
                told_anew(rng, [0.9, 0.8, 0.7], 2),
                told_anew(rng, [0.9, 0.5, 0.6], 5),
                told_anew(rng, [0.4], 1, before=0),
                told_anew(rng, [0.3, 0.4], 1),
            ],
            public=True,
            after=(VALLEY,),
            ask="Which is the last epoch there is?",
        ),
        Case(
            "many curves",
            "Lists and arrays of random length; rounding makes ties.",
            lambda rng: (
                [
                    noisy_curve(rng, int(rng.integers(2, 60)), patience, digits)
                    for patience in (1, 2, 3, 4, 6, 10)
                    for digits in (1, 1, 4)
                ]
                + [curve(noisy_curve(rng, 30, 5)["dev_costs"].tolist(), 5)]
            ),
            after=(VALLEY,),
        ),
        Case(
            "patience at its ends",
            "1 stops at the first disappointment, not at small gains; 1000 never stops; a cost of 0.",
            lambda rng: [
                curve([0.9, 0.8, 0.8, 0.1], 1),
                curve([0.4, 0.4], 1),
                curve([5.0 - k for k in range(5)], 1),
                curve([0.5 - 1e-7 * k for k in range(9)] + [0.5, 0.4], 1),
                curve(np.round(rng.uniform(0.2, 1, size=40), 2), 39),
                curve(np.round(rng.uniform(0.2, 1, size=40), 2), 1000),
                curve([0.1] + [0.5] * 12, 12),
                curve([0.1] + [0.5] * 12, 11),
                curve([-0.5, -0.7, -0.2, 0.0, -0.9], 2),
                curve([0.5, 0.0, 0.3, 0.2, 0.4], 2),
            ],
            after=(VALLEY,),
        ),
        Case(
            "numbers that run away",
            "inf at the start and in the middle; costs of 1e12; whole numbers; float32.",
            lambda rng: [
                curve([4e12, 3e12, 3.5e12, 3.2e12, 1e12], 2),
                curve([2.5e3, 1.5e4, 9e3, 2e3, 2.4e3], 3),
                curve([0.9, float("inf"), 0.8, float("inf"), 0.9, 0.1], 2),
                curve([float("inf"), float("inf"), 0.5, 0.4, 0.6, 0.1], 3),
                curve(rng.integers(3, 9, size=25), 4),
                curve(rng.integers(3, 9, size=9).tolist(), 3),
                curve(rng.uniform(1, 2, size=20).astype(np.float32), 6),
            ],
            after=(VALLEY,),
        ),
    ),
    (
        Misconception(
            "stopping-one-late",
            "patience must be exceeded",
            stopping(stops=lambda waited, patience: waited > patience),
            VALLEY,
            "Training stops at the patience-th epoch in a row without a new minimum, not after it.",
        ),
        Misconception(
            "stopping-one-early",
            "the best epoch is the first that is waited for",
            stopping(stops=lambda waited, patience: waited >= max(patience - 1, 1)),
            VALLEY,
            "Count only epochs that brought no new minimum: the best one is none of them.",
        ),
        Misconception(
            "stopping-never-resets",
            "disappointments add up over the whole training",
            stopping(reset=lambda waited: waited),
            VALLEY,
            "patience counts epochs in a row: what happens to your counter at a new minimum?",
        ),
        Misconception(
            "stopping-against-the-last",
            "each cost is compared with the one before",
            stopping(
                better=lambda cost, best, last: cost < last,
                finish=lambda best, stop, costs: (int(np.argmin(costs[: stop + 1])), stop),
            ),
            VALLEY,
            "0.9, 0.4, 0.5, 0.45: the last step falls, but 0.4 was better. Compare with the lowest so far.",
        ),
        Misconception(
            "stopping-ties-count",
            "reaching the lowest cost again is progress",
            stopping(better=lambda cost, best, last: cost <= best),
            TIES,
            "Strictly lower is asked for: which of < and <= is that?",
        ),
        Misconception(
            "stopping-least-gain",
            "a gain below 0.0001 is none",
            stopping(better=lambda cost, best, last: cost < best - 1e-4),
            "patience at its ends",
            "Any strictly lower cost is a new minimum here. What does your comparison subtract?",
        ),
        Misconception(
            "stopping-highest",
            "the higher, the better",
            stopping(better=lambda cost, best, last: cost > best),
            VALLEY,
            "That holds for accuracy. Which way should a cost go?",
        ),
        Misconception(
            "stopping-keeps-the-last",
            "what training ends with is the best",
            stopping(finish=lambda best, stop, costs: (stop, stop)),
            VALLEY,
            "Training stopped because nothing better came for a while. Which epoch do you go back to?",
        ),
        Misconception(
            "stopping-at-the-best",
            "training stops at the best epoch",
            stopping(finish=lambda best, stop, costs: (best, best)),
            VALLEY,
            "At that epoch, who could know that nothing better would come? Which epoch settled it?",
        ),
        Misconception(
            "stopping-looks-ahead",
            "the best epoch is the lowest of all costs",
            stop_looks_ahead,
            AFTERWARDS,
            "After the stop nobody trains on: those costs are never seen. Search up to stop_epoch only.",
        ),
        Misconception(
            "stopping-after-the-lowest",
            "training stops patience epochs after the lowest cost of all",
            stop_argmin,
            AFTERWARDS,
            "To know the lowest of all you must have trained to the end. Walk through the epochs one by one.",
        ),
        Misconception(
            "stopping-past-the-end",
            "stop_epoch is always best_epoch + patience",
            stop_past_the_end,
            "training ends first",
            "There are only so many epochs. Which one is the last?",
        ),
        Misconception(
            "stopping-returns-the-cost",
            "what is wanted is the lowest cost",
            stopping(finish=lambda best, stop, costs: (costs[best], stop)),
            VALLEY,
            "Return when it was, not how low it was: the epoch's number.",
        ),
        Misconception(
            "stopping-from-1",
            "the first epoch is number 1",
            stopping(finish=lambda best, stop, costs: (best + 1, stop + 1)),
            VALLEY,
            "An epoch is the index of its cost, and indices count from 0.",
        ),
        Misconception(
            "stopping-swapped",
            "the stop comes first",
            stopping(finish=lambda best, stop, costs: (stop, best)),
            VALLEY,
            "Both epochs are right. Which one does the docstring name first?",
        ),
        Misconception(
            "stopping-number-of-epochs",
            "without a stop, the answer is the number of epochs",
            stop_number_of_epochs,
            "training ends first",
            "len(dev_costs) is one more than the last index.",
        ),
        Misconception(
            "stopping-counted-back",
            "best_epoch is always stop_epoch - patience",
            stop_counted_back,
            "training ends first",
            "Training may end before patience is used up. Remember the best epoch when you meet it.",
        ),
        Misconception(
            "stopping-after-the-last",
            "stop_epoch is the first epoch that is no longer trained",
            stop_one_further,
            VALLEY,
            "The epoch at which patience ends has been trained and measured: it is the last, not the next.",
        ),
        Misconception(
            "stopping-at-a-rise",
            "training stops as soon as the cost rises",
            stop_at_a_rise,
            VALLEY,
            "One bad epoch may be noise. Where does your code use patience?",
        ),
        Misconception(
            "stopping-from-zero",
            "the lowest cost so far starts at 0",
            stop_below(0.0),
            VALLEY,
            "No cost here is below 0, so none ever counts as lower. Start from the first cost.",
        ),
        Misconception(
            "stopping-from-a-large-number",
            "1000 is more than any cost",
            stop_below(1e3),
            "numbers that run away",
            'Some costs are larger. Start from the first cost, or from float("inf").',
        ),
    ),
    (stop_with_infinity, stop_by_prefixes, stop_while, stop_from_the_first),
)


# --- augment_by_flipping -----------------------------------------------------------------------------------


def images(rng, height, width, m, n_y=1, dtype=np.float64, digits=None):
    """Return grey images and their labels, one-hot where these have several rows."""
    X = rng.uniform(0, 9, size=(height * width, m))
    X = X if digits is None else np.round(X, digits)
    classes = rng.permutation(m) % n_y  # few pictures have labels that all differ
    Y = rng.permutation(np.arange(2, m + 2))[None] if n_y == 1 else np.eye(n_y)[:, classes]
    return {"X": X.astype(dtype), "Y": Y.astype(dtype), "height": height, "width": width}


def flipping(mirror, labels=lambda Y: Y, join=lambda X, flipped: np.hstack([X, flipped])):
    """Return an augmentation with another mirror, which gets (X, height, width), or other labels."""

    def wrong(X, Y, height, width):
        return join(X, mirror(X, height, width)), join(Y, labels(Y))

    return wrong


def mirrored(X, height, width):
    return X.reshape(height, width, -1)[:, ::-1].reshape(X.shape)


def alternating(X, flipped):
    return np.stack([X, flipped], axis=2).reshape(len(X), -1)


def repeating(X, other):
    """Join pictures as they should be, and labels, which are twice the same, by np.repeat."""
    return np.repeat(X, 2, axis=1) if other is X else np.hstack([X, other])


def one_row_of_labels(X, Y, height, width):
    return np.hstack([X, mirrored(X, height, width)]), np.append(Y, Y).reshape(1, -1)


def flip_squares(X, Y, height, width):
    side = int(np.sqrt(len(X)))
    flipped = X.reshape(side, side, X.shape[1])[:, ::-1].reshape(X.shape)
    return np.hstack([X, flipped]), np.hstack([Y, Y])


def flip_by_columns(X, Y, height, width):
    flipped = [np.fliplr(x.reshape(height, width)).ravel() for x in X.T]
    return np.column_stack([X, *flipped]), np.concatenate((Y, Y), axis=1)


def flip_by_index(X, Y, height, width):
    pixels = np.arange(height * width)
    partner = pixels // width * width + (width - 1 - pixels % width)
    return np.append(X, X[partner], axis=1), np.tile(Y, 2)


def flip_by_loops(X, Y, height, width):
    m = X.shape[1]
    X2, Y2 = np.empty((len(X), 2 * m)), np.empty((len(Y), 2 * m))
    for i in range(m):
        X2[:, i], Y2[:, i], Y2[:, m + i] = X[:, i], Y[:, i], Y[:, i]
        for row in range(height):
            for column in range(width):
                X2[row * width + column, m + i] = X[row * width + width - 1 - column, i]
    return [X2, Y2]


PICTURE = "two small pictures"
LABELS = "labels of several rows"

augment_by_flipping = Exercise(
    reference.augment_by_flipping,
    (
        Case(
            PICTURE,
            "2 x 3 pixels: upside down, backwards and width for height all differ from a mirror.",
            lambda rng: [images(rng, 2, 3, 2, digits=0), images(rng, 3, 2, 1, digits=0)],
            public=True,
            ask="Print one column as its picture, X[:, 0].reshape(height, width), and its partner in X2.",
        ),
        Case(
            LABELS,
            "One-hot labels: a mirror turns no cat into a dog.",
            lambda rng: images(rng, 2, 2, 3, n_y=4, digits=0),
            public=True,
            after=(PICTURE,),
            ask="Which label does column m + i have, and which column i?",
        ),
        Case(
            "a row, a column, a pixel",
            "One row is reversed, one column is its own mirror; one example.",
            lambda rng: [
                images(rng, 1, 4, 2),
                images(rng, 4, 1, 3),
                images(rng, 1, 1, 2),
                images(rng, 3, 4, 1, n_y=3),
                images(rng, 1, 1, 1),
            ],
            after=(PICTURE,),
        ),
        Case(
            "square pictures",
            "Transposing fits here; pictures as many as pixels in a row, too.",
            lambda rng: [images(rng, 4, 4, 4), images(rng, 3, 3, 9, n_y=2), images(rng, 5, 5, 2)],
            after=(PICTURE,),
        ),
        Case(
            "larger pictures",
            "Odd and even widths.",
            lambda rng: [images(rng, 8, 8, 30, n_y=10), images(rng, 7, 12, 5), images(rng, 12, 7, 6, n_y=2)],
            after=(PICTURE,),
        ),
        Case(
            OTHER_NUMBERS,
            "Pixels are often whole numbers.",
            lambda rng: [images(rng, 4, 5, 3, dtype=np.int64, n_y=3), images(rng, 5, 3, 4, dtype=np.float32)],
            after=(PICTURE,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "flip-upside-down",
            "reversing the rows mirrors left-right",
            flipping(lambda X, h, w: X.reshape(h, w, -1)[::-1].reshape(X.shape)),
            PICTURE,
            "Your picture stands on its head. Which axis runs from left to right?",
        ),
        Misconception(
            "flip-backwards",
            "a column of X read backwards is the mirror image",
            flipping(lambda X, h, w: X[::-1]),
            PICTURE,
            "Reading all pixels backwards turns the picture by 180 degrees. Reverse each row by itself.",
        ),
        Misconception(
            "flip-examples",
            "X[:, ::-1] reverses the columns of the picture",
            flipping(lambda X, h, w: X[:, ::-1]),
            PICTURE,
            "The columns of X are examples, not pixels. Give each one its shape (height, width) first.",
        ),
        Misconception(
            "flip-width-for-height",
            "reshape(width, height)",
            flipping(lambda X, h, w: mirrored(X, w, h)),
            PICTURE,
            "Pixels come row by row, and a row has width of them: (height, width).",
        ),
        Misconception(
            "flip-examples-first",
            "reshape(m, height, width) gives a picture for each example",
            flipping(lambda X, h, w: X.reshape(-1, h, w)[:, :, ::-1].reshape(X.shape)),
            PICTURE,
            "reshape keeps the order in memory, where examples run fastest: (height, width, m).",
        ),
        Misconception(
            "flip-column-by-column",
            "a picture is flattened column by column",
            flipping(lambda X, h, w: X.reshape(w, h, -1)[::-1].reshape(X.shape)),
            PICTURE,
            "Row by row means that the first width entries are the top row.",
        ),
        Misconception(
            "flip-transposes",
            "a mirrored picture is the transposed one",
            flipping(lambda X, h, w: X.reshape(h, w, -1).swapaxes(0, 1).reshape(X.shape)),
            PICTURE,
            "A transpose mirrors along the diagonal. Which pixel should stand in the top right corner?",
        ),
        Misconception(
            "flip-alternates",
            "each picture is followed by its mirror image",
            flipping(mirrored, join=alternating),
            PICTURE,
            "First all originals, then all mirrored ones: np.hstack.",
        ),
        Misconception(
            "flip-mirrored-only",
            "the mirrored pictures replace the others",
            flipping(mirrored, join=lambda X, flipped: np.array(flipped)),
            PICTURE,
            "Augmenting adds: X2 has 2 m columns.",
        ),
        Misconception(
            "flip-mirrored-first",
            "the mirrored ones come first",
            flipping(mirrored, join=lambda X, flipped: np.hstack([flipped, X])),
            PICTURE,
            "The originals first, then the mirrored pictures.",
        ),
        Misconception(
            "flip-nothing",
            "the second half repeats the first",
            flipping(lambda X, h, w: X),
            PICTURE,
            "X2 holds every picture twice. Where are they mirrored?",
        ),
        Misconception(
            "flip-stacked-below",
            "the mirrored pictures are more rows",
            flipping(mirrored, join=lambda X, flipped: np.vstack([X, flipped])),
            PICTURE,
            "New examples are new columns.",
        ),
        Misconception(
            "flip-labels-reversed",
            "labels are mirrored along",
            flipping(mirrored, labels=lambda Y: Y[:, ::-1]),
            PICTURE,
            "A mirrored cat is a cat: the labels come again in the same order.",
        ),
        Misconception(
            "flip-labels-repeated",
            "np.repeat lays the labels one after the other",
            flipping(mirrored, join=repeating),
            PICTURE,
            "np.repeat gives 0, 0, 1, 1; the pictures come as 0, 1, 0, 1: np.hstack([Y, Y]).",
        ),
        Misconception(
            "flip-labels-one-row",
            "labels are one row",
            one_row_of_labels,
            LABELS,
            "Y may have a row for each class. Join columns, and leave the rows as they are.",
        ),
        Misconception(
            "flip-square-only",
            "every picture is as high as it is wide",
            flip_squares,
            PICTURE,
            "The root of the number of pixels is a side of squares only: use height and width.",
        ),
        Misconception(
            "flip-labels-once",
            "the labels stay as they are",
            lambda X, Y, height, width: (flipping(mirrored)(X, Y, height, width)[0], np.array(Y)),
            PICTURE,
            "Twice as many pictures need twice as many labels.",
        ),
        Misconception(
            "flip-labels-negative",
            "a mirrored example is another class",
            flipping(mirrored, labels=lambda Y: 1 - Y),
            PICTURE,
            "The picture changed, what it shows did not: its label is that of the original.",
        ),
    ),
    (flip_by_columns, flip_by_index, flip_by_loops),
)

EXERCISES = (l2_cost, linear_backward_l2, weight_decay_update, l1_cost, early_stopping, augment_by_flipping)
