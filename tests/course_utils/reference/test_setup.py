import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.preprocessing import StandardScaler

from course_utils.reference.setup import diagnose, fit_normalizer, normalize, split_indices

shapes = st.tuples(st.integers(1, 6), st.integers(1, 9))
seeds = st.integers(0, 2**32 - 1)


@given(st.integers(1, 300), st.floats(0, 0.5), st.floats(0, 0.4), seeds)
def test_split_deals_every_example_to_exactly_one_part(m, dev_fraction, test_fraction, seed):
    """An example in two parts would leak; one in none would be lost."""
    n_dev, n_test = round(dev_fraction * m), round(test_fraction * m)
    parts = split_indices(m, dev_fraction, test_fraction, np.random.default_rng(seed))
    assert [part.size for part in parts] == [m - n_dev - n_test, n_dev, n_test]
    assert all(np.issubdtype(part.dtype, np.integer) and part.ndim == 1 for part in parts)
    assert sorted(np.concatenate(parts)) == list(range(m))


def test_split_of_a_million_rows():
    """98/1/1 of 1,000,000: ten thousand rows are enough for dev and for test."""
    parts = split_indices(1_000_000, 0.01, 0.01, np.random.default_rng(0))
    assert [part.size for part in parts] == [980_000, 10_000, 10_000]


@pytest.mark.parametrize(
    ("m", "dev", "test", "sizes"),
    [
        (1, 0, 0, [1, 0, 0]),
        (1, 1, 0, [0, 1, 0]),
        (1, 0.5, 0.5, [1, 0, 0]),
        (5, 0.5, 0.1, [3, 2, 0]),
        (10, 0.7, 0.3, [0, 7, 3]),
    ],
)
def test_split_rounds_halves_to_the_even_number(m, dev, test, sizes):
    """Python's round: 0.5 goes to 0 and 2.5 to 2; an empty part is a part."""
    assert [part.size for part in split_indices(m, dev, test, np.random.default_rng(0))] == sizes


def test_split_shuffles_each_part():
    """Every example is as likely to land in dev at the first place as at the last: chi-square test."""
    rng = np.random.default_rng(1)
    splits = [split_indices(6, 1 / 3, 1 / 3, rng) for _ in range(3000)]
    for part in range(3):
        for place in range(2):
            counts = np.bincount([split[part][place] for split in splits], minlength=6)
            assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.2, 0.2), "m must be at least 1, got 0"),
        ((10.0, 0.2, 0.2), "m must be an integer, got float 10.0"),
        ((True, 0.2, 0.2), "m must be an integer"),
        ((10, -0.1, 0.2), r"dev_fraction must lie in \[0, 1\], got -0.1"),
        ((10, 0.2, 1.1), "test_fraction must lie in"),
        ((10, 0.2, np.nan), "test_fraction must lie in"),
        ((10, "0.2", 0.2), "dev_fraction must be a real number"),
        ((10, 0.6, 0.6), r"must fit into 10 examples, got 6 \+ 6"),
        ((3, 0.5, 0.5), r"must fit into 3 examples, got 2 \+ 2"),
    ],
)
def test_split_refuses(arguments, message):
    """Parts that cannot be dealt are named, not silently cut."""
    with pytest.raises(ValueError, match=message):
        split_indices(*arguments, np.random.default_rng(0))


@pytest.mark.parametrize("rng", [None, 3, np.random, np.random.mtrand.RandomState(0)])
def test_split_wants_a_generator(rng):
    """The legacy generator and the module np.random are not what the contract hands over."""
    with pytest.raises(ValueError, match=r"rng must be a numpy\.random\.Generator"):
        split_indices(10, 0.2, 0.2, rng)


@pytest.mark.parametrize(
    ("train", "dev", "bayes", "expected"),
    [
        (0.01, 0.11, 0.0, {"high variance"}),
        (0.15, 0.16, 0.0, {"high bias"}),
        (0.15, 0.16, 0.15, set()),
        (0.15, 0.30, 0.0, {"high bias", "high variance"}),
        (0.005, 0.01, 0.0, set()),
        (0.30, 0.10, 0.25, {"high bias"}),
    ],
)
def test_diagnose_reads_the_four_error_patterns(train, dev, bayes, expected):
    """Both errors high and close means high bias alone, and only measured against the Bayes error."""
    assert diagnose(train, dev, bayes) == expected
    assert type(diagnose(train, dev, bayes)) is set


def test_diagnose_measures_gaps_against_the_tolerance():
    """The same errors are fine or not, as the tolerance says."""
    assert diagnose(0.05, 0.10, tolerance=0.06) == set()
    assert diagnose(0.05, 0.10, tolerance=0) == {"high bias", "high variance"}


