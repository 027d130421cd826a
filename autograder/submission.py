"""Notebooks as documents: the instructor's lesson, what a student handed in, and the graded notebook of both.

A submission is hostile until proven otherwise. Only the sources of solution cells and of the learner's own
extra cells are taken from it; everything else comes from the instructor's notebook.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

PLAIN, DEMO, SOLUTION, TEST, TEXT = "plain", "demo", "solution", "test", "text"
ASSERTS, ANSWER = "asserts", "answer"  # nbgrader's own: tests as asserts; text that a person marks
MAX_BYTES = 64 * 2**20
MAX_CELLS = 20_000
MAX_SOURCE = 200_000
HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[ \t]*\n?", re.DOTALL)


class Unjudgeable(ValueError):
    """A submission that cannot be read; the message is for the student."""


class LessonError(ValueError):
    """A source notebook that is not fit to grade with; the message is for the author."""


@dataclass(frozen=True)
class LessonCell:
    """One cell of the instructor's notebook; ``name`` is its grade_id, or its id.

    ``points`` are those of a graded cell; a solution or an answer that has some is marked by a person.
    """

    kind: str
    name: str
    source: str
    points: float = 0.0

    @property
    def exercise(self) -> str:
        """The exercise that a test cell judges."""
        return self.name.removeprefix("test_")


@dataclass(frozen=True)
class Lesson:
    """The instructor's notebook of one assignment."""

    assignment: str
    notebook: Mapping[str, Any]
    cells: tuple[LessonCell, ...]

    @property
    def exercises(self) -> tuple[str, ...]:
        """The exercises in the order of the notebook."""
        return tuple(cell.exercise for cell in self.cells if cell.kind == TEST)

    @property
    def marked_by_hand(self) -> tuple[LessonCell, ...]:
        """The cells that a person marks."""
        return tuple(cell for cell in self.cells if cell.kind in (SOLUTION, ANSWER) and cell.points)


@dataclass
class Handed:
    """What was handed in: sources by the grade_id of their cell, extra cells by the cell that they follow.

    ``played`` holds demo cells that the learner changed; of these only the definitions are run. ``answers``
    are texts.
    """

    solutions: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    played: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def sources(self, name: str) -> list[str]:
        """All sources that stand for a solution cell, in order."""
        return self.solutions.get(name, [])


