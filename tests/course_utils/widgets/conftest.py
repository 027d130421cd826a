"""Updates as a learner may have written them."""

import numpy as np
import pytest


def gradient_descent(parameters, grads, learning_rate):
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in parameters}


def momentum(parameters, grads, velocity, learning_rate, beta):
    velocity = {k: beta * velocity[k] + (1 - beta) * grads[k] for k in grads}
    return {k: parameters[k] - learning_rate * velocity["d" + k] for k in parameters}, velocity


def rmsprop(parameters, grads, squares, learning_rate, beta2, epsilon):
    squares = {k: beta2 * squares[k] + (1 - beta2) * grads[k] ** 2 for k in grads}
    new = {
        k: parameters[k] - learning_rate * grads["d" + k] / (np.sqrt(squares["d" + k]) + epsilon)
        for k in parameters
    }
    return new, squares


def adam(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    velocity = {k: beta1 * velocity[k] + (1 - beta1) * grads[k] for k in grads}
    squares = {k: beta2 * squares[k] + (1 - beta2) * grads[k] ** 2 for k in grads}
    new = {}
    for k in parameters:
        v, s = velocity["d" + k] / (1 - beta1**t), squares["d" + k] / (1 - beta2**t)
        new[k] = parameters[k] - learning_rate * v / (np.sqrt(s) + epsilon)
    return new, velocity, squares


@pytest.fixture(autouse=True)
def in_a_notebook(monkeypatch):
    """Without this no widget would be made."""
    monkeypatch.setattr("course_utils.plots.in_notebook", lambda: True)


@pytest.fixture
def updates():
    return gradient_descent, momentum, rmsprop, adam
