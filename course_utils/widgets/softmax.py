"""Shares as bars, and the same bars while a temperature slides.

Every stop of the slider is drawn once, with the learner's own function; sliding then happens in the browser.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from course_utils import plots
from course_utils.widgets.pages import page_slider

STOPS = (0.004, 0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0)


def temperature_explorer(softmax, scores, names=None, stops=STOPS):
    """Show the shares that a softmax gives to the scores of one example, divided by a temperature.

    Parameters
    ----------
    softmax : function (Z) -> A, both of shape (C, m)
    scores : sequence of C floats, the scores of one example
    names : sequence of C strings, optional
        What the classes are called; their numbers by default.
    stops : increasing sequence of float, above 0, with 1 among them

    Returns
    -------
    widget : PageSlider
    """
    scores = np.asarray(scores, dtype=float)
    names = list(names) if names is not None else [f"class {k}" for k in range(len(scores))]
    temperatures = np.geomspace(stops[0], stops[-1], 60)
    with np.errstate(all="ignore"):  # what overflows shows as nan in the picture
        shares = np.hstack([softmax((scores / T).reshape(-1, 1)) for T in stops])
        curves = np.hstack([softmax((scores / T).reshape(-1, 1)) for T in temperatures])
    said = [_said(column, names) for column in shares.T]
    pages = _pages(stops, shares, names, temperatures, curves)
    return page_slider("temperature", stops, pages, said, list(stops).index(1.0))


def plot_shares(ax, shares, names=None, *, true=None, colours=None, title=None, digits=2):
    """Draw numbers between 0 and 1 as bars, one a class, each with its value.

    Parameters
    ----------
    ax : matplotlib Axes
    shares : float array, shape (C,)
    names : sequence of C strings, optional
        Written below the bars; the numbers of the classes by default.
    true : int, optional
        The class that is right: its bar is green, the others are blue.
    colours : sequence of C colours, optional
    digits : int
        Decimal places of the values; 0 writes none.
    """
    shares = np.asarray(shares, dtype=float)
    C = len(shares)
    heights = np.clip(np.nan_to_num(shares), 0, 1)
    if colours is None:
        colours = [plots.COLOURS["green" if k == true else "blue"] for k in range(C)]
    ax.bar(range(C), heights, color=colours, width=0.75)
    for k, share in enumerate(shares):
        if digits:
            ax.text(k, heights[k] + 0.02, f"{share:.{digits}f}", ha="center", va="bottom", fontsize="small")
    ax.set_xticks(range(C), names if names is not None else range(C))
    ax.set(ylim=(0, 1.12), yticks=(0, 0.5, 1), ylabel="share")
    if title:
        ax.set_title(title)


def class_colour(k):
    """The colour of a class, the same as in `plots.plot_decision_boundary`."""
    return list(plots.COLOURS.values())[k % len(plots.COLOURS)]


def _pages(stops, shares, names, temperatures, curves):
    """One picture a stop; what stays the same in all of them is drawn once."""
    with plt.style.context(plots.STYLE):
        fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=[1, 1.1])
        colours = [class_colour(k) for k in range(len(names))]
        for k, name in enumerate(names):
            finite = np.isfinite(curves[k])
            style = {**plots.line_style("", k), "color": colours[k]}
            right.plot(temperatures[finite], curves[k][finite], label=name, **style)
        right.set_xscale("log")
        right.set(xlabel="temperature", ylim=(-0.03, 1.12), yticks=(0, 0.5, 1))
        right.set_title("cold: one takes all, hot: all alike")
        plots.label_line_ends(right)
        here = right.axvline(1.0, color=plots.MUTED, linewidth=1, zorder=1)
        dots = right.scatter([1.0] * len(names), shares[:, 0], zorder=5, edgecolors="white", s=60)
        dots.set_facecolor(colours)
        pages = []
        for T, column in zip(stops, shares.T, strict=True):
            left.clear()
            title = f"at {T:g} the winner gets {column.max():.1%}"
            if not np.isfinite(column).all():
                title = f"at {T:g}: not a number"
            plot_shares(left, column, names, colours=colours, digits=3, title=title)
            here.set_xdata([T, T])
            dots.set_offsets(np.column_stack([np.full(len(names), T), column]))
            pages.append(plots.png(fig, _alt(T, column, names), dpi=100, colours=64))
            fig.set_layout_engine("none")  # the first picture has settled where things stand
        plt.close(fig)
    return pages


def _alt(T, shares, names):
    return (
        f"At temperature {T:g} the shares are {_said(shares, names)}. As the temperature falls to 0 one "
        "class takes everything; as it rises all shares become equal."
    )


def _said(shares, names):
    return ", ".join(f"{name} {share:.3f}" for name, share in zip(names, shares, strict=True))
