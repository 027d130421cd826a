"""The command line: ``autograder VERB``, the same for a person and for a program."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from autograder.course import Course, CourseError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return 0 only if all was done."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("\nstopped; what was finished is kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        if not isinstance(error, (CourseError, *_errors())):
            raise
        print(f"autograder {options.verb}: {error}", file=sys.stderr)
        return 2


def _errors() -> tuple[type[Exception], ...]:
    """The errors whose message is written for the instructor."""
    from autograder.exercises import UnknownExercise
    from autograder.sandbox.limits import SandboxError
    from autograder.submission import LessonError

    return UnknownExercise, SandboxError, LessonError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autograder", description="Release, grade and return a course's notebooks."
    )
    parser.add_argument("--course", type=Path, help="the course's folder (default: found from here upward)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    release = verbs.add_parser("release", help="write the student edition and nbgrader's release")
    release.add_argument("assignment", nargs="*", help="default: all")
    release.set_defaults(run=_release)

    checks = verbs.add_parser("checks", help="write the visible checks for working on the course itself")
    checks.set_defaults(run=_checks)

    grade = verbs.add_parser("grade", help="grade what was handed in; write gradebook and feedback")
    grade.add_argument("assignment", nargs="*", help="default: all that were handed in")
    grade.add_argument("--student", action="append", help="only this student (may be repeated)")
    grade.add_argument("--jobs", type=int, default=0, help="processes at a time (default: one a core)")
    grade.add_argument("--seed", type=int, help="draw the inputs from this seed, to reproduce a grade")
    grade.add_argument("--force", action="store_true", help="judge again what is already judged")
    grade.add_argument("--yes", action="store_true", help="do not ask before marks move")
    grade.add_argument("--run-all", action="store_true", help="run demonstration cells too")
    _add_sandbox(grade)
    grade.add_argument("--json", action="store_true", help="one object a line instead of a table")
    grade.set_defaults(run=_grade)

    judge = verbs.add_parser("judge", help="judge loose files that hold the code of one solution cell")
    judge.add_argument("exercise")
    judge.add_argument("file", nargs="+", type=Path)
    judge.add_argument("--seed", type=int, help="draw the inputs from this seed")
    _add_sandbox(judge)
    judge.add_argument("--json", action="store_true", help="one object a line")
    judge.set_defaults(run=_judge)

    selftest = verbs.add_parser("selftest", help="grade the grader: right passes, known mistakes are named")
    selftest.add_argument("exercise", nargs="*", help="exercises or topics (default: all)")
    selftest.add_argument("--seeds", type=int, default=1, help="draw the inputs this many times (default: 1)")
    selftest.add_argument("--jobs", type=int, default=0, help="processes at a time (default: one a core)")
    selftest.add_argument("--only", choices=("right",), help="right: try the right solutions and no others")
    _add_sandbox(selftest)
    selftest.add_argument("--json", action="store_true", help="one object a line instead of a table")
    selftest.set_defaults(run=_selftest)
    return parser


def _add_sandbox(verb: argparse.ArgumentParser) -> None:
    words = (
        "walls around student code: auto takes the best there are; off has none, for a class that you trust"
    )
    verb.add_argument("--sandbox", choices=("auto", "off"), default="auto", help=words)


def _course(options: argparse.Namespace) -> Course:
    return Course(options.course.resolve()) if options.course else Course.find()


def _release(options: argparse.Namespace) -> int:
    from autograder.release import release

    released = release(_course(options), options.assignment)
    print(released)
    return 0


def _checks(options: argparse.Namespace) -> int:
    from autograder.checks import write_checks
    from autograder.exercises import TOPICS, topic

    path = _course(options).build / "checks.h5"
    exercises = [exercise for name in TOPICS for exercise in topic(name).values()]
    write_checks(path, exercises)
    print(f"{len(exercises)} visible checks in {path}")
    return 0


def _grade(options: argparse.Namespace) -> int:
    from autograder import grade

    run = grade.run(
        _course(options),
        options.assignment,
        students=options.student,
        jobs=options.jobs,
        seed=options.seed,
        force=options.force,
        demos=options.run_all,
        sandbox=options.sandbox,
        confirm=lambda moves: _confirm(moves, options.yes),
    )
    if options.json:
        for result in run.results:
            print(json.dumps(grade.as_line(result)))
    else:
        print(grade.table(run))
    return 0 if run.all_judged else 1


def _confirm(moves: Sequence[object], yes: bool) -> bool:
    """Say whose marks will move; ask, where somebody is there to answer."""
    print(f"{len(moves)} marks change although nothing new was handed in:", file=sys.stderr)
    for move in moves:
        print(f"  {move}", file=sys.stderr)
    if yes:
        return True
    if not sys.stdin.isatty():
        print("Nobody is here to ask: run again with --yes to write them.", file=sys.stderr)
        return False
    return input("Write them to the gradebook? [y/N] ").strip().lower() in ("y", "yes")


def _judge(options: argparse.Namespace) -> int:
    from autograder.worker import judge_files

    all_judged = True
    for verdict in judge_files(
        _course(options), options.exercise, options.file, options.seed, options.sandbox
    ):
        all_judged &= verdict["judged"]
        if options.json:
            print(
                json.dumps({key: value for key, value in verdict.items() if key not in ("judged", "text")}),
                flush=True,
            )
        else:
            print(verdict["text"], flush=True)
    return 0 if all_judged else 1


def _selftest(options: argparse.Namespace) -> int:
    from autograder import selftest

    started = time.perf_counter()
    proofs = selftest.run(
        options.exercise,
        build=_course(options).build,
        seeds=options.seeds,
        jobs=options.jobs,
        right_only=options.only == "right",
        sandbox=options.sandbox,
    )
    if options.json:
        for proof in proofs:
            print(json.dumps(selftest.as_line(proof)))
    else:
        print(selftest.table(proofs, time.perf_counter() - started))
    return 0 if selftest.all_holds(proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
