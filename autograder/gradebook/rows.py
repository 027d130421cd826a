"""nbgrader's tables, read and written in bulk: what the judge said, and what a person wrote beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import bindparam

from autograder.course import Course
from autograder.gradebook import errors
from autograder.gradebook.errors import GradebookError
from autograder.results import ExerciseResult, SubmissionResult
from autograder.submission import read_lesson
from course_utils import examine

TABLES = MetaData()  # the columns of nbgrader 0.9 that are used here


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, TABLES, Column("id", String, primary_key=True), *columns)


student = _table("student")
assignment = _table("assignment", Column("name", String))
notebook = _table("notebook", Column("name", String), Column("assignment_id", String))
base_cell = _table("base_cell", Column("name", String), Column("notebook_id", String))
grade_cells = _table("grade_cells", Column("max_score", Float), Column("cell_type", String))
task_cells = _table("task_cells", Column("max_score", Float))
solution_cells = _table("solution_cells")
submitted_assignment = _table(
    "submitted_assignment",
    Column("assignment_id", String),
    Column("student_id", String),
    Column("timestamp", DateTime),
)
submitted_notebook = _table(
    "submitted_notebook", Column("assignment_id", String), Column("notebook_id", String)
)
grade = _table(
    "grade",
    Column("notebook_id", String),
    Column("cell_id", String),
    Column("auto_score", Float),
    Column("manual_score", Float),
    Column("extra_credit", Float),
    Column("needs_manual_grade", Boolean),
)
comment = _table(
    "comment",
    Column("notebook_id", String),
    Column("cell_id", String),
    Column("auto_comment", Text),
    Column("manual_comment", Text),
)


@dataclass(frozen=True)
class Score:
    """What the gradebook holds for one graded cell of one submission."""

    points: float
    max_points: float
    auto: float | None
    manual: float | None
    needs_review: bool
    comment: str = ""


class Mark(NamedTuple):
    """What a person gave for an exercise: points, None where the judge's stand, and a comment."""

    points: float | None
    comment: str = ""


Marks = dict[str, Mark]  # by the grade_id of the graded cell


def prepare(course: Course, assignments: Iterable[str]) -> None:
    """Enter in the gradebook those assignments whose cells are not there or have changed."""
    course.build.mkdir(exist_ok=True)
    for name in assignments:
        if recorded_cells(course, name) != source_cells(course, name):
            from autograder.gradebook.stock import generate  # seconds of imports, for once

            with tempfile.TemporaryDirectory(prefix=".prepare-", dir=course.build) as folder:
                generate(course, name, Path(folder))


def source_cells(course: Course, name: str) -> dict[str, float]:
    """Return the graded cells of a source notebook, and their marks."""
    cells = read_lesson(course.source_notebook(name)).notebook["cells"]
    marked = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    return {meta["grade_id"]: float(meta["points"]) for meta in marked if meta.get("grade")}


def recorded_cells(course: Course, name: str) -> dict[str, float]:
    """Return the graded cells that the gradebook knows, and their marks; none where there is no gradebook."""
    if not course.gradebook_db.exists():
        return {}
    wanted = (
        select(base_cell.c.name, grade_cells.c.max_score)
        .join(grade_cells, grade_cells.c.id == base_cell.c.id)
        .join(notebook, notebook.c.id == base_cell.c.notebook_id)
        .join(assignment, assignment.c.id == notebook.c.assignment_id)
        .where(assignment.c.name == name)
    )
    with _open(course) as book:
        try:
            return {cell: max_score for cell, max_score in book.execute(wanted)}
        except OperationalError as error:
            if "no such table" in str(error.orig):  # an empty file: nbgrader will make its tables
                return {}
            raise


@dataclass(frozen=True)
class _Layout:
    """The cells of one assignment: by notebook, those with a mark and those with a comment."""

    assignment_id: str
    graded: dict[str, dict[str, tuple[str, bool, float]]]  # notebook -> cell -> name, is it code, most
    commented: dict[str, dict[str, str]]  # notebook -> cell -> its name


def _layout(book: Connection, course: Course, name: str) -> _Layout:
    wanted = (
        select(assignment.c.id, notebook.c.id)
        .join_from(assignment, notebook, notebook.c.assignment_id == assignment.c.id)
        .where(assignment.c.name == name)
    )
    there = book.execute(wanted).all()
    if not there:
        raise GradebookError(
            f"{course.gradebook_db} knows no assignment {name!r}; run: autograder release {name}"
        )
    notebooks = [row[1] for row in there]

    def cells(kind: Table, *more: Column[Any]) -> Iterator[Sequence[Any]]:
        of_kind = (
            select(base_cell.c.notebook_id, base_cell.c.id, base_cell.c.name, *more)
            .join(kind, kind.c.id == base_cell.c.id)
            .where(base_cell.c.notebook_id.in_(notebooks))
            .order_by(base_cell.c.id)
        )
        yield from book.execute(of_kind)

    graded: dict[str, dict[str, tuple[str, bool, float]]] = {each: {} for each in notebooks}
    commented: dict[str, dict[str, str]] = {each: {} for each in notebooks}
    columns = grade_cells.c.cell_type, grade_cells.c.max_score
    for where, cell, cell_name, kind, most in cells(grade_cells, *columns):
        graded[where][cell] = cell_name, kind == "code", most
    for where, cell, cell_name, most in cells(task_cells, task_cells.c.max_score):
        graded[where][cell] = cell_name, False, most
        commented[where][cell] = cell_name
    for where, cell, cell_name in cells(solution_cells):
        commented[where][cell] = cell_name
    return _Layout(there[0][0], graded, commented)


