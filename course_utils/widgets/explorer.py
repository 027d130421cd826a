"""The optimizer explorer: the learner's own updates race on surfaces of two weights."""

from __future__ import annotations

import math
import time
import weakref

import numpy as np
import traitlets

from course_utils import plots
from course_utils.widgets import race
from course_utils.widgets.runtime import CourseWidget, floats, module
from course_utils.widgets.surfaces import SURFACES

GRID = (89, 67)  # columns, rows of the loss that the browser draws contours of
SWEEP_SECONDS = 0.25  # so long may one answer of a function that does not broadcast keep the kernel busy

STOPS = {
    "learning_rate": [
        round(digit * scale, 6) for scale in (1e-3, 1e-2, 1e-1) for digit in (1, 1.5, 2, 3, 5, 7)
    ] + [1.0],
    "beta1": [0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99],
    "beta2": [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999],
    "epsilon": [1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 1.0],
    "noise": [0.0, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0],
}  # fmt: skip
CONTROLS = (
    {"key": "learning_rate", "label": "Learning rate"},
    {"key": "beta1", "label": "β₁", "hint": "momentum, Adam"},
    {"key": "beta2", "label": "β₂", "hint": "RMSprop, Adam"},
    {"key": "epsilon", "label": "ε", "hint": "RMSprop, Adam", "more": True},
    {"key": "noise", "label": "Noise", "hint": "of a mini-batch", "more": True},
)


def explore(exercises, more, surface, start, values, schedule, schedules):
    """Build the explorer from what `optimizer_explorer` was called with."""
    names = _names_in_the_notebook()
    keywords = [f"{name.lower().replace(' ', '_')}_update" for name in race.EXERCISES]
    given = [*zip(race.EXERCISES, keywords, exercises, strict=True)]
    given += [(key.removesuffix("_update").replace("_", " "), key, f) for key, f in more.items()]
    racers, handed = [], []
    for index, (name, keyword, function) in enumerate(given):
        if function is None:
            continue
        source = names.get(id(function), "")
        racers.append(race.Racer(name, function, source))
        # As long as none of the four is left out, they go by place.
        by_place = index < 4 and None not in exercises[:index]
        handed.append((source or keyword) if by_place else f"{keyword}={source or keyword}")
    listed = {f.__name__.removesuffix("_decay").replace("_", " "): f for f in schedules}
    if schedule not in {**race.SCHEDULES, **listed}:
        known = ", ".join({**race.SCHEDULES, **listed})
        raise ValueError(f"schedule should be one of {known}, got {schedule!r}")
    if listed:
        handed.append(f"schedules=[{', '.join(f.__name__ for f in schedules)}]")
    return OptimizerExplorer(
        racers, surface, start=start, values=values, schedule=schedule, schedules=listed,
        call=", ".join(handed),
    )  # fmt: skip


def _names_in_the_notebook():
    """The notebook's names of functions, by their identity."""
    from IPython import get_ipython

    shell = get_ipython()
    found = shell.user_ns.items() if shell else ()
    return {id(value): name for name, value in found if callable(value) and not name.startswith("_")}


