"""The only room that knows nbgrader: its settings, its release, its gradebook, and the way its commands take.

nbgrader's own scoring reads a cell's outputs and gives full marks where it finds none that it understands.
Here nothing is read from outputs: a mark is what the judge said, and where it said nothing there is no mark.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.apps import NbGraderAPI
from nbgrader.utils import parse_utc
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, OperationalError, SAWarning
from sqlalchemy.orm import Session
from traitlets import Unicode
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.course import Course, CourseError
from autograder.results import UNJUDGED, ExerciseResult, SubmissionResult
from autograder.submission import Unjudgeable, read_document, read_lesson, rebuild
from course_utils import examine

PATIENCE = 10.0
STUB = "raise NotImplementedError"
Notebook = dict[str, Any]
Judge = Callable[[Course, str, Notebook, str], tuple[SubmissionResult, Notebook | None]]


class GradebookError(CourseError):
    """The gradebook cannot be used as it is."""


class GradebookLocked(GradebookError):
    """Another program is writing to the gradebook."""


@dataclass(frozen=True)
class Score:
    """What the gradebook holds for one graded cell of one submission."""

    points: float
    max_points: float
    auto: float | None
    manual: float | None
    needs_review: bool
    comment: str = ""


def settings(course: Course) -> Config:
    """Return nbgrader's configuration of a course."""
    _find_programs()
    # nbgrader's own way of adding a submission; the rows are right, the warnings fill a screen
    warnings.filterwarnings("ignore", message="Object of type <Submitted", category=SAWarning)
    course.build.mkdir(exist_ok=True)
    return Config(
        {
            "CourseDirectory": {
                "root": str(course.root),
                "course_id": "improving-deep-networks",
                "source_directory": _inside(course, course.source),
                "release_directory": _inside(course, course.release_dir),
                "submitted_directory": _inside(course, course.submitted),
                "autograded_directory": _inside(course, course.autograded),
                "feedback_directory": _inside(course, course.feedback),
                "db_url": f"sqlite:///{course.gradebook_db}",
            },
            "ClearSolutions": {"code_stub": {"python": STUB}},
            # What a student handed in goes from the file to the judge: none of nbgrader's steps touches it,
            # and none of its cells is run here.
            "Autograde": {
                "exporter_class": "autograder.gradebook.JudgingExporter",
                "sanitize_preprocessors": [],
                "autograde_preprocessors": ["nbgrader.preprocessors.AssignLatePenalties"],
            },
        }
    )


def _inside(course: Course, folder: Path) -> str:
    return os.path.relpath(folder, course.root)


def _find_programs() -> None:
    """nbgrader starts ``alembic`` by name: let it find the one of this environment."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def generate(course: Course, assignment: str, folder: Path) -> Path:
    """Write nbgrader's release of an assignment below ``folder`` and enter its cells in the gradebook."""
    config = settings(course)
    config.CourseDirectory.release_directory = _inside(course, folder)
    config.CourseDirectory.db_url += f"?timeout={PATIENCE:g}"
    with _in_words(course):
        done = NbGraderAPI(config=config).generate_assignment(assignment, force=True)
    if not done["success"]:
        log = (done["log"] or "") + (done["error"] or "")
        if "submissions associated" in log:
            raise GradebookError(_cells_changed(course, assignment))
        if "is locked" in log:
            raise _locked(course)
        raise GradebookError(f"nbgrader could not release {assignment}:\n{log.strip()[-2000:]}")
    return folder / assignment


def _cells_changed(course: Course, assignment: str) -> str:
    there, wanted = _recorded_cells(course, assignment), _source_cells(course, assignment)
    return (
        f"{assignment} has other exercises than those that were already graded "
        f"(new: {', '.join(sorted(wanted.keys() - there.keys())) or 'none'}; "
        f"gone: {', '.join(sorted(there.keys() - wanted.keys())) or 'none'}). Put the cells back, or begin "
        f"a new gradebook: move {course.gradebook_db} aside, then autograder release, then autograder grade"
    )


def prepare(course: Course, assignments: Iterable[str]) -> None:
    """Enter in the gradebook those assignments whose cells are not there or have changed."""
    course.build.mkdir(exist_ok=True)
    for assignment in assignments:
        if _recorded_cells(course, assignment) != _source_cells(course, assignment):
            with tempfile.TemporaryDirectory(prefix=".prepare-", dir=course.build) as folder:
                generate(course, assignment, Path(folder))


def _source_cells(course: Course, assignment: str) -> dict[str, float]:
    """The graded cells of a source notebook, and their marks."""
    cells = read_lesson(course.source_notebook(assignment)).notebook["cells"]
    marked = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return {meta["grade_id"]: float(meta["points"]) for meta in marked if meta.get("grade")}