def read_lesson(path: Path) -> Lesson:
    """Read an instructor's notebook."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LessonError(f"no notebook {path}: an assignment is notebooks/NAME/NAME.ipynb") from None
    except ValueError as error:
        raise LessonError(f"{path} is not a notebook: {error}") from None
    return Lesson(path.stem, notebook, tuple(_lesson_cell(cell) for cell in notebook["cells"]))


def _lesson_cell(cell: Mapping[str, Any]) -> LessonCell:
    meta = cell["metadata"].get("nbgrader", {})
    name = meta.get("grade_id") or cell.get("id", "")
    source = source_of(cell)
    points = float(meta.get("points", 0)) if meta.get("grade") else 0.0
    if cell["cell_type"] != "code":
        return LessonCell(ANSWER if meta.get("solution") else TEXT, name, source, points)
    if meta.get("solution"):
        return LessonCell(SOLUTION, name, source, points)
    if meta.get("grade"):
        judged = re.search(rf"\b(check|judge)\({re.escape(name.removeprefix('test_'))}\b", source)
        return LessonCell(TEST if judged else ASSERTS, name, source, points)
    return LessonCell(DEMO if "demo" in cell["metadata"].get("tags", []) else PLAIN, name, source)


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's source as one text; '' where it is none."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def read_submission(path: Path, lesson: Lesson) -> Handed:
    """Read what a student handed in; ``Unjudgeable`` where nothing of it can be used."""
    return take(read_document(path), lesson)


def take(document: Mapping[str, Any], lesson: Lesson) -> Handed:
    """Take the learner's sources out of a notebook; ``Unjudgeable`` where it holds none of this lesson."""
    cells = _cells(document)
    known = {cell.name: cell for cell in lesson.cells}
    texts = {_trim(cell.source): cell for cell in lesson.cells}
    handed = Handed()
    after = ""
    for cell in cells[:MAX_CELLS]:
        source = source_of(cell)
        named = known.get(_name(cell)) or texts.get(_trim(source))
        if named is not None:
            after = named.name
        if named is not None and named.kind == ANSWER:
            handed.answers.setdefault(named.name, []).append(source[:MAX_SOURCE])
        if cell.get("cell_type") != "code" or not source.strip():
            continue
        if len(source) > MAX_SOURCE:
            handed.remarks.append(
                f"a cell of {len(source):,} characters was left out: the most is {MAX_SOURCE:,}"
            )
        elif named is not None and named.kind == SOLUTION:
            handed.solutions.setdefault(named.name, []).append(source)
        elif named is None or (named.kind == PLAIN and _trim(source) != _trim(named.source)):
            handed.extras.setdefault(after, []).append(source)
        elif named.kind == DEMO and _trim(source) != _trim(named.source):
            handed.played.setdefault(named.name, []).append(source)
    if len(cells) > MAX_CELLS:
        handed.remarks.append(f"only the first {MAX_CELLS:,} of {len(cells):,} cells were read")
    _find_lost_cells(handed, lesson)
    if not handed.solutions and not handed.answers:
        other = sorted({name for name in map(_name, cells) if name} - known.keys())
        raise Unjudgeable(
            f"This notebook holds none of the exercise cells of {lesson.assignment}"
            + (f" (it has cells named {', '.join(other[:4])})" if other else "")
            + ". Did you hand in the notebook of another lesson, or an empty one?"
        )
    return handed


def read_document(path: Path) -> dict[str, Any]:
    """Read a submitted file as a notebook's JSON; ``Unjudgeable`` with the reason where it is none."""
    if path.is_symlink():
        raise Unjudgeable(f"{path.name} is a link to another file; hand in the notebook itself.")
    if not path.exists():
        found = sorted(p.name for p in path.parent.glob("*"))[:8] if path.parent.is_dir() else []
        raise Unjudgeable(
            f"There is no {path.name} in what you handed in; there is {', '.join(found) or 'nothing'}."
        )
    if not path.is_file():
        raise Unjudgeable(f"{path.name} is not a file.")
    if path.stat().st_size > MAX_BYTES:
        size = path.stat().st_size / 2**20
        raise Unjudgeable(
            f"{path.name} has {size:.0f} MiB; the most is {MAX_BYTES // 2**20}. "
            "Clear its outputs (Kernel > Restart Kernel and Clear Outputs), save it and hand it in again."
        )
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unjudgeable(
            f"{path.name} is damaged: it is not a notebook ({str(error)[:120]}). "
            "Open it in JupyterLab, save it and hand it in again."
        ) from None
    if not isinstance(document, dict) or not isinstance(_raw_cells(document), list):
        raise Unjudgeable(f"{path.name} is not a notebook: it has no list of cells.")
    return document


def _raw_cells(document: Mapping[str, Any]) -> Any:
    if "cells" not in document:  # notebook format 3 keeps them in worksheets
        sheets = document.get("worksheets")
        if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict):
            return sheets[0].get("cells")
    return document.get("cells")


