"""Batch normalization, reached by autograd, finite differences, scikit-learn and its invariances."""

import numpy as np
import pytest
from autograd import elementwise_grad
from autograd import numpy as anp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from course_utils.reference.batch_normalization import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_predict,
    fold_batchnorm,
    identity_parameters,
    update_running,
)

seeds = st.integers(0, 2**32 - 1)
units = st.integers(1, 6)
examples = st.integers(1, 12)
epsilons = st.floats(1e-8, 1.0)


def column(rng, n, low=-2.0):
    return rng.uniform(low, 2, size=(n, 1))


def trained(rng, n):
    """gamma, beta, running_mean, running_var of a layer of n units."""
    return dict(
        gamma=column(rng, n),
        beta=column(rng, n),
        running_mean=column(rng, n),
        running_var=column(rng, n, low=0.0),
    )


@given(n=units, m=st.integers(2, 12), seed=seeds)
def test_normalized_units_are_scikit_learns(n, m, seed):
    """With gamma 1, beta 0 and a tiny epsilon the forward pass standardizes each unit."""
    Z = np.random.default_rng(seed).normal(3, 2, size=(n, m))
    expected = StandardScaler().fit_transform(Z.T).T
    forward = batchnorm_forward(Z, np.ones((n, 1)), np.zeros((n, 1)), 1e-14)
    assert_allclose(forward, expected, rtol=1e-5, atol=1e-5)


@given(n=units, m=examples, epsilon=epsilons, seed=seeds)
def test_mean_is_beta_and_variance_is_s2_over_s2_plus_epsilon(n, m, epsilon, seed):
    """The output's variance is gamma^2 s^2 / (s^2 + epsilon), half of gamma^2 where s^2 = epsilon."""
    rng = np.random.default_rng(seed)
    Z, gamma, beta = rng.normal(size=(n, m)), column(rng, n), column(rng, n)
    Z_tilde = batchnorm_forward(Z, gamma, beta, epsilon)
    s2 = np.var(Z, axis=1)
    assert_allclose(Z_tilde.mean(axis=1), beta[:, 0], atol=1e-10)
    assert_allclose(Z_tilde.var(axis=1), gamma[:, 0] ** 2 * s2 / (s2 + epsilon), rtol=1e-8, atol=1e-12)


def test_variance_equal_to_epsilon_is_halved():
    """[-1, 1] has population variance 1: with epsilon 1 it leaves as -1/sqrt(2), 1/sqrt(2)."""
    Z_tilde = batchnorm_forward([[-1, 1]], [[1]], [[0]], 1)
    assert_allclose(Z_tilde, [[-(0.5**0.5), 0.5**0.5]], rtol=1e-15)


@given(n=units, m=examples, seed=seeds, shift=st.floats(-50, 50))
def test_bias_before_the_normalization_is_redundant(n, m, seed, shift):
    """b moves the mean, which is taken away: the output stays, and dJ/db, the row sum of dZ, is 0."""
    rng = np.random.default_rng(seed)
    Z, gamma, beta = rng.normal(size=(n, m)), column(rng, n), column(rng, n)
    forward = batchnorm_forward(Z, gamma, beta, 1e-3)
    assert_allclose(batchnorm_forward(Z + shift, gamma, beta, 1e-3), forward, atol=1e-9)
    dZ, _, _ = batchnorm_backward(rng.normal(size=(n, m)), Z, gamma, 1e-3)
    assert_allclose(dZ.sum(axis=1), 0, atol=1e-9)


@given(n=units, m=examples, epsilon=epsilons, seed=seeds)
def test_backward_is_autograds(n, m, epsilon, seed):
    """Autograd differentiates the steps of the forward pass one by one; the closed form must agree."""
    rng = np.random.default_rng(seed)
    Z, gamma, beta = rng.normal(size=(n, m)), column(rng, n), column(rng, n)
    dZ_tilde = rng.normal(size=(n, m))

    def cost(Z, gamma, beta):
        deviation = Z - anp.mean(Z, axis=1, keepdims=True)
        var = anp.mean(deviation**2, axis=1, keepdims=True)
        return anp.sum(dZ_tilde * (gamma * deviation / anp.sqrt(var + epsilon) + beta))

    gradients = batchnorm_backward(dZ_tilde, Z, gamma, epsilon)
    for which, gradient in enumerate(gradients):
        expected = elementwise_grad(cost, which)(Z, gamma, beta)
        assert gradient.shape == expected.shape
        assert_allclose(gradient, expected, rtol=1e-7, atol=1e-7 / epsilon**0.5)


