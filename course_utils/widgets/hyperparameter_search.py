"""Searches that move: a budget spent in four ways, zooming in, a batch thinned out, a model that guesses.

Every picture is drawn beforehand from what the learner's own functions tried; sliding happens in the browser.
"""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from course_utils import plots
from course_utils.widgets.pages import page_slider

LOW, HIGH = (-4.0, -4.0), (1.0, 0.0)  # exponents of the learning rate and of 1 - beta on the surface
LONGEST = 27


def surface(settings, epochs=LONGEST):
    """The error of a made-up training: it hangs on the learning rate, less on beta, and falls over time.

    Parameters
    ----------
    settings : dict with "learning_rate" (1e-4 to 10) and "beta" (0 to 0.9999), floats or arrays
    epochs : float

    Returns
    -------
    error : float or array, between 0 and 0.9
    """
    x, y = np.log10(settings["learning_rate"]), np.log10(1 - np.asarray(settings["beta"]))
    fit = np.exp(-(((x + 1.1 - 0.12 * (y + 1.3)) / 0.62) ** 2)) * (
        0.8 + 0.2 * np.exp(-(((y + 1.3) / 0.6) ** 2))
    )
    pace = 2.0 + 5.0 * np.exp(-1.2 * (x + 2))  # small steps take their time
    error = 0.9 - 0.87 * fit * (1 - np.exp(-epochs / pace))
    return float(error) if np.ndim(error) == 0 else error


class Ledger:
    """An objective that writes down what it was asked, and what that cost.

    Call it with settings, and with a number of epochs if they are not to be trained to the end. ``tried``
    holds (settings, epochs, error) in the order tried.
    """

    def __init__(self, objective=surface, longest=LONGEST):
        self.objective, self.longest, self.tried = objective, longest, []

    def __call__(self, settings, epochs=None):
        epochs = self.longest if epochs is None else epochs
        error = self.objective(settings, epochs)
        self.tried.append((dict(settings), epochs, error))
        return error

    @property
    def spent(self):
        """Epochs in total."""
        return sum(epochs for _, epochs, _ in self.tried)

    @property
    def best(self):
        """The lowest error of a training that went on to the end, or nearly."""
        full = [error for _, epochs, error in self.tried if epochs >= self.longest]
        return min(full) if full else float("nan")


def search_race(ledgers, stops=6):
    """Show side by side what several searches have tried after the same number of epochs.

    Parameters
    ----------
    ledgers : dict of names to Ledgers
    stops : int

    Returns
    -------
    widget : PageSlider
    """
    total = max(ledger.spent for ledger in ledgers.values())
    budgets = np.unique(np.round(np.linspace(total / stops, total, stops))).astype(int)
    pages, said = [], []
    shades = _shades()
    with plots.unshown(columns=len(ledgers), width=11, height=3.1, sharey=True) as (fig, axes):
        for ax in np.atleast_1d(axes):
            _plot_shades(ax, shades)
        dots: list = []
        for budget in budgets:
            told = []
            while dots:
                dots.pop().remove()
            for ax, (name, ledger) in zip(np.atleast_1d(axes), ledgers.items(), strict=True):
                seen = _until(ledger.tried, budget)
                told.append(f"{name}: {_number_of(seen)}, {_best_words(seen, ledger)}")
                dots += _plot_tried(ax, seen, ledger)
                ax.set_title(f"{name}: {_number_of(seen)}\n{_best_words(seen, ledger)}", fontsize="medium")
                ax.set(xlabel="learning rate", ylabel=r"$1 - \beta$" if ax is np.atleast_1d(axes)[0] else "")
            said.append("; ".join(told))
            alt = f"After {budget} epochs on one surface. {said[-1]}. Large dots trained long."
            pages.append(plots.png(fig, alt, dpi=90, colours=64))
            fig.set_layout_engine("none")
    return page_slider("epochs spent", budgets.tolist(), pages, said, 0)


