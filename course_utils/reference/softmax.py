"""Softmax over C classes: scores to probabilities, labels, the loss and its gradient.

Z and A are (C, m): one row a class, one column an example. Classes count from 0.
"""

import numpy as np

from course_utils.reference._arguments import float_array, has_shape, same_shape, whole_number


def softmax(Z):
    """Turn the scores of each example into probabilities.

    Equation, for each column; taking the largest score away changes nothing but the size of exp::

        t = exp(Z - max(Z))
        A = t / sum(t)

    Parameters
    ----------
    Z : float64, shape (C, m)
        Scores of any finite size.

    Returns
    -------
    A : float64, shape (C, m), columns sum to 1

    Raises
    ------
    ValueError
        If Z is not 2-D or holds NaN or infinity.

    Source
    ------
    Blanchard, Higham and Higham, IMA J. Numer. Anal. 41 (2021), on the shifted form.
    """
    t = np.exp(_distance_to_largest(Z))
    return t / t.sum(axis=0, keepdims=True)


def log_softmax(Z):
    """Take the logarithm of the softmax without passing through probabilities that round to 0 or 1.

    Equation, for each column::

        log A = Z - max(Z) - log(sum(exp(Z - max(Z))))

    A logarithm below the most negative float64 is returned as that number.

    Parameters
    ----------
    Z : float64, shape (C, m)
        Scores of any finite size.

    Returns
    -------
    log_A : float64, shape (C, m), finite

    Raises
    ------
    ValueError
        If Z is not 2-D or holds NaN or infinity.

    Source
    ------
    Blanchard, Higham and Higham, IMA J. Numer. Anal. 41 (2021), on the shifted form with log1p.
    """
    distance = _distance_to_largest(Z)
    # The largest score adds exactly 1 to the sum: log1p of the others keeps what 1 + 1e-20 would lose.
    others = np.exp(distance) - hardmax(distance)
    return distance - np.log1p(others.sum(axis=0, keepdims=True))


def hardmax(Z):
    """Put a 1 at the largest score of each example and 0 elsewhere; of equal ones the first wins.

    Equation::

        H[k, i] = 1 if k is the first row with the largest Z[k, i], else 0

    Parameters
    ----------
    Z : any real number type, shape (C, m)

    Returns
    -------
    H : float64, shape (C, m)

    Raises
    ------
    ValueError
        If Z is not 2-D or holds NaN.
    """
    return one_hot(predict_classes(Z), len(Z))


def one_hot(labels, n_classes):
    """Write each class as a column with a single 1 in the row of that class.

    Equation::

        Y[k, i] = 1 if labels[i] == k else 0

    Parameters
    ----------
    labels : whole numbers of any number type, shape (m,)
        Classes, 0 ... n_classes - 1.
    n_classes : int, at least 1

    Returns
    -------
    Y : float64, shape (n_classes, m)

    Raises
    ------
    ValueError
        If a label is not whole or not a class.
    """
    n_classes = whole_number("n_classes", n_classes, minimum=1)
    labels = _class_labels(labels, n_classes)
    classes = np.arange(n_classes).reshape(-1, 1)
    return (classes == labels).astype(np.float64)


def cross_entropy(A, Y):
    """Average over the examples how surprising the true classes are.

    Equation, with 0 log 0 = 0::

        cost = -1/m * sum(Y * log(A))

    Parameters
    ----------
    A : float64, shape (C, m)
        Probabilities, above 0 wherever Y is not 0.
    Y : float64, shape (C, m)
        One-hot labels, or probabilities of the classes.

    Returns
    -------
    cost : float

    Raises
    ------
    ValueError
        If shapes differ, an entry is negative or A is 0 where Y is not.
    """
    A, Y = _same_shaped(A, Y)
    true = Y != 0
    if not ((A >= 0).all() and (Y >= 0).all() and (A[true] > 0).all()):
        raise ValueError(
            "A and Y must not be negative, and A must be above 0 where Y is not 0, "
            f"got entries down to {A.min()} and {Y.min()}, and {A[true].min(initial=np.inf)} where Y is not 0"
        )
    m = A.shape[1]
    return float(-np.sum(Y[true] * np.log(A[true])) / m)


