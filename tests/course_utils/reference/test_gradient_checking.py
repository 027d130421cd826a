from itertools import pairwise

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_utils.reference.gradient_checking import (
    check_each,
    from_vector,
    numerical_gradient,
    one_sided_difference,
    relative_difference,
    to_vector,
    two_sided_difference,
)

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(-10, 10)
steps = st.floats(1e-3, 1)


def network(rng, layer_dims):
    parameters = {}
    for layer, (n_prev, n) in enumerate(pairwise(layer_dims), start=1):
        parameters[f"W{layer}"] = rng.normal(size=(n, n_prev))
        parameters[f"b{layer}"] = rng.normal(size=(n, 1))
    return parameters


def network_cost(X):
    """arcsinh bends like tanh but does not saturate, so that slopes survive twelve layers."""

    def cost(parameters):
        A = X
        for layer in range(1, len(parameters) // 2 + 1):
            A = anp.arcsinh(anp.dot(parameters[f"W{layer}"], A) + parameters[f"b{layer}"])
        return anp.mean(anp.sum((A - 0.5) ** 2, axis=0))

    return cost


def test_theta_cubed_at_one():
    """Step 0.01: 3.0001 from both sides, 3.0301 forward, against the true slope 3."""
    assert two_sided_difference(lambda x: x**3, 1, 0.01) == pytest.approx(3.0001, abs=1e-10)
    assert one_sided_difference(lambda x: x**3, 1, 0.01) == pytest.approx(3.0301, abs=1e-10)


@given(numbers, numbers, numbers, numbers, steps)
def test_errors_have_their_closed_form(a, b, c, x, epsilon):
    """For a x^2 + b x + c: two-sided is exact, one-sided is off by a * epsilon."""

    def f(x):
        return a * x**2 + b * x + c

    slope, rounding = 2 * a * x + b, 1e-12 / epsilon * (1 + abs(a) * 121 + abs(b) * 11 + abs(c))
    assert two_sided_difference(f, x, epsilon) == pytest.approx(slope, abs=rounding)
    assert one_sided_difference(f, x, epsilon) == pytest.approx(slope + a * epsilon, abs=rounding)


@pytest.mark.parametrize("difference", [one_sided_difference, two_sided_difference])
def test_differences_compute_in_double_precision(difference):
    """In float32, 1 + 1e-7 is 1 or 1.0000001; an integer x is not stepped as an integer."""
    for x in [np.float32(1), 1, np.int8(1), np.array(1)]:
        assert difference(lambda x: x**3, x, np.float32(1e-7)) == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize("difference", [one_sided_difference, two_sided_difference])
@pytest.mark.parametrize(
    ("f", "x", "epsilon", "message"),
    [
        (3, 1.0, 0.1, "the function to differentiate must be a function"),
        (np.sin, [1.0], 0.1, "x must be a real number"),
        (np.sin, np.inf, 0.1, "x must lie in"),
        (np.sin, 1.0, 0, r"epsilon must lie in \(0, inf\), got 0"),
        (np.sin, 1.0, -0.1, "epsilon must lie in"),
        (lambda x: [x], 1.0, 0.1, "the value of the function must be a real number"),
        (lambda x: None, 1.0, 0.1, "the value of the function must be a real number"),
    ],
)
def test_differences_refuse(difference, f, x, epsilon, message):
    """A slope needs a step above 0 and a function of one number."""
    with pytest.raises(ValueError, match=message):
        difference(f, x, epsilon)


def test_vector_by_hand():
    """W1 row by row, then b1, then W2: as one reads."""
    parameters = {"b1": [[3], [6]], "W2": [[7, 8]], "b2": [[9]], "W1": [[1, 2], [4, 5]]}
    np.testing.assert_array_equal(to_vector(parameters), [1, 2, 4, 5, 3, 6, 7, 8, 9])


def test_layer_ten_follows_layer_nine():
    """Sorted as text, W10 would follow W1; the entries here are the layers' own numbers."""
    parameters = {f"{kind}{layer}": [[layer]] for kind in "bW" for layer in range(12, 0, -1)}
    np.testing.assert_array_equal(to_vector(parameters), np.repeat(np.arange(1, 13), 2))


@given(st.lists(sizes, min_size=2, max_size=13), st.randoms(), seeds)
def test_there_and_back(dims, random, seed):
    """from_vector undoes to_vector and to_vector undoes from_vector, whatever the order of the dict."""
    parameters = network(np.random.default_rng(seed), dims)
    names = list(parameters)
    random.shuffle(names)
    shuffled = {name: parameters[name] for name in names}
    theta = to_vector(shuffled)
    assert theta.shape == (sum(array.size for array in parameters.values()),)
    like = {name: np.zeros_like(array) for name, array in shuffled.items()}
    back = from_vector(theta, like)
    assert set(back) == set(parameters)
    for name in parameters:
        np.testing.assert_array_equal(back[name], parameters[name], strict=True)
    np.testing.assert_array_equal(to_vector(back), theta)


def test_vectors_refuse():
    """One number too few would shift every later weight."""
    like = {"W1": np.ones((2, 3)), "b1": np.ones((2, 1))}
    with pytest.raises(ValueError, match=r"theta must have shape \(8,\), got \(7,\)"):
        from_vector(np.ones(7), like)
    with pytest.raises(ValueError, match="theta must have 1 axis"):
        from_vector(np.ones((8, 1)), like)
    with pytest.raises(ValueError, match="must have the keys W1, b1"):
        from_vector(np.ones(6), {"W1": np.ones((2, 3))})
    with pytest.raises(ValueError, match="must have the keys W1, b1, W2, b2, got"):
        to_vector(like | {"W3": np.ones((1, 2)), "b3": np.ones((1, 1))})


@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(-2, 2)))
def test_numerical_gradient_agrees_with_autograd(theta):
    """An entry's slope depends on its neighbours here, so a step in the wrong entry would show."""

    def cost(theta):
        return anp.sum(anp.sin(theta)) * anp.sum(anp.arange(1, theta.size + 1) * theta**2)

    np.testing.assert_allclose(numerical_gradient(cost, theta), grad(cost)(theta), rtol=1e-5, atol=1e-5)