def plot_trials(top, bottom, trials, name):
    """Draw where the trials of a search lie, and their errors against the learning rate.

    Parameters
    ----------
    top, bottom : matplotlib Axes
    trials : list of (settings, error); settings hold "learning_rate" and "units"
    name : str
    """
    rates, units = (np.array([settings[key] for settings, _ in trials]) for key in ("learning_rate", "units"))
    errors = np.array([error for _, error in trials])
    look = {"cmap": "Blues_r", "vmin": 0, "vmax": 1.1, "edgecolors": plots.MUTED, "s": 60}
    top.scatter(rates, units, c=errors, clip_on=False, **look)
    bottom.plot(rates, errors, "o", color=plots.COLOURS["blue"], markeredgecolor="white", clip_on=False)
    best = int(np.nanargmin(errors))
    star = {"color": plots.COLOURS["vermillion"], "markeredgecolor": "white", "markersize": 16}
    bottom.plot(rates[best], errors[best], "*", **star)
    top.set_title(f"{name}: {len(set(rates.tolist()))} learning rates, best error {errors[best]:.3f}")
    bottom.set_xscale("log")
    bottom.set(xlabel="learning rate", ylim=(0, 1))


def plot_batch(ax, curves):
    """Draw the learning curves of a batch, the one that ends lowest on top.

    Parameters
    ----------
    ax : matplotlib Axes
    curves : float array, shape (candidates, epochs), NaN where there is no score
    """
    curves = np.asarray(curves, dtype=float)
    n, epochs = curves.shape
    winner = _last_best(curves, np.full(n, epochs))
    _plot_curves(ax, curves, np.full(n, epochs), epochs, winner)
    ax.set(
        title=f"{n} trainings, the best ends at {curves[winner, -1]:.3f}", xlabel="epoch", ylabel="dev error"
    )


def zoom_explorer(rounds):
    """Show a search that draws its box smaller in each round.

    Parameters
    ----------
    rounds : list of (trials, box): what was tried in each round, and the box that it led to
        Settings hold "learning_rate" and "beta"; a box maps names to (low, high).

    Returns
    -------
    widget : PageSlider
    """
    pages, said = [], []
    shades = _shades()
    with plots.unshown(columns=1, width=6, height=3.9) as (fig, ax):
        for k, (trials, box) in enumerate(rounds):
            ax.clear()
            _plot_shades(ax, shades)
            for earlier, _ in rounds[:k]:
                ax.plot(*_places(earlier), "o", color="white", markeredgecolor=plots.MUTED, markersize=4)
            ax.plot(
                *_places(trials), "o", color=plots.COLOURS["orange"], markeredgecolor="white", markersize=8
            )
            corners = [np.log10(box["learning_rate"]), np.log10(1 - np.array(box["beta"]))]
            x, y = (np.sort(np.asarray(c, dtype=float)) for c in corners)
            ax.plot(x[[0, 1, 1, 0, 0]], y[[0, 0, 1, 1, 0]], color=plots.COLOURS["vermillion"], linewidth=2)
            best = min(error for _, error in trials if error == error)
            rates = " to ".join(f"{rate:.2g}" for rate in box["learning_rate"])
            ax.set_title(f"round {k + 1}: best error {best:.3f}")
            ax.set(xlabel="learning rate", ylabel=r"$1 - \beta$")
            betas = " to ".join(f"{beta:.4g}" for beta in box["beta"])
            said.append(f"round {k + 1}: best error {best:.3f}; next: learning rate {rates}, beta {betas}")
            alt = f"{len(trials)} trials on a surface, and the box around the best. {said[-1].capitalize()}."
            pages.append(plots.png(fig, alt, dpi=90, colours=64))
            fig.set_layout_engine("none")
    return page_slider("round", list(range(1, len(rounds) + 1)), pages, said, 0)


def caviar_explorer(curves, asked, stops=4):
    """Show a batch of learning curves as it grows: all of them on the left, thinned out on the right.

    Parameters
    ----------
    curves : float array, shape (candidates, epochs), NaN where there is no score
    asked : list of (place, epochs)
        Which candidates were evaluated, and up to which epoch.

    Returns
    -------
    widget : PageSlider
    """
    curves = np.asarray(curves, dtype=float)
    n, epochs = curves.shape
    until = np.zeros(n, dtype=int)
    for place, length in asked:
        until[place] = max(until[place], min(round(length), epochs))
    points = np.unique(np.concatenate([np.round(np.linspace(1, epochs, stops)), until[until > 0]])).astype(
        int
    )
    winner = int(np.argmax(until)) if not (until == until.max()).sum() > 1 else _last_best(curves, until)
    pages, said = [], []
    with plots.unshown(columns=2, width=10, height=3.5, sharey=True) as (fig, axes):
        for now in points:
            spent = (n * now, sum(min(length, now) for length in until))
            alive = int((until >= now).sum())
            titles = (f"all {n} go on: {spent[0]} epochs", f"halving, {alive} go on: {spent[1]} epochs")
            for ax, lengths, title in zip(axes, (np.full(n, epochs), until), titles, strict=True):
                _plot_curves(ax, curves, lengths, now, winner)
                ax.set(title=title, xlabel="epoch", ylabel="dev error" if ax is axes[0] else "")
            lowest = min((e for e in curves[:, now - 1] if e == e), default=float("nan"))
            said.append(f"epoch {now}: {alive} of {n} go on, {spent[1]} epochs spent in place of {spent[0]}")
            alt = f"{n} learning curves up to epoch {now}, lowest dev error {lowest:.3f}. {said[-1]}."
            pages.append(plots.png(fig, alt, dpi=90, colours=64))
            fig.set_layout_engine("none")
    return page_slider("epoch", points.tolist(), pages, said, 0)


