"""The mask explorer draws every stop once, and its text says what the learner's function did."""

import re

import numpy as np
import pytest

from course_utils.widgets.dropout import mask_explorer


def scaled(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask / keep_prob, mask


def unscaled(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask, mask


def means(function):
    """The mean after dropout that each page's alternative text names."""
    setup = mask_explorer(function, stops=(0.5, 1.0))._setup
    assert all(said in page for said, page in zip(setup["said"], setup["pages"], strict=True))
    return [float(re.search(r"and (\d\.\d\d) after", said)[1]) for said in setup["said"]]


def test_pages_show_what_the_function_did():
    """A function that does not scale is seen to lose half of the mean at 0.5, a right one to hold it."""
    assert means(scaled) == pytest.approx([1.0, 1.0], abs=0.05)
    assert means(unscaled) == pytest.approx([0.5, 1.0], abs=0.05)


def test_an_unwritten_function_is_not_swallowed():
    """The cell around it says what it waits for, so the error must reach it."""

    def unwritten(A, keep_prob, rng):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        mask_explorer(unwritten)


def test_arguments_of_a_careless_function_are_copies():
    """A function that writes into A spoils nothing for the next stop."""

    def careless(A, keep_prob, rng):
        mask = rng.random(A.shape) < keep_prob
        A *= mask
        A /= keep_prob
        return A, mask

    assert np.allclose(means(careless), means(scaled))
