"""The release, for real: what students receive works by itself, and holds no answer."""

import base64
import functools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from autograder import leaks
from autograder.course import Course, CourseError
from autograder.exercises import Case, Exercise, Misconception
from autograder.leaks import Leak
from autograder.release import release, replace_folder, runtime_pins

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def released(prepared, tmp_path_factory):
    """A course that was released once; tests only look at it."""
    course = Course(Path(shutil.copytree(prepared, tmp_path_factory.mktemp("released") / "course")))
    return course, release(course)


def all_text(folder):
    """Return every byte below a folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_solutions_and_hidden_tests_are_gone(released):
    """The stub stands where the solution was; of the test cell the check is left."""
    course, _ = released
    notebook = json.loads((course.student_dir / "notebooks" / "small" / "small.ipynb").read_text())
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    assert sources["scale"].rstrip().endswith("    raise NotImplementedError")
    assert "B = A / keep_prob" in sources["scale"]
    assert sources["test_scale"].strip() == "check(scale)"
    for folder in (course.student_dir, course.release_dir):
        for secret in (b"telltale", b"SOLUTION", b"HIDDEN", b"from autograder"):
            assert secret not in all_text(folder)


def test_what_students_receive(released):
    """Lessons, tools, data and the way to install them; nothing of the instructor's."""
    course, _ = released
    names = {path.relative_to(course.student_dir).as_posix() for path in course.student_dir.rglob("*")}
    assert {"README.md", "LICENSE", "pyproject.toml", "environment.yml"} <= names
    assert {"notebooks/small/small.ipynb", "course_utils/checks.h5", "datasets/checksums.json"} <= names
    assert not [
        name for name in names if "reference" in name or "autograder" in name or "__pycache__" in name
    ]
    assert not [name for name in names if name.endswith("build.py")]


def test_the_zip_is_the_folder(released):
    """What is handed out is what was looked through."""
    course, _ = released
    with zipfile.ZipFile(course.student_zip) as archive:
        packed = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    files = [path for path in course.student_dir.rglob("*") if path.is_file()]
    assert packed == {path.relative_to(course.student_dir).as_posix(): path.read_bytes() for path in files}


def test_the_same_sources_give_the_same_zip(released):
    """A release that is repeated changes no byte, so a changed zip means a changed course."""
    course, _ = released
    before = course.student_zip.read_bytes()
    release(course)
    assert course.student_zip.read_bytes() == before


def test_the_student_edition_installs_and_works_elsewhere(released, tmp_path):
    """`pip install .` in the unpacked zip gives a course_utils with its data and without the reference."""
    course, _ = released
    with zipfile.ZipFile(course.student_zip) as archive:
        archive.extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (target / "course_utils" / "_datasets" / "moons.h5").is_file()
    assert (target / "course_utils" / "checks.h5").is_file()
    assert not (target / "course_utils" / "reference").exists()
    code = (
        "import course_utils.check, course_utils.data, importlib.util as u\n"
        "print(course_utils.data.load('moons').X_train.shape[0], u.find_spec('course_utils.reference'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.stdout.split() == ["2", "None"], ran.stderr


def test_pins_are_exact_and_those_of_the_lock():
    """Students get the versions that were tested, of what lessons need and of nothing else."""
    pins = runtime_pins(ROOT / "pyproject.toml", ROOT / "requirements.lock")
    assert {pin.split("==")[0] for pin in pins} >= {"numpy", "h5py", "matplotlib", "jupyterlab"}
    assert not any(pin.startswith(("nbgrader", "pytest")) for pin in pins)
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert all(any(line.startswith(f"{pin} ") for line in lock) for pin in pins)


def test_a_leak_leaves_the_old_release(prepared, tmp_path, sample):
    """A solution pasted into another cell is found, named with file and cell, and nothing is replaced."""
    course = Course(Path(shutil.copytree(prepared, tmp_path / "course")))
    release(course)
    before = (course.student_zip.read_bytes(), all_text(course.release_dir))
    document = sample.lesson()
    pasted = "demo = 3\ntelltale_of_scale = np.multiply( A, 17.0 )/keep_prob  # so it goes"
    document["cells"].append(sample.cell("code", pasted, "demo"))
    sample.write(course.source_notebook("small"), document)
    with pytest.raises(
        Leak, match=r"small\.ipynb, cell demo: a line of the solution of scale: telltale_of_scale"
    ):
        release(course)
    assert (course.student_zip.read_bytes(), all_text(course.release_dir)) == before
    assert not list(course.build.glob(".release-*"))


def test_a_crash_between_the_two_renames_leaves_the_old_folder(tmp_path):
    """Whatever stops the exchange of two folders, the old one is back in its place."""
    old = tmp_path / "edition"
    old.mkdir()
    (old / "is").write_text("old")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "never-written", old)
    assert (old / "is").read_text() == "old"
    old.rename(tmp_path / ".edition.old")  # killed in between
    (tmp_path / "new").mkdir()
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "never-written", old)
    assert (old / "is").read_text() == "old"


