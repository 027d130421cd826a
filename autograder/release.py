"""Both editions from one source: nbgrader's release, and a student edition that works on its own.

Everything is written beside what is there and looked through for answers; only then it takes its place.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import course_utils
from autograder import leaks
from autograder.checks import write_checks
from autograder.course import Course, CourseError
from autograder.exercises import TOPICS, Exercise, topic
from autograder.gradebook.stock import generate
from autograder.leaks import Leak

__all__ = ["Leak", "Released", "release"]

PACKAGE = Path(course_utils.__file__).resolve().parent
FOLDER = "improving-deep-networks"
UNPACKED = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold: the same content, the same bytes
LEFT_OUT = {"reference", "tests", "__pycache__", "checks.h5"}


@dataclass(frozen=True)
class Released:
    """What was released, and where it lies."""

    assignments: tuple[str, ...]
    release_dir: Path
    student_dir: Path
    student_zip: Path
    files: int

    def __str__(self) -> str:
        return (
            f"released         {', '.join(self.assignments)}\n"
            f"nbgrader release {self.release_dir}\n"
            f"student edition  {self.student_dir}\n"
            f"to hand out      {self.student_zip}\n"
            f"{self.files} files were looked through for answers: none found"
        )


def release(course: Course, assignments: Sequence[str] = ()) -> Released:
    """Release assignments (all if none is named); the student edition holds all that were ever released."""
    chosen = _chosen(course, assignments)
    course.build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=course.build) as folder:
        staging = Path(folder)
        released = staging / "release"
        for name in course.assignments():
            if name in chosen:
                generate(course, name, released)
            elif (course.release_dir / name).is_dir():
                shutil.copytree(course.release_dir / name, released / name)
        names = sorted(path.name for path in released.iterdir())
        student = _write_student(course, names, released, staging / "student")
        archive = pack(student, staging / "student.zip")
        looked_through = leaks.check(
            [released, student, archive],
            [course.source_notebook(name) for name in course.assignments()],
            PACKAGE / "reference",
            _exercises(TOPICS),
        )
        for name in chosen:
            replace_folder(released / name, course.release_dir / name)
        replace_folder(student, course.student_dir)
        os.replace(archive, course.student_zip)
    return Released(tuple(chosen), course.release_dir, course.student_dir, course.student_zip, looked_through)


def _chosen(course: Course, assignments: Sequence[str]) -> list[str]:
    known = course.assignments()
    for name in assignments:
        if name not in known:
            raise CourseError(
                f"no assignment {name!r}: {course.source} holds {', '.join(known) or 'none'} "
                "(an assignment is a folder with one notebook of its own name)"
            )
    if not known:
        raise CourseError(f"nothing to release: {course.source} holds no NAME/NAME.ipynb")
    return list(dict.fromkeys(assignments)) or known


def _exercises(topics: Sequence[str]) -> list[Exercise]:
    return [exercise for name in topics if name in TOPICS for exercise in topic(name).values()]


def _write_student(course: Course, names: Sequence[str], released: Path, target: Path) -> Path:
    """Write the student edition as a folder."""
    for name in names:
        (target / "notebooks" / name).mkdir(parents=True)
        shutil.copyfile(released / name / f"{name}.ipynb", target / "notebooks" / name / f"{name}.ipynb")
    shutil.copytree(PACKAGE, target / "course_utils", ignore=_left_out)
    write_checks(target / "course_utils" / "checks.h5", _exercises(names))
    (target / "datasets").mkdir()
    for path in sorted(_house(course, "datasets").glob("*")):
        if path.suffix == ".h5" or path.name in ("checksums.json", "README.md"):
            shutil.copyfile(path, target / "datasets" / path.name)
    shutil.copyfile(_house(course, "LICENSE"), target / "LICENSE")
    pins = runtime_pins(_house(course, "pyproject.toml"), _house(course, "requirements.lock"))
    project = tomllib.loads(_house(course, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    builder = _pin("hatchling", _house(course, "requirements.lock"))
    texts = {
        "pyproject.toml": _pyproject(project["version"], project["requires-python"], pins, builder),
        "environment.yml": _environment(project["requires-python"], pins),
        "README.md": README.format(
            lessons="\n".join(f"- `notebooks/{n}/{n}.ipynb`" for n in sorted(names, key=_place))
        ),
    }
    texts["start_here.ipynb"] = json.dumps(_first_page(), indent=1) + "\n"
    for name, text in texts.items():
        (target / name).write_text(text, encoding="utf-8")
    return target


def _first_page() -> dict[str, Any]:
    """Return the notebook that a learner opens first: the map of the course, with their own progress."""
    cells = [
        {"cell_type": "markdown", "id": "welcome", "metadata": {}, "source": WELCOME},
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "map",
            "metadata": {},
            "outputs": [],
            "source": "from course_utils.course_map import course_map\n\ncourse_map()",
        },
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _place(name: str) -> int:
    return TOPICS.index(name) if name in TOPICS else len(TOPICS)


def _left_out(folder: str, names: list[str]) -> set[str]:
    return {n for n in names if n in LEFT_OUT or n.startswith(".") or n.endswith((".pyc", ".part"))}


def _house(course: Course, name: str) -> Path:
    """A file of the course, else the one that stands beside the packages."""
    own = course.root / name
    return own if own.exists() else PACKAGE.parent / name


def runtime_pins(pyproject: Path, lock: Path) -> list[str]:
    """Return what a student needs, each in the version that was tested: 'numpy==2.4.6'."""
    wanted = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0] for requirement in wanted]
    return sorted(_pin(name, lock) for name in names)


def _pin(name: str, lock: Path) -> str:
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    found = re.search(rf"^{re.escape(name)}==(\S+)", text, re.MULTILINE | re.IGNORECASE)
    return f"{name}=={found.group(1) if found else importlib.metadata.version(name)}"


def _pyproject(version: str, python: str, pins: Sequence[str], builder: str) -> str:
    listed = "".join(f'    "{pin}",\n' for pin in pins)
    return f"""\
