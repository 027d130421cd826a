"""The scan: nothing that answers an exercise may stand in what students receive.

Secrets are the solutions, the hidden tests, the reference, the code of known mistakes and the hidden cases.
What an author says in prose (markdown, docstrings, public names and hints) is public wherever it stands.
A line of code may stand in two places by chance: in code that is not the secret's own cell it counts if it is
long, or if half of the secret's lines are there. Anywhere else, in outputs, metadata, data, one line counts.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import io
import json
import re
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from autograder.course import CourseError
from autograder.exercises import Exercise
from autograder.submission import source_of

SHORT, LONG, WORDS = 12, 40, 16  # characters without blanks: counted at all, telling by itself, a sentence
CODE, TEXT = "code", "text"

SOLUTION = re.compile(r"[^\n]*BEGIN SOLUTION[^\n]*\n(.*?)[^\n]*END SOLUTION[^\n]*", re.DOTALL)
HIDDEN = re.compile(r"[^\n]*BEGIN HIDDEN TESTS[^\n]*\n(.*?)[^\n]*END HIDDEN TESTS[^\n]*", re.DOTALL)
FORBIDDEN = {
    "a marker that release should have removed": r"(?:BEGIN|END)\s+(?:SOLUTION|HIDDEN\s+TESTS)\b",
    "a way to the answers": r"\bcourse_utils\.reference\b|\bfrom\s+\.+(?:reference|\s+import\s+reference)\b",
    "a way to the grader": r"\b(?:from|import)\s+autograder\b|\bautograder\.(?:judge|exercises|grade)\b",
}
FORBIDDEN_FOLDERS = {"reference", "autograder", "tests"}
COMMONPLACE = re.compile(
    r"return[\w,()]*|raise.*|(?:from\w+)?import.*|(?:el)?if[\w.]+:|ifisinstance.*|if\w+\.shape.*|with.*:|else:|try:|for[^=]+in[^=]+:"
    r"|[\w,]+=[\w.]*(?:\[-?\d\])?|\w+=(?:\{\}|\[\]|\(\))|\w+=len\(\w+\)(?://2)?"
    r"|\w+=np\.asarray\([\w,=.]*\)"
)


class Leak(CourseError):
    """Something secret stands in what was to be released."""


@dataclass(frozen=True)
class Secret:
    """Lines, squeezed, that tell an answer.

    ``home`` is the cell that they were taken out of. In other code ``together`` of them must be found.
    """

    what: str
    lines: tuple[str, ...]
    home: str = ""
    together: int = 1


@dataclass(frozen=True)
class Place:
    """A piece of what students receive."""

    where: str
    kind: str
    text: str
    home: str = ""


def squeeze(text: str) -> str:
    """Return a text without blanks, line by line: spacing hides nothing."""
    return "\n".join("".join(line.split()) for line in text.splitlines())


def check(
    folders: Sequence[Path],
    sources: Iterable[Path],
    reference: Path,
    exercises: Iterable[Exercise],
) -> int:
    """Look into every file; raise ``Leak`` with a list of what was found, or return the number of files."""
    lessons = [json.loads(path.read_text(encoding="utf-8")) for path in sources]
    exercises = list(exercises)
    prose = public_text(lessons, exercises)
    secrets = [
        *solutions(lessons, prose),
        *hidden_tests(lessons, prose),
        *functions_in(reference, prose),
        *mistakes(exercises, prose),
        *hidden_cases(exercises, prose),
    ]
    found: list[str] = []
    seen: set[bytes] = set()
    count = 0
    for name, data in files(folders):
        count += 1
        found += bad_path(name)
        digest = hashlib.sha256(data).digest()
        if digest not in seen:
            seen.add(digest)
            found += [line for place in places(name, data) for line in leaks(place, secrets)]
    if found:
        listed = "\n  ".join(dict.fromkeys(found[:20]))
        more = f"\n  and {len(found) - 20} more" if len(found) > 20 else ""
        raise Leak(
            f"nothing was released: answers stand in what students would receive\n  {listed}{more}\n"
            "Take each out of the file it is in; what learners may know belongs into the prose of a lesson"
        )
    return count


def leaks(place: Place, secrets: Iterable[Secret]) -> Iterator[str]:
    """Say what of the secrets stands in one place."""
    for what, pattern in FORBIDDEN.items():
        for match in re.finditer(pattern, place.text):
            yield f"{place.where}: {what}: {match.group()}"
    text = squeeze(place.text)
    for secret in secrets:
        hits = [line for line in secret.lines if line in text]
        at_home = secret.home != "" and secret.home == place.home
        if place.kind == CODE and not at_home and len(hits) < secret.together:
            hits = [line for line in hits if len(line) >= LONG]
        if hits:
            yield f"{place.where}: {secret.what}: {max(hits, key=len)[:100]}"


# --- what is secret ----------------------------------------------------------------------------------------


def code_secret(what: str, code: str, prose: str, home: str = "", *, helper: bool = False) -> Secret:
    """Return what tells an answer in some code; half of its lines together tell it (of a helper, more)."""
    lines = telling(code)
    together = len(lines) // 2 + 1 if helper else -(-len(lines) // 2)
    return Secret(what, tuple(line for line in lines if line not in prose), home, together)


def telling(code: str) -> list[str]:
    """Return the lines of code, squeezed, that are not commonplace."""
    lines = [squeeze(re.split(r"(?:^|\s)#", line)[0]) for line in _without_docstrings(code).splitlines()]
    return [line for line in dict.fromkeys(lines) if len(line) >= SHORT and not COMMONPLACE.fullmatch(line)]


def public_text(lessons: Iterable[Mapping[str, Any]], exercises: Iterable[Exercise]) -> str:
    """Everything that an author says for all to read, squeezed."""
    said = []
    for lesson in lessons:
        for cell in lesson["cells"]:
            if cell["cell_type"] == "markdown":
                said.append(source_of(cell))
            elif _is_solution(cell) and SOLUTION.search(source_of(cell)):
                said.append(SOLUTION.sub("", source_of(cell)))
    for exercise in exercises:
        said += [text for case in exercise.cases if case.public for text in (case.name, case.ask)]
        said += [text for mistake in exercise.misconceptions for text in (mistake.belief, mistake.hint)]
    return squeeze("\n".join(said))


def solutions(lessons: Iterable[Mapping[str, Any]], prose: str) -> Iterator[Secret]:
    """What stands between the markers of every solution cell; all of it where there are none."""
    for cell in _cells(lessons):
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell.get("id", ""))
        found = SOLUTION.findall(source_of(cell))
        for code in found or ([source_of(cell)] if _is_solution(cell) else []):
            yield code_secret(f"a line of the solution of {name}", code, prose, name)


def hidden_tests(lessons: Iterable[Mapping[str, Any]], prose: str) -> Iterator[Secret]:
    """What stands between the markers of every test cell."""
    for cell in _cells(lessons):
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell.get("id", ""))
        for match in HIDDEN.finditer(source_of(cell)):
            lines = [squeeze(line) for line in match.group(1).splitlines()]
            kept = tuple(line for line in lines if len(line) >= SHORT and line not in prose)
            yield Secret(f"a hidden test of {name}", kept)


def functions_in(folder: Path, prose: str) -> Iterator[Secret]:
    """The body of every function of the reference."""
    for path in sorted(folder.glob("[!_]*.py")):  # _arguments.py and the like answer nothing
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                code = "\n".join(ast.get_source_segment(source, part, padded=True) or "" for part in body)
                helper = node.name.startswith("_")
                yield code_secret(f"a line of the reference, {node.name}", code, prose, helper=helper)


def mistakes(exercises: Iterable[Exercise], prose: str) -> Iterator[Secret]:
    """The code of every known mistake."""
    for exercise in exercises:
        for mistake in exercise.misconceptions:
            yield code_secret(f"a line of the known mistake {mistake.key}", _source(mistake.wrong), prose)


def hidden_cases(exercises: Iterable[Exercise], prose: str) -> Iterator[Secret]:
    """The name and the reason of every hidden case."""
    for exercise in exercises:
        for case in exercise.cases:
            texts = [squeeze(text).replace("\n", "") for text in (case.name, case.why) if not case.public]
            kept = tuple(text for text in texts if len(text) >= WORDS and text not in prose)
            yield Secret(f"a hidden case of {exercise.name}", kept)


def _cells(lessons: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for lesson in lessons:
        yield from lesson["cells"]


def _is_solution(cell: Mapping[str, Any]) -> bool:
    return cell["cell_type"] == "code" and bool(cell["metadata"].get("nbgrader", {}).get("solution"))


def _source(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):  # made by a program: its lines are those of what it was made from
        return ""


def _without_docstrings(code: str) -> str:
    """Return code without its strings that span lines: what they say is prose."""
    return re.sub(r'"""(?:.|\n)*?"""', "", code)


# --- what students receive ---------------------------------------------------------------------------------


def files(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield every file below some folders; a zip as what is in it."""
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder.parent).as_posix()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    yield from ((f"{name}/{entry}", archive.read(entry)) for entry in archive.namelist())
            else:
                yield name, path.read_bytes()


