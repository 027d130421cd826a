"""The untrusted side: runs the cells of one submission and calls its functions with the inputs it is sent."""

from __future__ import annotations

import ast
import linecache
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from autograder.protocol import Broken, Parcel, Reader, encode, send
from course_utils.calls import (
    RAISED,
    RETURNED,
    TIMED_OUT,
    Call,
    Observation,
    TimedOut,
    no_input,
    observe_call,
    time_limit,
)
from course_utils.calls import learners_line as line_of
from course_utils.plain import Budget, Draws

SHORTCUTS = ("course_utils.network", "course_utils.plots", "course_utils.widgets")
MAGIC = re.compile(r"^\s*[%!]")
HEAVY, PAUSE = 2**18, 0.05  # answers travel together up to so many bytes, or for so many seconds


def say(channel: socket.socket, value: Any) -> None:
    """Send a word of the sandbox itself, before any student code has run."""
    send(channel, encode(value))


def serve(channel: socket.socket, limits: Mapping[str, float]) -> None:
    """Answer until the judge hangs up; the walls are up already."""
    _use_the_scratch_folder()
    explain = Explain(limits)
    reader = Reader(channel)
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    namespace = module.__dict__
    namespace["display"] = lambda *objects, **options: None
    namespace["input"] = no_input
    generators: dict[tuple[str, int], dict[Draws, np.random.Generator]] = {}
    while True:
        try:
            asked = reader.frame()
        except Broken:
            return
        order = asked.value()
        if order["do"] == "cell":
            source = definitions(order["source"]) if order["definitions_only"] else order["source"]
            ended = run_cell(order["label"], source, namespace, order["seconds"])
            send(channel, encode({**ended, "error": explain(ended["error"])}), asked.ticket)
        elif order["do"] == "calls":
            function, seconds = namespace.get(order["function"]), order["seconds"]
            answers = Answers(channel, asked.ticket, limits, 0.0 if order["singly"] else PAUSE)
            for number, arguments in order["calls"]:
                pool = generators.setdefault((order["function"], number), {})
                seen = observe_call(function, Call(arguments), pool, seconds)
                if seen.outcome == TIMED_OUT:  # nobody waits as long for the next one
                    seconds = min(seconds, 1.0)
                answers.add(_plain(replace(seen, error=explain(seen.error)) if seen.error else seen))
            answers.send()


class Answers:
    """The answers to one order: they travel together, but none waits long."""

    def __init__(
        self, channel: socket.socket, ticket: int, limits: Mapping[str, float], pause: float
    ) -> None:
        self.channel = channel
        self.ticket = ticket
        self.most = int(limits["message_mib"]) * 2**20
        self.pause = pause
        self.parcel = Parcel()
        self.sent = time.monotonic()

    def add(self, answer: dict[str, Any]) -> None:
        """Take an answer apart; send it, and those before it, if they are heavy or have waited."""
        self.parcel.add(answer, Budget(size=self.most))
        if self.parcel.weight > HEAVY or time.monotonic() - self.sent >= self.pause:
            self.send()

    def send(self) -> None:
        """Send what waits."""
        if self.parcel.trees:
            send(self.channel, self.parcel.encoded(), self.ticket)
            self.parcel, self.sent = Parcel(), time.monotonic()