def test_backward_is_the_slope_of_the_forward_pass():
    """Two-sided differences through batchnorm_forward itself, entry by entry."""
    rng = np.random.default_rng(3)
    Z, gamma, beta, dZ_tilde = (
        rng.normal(size=(2, 5)),
        column(rng, 2),
        column(rng, 2),
        rng.normal(size=(2, 5)),
    )
    arguments = [Z, gamma, beta]
    for which, gradient in enumerate(batchnorm_backward(dZ_tilde, Z, gamma, 0.01)):
        for index in np.ndindex(gradient.shape):
            costs = []
            for step in (1e-5, -1e-5):
                moved = [array.copy() for array in arguments]
                moved[which][index] += step
                costs.append(np.sum(dZ_tilde * batchnorm_forward(*moved, 0.01)))
            assert_allclose(gradient[index], (costs[0] - costs[1]) / 2e-5, rtol=1e-7, atol=1e-8)


def test_single_example_forgets_its_input():
    """With m = 1 every unit equals its own mean: the output is beta and no gradient reaches Z."""
    Z, gamma, beta = np.array([[3.0], [-1.0]]), np.array([[2.0], [5.0]]), np.array([[0.5], [-0.5]])
    assert_array_equal(batchnorm_forward(Z, gamma, beta, 1e-8), beta)
    dZ, dgamma, dbeta = batchnorm_backward(np.array([[4.0], [7.0]]), Z, gamma, 1e-8)
    assert_array_equal(dZ, np.zeros((2, 1)))
    assert_array_equal(dgamma, np.zeros((2, 1)))
    assert_array_equal(dbeta, [[4.0], [7.0]])


@given(n=units, m=examples, epsilon=epsilons, seed=seeds)
def test_identity_parameters_undo_the_normalization(n, m, epsilon, seed):
    """Batch normalization can represent doing nothing, also for constant units."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(scale=rng.choice([0.0, 1e-3, 10.0], size=(n, 1)), size=(n, m))
    gamma, beta = identity_parameters(Z, epsilon)
    assert gamma.shape == beta.shape == (n, 1)
    assert_allclose(batchnorm_forward(Z, gamma, beta, epsilon), Z, rtol=1e-9, atol=1e-9)


@given(n=units, m=examples, momentum=st.floats(0, 0.9), seed=seeds)
def test_running_statistics_come_to_rest_at_those_of_the_data(n, m, momentum, seed):
    """Fed with one batch over and over, they forget their start like momentum**k."""
    rng = np.random.default_rng(seed)
    Z, state = rng.normal(size=(n, m)), trained(rng, n)
    mean, var = start = state["running_mean"], state["running_var"]
    for _ in range(3):
        mean, var = update_running(mean, var, Z, momentum)
    rest = (
        Z.mean(axis=1, keepdims=True),
        ((Z - Z.mean(axis=1, keepdims=True)) ** 2).mean(axis=1, keepdims=True),
    )
    assert_allclose(mean - rest[0], momentum**3 * (start[0] - rest[0]), atol=1e-12)
    assert_allclose(var - rest[1], momentum**3 * (start[1] - rest[1]), atol=1e-12)


def test_running_statistics_at_the_ends_of_momentum():
    """Momentum 1 keeps the old statistics, 0 takes the batch's: [1, 3] has mean 2 and variance 1."""
    old = np.array([[7.0]]), np.array([[5.0]])
    Z = np.array([[1, 3]], np.uint8)
    assert_array_equal(np.hstack(update_running(*old, Z, 1)), [[7.0, 5.0]])
    assert_array_equal(np.hstack(update_running(*old, Z, 0)), [[2.0, 1.0]])