def test_an_unknown_assignment_is_named(released):
    """The message says what was asked for and what there is."""
    with pytest.raises(CourseError, match=r"no assignment 'smal': .* holds small"):
        release(released[0], ["smal"])


def test_a_solution_without_markers_is_a_solution(sample):
    """nbgrader clears a solution cell that has no markers as a whole, so no line of it is public."""
    bare = sample.notebook(
        sample.solution("scale", "def scale(A, keep_prob):\n    return A / keep_prob + 0 * A")
    )
    prose = leaks.public_text([bare], [])
    assert [secret.lines for secret in leaks.solutions([bare], prose)] == [
        ("defscale(A,keep_prob):", "returnA/keep_prob+0*A")
    ]


# --- the scan by itself: one planted leak of each kind, in each kind of place ------------------------------


def scale(A, keep_prob):
    """Reference."""
    return A / keep_prob


def scale_twice(A, keep_prob):
    """What one who divides twice writes."""
    once_more = A / keep_prob / keep_prob + 0 * A
    return once_more


EXERCISE = Exercise(
    scale,
    (
        Case("the mean survives", "seen by all", lambda rng: {}, public=True, ask="What is divided by what?"),
        Case("a keep_prob of one changes nothing at all", "here a lost bracket cannot hide", lambda rng: {}),
    ),
    (Misconception("scale-twice", "twice is safer", scale_twice, "the mean survives", "Once is enough."),),
)
SOLUTION = "telltale_of_scale = np.multiply(A, 17.0) / keep_prob"
MISTAKE = "once_more = A / keep_prob / keep_prob + 0 * A"
SECRETS = {
    "a solution": (SOLUTION, "a line of the solution of scale"),
    "a hidden test": ("judge(scale, against=reference.dropout_forward)", "a hidden test of test_scale"),
    "a mistake": (MISTAKE, "a line of the known mistake scale-twice"),
    "a reference": ("fraction_kept = np.mean(mask) * keep_prob ** 2", "a line of the reference, half_of_it"),
    "a hidden name": ("a keep_prob of one changes nothing at all", "a hidden case of scale"),
    "a hidden reason": ("here a lost bracket cannot hide", "a hidden case of scale"),
    "a marker": ("### BEGIN SOLUTION", "a marker that release should have removed"),
    "an import": ("from course_utils.reference import dropout", "a way to the answers"),
    "the grader": ("from autograder import judge", "a way to the grader"),
}


@pytest.fixture
def look(tmp_path, sample):
    """Scan one file with some content, against the secrets of a small course."""
    lesson = sample.write(tmp_path / "source" / "small.ipynb", sample.lesson())
    reference = tmp_path / "the-reference"
    reference.mkdir()
    (reference / "scale.py").write_text(
        "def half_of_it(mask, keep_prob):\n    '''Half.'''\n"
        "    fraction_kept = np.mean(mask) * keep_prob ** 2\n    return fraction_kept\n"
    )
    edition = tmp_path / "student"
    edition.mkdir()

    def scan(name, write):
        write(edition / name)
        return leaks.check([edition], [lesson], reference, [EXERCISE])

    return scan


