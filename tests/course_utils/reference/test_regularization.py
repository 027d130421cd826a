from itertools import pairwise

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st

from course_utils.reference.regularization import (
    augment_by_flipping,
    early_stopping,
    l1_cost,
    l2_cost,
    linear_backward_l2,
    weight_decay_update,
)

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
strengths = st.floats(0, 10)


def parameters_from(weights):
    """Biases of 1e6: a cost that counts one of them is far off."""
    parameters = {}
    for layer, W in enumerate(weights, start=1):
        parameters[f"W{layer}"] = W
        parameters[f"b{layer}"] = np.full((W.shape[0], 1), 1e6)
    return parameters


@given(st.lists(sizes, min_size=2, max_size=13), strengths, st.integers(1, 100), seeds)
def test_penalties_are_norms_of_all_weights_and_of_no_bias(layer_dims, lambd, m, seed):
    """L2 is the squared length of all weights in one vector, L1 the length of its city blocks."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(n, n_prev)) for n_prev, n in pairwise(layer_dims)]
    theta = np.concatenate([W.ravel() for W in weights])
    parameters = parameters_from(weights)
    l2 = 0.3 + lambd * np.dot(theta, theta) / m / 2
    l1 = 0.3 + lambd * np.linalg.norm(theta, ord=1) / m / 2
    np.testing.assert_allclose(l2_cost(0.3, parameters, lambd, m), l2, rtol=1e-12)
    np.testing.assert_allclose(l1_cost(0.3, parameters, lambd, m), l1, rtol=1e-12)


@pytest.mark.parametrize(
    ("cost", "slope", "expected"), [(0.0, 1.3, 1.69), (0.1**2 + 0.3**2, 0.8, 0.74), (0.1, 0.8, 0.74)]
)
def test_two_lines_through_two_points(cost, slope, expected):
    """lambda 1 counts as lambd = 2 m here: the flatter line that misses the points a little wins."""
    assert l2_cost(cost, parameters_from([np.array([[slope]])]), lambd=4, m=2) == pytest.approx(expected)


@pytest.mark.parametrize("penalised", [l1_cost, l2_cost])
def test_no_penalty_leaves_the_cost(penalised):
    """lambda 0 is no regularisation; a cost that has become NaN stays visible."""
    parameters = parameters_from([np.ones((2, 3))])
    assert penalised(0.625, parameters, 0, 1) == 0.625
    assert np.isnan(penalised(np.nan, parameters, 0, 1))


@pytest.mark.parametrize("penalised", [l1_cost, l2_cost])
def test_unsigned_integers_do_not_wrap_around(penalised):
    """200 squared in uint8 is 64, and the absolute value of int8's -128 is negative."""
    for W in [np.full((1, 2), 200, np.uint8), np.full((1, 2), -128, np.int8)]:
        integer, double = parameters_from([W]), parameters_from([W.astype(float)])
        assert penalised(0, integer, 2, 1) == penalised(0, double, 2, 1)


@pytest.mark.parametrize("penalised", [l1_cost, l2_cost])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lambd": -1}, r"lambd must lie in \[0, inf\), got -1"),
        ({"lambd": np.inf}, "lambd must lie"),
        ({"m": 0}, "m must be at least 1"),
        ({"m": 2.0}, "m must be an integer"),
        ({"cross_entropy_cost": [1.0]}, "cross_entropy_cost must be a real number"),
        ({"parameters": {}}, "parameters must be a dict"),
        ({"parameters": [1.0]}, "parameters must be a dict"),
        ({"parameters": {"W1": np.ones((1, 1))}}, "parameters must have the keys W1, b1, got"),
        ({"parameters": {"W0": np.ones((1, 1)), "b0": np.ones((1, 1))}}, "must have the keys W1, b1"),
        ({"parameters": {"W1": np.ones((1, 1)), "b1": np.ones(1)}}, "b1 must have 2 axes"),
        ({"parameters": {"W1": np.ones((1, 2)), "b1": np.ones((2, 1))}}, r"b1 must have shape \(1, 1\)"),
        ({"parameters": parameters_from([np.ones((2, 3)), np.ones((1, 3))])}, r"W2 must have shape \(1, 2\)"),
    ],
)
def test_costs_refuse(penalised, change, message):
    """A penalty over half of the layers would be a number like any other."""
    arguments = {
        "cross_entropy_cost": 0.5,
        "parameters": parameters_from([np.ones((2, 3))]),
        "lambd": 1,
        "m": 4,
    }
    with pytest.raises(ValueError, match=message):
        penalised(**(arguments | change))