class Explain:
    """Adds to an error what a learner cannot know: which limit was met, what is not installed."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self.words = {
            "MemoryError": f"one submission has {limits['memory_mib']:g} MiB of memory",
            "_ArrayMemoryError": f"one submission has {limits['memory_mib']:g} MiB of memory",
            "BlockingIOError: [Errno 11]": f"no more than {limits['processes']:g} processes",
            "RuntimeError: can't start new thread": f"no more than {limits['processes']:g} threads",
            "OSError: [Errno 28]": f"files may hold {limits['scratch_mib']:g} MiB together",
            "OSError: [Errno 27]": f"files may hold {limits['scratch_mib']:g} MiB",
            "OSError: [Errno 24]": f"no more than {limits['open_files']:g} files may be open",
            "OSError: [Errno 30]": "in grading only the temporary folder can be written",
            "PermissionError: [Errno 1]": "graded code starts no programs and has no network",
        }

    def __call__(self, error: str) -> str:
        """Return the error, with the explanation if there is one."""
        missing = re.match(r"ModuleNotFoundError: No module named '(\w+)[.\w]*'$", error)
        name = missing.group(1) if missing else ""
        if name and name not in sys.modules:
            return f"{error}; {name} is not part of this course: use NumPy and the standard library"
        known = next((words for start, words in self.words.items() if error.startswith(start)), "")
        return f"{error} ({known})" if known else error


def close_shortcuts() -> None:
    """Keep what course_utils computes for itself, such as a softmax, from standing in for an exercise.

    Done once in the warm process. It stops a shortcut, not a cheat: the text of course_utils is open.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(SHORTCUTS):
            for each, function in list(vars(module).items()):
                private = each.startswith("_") and type(function) is FunctionType
                if private and function.__module__ == name:
                    setattr(module, each, _only_inside(function))


def _only_inside(function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*given: Any, **named: Any) -> Any:
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith("course_utils."):
            raise RuntimeError(
                f"{function.__name__} serves course_utils alone: write the function with NumPy"
            )
        return function(*given, **named)

    return guarded


def _use_the_scratch_folder() -> None:
    """Point every library that writes somewhere at the one folder that can be written."""
    scratch = os.getcwd()
    os.environ |= {"HOME": scratch, "TMPDIR": scratch, "MPLCONFIGDIR": scratch}
    tempfile.tempdir = scratch
    matplotlib = sys.modules.get("matplotlib")
    for name in ("get_configdir", "get_cachedir"):
        clear = getattr(getattr(matplotlib, name, None), "cache_clear", None)
        if clear is not None:
            clear()


def run_cell(label: str, source: str, namespace: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Run one cell; say how it ended and which functions it defined."""
    names_before = {name: id(value) for name, value in namespace.items()}
    path = f"<{label}>"
    try:
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        with time_limit(seconds):
            exec(_compiled(source, path), namespace)
        outcome, error, line = RETURNED, "", ""
    except TimedOut:
        outcome, error, line = TIMED_OUT, f"the cell did not come to an end within {seconds:g} s", ""
    except SyntaxError as wrong:
        line = f"line {wrong.lineno}: {(wrong.text or '').strip()}"[:200]
        outcome, error = RAISED, f"SyntaxError: {wrong.msg}"
    except BaseException as wrong:  # whatever a learner's cell may raise
        outcome, error, line = RAISED, f"{type(wrong).__name__}: {str(wrong)[:300]}", line_of(wrong)
    defined = [
        name
        for name, value in list(namespace.items())
        if type(value) is type(run_cell) and names_before.get(name) != id(value)
    ]
    return {"outcome": outcome, "error": error, "line": line, "defined": tuple(defined[:50])}


def _compiled(source: str, path: str) -> CodeType:
    try:
        return compile(source, path, "exec")
    except (SyntaxError, ValueError):
        return compile(without_magics(source), path, "exec")


def definitions(source: str) -> str:
    """Keep what a cell imports, defines and names, not what it computes or draws."""
    try:
        tree = ast.parse(without_magics(source))
    except (SyntaxError, ValueError):
        return ""
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, kept) or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))
    ]
    return ast.unparse(tree)


def without_magics(source: str) -> str:
    """Drop lines that only IPython understands (%matplotlib, !pip): they matter to no function."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        return "\n".join("pass" if MAGIC.match(line) else line for line in source.split("\n"))


def _plain(seen: Observation) -> dict[str, Any]:
    """Return an observation as it is sent: what says nothing stays at home."""
    said = {"outcome": seen.outcome, "value": seen.value, "error": seen.error, "line": seen.line}
    said |= {"changed": seen.changed, "shared": seen.shared, "remarks": seen.remarks, "record": seen.record}
    said |= {"moved_random": seen.moved_random}
    return {name: each for name, each in said.items() if name in ("outcome", "value") or each}
