"""The cases of the optimizers topic find every known mistake, name it, and refuse nobody who is right."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from autograder.exercises import PUBLIC_SEED, behaviour, draw
from autograder.exercises.optimizers import EXERCISES
from course_utils import properties
from course_utils.calls import Call, Observation
from course_utils.examine import HABITS, diagnose, findings, habits, report
from course_utils.plain import Draws

ROOT = Path(__file__).resolve().parents[3]
BY_NAME = {exercise.name: exercise for exercise in EXERCISES}
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=BY_NAME)
MISTAKES = [(exercise, m) for exercise in EXERCISES for m in exercise.misconceptions]
every_mistake = pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=[m.key for _, m in MISTAKES])

# Most arrays of an optimizer with state lie in these two: a diagnosis without them takes a third of the time.
LARGE = {"twelve layers, dicts in any order", "six steps along one path"}


@cache
def drawn(name, seed, public_only=False):
    """Draw an exercise once for all tests that ask for it, without its large cases where it has state."""
    exercise = BY_NAME[name]
    small = tuple(case for case in exercise.cases if case.name not in LARGE)
    stateful = "velocity" in exercise.returns or "squares" in exercise.returns
    return draw(replace(exercise, cases=small) if stateful else exercise, seed, public_only=public_only)


def judged(exercise, function, seed):
    """Return the report on a function as the judge would write it."""
    checks = drawn_checks(exercise, seed)
    return report(exercise.name, checks, {c.name: behaviour(function, c) for c in checks}, show_numbers=False)


@cache
def drawn_checks(exercise, seed):
    """Draw the checks alone, without what the mistakes do on them."""
    return draw(replace(exercise, misconceptions=()), seed).checks


@every_exercise
def test_right_solutions_pass_whatever_is_drawn(exercise):
    """Nobody who is right is refused: the reference and each variant, on ten draws."""
    for seed in range(10):
        for function in (exercise.reference, *exercise.variants):
            result = judged(exercise, function, seed)
            bad = [(row.name, row.problem) for row in result.rows if row.status != "passed"]
            assert not bad, f"{function.__name__}, seed {seed}: {bad}"


@every_exercise
def test_unfinished_functions_earn_nothing(exercise):
    """A cell that was left alone, or returns its first argument, gets no mark for a property."""

    def unwritten(**arguments):
        raise NotImplementedError

    assert judged(exercise, unwritten, 0).passed == 0
    assert judged(exercise, lambda **arguments: 0.0, 0).share == 0


@every_mistake
def test_the_named_case_catches_the_mistake(exercise, mistake):
    """Whatever is drawn, the case that a misconception names shows it."""
    for seed in range(5):
        for check in drawn_checks(exercise, seed):
            if mistake.exposed_by == HABITS and habits(behaviour(mistake.wrong, check)):
                break
            if check.name == mistake.exposed_by and findings(check, behaviour(mistake.wrong, check)):
                break
        else:
            pytest.fail(f"{mistake.key} stays unseen by {mistake.exposed_by!r} at seed {seed}")


@every_mistake
def test_the_mistake_is_named_from_public_cases_alone(exercise, mistake):
    """What the notebook shows is enough to tell this mistake from all others."""
    found = drawn(exercise.name, PUBLIC_SEED, public_only=True)
    seen = {check.name: behaviour(mistake.wrong, check) for check in found.checks}
    named = diagnose(found.checks, seen, found.mistakes)
    assert named is not None and named.key == mistake.key


@every_mistake
def test_the_mistake_is_named_in_the_hidden_run(exercise, mistake):
    """The judge tells this mistake from all others."""
    found = drawn(exercise.name, 0)
    seen = {check.name: behaviour(mistake.wrong, check) for check in found.checks}
    named = diagnose(found.checks, seen, found.mistakes)
    assert named is not None and named.key == mistake.key


@every_exercise
def test_there_are_enough_of_everything(exercise):
    """Five mistakes, three other ways of being right, two to seven public cases, and no name twice."""
    assert len(exercise.misconceptions) >= 5 and len(exercise.variants) >= 3
    assert 2 <= sum(case.public for case in exercise.cases) <= 7
    assert len({case.name for case in exercise.cases}) == len(exercise.cases)
    names = {case.name for case in exercise.cases}
    assert all(set(case.after) <= names for case in exercise.cases)
    keys = [m.key for each in EXERCISES for m in each.misconceptions]
    assert len(set(keys)) == len(keys)


def test_the_notebook_gives_the_points_of_the_exercises():
    """The gradebook takes its maxima from the notebook, the judge from the cases: they must be equal."""
    notebook = json.loads((ROOT / "notebooks/optimizers/optimizers.ipynb").read_text())
    cells = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
    points = {cell["grade_id"]: cell["points"] for cell in cells if cell.get("grade")}
    assert points == {f"test_{exercise.name}": exercise.points for exercise in EXERCISES}


# --- the verifiers of mini-batches -------------------------------------------------------------------------


def deal(order, size, X, Y):
    """Return the batches that deal X and Y in this order."""
    return [(X[:, order[s : s + size]], Y[:, order[s : s + size]]) for s in range(0, len(order), size)]


def verified(verifier, orders, size=10, aids=None):
    """Return the codes that a verifier finds when the calls deal in these orders."""
    m = len(orders[0])
    X, Y = np.arange(2.0 * m).reshape(2, m), -np.arange(float(m))[None]
    aids = aids or [{}] * len(orders)
    calls = [Call({"X": X, "Y": Y, "batch_size": size, "rng": Draws(0)}, aid) for aid in aids]
    seen = [Observation("returned", deal(order, size, X, Y)) for order in orders]
    return [found.code for found in verifier(calls, seen)]


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("order:old", lambda rng, m: np.arange(m)),
        ("order:runs", lambda rng, m: np.roll(np.arange(m), rng.integers(1, m))),
        ("order:runs", lambda rng, m: np.arange(m)[::-1]),
        ("order:near", lambda rng, m: np.argsort(np.arange(m) + rng.uniform(0, 40, size=m))),
        ("order:always the same", lambda rng, m: np.random.default_rng(5).permutation(m)),
        ("order:fixed batch", lambda rng, m: np.concatenate([rng.permutation(m - 3), [m - 3, m - 2, m - 1]])),
        (None, lambda rng, m: rng.permutation(m)),
    ],
)
def test_orders_that_only_look_mixed_are_seen(code, make):
    """Rolling, reversing, jittering, a fixed order and a fixed rest are no shuffle; a permutation is one."""
    rng = np.random.default_rng(3)
    m = 203 if code == "order:near" else 43
    orders = [make(rng, m) for _ in range(6)]
    assert verified(properties.examples_are_mixed, orders) == ([code] if code else [])


def test_random_orders_are_hardly_ever_refused():
    """The bounds leave room: none of 2000 sets of honest orders comes near a refusal."""
    rng = np.random.default_rng(4)
    for _ in range(2000):
        assert verified(properties.examples_are_mixed, [rng.permutation(43) for _ in range(6)]) == []


def test_generators_are_told_apart():
    """Equal generators must agree, others must not."""
    a, b = np.arange(20), np.arange(20)[::-1]
    aids = [{"compare": ""}, {"compare": "equal"}, {"compare": "new"}]
    assert verified(properties.order_follows_rng, [a, a, b], aids=aids) == []
    assert verified(properties.order_follows_rng, [a, b, b], aids=aids) == ["rng:not used"]
    assert verified(properties.order_follows_rng, [a, a, a], aids=aids) == ["rng:always the same"]


@pytest.mark.parametrize(
    ("code", "batches"),
    [
        ("batches:kind", 3.0),
        ("batches:pairs", [np.zeros((2, 3))]),
        ("batches:arrays", [(np.zeros((2, 3)), [1, 2, 3])]),
        ("batches:rows", [(np.zeros((3, 2)), np.zeros((1, 2)))]),
        ("batches:columns", [(np.zeros((2, 3)), np.zeros((1, 2)))]),
        ("batches:sizes", [(np.zeros((2, 3)), np.zeros((1, 3)))] * 3),
        ("batches:rest dropped", [(np.zeros((2, 3)), np.zeros((1, 3)))] * 2),
        ("batches:empty", [(np.zeros((2, k)), np.zeros((1, k))) for k in (3, 3, 2, 0)]),
        ("batches:torn", [(np.zeros((2, k)) - 1, np.zeros((1, k))) for k in (3, 3, 2)]),
        ("batches:repeated", [(np.tile([[0.0], [8.0]], k), np.zeros((1, k))) for k in (3, 3, 2)]),
    ],
)
def test_every_way_of_dealing_badly_has_its_code(code, batches):
    """Whatever a learner hands back is read without an error and gets a code of its own."""
    X, Y = np.arange(16.0).reshape(2, 8), np.arange(8.0)[None]
    calls = [Call({"X": X, "Y": Y, "batch_size": 3, "rng": Draws(0)})]
    seen = [Observation("returned", batches)]
    for verifier in (
        properties.every_example_once,
        properties.labels_follow_examples,
        properties.examples_are_mixed,
        properties.order_follows_rng,
    ):
        assert [found.code for found in verifier(calls, seen)] == [code]