@given(sizes, sizes, st.integers(1, 6), strengths, seeds)
def test_backward_is_the_gradient_of_the_penalised_cost(n, n_prev, m, lambd, seed):
    """Autograd differentiates mean(sum(C * (W A + b))) + lambd/2m ||W||^2: dZ = C, and dA is per example."""
    rng = np.random.default_rng(seed)
    C, A, W, b = (rng.normal(size=shape) for shape in [(n, m), (n_prev, m), (n, n_prev), (n, 1)])

    def cost(W, b, A):
        return anp.sum(C * (anp.dot(W, A) + b)) / m + lambd / (2 * m) * anp.sum(W**2)

    dA_prev, dW, db = linear_backward_l2(C, A, W, lambd)
    np.testing.assert_allclose(dW, grad(cost, 0)(W, b, A), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(db, grad(cost, 1)(W, b, A), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dA_prev / m, grad(cost, 2)(W, b, A), rtol=1e-9, atol=1e-12)
    assert db.shape == (n, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dZ": np.ones(4)}, "dZ must have 2 axes"),
        ({"A_prev": np.ones((3, 5))}, r"A_prev must have shape \(3, 4\), got \(3, 5\)"),
        ({"W": np.ones((3, 2))}, r"W must have shape \(2, 3\), got \(3, 2\)"),
        ({"lambd": -0.5}, "lambd must lie"),
    ],
)
def test_backward_refuses(change, message):
    """A transposed W is the usual slip, and the message says which shape was meant."""
    arguments = {"dZ": np.ones((2, 4)), "A_prev": np.ones((3, 4)), "W": np.ones((2, 3)), "lambd": 1}
    with pytest.raises(ValueError, match=message):
        linear_backward_l2(**(arguments | change))


@given(sizes, sizes, st.integers(1, 6), st.floats(0, 1), strengths, seeds)
def test_weight_decay_is_the_descent_step_on_the_penalised_cost(n, n_prev, m, learning_rate, lambd, seed):
    """Shrinking first and stepping with the plain gradient equals stepping with the penalised one."""
    rng = np.random.default_rng(seed)
    dZ, A, W = (rng.normal(size=shape) for shape in [(n, m), (n_prev, m), (n, n_prev)])
    _, plain, _ = linear_backward_l2(dZ, A, W, 0)
    _, penalised, _ = linear_backward_l2(dZ, A, W, lambd)
    step = weight_decay_update(W, plain, learning_rate, lambd, m)
    np.testing.assert_allclose(step, W - learning_rate * penalised, rtol=1e-9, atol=1e-12)


def test_weight_decay_factor():
    """1 - 0.1 * 0.7 / 5 = 0.986, with no gradient to hide behind; whole weights are not cut to integers."""
    np.testing.assert_allclose(weight_decay_update([[100, -50]], [[0, 0]], 0.1, 0.7, 5), [[98.6, -49.3]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dW": np.ones((3, 2))}, r"W and dW must have one shape, got \(2, 3\) and \(3, 2\)"),
        ({"W": np.ones(3), "dW": np.ones(3)}, "W must have 2 axes"),
        ({"learning_rate": -0.1}, "learning_rate must lie"),
        ({"lambd": -1}, "lambd must lie"),
        ({"m": 0}, "m must be at least 1"),
    ],
)
def test_weight_decay_refuses(change, message):
    """Broadcasting a gradient of another shape would move every weight wrongly."""
    arguments = {"W": np.ones((2, 3)), "dW": np.ones((2, 3)), "learning_rate": 0.1, "lambd": 1, "m": 4}
    with pytest.raises(ValueError, match=message):
        weight_decay_update(**(arguments | change))


