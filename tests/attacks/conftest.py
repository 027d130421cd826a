"""Classes of attackers, most followed by an honest student, graded by ``autograder grade`` from the shell."""

import ctypes
import hashlib
import json
import os
import secrets
import shutil
import site
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from arsenal import ATTACKS, FIRST, RIGHT, RIGHT_SECOND, SECOND

from autograder import exercises

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 54321
POINTS = {name: float(exercises.find(name).points) for name in (FIRST, SECOND)}
LIMITS = """[limits]
cell_seconds = 3.0
call_seconds = 1.0
grace_seconds = 0.5
submission_seconds = 9.0
memory_mib = 512
scratch_mib = 16
"""
SUBREAPER = 36
FOLLOWED = {"tampering", "forgery", "escaping", "persistence", "bombs", "time bombs"}


def code(source, name, **nbgrader):
    flags = {"schema_version": 3, "grade_id": name, "cell_type": "code", "task": False}
    metadata = {"nbgrader": {**flags, **nbgrader}} if nbgrader else {}
    shape = {"cell_type": "code", "id": name, "outputs": [], "execution_count": None}
    return {**shape, "metadata": metadata, "source": source}


def notebook(first, second):
    cells = [code("import numpy as np\n\nfrom course_utils.check import check", "imports")]
    for name, source in ((FIRST, first), (SECOND, second)):
        cells.append(code(source, name, grade=False, solution=True, locked=False))
        test = code(
            f"check({name})", f"test_{name}", grade=True, solution=False, locked=True, points=POINTS[name]
        )
        cells.append(test)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def student(number, kind="attacker"):
    """The name that a submission is handed in under; an honest one follows each attacker."""
    return f"s{number:03d}-{kind}"


def hand_in(course, name, attack, words):
    """Write one submission; words such as COURSE in it become what they stand for here."""
    first, second = attack.first, attack.second
    for word, value in words.items():
        first = first.replace(word, repr(value))
    document = notebook(first, second)
    if attack.edit:
        attack.edit(document)
    path = course / "build" / "submitted" / name / "mini" / "mini.ipynb"
    path.parent.mkdir(parents=True)
    if attack.write:
        attack.write(path, document)
    else:
        path.write_text(json.dumps(document))


def make_course(folder):
    """A course of one small lesson, with limits that let a test of bombs end soon."""
    solved = notebook(
        RIGHT.replace("    return", "    ### BEGIN SOLUTION\n    return") + "    ### END SOLUTION\n",
        RIGHT_SECOND,
    )
    course = folder / "course"
    (course / "notebooks" / "mini").mkdir(parents=True)
    (course / "notebooks" / "mini" / "mini.ipynb").write_text(json.dumps(solved))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    (course / "grader.toml").write_text(LIMITS)
    return course


def fingerprint(*folders):
    """A hash of every file below some folders, with its rights; build/ holds what grading itself writes."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if "build" in path.relative_to(folder).parts[:1] and "submitted" not in path.parts:
                continue
            digest.update(f"{path} {path.lstat().st_mode}".encode())
            if path.is_file() and not path.is_symlink():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def ordinary_python(folder):
    """A Python that another user can run, with this environment's packages; None where there is none.

    A Python in root's home is closed to others; the system's own is not.
    """
    program = Path("/usr/bin/python3")
    packages = site.getsitepackages()[0]
    if not program.exists() or not os.access(ROOT, os.R_OK):
        return None
    version = subprocess.run(
        [program, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )
    if version.stdout.strip() != str(tuple(sys.version_info[:2])):
        return None
    made = subprocess.run([program, "-m", "venv", "--without-pip", folder / "venv"], capture_output=True)
    if made.returncode:
        return None
    own = folder / "venv" / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    own.rmdir()
    own.symlink_to(packages)
    python = folder / "venv" / "bin" / "python"
    alembic = python.with_name("alembic")  # nbgrader starts it by name
    alembic.write_text(f"#!{python}\nimport sys\nfrom alembic.config import main\nsys.exit(main())\n")
    alembic.chmod(0o755)
    return python


def as_user(user, folder):
    """The words before a command that is to run as a user, and the Python to run."""
    if user == "root" or os.geteuid() != 0:
        return [], sys.executable
    python = ordinary_python(folder)
    if python is None or shutil.which("setpriv") is None:
        pytest.skip("no Python here that an ordinary user can run, or no setpriv to become one")
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"], str(python)


@dataclass
class Run:
    """What one run of the grader said and left behind."""

    user: str
    results: dict
    course: Path
    unchanged: bool
    left_over: list
    seconds: float


EVERYTHING = {attack.family for attack in ATTACKS}
CLASSES = {  # who grades, behind which walls, and what is handed in
    "root": ("auto", EVERYTHING),
    "ordinary user": ("auto", {"peeking", "escaping", "persistence", "bombs", "honest"}),
    "ordinary user, landlock": ("landlock", {"peeking", "escaping", "persistence", "bombs", "honest"}),
}
if os.geteuid() != 0:
    del CLASSES["root"]
    CLASSES["ordinary user"] = ("auto", EVERYTHING)
GRADE = """
import json, sys
from pathlib import Path
from autograder import grade
from autograder.course import Course

