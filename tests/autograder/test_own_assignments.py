"""What an instructor writes as nbgrader has always had it: asserts, and cells that a person marks."""

import json
import shutil
from pathlib import Path

import nbformat.v4 as v4
import pytest
from nbgrader.api import Gradebook

from autograder import grade, gradebook
from autograder.course import Course
from autograder.exercises import UnknownExercise

ROOT = Path(__file__).parents[2]
TESTS = (
    "assert twice(2) == 4\n### BEGIN HIDDEN TESTS\nsecret = -21\n"
    "assert twice(secret) == 2 * secret, f'not for {secret}'\n### END HIDDEN TESTS"
)


def notebook(twice, essay, tests=TESTS):
    cells = [
        v4.new_code_cell("import numpy as np"),
        named(v4.new_code_cell(twice), "twice", solution=True),
        named(v4.new_code_cell(tests), "test_twice", grade=True, points=3),
        named(v4.new_code_cell("steps = []"), "sketch", solution=True, grade=True, points=2),
        named(v4.new_markdown_cell(essay), "essay", solution=True, grade=True, points=4),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps(v4.new_notebook(cells=cells, metadata=kernel))


def named(cell, name, *, solution=False, grade=False, **more):
    flags = {"solution": solution, "grade": grade, "locked": grade and not solution, "task": False}
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, **flags, **more}
    return cell


@pytest.fixture
def course(tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    source = tmp_path / "notebooks" / "exam" / "exam.ipynb"
    source.parent.mkdir(parents=True)
    source.write_text(
        notebook("def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", "?")
    )
    return Course(tmp_path)


def hand_in(course, student, twice, essay="Because.", tests=TESTS):
    path = course.submitted_folder(student, "exam") / "exam.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(notebook(twice, essay, tests))


def test_asserts_are_run_and_a_person_marks_the_rest(course):
    """All points or none for asserts; what a person marks waits, whatever else was judged."""
    hand_in(course, "ann", "def twice(x): return x + x")
    hand_in(course, "bob", "def twice(x): return abs(2 * x)", tests="print('mine')")
    hand_in(course, "cy", "def twice(x): return None")
    hand_in(course, "dee", "import os\nos._exit(0)")
    hand_in(course, "eve", "def twice(x):\n    while True: pass")
    run = grade.run(course, jobs=2)
    assert run.all_judged
    assert [result.points for result in run.results] == [3, 0, 0, 0, 0]
    assert all(each.in_child for result in run.results for each in result.exercises)
    assert "test" in grade.table(run).splitlines()[-1] and "twice" in grade.table(run).splitlines()[-1]
    scores = gradebook.scores(course, "exam")
    assert scores["ann"]["test_twice"].points == 3 and not scores["ann"]["test_twice"].needs_review
    for student in ("ann", "bob"):
        assert scores[student]["essay"].needs_review and scores[student]["sketch"].needs_review
    told = [result.exercises[0].report.rows[0].problem for result in run.results]
    assert told[1] == "a hidden test did not pass (AssertionError)"
    assert "assert twice(2) == 4" in told[2]
    pages = [course.feedback_page(s, "exam").read_text() for s in ("ann", "bob", "cy", "dee", "eve")]
    assert not any("-21" in page or "secret" in page for page in pages)


def test_a_judge_without_cases_is_the_authors_slip(course):
    """A cell that asks for a judge whom nobody knows stops the run with its name, before anyone is graded."""
    source = course.source_notebook("exam")
    source.write_text(source.read_text().replace("assert twice(2) == 4", "judge(twice, against=None)"))
    hand_in(course, "ann", "def twice(x): return x + x")
    with pytest.raises(UnknownExercise, match="twice"):
        grade.run(course, jobs=1)
    assert not course.gradebook_db.exists()


def test_what_was_written_reaches_the_instructor_and_does_nothing_there(course):
    """An essay stands in the graded notebook and on the page, as text."""
    hand_in(course, "ann", "def twice(x): return 2 * x", "My *essay* <script>alert(1)</script>: $a < b$")
    grade.run(course, jobs=1)
    cells = json.loads(course.graded_notebook("ann", "exam").read_text())["cells"]
    assert "".join(cells[-1]["source"]) == "My *essay* &lt;script>alert(1)&lt;/script>: $a &lt; b$"
    page = course.feedback_page("ann", "exam").read_text()
    assert "My *essay*" in page and "<script" not in page and "open, of 4" in page


def test_what_a_person_gave_counts(course):
    """Marks given in formgrader stand on the page and in its total; a second run leaves them alone."""
    hand_in(course, "ann", "def twice(x): return 2 * x")
    grade.run(course, jobs=1)
    with Gradebook(f"sqlite:///{course.gradebook_db}", course_id="improving-deep-networks") as book:
        mark = book.find_grade("essay", "exam", "exam", "ann")
        mark.manual_score, mark.needs_manual_grade = 3.5, False
        book.find_comment("essay", "exam", "exam", "ann").manual_comment = "Well argued."
        book.db.commit()
    grade.run(course, jobs=1)
    page = course.feedback_page("ann", "exam").read_text()
    assert "3.5 of 4, given by your instructor" in page and "Well argued." in page
    assert "<strong>6.5 of 9</strong>, 2 still open" in page and "open, of 2" in page
    assert gradebook.scores(course, "exam")["ann"]["essay"].points == 3.5
