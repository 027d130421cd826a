"""A mask drawn over a small network while keep_prob slides, and the mean activation that it leaves.

Every stop of the slider is drawn once, with the learner's own function; sliding then happens in the browser.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from course_utils import plots
from course_utils.widgets.pages import page_slider

LAYERS = (3, 8, 5, 1)
STOPS = tuple(round(0.1 * step, 1) for step in range(1, 11))


def mask_explorer(dropout_forward, stops=STOPS, seed=18):
    """Show what a dropout function does at each keep_prob: who is silent, and what becomes of the mean.

    Parameters
    ----------
    dropout_forward : function (A, keep_prob, rng) -> (A_dropped, mask)
    stops : increasing sequence of float, 0 < keep_prob <= 1
    seed : int
        Every stop draws from a generator in this state, so that only keep_prob makes the difference.

    Returns
    -------
    widget : PageSlider
    """
    # a seed of its own: activations drawn from the masks' numbers would decide who is dropped
    A = np.random.default_rng(seed + 1).uniform(0, 2, (200, 50))
    scaled = np.array([_mean_and_share(dropout_forward, A, p, seed) for p in stops])
    masks = [_masks(dropout_forward, p, seed) for p in stops]
    drawn = [_page(stops, i, mask, A.mean(), scaled) for i, mask in enumerate(masks)]
    pages, said = [page for page, _ in drawn], [alt for _, alt in drawn]
    start = min(range(len(stops)), key=lambda i: abs(stops[i] - 0.8))
    return page_slider("keep_prob", stops, pages, said, start)


def _masks(dropout_forward, keep_prob, seed):
    """The masks of the hidden layers for one example."""
    rng = np.random.default_rng(seed)
    return [
        np.asarray(dropout_forward(np.ones((n, 1)), keep_prob, rng)[1], dtype=bool)[:, 0]
        for n in LAYERS[1:-1]
    ]


def _mean_and_share(dropout_forward, A, keep_prob, seed):
    """The mean that the function leaves, and the mean if nothing were scaled."""
    A_dropped, mask = dropout_forward(A.copy(), keep_prob, np.random.default_rng(seed))
    return np.mean(A_dropped), np.mean(A * mask)


def _page(stops, i, masks, mean, scaled):
    silent = sum(int((~mask).sum()) for mask in masks)
    units = sum(len(mask) for mask in masks)
    verb = "is" if silent == 1 else "are"
    alt = (
        f"At keep_prob {stops[i]:g}, {silent} of {units} hidden units of a small network {verb} silent for "
        "this example. "
        f"In a large layer the mean activation is {mean:.2f} before dropout and {scaled[i, 0]:.2f} after; "
        f"unscaled it would be {scaled[i, 1]:.2f}."
    )
    with plt.style.context(plots.STYLE):
        fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), width_ratios=[1.1, 1])
        draw_network(left, masks)
        left.set_title(f"{silent} of {units} hidden units {verb} silent")
        right.axhline(mean, color=plots.MUTED, linewidth=1, zorder=1)
        right.plot(stops, scaled[:, 1], label="unscaled", **plots.line_style("", 1))
        right.plot(stops, scaled[:, 0], label="yours", **plots.line_style("", 0))
        for column in (0, 1):
            right.plot(stops[i], scaled[i, column], "o", color=plots.INK, markersize=7, zorder=5)
        right.set(xlabel="keep_prob", ylabel="mean of a large layer", ylim=(0, 2 * mean), xlim=(0.05, 1.05))
        right.set_title(f"the mean: {mean:.2f} before, {scaled[i, 0]:.2f} after")
        plots.label_line_ends(right)
        page = plots.png(fig, alt, dpi=100, colours=64)
        plt.close(fig)
    return page, alt


def draw_network(ax, masks, layers=LAYERS):
    """Draw a small network whose silent units have lost their lines.

    Parameters
    ----------
    ax : matplotlib Axes
    masks : list of bool arrays, one for each hidden layer, shape (n,)
    """
    on = [np.ones(layers[0], dtype=bool), *masks, np.ones(layers[-1], dtype=bool)]
    places = [
        np.column_stack([np.full(n, 1.0 * column), np.arange(n) - (n - 1) / 2])
        for column, n in enumerate(layers)
    ]
    lines = []
    for here, there, from_on, to_on in zip(places, places[1:], on, on[1:], strict=False):
        for start in here[from_on]:
            for end in there[to_on]:
                lines.append([start, end])
    ax.add_collection(LineCollection(lines, colors=plots.MUTED, linewidths=0.7, alpha=0.6, zorder=1))
    for place, kept in zip(places, on, strict=True):
        ax.plot(*place[kept].T, "o", color=plots.COLOURS["blue"], markersize=13, zorder=3, linestyle="none")
        ax.plot(
            *place[~kept].T,
            "o",
            markerfacecolor="white",
            markeredgecolor=plots.COLOURS["grey"],
            markersize=13,
            zorder=3,
        )
        ax.plot(*place[~kept].T, "x", color=plots.COLOURS["grey"], markersize=7, zorder=4, linestyle="none")
    names = ["input", *["hidden"] * len(masks), "output"]
    for place, name in zip(places, names, strict=True):
        ax.text(place[0, 0], -max(layers) / 2 - 0.3, name, ha="center", va="top", color=plots.MUTED)
    ax.set(xlim=(-0.4, len(layers) - 0.6), ylim=(-max(layers) / 2 - 1, max(layers) / 2 + 0.2))
    ax.axis("off")
