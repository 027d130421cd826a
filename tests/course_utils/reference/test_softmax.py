"""Softmax and its loss, reached by SciPy, exact arithmetic, autograd and scikit-learn."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from autograd import elementwise_grad
from autograd import numpy as anp
from autograd.scipy.special import logsumexp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special
from sklearn.metrics import log_loss
from sklearn.preprocessing import label_binarize

from course_utils.reference.softmax import (
    cross_entropy,
    hardmax,
    log_softmax,
    one_hot,
    predict_classes,
    softmax,
    softmax_backward,
    sparse_cross_entropy,
    to_logistic,
)

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 8))
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def scores(size):
    return shapes.flatmap(lambda shape: arrays(float, shape, elements=st.floats(-size, size)))


def exact_log_softmax(column):
    """The logarithms of the softmax of one column in decimal arithmetic with 400 digits."""
    with localcontext() as context:
        context.prec = 400
        z = [Decimal(float(entry)) for entry in column]
        log_sum = sum((entry - max(z)).exp() for entry in z).ln() + max(z)
        return [float(entry - log_sum) for entry in z]


def test_the_column_of_the_lesson():
    """[5, 2, -1, 3] gives 0.842, 0.042, 0.002, 0.114 (and not 0.0042)."""
    assert_allclose(softmax([[5], [2], [-1], [3]])[:, 0], [0.842, 0.042, 0.002, 0.114], atol=5e-4)


@given(Z=scores(600))
def test_softmax_is_scipys_and_sums_to_one(Z):
    """Each column is a distribution of its own."""
    A = softmax(Z)
    assert_allclose(A.sum(axis=0), 1, rtol=1e-12)
    assert_allclose(A, special.softmax(Z, axis=0), rtol=1e-10, atol=1e-300)


@given(Z=scores(50))
def test_log_softmax_is_exact_to_rounding(Z):
    """Against 400-digit decimals, also where the probability is so near 1 that it rounds to 1."""
    expected = np.transpose([exact_log_softmax(column) for column in Z.T])
    assert_allclose(log_softmax(Z), expected, rtol=1e-14)


@given(Z=scores(np.finfo(float).max))
def test_scores_of_any_size_stay_finite(Z):
    """Neither exp nor a difference of two huge scores may overflow, nor warn."""
    A, log_A = softmax(Z), log_softmax(Z)
    assert np.isfinite(log_A).all()
    assert (log_A <= 0).all()
    assert_allclose(A.sum(axis=0), 1, rtol=1e-12)
    assert_allclose(np.exp(log_A), A, rtol=1e-12)


def test_scores_at_the_ends_of_float64():
    """A difference beyond float64 becomes its most negative number; a tie of giants stays a tie."""
    Z = np.array([[1e308, 1e308, -1e308, 1e308], [-1e308, 1e308, -1e308, 9e307]])
    assert_array_equal(softmax(Z), [[1, 0.5, 0.5, 1], [0, 0.5, 0.5, 0]])
    half, lowest = -np.log(2), -np.finfo(float).max
    assert_allclose(log_softmax(Z), [[0, half, half, 0], [lowest, half, half, -1e307]], rtol=1e-14)


def test_tiny_tail_of_a_near_certain_class():
    """log(1 / (1 + e^-40)) is -e^-40, not 0."""
    assert_allclose(log_softmax([[0.0], [-40.0]])[:, 0], [-np.exp(-40), -40], rtol=1e-14)


@given(Z=scores(300), shift=st.integers(-1000, 1000))
def test_a_constant_added_to_a_column_changes_nothing(Z, shift):
    """Only differences of scores matter."""
    whole = np.round(Z)
    assert_array_equal(softmax(whole + shift), softmax(whole))
    assert_array_equal(log_softmax(whole + shift), log_softmax(whole))


@pytest.mark.parametrize("dtype", [*INTEGERS, np.float16, np.float32, bool])
def test_number_types_do_not_wrap_around(dtype):
    """Unsigned scores must not underflow where the largest is taken away."""
    Z = np.array([[0, 1, 100], [1, 0, 127]]).astype(dtype)
    floats = Z.astype(float)
    for function in (softmax, log_softmax, hardmax, predict_classes):
        assert_array_equal(function(Z), function(floats))


# Hardmax, labels and prediction


@given(Z=shapes.flatmap(lambda shape: arrays(np.int64, shape, elements=st.integers(-2, 2))))
def test_hardmax_marks_the_first_largest(Z):
    """Ties are common among these scores: the first row wins, in hardmax and in the prediction."""
    firsts = [column.tolist().index(max(column)) for column in Z.T]
    H = hardmax(Z)
    assert predict_classes(Z).tolist() == firsts
    assert predict_classes(Z).dtype.kind == "i"
    assert H.dtype == np.float64
    assert H.sum() == Z.shape[1]
    assert all(H[row, column] == 1 for column, row in enumerate(firsts))


def test_hardmax_sees_whole_numbers_that_float64_cannot_tell_apart():
    """2^53 and 2^53 + 1 are one float64."""
    assert predict_classes(np.array([[2**53], [2**53 + 1]])).tolist() == [1]


@given(Z=scores(700))
def test_softmax_keeps_the_winner(Z):
    """Scores and probabilities predict the same class, up to ties that rounding makes."""
    A = softmax(Z)
    winners = predict_classes(Z)
    assert_array_equal(A[winners, np.arange(Z.shape[1])], A.max(axis=0))


@pytest.mark.parametrize("dtype", [*INTEGERS, float, np.float32])
def test_one_hot_is_scikit_learns_for_any_number_type(dtype):
    """Labels read from a file often come as floats or small integers."""
    labels = np.array([2, 0, 3, 3, 1, 0])
    expected = label_binarize(labels, classes=range(4)).T
    assert_array_equal(one_hot(labels.astype(dtype), 4), expected)
    assert one_hot(labels.astype(dtype), np.int64(4)).dtype == np.float64


@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=20), spare=st.integers(0, 3))
def test_one_hot_is_undone_by_the_prediction(labels, spare):
    """Every class comes back, also where some class never occurs or there is only one."""
    n_classes = max(labels) + 1 + spare
    Y = one_hot(labels, n_classes)
    assert Y.shape == (n_classes, len(labels))
    assert predict_classes(Y).tolist() == labels
    assert_array_equal(Y.sum(axis=0), 1)


# Loss and gradient


def test_costs_by_hand():
    """A true class given 0.2 costs 1.609, more than guessing one of four, 1.386; the cost is a mean."""
    A = np.array([[0.2, 0.25], [0.5, 0.25], [0.2, 0.25], [0.1, 0.25]])
    assert_allclose(cross_entropy(A[:, :1], one_hot([0], 4)), 1.609, atol=5e-4)
    assert_allclose(cross_entropy(A[:, 1:], one_hot([0], 4)), 1.386, atol=5e-4)
    assert_allclose(sparse_cross_entropy(A, [0, 3]), (1.6094 + 1.3863) / 2, atol=5e-5)


@given(C=st.integers(2, 6), m=st.integers(1, 8), seed=seeds)
def test_cost_is_scikit_learns_log_loss(C, m, seed):
    """One-hot and integer labels give the same average surprise."""
    rng = np.random.default_rng(seed)
    A, labels = softmax(rng.normal(scale=3, size=(C, m))), rng.integers(C, size=m)
    expected = log_loss(labels, A.T, labels=range(C))
    assert_allclose(cross_entropy(A, one_hot(labels, C)), expected, rtol=1e-9)
    assert_allclose(sparse_cross_entropy(A, labels), expected, rtol=1e-9)


@given(m=st.integers(1, 8), seed=seeds)
def test_cost_of_soft_labels_is_entropy_plus_divergence(m, seed):
    """With labels that are distributions, SciPy's entropy and Kullback-Leibler divergence add up to it."""
    rng = np.random.default_rng(seed)
    A, Y = softmax(rng.normal(size=(4, m))), softmax(rng.normal(size=(4, m)))
    expected = np.mean([special.entr(Y).sum(axis=0) + special.rel_entr(Y, A).sum(axis=0)])
    assert_allclose(cross_entropy(A, Y), expected, rtol=1e-9)


