"""From observations to a report: one cause is one red line, and the known mistake is named."""

import numpy as np
import pytest

from course_utils.calls import Call, Observation, observe
from course_utils.examine import FAILED, HABITS, PASSED, WAITING, Check, Finding, Mistake, Report, report

CALLS = (Call({"x": np.array([1.0, -2.0]), "rate": 0.5}), Call({"x": np.array([4.0, 0.5]), "rate": 2.0}))


def right(x, rate):
    return x - rate * x**2, x.copy()


def sign_flipped(x, rate):
    return x + rate * x**2, x.copy()


def square_forgotten(x, rate):
    return x - rate * x, x.copy()


def both(x, rate):
    return x + rate * x, x.copy()


def state_lost(x, rate):
    return x - rate * x**2, x * 0


def flipped_and_lost(x, rate):
    return x + rate * x**2, x * 0


def in_place(x, rate):
    before = x.copy()
    x -= rate * x**2
    return x, before


def checks(**options):
    expected = tuple(right(**call.arguments) for call in CALLS)
    first = Check("one step", CALLS[:1], expected[:1], returns=("x", "state"), **options)
    return [first, Check("another rate", CALLS, expected, after=("one step",), returns=("x", "state"))]


def judged(function, *mistakes, show_numbers=False, asked=None):
    asked = asked or checks()
    see = lambda f: {check.name: observe(f, check.calls) for check in asked}  # noqa: E731
    known = [Mistake.of(f.__name__, "belief", "hint", asked, see(f)) for f in mistakes]
    return report("step", asked, see(function), known, show_numbers=show_numbers)


def test_the_right_function_passes_everything():
    """All rows pass, and the share is whole."""
    said = judged(right, sign_flipped, in_place)
    assert [row.status for row in said.rows] == [PASSED] * 3
    assert said.share == 1 and said.misconception is None


def test_one_cause_is_one_red_line():
    """A check that comes after a failed one waits; nothing else is red."""
    said = judged(sign_flipped)
    assert [row.status for row in said.rows] == [FAILED, WAITING, WAITING]
    assert said.share == 0


def test_parts_of_a_tuple_have_their_names():
    """A message speaks of the state, not of result[1]."""
    assert judged(state_lost).rows[0].problem.startswith("state ")


@pytest.mark.parametrize("mistake", [sign_flipped, square_forgotten, state_lost, in_place])
def test_a_known_mistake_is_named(mistake):
    """Each mistake is told from the others by what it returns or touches."""
    others = [sign_flipped, square_forgotten, state_lost, in_place]
    assert judged(mistake, *others).misconception == mistake.__name__


def test_an_unknown_mistake_is_not_guessed():
    """Something else that is wrong gets no name."""
    assert judged(both, sign_flipped, square_forgotten).misconception is None


def test_two_mistakes_at_once_still_get_one_name():
    """Where one part of the result shows one mistake and another part the other, one of them is named."""
    assert judged(flipped_and_lost, sign_flipped, state_lost).misconception in ("sign_flipped", "state_lost")


def test_a_mistake_that_would_have_failed_elsewhere_is_ruled_out():
    """State lost is no name for a function whose state is right."""
    assert judged(sign_flipped, state_lost).misconception is None


def test_numbers_are_shown_for_public_inputs_only():
    """The same failure with and without the numbers."""
    assert judged(sign_flipped, show_numbers=True).rows[0].saw
    hidden = judged(sign_flipped).rows[0]
    assert not hidden.saw and not hidden.expected and hidden.problem


def test_touching_an_argument_costs_its_own_row_alone():
    """Values are right, so only the habit is red."""
    said = judged(in_place)
    assert [row.status for row in said.rows] == [PASSED, PASSED, FAILED]
    assert "changed its argument x" in said.rows[-1].problem


def test_nothing_written_is_no_red_line():
    """An unwritten function waits everywhere and earns nothing."""
    said = judged(lambda x, rate: None)
    assert {row.status for row in said.rows} == {WAITING}
    assert said.share == 0 and "not written yet" in said.headline and said.status == FAILED


def test_a_call_that_gave_nothing_fails_its_check_alone():
    """An error on the second rate leaves the first check its marks."""

    def fragile(x, rate):
        if rate > 1:
            raise ValueError("too fast")
        return right(x, rate)

    said = judged(fragile)
    assert [row.status for row in said.rows] == [PASSED, FAILED, PASSED]
    assert "too fast" in said.rows[1].problem


def test_verified_checks_are_diagnosed_by_their_findings():
    """Functions of chance are compared by what was found, not by what was drawn."""

    def verify(calls, observations):
        value = observations[0].value
        return [Finding("too large", "it is too large")] if value > 1 else []

    check = Check("small", (Call({}),), verify=verify)
    seen = {"small": [Observation("returned", 5.0)]}
    known = Mistake.of("large", "b", "h", [check], {"small": [Observation("returned", 3.0)]})
    assert known.observations["small"][0].value is None
    assert report("f", [check], seen, [known], show_numbers=False).misconception == "large"


def test_a_report_survives_the_way_to_disk():
    """Plain containers and back."""
    said = judged(sign_flipped, sign_flipped)
    assert Report.from_dict(said.as_dict()) == said


def test_the_habits_row_has_the_agreed_name():
    """Notebook points count one mark for it."""
    assert judged(right).rows[-1].name == HABITS
