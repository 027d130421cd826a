from itertools import pairwise

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from course_utils.reference.dropout import dropout_backward, dropout_forward, forward_with_dropout, predict

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
keep_probs = st.floats(0.05, 1)


def network(rng, layer_dims):
    parameters = {}
    for layer, (n_prev, n) in enumerate(pairwise(layer_dims), start=1):
        parameters[f"W{layer}"] = rng.normal(size=(n, n_prev))
        parameters[f"b{layer}"] = rng.normal(size=(n, 1))
    return parameters


def one_example_by_loops(x, parameters, masks, keep_probs):
    """The whole network for one column, unit by unit, with given masks."""
    a = list(x)
    L = len(parameters) // 2
    for layer in range(1, L + 1):
        W, b = parameters[f"W{layer}"], parameters[f"b{layer}"]
        z = [
            sum(w * v for w, v in zip(row, a, strict=True)) + bias
            for row, bias in zip(W, b[:, 0], strict=True)
        ]
        if layer == L:
            return [expit(v) for v in z]
        mask, keep_prob = masks[layer - 1], keep_probs[layer - 1]
        a = [max(v, 0) / keep_prob if kept else 0 for v, kept in zip(z, mask, strict=True)]


@given(sizes, sizes, keep_probs, seeds)
def test_what_is_kept_is_scaled_and_the_rest_is_zero(n, m, keep_prob, seed):
    """The mask says which entries survive; they grow by 1/keep_prob, and nothing else happens."""
    A = np.random.default_rng(seed).normal(size=(n, m))
    A_dropped, mask = dropout_forward(A, keep_prob, np.random.default_rng(seed))
    assert mask.dtype == bool and mask.shape == A_dropped.shape == A.shape
    np.testing.assert_allclose(A_dropped[mask] * keep_prob, A[mask], rtol=1e-12)
    assert (A_dropped[~mask] == 0).all()


def test_fifty_units_at_keep_prob_0_8():
    """10 of 50 are off on average with standard deviation 2.83, and each count is binomial."""
    _, mask = dropout_forward(np.ones((50, 20_000)), 0.8, np.random.default_rng(0))
    off = (~mask).sum(axis=0)
    assert off.mean() == pytest.approx(10, abs=5 * 2.83 / 20_000**0.5)
    assert off.std() == pytest.approx(2.83, rel=0.02)
    expected = stats.binom(50, 0.2).pmf(np.arange(4, 17))
    observed = np.array([(off == k).sum() for k in range(4, 17)])
    assert stats.chisquare(observed, observed.sum() * expected / expected.sum()).pvalue > 1e-4


@pytest.mark.parametrize("keep_prob", [0.1, 0.5, 0.8, 1])
def test_the_expected_activation_survives(keep_prob):
    """Division by keep_prob, in training, is what lets prediction use the network as it is."""
    A_dropped, _ = dropout_forward(np.ones((300, 400)), keep_prob, np.random.default_rng(1))
    error = np.sqrt((1 - keep_prob) / keep_prob / A_dropped.size)
    assert A_dropped.mean() == pytest.approx(1, abs=5 * error + 1e-12)


def test_mask_entries_are_independent():
    """One mask for a whole batch, or for a whole example, would correlate entries fully."""
    _, mask = dropout_forward(np.ones((40, 2500)), 0.5, np.random.default_rng(2))
    for view in [mask, mask[:, :1000].T]:
        correlations = np.corrcoef(view[:40])[~np.eye(40, dtype=bool)]
        assert np.abs(correlations).max() < 6 / view.shape[1] ** 0.5