def test_zero_probability_of_a_wrong_class_is_free_and_tiny_ones_are_not_clipped():
    """0 log 0 is 0, and log(1e-300) is -690.8 although clipping at 1e-15 would say -34.5."""
    assert cross_entropy([[0.0, 1.0], [1.0, 0.0]], [[0, 1], [1, 0]]) == 0
    assert_allclose(cross_entropy([[1e-300], [1.0]], [[1], [0]]), 300 * np.log(10), rtol=1e-14)
    assert_allclose(sparse_cross_entropy([[1e-300], [1.0]], [0]), 300 * np.log(10), rtol=1e-14)
    assert sparse_cross_entropy([[0.0], [1.0]], [1]) == 0


@pytest.mark.parametrize("dtype", [*INTEGERS, float, np.float32])
def test_labels_of_any_number_type_cost_the_same(dtype):
    """The type of a label says nothing about its class."""
    A, labels = softmax(np.arange(12.0).reshape(3, 4) % 5), np.array([2, 0, 1, 1])
    Y = one_hot(labels, 3)
    assert cross_entropy(A, Y.astype(dtype)) == cross_entropy(A, Y)
    assert sparse_cross_entropy(A, labels.astype(dtype)) == sparse_cross_entropy(A, labels)
    assert_array_equal(softmax_backward(A, Y.astype(dtype)), softmax_backward(A, Y))


