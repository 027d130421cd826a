"""The valley, the small network and the hunt: right numbers, words for what goes wrong, and no traceback."""

import numpy as np
import pytest

from course_utils.reference import gradient_checking as reference
from course_utils.widgets import gradient_checking as lesson

SHARES = {"dW2 doubled": ("W2", 1 / 3), "db1 times 4": ("b1", 3 / 5), "the sign of dW3 flipped": ("W3", 1.0)}


# --- the valley ---


def test_errors_have_their_closed_form_right_of_the_bottom():
    """For theta^3 at 1: 3 epsilon + epsilon^2 with one side, epsilon^2 with two."""
    long = lesson.EPSILONS[lesson.EPSILONS > 1e-4]
    one = lesson.errors_of(reference.one_sided_difference, epsilons=long)
    two = lesson.errors_of(reference.two_sided_difference, epsilons=long)
    np.testing.assert_allclose(one, 3 * long + long**2, rtol=1e-4)
    np.testing.assert_allclose(two, long**2, rtol=1e-2)


def test_height_moves_the_bottom_to_longer_steps_and_raises_it():
    """Rounding grows with the size of the values, so the best step grows too."""
    errors = [lesson.errors_of(reference.two_sided_difference, height) for height in (0, 1e3, 1e6)]
    steps, least = zip(*(lesson._best(each) for each in errors), strict=True)
    assert steps[0] < steps[1] < steps[2] and least[0] < least[1] < least[2]
    assert 1e-7 < steps[0] < 1e-4 and least[0] < 1e-9


def test_every_stop_has_a_picture_with_its_words():
    """All pages together stay below half a megabyte; each alternative text says what the line says."""
    widget = lesson.epsilon_valley(reference.one_sided_difference, reference.two_sided_difference)
    setup = widget._setup
    assert len(setup["pages"]) == len(setup["said"]) == len(lesson.HEIGHTS)
    assert sum(map(len, setup["pages"])) < 500_000
    for page, said in zip(setup["pages"], setup["said"], strict=True):
        assert page.startswith("<img") and said in page


def test_a_slope_that_is_not_a_number_is_drawn_as_a_gap():
    """A learner may divide 0 by 0: the slider appears all the same."""

    def nothing(f, x, epsilon):
        return float("nan")

    assert lesson.epsilon_valley(nothing, reference.two_sided_difference)._setup["pages"]


# --- the small network ---


@pytest.mark.parametrize("hidden", ["tanh", "relu"])
def test_its_own_gradients_are_right(hidden):
    """Of the cost with its penalty, for all points and for some."""
    network = lesson.SmallNetwork(epochs=30, hidden=hidden)
    here = network.parameters
    for columns in (slice(None), np.arange(7)):
        readings = reference.check_each(
            lambda p, c=columns: network.cost(p, c), here, network.gradients(here, columns=columns), 1e-6
        )
        assert max(readings.values()) < 1e-6


@pytest.mark.parametrize("bug", lesson.BUGS)
def test_each_planted_mistake_leaves_its_fingerprint(bug):
    """A factor k reads |k - 1| / (|k| + 1) in its own array; sums show in every b, the penalty in every W."""
    network = lesson.SmallNetwork()
    here = network.parameters
    readings = reference.check_each(network.cost, here, network.gradients(here, bug), 1e-5)
    expected = dict.fromkeys(readings, 0.0)
    if bug in SHARES:
        expected[SHARES[bug][0]] = SHARES[bug][1]
    if bug.startswith("every db"):
        expected |= dict.fromkeys(("b1", "b2", "b3"), 39 / 41)
    if bug.startswith("the penalty"):
        assert min(readings.pop(name) for name in ("W1", "W2", "W3")) > 0.1
        expected = dict.fromkeys(readings, 0.0)
    assert readings == pytest.approx(expected, abs=1e-7)


def test_the_four_costs_fall_alike():
    """No curve tells which gradient is right, and the right one is not the lowest."""
    last = {}
    for name, bug in lesson.SUSPECTS.items():
        costs = lesson.SmallNetwork(epochs=0).descend(300, learning_rate=0.2, bug=bug)
        assert costs[-1] < 0.65 * costs[0]
        last[name] = costs[-1]
    assert max(last, key=last.get) == "B" and max(last.values()) - min(last.values()) < 0.01


def test_looking_changes_nothing():
    """cost and gradients leave the parameters they are handed as they were."""
    network = lesson.SmallNetwork(epochs=5)
    here, kept = network.parameters, network.parameters
    network.cost(here)
    network.gradients(here, "dW2 doubled")
    for name in kept:
        np.testing.assert_array_equal(here[name], kept[name])


# --- the hunt ---


def parts(widget):
    which, (picture, answer), verdict = widget.children[0], widget.children[1].children, widget.children[2]
    return which, picture, answer, verdict


def test_who_names_every_culprit_has_found_all_and_a_wrong_name_reveals_nothing():
    """A wrong answer says what that mistake would look like; the true one is not named before it is found."""
    which, picture, answer, verdict = parts(lesson.bug_hunt(reference.check_each))
    for number in which.options:
        which.value = number
        assert f"Relative differences of gradient {number}" in picture.value
        for bug in lesson.BUGS:
            answer.value = bug
            if "Found" in verdict.value:
                break
            assert verdict.value.count("No.") == 1
    assert "Found: 6 of 6" in verdict.value


def test_no_picture_names_the_culprit():
    """Reading comes before revealing."""
    which, picture, _, verdict = parts(lesson.bug_hunt(reference.check_each))
    for number in which.options:
        which.value = number
        assert not any(
            bug in picture.value or bug in verdict.value for bug in lesson.BUGS if bug != "nothing"
        )


def unwritten(cost, parameters, grads, epsilon=1e-7):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("check_each", "words"),
    [
        (unwritten, "waits for unwritten"),
        (lambda cost, parameters, grads, epsilon: {"W1": 0.1}, "could not go on"),
        (lambda cost, parameters, grads, epsilon: None, "could not go on"),
        (lambda cost, parameters, grads, epsilon: 0.3, "could not go on"),
    ],
    ids=["unwritten", "one array only", "nothing", "one number"],
)
def test_an_unfinished_check_gives_a_sentence(check_each, words):
    """No traceback: the picture's place says what is missing."""
    _, picture, _, _ = parts(lesson.bug_hunt(check_each))
    assert words in picture.value or "stopped" in picture.value
    assert "<img" not in picture.value


def test_readings_that_are_not_finite_are_drawn():
    """0/0 in a learner's check shows as nan beside its array."""
    nan = lambda cost, parameters, grads, epsilon: dict.fromkeys(parameters, float("nan"))  # noqa: E731
    _, picture, _, _ = parts(lesson.bug_hunt(nan))
    assert "<img" in picture.value and "W1 nan" in picture.value
