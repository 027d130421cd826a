"""Inverted dropout: what is kept is scaled up in training, so that prediction needs no scaling.

Examples are columns. keep_prob is the probability of keeping an entry, not of dropping it.
"""

import numpy as np

from . import _arguments as check


def dropout_forward(A, keep_prob, rng):
    """Silence random units in training without moving the expected activation.

    Equation (every operation element by element)::

        mask      = 1 with probability keep_prob, else 0
        A_dropped = A * mask / keep_prob

    Parameters
    ----------
    A : float64, shape (n, m)
        Activations; units in rows, examples in columns.
    keep_prob : float, 0 < keep_prob <= 1
        Probability of keeping an entry.
    rng : numpy.random.Generator

    Returns
    -------
    A_dropped : float64, shape (n, m)
    mask : bool, shape (n, m), True where kept; backward needs it

    Raises
    ------
    ValueError
        If A is not a matrix or keep_prob is not in (0, 1].

    Source
    ------
    Srivastava et al., JMLR 15 (2014), section 10, in its inverted form.
    """
    A = check.float_array("A", A, ndim=2)
    keep_prob = check.in_range("keep_prob", keep_prob, 0, 1, low_open=True)
    mask = check.generator(rng).random(A.shape) < keep_prob
    return A * mask / keep_prob, mask


def dropout_backward(dA, mask, keep_prob):
    """Send the gradient back through the entries that were kept.

    Equation (every operation element by element)::

        dA_in = dA * mask / keep_prob

    Parameters
    ----------
    dA : float64, shape (n, m)
        Gradient with respect to the output of the dropout.
    mask : bool, shape (n, m)
        The mask of the forward pass, True where kept.
    keep_prob : float, 0 < keep_prob <= 1
        Probability of keeping an entry.

    Returns
    -------
    dA_in : float64, shape (n, m)
        Gradient with respect to the input of the dropout.

    Raises
    ------
    ValueError
        If the shapes differ, mask holds more than 0 and 1, or keep_prob is not in (0, 1].

    Source
    ------
    Srivastava et al., JMLR 15 (2014), section 5.1, in its inverted form.
    """
    dA = check.float_array("dA", dA, ndim=2)
    mask = check.float_array("mask", mask, ndim=2)
    check.same_shape("dA", dA, "mask", mask)
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(f"mask must hold True and False only, got {mask[~np.isin(mask, (0, 1))][0]}")
    keep_prob = check.in_range("keep_prob", keep_prob, 0, 1, low_open=True)
    return dA * mask / keep_prob


def forward_with_dropout(X, parameters, keep_probs, rng):
    """Run a network in training: dropout after every hidden layer, never on input or output.

    Equation (A[0] = X, hidden layers l = 1 to L-1)::

        A[l], mask[l] = dropout_forward(relu(W[l] A[l-1] + b[l]), keep_probs[l-1], rng)
        AL            = sigmoid(W[L] A[L-1] + b[L])

    Parameters
    ----------
    X : float64, shape (n[0], m)
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
    keep_probs : list of L-1 floats, 0 < keep_prob <= 1
        One for each hidden layer.
    rng : numpy.random.Generator

    Returns
    -------
    AL : float64, shape (n[L], m)
    masks : list of L-1 bool arrays, shapes (n[l], m)

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, or keep_probs has the wrong length or range.

    Source
    ------
    Srivastava et al., JMLR 15 (2014), section 4, in its inverted form.
    """
    A, (*hidden, (W_last, b_last)) = check.network(X, parameters)
    check.generator(rng)
    if np.shape(keep_probs) != (len(hidden),):
        raise ValueError(
            f"keep_probs must list {len(hidden)} numbers, one a hidden layer, got {keep_probs!r}"
        )
    masks = []
    for (W, b), keep_prob in zip(hidden, keep_probs, strict=True):
        A, mask = dropout_forward(_relu(W @ A + b), keep_prob, rng)
        masks.append(mask)
    return _sigmoid(W_last @ A + b_last), masks


def predict(X, parameters):
    """Answer with the whole network: nothing dropped, nothing scaled.

    Equation (A[0] = X, hidden layers l = 1 to L-1)::

        A[l] = relu(W[l] A[l-1] + b[l])
        AL   = sigmoid(W[L] A[L-1] + b[L])
        prediction = AL > 0.5

    Parameters
    ----------
    X : float64, shape (n[0], m)
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1), n[L] = 1

    Returns
    -------
    prediction : bool, shape (1, m)

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, or the last layer has more than one unit.

    Source
    ------
    Srivastava et al., JMLR 15 (2014), section 4; inverted dropout leaves the weights as they are.
    """
    A, (*hidden, (W_last, b_last)) = check.network(X, parameters)
    check.has_shape("b of the last layer", b_last, (1, 1))
    for W, b in hidden:
        A = _relu(W @ A + b)
    return _sigmoid(W_last @ A + b_last) > 0.5


def _relu(Z):
    return np.maximum(Z, 0)


def _sigmoid(Z):
    # exp only ever sees numbers up to 0, so it cannot overflow.
    small = np.exp(-np.abs(Z))
    return np.where(Z >= 0, 1, small) / (1 + small)
