"""L2, L1, weight decay, early stopping and augmentation.

Examples are columns. `parameters` maps W1, b1, ..., WL, bL to arrays; penalties are on the weights W,
never on the biases b. Costs and their gradients are averages over m examples.
"""

import numpy as np

from . import _arguments as check


def l2_cost(cross_entropy_cost, parameters, lambd, m):
    """Add to the cost what large weights cost.

    Equation (sum over all entries of all layers' W)::

        J = cross_entropy_cost + lambd / (2 m) * sum(W^2)

    Parameters
    ----------
    cross_entropy_cost : float
        The average over m examples.
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
    lambd : float, at least 0
        Strength of the penalty.
    m : int, m >= 1
        Number of examples.

    Returns
    -------
    J : float

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, or lambd or m is out of range.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1.1, with lambd / m for alpha.
    """
    cost = check.number("cross_entropy_cost", cross_entropy_cost)
    lambd = check.in_range("lambd", lambd, low=0)
    m = check.whole_number("m", m, minimum=1)
    penalty = sum((W**2).sum() for W, _ in check.layers(parameters))
    return cost + lambd / (2 * m) * penalty


def linear_backward_l2(dZ, A_prev, W, lambd):
    """Send the gradient of a penalised cost back through one linear layer Z = W A_prev + b.

    Equation (the sum is over the examples)::

        dW      = (dZ A_prev^T + lambd W) / m
        db      = sum(dZ) / m
        dA_prev = W^T dZ

    Parameters
    ----------
    dZ : float64, shape (n, m)
        Gradient of each example's loss, not yet averaged.
    A_prev : float64, shape (n_prev, m)
    W : float64, shape (n, n_prev)
    lambd : float, at least 0

    Returns
    -------
    dA_prev : float64, shape (n_prev, m)
    dW : float64, shape (n, n_prev)
    db : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If the shapes do not fit or lambd is negative.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), algorithm 6.4, with the L2 term of 7.1.1.
    """
    dZ = check.float_array("dZ", dZ, ndim=2)
    A_prev = check.float_array("A_prev", A_prev, ndim=2)
    W = check.float_array("W", W, ndim=2)
    lambd = check.in_range("lambd", lambd, low=0)
    (n, m), n_prev = dZ.shape, A_prev.shape[0]
    check.has_shape("A_prev", A_prev, (n_prev, m))
    check.has_shape("W", W, (n, n_prev))
    dW = (dZ @ A_prev.T + lambd * W) / m
    db = dZ.sum(axis=1, keepdims=True) / m
    dA_prev = W.T @ dZ
    return dA_prev, dW, db


def weight_decay_update(W, dW, learning_rate, lambd, m):
    """Take the step of L2 regularisation, written as a shrinking of the weights.

    Equation::

        W_new = (1 - learning_rate * lambd / m) W - learning_rate * dW

    Parameters
    ----------
    W : float64, shape (n, n_prev)
    dW : float64, shape (n, n_prev)
        Gradient of the cost without the penalty.
    learning_rate : float, at least 0
    lambd : float, at least 0
    m : int, m >= 1
        Number of examples.

    Returns
    -------
    W_new : float64, shape (n, n_prev)

    Raises
    ------
    ValueError
        If the shapes differ or a number is out of range.

    Source
    ------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), proposition 1.
    """
    W = check.float_array("W", W, ndim=2)
    dW = check.float_array("dW", dW, ndim=2)
    check.same_shape("W", W, "dW", dW)
    learning_rate = check.in_range("learning_rate", learning_rate, low=0)
    lambd = check.in_range("lambd", lambd, low=0)
    m = check.whole_number("m", m, minimum=1)
    return (1 - learning_rate * lambd / m) * W - learning_rate * dW


def l1_cost(cross_entropy_cost, parameters, lambd, m):
    """Add to the cost what every weight costs that is not zero.

    Equation (sum over all entries of all layers' W)::

        J = cross_entropy_cost + lambd / (2 m) * sum(|W|)

    Parameters
    ----------
    cross_entropy_cost : float
        The average over m examples.
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
    lambd : float, at least 0
        Strength of the penalty.
    m : int, m >= 1
        Number of examples.

    Returns
    -------
    J : float

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, or lambd or m is out of range.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 7.1.2, with lambd / (2 m) for alpha.
    """
    cost = check.number("cross_entropy_cost", cross_entropy_cost)
    lambd = check.in_range("lambd", lambd, low=0)
    m = check.whole_number("m", m, minimum=1)
    penalty = sum(np.abs(W).sum() for W, _ in check.layers(parameters))
    return cost + lambd / (2 * m) * penalty


def early_stopping(dev_costs, patience):
    """Find the epoch to go back to, and the epoch at which waiting for a better one ends.

    Equation::

        best_epoch = first epoch with the lowest cost up to stop_epoch
        stop_epoch = best_epoch + patience, or the last epoch if the costs end before

    Parameters
    ----------
    dev_costs : float64, shape (T,), T >= 1
        Cost on the dev set after each epoch; a NaN is worse than any number.
    patience : int, at least 1
        How many epochs in a row may pass without a new strict minimum.

    Returns
    -------
    best_epoch : int, from 0
    stop_epoch : int, from 0

    Raises
    ------
    ValueError
        If there is no cost or patience is not a whole number of at least 1.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), algorithm 7.1, evaluated every epoch.
    """
    dev_costs = check.float_array("dev_costs", dev_costs, ndim=1)
    patience = check.whole_number("patience", patience, minimum=1)
    best_epoch = 0
    for epoch, cost in enumerate(dev_costs):
        best_cost = dev_costs[best_epoch]
        if cost < best_cost or (np.isnan(best_cost) and not np.isnan(cost)):
            best_epoch = epoch
        if epoch - best_epoch == patience:
            break
    return best_epoch, epoch


def augment_by_flipping(X, Y, height, width):
    """Double the data: each image once as it is, once mirrored left-right, with the same label.

    Equation (pixel in row r and column c of example i)::

        X2[r, c, i]     = X[r, c, i]                  Y2[:, i]     = Y[:, i]
        X2[r, c, m + i] = X[r, width - 1 - c, i]      Y2[:, m + i] = Y[:, i]

    Parameters
    ----------
    X : float64, shape (height * width, m)
        Each column is a grey image, flattened row by row.
    Y : float64, shape (any, m)
    height, width : int, at least 1
        Size of an image in pixels.

    Returns
    -------
    X2 : float64, shape (height * width, 2 m)
    Y2 : float64, shape (any, 2 m)

    Raises
    ------
    ValueError
        If the shapes do not fit height, width and each other.

    Source
    ------
    Krizhevsky, Sutskever and Hinton, ImageNet Classification (2012), section 4.1: horizontal reflections.
    """
    X = check.float_array("X", X, ndim=2)
    Y = check.float_array("Y", Y, ndim=2)
    height = check.whole_number("height", height, minimum=1)
    width = check.whole_number("width", width, minimum=1)
    m = X.shape[1]
    check.has_shape("X", X, (height * width, m))
    check.has_shape("Y", Y, (Y.shape[0], m))
    mirrored = X.reshape(height, width, m)[:, ::-1].reshape(height * width, m)
    return np.hstack([X, mirrored]), np.hstack([Y, Y])
