"""Mini-batches, updates, schedules and critical points, reached by other roads than their formulas."""

import math
from itertools import pairwise

import numpy as np
import pytest
from autograd import grad
from autograd import numpy as anp
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import lfilter

from course_utils.reference.optimizers import (
    adam_update,
    critical_point,
    exponential_decay,
    exponentially_weighted_average,
    gradient_descent_update,
    inverse_time_decay,
    momentum_update,
    random_mini_batches,
    rmsprop_update,
    sqrt_decay,
    staircase_decay,
)

seeds = st.integers(0, 2**32 - 1)
betas = st.floats(0, 0.999)
rates = st.floats(0, 10)
depths = st.lists(st.integers(1, 4), min_size=2, max_size=14)


def network(sizes, rng, prefix=""):
    """Arrays W1, b1, ... of a network with these layer sizes, put into the dict in a random order."""
    arrays = {}
    for layer, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        arrays[f"{prefix}W{layer}"] = rng.normal(size=(n, n_prev))
        arrays[f"{prefix}b{layer}"] = rng.normal(size=(n, 1))
    names = list(arrays)
    rng.shuffle(names)
    return {name: arrays[name] for name in names}


def zeros_like(grads):
    return {name: np.zeros(np.shape(value)) for name, value in grads.items()}


def updates():
    """Each update rule as a function of parameters and grads alone, from a state of zeros."""
    return {
        "gradient descent": lambda p, g: gradient_descent_update(p, g, 0.1),
        "momentum": lambda p, g: momentum_update(p, g, zeros_like(g), 0.1, 0.9)[0],
        "rmsprop": lambda p, g: rmsprop_update(p, g, zeros_like(g), 0.1, 0.9, 1e-8)[0],
        "adam": lambda p, g: adam_update(p, g, zeros_like(g), zeros_like(g), 1, 0.1, 0.9, 0.99, 1e-8)[0],
    }


# Mini-batches


@given(m=st.integers(1, 40), batch_size=st.integers(1, 50), seed=seeds)
def test_every_example_is_dealt_once_with_its_own_label(m, batch_size, seed):
    """A mini-batch pass is an epoch: no example is lost, doubled, or parted from its label."""
    X = np.vstack([np.arange(m), np.arange(m) ** 2]).astype(float)
    Y = 3.0 * np.arange(m).reshape(1, -1)
    batches = random_mini_batches(X, Y, batch_size, np.random.default_rng(seed))
    sizes = [X_batch.shape[1] for X_batch, _ in batches]
    assert sizes == [batch_size] * (m // batch_size) + [m % batch_size] * (m % batch_size > 0)
    dealt_X = np.hstack([X_batch for X_batch, _ in batches])
    dealt_Y = np.hstack([Y_batch for _, Y_batch in batches])
    assert_array_equal(np.sort(dealt_X[0]), X[0])
    assert_array_equal(dealt_X[1], dealt_X[0] ** 2)
    assert_array_equal(dealt_Y[0], 3 * dealt_X[0])


def test_every_example_comes_first_equally_often():
    """The shuffle is uniform: over 4000 epochs each of 4 examples leads about 1000 times (sd 27)."""
    rng = np.random.default_rng(0)
    X = np.arange(4.0).reshape(1, -1)
    firsts = [int(random_mini_batches(X, X, 2, rng)[0][0][0, 0]) for _ in range(4000)]
    assert_allclose(np.bincount(firsts, minlength=4), 1000, atol=150)


def test_second_epoch_is_shuffled_anew_and_equal_generators_agree():
    """The order is drawn from rng and from nothing else."""
    X = np.arange(50.0).reshape(1, -1)
    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    first, again = random_mini_batches(X, X, 50, rng), random_mini_batches(X, X, 50, rng)
    assert_array_equal(first[0][0], random_mini_batches(X, X, 50, twin)[0][0])
    assert (first[0][0] != again[0][0]).any()


def test_mini_batches_share_no_memory():
    """Normalising one batch in place must not reach another batch or the data."""
    X = np.arange(6.0).reshape(1, -1)
    batches = random_mini_batches(X, X, 2, np.random.default_rng(0))
    arrays = [X, *(array for batch in batches for array in batch)]
    bases = {id(array if array.base is None else array.base) for array in arrays}
    assert len(bases) == len(arrays)


# Averages


def test_average_of_daily_temperatures_by_hand():
    """With beta 0.98, v1 = 0.02 theta1, and the corrected v2 is 0.495 theta1 + 0.505 theta2."""
    theta = np.array([40.0, 49.0])
    assert_allclose(exponentially_weighted_average(theta, 0.98, False), [0.8, 0.98 * 0.8 + 0.02 * 49])
    corrected = exponentially_weighted_average(theta, 0.98, True)
    assert_allclose(corrected, [40, (0.98 * 40 + 49) / 1.98], rtol=1e-12)
    assert_allclose(corrected[1], 0.495 * 40 + 0.505 * 49, atol=0.01)


@given(theta=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), beta=st.floats(0, 1))
def test_average_is_the_recursive_filter(theta, beta):
    """scipy's filter with one pole at beta is the same recursion."""
    expected = lfilter([1 - beta], [1, -beta], theta)
    assert_allclose(exponentially_weighted_average(theta, beta, False), expected, rtol=1e-9, atol=1e-9)


