"""One class of `optimizers` through stock `nbgrader autograde` and through `autograder grade`.

    python bench/grading.py [--students 40] [--rounds 4] [--turns 4]           (also part of `make bench`)

The class mixes right, wrong and blank submissions. Both grade the same notebooks with the same tests: what
`autograder` keeps as cases stands in the stock course as ordinary hidden asserts. All are whole processes,
from the shell's prompt back to it, and take turns: in each round stock grades its share of the class (as
shipped, then with one BLAS thread) and `autograder grade` the whole of it, always from the beginning. Printed
are RATIOS of submissions a second and their spread over the rounds; times are there to be looked at, not to
be compared with other machines.

The floor is what nobody can save: the same cells run and the same calls judged in one warm process, with no
walls, no gradebook and no pages. Time above it is counted a submission, without what starting costs. So is
the second ratio of two workers to one: a class of 40 is over so soon that the start is a third of it.
"""

import os

for _library in ("OPENBLAS", "OMP", "MKL"):  # before NumPy is loaded
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from autograder.course import Course
from autograder.judge import Judge
from autograder.sandbox.child import run_cell
from autograder.submission import HIDDEN, SOLUTION, TEST, Lesson, read_lesson, read_submission, steps
from course_utils.calls import observe
from course_utils.examine import report
from course_utils.plain import pack, unpack

LESSON = "optimizers"
SLIPS = [  # what a learner gets wrong: text of the solution, and what stands there instead
    ("1 - beta1**t", "1 - beta1"),
    ("beta2 * s", "beta1 * s"),
    ("- learning_rate", "+ learning_rate"),
    ("np.sqrt(s", "(s"),
    ("(1 - beta)", "1"),
    ("base**epoch", "base * epoch"),
    ("k * alpha0", "alpha0"),
    ("rng.permutation(m)", "np.arange(m)"),
    ("epoch // every", "epoch / every"),
]
ASSERTS = """check({name})
### BEGIN HIDDEN TESTS
from dataclasses import replace as _replace

from autograder import exercises as _exercises
from autograder.judge import _plain
from course_utils.calls import observe as _observe
from course_utils.examine import PASSED as _PASSED, report as _report

_drawn = _exercises.draw(_replace(_exercises.find("{name}"), misconceptions=()), {seed})
_seen = {{check.name: [_plain(o) for o in _observe({name}, check.calls)] for check in _drawn.checks}}
for _row in _report("{name}", _drawn.checks, _seen, (), show_numbers=False).rows:
    assert _row.status == _PASSED, _row.name
### END HIDDEN TESTS"""


def main():
    """Lay out both courses, take turns, print the ratios."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as folder:
        folder = Path(folder)
        if options.floor:
            print(json.dumps(floor(Course(options.floor))))
            return
        ours, stock = lay_out(folder, options.students, options.rounds)
        environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config")}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
        bench(options, ours, stock, environment)


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="stock nbgrader against autograder grade")
    parser.add_argument("--students", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--turns", type=int, help="stop after so many rounds (default: all of them)")
    parser.add_argument("--no-stock", action="store_true", help="only what concerns autograder alone")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def lay_out(folder, students, rounds):
    """Make two courses of the same class: one for `autograder grade`, one for stock nbgrader."""
    ours, stock = Course(folder / "ours"), Course(folder / "stock")
    lesson = read_lesson(Course(ROOT).source_notebook(LESSON))
    shutil.copytree(ROOT / "notebooks" / LESSON, ours.source / LESSON)
    shutil.copy(ROOT / "nbgrader_config.py", ours.root)
    write(stock.root / "source" / LESSON / f"{LESSON}.ipynb", with_asserts(lesson))
    settings = 'c = get_config()\nc.CourseDirectory.course_id = "stock"\n'
    (stock.root / "nbgrader_config.py").write_text(settings)
    for i in range(students):
        student = f"round{i % rounds}-{i:03}"
        notebook = handed_in(lesson, i)
        write(ours.submitted_folder(student, LESSON) / f"{LESSON}.ipynb", notebook)
        write(stock.root / "submitted" / student / LESSON / f"{LESSON}.ipynb", notebook)
    return ours, stock


def write(path, notebook):
    """Write a notebook, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def with_asserts(lesson):
    """Return the lesson as an author writes it for stock nbgrader."""
    notebook = json.loads(json.dumps(lesson.notebook))
    for cell, known in zip(notebook["cells"], lesson.cells, strict=True):
        if known.kind == TEST:
            cell["source"] = ASSERTS.format(name=known.exercise, seed=len(known.name))
    return notebook


def handed_in(lesson: Lesson, i):
    """Return what the i-th student hands in: every fifth is blank, two of five hold a slip or two."""
    notebook = json.loads(json.dumps(lesson.notebook))
    slips = [SLIPS[(i + k) % len(SLIPS)] for k in range(1 + i % 2)] if i % 5 in (1, 3) else []
    for cell, known in zip(notebook["cells"], lesson.cells, strict=True):
        source = HIDDEN.sub("", known.source)
        if known.kind == SOLUTION:
            head, _, rest = source.partition("    ### BEGIN SOLUTION\n")
            body, _, tail = rest.partition("    ### END SOLUTION")
            for right, wrong in slips:
                body = body.replace(right, wrong)
            source = head + ("    raise NotImplementedError" if i % 5 == 4 else body.rstrip()) + tail
        cell["source"] = source
    return notebook