def _recorded_cells(course: Course, assignment: str) -> dict[str, float]:
    if not course.gradebook_db.exists():
        return {}
    with _open(course) as session:
        cells = (
            select(GradeCell).join(GradeCell.notebook).join(Assignment).where(Assignment.name == assignment)
        )
        return {cell.name: cell.max_score for cell in session.scalars(cells)}


def record(course: Course, judged: Iterable[tuple[SubmissionResult, Notebook | None]]) -> None:
    """Enter what was judged, all of it or nothing, and write the notebooks that formgrader shows.

    What a person wrote stays: comments, and marks given by hand. Where the judge could not judge, the cell
    has no mark and asks for a person.
    """
    batch = list(judged)
    with _open(course) as session:
        session.execute(text("BEGIN IMMEDIATE"))
        with session.no_autoflush:
            for result, notebook in batch:
                _enter(session, course, result)
                session.flush()  # the next result may be of the same student
                _write_graded(course, result, notebook or _unread(course, result))
        session.commit()


def _enter(session: Session, course: Course, result: SubmissionResult) -> None:
    assignment = session.scalar(select(Assignment).where(Assignment.name == result.assignment))
    if assignment is None:
        raise GradebookError(
            f"{course.gradebook_db} knows no assignment {result.assignment!r}; "
            f"run: autograder release {result.assignment}"
        )
    if session.get(Student, result.student) is None:
        session.add(Student(id=result.student))
    submission, _ = _get_or_add(
        session, SubmittedAssignment, assignment_id=assignment.id, student_id=result.student
    )
    stamp = _timestamp(course, result)
    submission.timestamp = _when(stamp) if stamp else submission.timestamp
    said = {each.grade_id: each for each in result.exercises}
    for notebook in assignment.notebooks:
        submitted, is_new = _get_or_add(
            session, SubmittedNotebook, notebook_id=notebook.id, assignment_id=submission.id
        )
        grades = {} if is_new else {row.cell_id: row for row in _rows(session, Grade, submitted)}
        comments = set() if is_new else {row.cell_id for row in _rows(session, Comment, submitted)}
        for cell in notebook.grade_cells + notebook.task_cells:
            grade = grades.get(cell.id)
            if grade is None:
                grade = Grade(cell_id=cell.id, notebook_id=submitted.id)
                session.add(grade)
            if cell.cell_type == "code":
                _mark(grade, *_verdict(said.get(cell.name)))
        for cell in notebook.solution_cells + notebook.task_cells:
            if cell.id not in comments:
                session.add(Comment(cell_id=cell.id, notebook_id=submitted.id))


def _rows(session: Session, kind: Any, submitted: Any) -> Any:
    return session.scalars(select(kind).where(kind.notebook_id == submitted.id))


def _get_or_add(session: Session, kind: Any, **keys: str) -> tuple[Any, bool]:
    """Return the row with these keys, and whether it is new: then it has an id without a flush."""
    found = session.scalar(select(kind).filter_by(**keys))
    if found is not None:
        return found, False
    row = kind(id=new_uuid(), **keys)
    session.add(row)
    return row, True


def _verdict(exercise: ExerciseResult | None) -> tuple[float | None, bool]:
    """The mark that the judge gave, None if nothing could be judged; and does it need a person?"""
    if exercise is None or not 0 <= exercise.points <= exercise.max_points:
        return None, True
    if exercise.report.status != examine.UNJUDGED:
        return float(exercise.points), False
    judged = any(row.status in (examine.PASSED, examine.FAILED) for row in exercise.report.rows)
    return float(exercise.points) if judged else None, True


def _mark(grade: Any, auto_score: float | None, needs_review: bool) -> None:
    if grade.manual_score is None:
        grade.needs_manual_grade = needs_review
    elif grade.auto_score != auto_score:
        grade.needs_manual_grade = True  # a mark given by hand stands; whoever gave it should look again
    grade.auto_score = auto_score


def _timestamp(course: Course, result: SubmissionResult) -> str:
    path = course.submitted_folder(result.student, result.assignment) / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
        return ""
    stamp = path.read_text(encoding="utf-8", errors="replace").strip()
    return stamp if _when(stamp) else ""


def _when(stamp: str) -> datetime | None:
    try:
        when: datetime | None = parse_utc(stamp)
    except (ValueError, OverflowError, TypeError):
        return None
    return when