@given(theta=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), beta=st.floats(0, 0.999))
def test_corrected_average_is_a_weighted_mean(theta, beta):
    """After correction the weights beta**age sum to 1, also on the first days."""
    expected = [np.average(theta[:t], weights=beta ** np.arange(t)[::-1]) for t in range(1, len(theta) + 1)]
    assert_allclose(exponentially_weighted_average(theta, beta, True), expected, rtol=1e-9, atol=1e-9)


def test_average_of_integers_and_float32():
    """A series of whole degrees is not cut to whole averages."""
    expected = exponentially_weighted_average(np.array([1.0, 2.0, 4.0]), 0.5, True)
    for dtype in (np.uint8, np.int64, np.float32):
        assert_array_equal(
            exponentially_weighted_average(np.array([1, 2, 4], dtype), np.float32(0.5), True), expected
        )


# Updates


@pytest.mark.parametrize("rule", updates())
@given(sizes=depths, seed=seeds)
def test_updates_work_on_each_array_alone_whatever_the_depth_and_the_order(rule, sizes, seed):
    """Layer 10 comes after 9, and each entry's step depends on its own gradient alone."""
    rng = np.random.default_rng(seed)
    parameters, grads = network(sizes, rng), network(sizes, rng, prefix="d")
    updated = updates()[rule](parameters, grads)
    assert set(updated) == set(parameters)
    for name, value in parameters.items():
        alone = updates()[rule]({name: value[:1, :1]}, {"d" + name: grads["d" + name][:1, :1]})
        assert updated[name].shape == value.shape
        assert_array_equal(updated[name][:1, :1], alone[name])


@pytest.mark.parametrize("rule", updates())
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_updates_take_other_number_types(rule, dtype):
    """Whole parameters and gradients take fractional steps, and an unsigned one may fall below 0."""
    parameters = {"W1": np.array([[0, 3]], dtype), "b1": np.array([[1]], dtype)}
    grads = {"db1": np.array([[200]], dtype), "dW1": np.array([[7, 0]], dtype)}
    as_floats = [{k: v.astype(float) for k, v in values.items()} for values in (parameters, grads)]
    expected = updates()[rule](*as_floats)
    for name, value in updates()[rule](parameters, grads).items():
        assert value.dtype == np.float64
        assert_allclose(value, expected[name], rtol=1e-12)


@given(seed=seeds, learning_rate=rates)
def test_first_order_change_of_the_cost_is_the_squared_gradient(seed, learning_rate):
    """On a linear cost, a step lowers the cost by learning_rate times the squared norm of its slope."""
    rng = np.random.default_rng(seed)
    parameters, grads = network([3, 2, 1], rng), network([3, 2, 1], rng, prefix="d")
    updated = gradient_descent_update(parameters, grads, learning_rate)
    before, after = (sum(np.vdot(grads["d" + k], v) for k, v in p.items()) for p in (parameters, updated))
    squared_norm = sum(np.vdot(g, g) for g in grads.values())
    assert_allclose(before - after, learning_rate * squared_norm, rtol=1e-9, atol=1e-9)


