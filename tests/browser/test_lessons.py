"""Every lesson, solved, in JupyterLab: it runs, its checks are done, its sliders move, nobody is shut out."""

import json
import re
from pathlib import Path

import pytest

from autograder.checks import write_checks
from autograder.exercises import TOPICS, topic
from autograder.submission import HIDDEN

ROOT = Path(__file__).resolve().parents[2]
MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("browser")  # one server, one browser

ERRORS = """() => {
    const cells = jupyterapp.shell.currentWidget.content.model.cells;
    const found = [];
    for (let i = 0; i < cells.length; i++) {
        const cell = cells.get(i);
        for (let k = 0; cell.type === 'code' && k < cell.outputs.length; k++) {
            const output = cell.outputs.get(k).toJSON();
            if (output.output_type === 'error') found.push(cell.id + ': ' + output.ename);
        }
    }
    return JSON.stringify(found);
}"""


@pytest.fixture(scope="session")
def checks(jupyterlab):
    """The visible checks, where the server's kernels look for them."""
    path = jupyterlab.root / "checks.h5"
    write_checks(path, [exercise for name in TOPICS for exercise in topic(name).values()])
    return path


@pytest.fixture
def solved(jupyterlab, checks):
    """solved(name): write a lesson as a learner leaves it who got everything right."""

    def write(name):
        notebook = json.loads((ROOT / "notebooks" / name / f"{name}.ipynb").read_text())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = MARKER.sub("", HIDDEN.sub("", "".join(cell["source"])))
        (jupyterlab.root / f"{name}.ipynb").write_text(json.dumps(notebook))
        return f"{name}.ipynb"

    return write


@pytest.mark.parametrize("name", TOPICS)
def test_a_solved_lesson_runs_and_moves(page, open_notebook, run_all, solved, axe, name):
    """No error, every check done, every figure with its text, every slider by keyboard, axe finds nothing."""
    open_notebook(page, solved(name))
    run_all(page)
    assert json.loads(page.evaluate(ERRORS)) == []
    verdicts = page.locator(".course-report .verdict").all_inner_texts()
    assert len(verdicts) == len(topic(name)) and all("Done" in verdict for verdict in verdicts), verdicts
    pictures = page.locator(".jp-OutputArea-output img").evaluate_all(
        "images => images.map(image => [image.alt.length, image.complete && image.naturalWidth])"
    )
    assert len(pictures) > 3 and all(text > 20 and width for text, width in pictures), pictures
    still = page.locator("[data-still]").evaluate_all("all => all.map(e => getComputedStyle(e).display)")
    assert set(still) <= {"none"}
    for root in page.locator(".jp-OutputArea-output .cw:has(> output)").all():
        move(page, root)
    assert axe(page, ".jp-OutputArea-output .cw, .course-report") == []


def move(page, root):
    """Slide to the end and back by keyboard: the words and the picture change."""
    slider, words, picture = root.locator("input[type=range]"), root.locator("output"), root.locator("img")
    slider.focus()
    before = words.inner_text(), picture.get_attribute("src")
    for key in ("End", "Home"):
        page.keyboard.press(key)
        seen = words.inner_text(), picture.get_attribute("src")
        if seen != before:
            break
    assert seen[0] != before[0] and seen[1] != before[1]
    assert slider.get_attribute("aria-valuetext")