def guess(x_seen, y_seen, x, width=0.6, spread=0.3, noise=1e-3):
    """What a Gaussian process with a smooth kernel expects between the points that it has seen.

    Parameters
    ----------
    x_seen, y_seen : float arrays, shape (k,)
    x : float array, shape (m,)
    width : float, how far a point tells something about its neighbours
    spread : float, how far scores scatter around their mean

    Returns
    -------
    mean, std : float arrays, shape (m,)
    """
    x_seen, y_seen, x = (np.asarray(a, dtype=float) for a in (x_seen, y_seen, x))
    kernel = lambda a, b: spread**2 * np.exp(-(((a[:, None] - b[None]) / width) ** 2) / 2)  # noqa: E731
    among = kernel(x_seen, x_seen) + noise**2 * np.eye(len(x_seen))
    across = kernel(x, x_seen)
    centre = y_seen.mean()
    mean = centre + across @ np.linalg.solve(among, y_seen - centre)
    variance = spread**2 - np.sum(across * np.linalg.solve(among, across.T).T, axis=1)
    return mean, np.sqrt(np.maximum(variance, 0))


def guess_explorer(expected_improvement, objective, start=(-3.6, -2.4, 0.6), trials=5, bounds=(-4.0, 1.0)):
    """Show a Bayesian search over one exponent: belief, expected improvement, and the next trial.

    Parameters
    ----------
    expected_improvement : function (mean, std, best) -> array
    objective : function of an exponent that returns a score
    start : exponents of the first trials
    trials : int, how many the search adds

    Returns
    -------
    widget : PageSlider
    """
    x = np.linspace(*bounds, 241)
    truth = [objective(exponent) for exponent in x]
    seen = [(exponent, objective(exponent)) for exponent in start]
    pages, said = [], []
    with plots.unshown(rows=2, columns=1, width=8, height=4.4, sharex=True) as (fig, axes):
        top, bottom = axes
        for k in range(trials):
            mean, std = guess(*np.array(seen).T, x)
            best = min(score for _, score in seen)
            gain = np.asarray(expected_improvement(mean.copy(), std.copy(), best), dtype=float)
            if gain.shape != x.shape or not np.isfinite(gain).all():
                raise ValueError(
                    f"expected an array of shape {x.shape} of finite numbers, got shape {gain.shape}"
                )
            following = x[int(np.argmax(gain))]
            for ax in axes:
                ax.clear()
            top.fill_between(x, mean - 2 * std, mean + 2 * std, color=plots.COLOURS["sky"], alpha=0.35)
            top.plot(x, truth, color=plots.MUTED, linewidth=1, linestyle="--", label="_truth")
            top.plot(x, mean, color=plots.COLOURS["blue"], label="_belief")
            top.plot(*np.array(seen).T, "o", color=plots.INK, markersize=7)
            top.set(ylabel="dev error", ylim=(-0.35, 1.35))
            top.set_title(f"{len(seen)} trials, best {best:.3f}: what the model believes")
            bottom.fill_between(x, 0, gain, color=plots.COLOURS["orange"], alpha=0.5)
            bottom.axvline(following, color=plots.COLOURS["vermillion"])
            bottom.set(
                xlabel="learning rate", ylabel="expected\nimprovement", ylim=(0, max(1.15 * gain.max(), 1e-9))
            )
            bottom.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
            bottom.yaxis.set_major_formatter(lambda gain, _: f"{gain:.0e}" if gain else "0")  # of one width
            bottom.set_title(f"your expected improvement: try {10.0**following:.3g} next")
            bottom.set_xticks(range(-4, 2), [f"$10^{{{k}}}$" for k in range(-4, 2)])
            said.append(
                f"{len(seen)} trials, best error {best:.3f}; next learning rate {10.0**following:.3g}"
            )
            alt = (
                "A band of belief, narrow at the points seen and wide between them; below it the expected "
                f"improvement, highest where the next trial goes. {said[-1]}."
            )
            pages.append(plots.png(fig, alt, dpi=90, colours=64))
            fig.set_layout_engine("none")
            seen.append((following, objective(following)))
    return page_slider("trials", list(range(len(start), len(start) + trials)), pages, said, 0)


