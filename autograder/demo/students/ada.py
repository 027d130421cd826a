# All right, and nobody else writes like this: loops, einsum, zip, recursion, Python floats.
import math
from functools import reduce

import numpy as np


def random_mini_batches(X, Y, batch_size, rng):
    left = list(range(X.shape[1]))
    order = []
    while left:
        order.append(left.pop(int(rng.integers(len(left)))))
    batches = []
    while order:
        now, order = order[:batch_size], order[batch_size:]
        batches.append([np.stack([A[:, j] for j in now], axis=1) for A in (X, Y)])
    return tuple(batches)


def exponentially_weighted_average(theta, beta, bias_correction):
    T = len(theta)
    weights = np.zeros((T, T))
    for t in range(T):
        for i in range(t + 1):
            weights[t, i] = (1 - beta) * beta ** (t - i)
        if bias_correction:
            weights[t] /= 1 - beta ** (t + 1)
    return np.einsum("ti,i->t", weights, np.asarray(theta, dtype=float))


def gradient_descent_update(parameters, grads, learning_rate):
    return dict(map(lambda name: (name, parameters[name] + -learning_rate * grads["d" + name]), parameters))


def momentum_update(parameters, grads, velocity, learning_rate, beta):
    mixed = {
        key: np.average([v, grads[key]], axis=0, weights=[beta, 1 - beta]) for key, v in velocity.items()
    }
    moved = {key[1:]: parameters[key[1:]] - learning_rate * v for key, v in mixed.items()}
    return [moved, mixed]


def rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon):
    new_parameters, new_squares = {}, {}
    for key in sorted(grads, reverse=True):
        g, s = np.array(grads[key], dtype=float), np.array(squares[key], dtype=float)
        for place in np.ndindex(*g.shape):
            s[place] = s[place] - (1 - beta2) * (s[place] - g[place] * g[place])
            g[place] = g[place] / (math.sqrt(s[place]) + epsilon)
        new_squares[key] = s
        new_parameters[key.removeprefix("d")] = parameters[key.removeprefix("d")] - learning_rate * g
    return new_parameters, new_squares


def adam_update(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    def blend(old, new, beta):
        return {key: np.add(np.multiply(beta, old[key]), np.multiply(1 - beta, new[key])) for key in new}

    v = blend(velocity, grads, beta1)
    s = blend(squares, {key: np.square(np.asarray(g, dtype=float)) for key, g in grads.items()}, beta2)
    scale_v, scale_s = 1 / (1 - beta1**t), 1 / (1 - beta2**t)
    steps = {key: (scale_v * v[key]) / (np.sqrt(scale_s * s[key]) + epsilon) for key in grads}
    return {name: W - learning_rate * steps[f"d{name}"] for name, W in parameters.items()}, v, s


def inverse_time_decay(alpha0, decay_rate, epoch):
    return np.float64(alpha0) * np.reciprocal(1.0 + decay_rate * epoch)


def exponential_decay(alpha0, base, epoch):
    return reduce(lambda alpha, _: alpha * base, range(epoch), alpha0)


def sqrt_decay(alpha0, k, t):
    return np.array(alpha0 * k * t**-0.5)


def staircase_decay(alpha0, factor, every, epoch):
    alpha = float(alpha0)
    while epoch >= every:
        alpha, epoch = alpha * factor, epoch - every
    return alpha


def critical_point(hessian, tolerance=1e-8):
    values = [float(e) for e in np.linalg.eigvalsh(np.asarray(hessian, dtype=float))]
    up = [e for e in values if e > tolerance]
    down = [e for e in values if e < -tolerance]
    if up and down:
        return "saddle"
    if len(up) == len(values):
        return "minimum"
    return "maximum" if len(down) == len(values) else "degenerate"
