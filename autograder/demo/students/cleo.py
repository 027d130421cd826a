# Four wrong ideas among right ones.
import numpy as np


def random_mini_batches(X, Y, batch_size, rng):
    order = rng.permutation(X.shape[1])
    X, Y = X[:, order], Y[:, order]
    full = X.shape[1] // batch_size
    return [
        (X[:, k * batch_size : (k + 1) * batch_size], Y[:, k * batch_size : (k + 1) * batch_size])
        for k in range(full)
    ]


def exponentially_weighted_average(theta, beta, bias_correction):
    v, averages = 0.0, []
    for t, value in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * value
        averages.append(v / (1 - beta**t) if bias_correction else v)
    return np.array(averages)


def gradient_descent_update(parameters, grads, learning_rate):
    return {name: W - learning_rate * grads["d" + name] for name, W in parameters.items()}


def momentum_update(parameters, grads, velocity, learning_rate, beta):
    velocity = {key: beta * velocity[key] + grads[key] for key in grads}
    return {name: W - learning_rate * velocity["d" + name] for name, W in parameters.items()}, velocity


def rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon):
    squares = {key: beta2 * squares[key] + (1 - beta2) * grads[key] ** 2 for key in grads}
    steps = {key: grads[key] / np.sqrt(squares[key] + epsilon) for key in grads}
    return {name: W - learning_rate * steps["d" + name] for name, W in parameters.items()}, squares


def adam_update(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    velocity = {key: beta1 * velocity[key] + (1 - beta1) * grads[key] for key in grads}
    squares = {key: beta2 * squares[key] + (1 - beta2) * grads[key] ** 2 for key in grads}
    steps = {key: velocity[key] / (np.sqrt(squares[key]) + epsilon) for key in grads}
    return {name: W - learning_rate * steps["d" + name] for name, W in parameters.items()}, velocity, squares


def inverse_time_decay(alpha0, decay_rate, epoch):
    return alpha0 / (1 + decay_rate * epoch)


def exponential_decay(alpha0, base, epoch):
    return alpha0 * base**epoch


def sqrt_decay(alpha0, k, t):
    return k * alpha0 / np.sqrt(t)


def staircase_decay(alpha0, factor, every, epoch):
    return alpha0 * factor ** (epoch // every)


def critical_point(hessian, tolerance=1e-8):
    determinant = np.linalg.det(hessian)
    if determinant < 0:
        return "saddle"
    if abs(determinant) <= tolerance:
        return "degenerate"
    return "minimum" if hessian[0, 0] > 0 else "maximum"
