"""A small class from release to feedback: ``make demo``, or ``python -m autograder.demo``.

Six students hand in the lesson on optimizers. ``students/`` holds what two of them wrote; the others are made
from it. Everything happens in ``build/demo``, a course of its own beside the real one.
"""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path

from autograder import grade
from autograder.course import Course
from autograder.release import release
from autograder.submission import SOLUTION, read_lesson

LESSON = "optimizers"
STUDENTS = Path(__file__).parent / "students"
WHO = {
    "ada": "all right, in a style of her own",
    "ben": "half of it is written",
    "cleo": "wrong ideas among right ones",
    "dana": "handed in as it was released",
    "eli": "one function ends its process",
    "fay": "one function never ends",
}
CRASH = "def adam_update(*args, **kwargs):\n    import os\n\n    os._exit(1)\n"
ENDLESS = "def rmsprop_update(*args, **kwargs):\n    while True:\n        pass\n"


def solutions(path: Path) -> dict[str, str]:
    """Split a student's file into one source a function, each with the imports that it needs."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: "\n".join([*imports, "", ast.get_source_segment(text, node) or ""]) for node in functions
    }


def written_by(student: str) -> dict[str, str]:
    """Return the solution cells that a student filled in."""
    right, wrong = solutions(STUDENTS / "ada.py"), solutions(STUDENTS / "cleo.py")
    return {
        "ada": right,
        "ben": dict(list(right.items())[: len(right) // 2]),
        "cleo": wrong,
        "dana": {},
        "eli": right | {"adam_update": CRASH},
        "fay": right | {"rmsprop_update": ENDLESS},
    }[student]


def hand_in(course: Course, student: str) -> None:
    """Fill a student's cells into the released notebook and put it where nbgrader collects submissions."""
    released = course.release_dir / LESSON / f"{LESSON}.ipynb"
    notebook = json.loads(released.read_text(encoding="utf-8"))
    written = written_by(student)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in written:
            cell["source"] = written[name]
    path = course.submitted_folder(student, LESSON) / f"{LESSON}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def lay_out(real: Course) -> Course:
    """Make the demo's course: the real sources and settings, an empty build folder."""
    demo = Course(real.build / "demo")
    shutil.rmtree(demo.root, ignore_errors=True)
    shutil.copytree(real.source / LESSON, demo.source / LESSON)
    shutil.copy(real.root / "nbgrader_config.py", demo.root)
    return demo


def main() -> int:
    """Release, solve, grade and return; print what an instructor would see."""
    course = lay_out(Course.find())
    exercises = [c.name for c in read_lesson(course.source_notebook(LESSON)).cells if c.kind == SOLUTION]
    print(
        f"1  release   {LESSON}: {len(exercises)} exercises, without solutions and hidden tests", flush=True
    )
    print("  ", release(course, [LESSON]), flush=True)
    print("2  hand in   six students:")
    for student, story in WHO.items():
        hand_in(course, student)
        print(f"     {student:5} {story}")
    print("3  grade", flush=True)
    run = grade.run(course, [LESSON])
    print(grade.table(run))
    page = course.feedback_page("cleo", LESSON)
    print(f"\n4  return    what cleo reads: {page}")
    print(f"5  look      cd {course.root} && jupyter lab   then Nbgrader > Formgrader in the menu")
    honest = {result.student: result for result in run.results}
    as_expected = honest["ada"].points == honest["ada"].max_points and honest["dana"].points == 0
    return 0 if as_expected and len(run.results) == len(WHO) else 1


if __name__ == "__main__":
    sys.exit(main())