def record(course: Course, results: Iterable[SubmissionResult]) -> dict[tuple[str, str], Marks]:
    """Enter what was judged, all of it or nothing; return what a person gave, by student and assignment.

    What a person wrote stays: comments, and marks given by hand. Where the judge could not judge, the cell
    has no mark and asks for a person.
    """
    by_assignment: dict[str, dict[str, SubmissionResult]] = {}
    for result in results:
        by_assignment.setdefault(result.assignment, {})[result.student] = result
    given: dict[tuple[str, str], Marks] = {}
    with _open(course, write=True) as book:
        for name, batch in by_assignment.items():
            marks = _Entry(book, course, name).enter(batch)
            given |= {(who, name): mark for who, mark in marks.items() if mark}
    return given


class _Entry:
    """One assignment's results on their way into the tables: read once, then written in bulk."""

    def __init__(self, book: Connection, course: Course, name: str) -> None:
        self.book, self.course = book, course
        self.layout = _layout(book, course, name)
        self.new: dict[Table, list[dict[str, Any]]] = {
            table: [] for table in (student, submitted_assignment, submitted_notebook, grade, comment)
        }

    def enter(self, batch: dict[str, SubmissionResult]) -> dict[str, Marks]:
        """Write a batch, by student; return the marks of persons."""
        known = set(self.book.scalars(select(student.c.id)))
        self.new[student] = [{"id": who} for who in batch if who not in known]
        notebooks = self._submitted(batch)
        of_notebook = {row: where for rows in notebooks.values() for where, row in rows.items()}
        comments = self._comments(of_notebook)
        grades = self._grades(of_notebook)
        changed: list[dict[str, Any]] = []
        marks: dict[str, Marks] = {}
        for who, result in batch.items():
            said = {each.grade_id: each for each in result.exercises}
            marks[who] = Marks()
            for where, row in notebooks[who].items():
                for cell, (cell_name, is_code, _) in self.layout.graded[where].items():
                    there = grades.get((row, cell))
                    verdict = _verdict(said.get(cell_name)) if is_code else (None, True)
                    if there is None:
                        self._add(grade, notebook_id=row, cell_id=cell, **_values(*verdict))
                    elif is_code:
                        changed += _changes(there, *verdict)
                    written = comments.get((row, cell_name.removeprefix("test_")), "")
                    if written or (there is not None and there.manual_score is not None):
                        marks[who][cell_name] = Mark(there.manual_score if there else None, written)
        self._write(changed)
        return marks

    def _submitted(self, batch: dict[str, SubmissionResult]) -> dict[str, dict[str, str]]:
        """Return the rows of handed-in notebooks, by student and notebook; add those that are missing."""
        table = submitted_assignment
        wanted = select(table).where(table.c.assignment_id == self.layout.assignment_id)
        there = {row.student_id: row for row in self.book.execute(wanted)}
        found: dict[str, dict[str, str]] = {}
        for who, result in batch.items():
            when = handed_in_at(self.course, result)
            if who not in there:
                keys = {"assignment_id": self.layout.assignment_id, "student_id": who}
                found[self._add(table, **keys, timestamp=when)] = {}
            elif when is not None and when != there[who].timestamp:
                self.book.execute(update(table).where(table.c.id == there[who].id).values(timestamp=when))
        of_row = {row["id"]: row["student_id"] for row in self.new[table]}
        of_row |= {row.id: who for who, row in there.items() if who in batch}
        rows: dict[str, dict[str, str]] = {who: {} for who in batch}
        table = submitted_notebook
        for row in self.book.execute(select(table).where(table.c.notebook_id.in_(self.layout.graded))):
            if row.assignment_id in of_row:
                rows[of_row[row.assignment_id]][row.notebook_id] = row.id
        for handed, who in of_row.items():
            for where in self.layout.graded:
                if where not in rows[who]:
                    rows[who][where] = self._add(table, assignment_id=handed, notebook_id=where)
        return rows

    def _grades(self, of_notebook: dict[str, str]) -> dict[tuple[str, str], Any]:
        cells = [cell for each in self.layout.graded.values() for cell in each]
        rows = self.book.execute(select(grade).where(grade.c.cell_id.in_(cells)))
        return {(row.notebook_id, row.cell_id): row for row in rows if row.notebook_id in of_notebook}

    def _comments(self, of_notebook: dict[str, str]) -> dict[tuple[str, str], str]:
        """Return what persons wrote, by notebook and name of the cell; add the rows that are missing."""
        names = {cell: name for each in self.layout.commented.values() for cell, name in each.items()}
        rows = self.book.execute(select(comment).where(comment.c.cell_id.in_(names)))
        there = {(row.notebook_id, row.cell_id): row.manual_comment or "" for row in rows}
        for row, where in of_notebook.items():
            for cell in self.layout.commented[where]:
                if (row, cell) not in there:
                    self._add(comment, notebook_id=row, cell_id=cell)
        return {(row, names[cell]): said for (row, cell), said in there.items() if row in of_notebook}

    def _add(self, table: Table, **values: Any) -> str:
        row = uuid4().hex
        self.new[table].append({"id": row, **values})
        return row

    def _write(self, changed: list[dict[str, Any]]) -> None:
        for table, rows in self.new.items():
            if rows:
                self.book.execute(insert(table), rows)
        if changed:
            values: dict[str, Any] = {name: bindparam(name) for name in ("auto_score", "needs_manual_grade")}
            self.book.execute(update(grade).where(grade.c.id == bindparam("row")).values(**values), changed)


