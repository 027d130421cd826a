"""The notebooks in git are sources: stripped, named, alone in their folder, complete."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"

folders = sorted(path for path in NOTEBOOKS.glob("*") if path.is_dir() and not path.name.startswith("."))
every_notebook = pytest.mark.parametrize("folder", folders, ids=lambda folder: folder.name)


def read(folder):
    """Return a folder's notebook as data."""
    return json.loads((folder / f"{folder.name}.ipynb").read_text())


def source(cell):
    """Return a cell's text, which the format stores as one string or as lines."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def nbgrader_cells(folder):
    """Return the pairs (cell, its nbgrader metadata) of a notebook."""
    return [(c, c["metadata"]["nbgrader"]) for c in read(folder)["cells"] if "nbgrader" in c["metadata"]]


def solutions(folder):
    """Return the code cells that a learner fills in, by grade_id."""
    pairs = nbgrader_cells(folder)
    return {m["grade_id"]: c for c, m in pairs if m.get("solution") and c["cell_type"] == "code"}


def graded_tests(folder):
    """Return the autograder-test cells with their nbgrader metadata, by grade_id."""
    return {
        m["grade_id"]: (c, m) for c, m in nbgrader_cells(folder) if m.get("grade") and not m.get("solution")
    }


def assert_enclosed(text, begin, end, where):
    """Assert that one pair of markers stands in the text, in order, with something in between."""
    found = re.findall(f"{re.escape(begin)}|{re.escape(end)}", text)
    assert found == [begin, end], f"{where}: expected one {begin!r} and then one {end!r}, saw {found}"
    assert text.split(begin)[1].split(end)[0].strip(), f"{where}: nothing between {begin!r} and {end!r}"


def test_there_are_lessons():
    """Without a folder every test below would pass by looking at nothing."""
    assert folders, f"no assignment folder in {NOTEBOOKS}"
    assert not [path.name for path in NOTEBOOKS.glob("*.ipynb")]


@every_notebook
def test_one_notebook_and_nothing_else(folder):
    """nbgrader releases everything in the folder: a stray file would reach students."""
    names = {path.name for path in folder.iterdir()} - {".ipynb_checkpoints"}
    assert names == {f"{folder.name}.ipynb"}


@every_notebook
def test_outputs_are_stripped(folder):
    """Outputs and counts are made, not written."""
    for cell in read(folder)["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, cell["id"]


@every_notebook
def test_metadata_is_plain(folder):
    """Any JupyterLab with this environment opens it: kernel python3, no pairing, no widget state."""
    metadata = read(folder)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert "jupytext" not in metadata
    assert "widgets" not in metadata


@every_notebook
def test_every_cell_has_its_own_id(folder):
    """Ids survive edits, so that a diff shows what changed; a doubled one stops nbgrader."""
    notebook = read(folder)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)
    ids = [cell.get("id") for cell in notebook["cells"]]
    assert all(ids) and len(set(ids)) == len(ids)


@every_notebook
def test_cell_id_is_grade_id(folder):
    """One thing has one name, in the file, in the gradebook and in the feedback."""
    for cell, metadata in nbgrader_cells(folder):
        assert cell["id"] == metadata["grade_id"]


@every_notebook
def test_each_exercise_is_one_function_and_one_test(folder):
    """A solution cell defines the function it is named after, and test_<name> grades it."""
    assert solutions(folder), "no exercise"
    for name, cell in solutions(folder).items():
        assert re.search(rf"^def {name}\(", source(cell), flags=re.MULTILINE), (
            f"{name} is not defined in its cell"
        )
    assert set(graded_tests(folder)) == {f"test_{name}" for name in solutions(folder)}


@every_notebook
def test_solutions_stand_between_markers(folder):
    """nbgrader removes what stands between the markers, and nothing else."""
    for name, cell in solutions(folder).items():
        assert_enclosed(source(cell), BEGIN_SOLUTION, END_SOLUTION, name)


@every_notebook
def test_hidden_tests_stand_between_markers(folder):
    """The answer is compared inside the markers; what everyone sees is the check."""
    for grade_id, (cell, metadata) in graded_tests(folder).items():
        name = grade_id.removeprefix("test_")
        assert_enclosed(source(cell), BEGIN_HIDDEN, END_HIDDEN, grade_id)
        visible = source(cell).split(BEGIN_HIDDEN)[0] + source(cell).split(END_HIDDEN)[1]
        assert f"check({name})" in visible, f"{grade_id}: students see no check({name})"
        assert "judge" not in visible and "reference" not in visible, f"{grade_id}: an answer in sight"
        assert metadata["points"] > 0 and metadata["locked"], grade_id


@every_notebook
def test_answers_stand_nowhere_else(folder):
    """No other cell imports the reference or holds a solution."""
    graded = {m["grade_id"] for _, m in nbgrader_cells(folder)}
    for cell in read(folder)["cells"]:
        if cell["id"] not in graded:
            text = source(cell)
            assert BEGIN_SOLUTION not in text and BEGIN_HIDDEN not in text, cell["id"]
            assert not re.search(r"course_utils\.reference|from autograder", text), cell["id"]
