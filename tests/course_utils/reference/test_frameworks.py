"""Automatic differentiation, reached by autograd, finite differences and sums over all paths."""

import math

import numpy as np
import pytest
from autograd import elementwise_grad, grad
from autograd import numpy as anp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from numpy.testing import assert_allclose, assert_array_equal

from course_utils.reference.frameworks import (
    backpropagate,
    matmul_gradients,
    multiply_gradients,
    topological_order,
    unbroadcast,
)

seeds = st.integers(0, 2**32 - 1)
two_shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4)


# Broadcasting


@given(shapes=two_shapes, seed=seeds)
def test_unbroadcast_is_the_transpose_of_broadcasting(shapes, seed):
    """Broadcasting is linear, so <gradient, broadcast(x)> = <unbroadcast(gradient), x> for every x."""
    rng = np.random.default_rng(seed)
    shape = shapes.input_shapes[0]
    x, gradient = rng.normal(size=shape), np.asarray(rng.normal(size=shapes.result_shape))
    back = unbroadcast(gradient, shape)
    assert back.shape == shape
    assert back.dtype == np.float64
    assert_allclose(np.sum(back * x), np.sum(gradient * x), rtol=1e-9, atol=1e-9)


def test_unbroadcast_by_hand():
    """A bias in a column collects its row, a scalar everything, and an array of full shape a copy."""
    gradient = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert_array_equal(unbroadcast(gradient, (2, 1)), [[6], [15]])
    assert_array_equal(unbroadcast(gradient, (3,)), [5, 7, 9])
    assert unbroadcast(gradient * 40, ()) == 40 + 80 + 120 + 160 + 200 + 240
    same = unbroadcast(np.ones((2, 3)), [2, 3])
    assert_array_equal(same, np.ones((2, 3)))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_unbroadcast_without_broadcasting_is_still_a_copy(shape):
    """Adding the next use to a gradient must not reach the array that was handed in."""
    gradient = np.ones(shape)
    assert not np.shares_memory(unbroadcast(gradient, shape), gradient)


@given(shapes=two_shapes, seed=seeds)
def test_product_gradients_are_autograds(shapes, seed):
    """For every pair of shapes that NumPy can multiply, scalars and added axes included."""
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(rng.normal(size=shape)) for shape in shapes.input_shapes)
    upstream = np.asarray(rng.normal(size=shapes.result_shape))
    for which, gradient in enumerate(multiply_gradients(upstream, a, b)):
        expected = elementwise_grad(lambda a, b: anp.sum(upstream * (a * b)), which)(a, b)
        assert gradient.shape == (a, b)[which].shape
        assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


@given(n=st.integers(1, 4), k=st.integers(1, 4), p=st.integers(1, 4), seed=seeds)
def test_matrix_product_gradients_are_slopes(n, k, p, seed):
    """The product is linear in each factor: moving one entry by 1 moves the cost by exactly its slope."""
    rng = np.random.default_rng(seed)
    A, B, upstream = rng.normal(size=(n, k)), rng.normal(size=(k, p)), rng.normal(size=(n, p))
    dA, dB = matmul_gradients(upstream, A, B)
    cost = np.sum(upstream * (A @ B))
    for gradient, factor in ((dA, A), (dB, B)):
        assert gradient.shape == factor.shape
        for index in np.ndindex(factor.shape):
            factor[index] += 1
            assert_allclose(gradient[index], np.sum(upstream * (A @ B)) - cost, atol=1e-9)
            factor[index] -= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_gradients_of_other_number_types(dtype):
    """200 * 2 is 400 also where both came as uint8."""
    upstream, A, B = (np.array(v, dtype) for v in ([[200, 100]], [[2, 3]], [[4, 5], [6, 7]]))
    assert_array_equal(np.hstack(multiply_gradients(upstream, A, A)), [[400, 300, 400, 300]])
    dA, dB = matmul_gradients(upstream, A, B)
    assert_array_equal(dA, [[1300, 1900]])
    assert_array_equal(dB, [[400, 200], [600, 300]])


# Graphs


@st.composite
def graphs(draw):
    """A graph of nodes 0 ... n-1, each made from earlier ones, twice from one here and there."""
    n = draw(st.integers(1, 9))
    parents = {i: draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [] for i in range(n)}
    names = draw(st.permutations([f"node {i}" for i in range(n)]))
    named = {names[i]: [names[p] for p in parents[i]] for i in draw(st.permutations(range(n)))}
    local = {
        node: draw(st.lists(st.integers(-3, 3), min_size=len(made_from), max_size=len(made_from)))
        for node, made_from in named.items()
    }
    return names[draw(st.integers(0, n - 1))], named, local


def sum_over_paths(start, node, parents, local_gradients):
    """d start / d node as the sum, over all paths from start down to node, of the product of their edges."""
    if start == node:
        return 1
    edges = zip(parents[start], local_gradients[start], strict=True)
    return sum(slope * sum_over_paths(parent, node, parents, local_gradients) for parent, slope in edges)


def below(output, parents):
    return {output}.union(*(below(parent, parents) for parent in parents[output]))


@given(graph=graphs())
def test_every_node_comes_after_its_parents(graph):
    """Exactly the nodes that the output depends on, each once, none before what it was made from."""
    output, parents, _ = graph
    order = topological_order(output, parents)
    assert order[-1] == output
    assert len(order) == len(set(order))
    assert set(order) == below(output, parents)
    assert all(order.index(parent) < order.index(node) for node in order for parent in parents[node])