# --- parts of the pictures ---------------------------------------------------------------------------------


def _shades():
    x, y = np.linspace(LOW[0], HIGH[0], 60), np.linspace(LOW[1], HIGH[1], 40)
    errors = surface({"learning_rate": 10 ** x[None], "beta": 1 - 10 ** y[:, None]})
    return x, y, errors


def _plot_shades(ax, shades):
    ax.contourf(*shades, levels=np.linspace(0, 0.92, 12), cmap=plots.loss_map().reversed())
    ax.set(xlim=(LOW[0], HIGH[0]), ylim=(HIGH[1], LOW[1]))
    ax.set_xticks(range(-4, 2, 2), [f"$10^{{{k}}}$" for k in range(-4, 2, 2)])
    ax.set_yticks(range(-4, 1, 2), [f"$10^{{{k}}}$" for k in range(-4, 1, 2)])


def _places(trials):
    return np.array([[np.log10(s["learning_rate"]), np.log10(1 - s["beta"])] for s, *_ in trials]).T


def _until(tried, budget):
    costs = np.cumsum([epochs for _, epochs, _ in tried])
    return [trial for trial, spent in zip(tried, costs, strict=True) if spent <= budget + 1e-9]


def _best_words(seen, ledger):
    full = [error for _, epochs, error in seen if epochs >= ledger.longest]
    return f"best {min(full):.3f}" if full else "none to the end yet"


def _number_of(seen):
    different = {tuple(settings.items()) for settings, _, _ in seen}
    return f"{len(different)} settings"


def _plot_tried(ax, seen, ledger):
    """Draw what was tried, the best of the full trainings as a star; returns the artists."""
    if not seen:
        return []
    places = _places(seen)
    sizes = [10 + 60 * min(epochs / ledger.longest, 1) for _, epochs, _ in seen]
    look = {"edgecolors": "white", "lw": 0.7, "zorder": 3, "clip_on": False}
    drawn = [ax.scatter(*places, s=sizes, color=plots.COLOURS["orange"], **look)]
    full = [i for i, (_, epochs, _) in enumerate(seen) if epochs >= ledger.longest]
    if full:
        best = min(full, key=lambda i: seen[i][2])
        look = {"markeredgecolor": "white", "markersize": 17, "zorder": 5, "clip_on": False}
        drawn += ax.plot(*places[:, best], "*", color=plots.COLOURS["vermillion"], **look)
    return drawn


def _last_best(curves, until):
    left = np.flatnonzero(until == until.max())
    errors = [curves[i, until.max() - 1] for i in left]
    return int(left[int(np.nanargmin(errors))]) if np.isfinite(errors).any() else int(left[0])


def _plot_curves(ax, curves, lengths, now, winner):
    ax.clear()
    epochs = np.arange(1, curves.shape[1] + 1)
    shown = [
        np.column_stack([epochs, curve])[: min(n, now)] for curve, n in zip(curves, lengths, strict=True)
    ]
    going = lengths >= now
    for chosen, colour in ((~going, plots.MUTED), (going, plots.COLOURS["blue"])):
        lines = [line for line, take in zip(shown, chosen, strict=True) if take and len(line)]
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=1.1))
    stopped = [line[-1] for line in itertools.compress(shown, ~going) if len(line)]
    if stopped:
        ax.plot(*np.array(stopped).T, "x", color=plots.MUTED, markersize=6)
    ax.plot(*shown[winner].T, color=plots.COLOURS["vermillion"], linewidth=2.4)
    ax.plot(*shown[winner][-1], "o", color=plots.COLOURS["vermillion"], markersize=6)
    last = curves.shape[1]
    ax.set(xlim=(0, last + 0.5), ylim=(0, 1), xticks=range(0, last + 1, max(1, round(last / 6))))
