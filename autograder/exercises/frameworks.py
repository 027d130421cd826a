"""Frameworks: local gradients, undone broadcasting, the walk back through a graph."""

import itertools
from typing import Any

import numpy as np

from autograder.exercises import Case, Exercise, Misconception
from course_utils import properties
from course_utils.compare import differences
from course_utils.examine import HABITS, Finding
from course_utils.reference import frameworks as reference

FLOAT32: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}  # seven digits arrive
OTHER_NUMBERS = "whole numbers and float32 arrive too"


def numbers(rng, shape, grid=1024, dtype=np.float64):
    """Return multiples of 1 / grid, none of them 0, so that no sum of products of two is rounded."""
    values = rng.uniform(0.6, 3, size=shape) * rng.choice([-1.0, 1.0], size=shape)
    return np.asarray(np.round(values * grid) / grid).astype(dtype)


# --- unbroadcast -------------------------------------------------------------------------------------------


def stretched(rng, pairs, grid=1024, dtype=np.float64):
    """Return a gradient for each (its shape, the shape asked for)."""
    return [{"gradient": numbers(rng, size, grid, dtype), "shape": shape} for size, shape in pairs]


def without_added(gradient, shape, reduce=np.sum):
    while gradient.ndim > len(shape):
        gradient = reduce(gradient, axis=0)
    return gradient


def along_ones(gradient, shape, reduce=np.sum, keepdims=True):
    axes = tuple(axis for axis, n in enumerate(shape) if n == 1)
    return reduce(gradient, axis=axes, keepdims=keepdims)


def unbroadcast_means(gradient, shape):
    return along_ones(without_added(gradient, shape, np.mean), shape, np.mean)


def unbroadcast_first(gradient, shape):
    taken = without_added(gradient, shape, lambda g, axis: g[0])
    return np.array(taken[tuple(slice(0, n) for n in shape)])


def unbroadcast_from_the_left(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=-1)
    return np.array(along_ones(gradient, shape))


def unbroadcast_one_added(gradient, shape):
    return np.array(along_ones(gradient.sum(axis=0) if gradient.ndim > len(shape) else gradient, shape))


def unbroadcast_total(gradient, shape):
    return np.array(gradient) if gradient.shape == shape else np.full(shape, gradient.sum())


def unbroadcast_in_place_where_equal(gradient, shape):
    return gradient if gradient.shape == shape else reference.unbroadcast(gradient, shape)


def unbroadcast_by_steps(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return np.array(gradient)


def unbroadcast_by_index(gradient, shape):
    result = np.zeros(shape)
    padded = (1,) * (gradient.ndim - len(shape)) + tuple(shape)
    for at in np.ndindex(gradient.shape):
        place = tuple(0 if n == 1 else i for i, n in zip(at, padded, strict=True))
        result[place[gradient.ndim - len(shape) :]] += gradient[at]
    return result if shape else float(result)


def unbroadcast_by_counting(gradient, shape):
    # each entry of the array has a number: add up where its copies ended
    ids = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), gradient.shape)
    summed = np.bincount(ids.ravel(), weights=gradient.ravel(), minlength=int(np.prod(shape)))
    return summed.reshape(shape)


ROW = "a row or a column that was copied"
SAME = "nothing was broadcast"
NUMBER = "a single number that was copied"