class OptimizerExplorer(CourseWidget):
    """Made by `optimizer_explorer`.

    Parameters
    ----------
    racers : list of race.Racer
    call : str
        How the cell hands over its functions: the beginning of the line that reproduces a state.
    schedules : dict of functions by the name to show
    surface, start, schedule : as in `optimizer_explorer`
    values : dict of the sliders' first values; what is missing has its default
    """

    _esm = module("explorer.js", "explorer_views.js")
    _version = traitlets.Int(0).tag(sync=True)  # counts how often functions were replaced by newer ones

    def __init__(
        self,
        racers,
        surface="ravine",
        *,
        start=None,
        values=None,
        schedule="constant",
        schedules=None,
        call="",
    ):
        self.racers = racers
        self.schedules = {**race.SCHEDULES, **(schedules or {})}
        values = {"noise": SURFACES[surface].noise, **FIRST, **(values or {})}
        self.stops = {key: sorted({*stops, values[key]}) for key, stops in STOPS.items()}
        settings, said = self._settings({"surface": surface, "start": start, "schedule": schedule, **values})
        paths, self.outcomes = self._race(settings)
        self._fallback = (settings, paths)
        styles = plots.series_styles([racer.name for racer in racers])
        super().__init__(
            _setup={
                "steps": race.STEPS,
                "grid": GRID,
                "racers": [
                    {"name": name, "colour": colour, "dashes": dashes, "corrects": _corrects(racer)}
                    for racer, (name, (colour, dashes)) in zip(racers, styles.items(), strict=True)
                ],
                "outcomes": [outcome.plain() for outcome in self.outcomes],
                "said": said,
                "surfaces": {s.key: s.title for s in SURFACES.values()},
                "surface": self._describe(settings.surface),
                "start": settings.start,
                "schedules": list(self.schedules),
                "schedule": schedule,
                "call": call,
                "controls": [
                    {**control, "stops": self.stops[key], "value": values[key], "default": FIRST.get(key)}
                    for control in CONTROLS
                    for key in [control["key"]]
                ],
            },
            _first=floats(settings.surface.grid(*GRID)) + floats(paths),
        )
        self._unwatch = _after_each_cell(self)

    def refresh(self, namespace):
        """Take the functions that the notebook's names are bound to now, and tell the browser."""
        with self._lock:
            newer = [(r, namespace.get(r.source)) for r in self.racers if r.source]
            newer = [(racer, f) for racer, f in newer if callable(f) and f is not racer.function]
            for racer, function in newer:
                racer.function, racer.muted = function, None
            schedules = {
                name: namespace.get(getattr(f, "__name__", ""), f) for name, f in self.schedules.items()
            }
            changed = bool(newer) or any(schedules[name] is not f for name, f in self.schedules.items())
            self.schedules = schedules
        if changed:
            self._version += 1

    def close(self):
        self._unwatch()
        super().close()

    def answer(self, content):
        settings, said = self._settings(content)
        if content["kind"] == "sweep":
            return self._sweep(settings, content["control"], content["wanted"])
        if content["kind"] == "inside":
            seen = race.inside(self.racers[int(content["racer"])], settings)
            rates = np.concatenate([[np.nan], settings.rates])[:, None]
            return {"kind": "inside"}, [floats(np.hstack([seen, rates]))]
        paths, outcomes = self._race(settings)
        reply = {"kind": "run", "outcomes": [o.plain() for o in outcomes], "said": said}
        data = [floats(paths)]
        if content.get("new_surface"):
            reply["surface"] = self._describe(settings.surface)
            data.append(floats(settings.surface.grid(*GRID)))
        return reply, data

    def picture(self):
        settings, paths = self._fallback
        surface = settings.surface
        losses = [path[np.isfinite(path[:, 2])][-1, 2] for path in paths]
        told = [
            f"{racer.name}: {outcome.said}" if outcome.said else f"{racer.name} ends at a loss of {loss:.2g}"
            for racer, outcome, loss in zip(self.racers, self.outcomes, losses, strict=True)
        ]
        alt = (
            f"Optimizer explorer, {surface.title.lower()}, learning rate {settings.learning_rate:g}, after "
            f"{race.STEPS} steps. {'; '.join(told) or 'No function was given'}. Run the cell to move it."
        )
        with plots.unshown(width=6, height=4) as (fig, ax):
            drawn = {r.name: path[:, :2] for r, path in zip(self.racers, paths, strict=True)}
            plots.plot_paths(
                ax, surface.loss, drawn, surface.bounds, minimum=surface.minima,
                title=f"{surface.title}, {race.STEPS} steps", xlabel="W1", ylabel="b1",
            )  # fmt: skip
            return plots.png(fig, alt, dpi=100)

    def _settings(self, content):
        """Settings out of a message, each value in its range, and what is wrong with the schedule."""
        surface = SURFACES[content["surface"]]
        start = [float(value) for value in content.get("start") or surface.start]
        if not all(map(math.isfinite, start)):
            start = surface.start
        first = {"noise": surface.noise, **FIRST}
        values = {
            key: float(np.clip(content.get(key, first[key]), stops[0], stops[-1]))
            for key, stops in self.stops.items()
        }
        name = content.get("schedule", "constant")
        schedule = self.schedules[name]
        said = race.try_schedule(schedule, values["learning_rate"])
        if said:
            said, schedule = (
                f"{name}: {said.rstrip('.')}. The learning rate stays constant.",
                race.SCHEDULES["constant"],
            )
        return race.Settings(surface, tuple(start), schedule=schedule, **values), said

    def _race(self, settings):
        """Paths and losses, shape (racers, steps + 1, 3), NaN where they ended, and the outcomes."""
        results = [race.run(racer, settings) for racer in self.racers]
        return self._with_loss([path for path, _ in results], settings), [o for _, o in results]

    def _with_loss(self, paths, settings):
        points = np.array(paths).reshape(-1, race.STEPS + 1, 2)
        with np.errstate(all="ignore"):
            loss = settings.surface.loss(points[..., 0], points[..., 1])
        return np.concatenate([points, loss[..., None]], axis=-1)

    def _sweep(self, settings, control, wanted):
        stops = self.stops[control]
        wanted = [index for index in map(int, wanted) if 0 <= index < len(stops)]
        deadline = time.perf_counter() + SWEEP_SECONDS
        done = race.sweep(
            self.racers, settings, control, stops, wanted, lambda: time.perf_counter() > deadline
        )
        paths = [self._with_loss([path for path, _ in results], settings) for results in done.values()]
        outcomes = [[outcome.plain() for _, outcome in results] for results in done.values()]
        reply = {"kind": "sweep", "control": control, "lanes": list(done), "outcomes": outcomes}
        return reply, [floats(np.array(paths))]

    @staticmethod
    def _describe(surface):
        values = surface.grid(*GRID)
        return {
            "key": surface.key,
            "title": surface.title,
            "watch": surface.watch,
            "bounds": surface.bounds,
            "start": surface.start,
            "minima": surface.minima,
            "noise": surface.noise,
            "levels": plots.contour_levels(values, 22).tolist(),
        }


FIRST = {"learning_rate": 0.07, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


def _corrects(racer):
    """Which averages this function can correct: it must keep them and know the number of the step."""
    arguments = race.arguments_of(racer)
    return [name for name in race.STATES if name in arguments and "t" in arguments]


def _after_each_cell(widget):
    """Refresh the widget after each cell of the notebook; returns the function that ends this."""
    from IPython import get_ipython

    shell, weakly = get_ipython(), weakref.ref(widget)
    if shell is None:
        return lambda: None

    def look(*_):
        alive = weakly()
        if alive is None:
            end()
        else:
            alive.refresh(shell.user_ns)

    def end():
        # The callback may be gone already: closing twice is no error.
        if look in shell.events.callbacks["post_run_cell"]:
            shell.events.unregister("post_run_cell", look)

    shell.events.register("post_run_cell", look)
    return end