def test_keep_prob_one_keeps_all():
    """The first check of a network is with dropout off: exactly the input comes out."""
    A = np.array([[1.5, -2.0, 0.0]])
    A_dropped, mask = dropout_forward(A, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(A_dropped, A)
    assert mask.all()


@pytest.mark.parametrize("keep_prob", [0, -0.2, 1.2, np.nan, None, "0.8", True, [0.8]])
def test_keep_prob_out_of_range_is_refused(keep_prob):
    """keep_prob 0 keeps nothing and divides by nothing; 20 for 20 % is a slip."""
    for call in [
        lambda: dropout_forward(np.ones((2, 3)), keep_prob, np.random.default_rng(0)),
        lambda: dropout_backward(np.ones((2, 3)), np.ones((2, 3), bool), keep_prob),
    ]:
        with pytest.raises(ValueError, match="keep_prob must"):
            call()


def test_forward_refuses():
    """The message names the argument."""
    with pytest.raises(ValueError, match="A must have 2 axes"):
        dropout_forward(np.ones(3), 0.5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="rng must be"):
        dropout_forward(np.ones((3, 1)), 0.5, None)


@given(sizes, sizes, keep_probs, seeds)
def test_backward_is_the_gradient_of_forward(n, m, keep_prob, seed):
    """Autograd through the forward formula with the mask held fixed; 1/keep_prob appears here too."""
    rng = np.random.default_rng(seed)
    A, dA = rng.normal(size=(2, n, m))
    A_dropped, mask = dropout_forward(A, keep_prob, rng)

    def forward(A):
        return anp.where(mask, A / keep_prob, 0.0)

    np.testing.assert_allclose(forward(A), A_dropped, rtol=1e-12)
    expected = dA * elementwise_grad(forward)(A)
    np.testing.assert_allclose(dropout_backward(dA, mask, keep_prob), expected, rtol=1e-12)


def test_backward_scales_up():
    """keep_prob 0.8: a gradient of 1 becomes 1.25, not 0.8; a mask of 0 and 1 is as good as a boolean one."""
    mask = np.array([[True, False]])
    np.testing.assert_allclose(dropout_backward([[1, 1]], mask, 0.8), [[1.25, 0]])
    np.testing.assert_allclose(dropout_backward([[1, 1]], mask.astype(int), 0.8), [[1.25, 0]])


@pytest.mark.parametrize(
    ("dA", "mask", "message"),
    [
        (
            np.ones((2, 3)),
            np.ones((3, 2), bool),
            r"dA and mask must have one shape, got \(2, 3\) and \(3, 2\)",
        ),
        (np.ones((2, 3)), np.full((2, 3), 1.25), "mask must hold True and False only, got 1.25"),
        (np.ones(3), np.ones(3, bool), "dA must have 2 axes"),
    ],
)
def test_backward_refuses(dA, mask, message):
    """A mask already divided by keep_prob would be divided twice."""
    with pytest.raises(ValueError, match=message):
        dropout_backward(dA, mask, 0.8)


@given(st.lists(sizes, min_size=1, max_size=12), sizes, st.data(), seeds)
def test_network_agrees_with_loops_over_its_own_masks(hidden_dims, m, data, seed):
    """One to twelve layers: the returned masks explain the returned output, and shapes fit."""
    rng = np.random.default_rng(seed)
    parameters = network(rng, [*hidden_dims, 1])
    L = len(hidden_dims)
    probs = data.draw(st.lists(keep_probs, min_size=L - 1, max_size=L - 1))
    X = rng.normal(size=(hidden_dims[0], m))
    AL, masks = forward_with_dropout(X, parameters, probs, rng)
    assert isinstance(masks, list) and [mask.shape for mask in masks] == [(n, m) for n in hidden_dims[1:]]
    assert all(mask.dtype == bool for mask in masks) and AL.shape == (1, m)
    for i in range(m):
        expected = one_example_by_loops(X[:, i], parameters, [mask[:, i] for mask in masks], probs)
        np.testing.assert_allclose(AL[:, i], expected, rtol=1e-9)


def test_each_layer_keeps_its_own_share_and_draws_its_own_mask():
    """keep_prob per layer, in the order of the layers; layers of one size do not share one mask."""
    rng = np.random.default_rng(3)
    _, masks = forward_with_dropout(
        rng.normal(size=(2, 500)), network(rng, [2, 40, 40, 40, 1]), [0.9, 0.5, 0.5], rng
    )
    assert [mask.mean() for mask in masks] == pytest.approx([0.9, 0.5, 0.5], abs=0.02)
    assert abs(np.corrcoef(masks[1].ravel(), masks[2].ravel())[0, 1]) < 0.05


def test_two_layers_keep_the_mean_of_the_signal():
    """Left unscaled, two layers at 0.8 would pass on 0.64; weights of 1 show it through the logit."""
    parameters = {
        "W1": np.ones((1, 1)),
        "b1": np.zeros((1, 1)),
        "W2": np.ones((1, 1)),
        "b2": np.zeros((1, 1)),
    }
    parameters |= {"W3": np.ones((1, 1)), "b3": np.zeros((1, 1))}
    AL, _ = forward_with_dropout(np.ones((1, 200_000)), parameters, [0.8, 0.8], np.random.default_rng(4))
    signal = np.log(AL / (1 - AL))
    assert signal.mean() == pytest.approx(1, abs=5 * np.sqrt((1 / 0.64 - 1) / 200_000))


@given(st.lists(sizes, min_size=1, max_size=12), sizes, seeds)
def test_prediction_is_the_network_with_everything_kept(hidden_dims, m, seed):
    """Nothing is dropped and nothing scaled at test time, checked unit by unit."""
    rng = np.random.default_rng(seed)
    parameters, X = network(rng, [*hidden_dims, 1]), rng.normal(size=(hidden_dims[0], m))
    everything = [np.ones(n, bool) for n in hidden_dims[1:]]
    predicted = predict(X, parameters)
    assert predicted.dtype == bool and predicted.shape == (1, m)
    for i in range(m):
        [a] = one_example_by_loops(X[:, i], parameters, everything, [1] * len(everything))
        assert predicted[0, i] == (a > 0.5)


@pytest.mark.parametrize(
    ("z", "probability"), [(1e300, 1), (-1e300, 0), (750, 1), (-750, 0), (0, 0.5), (-700, None)]
)
def test_sigmoid_is_quiet_and_right_at_any_size(z, probability):
    """exp(1e300) would overflow; -700 still has a probability of 1e-304, not 0."""
    parameters = {"W1": [[1.0]], "b1": [[0.0]]}
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        AL, masks = forward_with_dropout([[z]], parameters, [], np.random.default_rng(0))
        assert masks == []
        np.testing.assert_allclose(AL, [[expit(z) if probability is None else probability]], rtol=1e-12)
        np.testing.assert_array_equal(predict([[z]], parameters), [[z > 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keep_probs": [0.5]}, "keep_probs must list 2 numbers"),
        ({"keep_probs": [0.5, 0.5, 0.5]}, "keep_probs must list 2 numbers"),
        ({"keep_probs": 0.5}, "keep_probs must list 2 numbers"),
        ({"keep_probs": [0.5, 0]}, r"keep_prob must lie in \(0, 1\], got 0"),
        ({"X": np.ones((4, 5))}, r"X must have shape \(3, 5\), got \(4, 5\)"),
        ({"X": np.ones(3)}, "X must have 2 axes"),
        ({"rng": 5}, "rng must be"),
        ({"parameters": {"W1": np.ones((1, 3))}}, "parameters must have the keys W1, b1"),
    ],
)
def test_network_refuses(change, message):
    """One keep_prob for each hidden layer: none for the input, none for the output."""
    rng = np.random.default_rng(0)
    arguments = {
        "X": np.ones((3, 5)),
        "parameters": network(rng, [3, 4, 4, 1]),
        "keep_probs": [0.5, 0.5],
        "rng": rng,
    }
    with pytest.raises(ValueError, match=message):
        forward_with_dropout(**(arguments | change))


def test_predict_refuses():
    """Two outputs have no single threshold; a missing layer or input row is named."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="b of the last layer must have shape"):
        predict(np.ones((3, 5)), network(rng, [3, 2]))
    with pytest.raises(ValueError, match="X must have shape"):
        predict(np.ones((2, 5)), network(rng, [3, 1]))
    with pytest.raises(ValueError, match="must have the keys"):
        predict(np.ones((3, 5)), {"W1": np.ones((1, 3)), "b2": np.ones((1, 1))})