@given(C=st.integers(1, 6), m=st.integers(1, 8), seed=seeds)
def test_gradient_is_autograds(C, m, seed):
    """A - Y is the derivative of the summed, not the averaged, loss with respect to the scores."""
    rng = np.random.default_rng(seed)
    Z, Y = rng.normal(scale=2, size=(C, m)), one_hot(rng.integers(C, size=m), C)
    expected = elementwise_grad(lambda Z: anp.sum(logsumexp(Z, axis=0)) - anp.sum(Y * Z))(Z)
    assert_allclose(softmax_backward(softmax(Z), Y), expected, rtol=1e-8, atol=1e-10)


@given(n=st.integers(1, 5), m=st.integers(1, 6), seed=seeds)
def test_two_classes_are_logistic_regression(n, m, seed):
    """Class 1's probability is a sigmoid of the difference of the scores."""
    rng = np.random.default_rng(seed)
    W, b, X = rng.normal(size=(2, n)), rng.normal(size=(2, 1)), rng.normal(size=(n, m))
    w, c = to_logistic(W, b)
    assert w.shape == (1, n)
    assert c.shape == (1, 1)
    assert_allclose(special.expit(w @ X + c)[0], softmax(W @ X + b)[1], rtol=1e-10)


def test_to_logistic_of_unsigned_integers():
    """1 - 2 is -1 also where the weights came as uint8."""
    w, c = to_logistic(np.array([[2, 0], [1, 7]], np.uint8), np.array([[3], [1]], np.uint8))
    assert_array_equal(w, [[-1, 7]])
    assert_array_equal(c, [[-2]])


A43, EYE = np.full((4, 3), 0.25), np.eye(4)[:, :3]
BAD_CALLS = {
    "flat scores": (softmax, (np.ones(3),)),
    "infinite score": (softmax, (np.array([[np.inf], [0.0]]),)),
    "NaN score": (log_softmax, (np.array([[np.nan], [0.0]]),)),
    "no examples": (log_softmax, (np.ones((3, 0)),)),
    "hardmax of words": (hardmax, ([["a"], ["b"]],)),
    "hardmax of NaN": (hardmax, ([[np.nan], [1.0]],)),
    "label above the classes": (one_hot, ([0, 4], 4)),
    "labels from 1, or below 0": (one_hot, ([-1, 0], 4)),
    "half a class": (one_hot, ([0.5], 4)),
    "labels in a row": (one_hot, (np.zeros((1, 3), int), 4)),
    "no classes": (one_hot, ([0], 0)),
    "true class given 0": (cross_entropy, ([[0.0], [1.0]], [[1], [0]])),
    "negative probability": (cross_entropy, ([[-0.1], [1.1]], [[0], [1]])),
    "integers for one-hot labels": (cross_entropy, (A43, np.array([[0, 1, 2]]))),
    "too few labels": (sparse_cross_entropy, (A43, [0, 1])),
    "unknown label": (sparse_cross_entropy, (A43, [0, 1, 4])),
    "true label given 0": (sparse_cross_entropy, ([[0.0], [1.0]], [0])),
    "gradient of another shape": (softmax_backward, (A43, EYE[:, :1])),
    "prediction of a flat array": (predict_classes, (np.ones(3),)),
    "three classes": (to_logistic, (np.ones((3, 2)), np.ones((3, 1)))),
    "flat bias": (to_logistic, (np.ones((2, 2)), np.ones(2))),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_arguments_are_named(call):
    """A wrong argument stops with what came, never with a wrong number."""
    function, arguments = BAD_CALLS[call]
    with pytest.raises(ValueError, match="must"):
        function(*arguments)
