import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_utils.reference.initialization import (
    activation_scales,
    breaks_symmetry,
    deep_linear_output,
    initialize_glorot,
    initialize_he,
    initialize_random,
    initialize_xavier,
    initialize_zeros,
)

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
DRAWN = {
    "random": lambda dims, rng: initialize_random(dims, 0.3, rng),
    "xavier": initialize_xavier,
    "glorot": initialize_glorot,
    "he": initialize_he,
}
ALL = {"zeros": lambda dims, rng: initialize_zeros(dims), **DRAWN}
every_initializer = pytest.mark.parametrize("initialize", ALL.values(), ids=ALL)


def relu(Z):
    return np.maximum(Z, 0)


@every_initializer
@given(dims=st.lists(sizes, min_size=2, max_size=13), seed=seeds)
def test_shapes_names_and_zero_biases(initialize, dims, seed):
    """W[l] maps n[l-1] numbers to n[l], for one layer or twelve; biases need no randomness."""
    parameters = initialize(dims, np.random.default_rng(seed))
    L = len(dims) - 1
    assert list(parameters) == [kind + str(layer) for layer in range(1, L + 1) for kind in "Wb"]
    for layer in range(1, L + 1):
        assert parameters[f"W{layer}"].shape == (dims[layer], dims[layer - 1])
        assert parameters[f"b{layer}"].shape == (dims[layer], 1)
        assert (parameters[f"b{layer}"] == 0).all()
    assert all(array.dtype == np.float64 for array in parameters.values())


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("random", lambda n_prev, n: 0.3),
        ("xavier", lambda n_prev, n: n_prev**-0.5),
        ("glorot", lambda n_prev, n: (2 / (n_prev + n)) ** 0.5),
        ("he", lambda n_prev, n: (n_prev / 2) ** -0.5),
    ],
)
@pytest.mark.parametrize("dims", [[400, 25, 300], [25, 400, 25]])
def test_weights_are_normal_with_the_right_deviation(name, deviation, dims):
    """Kolmogorov-Smirnov against the exact law: catches fan-out for fan-in and deviation for variance."""
    parameters = DRAWN[name](dims, np.random.default_rng(0))
    for layer in (1, 2):
        law = stats.norm(0, deviation(dims[layer - 1], dims[layer]))
        assert stats.kstest(parameters[f"W{layer}"].ravel(), law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("initialize", DRAWN.values(), ids=DRAWN)
def test_entries_and_layers_are_independent(initialize):
    """Two layers of one shape that hold the same numbers, or rows that repeat, learn the same things."""
    parameters = initialize([30, 30, 30], np.random.default_rng(1))
    assert abs(np.corrcoef(parameters["W1"].ravel(), parameters["W2"].ravel())[0, 1]) < 0.2
    correlations = np.corrcoef(np.vstack([parameters["W1"], parameters["W2"]]))[~np.eye(60, dtype=bool)]
    assert np.abs(correlations).max() < 0.9


def test_zeros_are_zero_and_scale_zero_too():
    """The two ways to start every unit alike."""
    rng = np.random.default_rng(0)
    for parameters in [initialize_zeros([3, 2, 1]), initialize_random([3, 2, 1], 0, rng)]:
        assert all((array == 0).all() for array in parameters.values())


@every_initializer
@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ([3], "layer_dims must list at least the inputs and one layer, got"),
        ([], "layer_dims must list"),
        (3, "layer_dims must be a list of sizes, got 3"),
        ([3, 0, 1], r"layer_dims\[1\] must be at least 1, got 0"),
        ([3, 2.0], r"layer_dims\[1\] must be an integer"),
        ([3, [2]], r"layer_dims\[1\] must be an integer"),
        ("32", r"layer_dims\[0\] must be an integer"),
    ],
)
def test_initializers_refuse_sizes(initialize, dims, message):
    """A network has inputs and at least one layer, with whole numbers of units."""
    with pytest.raises(ValueError, match=message):
        initialize(dims, np.random.default_rng(0))


