"""The optimizer explorer: the learner's own updates race on surfaces of two weights."""

from __future__ import annotations

import math
import time

import numpy as np

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
}  # fmt: skip
CONTROLS = (
    {"key": "learning_rate", "label": "Learning rate", "value": 0.07},
    {"key": "beta1", "label": "β₁", "hint": "momentum, Adam", "value": 0.9},
    {"key": "beta2", "label": "β₂", "hint": "RMSprop, Adam", "value": 0.99},
)


class OptimizerExplorer(CourseWidget):
    """Made by `optimizer_explorer`."""

    _esm = module("explorer.js")

    def __init__(self, racers, surface="ravine"):
        self.racers = racers
        settings = self._settings({"surface": surface})
        paths, self.outcomes = self._race(settings)
        self._fallback = (settings, paths)
        styles = plots.series_styles([racer.name for racer in racers])
        super().__init__(
            _setup={
                "steps": race.STEPS,
                "grid": GRID,
                "racers": [
                    {"name": name, "colour": colour, "dashes": dashes}
                    for name, (colour, dashes) in styles.items()
                ],
                "outcomes": [outcome.plain() for outcome in self.outcomes],
                "surfaces": {s.key: s.title for s in SURFACES.values()},
                "surface": self._describe(settings.surface),
                "controls": [{**control, "stops": STOPS[control["key"]]} for control in CONTROLS],
            },
            _first=floats(settings.surface.grid(*GRID)) + floats(paths),
        )

    def answer(self, content):
        settings = self._settings(content)
        if content["kind"] == "sweep":
            return self._sweep(settings, content["control"], content["wanted"])
        paths, outcomes = self._race(settings)
        reply, data = {"kind": "run", "outcomes": [o.plain() for o in outcomes]}, [floats(paths)]
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
        """Settings out of a message, each value brought into its range."""
        surface = SURFACES[content["surface"]]
        start = [float(value) for value in content.get("start") or surface.start]
        if not all(map(math.isfinite, start)):
            start = surface.start
        values = {
            control["key"]: float(
                np.clip(content.get(control["key"], control["value"]), *_ends(STOPS[control["key"]]))
            )
            for control in CONTROLS
        }
        return race.Settings(surface, tuple(start), **values)

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
        stops = STOPS[control]
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
            "levels": plots.contour_levels(values, 22).tolist(),
        }


def _ends(stops):
    return stops[0], stops[-1]