if __name__ == "__main__":
    run = grade.run(Course(Path(sys.argv[1])), jobs=2, sandbox="landlock")
    print(*(json.dumps(grade.as_line(result)) for result in run.results), sep="\\n")
"""


def group(user):
    """One process of the test runner grades one class, and looks at all of it."""
    return pytest.mark.xdist_group(f"attacks, {user}")


@pytest.fixture(scope="session")
def graded():
    """Grade the whole class as a user, once."""
    runs, folders = {}, []

    def of(user):
        if user not in runs:
            folders.append(Path(tempfile.mkdtemp(prefix="attacks-")))
            folders[-1].chmod(0o755)
            runs[user] = grade_class(folders[-1], user)
        return runs[user]

    yield of
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(params=[pytest.param(user, marks=group(user)) for user in CLASSES])
def run(request, graded):
    """What grading the class as one of the users said and left behind."""
    return graded(request.param)


def grade_class(folder, user):
    """Hand in a class, grade it from the shell, and look at what is different afterwards."""
    sandbox, families = CLASSES[user]
    words_before, python = as_user(user, folder)
    course = make_course(folder)
    outside = folder / "outside"
    outside.mkdir()
    (outside / "canary").write_text("alive")
    door, abstract = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    name = f"attacks-{secrets.token_hex(8)}"
    abstract.bind("\0" + name)
    abstract.listen()
    words = {
        "COURSE": str(course),
        "PROJECT": str(ROOT),
        "OUTSIDE": str(outside),
        "ABSTRACT": name,
        "PORT": door.getsockname()[1],
        "JUDGE": os.getpid(),
        "PACKAGES": site.getsitepackages()[0],
    }
    honest = next(attack for attack in ATTACKS if attack.name == "nothing but what is asked for")
    for number, attack in enumerate(ATTACKS):
        if attack.family in families:
            hand_in(course, student(number), attack, words)
            if attack.family in FOLLOWED:
                hand_in(course, student(number, "honest"), honest, {})
    for path in (folder, *folder.rglob("*")) if words_before else ():
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    before = fingerprint(course, outside)
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)  # orphans become children of this process
    known = children()
    started = time.perf_counter()
    programs = f"{Path(python).parent}:{os.environ['PATH']}"
    own = {"HOME": str(folder), "ATTACK_SECRET": "a secret", "PYTHONPATH": str(ROOT), "PATH": programs}
    command = ["-m", "autograder", "--course", str(course), "grade", "--jobs", "2", "--json"]
    if sandbox != "auto":
        (folder / "grade.py").write_text(GRADE)
        command = [str(folder / "grade.py"), str(course)]
    done = subprocess.run(
        [*words_before, python, *command],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    door.close(), abstract.close()
    assert done.stdout, done.stderr
    results = {line["student"]: line for line in map(json.loads, done.stdout.splitlines())}
    return Run(
        user, results, course, fingerprint(course, outside) == before, sorted(children() - known), seconds
    )


def children():
    """The living processes whose parent is this one."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in listed if " Z " not in Path(f"/proc/{pid}/stat").read_text()}