def floor(course):
    """Run and judge the class in this process; return the seconds that each submission took."""
    lesson, judge, seconds = read_lesson(course.source_notebook(LESSON)), Judge(7), []
    for name in lesson.exercises:
        judge.drawn(name)
    for path in sorted(course.submitted.glob(f"*/{LESSON}/{LESSON}.ipynb")):
        handed, namespace = read_submission(path, lesson), {"__name__": "__main__"}
        started = time.perf_counter()
        for step in steps(lesson, handed):
            if step.cell.kind == TEST:
                drawn = judge.drawn(step.cell.exercise)
                function = namespace.get(step.cell.exercise)
                seen = {c.name: [rounded(o) for o in observe(function, c.calls)] for c in drawn.checks}
                report(drawn.exercise, drawn.checks, seen, drawn.mistakes, show_numbers=False)
            else:
                run_cell(step.label, step.source, namespace, 30.0)
        seconds.append(time.perf_counter() - started)
    return seconds


def rounded(seen):
    """Return an observation whose value is plain data, as the judge compares it."""
    seen.__dict__["value"] = unpack(*pack(seen.value))
    return seen


def bench(options, ours, stock, environment):
    """Run everything in turns and print what came out."""
    students = options.students
    autograder = [sys.executable, "-m", "autograder", "--course", str(ours.root)]
    grade = [*autograder, "grade", LESSON, "--force", "--yes"]
    one = [*grade, "--student", f"round0-{0:03}"]
    timed([*grade, "--jobs", "2"], environment)  # the course is released, the gradebook exists
    if not options.no_stock:
        timed(["nbgrader", "generate_assignment", LESSON], environment, stock.root)
    rates = {"stock": [], "stock, one thread": [], "ours": [], "ours, --run-all": [], "ours, one worker": []}
    above, further = [], []
    for turn in range(options.turns or options.rounds):
        share = len(range(turn, students, options.rounds))
        if not options.no_stock:
            autograde = ["nbgrader", "autograde", LESSON, "--force", "--student", f"round{turn}-*"]
            for name, threads in (("stock", None), ("stock, one thread", "1")):
                rates[name].append(share / timed(autograde, threaded(environment, threads), stock.root))
            seconds = timed([*grade, "--jobs", "2", "--run-all"], environment)
            rates["ours, --run-all"].append(students / seconds)
        both = timed([*grade, "--jobs", "2"], environment)
        whole, start = timed([*grade, "--jobs", "1"], environment), timed(one, environment)
        rates["ours"].append(students / both)
        rates["ours, one worker"].append(students / whole)
        bare = json.loads(said([sys.executable, __file__, "--floor", str(ours.root)], environment))
        above.append((whole - start) / (sum(bare) - bare[0]) - 1)
        further.append((whole - start) / (both - start))
    show(options, rates, above)
    twice = ratios(rates["ours"], rates["ours, one worker"])
    print(f"two workers against one   {spread(twice)}   wanted 1.8")
    print(f"... beyond the start      {spread(further)}")
    print(f"time above the floor      {spread([100 * x for x in above])} %   wanted at most 30 %")
    most = peak_memory([*grade, "--jobs", "2"], environment)
    print(f"peak memory, two workers  {most:.0f} MB   wanted at most 600")
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write("def sqrt_decay(alpha0, k, t):\n    return k * alpha0 / t**0.5\n")
        file.flush()
        judge = [*autograder, "judge", "sqrt_decay", file.name]
        nothing = [sys.executable, "-c", "import numpy"]
        waits = {"grade of one": one, "judge of one file": judge, "import numpy (for scale)": nothing}
        for name, command in waits.items():
            seconds = [timed(command, environment) for _ in range(5)]
            print(f"{name:25} {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")


def show(options, rates, above):
    """Print rates and their ratios."""
    for name, values in rates.items():
        if values:
            print(f"{name:18} {statistics.median(values):8.3f} submissions a second")
    if not options.no_stock:
        for name, against, wanted in (
            ("ours", "stock", 60),
            ("ours", "stock, one thread", 25),
            ("ours, --run-all", "stock", 4),
        ):
            print(f"{name} / {against}: {spread(ratios(rates[name], rates[against]))}   wanted {wanted}")


def ratios(these, those):
    """Return the ratio of each round."""
    return [a / b for a, b in zip(these, those, strict=True)]


def spread(values):
    """Return median, least and most in words."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def threaded(environment, threads):
    """Return the environment with a number of BLAS threads, or with whatever the libraries take."""
    names = [f"{library}_NUM_THREADS" for library in ("OPENBLAS", "OMP", "MKL")]
    left = {name: value for name, value in environment.items() if name not in names}
    return left | dict.fromkeys(names, threads) if threads else left


def timed(command, environment, folder=ROOT):
    """Return the seconds that a whole process takes; stop where it fails."""
    started = time.perf_counter()
    said(command, environment, folder)
    return time.perf_counter() - started


def said(command, environment, folder=ROOT):
    """Run a process and return what it printed."""
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def peak_memory(command, environment):
    """Return the most megabytes that a process and all below it held together, shared pages counted once."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, ended = 0.0, threading.Event()
    while process.poll() is None:
        most = max(most, sum(map(proportional, family(process.pid))))
        ended.wait(0.05)
    return most


def family(pid):
    """Return a process and all that descend from it."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def proportional(pid):
    """Return a process's share of memory in megabytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