def test_numerical_gradient_takes_both_sides_and_integers():
    """For theta^3 the two-sided error is epsilon^2: 3.0001 at 1, 12.0001 at 2; 1.01 is not cut to 1."""
    slopes = numerical_gradient(lambda theta: (theta**3).sum(), np.array([1, 2]), 0.01)
    np.testing.assert_allclose(slopes, [3.0001, 12.0001], rtol=1e-10)


def test_a_cost_that_scribbles_changes_nothing():
    """Each call gets numbers of its own: theta and the other entries' slopes stay right."""

    def scribbling_cost(theta):
        value = (theta**2).sum()
        theta[:] = 99
        return value

    theta = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(numerical_gradient(scribbling_cost, theta, 1e-5), [2, 4, 6], rtol=1e-6)
    np.testing.assert_array_equal(theta, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("cost", "theta", "epsilon", "message"),
    [
        (None, [1.0], 1e-7, "must be a function"),
        (np.sum, [[1.0]], 1e-7, "theta must have 1 axis"),
        (np.sum, [], 1e-7, "theta must not be empty"),
        (np.sum, [1.0], 0, "epsilon must lie"),
        (np.sin, [1.0], 1e-7, "the value of the function must be a real number"),
    ],
)
def test_numerical_gradient_refuses(cost, theta, epsilon, message):
    """A cost is one number."""
    with pytest.raises(ValueError, match=message):
        numerical_gradient(cost, theta, epsilon)


@given(st.floats(-300, 300), st.integers(1, 5), seeds)
def test_relative_difference_ignores_the_scale(exponent, n, seed):
    """Both vectors times 10^300 or 10^-300: nothing overflows or vanishes, and the ratio stays."""
    a, b = np.random.default_rng(seed).normal(size=(2, n))
    scale = 10.0**exponent
    with np.errstate(over="raise", invalid="raise"):
        scaled = relative_difference(a * scale, b * scale)
    norm = np.linalg.norm
    assert scaled == pytest.approx(norm(a - b) / (norm(a) + norm(b)), rel=1e-9)
    assert 0 <= scaled <= 1 + 1e-12
    assert relative_difference(b, a) == relative_difference(a, b)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 0], [0, 0], 0.0),
        ([3, 4], [3, 4], 0.0),
        ([3, 4], [-3, -4], 1.0),
        ([3, 4], [0, 0], 1.0),
        ([0, 3], [4, 0], 5 / 7),
        ([3, 4], [6, 8], 1 / 3),
        ([1.7e308], [-1.7e308], 1.0),
        ([5e-324], [0], 1.0),
        (np.array([200], np.uint8), np.array([100], np.uint8), 1 / 3),
        (np.array([100], np.int8), np.array([-100], np.int8), 1.0),
    ],
)
def test_relative_difference_by_hand(a, b, expected):
    """Equal is 0, opposite is 1, a doubled gradient is 1/3; uint8's 100 - 200 is not 156."""
    assert relative_difference(np.array(a), np.array(b)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [1.0], r"grad and grad_approx must have one shape, got \(2,\) and \(1,\)"),
        ([[1.0]], [[1.0]], "grad must have 1 axis"),
        ([], [], "grad must not be empty"),
        ([1.0], [None], "grad_approx must hold real numbers"),
    ],
)
def test_relative_difference_refuses(a, b, message):
    """Broadcasting would compare every entry with the same one."""
    with pytest.raises(ValueError, match=message):
        relative_difference(a, b)


