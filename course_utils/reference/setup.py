"""Splitting data, telling bias from variance, normalising inputs.

Examples are columns: X has shape (n_x, m). Errors are fractions of examples, not percentages.
"""

import numpy as np

from . import _arguments as check


def split_indices(m, dev_fraction, test_fraction, rng):
    """Deal m examples at random into a training, a dev and a test part.

    Equation::

        n_dev   = round(dev_fraction * m)       halves go to the even number
        n_test  = round(test_fraction * m)
        n_train = m - n_dev - n_test

    Parameters
    ----------
    m : int, m >= 1
        Number of examples.
    dev_fraction, test_fraction : float, 0 <= fraction <= 1
        Dev and test together ask for at most m examples.
    rng : numpy.random.Generator

    Returns
    -------
    train, dev, test : integers, shapes (n_train,), (n_dev,), (n_test,)
        Together 0 to m-1, each part in random order; a part may be empty.

    Raises
    ------
    ValueError
        If an argument is out of range, or dev and test ask for more than m examples.

    Source
    ------
    Ng, Machine Learning Yearning (2018), chapters 5 to 7.
    """
    m = check.whole_number("m", m, minimum=1)
    n_dev = round(check.in_range("dev_fraction", dev_fraction, 0, 1) * m)
    n_test = round(check.in_range("test_fraction", test_fraction, 0, 1) * m)
    if n_dev + n_test > m:
        raise ValueError(f"dev and test must fit into {m} examples, got {n_dev} + {n_test}")
    shuffled = check.generator(rng).permutation(m)
    dev, test, train = np.split(shuffled, [n_dev, n_dev + n_test])
    return train.copy(), dev.copy(), test.copy()


def diagnose(train_error, dev_error, bayes_error=0.0, tolerance=0.02):
    """Name what keeps a model from the best possible error: bias, variance, both or neither.

    Equation::

        high bias      if train_error - bayes_error > tolerance
        high variance  if dev_error - train_error   > tolerance

    Parameters
    ----------
    train_error, dev_error : float, at least 0
        Errors on the training and the dev set.
    bayes_error : float, at least 0
        The lowest error that any model can reach; the error of human experts bounds it from above.
    tolerance : float, at least 0
        The largest gap that is still fine.

    Returns
    -------
    findings : set of str
        Holds "high bias", "high variance", both or nothing.

    Raises
    ------
    ValueError
        If an argument is not a finite number of at least 0.

    Source
    ------
    Ng, Machine Learning Yearning (2018), chapters 20 to 22.
    """
    train_error = check.in_range("train_error", train_error, low=0)
    dev_error = check.in_range("dev_error", dev_error, low=0)
    bayes_error = check.in_range("bayes_error", bayes_error, low=0)
    tolerance = check.in_range("tolerance", tolerance, low=0)
    findings = set()
    if train_error - bayes_error > tolerance:
        findings.add("high bias")
    if dev_error - train_error > tolerance:
        findings.add("high variance")
    return findings


def fit_normalizer(X):
    """Measure the centre and the spread of each feature, on the training set.

    Equation (sums over the m examples)::

        mu    = sum(X) / m
        sigma = sqrt(sum((X - mu)^2) / m), but 1 where all entries of a feature are equal

    Parameters
    ----------
    X : float64, shape (n_x, m)

    Returns
    -------
    mu : float64, shape (n_x, 1)
    sigma : float64, shape (n_x, 1), never 0

    Raises
    ------
    ValueError
        If X is not a matrix of numbers.

    Source
    ------
    LeCun et al., Efficient BackProp (1998), section 4.3.
    """
    X = check.float_array("X", X, ndim=2)
    # The entries decide, not the spread: rounding gives three entries of 0.1 a spread of 1e-17.
    constant = (X == X[:, :1]).all(axis=1, keepdims=True)
    mu = np.where(constant, X[:, :1], X.mean(axis=1, keepdims=True))
    deviation = X - mu
    # Squares of deviations near 1e-200 would vanish; std centres once more, since mu is rounded too.
    reach = np.where(constant, 1.0, np.abs(deviation).max(axis=1, keepdims=True))
    sigma = np.where(constant, 1.0, reach * (deviation / reach).std(axis=1, keepdims=True))
    return mu, sigma


def normalize(X, mu, sigma):
    """Shift and stretch each feature by what `fit_normalizer` measured on the training set.

    Equation::

        X_norm = (X - mu) / sigma

    Parameters
    ----------
    X : float64, shape (n_x, m)
        Examples of any split: all splits share one mu and one sigma.
    mu : float64, shape (n_x, 1)
    sigma : float64, shape (n_x, 1), above 0
        The standard deviation, not the variance.

    Returns
    -------
    X_norm : float64, shape (n_x, m)

    Raises
    ------
    ValueError
        If the shapes do not fit or sigma is not above 0.

    Source
    ------
    LeCun et al., Efficient BackProp (1998), section 4.3.
    """
    X = check.float_array("X", X, ndim=2)
    mu = check.float_array("mu", mu, ndim=2)
    sigma = check.float_array("sigma", sigma, ndim=2)
    check.has_shape("mu", mu, (X.shape[0], 1))
    check.has_shape("sigma", sigma, (X.shape[0], 1))
    if (sigma <= 0).any():
        raise ValueError(f"sigma must be above 0, got {sigma.min()}")
    return (X - mu) / sigma