def sparse_cross_entropy(A, labels):
    """Average over the examples how surprising the true classes are, with classes as integers.

    Equation::

        cost = -1/m * sum over i of log(A[labels[i], i])

    Parameters
    ----------
    A : float64, shape (C, m)
        Probabilities, above 0 at the true classes.
    labels : whole numbers of any number type, shape (m,)
        Classes, 0 ... C - 1.

    Returns
    -------
    cost : float

    Raises
    ------
    ValueError
        If there is not one label an example, a label is not a class, or A is not above 0 there.
    """
    A = float_array("A", A, ndim=2)
    C, m = A.shape
    labels = _class_labels(labels, C)
    has_shape("labels", labels, (m,))
    of_true_class = A[labels, np.arange(m)]
    if not (of_true_class > 0).all():
        raise ValueError(f"A must be above 0 at the true classes, got {of_true_class.min()}")
    return float(-np.sum(np.log(of_true_class)) / m)


def softmax_backward(A, Y):
    """Differentiate the loss of each example with respect to its scores.

    Equation, for columns of Y that sum to 1; not divided by m::

        dZ = A - Y

    Parameters
    ----------
    A : float64, shape (C, m)
        The softmax of the scores.
    Y : float64, shape (C, m)
        One-hot labels.

    Returns
    -------
    dZ : float64, shape (C, m)

    Raises
    ------
    ValueError
        If shapes differ.
    """
    A, Y = _same_shaped(A, Y)
    return A - Y


def predict_classes(Z):
    """Choose the class with the largest score for each example; of equal ones the first.

    Equation::

        classes[i] = first k with the largest Z[k, i]

    Parameters
    ----------
    Z : any real number type, shape (C, m)
        Scores or probabilities.

    Returns
    -------
    classes : int64, shape (m,)

    Raises
    ------
    ValueError
        If Z is not 2-D or holds NaN.
    """
    if np.isnan(float_array("Z", Z, ndim=2)).any():
        raise ValueError("Z must hold numbers that can be compared, got NaN")
    return np.asarray(Z).argmax(axis=0)


def to_logistic(W, b):
    """Turn a softmax layer with two classes into the logistic regression that it is.

    Equation::

        e^z1 / (e^z0 + e^z1) = sigmoid(z1 - z0)
        w = W[1] - W[0]
        c = b[1] - b[0]

    Parameters
    ----------
    W : float64, shape (2, n)
    b : float64, shape (2, 1)

    Returns
    -------
    w : float64, shape (1, n)
    c : float64, shape (1, 1)

    Raises
    ------
    ValueError
        If W or b does not have two rows, one a class.
    """
    W, b = float_array("W", W, ndim=2), float_array("b", b, ndim=2)
    has_shape("W", W, (2, W.shape[1]))
    has_shape("b", b, (2, 1))
    return W[1:] - W[:1], b[1:] - b[:1]


def _distance_to_largest(Z):
    """Return Z minus the largest entry of its column, finite even where the difference overflows."""
    Z = float_array("Z", Z, ndim=2)
    if not np.isfinite(Z).all():
        raise ValueError(f"Z must hold finite scores, got entries from {Z.min()} to {Z.max()}")
    with np.errstate(over="ignore"):
        distance = Z - Z.max(axis=0, keepdims=True)
    return np.maximum(distance, -np.finfo(np.float64).max)


def _class_labels(labels, n_classes):
    labels = float_array("labels", labels, ndim=1)
    if not ((labels == np.floor(labels)) & (0 <= labels) & (labels < n_classes)).all():
        raise ValueError(f"labels must be whole numbers from 0 to {n_classes - 1}, got {labels}")
    return labels.astype(np.int64)


def _same_shaped(A, Y):
    A, Y = float_array("A", A, ndim=2), float_array("Y", Y, ndim=2)
    same_shape("A", A, "Y", Y)
    return A, Y