[build-system]
requires = ["{builder}"]
build-backend = "hatchling.build"

[project]
name = "{FOLDER}-student"
version = "{version}"
description = "A hands-on course on improving deep neural networks: lessons, tools and data"
readme = "README.md"
requires-python = "{python}"
license = "BSD-3-Clause"
dependencies = [
{listed}]

[tool.hatch.build]
ignore-vcs = true

[tool.hatch.build.targets.wheel]
packages = ["course_utils"]

[tool.hatch.build.targets.wheel.force-include]
datasets = "course_utils/_datasets"
"""


def _environment(python: str, pins: Sequence[str]) -> str:
    listed = "".join(f"      - {pin}\n" for pin in pins)
    return f"""\
name: {FOLDER}
channels: [conda-forge, nodefaults]
dependencies:
  - python{python}
  - pip
  - pip:
{listed}      - .
"""


README = """\
# Improving deep neural networks

Lessons as notebooks: read, write the functions, see your own functions at work.

1. **Install** (once, in this folder, with Python 3.11 or newer):

   ```
   python3 -m venv .venv
   .venv/bin/python -m pip install .
   ```

   On Windows the second line is `.venv\\Scripts\\python -m pip install .`; with conda both are
   `conda env create -f environment.yml`, then `conda activate improving-deep-networks`.

2. **Work:** `.venv/bin/jupyter lab` (Windows: `.venv\\Scripts\\jupyter lab`), then open `start_here.ipynb`,
   the map of the course, or a lesson:

{lessons}

   Each exercise is one cell that ends in `raise NotImplementedError`. Replace that line, run the cell, then
   run the check below it: it says what it saw and asks the next question.

3. **Hand in:** save the notebook (Ctrl+S) and hand in the `.ipynb` file under its own name, where your
   instructor told you. Unfinished exercises cost only their own marks.
"""


WELCOME = """\
# Improving deep neural networks

Ten lessons. In each of them something goes wrong that you can see, you learn why, you write the few
functions that set it right, and then you watch your own functions at work.

Every exercise is one cell that ends in `raise NotImplementedError`. Put your code in its place, run the cell,
then run the check below it: it says what it saw, what it expected, and asks the next question. Nothing breaks
while a function is unfinished.

Run the cell below (click on it, then Shift+Enter) to see the map and how far you are."""


def pack(folder: Path, target: Path) -> Path:
    """Write a folder as a zip; the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{path.relative_to(folder).as_posix()}", UNPACKED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())
    return target


def replace_folder(new: Path, old: Path) -> None:
    """Put a folder in the place of another; if that fails the old one is back."""
    old.parent.mkdir(parents=True, exist_ok=True)
    aside = old.with_name(f".{old.name}.old")
    if not old.exists() and aside.exists():
        aside.rename(old)  # an earlier run was stopped between the two steps below
    shutil.rmtree(aside, ignore_errors=True)
    if old.exists():
        old.rename(aside)
    try:
        new.rename(old)
    except BaseException:
        if aside.exists():
            aside.rename(old)
        raise
    shutil.rmtree(aside, ignore_errors=True)