def _unread(course: Course, result: SubmissionResult) -> Notebook:
    """What formgrader shows of a submission that could not be read: the lesson, and why."""
    notebook = rebuild(read_lesson(course.source_notebook(result.assignment)), None, {})
    why = f"**{UNJUDGED.capitalize()}.** {escape(result.reason)}"
    notebook["cells"].insert(0, {"cell_type": "markdown", "id": "why", "metadata": {}, "source": why})
    return notebook


def _write_graded(course: Course, result: SubmissionResult, notebook: Notebook) -> None:
    for name in (result.student, result.assignment):
        if name in ("", ".", "..") or Path(name).name != name:
            raise GradebookError(f"{name!r} is no name of a folder")
    path = course.graded_notebook(result.student, result.assignment)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, as_text(notebook))
    stamp = _timestamp(course, result)
    if stamp:
        _replace(path.with_name("timestamp.txt"), stamp + "\n")


def as_text(notebook: Mapping[str, Any]) -> str:
    """Return a notebook as the text of its file; half characters, which no file can hold, become '?'."""
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def _replace(path: Path, content: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(name, 0o644)
    os.replace(name, path)


def scores(course: Course, assignment: str) -> dict[str, dict[str, Score]]:
    """Return what the gradebook holds: student -> graded cell -> score."""
    if not course.gradebook_db.exists():
        raise GradebookError(
            f"there is no gradebook {course.gradebook_db}; run: autograder release, autograder grade"
        )
    found: dict[str, dict[str, Score]] = {}
    with _open(course) as session:
        wanted = select(SubmittedAssignment).join(Assignment).where(Assignment.name == assignment)
        for submission in session.scalars(wanted):
            cells = found.setdefault(submission.student_id, {})
            for notebook in submission.notebooks:
                comments = {comment.name: comment.comment or "" for comment in notebook.comments}
                for grade in notebook.grades:
                    comment = comments.get(grade.name.removeprefix("test_"), "")
                    cells[grade.name] = Score(
                        grade.score,
                        grade.max_score,
                        grade.auto_score,
                        grade.manual_score,
                        grade.needs_manual_grade,
                        comment,
                    )
    return found


@contextmanager
def _open(course: Course) -> Iterator[Session]:
    """Open the gradebook for one piece of work; what is not committed is undone."""
    _find_programs()
    course.build.mkdir(exist_ok=True)
    with _in_words(course), Gradebook(f"sqlite:///{course.gradebook_db}?timeout={PATIENCE:g}") as book:
        yield book.db()


@contextmanager
def _in_words(course: Course) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig) or "busy" in str(error.orig):
            raise _locked(course) from error
        raise GradebookError(
            f"cannot use the gradebook {course.gradebook_db}: {error.orig}. Is its folder writable, and is "
            "the file of this nbgrader's version? (back it up, then: nbgrader db upgrade)"
        ) from error
    except DatabaseError as error:
        raise GradebookError(
            f"{course.gradebook_db} is not a gradebook: {error.orig}. "
            "Move it aside; autograder release writes a new one"
        ) from error


def _locked(course: Course) -> GradebookLocked:
    return GradebookLocked(
        f"the gradebook {course.gradebook_db} is locked: another program has been writing to it for "
        f"{PATIENCE:g} s. Is a second grading run, nbgrader or formgrader at work? Let it end or close it, "
        "then run this again: what was judged is kept, and nothing was written to the gradebook"
    )


class JudgingExporter(NotebookExporter):
    """Puts the judge where ``nbgrader autograde`` would run a submission's cells.

    nbgrader converts each notebook twice: from submitted to autograded, which is where the judge speaks and
    the gradebook is written, then from autograded to itself, for late penalties.
    """

    judge = Unicode("", help="The function that judges, as module.name").tag(config=True)

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> Any:
        """Return the graded notebook as text."""
        converter: Any = self.parent
        if not converter._sanitizing:
            return super().from_filename(filename, resources, **kw)
        course = Course(Path(converter.coursedir.root))
        student, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        result, notebook = judge_file(course, assignment, Path(filename), student, import_item(self.judge))
        if result.reason:
            self.log.warning("%s, %s: %s: %s", student, assignment, result.status, result.reason)
        notebook = notebook or _unread(course, result)
        record(course, [(result, notebook)])
        resources["output_extension"] = self.file_extension
        resources.setdefault("outputs", {})
        return as_text(notebook), resources


def judge_file(
    course: Course, assignment: str, path: Path, student: str, judge: Judge
) -> tuple[SubmissionResult, Notebook | None]:
    """Read what was handed in and hand it to the judge; what is no notebook is a result too."""
    try:
        document = read_document(path)
    except Unjudgeable as reason:
        return SubmissionResult(student, assignment, UNJUDGED, reason=str(reason)), None
    return judge(course, assignment, document, student)
