"""First weights, and what they do to the signal on its way through the layers.

`layer_dims` lists the units of every layer, the inputs first: [n[0], n[1], ..., n[L]].
W[l] has shape (n[l], n[l-1]), b[l] has shape (n[l], 1).
"""

from itertools import pairwise

import numpy as np

from . import _arguments as check


def initialize_zeros(layer_dims):
    """Set every parameter to zero.

    Equation::

        W[l] = 0,  b[l] = 0

    Parameters
    ----------
    layer_dims : list of L+1 ints, each at least 1

    Returns
    -------
    parameters : dict of float64, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If layer_dims lists fewer than two sizes, or one that is not a whole number of at least 1.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4: why this fails.
    """
    return _parameters(layer_dims, lambda n, n_prev: np.zeros((n, n_prev)))


def initialize_random(layer_dims, scale, rng):
    """Draw the weights of every layer with one standard deviation.

    Equation::

        W[l] ~ Normal(mean 0, standard deviation scale),  b[l] = 0

    Parameters
    ----------
    layer_dims : list of L+1 ints, each at least 1
    scale : float, at least 0
        Standard deviation, not variance.
    rng : numpy.random.Generator

    Returns
    -------
    parameters : dict of float64, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If layer_dims lists fewer than two sizes or one below 1, or scale is negative.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4.
    """
    scale = check.in_range("scale", scale, low=0)
    rng = check.generator(rng)
    return _parameters(layer_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * scale)


def initialize_xavier(layer_dims, rng):
    """Draw weights that keep the variance of a forward signal through linear or tanh layers.

    Equation::

        W[l] ~ Normal(mean 0, variance 1 / n[l-1]),  b[l] = 0

    Parameters
    ----------
    layer_dims : list of L+1 ints, each at least 1
    rng : numpy.random.Generator

    Returns
    -------
    parameters : dict of float64, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If layer_dims lists fewer than two sizes, or one that is not a whole number of at least 1.

    Source
    ------
    Glorot and Bengio, AISTATS (2010), equation 10: the forward condition alone.
    """
    rng = check.generator(rng)
    return _parameters(layer_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * np.sqrt(1 / n_prev))


def initialize_glorot(layer_dims, rng):
    """Draw weights that meet the forward and the backward signal half-way.

    Equation::

        W[l] ~ Normal(mean 0, variance 2 / (n[l-1] + n[l])),  b[l] = 0

    Parameters
    ----------
    layer_dims : list of L+1 ints, each at least 1
    rng : numpy.random.Generator

    Returns
    -------
    parameters : dict of float64, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If layer_dims lists fewer than two sizes, or one that is not a whole number of at least 1.

    Source
    ------
    Glorot and Bengio, AISTATS (2010), equation 12, with normal draws.
    """
    rng = check.generator(rng)
    return _parameters(
        layer_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * np.sqrt(2 / (n_prev + n))
    )


def initialize_he(layer_dims, rng):
    """Draw weights that keep the mean square of a forward signal through ReLU layers.

    Equation::

        W[l] ~ Normal(mean 0, variance 2 / n[l-1]),  b[l] = 0

    Parameters
    ----------
    layer_dims : list of L+1 ints, each at least 1
    rng : numpy.random.Generator

    Returns
    -------
    parameters : dict of float64, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If layer_dims lists fewer than two sizes, or one that is not a whole number of at least 1.

    Source
    ------
    He et al., Delving Deep into Rectifiers (2015), equation 10.
    """
    rng = check.generator(rng)
    return _parameters(layer_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * np.sqrt(2 / n_prev))


def deep_linear_output(W, x, n_layers):
    """Send x through layers that all multiply by the same W.

    Equation::

        output = W^n_layers x

    Parameters
    ----------
    W : float64, shape (n, n)
    x : float64, shape (n, 1)
    n_layers : int, at least 0

    Returns
    -------
    output : float64, shape (n, 1)

    Raises
    ------
    ValueError
        If the shapes do not fit or n_layers is not a whole number of at least 0.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.2.5.
    """
    W = check.float_array("W", W, ndim=2)
    x = check.float_array("x", x, ndim=2)
    check.has_shape("W", W, (W.shape[0], W.shape[0]))
    check.has_shape("x", x, (W.shape[0], 1))
    output = x.copy()
    for _ in range(check.whole_number("n_layers", n_layers, minimum=0)):
        output = W @ output
    return output


def activation_scales(X, parameters, activation):
    """Measure how widely the activations of each layer spread.

    Equation (A[0] = X)::

        A[l]        = activation(W[l] A[l-1] + b[l])
        scales[l-1] = standard deviation of all entries of A[l]

    Parameters
    ----------
    X : float64, shape (n[0], m)
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
    activation : callable
        Maps an array to an array of the same shape.

    Returns
    -------
    scales : float64, shape (L,)

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, or activation is no function or changes the shape.

    Source
    ------
    Glorot and Bengio, AISTATS (2010), section 3.
    """
    A, layers = check.network(X, parameters)
    check.function("activation", activation)
    scales = []
    for W, b in layers:
        Z = W @ A + b
        A = check.float_array("the result of activation", activation(Z))
        check.has_shape("the result of activation", A, Z.shape)
        scales.append(A.std())
    return np.array(scales)


def breaks_symmetry(parameters):
    """Tell for each layer whether all its units differ, so that each can learn something of its own.

    Equation (rows i < j of [W[l], b[l]])::

        broken[l-1] = no pair of rows with max(|row_i - row_j|) <= 1e-12

    Parameters
    ----------
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)

    Returns
    -------
    broken : list of L bools
        False where two units of a layer are equal; a layer of one unit gives True.

    Raises
    ------
    ValueError
        If a key is missing or a shape does not fit.

    Source
    ------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.4.
    """
    return [_all_rows_differ(np.hstack([W, b])) for W, b in check.layers(parameters)]


def _parameters(layer_dims, draw_weights):
    """Return W[l] = draw_weights(n[l], n[l-1]) and b[l] = 0 for every layer."""
    try:
        sizes = list(layer_dims)
    except TypeError:
        raise ValueError(f"layer_dims must be a list of sizes, got {layer_dims!r}") from None
    if len(sizes) < 2:
        raise ValueError(f"layer_dims must list at least the inputs and one layer, got {layer_dims!r}")
    sizes = [check.whole_number(f"layer_dims[{i}]", size, minimum=1) for i, size in enumerate(sizes)]
    parameters = {}
    for layer, (n_prev, n) in enumerate(pairwise(sizes), start=1):
        parameters[f"W{layer}"] = draw_weights(n, n_prev)
        parameters[f"b{layer}"] = np.zeros((n, 1))
    return parameters


def _all_rows_differ(rows):
    # One row against the rows below it: all pairs at once would need n^2 rows of memory.
    return not any(
        (np.abs(rows[i + 1 :] - row).max(axis=1) <= 1e-12).any() for i, row in enumerate(rows[:-1])
    )