unbroadcast = Exercise(
    reference.unbroadcast,
    (
        Case(
            ROW,
            "An axis that was added, one that was stretched; 2 and 3 tell rows from columns.",
            lambda rng: stretched(rng, [((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), (1, 3))], grid=4),
            public=True,
            ask="To which entries of the gradient was each entry of the array copied?",
        ),
        Case(
            NUMBER,
            "Shapes () and (1, 1) collect everything.",
            lambda rng: stretched(rng, [((2, 3), ()), ((4,), ()), ((2, 3), (1, 1)), ((3,), (1,))], grid=4),
            public=True,
            after=(ROW,),
            ask="How many axes has a number, and how many copies of it are there?",
        ),
        Case(
            SAME,
            "Equal shapes: the gradient comes back, as an array of its own.",
            lambda rng: stretched(rng, [((2, 3), (2, 3)), ((3,), (3,)), ((), ()), ((1, 3), (1, 3))], grid=4),
            public=True,
        ),
        Case(
            "square gradients",
            "In a square the wrong axis has the right length.",
            lambda rng: stretched(rng, [((3, 3), (3,)), ((3, 3), (3, 1)), ((3, 3), (1, 3))], grid=4),
            public=True,
            after=(ROW,),
            ask="Shapes are aligned at their last axis: which axis of the gradient is the new one?",
        ),
        Case(
            "leading axes of 1",
            "(1, 3) keeps two axes, (3,) one; (1, 1, 3) and (2, 1) inside three axes.",
            lambda rng: stretched(
                rng,
                [
                    ((4, 2, 3), (1, 2, 3)),
                    ((4, 2, 3), (1, 1, 3)),
                    ((4, 2, 3), (2, 1)),
                    ((4, 2, 3), (1, 3)),
                    ((4, 2, 3), (4, 1, 1)),
                    ((1, 3), (3,)),
                    ((1, 1, 3), (1, 3)),
                    ((1, 1), ()),
                    ((1,), ()),
                    ((1, 4), (1, 1)),
                    ((5, 1), (1, 1)),
                    ((5, 1), (1,)),
                ],
            ),
            after=(ROW,),
        ),
        Case(
            "many axes",
            "Four and five axes, axes stretched at both ends and in the middle, cubes; more digits than "
            "float32 has, and nothing rounded.",
            lambda rng: stretched(
                rng,
                [
                    ((2, 3, 4, 5), (3, 1, 5)),
                    ((2, 3, 4, 5), (2, 1, 4, 1)),
                    ((2, 3, 4, 5), (5,)),
                    ((2, 3, 4, 5), (1,)),
                    ((2, 3, 4, 5), ()),
                    ((2, 1, 3, 1, 4), (3, 1, 1)),
                    ((3, 3, 3), (3, 1)),
                    ((3, 3, 3), (1, 3, 1)),
                    ((40, 100), (40, 1)),
                ],
                grid=2**30,
            ),
            after=(ROW,),
            rtol=1e-12,
        ),
        Case(
            OTHER_NUMBERS,
            "Sums of integers and of float32.",
            lambda rng: (
                stretched(rng, [((2, 5), (5,)), ((3, 4), (3, 1))], 1, np.int64)
                + stretched(rng, [((4, 3), (1, 3)), ((2, 4, 3), ())], 8, np.float32)
            ),
            after=(ROW,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "unbroadcast-means",
            "copies are averaged",
            unbroadcast_means,
            ROW,
            "Each copy moved the output by itself. Do these changes average or add up?",
        ),
        Misconception(
            "unbroadcast-untouched",
            "a gradient fits as it comes",
            lambda gradient, shape: np.array(gradient),
            ROW,
            "Print gradient.shape beside shape. An entry was copied: what becomes of its copies' gradients?",
        ),
        Misconception(
            "unbroadcast-first-copy",
            "all copies have the same gradient",
            unbroadcast_first,
            ROW,
            "You take the gradient of one copy. What did the others do to the output?",
        ),
        Misconception(
            "unbroadcast-added-axes-only",
            "broadcasting only adds axes",
            lambda gradient, shape: np.array(without_added(gradient, shape)),
            ROW,
            "An axis of length 1 is stretched too: (2, 1) became (2, 3). Where is it summed back?",
        ),
        Misconception(
            "unbroadcast-stretched-axes-only",
            "broadcasting only stretches axes of length 1",
            lambda gradient, shape: np.array(along_ones(gradient, shape)),
            ROW,
            "(3,) became (2, 3): the axis in front is new. Where is it summed away?",
        ),
        Misconception(
            "unbroadcast-axes-lost",
            "sum(axis) leaves an axis of length 1",
            lambda gradient, shape: np.array(
                along_ones(without_added(gradient, shape), shape, keepdims=False)
            ),
            ROW,
            "The result must have the shape asked for: what does keepdims=True do?",
        ),
        Misconception(
            "unbroadcast-axis-0",
            "the copies are always along axis 0",
            lambda gradient, shape: (
                np.array(gradient)
                if gradient.shape == shape
                else gradient.sum(axis=0, keepdims=len(shape) == gradient.ndim)
            ),
            ROW,
            "A column of shape (2, 1) is copied along axis 1. Compare the two shapes axis by axis.",
        ),
        Misconception(
            "unbroadcast-axis-1",
            "what was broadcast is a column, as a bias is",
            lambda gradient, shape: np.sum(gradient, axis=1, keepdims=True),
            ROW,
            "Right for (n, 1). A row of shape (1, 3) was copied along another axis: what do the shapes say?",
        ),
        Misconception(
            "unbroadcast-one-added",
            "broadcasting adds one axis at most",
            unbroadcast_one_added,
            NUMBER,
            "A number became (2, 3): two axes are new. How long must the summing go on?",
        ),
        Misconception(
            "unbroadcast-aligned-left",
            "shapes are aligned at their first axis",
            unbroadcast_from_the_left,
            ROW,
            "NumPy aligns shapes at their last axis and adds new ones in front.",
        ),
        Misconception(
            "unbroadcast-one-number",
            "np.sum(gradient) sums the copies",
            lambda gradient, shape: np.sum(gradient),
            ROW,
            "Without an axis, sum makes one number of everything. Along which axes was each entry copied?",
        ),
        Misconception(
            "unbroadcast-total",
            "everything is summed",
            unbroadcast_total,
            ROW,
            "Each entry collects its own copies only.",
        ),
        Misconception(
            "unbroadcast-same-array",
            "what needs no change can be handed back",
            unbroadcast_in_place_where_equal,
            HABITS,
            "Now two names stand for one array, and += on one changes the other. Return a copy.",
        ),
        Misconception(
            "unbroadcast-number-forgotten",
            "an array has at least one axis",
            lambda gradient, shape: reference.unbroadcast(gradient, shape or (1,)),
            NUMBER,
            "() is the shape of a single number: sum over all axes that there are.",
        ),
    ),
    (unbroadcast_by_steps, unbroadcast_by_index, unbroadcast_by_counting),
)


# --- multiply_gradients ------------------------------------------------------------------------------------


def product(rng, shape_a, shape_b, grid=1024, dtype=np.float64):
    shape = np.broadcast_shapes(shape_a, shape_b)
    parts = {"upstream": shape, "a": shape_a, "b": shape_b}
    return {name: numbers(rng, size, grid, dtype) for name, size in parts.items()}


def products(rng, pairs, **how):
    return [product(rng, *pair, **how) for pair in pairs]


def multiplying(rule, undo=reference.unbroadcast):
    """Return wrong gradients of a product: rule(upstream, a, b) before broadcasting is undone."""

    def wrong(upstream, a, b):
        with np.errstate(all="ignore"):
            da, db = rule(upstream, a, b)
        return np.array(undo(da, a.shape)), np.array(undo(db, b.shape))

    return wrong


def sum_where_smaller(gradient, shape):
    return gradient if gradient.shape == shape else gradient.sum()


def multiply_summed_first(upstream, a, b):
    over = reference.unbroadcast
    with_b, with_a = over(upstream, a.shape) * b, over(upstream, b.shape) * a
    return over(np.broadcast_to(with_b, upstream.shape), a.shape), over(
        np.broadcast_to(with_a, upstream.shape), b.shape
    )


def multiply_by_steps(upstream, a, b):
    return [unbroadcast_by_steps(np.multiply(upstream, other), own.shape) for own, other in ((a, b), (b, a))]


def multiply_by_index(upstream, a, b):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    spread = [np.broadcast_to(np.arange(x.size).reshape(x.shape), upstream.shape) for x in (a, b)]
    for at in np.ndindex(upstream.shape):
        i, j = (int(ids[at]) for ids in spread)
        da.flat[i] += upstream[at] * b.flat[j]
        db.flat[j] += upstream[at] * a.flat[i]
    return da, db


def multiply_numbers_as_floats(upstream, a, b):
    da = unbroadcast_by_counting(np.asarray(b * upstream), a.shape)
    db = unbroadcast_by_counting(np.asarray(a * upstream), b.shape)
    return tuple(float(g) if g.shape == () else g for g in (da, db))


EQUAL = "factors of one shape"
COPIED = "a factor that was copied"

multiply_gradients = Exercise(
    reference.multiply_gradients,
    (
        Case(
            EQUAL,
            "No broadcasting: the product rule alone.",
            lambda rng: products(rng, [((2, 3), (2, 3)), ((4,), (4,))], grid=4),
            public=True,
            ask="If a[0, 0] grows a little, by how much does the product grow, and what does upstream add?",
        ),
        Case(
            COPIED,
            "A row, a column and a number, on either side.",
            lambda rng: products(
                rng,
                [((2, 3), (3,)), ((2, 1), (2, 3)), ((), (2, 3)), ((1, 3), (2, 1)), ((2, 3), ())],
                grid=4,
            ),
            public=True,
            after=(EQUAL,),
            ask="Which shape had the factor, which has your gradient, and what was copied in between?",
        ),
        Case(
            "factors that are 0",
            "Dividing the product by a gives 0 / 0 here.",
            lambda rng: {
                **product(rng, (2, 3), (2, 3), grid=4),
                "a": np.array([[0.0, 1.5, -2.0], [0.5, 0.0, 3.0]]),
                "b": np.array([[0.0, 0.5, 0.0], [2.5, 1.0, 0.0]]),
            },
            public=True,
            after=(EQUAL,),
        ),
        Case(
            "square factors",
            "A row and a column in a square: the wrong axis fits. Equal factors have equal gradients, in "
            "arrays of their own.",
            lambda rng: [
                *products(rng, [((3, 3), (3,)), ((3, 1), (3, 3)), ((3,), (3, 1)), ((3, 3), (1, 3))]),
                product(rng, (3, 3), (3, 3)) | dict.fromkeys("ab", numbers(rng, (3, 3))),
            ],
            after=(EQUAL,),
        ),
        Case(
            "broadcasting of every kind",
            "Both stretched, new axes in front, axes of 1 in the middle, numbers.",
            lambda rng: products(
                rng,
                [
                    ((3, 1), (1, 4)),
                    ((4,), (2, 3, 4)),
                    ((2, 3, 4), (3, 1)),
                    ((1,), (3,)),
                    ((1, 1, 3), (3,)),
                    ((), ()),
                    ((), (5,)),
                    ((1, 1), ()),
                    ((1,), (1, 1)),
                    ((2, 1, 4), (5, 1, 3, 1)),
                    ((2, 1), (3,)),
                    ((6, 50), (6, 1)),
                ],
            ),
            after=(EQUAL,),
            rtol=1e-12,
        ),
        Case(
            OTHER_NUMBERS,
            "Whole numbers and float32; whole factors under an upstream that is not whole.",
            lambda rng: (
                products(rng, [((2, 4), (4,)), ((3, 2), (3, 2))], grid=1, dtype=np.int64)
                + products(rng, [((3, 1), (3, 5)), ((4, 2), ())], grid=8, dtype=np.float32)
                + [product(rng, (2, 3), (3,), 1, np.int64) | {"upstream": numbers(rng, (2, 3), 8)}]
            ),
            after=(EQUAL,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "multiply-own-factor",
            "the gradient of a holds a",
            multiplying(
                lambda u, a, b: (u * a, u * b),
                undo=lambda g, shape: reference.unbroadcast(
                    np.broadcast_to(g, np.broadcast_shapes(g.shape, shape)), shape
                ),
            ),
            EQUAL,
            "Hold b still: how does a * b change with a? The other factor is what is left.",
        ),
        Misconception(
            "multiply-without-upstream",
            "the gradient of a product is the other factor",
            multiplying(lambda u, a, b: (b * np.ones(u.shape), a * np.ones(u.shape))),
            EQUAL,
            "That is the local gradient. By how much does the output move when the product does?",
        ),
        Misconception(
            "multiply-upstream-added",
            "upstream is added to the local gradient",
            multiplying(lambda u, a, b: (u + b, u + a)),
            EQUAL,
            "Changes along a chain multiply: twice as much here, three times there, six times in all.",
        ),
        Misconception(
            "multiply-upstream-only",
            "both factors get what comes from above",
            multiplying(lambda u, a, b: (u, u)),
            EQUAL,
            "That would be right for a + b. What does a product do?",
        ),
        Misconception(
            "multiply-swapped",
            "the gradient of b comes first",
            lambda upstream, a, b: reference.multiply_gradients(upstream, a, b)[::-1],
            EQUAL,
            "Both are right. Which one is da?",
        ),
        Misconception(
            "multiply-by-division",
            "the product divided by a is b",
            multiplying(lambda u, a, b: (u * (a * b) / a, u * (a * b) / b)),
            "factors that are 0",
            "0 / 0 is not a number. You have b: there is no need to compute it.",
        ),
        Misconception(
            "multiply-not-undone",
            "the gradients have the shape of the product",
            lambda upstream, a, b: (upstream * b, upstream * a),
            COPIED,
            "A gradient has the shape of what it belongs to. Which function of this lesson sums it back?",
        ),
        Misconception(
            "multiply-means",
            "copies are averaged",
            multiplying(lambda u, a, b: (u * b, u * a), undo=unbroadcast_means),
            COPIED,
            "Each copy moved the output by itself: their gradients add up.",
        ),
        Misconception(
            "multiply-all-summed",
            "a factor that was copied gets one number",
            multiplying(lambda u, a, b: (u * b, u * a), undo=sum_where_smaller),
            COPIED,
            "Only the copies of one entry are summed. A row of three has three gradients.",
        ),
        Misconception(
            "multiply-summed-first",
            "upstream may be summed before it is multiplied",
            multiply_summed_first,
            COPIED,
            "The copies met different entries of the other factor. Multiply first, then sum.",
        ),
        Misconception(
            "multiply-added-axes-only",
            "broadcasting only adds axes",
            multiplying(lambda u, a, b: (u * b, u * a), undo=without_added),
            COPIED,
            "An axis of length 1 is stretched too: (2, 1) became (2, 3). Where is it summed back?",
        ),
        Misconception(
            "multiply-stretched-axes-only",
            "broadcasting only stretches axes of length 1",
            multiplying(lambda u, a, b: (u * b, u * a), undo=along_ones),
            COPIED,
            "(3,) became (2, 3): the axis in front is new. Where is it summed away?",
        ),
        Misconception(
            "multiply-axes-lost",
            "sum(axis) leaves an axis of length 1",
            multiplying(
                lambda u, a, b: (u * b, u * a),
                undo=lambda g, shape: along_ones(without_added(g, shape), shape, keepdims=False),
            ),
            COPIED,
            "A gradient has the shape of its factor: what does keepdims=True do?",
        ),
        Misconception(
            "multiply-second-only",
            "only the second factor is ever copied, as a bias is",
            lambda upstream, a, b: (upstream * b, reference.unbroadcast(upstream * a, b.shape)),
            COPIED,
            "db is right. In (2, 1) * (2, 3) the first factor was copied: which shape must da have?",
        ),
        Misconception(
            "multiply-as-matrices",
            "the gradients of a * b are those of a @ b",
            lambda upstream, a, b: (upstream @ b.T, a.T @ upstream),
            EQUAL,
            "In a * b each entry meets one entry only. Which operator stands where nothing is summed?",
        ),
    ),
    (multiply_by_steps, multiply_by_index, multiply_numbers_as_floats),
)


# --- matmul_gradients --------------------------------------------------------------------------------------


def matrices(rng, n, k, p, grid=1024, dtype=np.float64):
    parts = {"upstream": (n, p), "A": (n, k), "B": (k, p)}
    return {name: numbers(rng, size, grid, dtype) for name, size in parts.items()}


def matmul_into_copies(upstream, A, B):
    dA, dB = np.zeros_like(A), np.zeros_like(B)
    dA[...], dB[...] = upstream @ B.T, A.T @ upstream
    return dA, dB


def matmul_by_loops(upstream, A, B):
    dA, dB = np.zeros(A.shape), np.zeros(B.shape)
    for i, j, k in itertools.product(range(len(A)), range(B.shape[1]), range(len(B))):
        dA[i, k] += upstream[i, j] * B[k, j]
        dB[k, j] += upstream[i, j] * A[i, k]
    return [dA, dB]


def matmul_by_einsum(upstream, A, B):
    return np.einsum("ij,kj->ik", upstream, B), np.einsum("ik,ij->kj", A, upstream)


def matmul_by_turning(upstream, A, B):
    return np.dot(B, upstream.T).T.copy(), (upstream.T @ A).transpose()


MATRICES = "three unlike sizes"
SQUARE = "square matrices"

matmul_gradients = Exercise(
    reference.matmul_gradients,
    (
        Case(
            MATRICES,
            "Shapes alone nearly decide which product fits.",
            lambda rng: [matrices(rng, 2, 3, 4, grid=4), matrices(rng, 3, 2, 1, grid=4)],
            public=True,
            ask="dA has the shape of A. Which product of upstream and B has it?",
        ),
        Case(
            SQUARE,
            "Every product fits, only one is right.",
            lambda rng: [matrices(rng, 2, 2, 2, grid=4), matrices(rng, 3, 3, 3, grid=4)],
            public=True,
            ask="Write out (A @ B)[0, 0]. Which entries of B meet A[0, 1] there?",
        ),
        Case(
            "rows, columns, numbers",
            "Inner and outer products, (1, 1).",
            lambda rng: [
                matrices(rng, *sizes)
                for sizes in ((1, 1, 1), (1, 5, 1), (4, 1, 3), (1, 3, 2), (3, 2, 1), (1, 1, 4))
            ],
            after=(MATRICES,),
        ),
        Case(
            "as in a layer",
            "Many examples; two sizes equal, the third not; entries that are 0.",
            lambda rng: (
                [
                    matrices(rng, *sizes)
                    for sizes in ((5, 7, 200), (4, 4, 6), (4, 6, 4), (6, 4, 4), (30, 20, 10))
                ]
                + [{name: np.where(np.abs(a) < 1, 0.0, a) for name, a in matrices(rng, 4, 3, 5).items()}]
            ),
            after=(MATRICES,),
            rtol=1e-12,
        ),
        Case(
            OTHER_NUMBERS,
            "Whole numbers and float32; whole matrices under an upstream that is not whole.",
            lambda rng: [
                matrices(rng, 2, 4, 3, 1, np.int64),
                matrices(rng, 3, 5, 2, 8, np.float32),
                matrices(rng, 2, 3, 4, 1, np.int64) | {"upstream": numbers(rng, (2, 4), 8)},
            ],
            after=(MATRICES,),
            **FLOAT32,
        ),
    ),
    (
        Misconception(
            "matmul-not-transposed",
            "dA = upstream B, as for numbers",
            lambda upstream, A, B: (upstream @ B, A @ upstream),
            SQUARE,
            "The shapes of a layer do not even fit. Which of the factors must be turned?",
        ),
        Misconception(
            "matmul-elementwise",
            "each gradient is upstream times the other factor, entry by entry",
            lambda upstream, A, B: (upstream * B, upstream * A),
            SQUARE,
            "An entry of A meets a whole row of B. Where is the sum?",
        ),
        Misconception(
            "matmul-factors-exchanged",
            "the order of a product does not matter",
            lambda upstream, A, B: (B.T @ upstream, upstream @ A.T),
            SQUARE,
            "dA = upstream B^T: B stood on the right of A, and so it does here.",
        ),
        Misconception(
            "matmul-upstream-transposed",
            "upstream is what is turned",
            lambda upstream, A, B: (upstream.T @ B, A @ upstream.T),
            SQUARE,
            "upstream has the shape of A @ B, so its rows are those of A. What must be turned instead?",
        ),
        Misconception(
            "matmul-result-transposed",
            "each gradient comes out transposed",
            lambda upstream, A, B: ((upstream @ B.T).T.copy(), (A.T @ upstream).T.copy()),
            MATRICES,
            "A gradient has the shape of what it belongs to.",
        ),
        Misconception(
            "matmul-without-upstream",
            "the gradients are B^T and A^T",
            lambda upstream, A, B: (np.ones_like(upstream) @ B.T, A.T @ np.ones_like(upstream)),
            MATRICES,
            "That is for an output that is the sum of all entries. Where is upstream?",
        ),
        Misconception(
            "matmul-averaged",
            "gradients are averaged over the examples",
            lambda upstream, A, B: (upstream @ B.T / upstream.shape[1], A.T @ upstream / upstream.shape[1]),
            MATRICES,
            "Where the cost is an average, upstream has been divided by m already.",
        ),
        Misconception(
            "matmul-weights-averaged",
            "the gradient of weights is averaged over the examples, whatever comes from above",
            lambda upstream, A, B: (upstream @ B.T / upstream.shape[1], A.T @ upstream),
            MATRICES,
            "dW of a cost holds 1/m because the cost does: upstream brings it. What does A @ B average?",
        ),
        Misconception(
            "matmul-reshaped",
            "reshape turns a matrix",
            lambda upstream, A, B: (
                upstream @ B.reshape(B.shape[::-1]),
                A.reshape(A.shape[::-1]) @ upstream,
            ),
            MATRICES,
            "Print np.arange(6).reshape(2, 3), then its .T and its .reshape(3, 2): which of them turns it?",
        ),
        Misconception(
            "matmul-cut-to-integers",
            "np.zeros_like(A) can hold the gradient of A",
            matmul_into_copies,
            OTHER_NUMBERS,
            "If A holds whole numbers, so does an array made like it: what becomes of 0.5 there?",
        ),
        Misconception(
            "matmul-swapped",
            "the gradient of B comes first",
            lambda upstream, A, B: (A.T @ upstream, upstream @ B.T),
            MATRICES,
            "Both are right. Which one is dA?",
        ),
        Misconception(
            "matmul-own-factor",
            "the gradient of A holds A",
            lambda upstream, A, B: (upstream @ A.T, B.T @ upstream),
            SQUARE,
            "Hold B still: how fast A @ B changes with A is said by B.",
        ),
    ),
    (matmul_by_loops, matmul_by_einsum, matmul_by_turning),
)


# --- topological_order -------------------------------------------------------------------------------------


def graph(rng, output, **parents):
    """Return a graph whose dict is in any order but one in which parents come first.

    Leaves pass nothing on: where others depend on each other, it is their order that is wrong.
    """
    names = rng.permutation(list(parents)).tolist()
    inner = {n: [p for p in made_from if parents[p]] for n, made_from in parents.items() if made_from}
    judged = inner if any(inner.values()) else parents
    while len(names) > 1 and parents_first([n for n in names if n in judged], judged):
        names = rng.permutation(names).tolist()
    return {"output": output, "parents": {node: parents[node] for node in names}}


def parents_first(order, parents):
    return all(order.index(parent) < order.index(node) for node in order for parent in parents[node])


def numbered(rng, output, **parents):
    """Return a graph whose names all end in one number, so that its order is in no table."""
    number = int(rng.integers(10, 100))
    renamed = {f"{node}{number}": [f"{p}{number}" for p in made_from] for node, made_from in parents.items()}
    return graph(rng, f"{output}{number}", **renamed)


def some_graph(rng, n, unrelated=True, first=0):
    """Return a graph of n numbered nodes, each made from one or two earlier ones, at times one of them twice.

    The numbers say nothing about the order; 0 is one of them. Where no node may be unrelated, each is used.
    """
    names = rng.permutation(np.arange(first, first + n)).tolist()
    parents = {names[0]: [], names[1]: []}
    for i in range(2, n):
        chosen = [names[int(k)] for k in rng.integers(max(0, i - 5), i, size=int(rng.integers(1, 3)))]
        parents[names[i]] = chosen if rng.random() > 0.35 else [chosen[0], *chosen]
    output = names[-3] if unrelated else names[-1]
    if not unrelated:
        needed = ancestors(output, parents)
        parents = {node: made_from for node, made_from in parents.items() if node in needed}
    return {
        "output": output,
        "parents": {node: parents[node] for node in rng.permutation(list(parents)).tolist()},
    }


def ancestors(output, parents):
    found, waiting = {output}, [output]
    while waiting:
        new = set(parents[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def chain(rng, n):
    """Return a chain of n nodes; recursion that takes two frames a node still ends."""
    names = rng.permutation(n).tolist()
    parents = dict(zip(names, [[], *([name] for name in names)], strict=False))
    return {"output": names[-1], "parents": {node: parents[node] for node in sorted(parents)}}


def depth_first(output, parents, visit):
    """Walk from the output to its parents; visit(node, walk, order) lists a node and walks on."""
    order = []

    def walk(node):
        visit(node, walk, order)

    walk(output)
    return order


def order_when_reached(output, parents):
    def visit(node, walk, order):
        if node not in order:
            order.append(node)
            for parent in parents[node]:
                walk(parent)

    return depth_first(output, parents, visit)


def order_without_memory(output, parents):
    def visit(node, walk, order):
        for parent in parents[node]:
            walk(parent)
        order.append(node)

    return depth_first(output, parents, visit)


def order_reached_turned(output, parents):
    return order_when_reached(output, parents)[::-1]


def order_by_levels(output, parents):
    order, queue = [output], [output]
    while queue:
        for parent in parents[queue.pop(0)]:
            if parent not in order:
                order.append(parent)
                queue.append(parent)
    return order[::-1]


def order_first_parents(output, parents):
    order, node = [output], output
    while parents[node]:
        node = parents[node][0]
        order.append(node)
    return order[::-1]


def order_of_all(parents):
    order = {}

    def visit(node):
        if node not in order:
            [visit(parent) for parent in parents[node]]
            order[node] = True

    for node in parents:
        visit(node)
    return list(order)


def order_all_then_output(output, parents):
    return [node for node in order_of_all(parents) if node != output] + [output]


def order_by_counting(output, parents):
    # Kahn's way, forwards: a node is ready when as many parents are listed as it has entries
    needed = ancestors(output, parents)
    order, ready = [], [node for node in needed if not parents[node]]
    waits_for = {node: len(parents[node]) for node in needed}
    while ready:
        node = ready.pop()
        order.append(node)
        for child in needed:
            if node in parents[child]:
                waits_for[child] -= 1
                if waits_for[child] == 0:
                    ready.append(child)
    return order


def order_recursive(output, parents):
    order, known = [], set()

    def visit(node):
        if node not in known:
            known.add(node)
            for parent in parents[node]:
                visit(parent)
            order.append(node)

    visit(output)
    return order


def order_kahn(output, parents):
    needed = ancestors(output, parents)
    left = {node: set(parents[node]) for node in needed}
    order = []
    while left:
        ready = [node for node, waits_for in left.items() if not waits_for]
        order += ready
        left = {node: waits_for - set(ready) for node, waits_for in left.items() if waits_for}
    return order


def order_by_longest_way(output, parents):
    # the last node on the stack is expanded again and again until its parents are all listed
    stack, order = [output], []
    while stack:
        todo = [parent for parent in reversed(parents[stack[-1]]) if parent not in order]
        if todo:
            stack.append(todo[0])
        else:
            node = stack.pop()
            if node not in order:
                order.append(node)
    return tuple(order)


CHAIN = "a chain"
TWICE = "a node that is used twice"
UNEVEN = "a short way and a long way"
UNRELATED = "nodes that the output does not need"

topological_order = Exercise(
    reference.topological_order,
    (
        Case(
            CHAIN,
            "w -> z -> a -> J; neither the dict nor the sorted names are in that order.",
            lambda rng: [
                numbered(rng, "J", w=[], z=["w"], a=["z"], J=["a"]),
                numbered(rng, "only", only=[]),
                numbered(rng, "sum", x=[], y=[], sum=["x", "y"]),
            ],
            public=True,
            verify=properties.parents_come_first,
            ask="Which node can be listed first, and which must be last?",
        ),
        Case(
            TWICE,
            "A diamond, and w * w with w listed twice among its parents.",
            lambda rng: [
                numbered(rng, "d", a=[], b=["a"], c=["a"], d=["b", "c"]),
                numbered(rng, "square", w=[], square=["w", "w"]),
                numbered(rng, "J", w=[], s=["w", "w"], J=["s", "w", "s"]),
            ],
            public=True,
            verify=properties.parents_come_first,
            after=(CHAIN,),
            ask="How does your walk know that it has listed a node before?",
        ),
        Case(
            UNEVEN,
            "d needs a directly and through b and c: level by level, or when first reached, is too early.",
            lambda rng: [
                numbered(rng, "d", a=[], b=["a"], c=["b"], d=["a", "c"]),
                numbered(rng, "d", a=[], b=["a"], c=["b"], d=["c", "a"]),
                numbered(rng, "J", x=[], u=["x"], v=["u", "x"], J=["x", "v", "u"]),
                numbered(rng, "J", w=[], s=["w"], t=["s"], J=["w", "w", "t"]),
            ],
            public=True,
            verify=properties.parents_come_first,
            after=(CHAIN,),
            ask="When may a node be listed: when it is reached, or when all its parents are listed?",
        ),
        Case(
            UNRELATED,
            "A node beside the output, one made from it, one made from what it needs.",
            lambda rng: [
                numbered(rng, "J", w=[], J=["w"], aside=[], after=["J"], other=["w", "aside"]),
                numbered(rng, "z", w=[], z=["w"], a=["z"], J=["a"]),
            ],
            public=True,
            verify=properties.parents_come_first,
            after=(CHAIN,),
            ask="Start from the output and walk to parents only: which nodes do you meet?",
        ),
        Case(
            "many graphs",
            "Numbered nodes, 0 among them, used twice, listed twice, left out; the dict in any order.",
            lambda rng: [
                some_graph(rng, n, first=first) for n in (6, 9, 14, 20, 26, 40) for first in (0, -4)
            ],
            verify=properties.parents_come_first,
            after=(CHAIN,),
        ),
        Case(
            "a deep graph",
            "A chain of hundreds, sorted by name; one node alone, called 0.",
            lambda rng: [chain(rng, 500), chain(rng, 100), {"output": 0, "parents": {0: [], 1: [0]}}],
            verify=properties.parents_come_first,
            after=(CHAIN,),
        ),
    ),
    (
        Misconception(
            "order-backwards",
            "the walk back starts with the output",
            lambda output, parents: reference.topological_order(output, parents)[::-1],
            CHAIN,
            "Right for walking back, but asked for is the order of computing: parents first.",
        ),
        Misconception(
            "order-when-reached",
            "a node is listed when the walk reaches it",
            order_when_reached,
            CHAIN,
            "List a node after the calls for its parents, not before them.",
        ),
        Misconception(
            "order-reached-turned",
            "the order of reaching, turned round, puts parents first",
            order_reached_turned,
            UNEVEN,
            "In a -> b -> c -> d with a -> d as well, a may come after b. List a node when its parents are.",
        ),
        Misconception(
            "order-by-levels",
            "a node's level is the length of the shortest way",
            order_by_levels,
            UNEVEN,
            "A node may be needed directly and through others: the longest way decides.",
        ),
        Misconception(
            "order-without-memory",
            "each node is met once",
            order_without_memory,
            TWICE,
            "A node with two uses is reached twice. Remember which nodes you have listed.",
        ),
        Misconception(
            "order-first-parent",
            "a node has one parent",
            order_first_parents,
            CHAIN,
            "parents[node] is a list. Follow all of it.",
        ),
        Misconception(
            "order-of-the-dict",
            "the dict was filled in the order of computing",
            lambda output, parents: list(parents),
            CHAIN,
            "A dict may have been filled in any order. Only its lists of parents say what comes first.",
        ),
        Misconception(
            "order-needed-of-the-dict",
            "what the output needs, in the order of the dict, is in the order of computing",
            lambda output, parents: [node for node in parents if node in ancestors(output, parents)],
            CHAIN,
            "Those are the right nodes. A dict may have been filled in any order: what says who comes first?",
        ),
        Misconception(
            "order-leaves-left-out",
            "only what was computed belongs into the list",
            lambda output, parents: [
                node for node in reference.topological_order(output, parents) if parents[node]
            ],
            CHAIN,
            "A leaf was made from nothing, but the output depends on it. Is it in your list?",
        ),
        Misconception(
            "order-sorted",
            "names in order are nodes in order",
            lambda output, parents: sorted(ancestors(output, parents)),
            CHAIN,
            "Names say nothing about who was made from whom.",
        ),
        Misconception(
            "order-all-nodes",
            "every node of the dict belongs into the list",
            order_all_then_output,
            UNRELATED,
            "Nodes that the output does not need are left out: start from the output, not from the dict.",
        ),
        Misconception(
            "order-output-left-out",
            "the list holds what the output was made from",
            lambda output, parents: reference.topological_order(output, parents)[:-1],
            CHAIN,
            "The output itself is the last node of the list.",
        ),
        Misconception(
            "order-counts-entries",
            "a node waits for as many parents as its list has entries",
            order_by_counting,
            TWICE,
            "w * w lists w twice, but w is finished only once: your node waits for ever.",
        ),
    ),
    (order_recursive, order_kahn, order_by_longest_way),
)


# --- backpropagate -----------------------------------------------------------------------------------------


def slopes(rng, arguments, choose):
    """Add d node / d parent for every parent of every node."""
    local = {node: [choose(rng) for _ in made_from] for node, made_from in arguments["parents"].items()}
    return {
        **arguments,
        "local_gradients": {node: local[node] for node in rng.permutation(list(local)).tolist()},
    }


def whole(rng):
    """Return a slope whose sums and products are exact in any order."""
    return float(rng.choice([-2, -1, 1, 2, 3]))


def nothing_cancels(rng, n):
    """Return a graph with whole slopes of both signs in which no gradient is 0.

    Whoever solves the chain rule as equations is right too, and gets 1e-16 where others get 0.
    """
    while True:
        arguments = slopes(rng, some_graph(rng, n, unrelated=False), whole)
        if all(reference.backpropagate(**arguments).values()):
            return arguments


def taped(rng, output, **uses):
    """Return a graph from {node: {parent: slope}}, or [(parent, slope), ...] where one is listed twice."""
    pairs = {node: list(use.items()) if isinstance(use, dict) else use for node, use in uses.items()}
    graph_ = graph(rng, output, **{node: [parent for parent, _ in use] for node, use in pairs.items()})
    return {**graph_, "local_gradients": {node: [slope for _, slope in use] for node, use in pairs.items()}}


def size(rng):
    """Return a slope above 1: two ways of opposite signs never multiply to what they add up to."""
    return float(rng.choice([1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]))


def square(rng):
    w = size(rng)
    return taped(rng, "J", w=[], J=[("w", w), ("w", w)])


def cancelled(rng):
    """Return a graph in which the two ways to w add up to 0."""
    slope = size(rng)
    return taped(rng, "J", w=[], u={"w": slope}, v={"w": -slope}, J={"u": 1.0, "v": 1.0})


def parabola(rng):
    """Return w^2 - 10 w + 25 as it is computed, at some w: w is listed twice and used twice."""
    w = float(np.round(rng.uniform(-2, 2), 1))
    return taped(
        rng,
        "J",
        w=[],
        square=[("w", w), ("w", w)],
        line={"w": -10.0},
        sum={"square": 1.0, "line": 1.0},
        J={"sum": 1.0},
    )


def gradients_of_what_matters(calls, observations):
    """Judge the nodes that the output depends on; others may be left out, or have a gradient of 0."""
    for call, seen in zip(calls, observations, strict=True):
        expected, value = reference.backpropagate(**call.arguments), seen.value
        if isinstance(value, dict):
            others = [g for node, g in value.items() if node not in expected and isinstance(g, (int, float))]
            if any(others):
                return [Finding("others:not 0", "a node that the output does not depend on has a gradient")]
            value = {node: g for node, g in value.items() if node in expected}
        found = differences(value, expected)
        if found:
            return [Finding(f"{found[0].where}:{found[0].kind}", found[0].problem)]
    return []


def walking(
    collect=lambda old, new: old + new,
    send=lambda upstream, slope: upstream * slope,
    pairs=lambda made_from, slopes: zip(made_from, slopes, strict=True),
    order=lambda output, parents: reference.topological_order(output, parents)[::-1],
    start=1.0,
    finish=lambda gradients, output, parents: gradients,
):
    """Return a walk back in which one of its parts is another one."""

    def wrong(output, parents, local_gradients):
        gradients = dict.fromkeys(reference.topological_order(output, parents), 0.0)
        gradients[output] = start
        for node in order(output, parents):
            for parent, slope in pairs(parents[node], local_gradients[node]):
                gradients[parent] = collect(gradients[parent], send(gradients[node], slope))
        return finish(gradients, output, parents)

    return wrong


def levels(output, parents):
    return order_by_levels(output, parents)[::-1]


def backpropagate_paths(output, parents, local_gradients):
    gradients = {}

    def send(node, upstream):
        gradients[node] = gradients.get(node, 0) + upstream
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            send(parent, upstream * slope)

    send(output, 1)
    return gradients


def backpropagate_pull(output, parents, local_gradients):
    # each node asks all that were made from it
    order = order_kahn(output, parents)
    gradients = {output: np.float64(1)}
    for i in range(len(order) - 2, -1, -1):
        uses = [
            gradients[child] * slope
            for child in order[i + 1 :]
            for parent, slope in zip(parents[child], local_gradients[child], strict=True)
            if parent == order[i]
        ]
        gradients[order[i]] = np.sum(uses)
    return gradients


def backpropagate_all(output, parents, local_gradients):
    # every node of the dict takes part; those that the output does not need get 0
    gradients = {node: np.array(0.0) for node in parents}
    gradients[output] = np.array(1.0)
    for node in reversed(order_of_all(parents)):
        for k, parent in enumerate(parents[node]):
            gradients[parent] = gradients[parent] + gradients[node] * local_gradients[node][k]
    return gradients


def backpropagate_forwards(output, parents, local_gradients):
    # d node / d each of its ancestors, from the leaves on
    wrt = {}
    for node in order_recursive(output, parents):
        wrt[node] = {node: 1.0}
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            for ancestor, g in wrt[parent].items():
                wrt[node][ancestor] = wrt[node].get(ancestor, 0.0) + slope * g
    return wrt[output]


def backpropagate_sends_again(output, parents, local_gradients):
    # the walk goes on with all that was collected so far, each time a node is reached
    gradients = dict.fromkeys(reference.topological_order(output, parents), 0.0)
    gradients[output] = 1.0

    def walk(node):
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            gradients[parent] += gradients[node] * slope
            walk(parent)

    walk(output)
    return gradients


def backpropagate_visited_is_done(output, parents, local_gradients):
    gradients = {}

    def walk(node, gradient):
        if node not in gradients:
            gradients[node] = gradient
            for parent, slope in zip(parents[node], local_gradients[node], strict=True):
                walk(parent, gradient * slope)

    walk(output, 1.0)
    return gradients


def backpropagate_averages(output, parents, local_gradients):
    shares = {output: [1.0]}
    for node in reference.topological_order(output, parents)[::-1]:
        for parent, slope in zip(parents[node], local_gradients[node], strict=True):
            shares.setdefault(parent, []).append(float(np.mean(shares[node])) * slope)
    return {node: float(np.mean(all_)) for node, all_ in shares.items()}


LINE = "one node after the other"
USED_TWICE = "a node with two uses"
LISTED_TWICE = "a node listed twice"
EARLY = "a short way and a long way back"
ZERO = "a gradient of 0"

backpropagate = Exercise(
    reference.backpropagate,
    (
        Case(
            LINE,
            "Products along chains; a sum and a product of two; the output alone.",
            lambda rng: [
                taped(rng, "J", w=[], z={"w": size(rng)}, a={"z": -size(rng)}, J={"a": 0.5}),
                taped(rng, "J", w=[], x=[], p={"w": size(rng), "x": 1.5}, b=[], J={"p": size(rng), "b": 1.0}),
                taped(rng, "J", J=[]),
            ],
            public=True,
            ask="Start with 1 at the output. What does each parent get from it?",
        ),
        Case(
            USED_TWICE,
            "A diamond: overwriting keeps one of the two ways only.",
            lambda rng: [
                taped(
                    rng,
                    "J",
                    w=[],
                    u={"w": size(rng)},
                    v={"w": -size(rng)},
                    J={"u": size(rng), "v": size(rng)},
                ),
                taped(rng, "J", w=[], u={"w": -size(rng)}, J={"u": size(rng), "w": size(rng)}),
            ],
            public=True,
            after=(LINE,),
            ask="On how many ways does w reach the output? What does each of them add?",
        ),
        Case(
            LISTED_TWICE,
            "w * w lists w twice: dict(zip(...)) keeps one of the two.",
            lambda rng: [
                square(rng),
                taped(
                    rng, "J", w=[], x=[], p=[("w", size(rng)), ("x", 5.0), ("w", 7.0)], J={"p": -size(rng)}
                ),
                parabola(rng),
            ],
            public=True,
            after=(LINE,),
            ask="d(w * w)/dw is 2 w. Which two gradients make it up?",
        ),
        Case(
            EARLY,
            "A node must pass on its gradient only when all its uses have been collected; on two ways of "
            "equal length a walk by levels does so by luck, one that goes deep first does not.",
            lambda rng: [
                taped(rng, "d", a=[], b={"a": size(rng)}, c={"b": size(rng)}, d={"b": size(rng), "c": 7.0}),
                taped(rng, "d", a=[], b={"a": size(rng)}, c={"b": size(rng)}, d={"c": 7.0, "b": size(rng)}),
                taped(
                    rng,
                    "e",
                    a=[],
                    b={"a": size(rng)},
                    c={"b": size(rng)},
                    d={"b": size(rng)},
                    e={"c": 7.0, "d": size(rng)},
                ),
            ],
            public=True,
            after=(LINE,),
            ask="When you pass on the gradient of b, has c already given its share?",
        ),
        Case(
            ZERO,
            "A ReLU that is off: the gradient 0 is a gradient, and so is one that cancels.",
            lambda rng: [
                taped(
                    rng,
                    "J",
                    w=[],
                    x=[],
                    z={"w": 2.0, "x": -1.0},
                    a={"z": 0.0},
                    J={"a": size(rng), "x": size(rng)},
                ),
                cancelled(rng),
            ],
            public=True,
            after=(LINE,),
            ask="Which nodes does the output depend on? Each of them has an entry.",
        ),
        Case(
            "many graphs",
            "Numbered nodes in any order, used and listed twice; whole slopes, so that no sum is rounded.",
            lambda rng: [nothing_cancels(rng, n) for n in (5, 8, 11, 13, 13, 13)],
            after=(LINE,),
        ),
        Case(
            "slopes of any size",
            "Positive slopes, so that nothing cancels; whole numbers as well.",
            lambda rng: [
                slopes(rng, some_graph(rng, n, unrelated=False), choose)
                for n, choose in (
                    (6, lambda rng: float(rng.uniform(0.1, 3))),
                    (12, lambda rng: float(10.0 ** rng.uniform(-3, 2))),
                    (9, lambda rng: int(rng.integers(-3, 4))),
                )
            ],
            after=(LINE,),
        ),
        Case(
            "with other nodes in the graph",
            "The output in the middle of a graph: what was made from it adds nothing to its gradients.",
            lambda rng: [
                taped(rng, "z", w=[], x=[], z={"w": 2.0, "x": 3.0}, a={"z": 5.0, "w": 7.0}, J={"a": 11.0}),
                slopes(rng, some_graph(rng, 9), whole),
                slopes(rng, some_graph(rng, 13, first=-5), whole),
            ],
            verify=gradients_of_what_matters,
            after=(LINE,),
        ),
        Case(
            "a deep graph",
            "A chain of hundreds; slopes near 1.",
            lambda rng: [
                slopes(rng, chain(rng, n), lambda rng: float(rng.uniform(0.95, 1.05))) for n in (500, 60)
            ],
            after=(LINE,),
        ),
    ),
    (
        Misconception(
            "backpropagate-overwrites",
            "a node's gradient is what its last use sent",
            walking(collect=lambda old, new: new),
            USED_TWICE,
            "w reaches the output on two ways, and both count: add to what is there, +=.",
        ),
        Misconception(
            "backpropagate-first-use-only",
            "a node that has a gradient is done",
            walking(collect=lambda old, new: old if old else new),
            USED_TWICE,
            "The second use moves the output as well. Add its share.",
        ),
        Misconception(
            "backpropagate-visited-is-done",
            "a node that the walk has visited is done",
            backpropagate_visited_is_done,
            USED_TWICE,
            "The walk comes to w once more, on another way to the output. What does that way bring?",
        ),
        Misconception(
            "backpropagate-listed-once",
            "each parent is listed once",
            walking(pairs=lambda made_from, slopes: dict(zip(made_from, slopes, strict=True)).items()),
            LISTED_TWICE,
            "A dict keeps one slope for w, but w * w has two. Go through the two lists side by side.",
        ),
        Misconception(
            "backpropagate-looks-up-the-first",
            "parents.index finds the slope of a parent",
            walking(pairs=lambda made_from, slopes: [(p, slopes[made_from.index(p)]) for p in made_from]),
            LISTED_TWICE,
            "index finds the first w only, and the second has a slope of its own. Use zip.",
        ),
        Misconception(
            "backpropagate-by-levels",
            "nodes nearer to the output come first",
            walking(order=levels),
            EARLY,
            "b is near to d, but c must give its share before b passes anything on. Which order is that?",
        ),
        Misconception(
            "backpropagate-when-reached",
            "a node passes on its gradient when the walk reaches it",
            walking(order=order_when_reached),
            EARLY,
            "b is reached before c has given its share to b. Which order waits for every use of a node?",
        ),
        Misconception(
            "backpropagate-sends-again",
            "a node that gets more sends all it has once more",
            backpropagate_sends_again,
            EARLY,
            "What b had before is sent to a twice. Let each node send once, after all its uses have given.",
        ),
        Misconception(
            "backpropagate-order-of-the-dict",
            "the dict, turned round, is the order of walking back",
            walking(
                order=lambda output, parents: [
                    node for node in reversed(list(parents)) if node in ancestors(output, parents)
                ]
            ),
            LINE,
            "A dict may have been filled in any order. Which function of yours says who comes first?",
        ),
        Misconception(
            "backpropagate-forwards",
            "the walk follows the order of computing",
            walking(order=lambda output, parents: reference.topological_order(output, parents)),
            LINE,
            "At the start only the output knows its gradient. From which end must the walk begin?",
        ),
        Misconception(
            "backpropagate-local-only",
            "a node's gradient is its local one",
            walking(send=lambda upstream, slope: slope),
            LINE,
            "The chain rule multiplies what the parent does to the node by what the node does to the output.",
        ),
        Misconception(
            "backpropagate-adds-along",
            "slopes along a way add up",
            walking(send=lambda upstream, slope: upstream + slope),
            LINE,
            "Along a way slopes multiply; only the shares of different ways add up.",
        ),
        Misconception(
            "backpropagate-starts-at-0",
            "every gradient starts at 0",
            walking(start=0.0),
            LINE,
            "Then there is nothing to pass on. How does the output change with itself?",
        ),
        Misconception(
            "backpropagate-multiplies-uses",
            "the shares of several uses multiply",
            walking(collect=lambda old, new: old * new if old else new),
            USED_TWICE,
            "Along a way slopes multiply, but two ways to the output add up.",
        ),
        Misconception(
            "backpropagate-averages",
            "the shares of several uses are averaged",
            backpropagate_averages,
            USED_TWICE,
            "w moves the output through both ways at once. In w + w, how fast does the sum grow with w?",
        ),
        Misconception(
            "backpropagate-leaves-only",
            "gradients are for leaves",
            walking(
                finish=lambda g, output, parents: {node: d for node, d in g.items() if not parents[node]}
            ),
            LINE,
            "Every node that the output depends on has its gradient in the result.",
        ),
        Misconception(
            "backpropagate-output-left-out",
            "the output needs no gradient",
            walking(finish=lambda g, output, parents: {node: d for node, d in g.items() if node != output}),
            LINE,
            "d output / d output is 1, and belongs into the result.",
        ),
        Misconception(
            "backpropagate-zeros-left-out",
            "a gradient of 0 is no gradient",
            walking(finish=lambda g, output, parents: {node: d for node, d in g.items() if d}),
            ZERO,
            "0 says that the node does not move the output here. Keep it: an optimizer will ask for it.",
        ),
    ),
    (backpropagate_paths, backpropagate_pull, backpropagate_all, backpropagate_forwards),
)

EXERCISES = (unbroadcast, multiply_gradients, matmul_gradients, topological_order, backpropagate)
