"""The page that goes back to a student: safe to open, complete, in the student's words."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from autograder.course import Course
from autograder.report.feedback import outputs_for, page
from autograder.report.publish import documents, publish
from autograder.results import ExerciseResult, ResultStore, SubmissionResult
from autograder.submission import Lesson, LessonCell
from course_utils.examine import FAILED, PASSED, UNJUDGED, WAITING, Report, Row

VOID = {"meta", "br", "hr"}
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\ud800"


class Reader(HTMLParser):
    """Collects tags, attributes and text, and insists that every tag is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.ids = [], set(), set(), "", []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


def submission(text="plain"):
    """Return a result in which a learner's text stands wherever it can."""
    rows = (
        Row("the mean survives", PASSED),
        Row("units differ", FAILED, f"it stopped with {text}", ask="Which line divides?", marks=2),
        Row("twelve layers", WAITING, "first: units differ"),
    )
    wrong = Report("dropout", FAILED, rows, "", "drop-rate", "it is a rate", "Look again.", (text,))
    right = Report("predict", PASSED, (Row("all", PASSED),))
    exercises = (ExerciseResult("dropout", "test_dropout", 1.0, 4.0, wrong),)
    exercises += (ExerciseResult("predict", "test_predict", 2.0, 2.0, right),)
    return SubmissionResult("ada", "lesson", "graded", exercises, remarks=(f"a cell called {text}",))


@pytest.mark.parametrize("text", ["plain", ATTACK, "</pre></section>", "a & b <c>"])
def test_what_a_learner_wrote_stays_text(text):
    """Code, messages and remarks are shown as they are and become no part of the page."""
    shown = Reader(page(submission(text), {"dropout": f"def dropout():\n    {text}"}))
    calm = Reader(page(submission("plain"), {"dropout": "def dropout():"}))
    assert shown.tags == calm.tags
    assert shown.attributes == calm.attributes
    assert "script" not in shown.tags
    kept = text.split("\x1b")[0]
    assert shown.text.count(kept) >= 4


def test_everything_there_is_to_say_is_said():
    """Scores, each check with its word, the problem, the next question, the mistake with its hint."""
    shown = Reader(page(submission(), {"dropout": "def dropout(): ..."}))
    said = ["1 of 4", "2 of 2", "3 of 6", "passed", "not yet", "waits", "(2 marks)", "Which line divides?"]
    said += ["drop-rate", "it is a rate", "Look again.", "first: units differ", "def dropout(): ..."]
    for part in said:
        assert part in shown.text, part
    assert len(shown.ids) == len(set(shown.ids)) == 2


def test_could_not_judge_is_said_with_its_reason():
    """The student reads what happened, and that it costs nothing."""
    result = SubmissionResult("ada", "lesson", UNJUDGED, reason="lesson.ipynb is damaged: save it again.")
    shown = Reader(page(result, {}))
    assert "could not be judged" in shown.text
    assert "lesson.ipynb is damaged: save it again." in shown.text
    assert "cost you no marks" in shown.text


def test_a_mark_given_by_hand_is_shown():
    """The instructor's mark replaces the judge's in the total, with the comment."""
    shown = Reader(page(submission(), {}, {"test_dropout": (3.5, "half a point for <style>")}))
    assert "3.5 of 4, given by your instructor" in shown.text
    assert "5.5 of 6" in shown.text
    assert "half a point for <style>" in shown.text


def test_the_page_calls_nothing_and_knows_both_themes_and_paper():
    """It opens offline, in the dark, and prints."""
    text = page(submission(), {})
    assert "http:" not in text and "https:" not in text and "url(" not in text
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    assert '<html lang="en">' in text
    assert page(submission(), {}) == text


def small_lesson():
    """Return a lesson of one exercise, as it is read from the instructor's notebook."""
    meta = {"nbgrader": {"solution": True, "grade_id": "dropout"}}
    cell = {"cell_type": "code", "id": "dropout", "metadata": meta, "source": "def dropout(): ..."}
    return Lesson("lesson", {"cells": [cell]}, (LessonCell("solution", "dropout", "def dropout(): ..."),))


