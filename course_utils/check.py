"""The visible check of an exercise: try the function on public inputs and say what was seen.

What is tried, what is expected and what known mistakes return lies in ``checks.h5``; the way to the answer
is in neither. ``check(f)`` shows a report and never raises for anything that ``f`` does.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import properties
from course_utils.calls import TIMED_OUT, Call, Observation, no_input, observe
from course_utils.examine import Check, Mistake, Report, report
from course_utils.plain import Budget, pack, unpack
from course_utils.report_view import html, text

MOST_LINES = 15  # of what a function prints while it is checked
HERE = Path(__file__).resolve().parent


class NoChecks(RuntimeError):
    """The file of visible checks is missing, damaged or older than the exercise."""


class Shown:
    """A report that knows how to show itself in a notebook and in a terminal."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __repr__(self) -> str:
        return text(self.report)

    def _repr_html_(self) -> str:
        return html(self.report)


def check(function: Callable[..., Any] | str, *, seconds: float = 5.0) -> None:
    """Try a function on public inputs and show what was seen.

    Parameters
    ----------
    function : callable
        The learner's function; its name is the exercise's.
    seconds : float
        How long one call may take.

    Raises
    ------
    NoChecks
        If there is no such exercise, or the file of checks cannot be read.
    """
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    with aside() as said:
        found = explain(name, None if isinstance(function, str) else function, seconds=seconds)
    display(Shown(replace(found, remarks=(*said.remarks, *found.remarks))))
    if said.lines:
        more = f", the first {MOST_LINES} of {said.lines} lines" if said.lines > MOST_LINES else ""
        print(f"Your function printed while it was checked{more}:\n{said.text()}")


class Aside(io.TextIOBase):
    """What a function says and draws while it is checked: counted, and kept up to a size."""

    def __init__(self) -> None:
        self.lines = 0
        self.kept: list[str] = []
        self.remarks: list[str] = []

    def write(self, text: str) -> int:
        if self.lines <= MOST_LINES:
            self.kept.append(text[:10_000])
        self.lines += text.count("\n")
        return len(text)

    def text(self) -> str:
        """The first lines."""
        return "\n".join("".join(self.kept).splitlines()[:MOST_LINES])


@contextmanager
def aside() -> Iterator[Aside]:
    """Keep prints, figures and questions of a function apart from what is said about it."""
    said, asked = Aside(), builtins.input
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()

    builtins.input = no_input
    try:
        with redirect_stdout(said):
            yield said
    finally:
        builtins.input = asked
        opened = set(pyplot.get_fignums()) - figures if pyplot else set()
        for number in opened:
            pyplot.close(number)
        if opened:
            said.remarks.append(
                f"it opened {len(opened)} figures while it was checked: draw in a cell of its own, "
                "so that the function only returns its result"
            )


def explain(name: str, function: Any, *, seconds: float = 5.0) -> Report:
    """Return the report on ``function`` as the exercise ``name``, on public inputs."""
    checks, mistakes = _load(name)
    seen: dict[str, list[Observation]] = {}
    for each in checks:
        late = any(o.outcome == TIMED_OUT for found in seen.values() for o in found)
        seen[each.name] = [_plain(o) for o in observe(function, each.calls, 1.0 if late else seconds)]
    return report(name, checks, seen, mistakes, show_numbers=True)


def _plain(seen: Observation) -> Observation:
    if seen.value is None:
        return seen
    return Observation(**{**vars(seen), "value": unpack(*pack(seen.value))})