@pytest.mark.parametrize(
    ("costs", "patience", "expected"),
    [
        ([5, 4, 3, 4, 5, 1], 2, (2, 4)),
        ([5, 4, 3, 4, 5, 1], 3, (5, 5)),
        ([5, 4, 3, 4, 5], 3, (2, 4)),
        ([3, 3, 3], 2, (0, 2)),
        ([3, 4, 3, 2], 2, (0, 2)),
        ([1], 1, (0, 0)),
        ([1, 2], 1, (0, 1)),
        ([2, 1, 1, 0], 1, (1, 2)),
        ([np.nan, 5, 4, np.nan, 3], 2, (4, 4)),
        ([5, np.nan, np.nan, 1], 2, (0, 2)),
        ([np.nan, np.nan, np.nan], 2, (0, 2)),
        ([np.nan, np.inf, np.inf], 5, (1, 2)),
        (np.array([5, 4, 6, 7], dtype=np.float32), np.int64(2), (1, 3)),
    ],
)
def test_early_stopping_by_hand(costs, patience, expected):
    """Counted by hand: an equal cost is no improvement, a later low is never seen, NaN is worst."""
    assert early_stopping(costs, patience) == expected


@given(
    st.lists(st.one_of(st.integers(0, 5), st.just(np.nan), st.just(np.inf)), min_size=1, max_size=15),
    st.integers(1, 6),
)
def test_early_stopping_satisfies_its_definition(costs, patience):
    """Best is the first lowest of what was seen; it stopped at the end or after `patience` idle epochs."""
    ranks = [(np.isnan(cost), 0 if np.isnan(cost) else cost) for cost in costs]
    best_epoch, stop_epoch = early_stopping(costs, patience)
    assert best_epoch == ranks.index(min(ranks[: stop_epoch + 1]))
    improved = [epoch for epoch in range(len(ranks)) if epoch == 0 or ranks[epoch] < min(ranks[:epoch])]
    idle = [
        sum(1 for _ in range(max(e for e in improved if e <= epoch), epoch)) for epoch in range(len(ranks))
    ]
    assert all(count < patience for count in idle[:stop_epoch])
    assert idle[stop_epoch] == patience or stop_epoch == len(costs) - 1


@pytest.mark.parametrize(
    ("costs", "patience", "message"),
    [
        ([], 1, "dev_costs must not be empty"),
        ([[1.0, 2.0]], 1, "dev_costs must have 1 axis"),
        (["a"], 1, "dev_costs must hold real numbers"),
        ([1.0], 0, "patience must be at least 1, got 0"),
        ([1.0], 1.5, "patience must be an integer"),
    ],
)
def test_early_stopping_refuses(costs, patience, message):
    """No epoch can be the best of none."""
    with pytest.raises(ValueError, match=message):
        early_stopping(costs, patience)


@given(sizes, sizes, sizes, sizes, seeds)
def test_flipping_agrees_with_numpy_image_by_image(height, width, m, n_y, seed):
    """np.fliplr on each picture; the label goes with its picture."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(height * width, m)), rng.normal(size=(n_y, m))
    X2, Y2 = augment_by_flipping(X, Y, height, width)
    assert X2.shape == (height * width, 2 * m) and Y2.shape == (n_y, 2 * m)
    for i in range(m):
        np.testing.assert_array_equal(X2[:, i].reshape(height, width), X[:, i].reshape(height, width))
        np.testing.assert_array_equal(
            X2[:, m + i].reshape(height, width), np.fliplr(X[:, i].reshape(height, width))
        )
        np.testing.assert_array_equal(Y2[:, [i, m + i]], Y[:, [i, i]])


def test_flipping_one_image_by_hand():
    """Rows keep their order, columns turn round: 1 2 3 / 4 5 6 becomes 3 2 1 / 6 5 4."""
    X2, Y2 = augment_by_flipping(np.arange(1, 7).reshape(6, 1), [[1]], 2, 3)
    np.testing.assert_array_equal(X2.T, [[1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4]])
    np.testing.assert_array_equal(Y2, [[1, 1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 3}, r"X must have shape \(9, 4\), got \(6, 4\)"),
        ({"width": 0}, "width must be at least 1"),
        ({"height": 2.0}, "height must be an integer"),
        ({"Y": np.ones((1, 5))}, r"Y must have shape \(1, 4\), got \(1, 5\)"),
        ({"Y": np.ones(4)}, "Y must have 2 axes"),
    ],
)
def test_flipping_refuses(change, message):
    """Pixels that do not make a picture cannot be mirrored."""
    arguments = {"X": np.ones((6, 4)), "Y": np.ones((1, 4)), "height": 2, "width": 3}
    with pytest.raises(ValueError, match=message):
        augment_by_flipping(**(arguments | change))