@given(n=units, m=examples, seed=seeds)
def test_prediction_treats_each_example_on_its_own(n, m, seed):
    """A prediction must not depend on who else is in the batch."""
    rng = np.random.default_rng(seed)
    Z, layer = rng.normal(size=(n, m)), trained(rng, n)
    together = batchnorm_predict(Z, **layer, epsilon=1e-2)
    alone = [batchnorm_predict(Z[:, [i]], **layer, epsilon=1e-2) for i in range(m)]
    assert_allclose(together, np.hstack(alone), rtol=1e-12)


@given(n=units, m=examples, epsilon=epsilons, seed=seeds)
def test_prediction_with_the_batchs_own_statistics_is_the_forward_pass(n, m, epsilon, seed):
    """Training and prediction differ in their statistics and in nothing else."""
    rng = np.random.default_rng(seed)
    Z, gamma, beta = rng.normal(size=(n, m)), column(rng, n), column(rng, n)
    zeros = np.zeros((n, 1))
    running_mean, running_var = update_running(zeros, zeros, Z, 0)
    predicted = batchnorm_predict(Z, gamma, beta, running_mean, running_var, epsilon)
    assert_allclose(predicted, batchnorm_forward(Z, gamma, beta, epsilon), rtol=1e-9, atol=1e-9)


@given(n=units, n_prev=units, m=examples, seed=seeds)
def test_folded_layer_predicts_the_same(n, n_prev, m, seed):
    """A trained normalization is linear, so it melts into the layer before it."""
    rng = np.random.default_rng(seed)
    W, A, layer = rng.normal(size=(n, n_prev)), rng.normal(size=(n_prev, m)), trained(rng, n)
    W_folded, b_folded = fold_batchnorm(W, **layer, epsilon=1e-3)
    assert W_folded.shape == W.shape
    assert b_folded.shape == (n, 1)
    assert_allclose(W_folded @ A + b_folded, batchnorm_predict(W @ A, **layer, epsilon=1e-3), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_other_number_types_are_calculated_as_floats(dtype):
    """An unsigned deviation from the mean must not wrap around."""
    Z, one, two = np.array([[0, 1, 5], [3, 3, 9]]), np.array([[1], [1]]), np.array([[2], [2]])
    calls = [
        (batchnorm_forward, (Z, two, one)),
        (batchnorm_backward, (Z, Z, two)),
        (batchnorm_predict, (Z, two, one, two, one)),
        (fold_batchnorm, (Z, two, one, two, one)),
        (identity_parameters, (Z,)),
    ]
    for function, arrays in calls:
        as_floats = function(*(array.astype(float) for array in arrays), 0.25)
        as_given = function(*(array.astype(dtype) for array in arrays), np.float32(0.25))
        assert_array_equal(np.hstack(as_given), np.hstack(as_floats))


Z23, ONE2 = np.ones((2, 3)), np.ones((2, 1))
BAD_CALLS = {
    "gamma in a row": (batchnorm_forward, (Z23, np.ones((1, 2)), ONE2, 1e-8)),
    "flat beta": (batchnorm_forward, (Z23, ONE2, np.ones(2), 1e-8)),
    "flat Z": (batchnorm_forward, (np.ones(3), ONE2, ONE2, 1e-8)),
    "no epsilon": (batchnorm_forward, (Z23, ONE2, ONE2, 0)),
    "gradient of another shape": (batchnorm_backward, (np.ones((2, 1)), Z23, ONE2, 1e-8)),
    "gradient without epsilon": (batchnorm_backward, (Z23, Z23, ONE2, 0.0)),
    "momentum above 1": (update_running, (ONE2, ONE2, Z23, 1.1)),
    "running mean of other units": (update_running, (np.ones((3, 1)), ONE2, Z23, 0.9)),
    "negative running variance": (update_running, (ONE2, -ONE2, Z23, 0.9)),
    "negative variance in prediction": (batchnorm_predict, (Z23, ONE2, ONE2, ONE2, -ONE2, 1e-8)),
    "empty batch": (identity_parameters, (np.ones((2, 0)), 1e-8)),
    "identity without epsilon": (identity_parameters, (Z23, 0)),
    "fold with other units": (fold_batchnorm, (np.ones((3, 2)), ONE2, ONE2, ONE2, ONE2, 1e-8)),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_are_named(call):
    """A wrong argument stops with what came, never with a broadcast result."""
    function, arguments = BAD_CALLS[call]
    with pytest.raises(ValueError, match="must"):
        function(*arguments)