def display(shown: Shown) -> None:
    """Show in a notebook; print elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        get_ipython = None
    if get_ipython is not None and get_ipython() is not None:
        from IPython.display import display as show

        show(shown)
    else:
        print(shown)


def checks_file() -> Path:
    """Return where the visible checks lie: in the student edition, or where an author built them."""
    given = os.environ.get("COURSE_CHECKS")
    places = [Path(given)] if given else [HERE / "checks.h5", HERE.parent / "build" / "checks.h5"]
    for place in places:
        if place.is_file():
            return place
    raise NoChecks(
        f"no file of visible checks at {' or '.join(map(str, places))}. "
        "In the course's own folder `make checks` writes it; in the student edition, unpack the zip again."
    )


def _load(name: str) -> tuple[tuple[Check, ...], tuple[Mistake, ...]]:
    path = checks_file()
    return _read(path, path.stat().st_mtime_ns, name)


@lru_cache(maxsize=64)
def _read(path: Path, modified: int, name: str) -> tuple[tuple[Check, ...], tuple[Mistake, ...]]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            names = sorted(file)
            if name not in names:
                raise NoChecks(
                    f"there is no exercise {name!r} among the {len(names)} in {path}. Is the function's name "
                    "spelled as in its exercise? (For authors: `autograder checks` writes the file anew.)"
                )
            group = file[name]
            tree, described = json.loads(group["tree"][()].tobytes())
            raw = group["numbers"][()].tobytes()
    except OSError as error:
        raise NoChecks(f"{path} is damaged ({error}): unpack the student edition again") from None
    content = unpack(tree, _cut(raw, described))
    checks = tuple(_check_from(each) for each in content["checks"])
    mistakes = tuple(
        Mistake(
            m["key"],
            m["belief"],
            m["hint"],
            {name: [_seen_from(o) for o in found] for name, found in m["seen"].items()},
            m["off"],
        )
        for m in content["mistakes"]
    )
    return checks, mistakes


def write(path: Path, drawn: Iterable[Any]) -> None:
    """Write drawn exercises (``exercise``, ``checks``, ``mistakes``) as a file of visible checks."""
    import h5py

    with h5py.File(path, "w", libver="v110") as file:
        file.attrs["about"] = (
            "public inputs of the exercises, what is expected, and what known mistakes return"
        )
        for each in drawn:
            content = {
                "checks": [_check_as(c) for c in each.checks],
                "mistakes": [
                    {
                        "key": m.key,
                        "belief": m.belief,
                        "hint": m.hint,
                        "seen": {
                            name: [_seen_as(o) for o in found] for name, found in m.observations.items()
                        },
                        "off": {name: list(places) for name, places in m.off.items()},
                    }
                    for m in each.mistakes
                ],
            }
            tree, arrays = pack(content, Budget(items=10_000_000))
            group = file.create_group(each.exercise)
            described = [[array.dtype.str, array.size] for array in arrays]
            parts = {
                "tree": json.dumps([tree, described]).encode(),
                "numbers": b"".join(a.tobytes() for a in arrays),
            }
            for name, raw in parts.items():
                data = np.frombuffer(raw, dtype=np.uint8)
                group.create_dataset(name, data=data, track_times=False, compression="gzip")


def _cut(raw: bytes, described: list[list[Any]]) -> list[np.ndarray]:
    """Cut the numbers of one exercise into the arrays that they were."""
    arrays, start = [], 0
    for code, size in described:
        arrays.append(np.frombuffer(raw, dtype=code, count=size, offset=start))
        start += arrays[-1].nbytes
    return arrays


def _check_as(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "calls": [{"arguments": c.arguments, "aid": c.aid} for c in check.calls],
        "expected": check.expected,
        "verify": None if check.verify is None else _name_of(check),
        "rtol": check.rtol,
        "atol": check.atol,
        "marks": check.marks,
        "after": list(check.after),
        "ask": check.ask,
        "returns": list(check.returns),
    }


def _name_of(check: Check) -> str:
    name = check.verify.__name__  # type: ignore[union-attr]
    if getattr(properties, name, None) is not check.verify:
        raise ValueError(
            f"public case {check.name!r}: its verifier {name} must be named in course_utils/properties"
        )
    return name


def _check_from(data: dict[str, Any]) -> Check:
    return Check(
        data["name"],
        tuple(Call(c["arguments"], c["aid"]) for c in data["calls"]),
        None if data["expected"] is None else tuple(data["expected"]),
        None if data["verify"] is None else getattr(properties, data["verify"]),
        data["rtol"],
        data["atol"],
        data["marks"],
        tuple(data["after"]),
        data["ask"],
        tuple(data["returns"]),
    )


def _seen_as(seen: Observation) -> dict[str, Any]:
    return vars(seen)


def _seen_from(data: dict[str, Any]) -> Observation:
    return Observation(**data)