def test_initializers_refuse_the_rest():
    """A negative deviation and a missing generator are named."""
    with pytest.raises(ValueError, match=r"scale must lie in \[0, inf\), got -1"):
        initialize_random([2, 1], -1, np.random.default_rng(0))
    for initialize in DRAWN.values():
        with pytest.raises(ValueError, match="rng must be"):
            initialize([2, 1], None)


@given(sizes, st.integers(0, 12), seeds)
def test_deep_linear_output_is_a_matrix_power(n, n_layers, seed):
    """NumPy's power by squaring gives the product of all layers at once; the 0th power is the identity."""
    rng = np.random.default_rng(seed)
    W, x = rng.normal(size=(n, n)), rng.normal(size=(n, 1))
    expected = np.linalg.matrix_power(W, n_layers) @ x
    np.testing.assert_allclose(deep_linear_output(W, x, n_layers), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("factor", "layers", "expected"),
    [
        (1.5, 9, 38.4),
        (1.5, 49, 4.25e8),
        (1.5, 149, 1.7e26),
        (0.5, 9, 0.00195),
        (0.5, 49, 1.8e-15),
        (0.5, 149, 1.4e-45),
    ],
)
def test_signals_explode_and_vanish(factor, layers, expected):
    """1.5 and 0.5 to the power L - 1, for L = 10, 50, 150."""
    output = deep_linear_output(factor * np.eye(2), np.ones((2, 1)), layers)
    np.testing.assert_allclose(output, np.full((2, 1), expected), rtol=0.03)


def test_the_spectrum_decides_not_the_entries():
    """An entry of 100 looks as if it must explode; both eigenvalues are 0, and so is W squared."""
    np.testing.assert_array_equal(deep_linear_output([[0, 100], [0, 0]], [[1], [1]], 2), [[0.0], [0.0]])


@pytest.mark.parametrize(
    ("W", "x", "n_layers", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 1)), 1, r"W must have shape \(2, 2\), got \(2, 3\)"),
        (np.ones((2, 2)), np.ones((3, 1)), 1, r"x must have shape \(2, 1\), got \(3, 1\)"),
        (np.ones((2, 2)), np.ones(2), 1, "x must have 2 axes"),
        (np.ones((2, 2)), np.ones((2, 1)), -1, "n_layers must be at least 0, got -1"),
        (np.ones((2, 2)), np.ones((2, 1)), 1.0, "n_layers must be an integer"),
    ],
)
def test_deep_linear_output_refuses(W, x, n_layers, message):
    """Only a square matrix can be applied to its own output."""
    with pytest.raises(ValueError, match=message):
        deep_linear_output(W, x, n_layers)


@given(st.lists(sizes, min_size=2, max_size=13), sizes, seeds)
def test_activation_scales_by_loops(dims, m, seed):
    """Population deviation over all units and examples of a layer, by the formula E[a^2] - E[a]^2."""
    rng = np.random.default_rng(seed)
    parameters = initialize_he(dims, rng)
    X = rng.normal(size=(dims[0], m))
    scales = activation_scales(X, parameters, np.tanh)
    assert scales.shape == (len(dims) - 1,)
    A = X
    for layer, scale in enumerate(scales, start=1):
        W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
        A = np.array([[np.tanh(W[j] @ A[:, i] + b[j, 0]) for i in range(m)] for j in range(W.shape[0])])
        entries = A.ravel().tolist()
        variance = sum(a * a for a in entries) / len(entries) - (sum(entries) / len(entries)) ** 2
        assert scale**2 == pytest.approx(variance, rel=1e-6, abs=1e-12)


def test_activation_follows_every_layer_with_its_bias():
    """By hand: 2 X - 4 = [-2, 2], relu [0, 2], spread 1; then -3 A = [0, -6], relu [0, 0], spread 0."""
    parameters = {"W1": [[2]], "b1": [[-4]], "W2": [[-3]], "b2": [[0]]}
    np.testing.assert_allclose(activation_scales([[1, 3]], parameters, relu), [1.0, 0.0], atol=1e-15)


