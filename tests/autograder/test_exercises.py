"""What every exercise's cases must keep to, whatever the topic."""

import inspect
from pathlib import Path

import pytest

from autograder.exercises import PUBLIC_SEED, TOPICS, UnknownExercise, draw, find, topic, topic_of
from autograder.submission import SOLUTION, TEST, read_lesson
from course_utils.examine import HABITS
from course_utils.plain import pack

SOURCES = Path(__file__).resolve().parents[2] / "notebooks"
EXERCISES = [exercise for name in TOPICS for exercise in topic(name).values()]
LESSONS = [name for name in TOPICS if (SOURCES / name).is_dir()]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)


def arrays_of(value):
    return [(array.shape, array.tobytes()) for array in pack(value)[1] if array.size > 1]


@each
def test_inputs_follow_from_the_seed_alone(exercise):
    """The same seed gives the same checks, another seed others: a grade can be reproduced, not foreseen."""
    first, again, other = (draw(exercise, seed).checks for seed in (3, 3, 4))
    inputs = [
        repr(pack([call.arguments for check in checks for call in check.calls])) for checks in (first, again)
    ]
    assert inputs[0] == inputs[1]
    assert inputs[0] != repr(pack([call.arguments for check in other for call in check.calls]))


@each
def test_no_input_holds_the_answer_to_a_call_that_is_still_open(exercise):
    """The k-th calls of all checks are sent together: none of them may carry what another should return."""
    drawn = draw(exercise, 5)
    answers = [
        (check.name, k, set(arrays_of(check.expected[k])) - set(arrays_of(check.calls[k].arguments)))
        for check in drawn.checks
        if check.expected is not None
        for k in range(len(check.calls))
    ]
    for check in drawn.checks:
        for j, call in enumerate(check.calls):
            given = set(arrays_of(call.arguments))
            for name, k, answer in answers:
                if j <= k and (name, k) != (check.name, j):
                    assert not given & answer, f"call {j} of {check.name!r} holds an answer of {name!r}"


@each
def test_names_are_unique_and_each_case_says_why(exercise):
    """A row, a misconception and a reason have one name each; `after` and `exposed_by` name real cases."""
    names = [case.name for case in exercise.cases]
    keys = [m.key for m in exercise.misconceptions]
    assert len(set(names)) == len(names) and len(set(keys)) == len(keys)
    assert all(case.why and case.marks >= 1 for case in exercise.cases)
    assert {m.exposed_by for m in exercise.misconceptions} <= {*names, HABITS}
    for i, case in enumerate(exercise.cases):
        assert set(case.after) <= set(names[:i])
    assert any(case.public for case in exercise.cases)
    assert HABITS not in names


@each
def test_wrong_ideas_and_right_styles_are_called_like_the_reference(exercise):
    """All have the exercise's own signature: none is refused for a name."""
    asked = list(inspect.signature(exercise.reference).parameters)
    for function in (*exercise.variants, *(m.wrong for m in exercise.misconceptions)):
        assert list(inspect.signature(function).parameters) == asked


def test_a_key_names_one_mistake_of_the_whole_course():
    """A class is counted by keys: two exercises never share one."""
    keys = [m.key for exercise in EXERCISES for m in exercise.misconceptions]
    assert len(set(keys)) == len(keys), sorted({key for key in keys if keys.count(key) > 1})


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_notebook_and_its_cases_agree(lesson):
    """Every exercise of a lesson has a solution cell, a test cell and cases, with the same points."""
    source = read_lesson(SOURCES / lesson / f"{lesson}.ipynb")
    exercises = topic(lesson)
    assert set(source.exercises) == set(exercises)
    assert [c.name for c in source.cells if c.kind == SOLUTION] == list(source.exercises)
    for cell in source.cells:
        if cell.kind == TEST:
            assert cell.points == exercises[cell.exercise].points
            assert cell.source.startswith(f"check({cell.exercise})")


def test_public_inputs_are_not_drawn_from_a_hidden_seed():
    """Graded seeds are 48 random bits; the public one is fixed."""
    assert PUBLIC_SEED < 2**16


def test_an_unknown_exercise_is_said_with_what_there_is():
    """A typing error shows the names."""
    with pytest.raises(UnknownExercise, match="adam_update"):
        find("adam_updat")
    assert topic_of("adam_update") == "optimizers"
