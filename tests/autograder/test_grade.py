"""From a folder of submissions to gradebook and feedback: everyone gets what their work deserves."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import grade, gradebook
from autograder.course import Course, CourseError
from autograder.exercises import find
from autograder.results import GRADED, UNJUDGED

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("dropout_forward", "dropout_backward")
RIGHT = {
    "dropout_forward": """def dropout_forward(A, keep_prob, rng):
    kept = rng.binomial(1, keep_prob, A.shape) == 1
    return [np.where(kept, A, 0) / keep_prob, kept]""",
    "dropout_backward": """def dropout_backward(dA, mask, keep_prob):
    return np.where(mask, dA / keep_prob, 0.0)""",
}
UNSCALED = """def dropout_forward(A, keep_prob, rng):
    mask = rng.random(A.shape) < keep_prob
    return A * mask, mask"""
DIES = "def dropout_forward(A, keep_prob, rng):\n    import os; os._exit(1)"
ENDLESS = "def dropout_forward(A, keep_prob, rng):\n    while True: pass"


def code(cell_id, source, **nbgrader):
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": cell_id, "cell_type": "code", **nbgrader}}
    cell = {"cell_type": "code", "id": cell_id, "metadata": metadata if nbgrader else {}, "source": source}
    return {**cell, "outputs": [], "execution_count": None}


def notebook(solutions):
    cells = [code("imports", "import numpy as np\nfrom course_utils.check import check")]
    for name in NAMES:
        cells.append(code(name, solutions[name], solution=True, grade=False, locked=False, task=False))
        points = float(find(name).points)
        cells.append(
            code(
                f"test_{name}",
                f"check({name})",
                solution=False,
                grade=True,
                locked=True,
                task=False,
                points=points,
            )
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def lesson():
    stub = "    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION"
    return notebook({name: f"def {name}(*args):\n{stub}" for name in NAMES})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks" / "dropout").mkdir(parents=True)
    (root / "notebooks" / "dropout" / "dropout.ipynb").write_text(json.dumps(lesson()))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    gradebook.prepare(Course(root), ["dropout"])
    return root


@pytest.fixture
def course(prepared, tmp_path):
    return Course(Path(shutil.copytree(prepared, tmp_path / "course")))


def hand_in(course, student, solutions, folder="dropout"):
    content = solutions if isinstance(solutions, bytes) else json.dumps(notebook(RIGHT | solutions)).encode()
    path = course.submitted_folder(student, folder) / "dropout.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def by_student(run):
    return {result.student: result for result in run.results}


def points(result):
    return {each.exercise: (each.points, each.max_points) for each in result.exercises}


def test_a_class_of_every_kind(course):
    """Right, wrong, dying and broken submissions, side by side: each gets its own, nobody another's."""
    hand_in(course, "ann", {})
    hand_in(course, "bob", {"dropout_forward": UNSCALED})
    hand_in(course, "cy", {"dropout_forward": DIES})
    hand_in(course, "dee", b"{ this is no notebook")
    hand_in(course, "eve", {"dropout_backward": "def dropout_bakward(dA, mask, keep_prob): pass"})
    run = grade.run(course, jobs=2, seed=1)
    got = by_student(run)
    full = got["ann"].max_points
    assert got["ann"].status == GRADED and got["ann"].points == full == sum(find(n).points for n in NAMES)
    assert got["bob"].misconceptions == ("dropout-unscaled",)
    assert (
        0 < got["bob"].points < full
        and points(got["bob"])["dropout_backward"] == points(got["ann"])["dropout_backward"]
    )
    assert points(got["cy"])["dropout_forward"][0] == 0 and points(got["cy"])["dropout_backward"][0] > 0
    assert got["dee"].status == UNJUDGED and "damaged" in got["dee"].reason
    assert "dropout_bakward" in got["eve"].exercises[1].report.headline
    assert not run.all_judged

    scores = gradebook.scores(course, "dropout")
    for student, result in got.items():
        for each in result.exercises:
            assert scores[student][each.grade_id].points == each.points
    assert (
        scores["dee"]["test_dropout_forward"].auto is None
        and scores["dee"]["test_dropout_forward"].needs_review
    )
    for student in got:
        assert course.feedback_page(student, "dropout").is_file()
        assert course.graded_notebook(student, "dropout").is_file()
    assert "nothing makes up" in course.feedback_page("bob", "dropout").read_text()


