"""The temperature slider shows what the learner's softmax makes of scores, also where it overflows."""

import numpy as np

from course_utils.widgets.softmax import STOPS, temperature_explorer

SCORES = (5.0, 2.0, -1.0, 3.0)


def stable(Z):
    t = np.exp(Z - Z.max(axis=0))
    return t / t.sum(axis=0)


def naive(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=0)


def test_it_starts_at_temperature_one_with_the_hand_worked_shares():
    """[5, 2, -1, 3] gives 0.842, 0.042, 0.002, 0.114."""
    setup = temperature_explorer(stable, SCORES)._setup
    assert setup["stops"][setup["start"]] == "1"
    assert setup["said"][setup["start"]] == "class 0 0.842, class 1 0.042, class 2 0.002, class 3 0.114"


def test_every_stop_has_a_picture_with_its_text():
    """A reader who sees no picture hears the shares."""
    setup = temperature_explorer(stable, SCORES, names=("cat", "dog", "owl", "fox"))._setup
    assert len(setup["pages"]) == len(setup["said"]) == len(STOPS)
    for page, said in zip(setup["pages"], setup["said"], strict=True):
        assert page.startswith("<img") and said in page


def test_an_overflow_is_shown_as_what_it_is():
    """A softmax without the shift ends in nan when it is cold; the slider says so and goes on."""
    setup = temperature_explorer(naive, SCORES)._setup
    assert "nan" in setup["said"][0] and "nan" not in setup["said"][setup["start"]]