def run(update, state_keys, gradient, w, steps, **options):
    """The path of a single parameter under an update rule, and the state at its end."""
    parameters = {"W1": np.array([[w]])}
    state = {key: {"dW1": np.zeros((1, 1))} for key in state_keys}
    path = []
    for t in range(1, steps + 1):
        grads = {"dW1": gradient(parameters["W1"])}
        extra = {"t": t} if update is adam_update else {}
        result = update(parameters, grads, **state, **extra, **options)
        if state_keys:
            parameters, *states = result
            state = dict(zip(state_keys, states, strict=True))
        else:
            parameters = result
        path.append(parameters["W1"].item())
    return np.array(path), state


def parabola_slope(w):
    return grad(lambda x: anp.sum(x**2 - 10 * x + 25))(w)


def test_the_parabola_of_the_lesson():
    """w^2 - 10w + 25 from 0 at rate 0.1: descent 1.0, Adam 0.1, Adam without correction 0.316; then 5."""
    plain, _ = run(gradient_descent_update, [], parabola_slope, 0.0, 1, learning_rate=0.1)
    assert_allclose(plain, [1.0])
    adam = dict(learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8)
    path, _ = run(adam_update, ["velocity", "squares"], parabola_slope, 0.0, 1000, **adam)
    assert_allclose(path[0], 0.1, rtol=1e-8)
    assert_allclose(path.max(), 5.0396, atol=5e-5)
    assert_allclose(path[-1], 5.0, atol=5e-4)
    first = adam_update(
        {"W1": np.zeros((1, 1))},
        {"dW1": np.array([[-10.0]])},
        {"dW1": np.zeros((1, 1))},
        {"dW1": np.zeros((1, 1))},
        t=1,
        **adam,
    )
    uncorrected_step = 0.1 * first[1]["dW1"] / (np.sqrt(first[2]["dW1"]) + 1e-8)
    assert_allclose(uncorrected_step, -0.316, atol=5e-4)


@given(
    gradients=st.lists(st.floats(-100, 100), min_size=1, max_size=30),
    beta=st.floats(0, 1),
    learning_rate=rates,
)
def test_momentum_path_is_summed_filter_output(gradients, beta, learning_rate):
    """The velocity is scipy's one-pole filter of the gradients; the path is minus rate times its sum."""
    given_gradients = iter(gradients)
    path, state = run(
        momentum_update,
        ["velocity"],
        lambda w: np.full_like(w, next(given_gradients)),
        0.0,
        len(gradients),
        learning_rate=learning_rate,
        beta=beta,
    )
    velocity = lfilter([1 - beta], [1, -beta], gradients)
    assert_allclose(state["velocity"]["dW1"].item(), velocity[-1], rtol=1e-9, atol=1e-9)
    assert_allclose(path, -learning_rate * np.cumsum(velocity), rtol=1e-9, atol=1e-7)


@given(seed=seeds, learning_rate=rates)
def test_momentum_and_rmsprop_without_a_past(seed, learning_rate):
    """beta = 0 forgets: momentum becomes plain descent and RMSprop moves by the sign of the gradient."""
    rng = np.random.default_rng(seed)
    parameters, grads = network([2, 3, 1], rng), network([2, 3, 1], rng, prefix="d")
    past = {name: rng.uniform(1, 2, size=g.shape) for name, g in grads.items()}
    plain = gradient_descent_update(parameters, grads, learning_rate)
    with_momentum, _ = momentum_update(parameters, grads, past, learning_rate, 0)
    signed, _ = rmsprop_update(parameters, grads, past, learning_rate, 0, 1e-300)
    for name, W in parameters.items():
        assert_allclose(with_momentum[name], plain[name], rtol=1e-12)
        assert_allclose(signed[name], W - learning_rate * np.sign(grads["d" + name]), rtol=1e-12)


def test_beta_of_one_keeps_the_past_alone():
    """With beta = 1 the new gradient does not reach the average."""
    parameters, grads = {"W1": np.array([[1.0]])}, {"dW1": np.array([[5.0]])}
    past = {"dW1": np.array([[4.0]])}
    moved, velocity = momentum_update(parameters, grads, past, 0.5, 1)
    assert (moved["W1"].item(), velocity["dW1"].item()) == (-1.0, 4.0)
    moved, squares = rmsprop_update(parameters, grads, past, 0.5, 1, 1e-300)
    assert (moved["W1"].item(), squares["dW1"].item()) == (1 - 0.5 * 5 / 2, 4.0)


