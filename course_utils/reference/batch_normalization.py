"""Batch normalization: forward, backward, running statistics, prediction and folding.

Z is (n, m) with examples in columns; gamma, beta, running_mean and running_var are (n, 1). Variances are
population variances, the mean of the squared deviations. beta is the learned shift, not momentum's beta.
"""

import numpy as np

from course_utils.reference._arguments import float_array, has_shape, in_range, same_shape


def batchnorm_forward(Z, gamma, beta, epsilon):
    """Give every unit the mean beta and, nearly, the standard deviation gamma over the mini-batch.

    Equation, with mean and var of each row of Z::

        Z_norm  = (Z - mean) / sqrt(var + epsilon)
        Z_tilde = gamma * Z_norm + beta

    Parameters
    ----------
    Z : float64, shape (n, m)
    gamma, beta : float64, shape (n, 1)
    epsilon : float, above 0

    Returns
    -------
    Z_tilde : float64, shape (n, m)

    Raises
    ------
    ValueError
        If shapes do not fit or epsilon is not above 0.

    Source
    ------
    Ioffe and Szegedy, arXiv:1502.03167v3, Algorithm 1.
    """
    Z = float_array("Z", Z, ndim=2)
    gamma, beta = _columns_beside(Z, gamma=gamma, beta=beta)
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    mean, var = _statistics(Z)
    Z_norm = (Z - mean) / np.sqrt(var + epsilon)
    return gamma * Z_norm + beta


def batchnorm_backward(dZ_tilde, Z, gamma, epsilon):
    """Send a gradient back through the normalization, its mean and its variance included.

    Equation, with sums over the mini-batch and Z_norm as in the forward pass::

        dbeta  = sum(dZ_tilde)
        dgamma = sum(dZ_tilde * Z_norm)
        dZ     = gamma / sqrt(var + epsilon) * (dZ_tilde - dbeta / m - Z_norm * dgamma / m)

    The two terms taken away are what Z changes through the mean and through the variance.

    Parameters
    ----------
    dZ_tilde : float64, shape (n, m)
        Gradient with respect to the output of batchnorm_forward.
    Z : float64, shape (n, m)
        Its input.
    gamma : float64, shape (n, 1)
    epsilon : float, above 0

    Returns
    -------
    dZ : float64, shape (n, m)
    dgamma, dbeta : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If shapes do not fit or epsilon is not above 0.

    Source
    ------
    Ioffe and Szegedy, arXiv:1502.03167v3, section 3, the six derivatives put together.
    """
    Z = float_array("Z", Z, ndim=2)
    dZ_tilde = float_array("dZ_tilde", dZ_tilde, ndim=2)
    same_shape("dZ_tilde", dZ_tilde, "Z", Z)
    (gamma,) = _columns_beside(Z, gamma=gamma)
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    m = Z.shape[1]
    mean, var = _statistics(Z)
    Z_norm = (Z - mean) / np.sqrt(var + epsilon)
    dbeta = dZ_tilde.sum(axis=1, keepdims=True)
    dgamma = (dZ_tilde * Z_norm).sum(axis=1, keepdims=True)
    dZ = gamma / np.sqrt(var + epsilon) * (dZ_tilde - dbeta / m - Z_norm * dgamma / m)
    return dZ, dgamma, dbeta


def update_running(running_mean, running_var, Z, momentum):
    """Let the running statistics follow those of one more mini-batch.

    Equation, with mean and var of each row of Z::

        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var  = momentum * running_var  + (1 - momentum) * var

    Parameters
    ----------
    running_mean : float64, shape (n, 1)
    running_var : float64, shape (n, 1), no entry below 0
    Z : float64, shape (n, m)
        A mini-batch in training; prediction never updates.
    momentum : float, 0 <= momentum <= 1
        Weight of the past.

    Returns
    -------
    running_mean, running_var : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If shapes do not fit, a variance is negative or momentum is out of range.

    Source
    ------
    Ioffe and Szegedy, arXiv:1502.03167v3, section 3.1, with 1/m in place of 1/(m-1).
    """
    Z = float_array("Z", Z, ndim=2)
    running_mean, running_var = _columns_beside(Z, running_mean=running_mean, running_var=running_var)
    momentum = in_range("momentum", momentum, 0, 1)
    mean, var = _statistics(Z)
    running_mean = momentum * running_mean + (1 - momentum) * mean
    running_var = momentum * running_var + (1 - momentum) * var
    return running_mean, running_var


