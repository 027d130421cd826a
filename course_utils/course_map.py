"""The course on one page: its lessons in order, the time they take, what builds on what, and how far one is.

Progress is read from the saved notebooks: an exercise is done where the output below its check says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Lesson:
    """One lesson; ``minutes`` for reading, writing and playing, ``builds_on`` names earlier ones."""

    name: str
    about: str
    minutes: int
    builds_on: tuple[str, ...] = ()


LESSONS = (
    Lesson("setup", "splits, bias and variance, normalised inputs", 60),
    Lesson("regularization", "L2, L1, weight decay, early stopping, augmentation", 75, ("setup",)),
    Lesson("dropout", "inverted dropout: forward, backward and at test time", 60, ("regularization",)),
    Lesson("initialization", "symmetry, exploding and vanishing signals, Xavier and He", 75, ("setup",)),
    Lesson(
        "gradient_checking",
        "numerical gradients, and how to find the bug they betray",
        75,
        ("regularization", "initialization"),
    ),
    Lesson(
        "optimizers",
        "mini-batches, momentum, RMSprop, Adam, decay, saddle points",
        90,
        ("initialization",),
    ),
    Lesson(
        "batch_normalization",
        "normalised activations, running statistics, folding",
        75,
        ("setup", "optimizers"),
    ),
    Lesson("softmax", "many classes, cross-entropy, stable numerics", 90, ("initialization",)),
    Lesson(
        "hyperparameter_search",
        "scales, random search, halving, expected improvement",
        90,
        ("optimizers",),
    ),
    Lesson(
        "frameworks",
        "automatic differentiation, a tape of one's own",
        75,
        ("gradient_checking", "softmax"),
    ),
)
DEPTH = 3  # folders below the map in which lessons are looked for


@dataclass(frozen=True)
class CourseMap:
    """The lessons, and of those that lie here the notebook and which of its exercises are done."""

    notebooks: Mapping[str, Path] = field(default_factory=dict)
    done: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def state(self, lesson: Lesson) -> str:
        """Say how far a lesson is: '3 of 11', 'done', or '' where its notebook is not here."""
        exercises = self.done.get(lesson.name)
        if exercises is None:
            return "not here yet"
        n = sum(exercises.values())
        return f"done, {n} of {n}" if n == len(exercises) else f"{n} of {len(exercises)}"

    @property
    def following(self) -> Lesson | None:
        """The first lesson that is here and not done."""
        here = (lesson for lesson in LESSONS if lesson.name in self.done)
        return next((lesson for lesson in here if not all(self.done[lesson.name].values())), None)

    @property
    def advice(self) -> str:
        """What to do next, in a sentence."""
        lesson = self.following
        if lesson is None:
            return "Everything that lies here is done." if self.done else "No lesson lies in this folder."
        exercise = next(name for name, is_done in self.done[lesson.name].items() if not is_done)
        return f"Next: {exercise} in {lesson.name}."

    def __repr__(self) -> str:
        width = max(len(lesson.name) for lesson in LESSONS)
        lines = [
            f"{i:2}  {lesson.name.ljust(width)}  {lesson.minutes} min  {self.state(lesson)}"
            for i, lesson in enumerate(LESSONS, 1)
        ]
        return "\n".join([*lines, self.advice])

    def _repr_html_(self) -> str:
        rows = "\n".join(self._row(i, lesson) for i, lesson in enumerate(LESSONS, 1))
        heads = "".join(
            f'<th scope="col">{head}</th>'
            for head in ("No.", "Lesson", "What it is about", "Minutes", "Builds on", "Your exercises")
        )
        return (
            f'<div class="course-map"><style>{STYLE}</style><table><caption>The ten lessons</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>"
            f"<p><strong>{escape(self.advice)}</strong> What counts is what you saved (Ctrl+S); run this "
            "cell again to look anew.</p></div>"
        )

    def _row(self, i: int, lesson: Lesson) -> str:
        exercises = self.done.get(lesson.name, {})
        share = sum(exercises.values()) / len(exercises) if exercises else 0.0
        name = escape(lesson.name.replace("_", " "))
        if lesson.name in self.notebooks:
            name = f'<a href="{escape(self.notebooks[lesson.name].as_posix())}">{name}</a>'
        before = escape(", ".join(each.replace("_", " ") for each in lesson.builds_on)) or "nothing"
        bar = f'<span class="bar" aria-hidden="true"><span style="width: {share:.0%}"></span></span>'
        return (
            f'<tr><td>{i}</td><th scope="row">{name}</th><td>{escape(lesson.about)}</td>'
            f"<td>{lesson.minutes}</td><td>{before}</td><td>{bar} {self.state(lesson)}</td></tr>"
        )


STYLE = """
.course-map { color: var(--jp-content-font-color1, inherit); max-width: 62em }
.course-map table { border-collapse: collapse; margin: .4em 0 }
.course-map caption { text-align: left; font-weight: 600; padding: .2em 0 }
.course-map.course-map table :is(th, td) { text-align: left; padding: .25em .9em .25em 0; font-weight: 400;
  border-bottom: 1px solid var(--jp-border-color2, #767B86); vertical-align: top }
.course-map.course-map table th { font-weight: 600; white-space: nowrap }
.course-map a { color: var(--jp-content-link-color, #00579A); text-decoration: underline }
.course-map td:last-child { white-space: nowrap }
.course-map .bar { display: inline-block; width: 5em; height: .7em; border-radius: .35em; overflow: hidden;
  border: 1px solid var(--jp-border-color1, #767B86); vertical-align: -.05em }
.course-map .bar > span { display: block; height: 100%; background: #00785A }
"""


def course_map(folder: str | Path = ".") -> CourseMap:
    """Return the course's map, with the progress of the notebooks in a folder and up to three below it.

    Parameters
    ----------
    folder : str or Path
        Where your lessons lie.

    Returns
    -------
    CourseMap
        A notebook shows it as a table.
    """
    found: dict[str, Path] = {}
    names = {lesson.name for lesson in LESSONS}
    for path in _notebooks(Path(folder)):
        if path.stem in names:
            found.setdefault(path.stem, path)
    done = {name: _done(path) for name, path in found.items()}
    here = {name: path.relative_to(folder) for name, path in found.items() if done[name]}
    return CourseMap(here, {name: exercises for name, exercises in done.items() if exercises})


def _notebooks(folder: Path) -> Iterator[Path]:
    """Yield notebooks, the nearest first; hidden folders and environments are not looked into."""
    level = [folder]
    for _ in range(DEPTH + 1):
        below: list[Path] = []
        for each in level:
            for path in sorted(each.iterdir()):
                if path.is_dir() and not path.is_symlink() and path.name[0] not in "._":
                    below.append(path)
                elif path.suffix == ".ipynb":
                    yield path
        level = [path for path in below if not (path / "pyvenv.cfg").exists()]


def _done(path: Path) -> dict[str, bool]:
    """Read from a notebook which exercises it holds, and of which the check below says that they are done."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tests = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade")]
        return {
            name: any(f"Done - {name} " in text for text in _texts(cell.get("outputs", [])))
            for cell in tests
            for name in [cell["metadata"]["nbgrader"]["grade_id"].removeprefix("test_")]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # no notebook, or one that is being written


def _texts(outputs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for output in outputs:
        text = output.get("data", {}).get("text/plain", "")
        yield text if isinstance(text, str) else "".join(text)