def bad_path(name: str) -> list[str]:
    """Say whether a file lies where no file of a student's lies."""
    wrong = FORBIDDEN_FOLDERS & set(name.split("/")[:-1])
    return [f"{name}: a file of the instructor's folder {folder}" for folder in sorted(wrong)]


def places(name: str, data: bytes) -> Iterator[Place]:
    """Yield the pieces of one file, in which everything is looked for."""
    suffix = Path(name).suffix
    if suffix == ".h5":
        yield Place(name, TEXT, "\n".join([*_h5_strings(data), *_runs(data)]))
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield Place(name, TEXT, "\n".join(_runs(data)))
        return
    if suffix == ".ipynb":
        yield from _notebook_places(name, json.loads(text))
    elif suffix == ".json":
        yield Place(name, TEXT, "\n".join(_strings(json.loads(text))))
    else:
        yield Place(name, CODE if suffix == ".py" else TEXT, text)


def _notebook_places(name: str, notebook: Mapping[str, Any]) -> Iterator[Place]:
    for i, cell in enumerate(notebook["cells"]):
        where = f"{name}, cell {cell.get('id', i)}"
        kind = CODE if cell["cell_type"] == "code" else TEXT
        home = cell["metadata"].get("nbgrader", {}).get("grade_id", cell.get("id", ""))
        yield Place(where, kind, source_of(cell), home)
        rest = {key: value for key, value in cell.items() if key != "source"}
        yield Place(f"{where}, beside its source", TEXT, "\n".join(_strings(rest)))
    rest = {key: value for key, value in notebook.items() if key != "cells"}
    yield Place(f"{name}, metadata", TEXT, "\n".join(_strings(rest)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield "".join(value)  # a text in lines, as notebooks keep them
        for item in value:
            yield from _strings(item)


def _h5_strings(data: bytes) -> Iterator[str]:
    """Every name and text in an HDF5 file, also where it is compressed or kept as bytes."""
    with h5py.File(io.BytesIO(data), "r") as file:
        nodes: list[tuple[str, Any]] = [("/", file)]
        file.visititems(lambda name, node: nodes.append((name, node)))
        for name, node in nodes:
            yield name
            for key, value in node.attrs.items():
                yield key
                yield from _texts(value)
            if isinstance(node, h5py.Dataset):
                yield from _texts(node[()])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, str):
        yield value
    elif hasattr(value, "dtype") and value.dtype.kind in "OSU":
        for item in value.ravel().tolist():
            yield from _texts(item)
    elif hasattr(value, "dtype") and value.dtype.itemsize == 1:
        yield value.tobytes().decode("utf-8", "replace")


def _runs(data: bytes) -> list[str]:
    """The readable pieces of a binary file."""
    return [run.decode() for run in re.findall(rb"[\t\n\x20-\x7e]{%d,}" % SHORT, data)]
