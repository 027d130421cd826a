"""Slopes from function values alone, to check the slopes that backpropagation computes.

`theta` is all parameters in one vector: W1, b1, W2, b2, ..., each row by row.
"""

import numpy as np

from . import _arguments as check


def one_sided_difference(f, x, epsilon):
    """Estimate a slope from one step forward; the error shrinks like epsilon.

    Equation::

        slope = (f(x + epsilon) - f(x)) / epsilon

    Parameters
    ----------
    f : callable
        Maps a number to a number.
    x : float
    epsilon : float, above 0

    Returns
    -------
    slope : float

    Raises
    ------
    ValueError
        If f is no function of numbers or epsilon is not above 0.

    Source
    ------
    Nocedal and Wright, Numerical Optimization (2006), section 8.1, forward difference.
    """
    f, x, epsilon = _numbers_from(f), check.in_range("x", x), _step(epsilon)
    return (f(x + epsilon) - f(x)) / epsilon


def two_sided_difference(f, x, epsilon):
    """Estimate a slope from a step to both sides; the error shrinks like epsilon squared.

    Equation::

        slope = (f(x + epsilon) - f(x - epsilon)) / (2 epsilon)

    Parameters
    ----------
    f : callable
        Maps a number to a number.
    x : float
    epsilon : float, above 0

    Returns
    -------
    slope : float

    Raises
    ------
    ValueError
        If f is no function of numbers or epsilon is not above 0.

    Source
    ------
    Nocedal and Wright, Numerical Optimization (2006), section 8.1, central difference.
    """
    f, x, epsilon = _numbers_from(f), check.in_range("x", x), _step(epsilon)
    return (f(x + epsilon) - f(x - epsilon)) / (2 * epsilon)


def to_vector(parameters):
    """Lay all parameters end to end.

    Equation::

        theta = [W1 row by row, b1, W2 row by row, b2, ..., WL row by row, bL]

    Parameters
    ----------
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
        In any order: W10 comes after W9.

    Returns
    -------
    theta : float64, shape (n,)

    Raises
    ------
    ValueError
        If a key is missing or a shape does not fit.

    Source
    ------
    CS231n, notes on neural networks, part 3, gradient checks.
    """
    return np.concatenate([array.ravel() for pair in check.layers(parameters) for array in pair])


def from_vector(theta, like):
    """Cut a vector back into the parameters that `to_vector` laid end to end.

    Equation::

        from_vector(to_vector(parameters), parameters) = parameters

    Parameters
    ----------
    theta : float64, shape (n,)
    like : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
        Gives names and shapes; its values do not matter.

    Returns
    -------
    parameters : dict of float64, the names and shapes of like

    Raises
    ------
    ValueError
        If theta has more or fewer entries than like, or like lacks a key.

    Source
    ------
    CS231n, notes on neural networks, part 3, gradient checks.
    """
    theta = check.float_array("theta", theta, ndim=1)
    shapes = [array.shape for pair in check.layers(like) for array in pair]
    names = [f"{kind}{layer}" for layer in range(1, len(shapes) // 2 + 1) for kind in "Wb"]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    check.has_shape("theta", theta, (int(ends[-1]),))
    parts = np.split(theta, ends[:-1])
    return {name: part.reshape(shape).copy() for name, part, shape in zip(names, parts, shapes, strict=True)}


def numerical_gradient(cost, theta, epsilon=1e-7):
    """Estimate the slope of a cost along every entry of theta.

    Equation (e_i is 1 at entry i, else 0)::

        gradient_i = (cost(theta + epsilon e_i) - cost(theta - epsilon e_i)) / (2 epsilon)

    Parameters
    ----------
    cost : callable
        Maps a vector of shape (n,) to a number.
    theta : float64, shape (n,)
    epsilon : float, above 0

    Returns
    -------
    gradient : float64, shape (n,)

    Raises
    ------
    ValueError
        If cost is no function to numbers, theta no vector, or epsilon is not above 0.

    Source
    ------
    Nocedal and Wright, Numerical Optimization (2006), section 8.1, central difference.
    """
    cost, epsilon = _numbers_from(cost), _step(epsilon)
    theta = check.float_array("theta", theta, ndim=1)
    gradient = np.zeros_like(theta)
    for i in range(theta.size):
        step = np.zeros_like(theta)
        step[i] = epsilon
        gradient[i] = (cost(theta + step) - cost(theta - step)) / (2 * epsilon)
    return gradient


def relative_difference(grad, grad_approx):
    """Compare two gradients on a scale from 0, equal, to 1, opposite or one of them zero.

    Equation (norms are Euclidean)::

        difference = norm(grad - grad_approx) / (norm(grad) + norm(grad_approx))

    Parameters
    ----------
    grad : float64, shape (n,)
    grad_approx : float64, shape (n,)

    Returns
    -------
    difference : float, 0 to 1; 0.0 when both vectors are zero

    Raises
    ------
    ValueError
        If the two are not vectors of one shape.

    Source
    ------
    CS231n, notes on neural networks, part 3, gradient checks, with norms of whole vectors.
    """
    grad = check.float_array("grad", grad, ndim=1)
    grad_approx = check.float_array("grad_approx", grad_approx, ndim=1)
    check.same_shape("grad", grad, "grad_approx", grad_approx)
    largest = max(np.abs(grad).max(), np.abs(grad_approx).max())
    if largest == 0:
        return 0.0
    # Scaled by a power of two, which is exact: squares of 1e200 would overflow, of 1e-200 vanish.
    _, exponent = np.frexp(largest)
    grad, grad_approx = np.ldexp(grad, -exponent), np.ldexp(grad_approx, -exponent)
    norm = np.linalg.norm
    return norm(grad - grad_approx) / (norm(grad) + norm(grad_approx))


def check_each(cost, parameters, grads, epsilon=1e-7):
    """Compare the gradient of each parameter array alone, so that the wrong one has a name.

    Equation (for every array P in parameters)::

        differences[P] = relative_difference(grads[dP], numerical gradient of cost along P)

    Parameters
    ----------
    cost : callable
        Maps a dict of parameters to a number.
    parameters : dict of float64, W[l] of shape (n[l], n[l-1]) and b[l] of shape (n[l], 1)
    grads : dict of float64, dW1, db1, ..., dWL, dbL, shaped like their parameters
    epsilon : float, above 0

    Returns
    -------
    differences : dict of float, W1, b1, ..., WL, bL

    Raises
    ------
    ValueError
        If a key is missing, a shape does not fit, cost is no function to numbers, or epsilon is not above 0.

    Source
    ------
    CS231n, notes on neural networks, part 3, gradient checks.
    """
    theta = to_vector(parameters)
    grads = check.matching("grads", grads, parameters, prefix="d")
    check.function("cost", cost)
    slopes = numerical_gradient(lambda vector: cost(from_vector(vector, parameters)), theta, epsilon)
    approximations = from_vector(slopes, parameters)
    return {
        name: relative_difference(grads["d" + name].ravel(), approximation.ravel())
        for name, approximation in approximations.items()
    }


def _numbers_from(f):
    """Return f with a check that it returns numbers."""
    check.function("the function to differentiate", f)
    return lambda x: check.number("the value of the function", f(x))


def _step(epsilon):
    return check.in_range("epsilon", epsilon, low=0, low_open=True)
