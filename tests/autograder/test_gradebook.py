"""The gradebook, through the real nbgrader: its tables, its commands, its formgrader."""

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from nbgrader.utils import determine_grade

from autograder import gradebook
from autograder.course import Course
from autograder.gradebook import GradebookError, GradebookLocked, errors, record, scores
from autograder.report.feedback import outputs_for
from autograder.report.publish import publish
from autograder.results import ResultStore
from autograder.submission import read_lesson
from course_utils.examine import PASSED, UNJUDGED, Row

TOKEN = "only-for-this-test"
BOTH = ("test_scale", "test_scale_again")


def points(course, student):
    """Return the two scores of a student."""
    found = scores(course, "small")[student]
    return tuple(found[cell].points for cell in BOTH)


def sql(course, statement, *values):
    """Run one statement, as another program would."""
    with contextlib.closing(sqlite3.connect(course.gradebook_db)) as book, book:
        return book.execute(statement, values).fetchall()


def contents(course):
    """Return all that the gradebook holds."""
    with contextlib.closing(sqlite3.connect(course.gradebook_db)) as book:
        return list(book.iterdump())


def test_a_score_arrives_cell_by_cell(course, sample):
    """What the judge gave is what the gradebook holds, fractions too."""
    record(course, [sample.judged("ada", 4, 1.25), sample.judged("bob", 0, 4)])
    assert points(course, "ada") == (4.0, 1.25)
    assert points(course, "bob") == (0.0, 4.0)
    assert not any(score.needs_review for score in scores(course, "small")["ada"].values())
    assert [score.max_points for score in scores(course, "small")["ada"].values()] == [4.0, 4.0]


def test_recording_again_changes_nothing(course, sample):
    """A run that is repeated leaves the gradebook as it was, byte for byte of its contents."""
    results = [sample.judged("ada", 4, 1.25), sample.judged("bob", None, 4)]
    record(course, results)
    before = contents(course)
    record(course, results)
    assert contents(course) == before


def test_a_student_may_be_in_a_batch_twice(course, sample):
    """A batch over several lessons meets a student again; of two results for one lesson the last counts."""
    record(course, [sample.judged("new", 1, 1), sample.judged("new", 4, 2)])
    assert points(course, "new") == (4.0, 2.0)


def test_what_a_person_wrote_stays(course, sample):
    """A mark and a comment given by hand outlive every later run; a new verdict asks for a second look."""
    record(course, [sample.judged("ada", 1, 4)])
    sql(course, "update grade set manual_score = 3, needs_manual_grade = 0 where auto_score = 1")
    sql(course, "update comment set manual_comment = 'well argued'")
    record(course, [sample.judged("ada", 1, 4)])
    assert not scores(course, "small")["ada"]["test_scale"].needs_review
    record(course, [sample.judged("ada", 2, 4)])
    score = scores(course, "small")["ada"]["test_scale"]
    assert (score.points, score.auto, score.manual, score.needs_review) == (3.0, 2.0, 3.0, True)
    assert score.comment == "well argued"


def test_no_verdict_is_no_mark(course, sample):
    """What could not be judged has no score, asks for a person, and says why where formgrader shows it."""
    reason = "small.ipynb is damaged: <script>alert(1)</script>"
    record(course, [sample.judged("ada", status=UNJUDGED, reason=reason)])
    for score in scores(course, "small")["ada"].values():
        assert (score.auto, score.manual, score.needs_review) == (None, None, True)


def test_what_was_judged_of_an_exercise_counts_until_a_person_decides(course, sample):
    """One check that could not be judged costs that check alone, and is not forgotten."""
    rows = (Row("one", PASSED), Row("two", UNJUDGED))
    half = sample.judged("ada", None, status=UNJUDGED, rows=rows)
    exercise = half.exercises[0]
    half = type(half)(
        "ada", "small", UNJUDGED, (type(exercise)("scale", "test_scale", 2.0, 4.0, exercise.report),)
    )
    record(course, [half])
    found = scores(course, "small")["ada"]
    assert (found["test_scale"].auto, found["test_scale"].needs_review) == (2.0, True)
    assert (found["test_scale_again"].auto, found["test_scale_again"].needs_review) == (None, True)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1.0, 4.5])