def test_an_endless_function_costs_its_own_marks(course):
    """The other exercise keeps its marks, and the run ends."""
    hand_in(course, "fay", {"dropout_forward": ENDLESS})
    result = grade.run(course, jobs=1).results[0]
    assert points(result)["dropout_forward"][0] == 0
    assert points(result)["dropout_backward"][0] == points(result)["dropout_backward"][1]
    assert "come to an end" in result.exercises[0].report.rows[0].problem


def test_a_second_run_judges_nothing_and_changes_nothing(course):
    """Results are kept under what they depend on; --force, another seed or another file judge again."""
    hand_in(course, "ann", {})
    first = grade.run(course, jobs=1)
    again = grade.run(course, jobs=1)
    assert (first.judged, again.judged) == (1, 0) and first.results == again.results
    assert grade.run(course, jobs=1, force=True).judged == 1
    assert grade.run(course, jobs=1, seed=5).judged == 1
    shutil.rmtree(course.submitted)
    hand_in(course, "ann", {"dropout_forward": UNSCALED})
    changed = grade.run(course, jobs=1)
    assert changed.judged == 1 and changed.results[0].points < first.results[0].points
    scores = gradebook.scores(course, "dropout")["ann"]
    assert scores["test_dropout_forward"].points == changed.results[0].exercises[0].points


def test_an_interrupted_run_goes_on_where_it_stopped(course, monkeypatch):
    """What was judged before the interruption is kept although nothing reached the gradebook."""
    for student in ("ann", "bob", "cy"):
        hand_in(course, student, {})
    kept = grade.ResultStore.keep
    calls = []

    def keep(self, result, documents):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(result)
        kept(self, result, documents)

    monkeypatch.setattr(grade.ResultStore, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        grade.run(course, jobs=1)
    monkeypatch.setattr(grade.ResultStore, "keep", kept)
    run = grade.run(course, jobs=1)
    assert (run.judged, run.reused) == (1, 2)
    assert {student for student in gradebook.scores(course, "dropout")} == {"ann", "bob", "cy"}


def test_what_a_power_cut_tore_is_made_again(course, monkeypatch):
    """A result without its end is judged again; pages that wait from such a run are not trusted."""
    for student in ("ann", "bob"):
        hand_in(course, student, {})
    with monkeypatch.context() as patch:
        patch.setattr(grade.ResultStore, "settle", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            grade.run(course, jobs=1, seed=3)
    kept = sorted(course.results_dir.glob("*.json"))
    os.truncate(kept[0], 40)
    for page in course.results_dir.glob("*.html"):
        os.truncate(page, 0)
    run = grade.run(course, jobs=1, seed=3)
    assert (run.judged, run.reused) == (1, 1)
    pages = [course.feedback_page(student, "dropout").read_text() for student in ("ann", "bob")]
    assert all(page.rstrip().endswith("</html>") for page in pages)


def test_marks_move_only_with_consent(course):
    """After a point value changed, who moves is said first; a no leaves the gradebook as it was."""
    hand_in(course, "ann", {})
    before = points(grade.run(course, jobs=1).results[0])
    source = course.source_notebook("dropout")
    document = json.loads(source.read_text())
    document["cells"][2]["metadata"]["nbgrader"]["points"] *= 2
    source.write_text(json.dumps(document))
    with pytest.raises(grade.NotEntered, match="1 marks would have moved"):
        grade.run(course, jobs=1, confirm=lambda moves: False)
    assert (
        gradebook.scores(course, "dropout")["ann"]["test_dropout_forward"].auto
        == before["dropout_forward"][0]
    )
    asked = []
    run = grade.run(course, jobs=1, confirm=lambda moves: asked.extend(moves) or True)
    assert run.judged == 0 and run.reused == 1
    full = before["dropout_forward"][0]
    assert [str(move) for move in asked] == [f"ann, dropout, dropout_forward: {full:g} -> {2 * full:g}"]
    assert gradebook.scores(course, "dropout")["ann"]["test_dropout_forward"].auto == 2 * full
    assert grade.run(course, jobs=1).moves == ()


def test_two_workers_say_what_one_says(course):
    """The same seed gives the same report in one process and in two."""
    hand_in(course, "ann", {})
    hand_in(course, "bob", {"dropout_forward": UNSCALED})
    reports = [
        [e.report for r in grade.run(course, jobs=jobs, seed=3, force=True).results for e in r.exercises]
        for jobs in (1, 2)
    ]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["no_such_lesson"], "no assignment 'no_such_lesson'"),
        (["dropout"], "nothing was handed in"),
        (["dropout", "--student", "zoe"], "nothing was handed in"),
    ],
)
def test_errors_say_what_was_looked_for(course, arguments, word):
    """On standard error, in words, with exit code 2 and no traceback."""
    done = autograder(course, "grade", *arguments)
    assert done.returncode == 2 and word in done.stderr and "Traceback" not in done.stderr


