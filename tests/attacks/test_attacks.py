"""No attack earns a mark, harms anyone or leaves anything; and no honest submission loses a mark."""

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from arsenal import ATTACKS, FIRST, SECOND
from conftest import CLASSES, POINTS, ROOT, group, make_course, student

USERS = list(CLASSES)
SELECTION = {"patched comparison", "forged outputs stored", "the test's cell doubled", "exit in the cell"}
NUMBERED = list(enumerate(ATTACKS))
WALLS = {
    "root": "bubblewrap, namespaces, system call filter, memory in total",
    "ordinary user": "bubblewrap, namespaces, system call filter, memory in total",
    "ordinary user, landlock": "Landlock, system call filter, one process a submission",
}


def scores(line):
    return {each["exercise"]: each["score"] for each in line["exercises"]}


HANDED_IN = [
    pytest.param(user, n, a, marks=group(user), id=f"{user}: {a.family}: {a.name}")
    for user, (_, families) in CLASSES.items()
    for n, a in NUMBERED
    if a.family in families
]
MET = {
    "eight gigabytes": "512 MiB of memory",
    "memory over many processes": "more memory than the 512 MiB",
    "a full disk": "16 MiB",
    "files left open": "128 files",
    "an endless cell": "3 s",
}


@pytest.mark.parametrize("run, number, attack", HANDED_IN, indirect=["run"])
def test_every_submission_gets_exactly_what_it_deserves(run, number, attack):
    """Not a mark more for an attack, not a mark less for honest work in the same notebook."""
    line = run.results[student(number)]
    got = scores(line)
    if attack.earns is None and attack.keeps is None and attack.family == "documents":
        assert line["status"] == "could not judge" and len(line["reason"]) > 20
        return
    assert line["status"] == "graded", line["reason"]
    assert got[FIRST] == pytest.approx(POINTS[FIRST] * (attack.earns or 0.0)), line
    if attack.keeps is not None:
        assert got[SECOND] == pytest.approx(POINTS[SECOND] * attack.keeps), line


def test_the_next_student_gets_every_mark(run):
    """Whatever the one before did, an honest student after it is graded as if alone."""
    after = {n: run.results[student(n, "honest")] for n, a in NUMBERED if student(n, "honest") in run.results}
    assert len(after) > 30
    harmed = {ATTACKS[n].name: line for n, line in after.items() if scores(line) != POINTS}
    assert harmed == {}


def test_nothing_outside_is_changed(run):
    """The course folder, the submissions and a folder that everybody may write are what they were."""
    assert run.unchanged


def test_no_process_is_left(run):
    """Every process that a submission started has ended with it."""
    assert run.left_over == []


def test_the_gradebook_holds_what_the_judge_said(run):
    """Row by row: nothing that a submission did reached the gradebook on another way."""
    graded = {name: line for name, line in run.results.items() if line["status"] == "graded"}
    recorded = {name: marks for name, marks in book_of(run.course).items() if name in graded}
    assert recorded == {name: scores(line) for name, line in graded.items()}


def book_of(course):
    """The marks in a course's gradebook: student, exercise, mark."""
    with sqlite3.connect(course / "build" / "gradebook.db") as book:
        rows = book.execute(
            "select submitted_assignment.student_id, base_cell.name, grade.auto_score from grade "
            "join grade_cells on grade.cell_id = grade_cells.id "
            "join base_cell on grade_cells.id = base_cell.id "
            "join submitted_notebook on grade.notebook_id = submitted_notebook.id "
            "join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id"
        ).fetchall()
    marks = {}
    for name, cell, score in rows:
        if score is not None:
            marks.setdefault(name, {})[cell.removeprefix("test_")] = score
    return marks


def test_the_walls_are_named_in_every_grade(run):
    """An instructor can see later what stood between the class and the answers."""
    graded = [line["sandbox"] for line in run.results.values() if line["status"] == "graded"]
    assert all(walls.startswith(WALLS[run.user]) for walls in graded), set(graded)


@pytest.mark.parametrize(
    "run, number, attack",
    [h for h in HANDED_IN if h.values[2].name in MET],
    indirect=["run"],
    scope="session",
)
def test_a_limit_that_was_met_is_named(run, number, attack):
    """The learner reads which limit it was, not only that something went wrong."""
    words = MET[attack.name]
    if run.user.endswith("landlock") and "processes" in attack.name:
        words = "starts no programs"  # nor processes, behind this wall
    assert words in str(run.results[student(number)]["exercises"])


@pytest.mark.parametrize("run", [pytest.param(USERS[0], marks=group(USERS[0]))], indirect=True)
def test_nbgraders_own_command_gives_the_same_marks(run, tmp_path):
    """`nbgrader autograde` takes the same way: a selection of attacks, and an honest student after them."""
    chosen = [n for n, a in NUMBERED if a.name in SELECTION]
    course = make_course(tmp_path)
    names = [student(n) for n in chosen] + [student(chosen[0], "honest")]
    for name in names:
        shutil.copytree(
            run.course / "build/submitted" / name, course / "build/submitted" / name, symlinks=True
        )
    command = [sys.executable, "-m", "nbgrader"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for verb in ("generate_assignment", "autograde"):
        done = subprocess.run([*command, verb, "mini"], cwd=course, env=env, capture_output=True, text=True)
    marks = book_of(course)
    for name in names:
        expected = scores(run.results[name]) if run.results[name]["status"] == "graded" else {}
        assert marks.get(name, {}) == expected, (name, done.stderr[-2000:])
