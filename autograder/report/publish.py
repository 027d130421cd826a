"""From a result to what people open: the graded notebook for formgrader, the page for the student.

Whoever judges also makes the documents, and keeps them beside the result; publishing moves them into place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.course import Course, CourseError
from autograder.report.feedback import code_of, outputs_for, page
from autograder.results import ResultStore, SubmissionResult
from autograder.submission import Handed, Lesson, Unjudgeable, as_text, read_submission, rebuild, unread

GRADED, PAGE = ".ipynb", ".html"
HAND_BACK = ("timestamp.txt", "submission_secret.txt")  # nbgrader's feedback release looks for these


def documents(
    lesson: Lesson,
    handed: Handed | None,
    result: SubmissionResult,
    marks: Mapping[str, tuple[float | None, str]] | None = None,
) -> dict[str, str]:
    """Return the graded notebook and the student's page, by suffix.

    Parameters
    ----------
    lesson : the instructor's notebook
    handed : what was read of the submission; None where it could not be read
    result : what was judged
    marks : what a person gave: points (None where the judge's stand) and a comment, by graded cell
    """
    notebook = unread(lesson, result.reason) if handed is None else graded(lesson, handed, result)
    by_hand = {cell.name: cell.points for cell in lesson.marked_by_hand}
    return {GRADED: as_text(notebook), PAGE: page(result, code_of(notebook), marks, by_hand)}


def graded(lesson: Lesson, handed: Handed, result: SubmissionResult) -> dict[str, Any]:
    """Return the graded notebook: the lesson, the learner's code, the judge's word as outputs."""
    return rebuild(lesson, handed, {each.grade_id: outputs_for(each) for each in result.exercises})


def publish(
    course: Course,
    store: ResultStore,
    lesson: Lesson,
    result: SubmissionResult,
    marks: Mapping[str, tuple[float | None, str]] | None = None,
    *,
    made: bool = False,
) -> None:
    """Put a submission's documents where people look for them; what already lies there stays.

    ``made`` says that this very run made them beside the result. Those of a run that came to no end are made
    again: it may have ended with the power, in the middle of writing.
    """
    student, assignment = result.student, result.assignment
    for name in (student, assignment):
        if name in ("", ".", "..") or Path(name).name != name:
            raise CourseError(f"{name!r} is no name of a folder")
    targets = {
        GRADED: course.graded_notebook(student, assignment),
        PAGE: course.feedback_page(student, assignment),
    }
    waiting = {suffix: store.document(result.key, suffix) for suffix in targets if result.key}
    made_already = made and bool(waiting) and all(path.is_file() for path in waiting.values())
    is_new = made_already or not result.key or store.last_key(student, assignment) != result.key
    if not marks and not is_new and all(path.is_file() for path in targets.values()):
        return
    submitted = course.submitted_folder(student, assignment)
    contents: dict[str, str] = {}
    if marks or not made_already:
        contents = documents(lesson, _read(submitted / f"{assignment}.ipynb", lesson), result, marks)
    for suffix, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if suffix in contents:
            _write(target, contents[suffix])
        else:
            _move(waiting[suffix], target)
        for name in HAND_BACK if suffix == PAGE else HAND_BACK[:1]:
            _copy(submitted / name, target.parent / name)
    for path in waiting.values():
        path.unlink(missing_ok=True)


def _read(path: Path, lesson: Lesson) -> Handed | None:
    try:
        return read_submission(path, lesson)
    except Unjudgeable:
        return None


def _write(path: Path, content: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(content)
    os.chmod(name, 0o644)
    os.replace(name, path)


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
        os.chmod(target, 0o644)
    except OSError:  # another file system, maybe
        _write(target, source.read_text(encoding="utf-8"))


def _copy(source: Path, target: Path) -> None:
    if source.is_file() and not source.is_symlink() and source.stat().st_size < 4096:
        shutil.copyfile(source, target)