def batchnorm_predict(Z, gamma, beta, running_mean, running_var, epsilon):
    """Normalize with statistics kept from training, so that each example is treated on its own.

    Equation::

        Z_tilde = gamma * (Z - running_mean) / sqrt(running_var + epsilon) + beta

    Parameters
    ----------
    Z : float64, shape (n, m), m = 1 included
    gamma, beta, running_mean : float64, shape (n, 1)
    running_var : float64, shape (n, 1), no entry below 0
    epsilon : float, above 0

    Returns
    -------
    Z_tilde : float64, shape (n, m)

    Raises
    ------
    ValueError
        If shapes do not fit, a variance is negative or epsilon is not above 0.

    Source
    ------
    Ioffe and Szegedy, arXiv:1502.03167v3, Algorithm 2.
    """
    Z = float_array("Z", Z, ndim=2)
    gamma, beta, running_mean, running_var = _columns_beside(
        Z, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var
    )
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    return gamma * (Z - running_mean) / np.sqrt(running_var + epsilon) + beta


def identity_parameters(Z, epsilon):
    """Find the gamma and beta with which batch normalization changes nothing.

    Equation, with mean and var of each row of Z::

        gamma = sqrt(var + epsilon)
        beta  = mean

    Parameters
    ----------
    Z : float64, shape (n, m)
    epsilon : float, above 0

    Returns
    -------
    gamma, beta : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If Z is not 2-D or epsilon is not above 0.
    """
    Z = float_array("Z", Z, ndim=2)
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    mean, var = _statistics(Z)
    return np.sqrt(var + epsilon), mean


def fold_batchnorm(W, gamma, beta, running_mean, running_var, epsilon):
    """Melt a layer and its trained batch normalization into one linear layer.

    Equation::

        scale    = gamma / sqrt(running_var + epsilon)
        W_folded = scale * W
        b_folded = beta - scale * running_mean

    Parameters
    ----------
    W : float64, shape (n, n_prev)
        Weights of the layer; batch normalization makes its b redundant.
    gamma, beta, running_mean : float64, shape (n, 1)
    running_var : float64, shape (n, 1), no entry below 0
    epsilon : float, above 0

    Returns
    -------
    W_folded : float64, shape (n, n_prev)
    b_folded : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If shapes do not fit, a variance is negative or epsilon is not above 0.

    Source
    ------
    Ioffe and Szegedy, arXiv:1502.03167v3, Algorithm 2, step 11, applied to Z = W A.
    """
    W = float_array("W", W, ndim=2)
    gamma, beta, running_mean, running_var = _columns_beside(
        W, gamma=gamma, beta=beta, running_mean=running_mean, running_var=running_var
    )
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    scale = gamma / np.sqrt(running_var + epsilon)
    return scale * W, beta - scale * running_mean


def _statistics(Z):
    return Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True)


def _columns_beside(Z, **columns):
    """Return float64 columns with as many rows as Z, in the order given; a variance is not negative."""
    for name, column in columns.items():
        columns[name] = float_array(name, column, ndim=2)
        has_shape(name, columns[name], (Z.shape[0], 1))
    if "running_var" in columns and (columns["running_var"] < 0).any():
        raise ValueError(f"running_var must not be below 0, got {columns['running_var'].min()}")
    return tuple(columns.values())