def _cells(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    cells = [cell for cell in _raw_cells(document) if isinstance(cell, dict)]
    for cell in cells:
        if "source" not in cell and "input" in cell:
            cell["source"] = cell["input"]
    return cells


def _name(cell: Mapping[str, Any]) -> str:
    metadata = cell.get("metadata")
    meta = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    for name in (meta.get("grade_id") if isinstance(meta, dict) else None, cell.get("id")):
        if isinstance(name, str) and name:
            return name
    return ""


def _trim(source: str) -> str:
    return HIDDEN.sub("", source).strip()


def _find_lost_cells(handed: Handed, lesson: Lesson) -> None:
    """A solution cell whose name was lost or changed is found by the function that it defines."""
    for cell in lesson.cells:
        if cell.kind != SOLUTION or cell.name in handed.solutions:
            continue
        defines = re.compile(rf"^(async )?def {re.escape(cell.name)}\b", re.MULTILINE)
        for name, sources in list(handed.extras.items()):
            lost = [source for source in sources if defines.search(source)]
            if lost:
                handed.solutions[cell.name] = lost
                handed.extras[name] = [source for source in sources if source not in lost]
                handed.remarks.append(
                    f"the cell {cell.name} had lost its name; it was found by the function it defines"
                )
                break
        else:
            handed.remarks.append(f"the cell {cell.name} is missing from the notebook")


@dataclass(frozen=True)
class Step:
    """Something to do with a submission: run ``source``, or judge ``cell`` if it is a test cell."""

    cell: LessonCell
    label: str
    source: str
    definitions_only: bool = False


def steps(lesson: Lesson, handed: Handed, *, demos: bool = False) -> Iterator[Step]:
    """Yield what is to be done, in the order of the notebook."""
    own = LessonCell(PLAIN, "", "")
    yield from (Step(own, "your first cell", source) for source in handed.extras.get("", []))
    for cell in lesson.cells:
        if cell.kind == SOLUTION:
            yield from (Step(cell, cell.name, source) for source in handed.sources(cell.name))
        elif cell.kind in (PLAIN, TEST, ASSERTS) or (demos and cell.kind == DEMO):
            yield Step(cell, cell.name, cell.source)
        yield from (Step(own, f"your {cell.name}", s, not demos) for s in handed.played.get(cell.name, []))
        yield from (Step(own, f"your cell after {cell.name}", s) for s in handed.extras.get(cell.name, []))


def rebuild(
    lesson: Lesson, handed: Handed | None, outputs: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return the graded notebook: the instructor's cells, the learner's code, the judge's outputs.

    Hidden tests are taken out, and nothing that a submission had stored as output is taken in.
    """
    handed = handed or Handed()
    cells: list[dict[str, Any]] = [_extra(source) for source in handed.extras.get("", [])]
    for source, cell in zip(lesson.notebook["cells"], lesson.cells, strict=True):
        original = dict(source)
        if original["cell_type"] == "code":
            original["outputs"], original["execution_count"] = [], None
        if cell.kind == SOLUTION:
            original["source"] = (
                "\n\n".join(handed.sources(cell.name)) or "# nothing was handed in for this cell"
            )
        elif cell.kind == ANSWER:
            original["source"] = _harmless("\n\n".join(handed.answers.get(cell.name, [])))
        elif cell.kind in (TEST, ASSERTS):
            original["source"] = HIDDEN.sub("", cell.source).rstrip("\n")
            original["outputs"] = outputs.get(cell.name, [])
        cells.append(original)
        cells += [_extra(source) for source in handed.extras.get(cell.name, [])]
    return {**lesson.notebook, "cells": cells}


def unread(lesson: Lesson, reason: str) -> dict[str, Any]:
    """Return what formgrader shows of a submission that could not be read: the lesson, and why."""
    notebook = rebuild(lesson, None, {})
    why = f"**Could not judge.** {escape(reason)}"
    notebook["cells"].insert(0, {"cell_type": "markdown", "id": "why", "metadata": {}, "source": why})
    return notebook


def as_text(notebook: Mapping[str, Any]) -> str:
    """Return a notebook as the text of its file; half characters, which no file can hold, become '?'."""
    return json.dumps(notebook, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def _harmless(text: str) -> str:
    """Let Markdown hold no HTML: a page that shows it to an instructor would run what stands there."""
    return text.replace("<", "&lt;")


def _extra(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": uuid.uuid5(uuid.NAMESPACE_OID, source).hex[:12] + uuid.uuid4().hex[:4],
        "metadata": {"tags": ["learner"]},
        "outputs": [],
        "source": source,
    }