@given(graph=graphs())
def test_gradient_is_the_sum_over_all_paths(graph):
    """The chain rule told without any order: every path from the output to a node adds its product."""
    output, parents, local_gradients = graph
    expected = {
        node: sum_over_paths(output, node, parents, local_gradients) for node in below(output, parents)
    }
    assert backpropagate(output, parents, local_gradients) == expected


def test_parabola_with_its_coefficients_as_data():
    """x0 w^2 + x1 w + x2 with x = [1, -10, 25]: the slope at w is 2w - 10, which is 0 at 5."""
    parents = {"w": [], "x0": [], "x1": [], "x2": [], "w^2": ["w", "w"], "a": ["x0", "w^2"], "b": ["x1", "w"]}
    parents |= {"a + b": ["a", "b"], "cost": ["a + b", "x2"]}
    for w in (0.0, 3.0, 5.0):
        local = {"w^2": [w, w], "a": [w**2, 1.0], "b": [w, -10.0], "a + b": [1, 1], "cost": [1, 1]}
        gradients = backpropagate("cost", parents, local | {leaf: [] for leaf in ("w", "x0", "x1", "x2")})
        assert gradients["w"] == 2 * w - 10
        assert [gradients[x] for x in ("x0", "x1", "x2")] == [w**2, w, 1]


@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_gradients_of_a_reused_node_are_autograds(x, y):
    """p = x * y is used in sin(p) and again in the product p * sin(p)."""
    p = x * y
    parents = {"out": ["p", "s"], "s": ["p"], "p": ["x", "y"], "y": [], "x": []}
    local = {"x": [], "y": [], "p": [y, x], "s": [math.cos(p)], "out": [math.sin(p), p]}
    gradients = backpropagate("out", parents, local)
    expected = grad(lambda v: v[0] * v[1] * anp.sin(v[0] * v[1]))(np.array([x, y]))
    assert_allclose([gradients["x"], gradients["y"]], expected, rtol=1e-9, atol=1e-12)


def test_node_listed_twice_among_one_nodes_parents():
    """w * w collects both uses: 2w and not w."""
    assert backpropagate("sq", {"w": [], "sq": ["w", "w"]}, {"w": [], "sq": [3.0, 3.0]}) == {
        "w": 6.0,
        "sq": 1.0,
    }


def test_zero_gradients_are_told_and_strangers_left_out():
    """A node whose uses cancel has gradient 0, which is not the same as having no part in the output."""
    parents = {"w": [], "d": ["w", "w"], "stranger": ["w"]}
    local = {"w": [], "d": [1, -1], "stranger": [7]}
    assert backpropagate("d", parents, local) == {"w": 0.0, "d": 1.0}
    assert topological_order("d", parents) == ["w", "d"]


def test_output_that_is_a_leaf():
    """d w / d w is 1."""
    assert topological_order("w", {"w": []}) == ["w"]
    assert backpropagate("w", {"w": []}, {"w": []}) == {"w": 1.0}


def test_deep_graph_of_twofold_uses():
    """5000 doublings: 2^1000 is reached in a walk over nodes, not over its 2^1000 paths, nor by recursion."""
    parents = {0: []} | {i: [i - 1, i - 1] for i in range(1, 5001)}
    local = {0: []} | {i: [1.0, 1.0] if i <= 1000 else [0.5, 0.5] for i in range(1, 5001)}
    assert topological_order(5000, parents) == list(range(5001))
    assert backpropagate(5000, parents, local)[0] == 2.0**1000


def test_gradients_of_small_integer_types_do_not_wrap_around():
    """200 + 200 is 400 also in uint8."""
    local = {"w": [], "sum": np.array([200, 200], np.uint8)}
    assert backpropagate("sum", {"w": [], "sum": ["w", "w"]}, local)["w"] == 400


CHAIN = {"w": [], "out": ["w"]}
BAD_CALLS = {
    "shape that does not broadcast": (unbroadcast, (np.ones((2, 3)), (2,))),
    "more axes than the gradient": (unbroadcast, (np.ones(3), (1, 3))),
    "factors that do not broadcast": (multiply_gradients, (np.ones((2, 3)), np.ones(2), np.ones(3))),
    "upstream of one factor's shape": (multiply_gradients, (np.ones(3), np.ones((2, 1)), np.ones(3))),
    "matrices that do not fit": (matmul_gradients, (np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 2)))),
    "upstream transposed": (matmul_gradients, (np.ones((4, 2)), np.ones((2, 3)), np.ones((3, 4)))),
    "flat matrix": (matmul_gradients, (np.ones((2, 2)), np.ones(2), np.ones((2, 2)))),
    "cycle": (topological_order, ("a", {"a": ["b"], "b": ["a"]})),
    "node made from itself": (topological_order, ("a", {"a": ["a"]})),
    "unknown output": (topological_order, ("z", CHAIN)),
    "unknown parent": (topological_order, ("a", {"a": ["b"]})),
    "list for a dict": (topological_order, ("w", [("w", [])])),
    "cycle to walk back": (backpropagate, ("a", {"a": ["a"]}, {"a": [1.0]})),
    "missing local gradients": (backpropagate, ("out", CHAIN, {"w": []})),
    "one local gradient too many": (backpropagate, ("out", CHAIN, {"w": [], "out": [1.0, 2.0]})),
    "local gradient that is no number": (backpropagate, ("out", CHAIN, {"w": [], "out": [None]})),
    "local gradients in a list": (backpropagate, ("out", CHAIN, [[], [1.0]])),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_are_named(call):
    """A wrong argument stops with what came, never with a wrong gradient."""
    function, arguments = BAD_CALLS[call]
    with pytest.raises(ValueError, match="must"):
        function(*arguments)