def test_he_holds_the_scale_of_fifty_relu_layers():
    """2/n stays of order 1, 1/n falls to a mean square of 1e-15, 0.01 to 1e-95, 1 rises to 1e105."""
    dims, rng = [256] * 51, np.random.default_rng(0)
    X = rng.normal(size=(256, 20))
    last = {
        name: activation_scales(X, parameters, relu)[-1] ** 2
        for name, parameters in {
            "he": initialize_he(dims, rng),
            "xavier": initialize_xavier(dims, rng),
            "small": initialize_random(dims, 0.01, rng),
            "large": initialize_random(dims, 1, rng),
        }.items()
    }
    assert -2 < np.log10(last["he"]) < 1
    assert -18 < np.log10(last["xavier"]) < -13
    assert -98 < np.log10(last["small"]) < -92
    assert 102 < np.log10(last["large"]) < 107


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones((2, 4))}, r"X must have shape \(3, 4\), got \(2, 4\)"),
        ({"activation": "relu"}, "activation must be a function, got str 'relu'"),
        ({"activation": np.sum}, "the result of activation must have shape"),
        ({"activation": lambda Z: None}, "the result of activation must hold real numbers"),
        ({"parameters": {"W1": np.ones((1, 3))}}, "must have the keys W1, b1"),
    ],
)
def test_activation_scales_refuses(change, message):
    """An activation works entry by entry."""
    arguments = {"X": np.ones((3, 4)), "parameters": initialize_zeros([3, 2, 1]), "activation": np.tanh}
    with pytest.raises(ValueError, match=message):
        activation_scales(**(arguments | change))


@every_initializer
def test_random_weights_break_symmetry_and_zeros_never(initialize):
    """A layer of one unit has no twin, so even zeros leave it alone."""
    broken = breaks_symmetry(initialize([4] + [3] * 11 + [1], np.random.default_rng(0)))
    expected = [False] * 11 + [True] if initialize is ALL["zeros"] else [True] * 12
    assert broken == expected and all(type(value) is bool for value in broken)


@pytest.mark.parametrize(
    ("W", "b", "expected"),
    [
        ([[1, 2], [1, 2]], [[0], [0]], False),
        ([[1, 2], [1, 2]], [[0], [1]], True),
        ([[1, 2], [3, 4], [1, 2]], [[0], [0], [0]], False),
        ([[1, 2], [2, 1]], [[0], [0]], True),
        ([[1, 2], [1, 2 + 1e-13]], [[0], [0]], False),
        ([[1, 2], [1, 2 + 1e-11]], [[0], [0]], True),
        ([[0.5]], [[0]], True),
        (np.zeros((2, 1), np.uint8) + np.array([[0], [255]], np.uint8), [[0], [0]], True),
    ],
)
def test_twins_by_hand(W, b, expected):
    """Two units are twins if weights and bias agree within 1e-12, next to each other or not."""
    assert breaks_symmetry({"W1": W, "b1": b}) == [expected]


@given(st.integers(2, 8), sizes, st.data(), seeds)
def test_a_copied_unit_is_found_wherever_it_stands(n, n_prev, data, seed):
    """Copy one row anywhere else: the layer loses its True, and only that layer."""
    parameters = initialize_he([n_prev, n, 2], np.random.default_rng(seed))
    i, j = data.draw(st.permutations(range(n)))[:2]
    parameters["W1"][i] = parameters["W1"][j]
    assert breaks_symmetry(parameters) == [False, True]


def test_breaks_symmetry_refuses():
    """A layer without its bias cannot be judged."""
    with pytest.raises(ValueError, match="must have the keys W1, b1"):
        breaks_symmetry({"W1": np.ones((2, 2))})
    with pytest.raises(ValueError, match="b1 must have shape"):
        breaks_symmetry({"W1": np.ones((2, 2)), "b1": np.ones((1, 2))})
