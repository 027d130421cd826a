"""Whatever process is killed, at whatever moment: the same command again ends with the same gradebook."""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder import gradebook
from autograder.course import Course
from autograder.exercises import find

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("dropout_forward", "dropout_backward")
SLOWLY = "    import time\n    time.sleep(0.004)\n"
BACKWARD = f"def dropout_backward(dA, mask, keep_prob):\n{SLOWLY}    return dA * mask / keep_prob\n"
FORWARD = (
    f"def dropout_forward(A, keep_prob, rng):\n{SLOWLY}    mask = rng.random(A.shape) < keep_prob\n"
    "    return A * mask{scale}, mask\n"
)


def cell(source, name, **nbgrader):
    meta = {
        "nbgrader": {"schema_version": 3, "grade_id": name, "cell_type": "code", "task": False, **nbgrader}
    }
    rest = {"outputs": [], "execution_count": None, "metadata": meta if nbgrader else {}}
    return {"cell_type": "code", "id": name, "source": source, **rest}


def notebook(solutions):
    flags = {"grade": False, "solution": True, "locked": False}
    cells = [cell("import numpy as np", "imports")]
    for name in NAMES:
        points = find(name).points
        cells.append(cell(solutions[name], name, **flags))
        cells.append(
            cell(f"check({name})", f"test_{name}", grade=True, solution=False, locked=True, points=points)
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    )


@pytest.fixture(scope="module")
def class_of_six(tmp_path_factory):
    """A course with six submissions, right and wrong in turn, and the gradebook of an undisturbed run."""
    course = Course(tmp_path_factory.mktemp("kills") / "course")
    (course.source / "dropout").mkdir(parents=True)
    stub = "def {}(*args):\n    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION\n"
    course.source_notebook("dropout").write_text(notebook({name: stub.format(name) for name in NAMES}))
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    for i in range(6):
        path = course.submitted_folder(f"student{i}", "dropout") / "dropout.ipynb"
        path.parent.mkdir(parents=True)
        scale = " / keep_prob" if i % 2 else ""
        path.write_text(
            notebook({"dropout_forward": FORWARD.replace("{scale}", scale), "dropout_backward": BACKWARD})
        )
    gradebook.prepare(course, ["dropout"])
    undisturbed = shutil.copytree(course.root, course.root.with_name("undisturbed"))
    finish(grade(undisturbed))
    return course.root, marks(undisturbed)


def grade(root):
    command = [
        sys.executable,
        "-m",
        "autograder",
        "--course",
        str(root),
        "grade",
        "--jobs",
        "2",
        "--seed",
        "5",
    ]
    return subprocess.Popen(
        [*command, "--yes"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(process):
    """Wait until a run has ended well."""
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, said


def marks(root):
    """Every mark in the gradebook, and the first lines of every page that students get."""
    with contextlib.closing(sqlite3.connect(Course(root).gradebook_db)) as book:
        rows = book.execute(
            "select student_id, base_cell.name, auto_score, manual_score, needs_manual_grade from grade "
            "join base_cell on base_cell.id = grade.cell_id "
            "join submitted_notebook on submitted_notebook.id = grade.notebook_id "
            "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id "
            "order by 1, 2"
        ).fetchall()
    pages = {path.name: path.parent.parent.name for path in Course(root).feedback.glob("*/*/*.html")}
    return rows, pages


def family(pid):
    """List all that descend from a process, with the words they were started with."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words = (path / "cmdline").read_bytes().decode(errors="replace")
            parents[int(path.name)] = (parent, words)
    found = {pid}
    while more := {each for each, (parent, _) in parents.items() if parent in found} - found:
        found |= more
    return {each: parents[each] for each in found - {pid} if each in parents}


def victims(pid, kind):
    """Return the processes of one kind: the run itself, its workers, their warm processes, the children."""
    if kind == "run":
        return [pid]
    below = family(pid)
    if kind == "worker":
        return [each for each, (parent, words) in below.items() if parent == pid and "zygote" not in words]
    python = {
        each: parent
        for each, (parent, words) in below.items()
        if "zygote.py" in words and "bwrap" not in words.split("\0")[0]
    }
    warm = [each for each, parent in python.items() if parent not in python]
    return warm if kind == "warm process" else [each for each in python if each not in warm]


@pytest.mark.parametrize("kind", ["child", "warm process", "worker", "run"])
def test_a_killed_process_changes_no_mark(class_of_six, tmp_path, kind):
    """One process of a kind is killed in the middle; the command, given again if it failed, ends the same."""
    prepared, expected = class_of_six
    root = Path(shutil.copytree(prepared, tmp_path / "course"))
    moment = random.Random(kind).uniform(0.0, 0.3)
    running = grade(root)
    deadline = time.monotonic() + 60
    while not (found := victims(running.pid, kind)) and running.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    if kind == "run":
        while not list((root / "build" / "results").glob("*.json")):  # one is judged, others wait
            assert time.monotonic() < deadline and running.poll() is None
            time.sleep(0.005)
    time.sleep(moment)
    alive = family(running.pid)
    found = victims(running.pid, kind) or found
    for each in found[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    said = running.communicate(timeout=120)[1].decode()
    if running.returncode:
        assert kind == "run", said  # the others are replaced while the run goes on
        wait_until_gone(alive)
        finish(grade(root))
    assert marks(root) == expected
    assert not list((root / "build").rglob("*.part"))


def wait_until_gone(processes):
    """What a killed run had started ends with it."""
    deadline = time.monotonic() + 20
    while left := [pid for pid in processes if is_running(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def is_running(pid):
    """Whether a process is there and not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_killed_between_gradebook_and_pages(class_of_six, tmp_path, monkeypatch):
    """The gradebook is written, no page yet: the next run publishes what is missing and judges nothing."""
    from autograder import grade as room

    prepared, expected = class_of_six
    root = Path(shutil.copytree(prepared, tmp_path / "course"))

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            room.run(Course(root), seed=5, jobs=1)
    run = room.run(Course(root), seed=5, jobs=1)
    assert (run.judged, run.reused) == (0, 6)
    assert marks(root) == expected
    assert len(list(Course(root).autograded.glob("*/dropout/dropout.ipynb"))) == 6
