"""A course small enough to release and grade in a test: one lesson, two exercises, a stand-in as judge."""

import json
import shutil
from pathlib import Path

import pytest

from autograder import gradebook
from autograder.course import Course
from autograder.results import ExerciseResult, SubmissionResult
from course_utils import examine
from course_utils.examine import Report, Row

ROOT = Path(__file__).resolve().parents[2]

SOLUTION = '''def {name}(A, keep_prob):
    """Scale what is kept.

    Equation::

        B = A / keep_prob
    """
    ### BEGIN SOLUTION
    telltale_of_{name} = np.multiply(A, 17.0) / keep_prob
    return telltale_of_{name}
    ### END SOLUTION
'''
TEST = """check({name})
### BEGIN HIDDEN TESTS
from autograder import judge
from course_utils.reference import dropout as reference

judge({name}, against=reference.dropout_forward)
### END HIDDEN TESTS
"""
STAND_IN = '''"""A judge that reads the mark in the first comment of a solution: `# 2.5`."""

import copy
import re

from autograder.report.feedback import outputs_for
from autograder.results import ExerciseResult, SubmissionResult
from course_utils.examine import FAILED, PASSED, Report, Row


def judge_notebook(course, assignment, notebook, student):
    results, graded = [], copy.deepcopy(notebook)
    for cell in graded["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("solution"):
            mark = re.search(r"# ([0-9.]+)", "".join(cell["source"]))
            points = float(mark.group(1)) if mark else 0.0
        if meta.get("grade"):
            name = meta["grade_id"].removeprefix("test_")
            row = Row("the mean survives", PASSED if points == 4 else FAILED, "it does not <survive>")
            report = Report(name, row.status, (row,))
            results.append(ExerciseResult(name, meta["grade_id"], points, 4.0, report))
            cell["outputs"] = outputs_for(results[-1])
    return SubmissionResult(student, assignment, "graded", tuple(results)), graded
'''


def cell(kind, source, cell_id, **nbgrader):
    """Return one cell of a notebook."""
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": cell_id, **nbgrader}} if nbgrader else {}
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source, **extra}


def solution(name, source=None):
    """Return a solution cell, the instructor's unless another source is given."""
    flags = {"grade": False, "solution": True, "locked": False, "task": False}
    return cell("code", source or SOLUTION.format(name=name), name, cell_type="code", **flags)


def graded(name, points=4):
    """Return a graded cell."""
    flags = {"grade": True, "solution": False, "locked": True, "task": False, "points": points}
    return cell("code", TEST.format(name=name), f"test_{name}", cell_type="code", **flags)


def notebook(*cells):
    """Return a notebook of these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def lesson():
    """Return the instructor's notebook."""
    return notebook(
        cell("markdown", "# A small lesson\n\nWhat is kept is divided by its chance.", "intro"),
        cell("code", "import numpy as np\n\nfrom course_utils.check import check", "imports"),
        solution("scale"),
        graded("scale"),
        solution("scale_again"),
        graded("scale_again"),
    )


def write_json(path, document):
    """Write a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The folder of a course whose gradebook knows its lesson, made with an empty PATH; tests copy it."""
    root = tmp_path_factory.mktemp("prepared") / "course"
    write_json(root / "notebooks" / "small" / "small.ipynb", lesson())
    (root / "stand_in_judge.py").write_text(STAND_IN)
    config = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(
        config.replace("autograder.grade.judge_notebook", "stand_in_judge.judge_notebook")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        gradebook.prepare(Course(root), ["small"])
    return root


@pytest.fixture
def course(prepared, tmp_path):
    """A course of its own in a temporary folder, with the project's nbgrader settings."""
    return Course(Path(shutil.copytree(prepared, tmp_path / "course")))


def hand_in(course, student, marks, assignment="small"):
    """Hand in a notebook whose solutions carry these marks, for the stand-in judge."""
    names = ["scale", "scale_again"]
    cells = [
        solution(n, f"def {n}(A, keep_prob):\n    return A  # {mark}")
        for n, mark in zip(names, marks, strict=True)
    ]
    both = [c for s, n in zip(cells, names, strict=True) for c in (s, graded(n))]
    return write_json(course.submitted_folder(student, assignment) / f"{assignment}.ipynb", notebook(*both))


def judged(student, *points, status="graded", reason="", rows=None):
    """Return a result of the small lesson; None for an exercise that could not be judged."""
    exercises = []
    for name, earned in zip(["scale", "scale_again"], points, strict=False):
        state = examine.UNJUDGED if earned is None else examine.PASSED if earned == 4 else examine.FAILED
        report = Report(name, state, rows or (Row("the mean survives", state, "it does not <survive>"),))
        exercises.append(ExerciseResult(name, f"test_{name}", earned or 0.0, 4.0, report))
    return SubmissionResult(student, "small", status, tuple(exercises), reason)


class Sample:
    """The helpers above, for test modules."""

    cell, solution, graded, notebook, lesson = map(staticmethod, (cell, solution, graded, notebook, lesson))
    write, hand_in, judged = map(staticmethod, (write_json, hand_in, judged))


@pytest.fixture
def sample():
    """Notebooks, submissions and results of the small course."""
    return Sample