@given(
    g=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]), beta1=betas, beta2=betas, steps=st.integers(1, 30)
)
def test_constant_gradient_moves_each_weight_by_the_learning_rate(g, sign, beta1, beta2, steps):
    """With g constant both corrected averages equal g and g^2: each Adam step is rate * sign(g)."""
    options = dict(learning_rate=0.1, beta1=beta1, beta2=beta2, epsilon=1e-300)
    path, state = run(
        adam_update, ["velocity", "squares"], lambda w: np.full_like(w, sign * g), 0.0, steps, **options
    )
    assert_allclose(path, -sign * 0.1 * np.arange(1, steps + 1), rtol=1e-9)
    assert_allclose(state["velocity"]["dW1"], sign * g * (1 - beta1**steps), rtol=1e-9)
    assert_allclose(state["squares"]["dW1"], g**2 * (1 - beta2**steps), rtol=1e-9)


@given(g=st.floats(1e-3, 1e3), beta2=betas, steps=st.integers(1, 30))
def test_constant_gradient_under_rmsprop(g, beta2, steps):
    """Uncorrected squares are g^2 (1 - beta2^t), so that the first steps are longer than the rate."""
    path, state = run(
        rmsprop_update,
        ["squares"],
        lambda w: np.full_like(w, g),
        0.0,
        steps,
        learning_rate=0.1,
        beta2=beta2,
        epsilon=1e-300,
    )
    expected = -0.1 * np.cumsum(1 / np.sqrt(1 - beta2 ** np.arange(1, steps + 1)))
    assert_allclose(path, expected, rtol=1e-9)
    assert_allclose(state["squares"]["dW1"], g**2 * (1 - beta2**steps), rtol=1e-9)


@pytest.mark.parametrize("rule", ["rmsprop", "adam"])
def test_epsilon_stands_outside_the_root(rule):
    """A gradient equal to epsilon halves Adam's first step; inside the root it would leave 1 %."""
    parameters, grads, past = {"W1": np.zeros((1, 1))}, {"dW1": np.array([[1e-4]])}, {"dW1": np.zeros((1, 1))}
    if rule == "adam":
        moved, *_ = adam_update(parameters, grads, past, past, 1, 1.0, 0.9, 0.999, 1e-4)
    else:
        moved, _ = rmsprop_update(parameters, grads, past, 1.0, 0, 1e-4)
    assert_allclose(moved["W1"], -0.5, rtol=1e-12)


@given(seed=seeds, t=st.integers(1, 2000), beta1=betas, beta2=betas)
def test_adam_is_momentum_and_rmsprop_with_corrected_rate(seed, t, beta1, beta2):
    """Up to epsilon, Adam's step is v / sqrt(s) with the rate times sqrt(1 - b2^t) / (1 - b1^t)."""
    rng = np.random.default_rng(seed)
    parameters, grads = network([2, 3], rng), network([2, 3], rng, prefix="d")
    velocity = network([2, 3], rng, prefix="d")
    squares = {name: g**2 + 0.1 for name, g in network([2, 3], rng, prefix="d").items()}
    moved, new_velocity, new_squares = adam_update(
        parameters, grads, velocity, squares, t, 0.1, beta1, beta2, 1e-300
    )
    assert set(new_velocity) == set(new_squares) == set(grads)
    _, by_momentum = momentum_update(parameters, grads, velocity, 0.1, beta1)
    _, by_rmsprop = rmsprop_update(parameters, grads, squares, 0.1, beta2, 1.0)
    rate = 0.1 * math.sqrt(-math.expm1(t * math.log(beta2)) if beta2 else 1)
    rate /= -math.expm1(t * math.log(beta1)) if beta1 else 1
    for name, W in parameters.items():
        assert_allclose(new_velocity["d" + name], by_momentum["d" + name], rtol=1e-12)
        assert_allclose(new_squares["d" + name], by_rmsprop["d" + name], rtol=1e-12)
        step = rate * by_momentum["d" + name] / np.sqrt(by_rmsprop["d" + name])
        assert_allclose(moved[name], W - step, rtol=1e-7, atol=1e-9)


