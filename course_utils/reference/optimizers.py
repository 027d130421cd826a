"""Mini-batches, the four update rules, learning rate schedules and the shape of a critical point.

Examples are columns. Dicts go from names to float64 arrays: parameters W1, b1, ...; grads, velocity and
squares dW1, db1, .... A step t counts from 1, an epoch from 0. Nothing is changed in place: the state of
an optimizer goes in and comes out.
"""

import numpy as np

from course_utils.reference._arguments import float_array, generator, in_range, matching, whole_number


def random_mini_batches(X, Y, batch_size, rng):
    """Deal the shuffled examples into mini-batches, every example exactly once.

    Equation::

        order   = a random permutation of 0 ... m-1
        batch k = columns order[k * batch_size : (k + 1) * batch_size] of X and of Y

    Parameters
    ----------
    X : any number type, shape (n_x, m)
        Inputs, examples in columns.
    Y : any number type, shape (C, m)
        Labels, in the order of the columns of X.
    batch_size : int, at least 1
        Examples in a mini-batch; the last one is smaller where batch_size does not divide m.
    rng : numpy.random.Generator

    Returns
    -------
    batches : list of (X_batch, Y_batch)
        Shapes (n_x, batch_size) and (C, batch_size), number types of X and Y.

    Raises
    ------
    ValueError
        If X and Y are not 2-D with the same number of columns, at least one, or batch_size is below 1.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    batch_size = whole_number("batch_size", batch_size, minimum=1)
    generator(rng)
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1] or X.shape[1] == 0:
        raise ValueError(
            f"X and Y must be 2-D with one column an example, got shapes {X.shape} and {Y.shape}"
        )
    m = X.shape[1]
    order = rng.permutation(m)
    chosen = [order[start : start + batch_size] for start in range(0, m, batch_size)]
    return [(X[:, columns], Y[:, columns]) for columns in chosen]


def exponentially_weighted_average(theta, beta, bias_correction):
    """Average a series with weights that fade by beta at each step into the past.

    Equation, with v_0 = 0 and t = 1 ... T::

        v_t        = beta * v_{t-1} + (1 - beta) * theta_t
        averages_t = v_t / (1 - beta**t)   if bias_correction, else v_t

    Parameters
    ----------
    theta : float64, shape (T,)
        The series, oldest first.
    beta : float, 0 <= beta <= 1, below 1 with bias_correction
        Weight of the past; about 1 / (1 - beta) steps count.
    bias_correction : bool
        Whether to undo the pull of v_0 = 0 on the first averages.

    Returns
    -------
    averages : float64, shape (T,)

    Raises
    ------
    ValueError
        If theta is not a series of numbers or beta is out of range.

    Source
    ------
    Kingma and Ba, arXiv:1412.6980v9, section 3, for the correction.
    """
    theta = float_array("theta", theta, ndim=1)
    beta = in_range("beta", beta, 0, 1, high_open=bool(bias_correction))
    averages = np.empty_like(theta)
    v = 0.0
    for t, theta_t in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * theta_t
        averages[t - 1] = v / (1 - beta**t) if bias_correction else v
    return averages


def gradient_descent_update(parameters, grads, learning_rate):
    """Take one step against the gradient.

    Equation, for each parameter W::

        W = W - learning_rate * dW

    Parameters
    ----------
    parameters : dict of float64 arrays
    grads : dict of float64 arrays
        "d" + name for each name in parameters, of the same shape.
    learning_rate : float, at least 0

    Returns
    -------
    parameters : dict of float64 arrays

    Raises
    ------
    ValueError
        If names or shapes do not match or learning_rate is negative.
    """
    parameters, grads = _parameters_and_grads(parameters, grads)
    learning_rate = in_range("learning_rate", learning_rate, 0)
    return {name: W - learning_rate * grads["d" + name] for name, W in parameters.items()}


def momentum_update(parameters, grads, velocity, learning_rate, beta):
    """Step along the running average of the gradients instead of along the last one.

    Equation, for each parameter W::

        v = beta * v + (1 - beta) * dW
        W = W - learning_rate * v

    Parameters
    ----------
    parameters : dict of float64 arrays
    grads : dict of float64 arrays
        "d" + name for each name in parameters, of the same shape.
    velocity : dict of float64 arrays
        Keys and shapes of grads; zeros before the first step.
    learning_rate : float, at least 0
    beta : float, 0 <= beta <= 1
        Weight of the past velocity; 0 is plain gradient descent.

    Returns
    -------
    parameters : dict of float64 arrays
    velocity : dict of float64 arrays

    Raises
    ------
    ValueError
        If names or shapes do not match or a number is out of range.

    Source
    ------
    Polyak, USSR Comput. Math. Math. Phys. 4 (1964), in the form with (1 - beta): without that factor the
    same path takes a learning rate (1 - beta) times as large.
    """
    parameters, grads = _parameters_and_grads(parameters, grads)
    velocity = matching("velocity", velocity, grads)
    learning_rate = in_range("learning_rate", learning_rate, 0)
    beta = in_range("beta", beta, 0, 1)
    velocity = {name: beta * velocity[name] + (1 - beta) * dW for name, dW in grads.items()}
    parameters = {name: W - learning_rate * velocity["d" + name] for name, W in parameters.items()}
    return parameters, velocity


def rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon):
    """Divide each step by the root of the running average of the squared gradient.

    Equation, for each parameter W, element by element::

        s = beta2 * s + (1 - beta2) * dW**2
        W = W - learning_rate * dW / (sqrt(s) + epsilon)

    Parameters
    ----------
    parameters : dict of float64 arrays
    grads : dict of float64 arrays
        "d" + name for each name in parameters, of the same shape.
    squares : dict of float64 arrays, no entry below 0
        Keys and shapes of grads; zeros before the first step.
    learning_rate : float, at least 0
    beta2 : float, 0 <= beta2 <= 1
        Weight of the past squares.
    epsilon : float, above 0
        Keeps the step finite where s is 0; it stands outside the root.

    Returns
    -------
    parameters : dict of float64 arrays
    squares : dict of float64 arrays

    Raises
    ------
    ValueError
        If names or shapes do not match or a number is out of range.

    Source
    ------
    Hinton, Neural Networks for Machine Learning (2012), lecture 6e.
    """
    parameters, grads = _parameters_and_grads(parameters, grads)
    squares = _running_squares(squares, grads)
    learning_rate = in_range("learning_rate", learning_rate, 0)
    beta2 = in_range("beta2", beta2, 0, 1)
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    squares = {name: beta2 * squares[name] + (1 - beta2) * dW**2 for name, dW in grads.items()}
    steps = {name: dW / (np.sqrt(squares[name]) + epsilon) for name, dW in grads.items()}
    parameters = {name: W - learning_rate * steps["d" + name] for name, W in parameters.items()}
    return parameters, squares


def adam_update(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    """Momentum over RMSprop, both running averages corrected for their start at zero.

    Equation, for each parameter W, element by element::

        v = beta1 * v + (1 - beta1) * dW
        s = beta2 * s + (1 - beta2) * dW**2
        v_corrected = v / (1 - beta1**t)
        s_corrected = s / (1 - beta2**t)
        W = W - learning_rate * v_corrected / (sqrt(s_corrected) + epsilon)

    Parameters
    ----------
    parameters : dict of float64 arrays
    grads : dict of float64 arrays
        "d" + name for each name in parameters, of the same shape.
    velocity : dict of float64 arrays
        Keys and shapes of grads, uncorrected; zeros before the first step.
    squares : dict of float64 arrays, no entry below 0
        Keys and shapes of grads, uncorrected; zeros before the first step.
    t : int, at least 1
        The number of this step, 1 for the first.
    learning_rate : float, at least 0
    beta1, beta2 : float, 0 <= beta < 1
        Weights of the past velocity and of the past squares.
    epsilon : float, above 0
        Keeps the step finite where s is 0; it stands outside the root.

    Returns
    -------
    parameters : dict of float64 arrays
    velocity : dict of float64 arrays, uncorrected
    squares : dict of float64 arrays, uncorrected

    Raises
    ------
    ValueError
        If names or shapes do not match or a number is out of range.

    Source
    ------
    Kingma and Ba, arXiv:1412.6980v9, Algorithm 1.
    """
    parameters, grads = _parameters_and_grads(parameters, grads)
    velocity = matching("velocity", velocity, grads)
    squares = _running_squares(squares, grads)
    t = whole_number("t", t, minimum=1)
    learning_rate = in_range("learning_rate", learning_rate, 0)
    beta1 = in_range("beta1", beta1, 0, 1, high_open=True)
    beta2 = in_range("beta2", beta2, 0, 1, high_open=True)
    epsilon = in_range("epsilon", epsilon, 0, low_open=True)
    velocity = {name: beta1 * velocity[name] + (1 - beta1) * dW for name, dW in grads.items()}
    squares = {name: beta2 * squares[name] + (1 - beta2) * dW**2 for name, dW in grads.items()}
    updated = {}
    for name, W in parameters.items():
        v_corrected = velocity["d" + name] / (1 - beta1**t)
        s_corrected = squares["d" + name] / (1 - beta2**t)
        updated[name] = W - learning_rate * v_corrected / (np.sqrt(s_corrected) + epsilon)
    return updated, velocity, squares


def inverse_time_decay(alpha0, decay_rate, epoch):
    """Lower the learning rate like one over the number of epochs.

    Equation::

        alpha = alpha0 / (1 + decay_rate * epoch)

    Parameters
    ----------
    alpha0 : float, at least 0
        The rate in epoch 0.
    decay_rate : float, at least 0
    epoch : int, at least 0

    Returns
    -------
    alpha : float

    Raises
    ------
    ValueError
        If a number is out of range or epoch is not whole.
    """
    alpha0 = in_range("alpha0", alpha0, 0)
    decay_rate = in_range("decay_rate", decay_rate, 0)
    epoch = whole_number("epoch", epoch, minimum=0)
    return alpha0 / (1 + decay_rate * epoch)


def exponential_decay(alpha0, base, epoch):
    """Multiply the learning rate by the same number after each epoch.

    Equation::

        alpha = alpha0 * base**epoch

    Parameters
    ----------
    alpha0 : float, at least 0
        The rate in epoch 0.
    base : float, at least 0
        Below 1 for a rate that falls, such as 0.95.
    epoch : int, at least 0

    Returns
    -------
    alpha : float

    Raises
    ------
    ValueError
        If a number is out of range or epoch is not whole.
    """
    alpha0 = in_range("alpha0", alpha0, 0)
    base = in_range("base", base, 0)
    epoch = whole_number("epoch", epoch, minimum=0)
    return alpha0 * base**epoch


def sqrt_decay(alpha0, k, t):
    """Lower the learning rate like one over the root of the number of steps.

    Equation::

        alpha = k * alpha0 / sqrt(t)

    Parameters
    ----------
    alpha0 : float, at least 0
    k : float, at least 0
        The rate at step 1, in units of alpha0.
    t : int, at least 1
        The number of the step (or mini-batch), 1 for the first.

    Returns
    -------
    alpha : float

    Raises
    ------
    ValueError
        If a number is out of range or t is not whole.
    """
    alpha0 = in_range("alpha0", alpha0, 0)
    k = in_range("k", k, 0)
    t = whole_number("t", t, minimum=1)
    return k * alpha0 / t**0.5


def staircase_decay(alpha0, factor, every, epoch):
    """Hold the learning rate for some epochs, then multiply it by a factor, and so on.

    Equation::

        alpha = alpha0 * factor**floor(epoch / every)

    Parameters
    ----------
    alpha0 : float, at least 0
        The rate in epoch 0.
    factor : float, at least 0
        Below 1 for a rate that falls, such as 0.5.
    every : int, at least 1
        Epochs on one stair.
    epoch : int, at least 0

    Returns
    -------
    alpha : float

    Raises
    ------
    ValueError
        If a number is out of range or every or epoch is not whole.
    """
    alpha0 = in_range("alpha0", alpha0, 0)
    factor = in_range("factor", factor, 0)
    every = whole_number("every", every, minimum=1)
    epoch = whole_number("epoch", epoch, minimum=0)
    return alpha0 * factor ** (epoch // every)


def critical_point(hessian, tolerance=1e-8):
    """Name the kind of a point where the gradient is zero by the curvatures around it.

    Equation, with e the eigenvalues of the hessian, those within tolerance of 0 counted as 0::

        some e > 0 and some e < 0   saddle
        otherwise, some e = 0       degenerate: curvature alone does not decide
        all e > 0                   minimum
        all e < 0                   maximum

    Parameters
    ----------
    hessian : float64, shape (n, n), symmetric
        Second derivatives of the cost at the point.
    tolerance : float, at least 0

    Returns
    -------
    kind : str, "minimum", "maximum", "saddle" or "degenerate"

    Raises
    ------
    ValueError
        If hessian is not a symmetric square matrix of finite numbers or tolerance is negative.

    Source
    ------
    Dauphin et al., arXiv:1406.2572v1, section 2, on why high dimensions are full of saddles.
    """
    hessian = float_array("hessian", hessian, ndim=2)
    tolerance = in_range("tolerance", tolerance, 0)
    _check_symmetric(hessian)
    eigenvalues = np.linalg.eigvalsh(hessian)
    upwards = eigenvalues > tolerance
    downwards = eigenvalues < -tolerance
    if upwards.any() and downwards.any():
        return "saddle"
    if upwards.all():
        return "minimum"
    if downwards.all():
        return "maximum"
    return "degenerate"


def _parameters_and_grads(parameters, grads):
    parameters = matching("parameters", parameters, parameters)
    return parameters, matching("grads", grads, parameters, prefix="d")


def _running_squares(squares, grads):
    squares = matching("squares", squares, grads)
    for name, s in squares.items():
        if (s < 0).any():
            raise ValueError(f"squares[{name!r}] must not be below 0, got {s.min()}")
    return squares


def _check_symmetric(hessian):
    if hessian.shape[0] != hessian.shape[1] or not np.isfinite(hessian).all():
        raise ValueError(f"hessian must be square with finite entries, got shape {hessian.shape}:\n{hessian}")
    # Second derivatives from finite differences carry rounding of their own: compare on the matrix's scale.
    asymmetry = np.abs(hessian - hessian.T).max()
    if asymmetry > 1e-6 * np.abs(hessian).max():
        raise ValueError(f"hessian must be symmetric, but entries across the diagonal differ by {asymmetry}")