def test_a_score_out_of_range_is_no_mark(course, sample, wrong):
    """No arithmetic accident becomes a grade."""
    record(course, [sample.judged("ada", wrong, 4)])
    score = scores(course, "small")["ada"]["test_scale"]
    assert (score.auto, score.needs_review) == (None, True)


def test_a_batch_is_entered_whole_or_not_at_all(course, sample):
    """An assignment that is not released stops the batch before anything of it is kept."""
    stray = sample.judged("bob", 4, 4)
    stray = type(stray)("bob", "elsewhere", "graded", stray.exercises)
    with pytest.raises(GradebookError, match="autograder release elsewhere"):
        record(course, [sample.judged("ada", 4, 4), stray])
    assert scores(course, "small") == {}


def test_a_locked_gradebook_says_so(course, sample, monkeypatch):
    """Another program's write lock is waited for, then named; nothing was written."""
    monkeypatch.setattr(errors, "PATIENCE", 0.3)
    with contextlib.closing(sqlite3.connect(course.gradebook_db, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(
            GradebookLocked, match=r"locked: another program has been writing.*run this again"
        ):
            record(course, [sample.judged("ada", 4, 4)])
        other.execute("rollback")
    record(course, [sample.judged("ada", 4, 4)])
    assert points(course, "ada") == (4.0, 4.0)


def test_a_file_that_is_no_gradebook_says_so(course, sample):
    """A damaged gradebook is reported, not overwritten."""
    course.gradebook_db.write_bytes(b"not a database, whatever its name says" * 40)
    with pytest.raises(GradebookError, match=r"gradebook\.db is not a gradebook.*Move it aside"):
        record(course, [sample.judged("ada", 4, 4)])
    assert course.gradebook_db.read_bytes().startswith(b"not a database")


def test_new_exercises_after_grading_are_refused_in_words(course, sample):
    """nbgrader cannot change the cells of a graded assignment; the message names them and the way out."""
    record(course, [sample.judged("ada", 4, 4)])
    document = sample.lesson()
    document["cells"] += [sample.solution("third"), sample.graded("third")]
    sample.write(course.source_notebook("small"), document)
    with pytest.raises(GradebookError, match=r"new: test_third; gone: none.*move .*gradebook\.db aside"):
        gradebook.prepare(course, ["small"])


def test_the_time_of_handing_in_is_kept(course, sample):
    """nbgrader's timestamp.txt reaches the gradebook and the graded folder; an unreadable one is left out."""
    for student, stamp in [("ada", "2026-03-01 12:30:00 UTC"), ("bob", "yesterday, I swear")]:
        folder = course.submitted_folder(student, "small")
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text(stamp)
    record(course, [sample.judged(student, 4, 4) for student in ("ada", "bob")])
    kept = dict(sql(course, "select student_id, timestamp from submitted_assignment"))
    assert kept == {"ada": "2026-03-01 12:30:00.000000", "bob": None}


def test_the_gradebook_is_made_where_no_program_is_on_the_path(prepared):
    """nbgrader starts alembic by name; it is found with an empty PATH, which `prepared` has."""
    assert sql(Course(prepared), "select count(*) from alembic_version") == [(1,)]


@pytest.mark.parametrize("earned", [0.0, 1.25, 10 / 3, 4.0])
def test_stock_scoring_reads_the_same_mark(sample, earned):
    """Stock nbgrader, which reads a cell's outputs, comes to the judge's mark: 0 and the full mark too."""
    cell = nbformat.from_dict(sample.graded("scale"))
    cell.outputs = [nbformat.from_dict(o) for o in outputs_for(sample.judged("ada", earned).exercises[0])]
    assert determine_grade(cell) == (earned, 4.0)
    nbformat.validate(nbformat.from_dict(sample.notebook(cell)))


def test_stock_scoring_gives_nothing_where_nothing_was_judged(sample):
    """Where stock nbgrader would give full marks for an empty output stands an error."""
    cell = nbformat.from_dict(sample.graded("scale"))
    cell.outputs = [nbformat.from_dict(o) for o in outputs_for(sample.judged("ada", None).exercises[0])]
    assert determine_grade(cell) == (0, 4.0)


def test_nbgrader_autograde_takes_the_judges_word(course, sample):
    """The stock command gives the judge's scores, runs no cell, and one bad file stops nobody."""
    sample.hand_in(course, "ada", [4, 1.5])
    hostile = "def scale(A, keep_prob):\n    return 0\n\nopen('was_run', 'w')  # 2"
    again = sample.solution("scale_again", "raise SystemExit")
    cells = [sample.solution("scale", hostile), sample.graded("scale"), again, sample.graded("scale_again")]
    sample.write(course.submitted_folder("eve", "small") / "small.ipynb", sample.notebook(*cells))
    bad = course.submitted_folder("bob", "small") / "small.ipynb"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"\x89PNG this is a picture")
    nbgrader = shutil.which("nbgrader")
    run = subprocess.run([nbgrader, "autograde", "small"], cwd=course.root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert points(course, "ada") == (4.0, 1.5)
    assert points(course, "eve") == (2.0, 0.0)
    assert scores(course, "small")["bob"]["test_scale"].auto is None
    assert "is not a notebook" in nbformat.read(course.graded_notebook("bob", "small"), 4).cells[0].source
    assert not list(course.root.rglob("was_run"))
    as_recorded = [row for row in contents(course) if '"grade"' in row]
    results = [sample.judged("ada", 4, 1.5), sample.judged("eve", 2, 0)]
    record(course, results)
    assert [row for row in contents(course) if '"grade"' in row] == as_recorded


@contextlib.contextmanager
def server(course):
    """The server of `jupyter lab` in the course's folder, with nothing but the environment's settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--allow-root",
    ]
    command = [sys.executable, "-m", "jupyter", "server", *options, f"--IdentityProvider.token={TOKEN}"]
    environment = {**os.environ, "PYTHONPATH": str(course.root)}  # where the stand-in judge is
    base = f"http://127.0.0.1:{port}"
    with (course.build / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=course.root, stdout=log, stderr=log, env=environment)
        try:
            for _ in range(300):
                with contextlib.suppress(OSError):
                    ask(f"{base}/api/status")
                    break
                assert process.poll() is None, (course.build / "server.log").read_text()
                time.sleep(0.1)
            yield base
        finally:
            process.terminate()
            process.wait(20)


def ask(url, data=None):
    """Return a page; data is posted, as a button does."""
    request = urllib.request.Request(url, data, {"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read().decode()


def test_formgrader_shows_scores_and_feedback(course, sample):
    """Opened in the course's folder, formgrader lists submissions and shows the judge's report and score."""
    sample.hand_in(course, "ada", [4, 1.5])
    sample.hand_in(course, "bob", [0, 0]).write_text("damaged")
    sample.hand_in(course, "eve", [3, 0.5])
    results = [sample.judged("ada", 4, 1.5), sample.judged("bob", status=UNJUDGED, reason="damaged")]
    record(course, results)
    for result in results:
        publish(course, ResultStore(course.results_dir), read_lesson(course.source_notebook("small")), result)
    with server(course) as base:
        forms = f"{base}/formgrader"
        for page in ["manage_assignments", "gradebook", "gradebook/small", "gradebook/small/small"]:
            assert "</body>" in ask(f"{forms}/{page}"), page
        [entry] = [a for a in json.loads(ask(f"{forms}/api/assignments")) if a["name"] == "small"]
        assert (entry["num_submissions"], entry["max_score"]) == (3, 8.0)
        listed = json.loads(ask(f"{forms}/api/submitted_notebooks/small/small"))
        rows = {row["student"]: row for row in listed}
        assert (rows["ada"]["score"], rows["ada"]["needs_manual_grade"]) == (5.5, False)
        assert rows["bob"]["needs_manual_grade"]
        shown = ask(f"{forms}/submissions/{rows['ada']['id']}/?index=0")
        assert 'aria-label="Not yet - scale_again (0 of 1)"' in shown
        assert "it does not &lt;survive&gt;" in shown
        grades = json.loads(ask(f"{forms}/api/grades?submission_id={rows['ada']['id']}"))
        assert sorted(grade["auto_score"] for grade in grades) == [1.5, 4.0]
        pressed = json.loads(ask(f"{forms}/api/submission/small/eve/autograde", b""))
        assert pressed["success"], pressed
    assert points(course, "eve") == (3.0, 0.5)