def test_zero_gradients_from_rest_move_nothing():
    """Where nothing was ever felt, epsilon turns 0/0 into 0, with no warning."""
    parameters, grads = {"b1": np.array([[2.0]])}, {"db1": np.zeros((1, 1))}
    for rule, update in updates().items():
        assert update(parameters, grads)["b1"].item() == 2.0, rule


# Schedules


def test_schedules_by_hand():
    """alpha0 0.2 at rate 1 falls 0.2, 0.1, 0.0667, 0.05, 0.04; 0.95^14 is 0.488."""
    assert_allclose(
        [inverse_time_decay(0.2, 1, epoch) for epoch in range(5)], [0.2, 0.1, 0.0667, 0.05, 0.04], atol=5e-5
    )
    assert_allclose(exponential_decay(1, 0.95, 14), 0.488, atol=5e-4)
    assert_allclose([sqrt_decay(0.2, 3, t) for t in (1, 4, 9)], [0.6, 0.3, 0.2])
    assert_allclose(
        [staircase_decay(0.8, 0.5, 2, epoch) for epoch in range(6)], [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    )


@given(alpha0=st.floats(1e-6, 10), other=st.floats(0.01, 1), epoch=st.integers(0, 200))
def test_schedules_step_by_step(alpha0, other, epoch):
    """Each schedule is known by how one rate follows from the one before."""
    inverse = [1 / inverse_time_decay(alpha0, other, epoch + i) for i in (0, 1)]
    assert_allclose(inverse[1] - inverse[0], other / alpha0, rtol=1e-6)
    assert_allclose(
        exponential_decay(alpha0, other, epoch + 1),
        other * exponential_decay(alpha0, other, epoch),
        atol=1e-300,
    )
    assert_allclose(sqrt_decay(alpha0, other, epoch + 1) ** 2 * (epoch + 1), (alpha0 * other) ** 2)
    assert_allclose(
        staircase_decay(alpha0, other, 3, epoch + 3),
        other * staircase_decay(alpha0, other, 3, epoch),
        atol=1e-300,
    )
    assert staircase_decay(alpha0, other, 3, epoch - epoch % 3) == staircase_decay(alpha0, other, 3, epoch)


def test_schedules_start_at_alpha0_and_take_numpy_numbers():
    """Epoch 0 is the first and has the full rate; a small integer type does not overflow on the way."""
    for epoch in (0, np.int8(0), np.uint64(0)):
        assert inverse_time_decay(0.3, 5, epoch) == 0.3
        assert exponential_decay(0.3, 0, epoch) == 0.3
        assert staircase_decay(0.3, 0, 4, epoch) == 0.3
    assert inverse_time_decay(np.int8(1), np.int8(100), np.int8(100)) == 1 / 10001
    assert exponential_decay(1, np.int8(2), np.int8(40)) == 2.0**40
    assert exponential_decay(0.3, 0, 1) == staircase_decay(0.3, 0, 1, 1) == 0
    assert sqrt_decay(np.int8(100), np.int8(100), np.uint8(1)) == 10000


# Critical points


@given(
    eigenvalues=st.lists(st.sampled_from([-3.0, -0.01, 0.0, 1e-12, 0.02, 5.0]), min_size=1, max_size=6),
    seed=seeds,
)
def test_kind_depends_on_the_curvatures_and_not_on_the_axes(eigenvalues, seed):
    """Turning the axes changes the hessian but not its eigenvalues, from which it was built here."""
    n = len(eigenvalues)
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    hessian = axes @ np.diag(eigenvalues) @ axes.T
    signs = {int(np.sign(e)) if abs(e) > 1e-8 else 0 for e in eigenvalues}
    expected = {frozenset({1}): "minimum", frozenset({-1}): "maximum"}.get(frozenset(signs), "degenerate")
    assert critical_point(hessian) == ("saddle" if {1, -1} <= signs else expected)


def test_known_critical_points():
    """x^2 - y^2 has a saddle at 0, x^2 + y^4 a minimum that curvature cannot see; integers count too."""
    assert critical_point([[2, 0], [0, -2]]) == "saddle"
    assert critical_point([[2, 0], [0, 0]]) == "degenerate"
    assert critical_point(np.array([[2, 1], [1, 2]], np.uint8)) == "minimum"
    assert critical_point(np.array([[-1]], np.float32)) == "maximum"
    assert critical_point([[0.0, 1.0], [1.0, 0.0]]) == "saddle"
    assert critical_point(np.diag([1.0, 0.0, -1.0])) == "saddle"
    assert critical_point(np.zeros((1, 1))) == "degenerate"


@given(e=st.floats(1e-3, 10), tolerance=st.floats(0, 20))
def test_tolerance_decides_what_counts_as_flat(e, tolerance):
    """An eigenvalue within tolerance of 0 has no sign, so opposite ones are no saddle then."""
    assume(abs(e - tolerance) > 1e-6)
    flat = e <= tolerance
    assert critical_point(np.diag([e, e]), tolerance) == ("degenerate" if flat else "minimum")
    assert critical_point(np.diag([e, -e]), tolerance) == ("degenerate" if flat else "saddle")


# Bad arguments

P, G = {"W1": np.ones((2, 1))}, {"dW1": np.ones((2, 1))}
RNG = np.random.default_rng(0)
BAD_CALLS = {
    "labels of another number of examples": (random_mini_batches, (np.ones((2, 3)), np.ones((1, 4)), 2, RNG)),
    "flat labels": (random_mini_batches, (np.ones((2, 3)), np.ones(3), 2, RNG)),
    "no examples": (random_mini_batches, (np.ones((2, 0)), np.ones((1, 0)), 2, RNG)),
    "empty batch": (random_mini_batches, (np.ones((2, 3)), np.ones((1, 3)), 0, RNG)),
    "half an example": (random_mini_batches, (np.ones((2, 3)), np.ones((1, 3)), 1.5, RNG)),
    "a seed for a generator": (random_mini_batches, (np.ones((2, 3)), np.ones((1, 3)), 1, 0)),
    "beta above 1": (exponentially_weighted_average, ([1.0], 1.5, False)),
    "correction with beta 1": (exponentially_weighted_average, ([1.0], 1, True)),
    "series in a column": (exponentially_weighted_average, (np.ones((3, 1)), 0.9, True)),
    "missing gradient": (gradient_descent_update, (P, {}, 0.1)),
    "gradient under the parameter's name": (gradient_descent_update, (P, P, 0.1)),
    "gradient that would broadcast": (gradient_descent_update, (P, {"dW1": np.ones((1, 1))}, 0.1)),
    "negative rate": (gradient_descent_update, (P, G, -0.1)),
    "velocity under the parameter's name": (momentum_update, (P, G, P, 0.1, 0.9)),
    "momentum beta above 1": (momentum_update, (P, G, G, 0.1, 1.1)),
    "negative squares": (rmsprop_update, (P, G, {"dW1": -np.ones((2, 1))}, 0.1, 0.9, 1e-8)),
    "no epsilon": (rmsprop_update, (P, G, G, 0.1, 0.9, 0)),
    "Adam from step 0": (adam_update, (P, G, G, G, 0, 0.1, 0.9, 0.999, 1e-8)),
    "Adam with beta1 1": (adam_update, (P, G, G, G, 1, 0.1, 1, 0.999, 1e-8)),
    "Adam with beta2 1": (adam_update, (P, G, G, G, 1, 0.1, 0.9, 1, 1e-8)),
    "Adam without epsilon": (adam_update, (P, G, G, G, 1, 0.1, 0.9, 0.999, 0)),
    "negative epoch": (inverse_time_decay, (0.2, 1, -1)),
    "fractional epoch": (exponential_decay, (0.2, 0.9, 0.5)),
    "negative base": (exponential_decay, (0.2, -0.9, 1)),
    "step 0": (sqrt_decay, (0.2, 1, 0)),
    "stair of no epochs": (staircase_decay, (0.2, 0.5, 0, 1)),
    "oblong hessian": (critical_point, (np.ones((2, 3)),)),
    "lopsided hessian": (critical_point, (np.array([[1.0, 2.0], [0.0, 1.0]]),)),
    "hessian with NaN": (critical_point, (np.array([[np.nan]]),)),
    "negative tolerance": (critical_point, (np.eye(2), -1.0)),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_are_named(call):
    """A wrong argument stops with what came, never with a wrong number."""
    function, arguments = BAD_CALLS[call]
    with pytest.raises(ValueError, match="must"):
        function(*arguments)