def test_an_empty_folder_is_said(course):
    """What was looked for and what is there."""
    course.submitted_folder("ann", "essay").mkdir(parents=True)
    with pytest.raises(CourseError, match="found ann"):
        grade.run(course)


def test_a_locked_gradebook_loses_nothing(course, monkeypatch):
    """The error says what to do; what was judged is kept and enters the gradebook the next time."""
    hand_in(course, "ann", {})
    monkeypatch.setattr(gradebook.errors, "PATIENCE", 0.2)
    other = sqlite3.connect(course.gradebook_db)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(gradebook.GradebookLocked, match="locked"):
        grade.run(course, jobs=1)
    other.close()
    grade.run(course, jobs=1)
    assert gradebook.scores(course, "dropout")["ann"]["test_dropout_backward"].points > 0


def autograder(course, *arguments):
    command = [sys.executable, "-m", "autograder", "--course", str(course.root), *arguments]
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_the_command_line(course):
    """A table for a person, one object a line for a program, exit code 1 if someone could not be judged."""
    hand_in(course, "ann", {})
    hand_in(course, "bob", {"dropout_forward": UNSCALED})
    done = autograder(course, "grade", "dropout", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "dropout-unscaled" in done.stdout and str(course.feedback) in done.stdout
    hand_in(course, "cy", b"[]")
    done = autograder(course, "grade", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [line["student"] for line in lines] == ["ann", "bob", "cy"]
    assert lines[1]["exercises"][0]["misconception"] == "dropout-unscaled"


def test_nbgrader_gives_the_same_scores(course):
    """`nbgrader autograde` with the project's settings asks the same judge."""
    hand_in(course, "ann", {})
    hand_in(course, "bob", {"dropout_forward": UNSCALED})
    hand_in(course, "cy", b"no notebook")
    grade.run(course, jobs=1)
    ours = gradebook.scores(course, "dropout")
    shutil.rmtree(course.autograded)
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "dropout", "--force"],
        cwd=course.root, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = gradebook.scores(course, "dropout")
    assert theirs == ours


def test_loose_files_are_judged(course, tmp_path):
    """One object a line; an unreadable file is said and the others are judged."""
    for name, source in {
        "right": RIGHT["dropout_forward"],
        "wrong": UNSCALED,
        "half": "def dropout_forward(A",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    files = [str(tmp_path / f"{name}.py") for name in ("right", "wrong", "half", "none")]
    done = autograder(course, "judge", "dropout_forward", *files, "--json", "--seed", "4")
    right, wrong, half, none = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert right["passed"] and right["score"] == right["max_score"] and right["misconception"] is None
    assert not wrong["passed"] and wrong["misconception"] == "dropout-unscaled"
    assert {"exercise", "file", "score", "max_score", "passed", "misconception", "message", "checks"} == set(
        wrong
    )
    assert {"name", "passed", "message"} == set(wrong["checks"][0])
    assert half["score"] == 0 and "SyntaxError" in half["message"]
    assert "could not read" in none["message"] and none["score"] == 0


def test_a_fault_of_the_grader_stops_nobody_and_is_tried_again(course, monkeypatch):
    """The student reads that it was not them, the instructor reads where; the next run judges anew."""
    hand_in(course, "ann", {})
    hand_in(course, "bob", {})
    judged = grade.Worker.grade

    def stumbles(self, handed, *args, **options):
        self.judge.submission = faulty if handed.student == "ann" else honest.__get__(self.judge)
        return judged(self, handed, *args, **options)

    def faulty(*args, **options):
        raise KeyError("no such <case>")

    from autograder.judge import Judge

    honest = Judge.submission
    monkeypatch.setattr(grade.Worker, "grade", stumbles)
    ann, bob = grade.run(course, jobs=1).results
    assert ann.status == UNJUDGED and "not you" in ann.reason and "no such <case>" in ann.fault
    assert bob.points == bob.max_points
    assert "no such" not in course.feedback_page("ann", "dropout").read_text()
    monkeypatch.setattr(grade.Worker, "grade", judged)
    again = grade.run(course, jobs=1)
    assert again.judged == 1 and again.results[0].points == bob.points