def _values(auto_score: float | None, needs_review: bool) -> dict[str, Any]:
    return {"auto_score": auto_score, "needs_manual_grade": needs_review}


def _changes(there: Any, auto_score: float | None, needs_review: bool) -> Iterator[dict[str, Any]]:
    """Say what is to be written over a grade; a mark given by hand stands, and is looked at again."""
    if there.manual_score is not None:
        needs_review = there.needs_manual_grade or there.auto_score != auto_score
    if (there.auto_score, there.needs_manual_grade) != (auto_score, needs_review):
        yield {"row": there.id, **_values(auto_score, needs_review)}


def _verdict(exercise: ExerciseResult | None) -> tuple[float | None, bool]:
    """The mark that the judge gave, None if nothing could be judged; and does it need a person?"""
    if exercise is None or not 0 <= exercise.points <= exercise.max_points:
        return None, True
    if exercise.report.status != examine.UNJUDGED:
        return float(exercise.points), False
    judged = any(row.status in (examine.PASSED, examine.FAILED) for row in exercise.report.rows)
    return float(exercise.points) if judged else None, True


def handed_in_at(course: Course, result: SubmissionResult) -> datetime | None:
    """Return when a submission was handed in, in UTC without its zone, as nbgrader keeps it."""
    path = course.submitted_folder(result.student, result.assignment) / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 200:
        return None
    day, _, rest = path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    time, _, zone = rest.partition(" ")
    try:
        when = datetime.fromisoformat(f"{day} {time}")
        if zone and when.tzinfo is None:
            named = datetime.strptime(zone, "%z").tzinfo if zone[0] in "+-" else ZoneInfo(zone)
            when = when.replace(tzinfo=named)
        return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
    except (ValueError, OverflowError, KeyError):  # a zone that nobody knows is a KeyError
        return None


def scores(course: Course, name: str) -> dict[str, dict[str, Score]]:
    """Return what the gradebook holds of an assignment: student -> graded cell -> score."""
    if not course.gradebook_db.exists():
        raise GradebookError(
            f"there is no gradebook {course.gradebook_db}; run: autograder release, autograder grade"
        )
    with _open(course) as book:
        layout = _layout(book, course, name)
        handed, table = submitted_assignment, submitted_notebook
        wanted = (
            select(handed.c.student_id, table.c.id, table.c.notebook_id)
            .join(table, table.c.assignment_id == handed.c.id)
            .where(handed.c.assignment_id == layout.assignment_id)
            .order_by(handed.c.student_id)
        )
        found: dict[str, dict[str, Score]] = {}
        where = {row.id: (row.student_id, row.notebook_id) for row in book.execute(wanted)}
        said = {
            (row.notebook_id, layout.commented[where[row.notebook_id][1]][row.cell_id]): row
            for row in book.execute(select(comment))
            if row.notebook_id in where and row.cell_id in layout.commented[where[row.notebook_id][1]]
        }
        for who, _ in where.values():
            found.setdefault(who, {})
        for row in book.execute(select(grade)):
            if row.notebook_id not in where:
                continue
            who, of_notebook = where[row.notebook_id]
            cell_name, _, most = layout.graded[of_notebook][row.cell_id]
            given = row.manual_score if row.manual_score is not None else row.auto_score
            beside = said.get((row.notebook_id, cell_name.removeprefix("test_")))
            found[who][cell_name] = Score(
                0.0 + (0.0 if given is None else given + (row.extra_credit or 0.0)),
                most,
                row.auto_score,
                row.manual_score,
                bool(row.needs_manual_grade),
                (beside.manual_comment or beside.auto_comment or "") if beside else "",
            )
    return found


@contextmanager
def _open(course: Course, write: bool = False) -> Iterator[Connection]:
    """Open the gradebook for one piece of work; what does not come to its end is undone."""
    course.build.mkdir(exist_ok=True)
    engine = create_engine(f"sqlite:///{course.gradebook_db}?timeout={errors.PATIENCE:g}")
    try:
        with errors.in_words(course), engine.connect() as book:
            if write:
                book.execute(text("BEGIN IMMEDIATE"))
            yield book
            book.commit()
    finally:
        engine.dispose()