@pytest.mark.parametrize("dims", [[1, 1], [2, 3, 1], [2] * 13])
@pytest.mark.parametrize("m", [1, 4])
def test_check_each_accepts_right_gradients(dims, m):
    """Autograd's gradients of one layer, two and twelve: every difference is rounding."""
    rng = np.random.default_rng(0)
    cost, parameters = network_cost(rng.normal(size=(dims[0], m))), network(rng, dims)
    grads = {"d" + name: array for name, array in grad(cost)(parameters).items()}
    differences = check_each(cost, parameters, grads, epsilon=1e-5)
    assert list(differences) == [kind + str(layer) for layer in range(1, len(dims)) for kind in "Wb"]
    assert max(differences.values()) < 1e-5


@pytest.mark.parametrize(
    ("name", "bug", "expected"),
    [
        ("W2", lambda array: 2 * array, 1 / 3),
        ("b1", lambda array: 4 * array, 3 / 5),
        ("W1", lambda array: -array, 1),
        ("b2", np.zeros_like, 1),
    ],
)
def test_check_each_names_the_planted_bug(name, bug, expected):
    """A factor k gives |k - 1| / (|k| + 1), in the broken array and nowhere else."""
    rng = np.random.default_rng(1)
    cost, parameters = network_cost(rng.normal(size=(3, 5))), network(rng, [3, 4, 2])
    grads = {"d" + key: array for key, array in grad(cost)(parameters).items()}
    grads["d" + name] = bug(grads["d" + name])
    differences = check_each(cost, parameters, grads)
    assert differences.pop(name) == pytest.approx(expected, rel=1e-4)
    assert max(differences.values()) < 1e-6


def test_check_each_hands_out_numbers_of_its_own():
    """A cost that empties the dict or overwrites an array harms neither the check nor the parameters."""

    def scribbling_cost(parameters):
        value = (parameters["W1"] ** 2).sum() + parameters["b1"].sum()
        parameters.pop("W1")[:] = 99
        return value

    W = np.array([[1.0, 2.0]])
    grads = {"dW1": 2 * W, "db1": np.ones((1, 1))}
    differences = check_each(scribbling_cost, {"W1": W, "b1": np.zeros((1, 1))}, grads, epsilon=1e-5)
    assert max(differences.values()) < 1e-8
    np.testing.assert_array_equal(W, [[1.0, 2.0]])


def test_a_parameter_that_does_nothing_differs_by_zero():
    """b made redundant: both gradients are zero, and 0/0 is not NaN."""
    parameters = {"W1": np.ones((1, 2)), "b1": np.ones((1, 1))}
    grads = {"dW1": np.ones((1, 2)), "db1": np.zeros((1, 1))}
    assert check_each(lambda parameters: parameters["W1"].sum(), parameters, grads)["b1"] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grads": {"dW1": np.ones((1, 2))}}, r"grads must have the keys dW1, db1, got \['dW1'\]"),
        ({"grads": [1.0]}, "grads must be a dict"),
        (
            {"grads": {"dW1": np.ones((2, 1)), "db1": np.ones((1, 1))}},
            r"grads\['dW1'\] must have shape \(1, 2\)",
        ),
        ({"parameters": {"W1": np.ones((1, 2))}}, "parameters must have the keys"),
        ({"cost": 0.5}, "cost must be a function"),
        ({"cost": lambda parameters: parameters["W1"]}, "the value of the function must be a real number"),
        ({"epsilon": 0.0}, "epsilon must lie"),
    ],
)
def test_check_each_refuses(change, message):
    """A gradient under the wrong name cannot be compared."""
    arguments = {
        "cost": lambda parameters: parameters["W1"].sum(),
        "parameters": {"W1": np.ones((1, 2)), "b1": np.ones((1, 1))},
        "grads": {"dW1": np.ones((1, 2)), "db1": np.ones((1, 1))},
    }
    with pytest.raises(ValueError, match=message):
        check_each(**(arguments | change))