def hand_in(course, source):
    """Hand in a lesson with this code, the files that nbgrader puts beside it, and a link among them."""
    folder = course.submitted_folder("ada", "lesson")
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text("2026-03-01 12:30:00 UTC")
    (folder / "submission_secret.txt").symlink_to("/etc/hostname")
    cell = {"cell_type": "code", "id": "dropout", "metadata": {}, "source": source}
    (folder / "lesson.ipynb").write_text(json.dumps({"cells": [cell]}))


def test_documents_lie_where_nbgrader_looks_for_them(tmp_path):
    """Formgrader wants the graded notebook; release_feedback the page and, beside it, two small files."""
    course, store = Course(tmp_path), ResultStore(tmp_path / "results")
    hand_in(course, "def dropout():\n    mine = 1")
    publish(course, store, small_lesson(), submission(ATTACK))
    page_path, notebook_path = course.feedback_page("ada", "lesson"), course.graded_notebook("ada", "lesson")
    assert "mine = 1" in page_path.read_text() and "mine = 1" in notebook_path.read_text()
    for path in (page_path, notebook_path):
        assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, "timestamp.txt"])


def test_documents_made_while_judging_are_moved_into_place_once(tmp_path):
    """What the judging process made is published as it is; a second time there is nothing to do."""
    course, store = Course(tmp_path), ResultStore(tmp_path / "results")
    hand_in(course, "def dropout():\n    mine = 1")
    result = replace(submission(), key="k" * 32)
    store.keep(result, {".ipynb": "{}", ".html": "<p>from the judge</p>"})
    publish(course, store, small_lesson(), result, made=True)
    store.entered(result)
    assert course.feedback_page("ada", "lesson").read_text() == "<p>from the judge</p>"
    assert [path.suffix for path in store.folder.glob("k*")] == [".json"]
    course.feedback_page("ada", "lesson").write_text("looked at")
    publish(course, store, small_lesson(), result)
    assert course.feedback_page("ada", "lesson").read_text() == "looked at"
    course.feedback_page("ada", "lesson").unlink()
    publish(course, store, small_lesson(), result)
    assert "mine = 1" in course.feedback_page("ada", "lesson").read_text()


def test_what_a_person_gave_stands_on_the_page(tmp_path):
    """Marks given by hand replace the judge's, a comment stands beside either."""
    course, store = Course(tmp_path), ResultStore(tmp_path / "results")
    hand_in(course, "def dropout(): pass")
    result = submission()
    publish(course, store, small_lesson(), result, {result.exercises[0].grade_id: (1.5, "Well <tried>!")})
    shown = course.feedback_page("ada", "lesson").read_text()
    assert "given by your instructor" in shown and "Well &lt;tried&gt;!" in shown
    only_said = documents(small_lesson(), None, result, {result.exercises[0].grade_id: (None, "Hm.")})
    assert "given by your instructor" not in only_said[".html"] and "Hm." in only_said[".html"]


def test_what_could_not_be_read_is_shown_with_its_reason():
    """Formgrader shows the lesson, and above it why there is no mark."""
    result = replace(submission(), reason="lesson.ipynb is damaged: <script>")
    notebook = json.loads(documents(small_lesson(), None, result)[".ipynb"])
    assert "lesson.ipynb is damaged: &lt;script&gt;" in notebook["cells"][0]["source"]
    assert notebook["cells"][1]["id"] == "dropout"


def test_outputs_say_the_report_and_last_the_score():
    """People read the report, nbgrader the last line."""
    report, score = outputs_for(submission().exercises[0])
    assert report["output_type"] == "display_data" and set(report["data"]) == {"text/plain", "text/html"}
    assert score["data"] == {"text/plain": "1.0"}
    hidden = replace(
        submission().exercises[0], report=replace(submission().exercises[0].report, status=UNJUDGED)
    )
    assert outputs_for(hidden)[-1]["output_type"] == "error"