def in_code(secret, path):
    path.write_text(f"import os\n\n\ndef helper(x):\n    {'  '.join(secret.split(' '))}\n")


def in_prose(secret, path):
    path.write_text(f"# Read me\n\nOne writes `{secret}` here.\n")


def in_output(secret, path, sample):
    cell = sample.cell("code", "x = 1", "demo")
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["see\n", f"  {secret}\n"]}]
    path.write_text(json.dumps(sample.notebook(cell)))


def in_metadata(secret, path, sample):
    document = sample.notebook(sample.cell("markdown", "x", "x"))
    document["metadata"]["note"] = {"deep": [secret]}
    path.write_text(json.dumps(document))


def in_attribute(secret, path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(3)).attrs["why"] = secret


def in_squeezed_bytes(secret, path):
    with h5py.File(path, "w") as file:
        data = np.frombuffer((secret * 3).encode(), dtype=np.uint8)
        file.create_dataset("x", data=data, compression="gzip")


def in_zip(secret, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/read.md", f"see {secret}")


PLACES = {
    "code.py": in_code,
    "README.md": in_prose,
    "output.ipynb": in_output,
    "metadata.ipynb": in_metadata,
    "attribute.h5": in_attribute,
    "compressed.h5": in_squeezed_bytes,
    "all.zip": in_zip,
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_planted_leak_is_found(look, sample, kind, name):
    """Each kind of secret, in each kind of place, stops the release; the message says which and where."""
    secret, what = SECRETS[kind]
    plant = functools.partial(PLACES[name], secret)
    if name.endswith(".ipynb"):
        plant = functools.partial(plant, sample=sample)
    with pytest.raises(Leak) as caught:
        look(name, plant)
    assert f"{name}" in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize("folder", ["reference", "autograder", "tests"])
def test_a_planted_file_is_found(look, folder):
    """A file of the instructor's is a leak by its place alone."""

    def write(path):
        path.parent.mkdir()
        path.write_text("")

    with pytest.raises(Leak, match=f"instructor's folder {folder}"):
        look(f"{folder}/x.py", write)


def test_what_may_be_known_passes(look, sample):
    """The lesson's prose, public names, hints, and lines that any program may hold are no leaks."""
    allowed = "\n".join(
        [
            "B = A / keep_prob",  # the equation of the docstring
            "# the mean survives: What is divided by what? Once is enough.",
            "return telltale",
            "for layer in range(1, n_layers + 1):",
            "parameters = {}",
            "import numpy as np",
        ]
    )
    assert look("fine.py", lambda path: path.write_text(allowed)) == 1


def test_one_short_line_of_many_is_chance_in_a_program():
    """A long answer is not told by one short line in a tool; it is by half of its lines, or by a long one."""
    code = "a = np.maximum(0, Z)\nb = W @ A_previous + c\nc = combine_them(a, b)\nd = a * b - c * 77 + a"
    secret = leaks.code_secret("it", code, prose="")
    lines = ["a = np.maximum(0, Z)", "b = W @ A_previous + c"]
    assert not list(leaks.leaks(leaks.Place("tool.py", leaks.CODE, lines[0]), [secret]))
    assert list(leaks.leaks(leaks.Place("tool.py", leaks.CODE, "\n".join(lines)), [secret]))
    assert list(leaks.leaks(leaks.Place("x.md", leaks.TEXT, lines[0]), [secret]))


def test_a_binary_file_is_read_too(look):
    """Readable pieces of any file count."""
    picture = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAA//79") + SOLUTION.encode() + b"\xff\x00"
    with pytest.raises(Leak, match=r"figure\.png: a line of the solution of scale"):
        look("figure.png", lambda path: path.write_bytes(picture))
