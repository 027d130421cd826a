"""The course's map: what it says of a folder of notebooks, saved, unsaved, foreign and damaged."""

import json
import re
from pathlib import Path

from autograder.exercises import TOPICS
from course_utils.course_map import LESSONS, course_map

ROOT = Path(__file__).parents[2]


def lesson(folder, name, exercises):
    """Write a notebook whose checks said these words."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": f"# {name}"}]
    for exercise, said in exercises.items():
        meta = {"nbgrader": {"grade": True, "grade_id": f"test_{exercise}"}}
        outputs = [{"output_type": "display_data", "data": {"text/plain": said}}] if said else []
        cells.append({"cell_type": "code", "metadata": meta, "source": "", "outputs": outputs})
    path = folder / "notebooks" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_progress_is_what_the_saved_checks_say(tmp_path):
    """Done counts, not yet and nothing do not; a name that begins another's is not mistaken for it."""
    lesson(tmp_path, "setup", {"normalize": ["Done - normalize (7 of 7)\n", "  passed"]})
    said = {"l2_cost": "Done - l2_cost (8 of 8)", "l1": "Done - l1_cost (8 of 8)", "stop": ""}
    lesson(tmp_path, "regularization", said | {"flip": "Not yet - flip (2 of 7)"})
    shown = course_map(tmp_path)
    assert [shown.state(each) for each in LESSONS[:3]] == ["done, 1 of 1", "1 of 4", "not here yet"]
    assert shown.advice == "Next: l1 in regularization."
    assert 'href="notebooks/setup/setup.ipynb"' in shown._repr_html_()
    assert "regularization         75 min  1 of 4" in repr(shown)


def test_a_damaged_notebook_is_no_error(tmp_path):
    """A file that is half written is left out; so is a folder that holds an environment."""
    lesson(tmp_path, "softmax", {"softmax": ""}).write_text('{"cells": [')
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    lesson(tmp_path / "env", "setup", {"normalize": ""})
    assert course_map(tmp_path).done == {}
    assert course_map(tmp_path).advice == "No lesson lies in this folder."


def test_it_knows_every_lesson_in_an_order_that_holds():
    """Each lesson comes after those that it builds on."""
    names = [each.name for each in LESSONS]
    assert tuple(names) == TOPICS
    for i, each in enumerate(LESSONS):
        assert set(each.builds_on) <= set(names[:i]), each.name


def test_the_readme_shows_the_same_map():
    """Names, topics, minutes and what builds on what: the README's table says what the course's map says."""
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \| (\d+) \| (.*?) \|$", text, re.MULTILINE)
    said = [(int(i), name, about, int(minutes), before) for i, name, about, minutes, before in rows]
    assert said == [
        (i, each.name, each.about, each.minutes, ", ".join(each.builds_on) or "-")
        for i, each in enumerate(LESSONS, 1)
    ]
