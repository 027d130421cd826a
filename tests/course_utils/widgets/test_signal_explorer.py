"""The signal explorer: what it measures, and that it stays calm."""

from functools import partial

import numpy as np
import pytest

from course_utils.reference import initialization as reference
from course_utils.widgets import initialization as explorer

SCHEMES = {"random": reference.initialize_random, "he": reference.initialize_he}


def test_gradients_are_those_of_finite_differences():
    """The gradient with respect to Z of layer 1, summed over examples, is the slope of the loss in b1."""
    seed, depth = 3, 4
    initialize = partial(reference.initialize_random, scale=0.1)
    _, gradients = explorer.signals(initialize, depth, "tanh", seed=seed)
    rng = np.random.default_rng(seed)
    X, direction = rng.standard_normal((2, explorer.UNITS, explorer.EXAMPLES))
    parameters = initialize([explorer.UNITS] * (depth + 1), rng=rng)

    def loss(shift):
        A = X
        for layer in range(1, depth + 1):
            b = parameters[f"b{layer}"].copy()
            b[5] += shift * (layer == 1)
            A = np.tanh(parameters[f"W{layer}"] @ A + b)
        return np.sum(A * direction)

    assert gradients[0][5].sum() == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-5)


def test_the_variance_of_he_holds_the_signal_of_relu_and_doubles_that_of_no_activation():
    """2/n makes up for what ReLU cuts off: without it, each layer doubles the mean square."""
    held, _ = explorer.signals(reference.initialize_he, 20, "ReLU")
    grown, _ = explorer.signals(reference.initialize_he, 20, "none")
    assert 0.2 < np.mean(held[-1] ** 2) / np.mean(held[0] ** 2) < 5
    assert 2**17 < np.mean(grown[-1] ** 2) / np.mean(grown[0] ** 2) < 2**21


def test_every_change_of_a_control_redraws_with_words():
    """Each picture says in its alternative text which layers it shows and how wide they spread."""
    widget = explorer.signal_explorer(SCHEMES)
    (scheme, scale), (activation, depth) = (row.children for row in widget.children[:2])
    picture = widget.children[-1]
    assert "scheme random 0.05, activation tanh" in picture.value
    scale.value, depth.value, activation.value = 0.2, 5, "ReLU"
    assert "5 of 5 layers, scheme random 0.2, activation ReLU" in picture.value
    scheme.value = "he"
    assert "scheme he, activation ReLU" in picture.value and scale.disabled


def test_an_unfinished_or_broken_function_gives_a_sentence():
    """No traceback: the picture's place says which function it waits for."""

    def initialize_he(layer_dims, rng):
        raise NotImplementedError

    widget = explorer.signal_explorer({"random": SCHEMES["random"], "he": initialize_he})
    widget.children[0].children[0].value = "he"
    assert "waits for initialize_he" in widget.children[-1].value and "<img" not in widget.children[-1].value
    widget.children[0].children[0].value = "random"
    assert "<img" in widget.children[-1].value