@pytest.mark.parametrize("name", ["train_error", "dev_error", "bayes_error", "tolerance"])
@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, None, [0.1]])
def test_diagnose_refuses(name, value):
    """An error rate is a number of at least 0."""
    with pytest.raises(ValueError, match=name):
        diagnose(**({"train_error": 0.1, "dev_error": 0.1} | {name: value}))


@given(shapes, seeds)
def test_normalizer_agrees_with_scikit_learn(shape, seed):
    """StandardScaler, too, takes the population's deviation and leaves a constant feature alone."""
    X = np.random.default_rng(seed).normal(3, 10, size=shape)
    scaler = StandardScaler().fit(X.T)
    mu, sigma = fit_normalizer(X)
    assert mu.shape == sigma.shape == (shape[0], 1)
    np.testing.assert_allclose(mu[:, 0], scaler.mean_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(sigma[:, 0], scaler.scale_, rtol=1e-12)
    np.testing.assert_allclose(normalize(X, mu, sigma), scaler.transform(X.T).T, rtol=1e-9, atol=1e-12)


@given(st.floats(-1e12, 1e12), st.integers(1, 50))
def test_a_feature_of_equal_entries_gets_sigma_one_and_becomes_zero(value, m):
    """m times 0.1 has a computed spread of 1e-17, which would blow rounding up to size 1."""
    mu, sigma = fit_normalizer(np.full((1, m), value))
    assert sigma == 1 and mu == value


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e8, -3e15])
@pytest.mark.parametrize("spread", [1e-6, 1.0, 1e3])
def test_a_small_but_real_spread_is_kept(offset, spread):
    """On a large offset the entries still differ: their spread counts, computed here in exact fractions."""
    from fractions import Fraction

    X = offset + spread * np.array([[-1.0, 0.5, 2.0, 1.0, 0.0]])
    if (X == X[0, 0]).all():
        assert fit_normalizer(X)[1] == 1
        return
    entries = [Fraction(x) for x in X[0]]
    mean = sum(entries) / len(entries)
    variance = sum((entry - mean) ** 2 for entry in entries) / len(entries)
    mu, sigma = fit_normalizer(X)
    np.testing.assert_allclose(sigma[0, 0], float(variance) ** 0.5, rtol=1e-12)
    np.testing.assert_allclose(mu[0, 0], float(mean), rtol=1e-12, atol=1e-12 * spread)


def test_a_spread_too_small_to_be_squared_is_kept():
    """1e-200 squared is 0 in float64, and a sigma of 0 would divide by zero."""
    _, sigma = fit_normalizer([[0.0, 2e-200], [0.1, np.nextafter(0.1, 1)]])
    assert sigma[0, 0] == pytest.approx(1e-200, rel=1e-9, abs=0)
    assert 0 < sigma[1, 0] < 1e-16


def test_dividing_by_sigma_not_by_its_square():
    """With sigma 10, sigma leaves a spread of 1.000; sigma squared would leave 0.100."""
    X = np.array([[-10.0, 10.0]]) + 5
    mu, sigma = fit_normalizer(X)
    np.testing.assert_allclose([mu, sigma], [[[5.0]], [[10.0]]])
    np.testing.assert_allclose(normalize(X, mu, sigma), [[-1.0, 1.0]])


def test_normalize_uses_what_it_is_given():
    """The test set is moved by the training set's numbers, and keeps its own mean."""
    np.testing.assert_array_equal(normalize([[7, 9]], [[5]], [[2]]), [[1.0, 2.0]])


@pytest.mark.parametrize(
    "X", [[1.0, 2.0], np.ones((2, 0)), [["a"]], [[1.0], [1.0, 2.0]], [[1j]], 3.0, np.ones((2, 2, 2))]
)
def test_fit_normalizer_refuses(X):
    """Examples are columns of a matrix of real numbers."""
    with pytest.raises(ValueError, match="X must"):
        fit_normalizer(X)


@pytest.mark.parametrize(
    ("mu", "sigma", "message"),
    [
        (np.zeros(2), np.ones((2, 1)), r"mu must have 2 axes, got shape \(2,\)"),
        (np.zeros((3, 1)), np.ones((2, 1)), r"mu must have shape \(2, 1\), got \(3, 1\)"),
        (np.zeros((2, 1)), np.ones((1, 2)), "sigma must have shape"),
        (np.zeros((2, 1)), np.zeros((2, 1)), "sigma must be above 0, got 0.0"),
    ],
)
def test_normalize_refuses(mu, sigma, message):
    """Broadcasting would accept a row for a column and give numbers without meaning."""
    with pytest.raises(ValueError, match=message):
        normalize(np.ones((2, 4)), mu, sigma)
