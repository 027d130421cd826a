"""One visual style for every figure of the course, and alternative text with each of them.

Every figure is made and shown by `figure`, which asks for its alternative text; the `plot_*` functions
draw on the axes that they are given::

    with figure(alt="Cost against epoch; with dropout it ends lower.", columns=2) as (left, right):
        plot_costs(left, {"with dropout": costs, "without": plain_costs}, title="Dropout learns longer")
        plot_mask(right, mask, title="20 % of the units are silent")

Figures
    figure(alt, rows=1, columns=1, width=8, height=None, ...)   a context: make, fill, show with its text
    show(fig, alt)                                              show a figure that you made yourself
    png(fig, alt)                                               the same as an <img> element, not shown

Drawing (each takes the axes first, and an optional `title=` that says what to see)
    plot_costs(ax, costs, ...)                    named cost curves, labelled where they end
    plot_paths(ax, loss, paths, bounds, ...)      contours of a loss of two weights, and ways down it
    plot_decision_boundary(ax, predict, X, Y)     the regions that a classifier makes, and the examples
    plot_mask(ax, mask, ...)                      which units are kept, which are silent
    plot_images(ax, X, height, width, ...)        columns of X as grey images, side by side
    plot_weights(ax, W, ...)                      a matrix, blue below 0 and orange above
    label_line_ends(ax)                           direct labels instead of a legend

Style
    COLOURS["blue"]                               the Okabe-Ito colours by name
    line_style(name, index=0)                     colour and dashes of a series, as keyword arguments
    series_styles(names)                          the same for all series of a figure, no two alike
    readable(colour)                              the colour darkened until it can be read as text
    loss_map(), weight_map()                      colour maps: perceptual, and diverging around 0

Colours live in `widgets/palette.json`, which the widgets' JavaScript reads too.  Without a notebook
(in grading, in a script) nothing is rendered, so figures cost no time there.
"""

from __future__ import annotations

import base64
import html
import io
import json
import sys
from contextlib import contextmanager
from functools import cache
from importlib import resources

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex, to_rgb
from matplotlib.patheffects import withStroke
from PIL import Image

STYLE = "course_utils.course"
PALETTE = json.loads(resources.files("course_utils").joinpath("widgets/palette.json").read_text("utf-8"))
COLOURS: dict[str, str] = PALETTE["colours"]
INK, MUTED = PALETTE["ink"]["light"], PALETTE["muted"]["light"]
MARKERS = "os^DvP*X"


# --- making and showing --------------------------------------------------------------------------------


@contextmanager
def figure(alt, rows=1, columns=1, *, width=8.0, height=None, sharex=False, sharey=False, title=None):
    """Make a figure in the course's style, hand out its axes, and show it with its alternative text.

    Parameters
    ----------
    alt : str
        What a reader who does not see the figure needs to know: what is drawn and what it shows.
    rows, columns : int
        One axes gives an `Axes`, a single row or column a list of them, a grid an array of them.
    width, height : float, inches; 8 inches fill a notebook's width
    sharex, sharey : bool
        Small multiples share their scales.
    title : str, optional
        A heading above all axes.
    """
    _require_alt(alt)
    with unshown(rows, columns, width=width, height=height, sharex=sharex, sharey=sharey) as (fig, axes):
        if title:
            fig.suptitle(title, fontweight="bold", x=0.01, ha="left", color=INK)
        yield axes
        show(fig, alt)


@contextmanager
def unshown(rows=1, columns=1, *, width=8.0, height=None, sharex=False, sharey=False):
    """The same without showing: hands out the figure and its axes, for `png`."""
    height = height or min(2.6 + 1.4 / columns, 4.0) * rows
    with plt.style.context(STYLE):
        fig, axes = plt.subplots(rows, columns, figsize=(width, height), sharex=sharex, sharey=sharey)
        try:
            yield fig, (axes if np.ndim(axes) != 1 else list(axes))
        finally:
            plt.close(fig)


def show(fig, alt):
    """Show a figure in the notebook with alternative text; do nothing where there is no notebook."""
    _require_alt(alt)
    if in_notebook():
        from IPython.display import display

        display({"text/html": png(fig, alt), "text/plain": f"[figure] {alt}"}, raw=True)
    plt.close(fig)


def png(fig, alt, dpi=None, colours=None):
    """A figure as one `<img>` element that carries its picture and its alternative text.

    With 64 ``colours`` it looks the same and weighs a third: for sliders over many pictures.
    """
    _require_alt(alt)
    buffer = io.BytesIO()
    with plt.style.context(STYLE):
        fig.savefig(buffer, format="png", dpi=dpi or plt.rcParams["savefig.dpi"])
    if colours:
        picture, buffer = Image.open(buffer).convert("RGB"), io.BytesIO()
        # this method keeps colours that few pixels have, such as that of a single dot
        few = picture.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(buffer, "png")
    width = round(fig.get_figwidth() * 100)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<img alt="{html.escape(alt)}" width="{width}" style="max-width:100%;height:auto" '
        f'src="data:image/png;base64,{data}">'
    )


def _require_alt(alt):
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"a figure needs alternative text: say in a sentence what it shows, got {alt!r}")


def in_notebook():
    """Is there somebody who could see a figure?"""
    # Nobody has loaded IPython if nobody looks: do not pay for its import to find that out.
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return shell is not None and hasattr(shell, "kernel")


# --- style ---------------------------------------------------------------------------------------------


def line_style(name, index=0):
    """Keywords `color` and `linestyle` of a series: fixed for the optimizers, by index for others."""
    listed = list(PALETTE["series"].values()) + PALETTE["more"]
    colour, dashes = PALETTE["series"].get(name, listed[index % len(listed)])
    return _keywords(COLOURS[colour], dashes)


def _keywords(colour, dashes):
    scale = 1 / 2.2  # the palette counts in pixels, matplotlib in widths of the line
    return {"color": colour, "linestyle": (0, tuple(scale * dash for dash in dashes)) if dashes else "-"}


def series_styles(names):
    """The colour (hex) and the dashes (pixels, empty for a full line) of each series of a figure."""
    fixed = PALETTE["series"]
    free = [style for name, style in fixed.items() if name not in names] + PALETTE["more"]
    others = [name for name in names if name not in fixed]
    looks = {name: free[index % len(free)] for index, name in enumerate(others)} | fixed
    return {name: (COLOURS[looks[name][0]], looks[name][1]) for name in names}


def readable(colour, contrast=4.5):
    """The colour, darkened until it has this contrast (WCAG 2) on white, as a hex string."""
    rgb = np.array(to_rgb(colour))
    while 1.05 / (_luminance(rgb) + 0.05) < contrast:
        rgb = 0.95 * rgb
    return to_hex(rgb)


def _luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@cache
def loss_map():
    """Equal steps in lightness from paper (low loss) to slate (high loss): paths stay visible on it."""
    return LinearSegmentedColormap.from_list("course-loss", PALETTE["loss"]["light"])


@cache
def weight_map():
    """Blue below, orange above, paper in the middle; use it with limits that are symmetrical about 0."""
    return LinearSegmentedColormap.from_list("course-weights", PALETTE["weights"])


def _tint(colour, amount):
    """Mix a colour with white: amount 0 gives white, 1 the colour."""
    return tuple(1 - amount * (1 - np.array(to_rgb(colour))))


# --- drawing -------------------------------------------------------------------------------------------


def plot_costs(ax, costs, *, title=None, xlabel="epoch", ylabel="cost", log=False, x=None):
    """Draw named cost curves, each labelled where it ends.

    Parameters
    ----------
    ax : matplotlib Axes
    costs : dict of str to sequence of float, shape (T,), or one such sequence
    xlabel, ylabel : str
    log : bool
        Use a logarithmic cost axis.
    x : sequence of float, shape (T,), optional
        Positions on the horizontal axis; 1, 2, ... T by default.
    """
    named = costs if isinstance(costs, dict) else {"_cost": costs}
    styles = series_styles(list(named))
    for name, values in named.items():
        values = np.asarray(values, dtype=float)
        positions = np.arange(1, len(values) + 1) if x is None else x
        ax.plot(positions, values, label=name, **_keywords(*styles[name]))
    if log:
        ax.set_yscale("log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _title(ax, title)
    label_line_ends(ax)


def plot_paths(
    ax, loss, paths, bounds, *, minimum=None, title=None, xlabel="$w_1$", ylabel="$w_2$", levels=18
):
    """Draw the contours of a loss of two weights and the paths that optimizers took on it.

    Parameters
    ----------
    ax : matplotlib Axes
    loss : function of two arrays of one shape (the grid's w1 and w2), giving an array of that shape
    paths : dict of str to array, shape (T, 2)
        Points visited, the start first; a path that became infinite or NaN is drawn as far as it goes.
    bounds : (low1, high1, low2, high2)
        What is visible.
    minimum : pair or list of pairs, optional
        Marked with a star.
    """
    low1, high1, low2, high2 = bounds
    grid1, grid2 = np.meshgrid(np.linspace(low1, high1, 161), np.linspace(low2, high2, 121))
    values = np.asarray(loss(grid1, grid2), dtype=float)
    steps = contour_levels(values, levels)
    ax.contourf(
        grid1, grid2, _rank(values, steps), levels=np.arange(len(steps)), cmap=loss_map(), extend="both"
    )
    ax.contour(grid1, grid2, values, levels=steps, colors=[MUTED], linewidths=0.5, alpha=0.45)
    styles = series_styles(list(paths))
    for name, path in paths.items():
        path = _finite_part(np.asarray(path, dtype=float))
        style = _keywords(*styles[name])
        halo = [withStroke(linewidth=4.6, foreground="white")]
        ax.plot(*path.T, label=name, path_effects=halo, zorder=3, clip_on=True, **style)
        ax.plot(*path[-1:].T, "o", color=style["color"], markeredgecolor="white", zorder=4, clip_on=True)
    if paths:
        start = next(iter(paths.values()))[0]
        ax.plot(*start, "s", color=INK, markeredgecolor="white", markersize=8, zorder=5)
    for point in np.atleast_2d(minimum) if minimum is not None else []:
        ax.plot(*point, "*", color=INK, markeredgecolor="white", markersize=13, zorder=4)
    ax.set(xlim=(low1, high1), ylim=(low2, high2), xlabel=xlabel, ylabel=ylabel)
    _title(ax, title)
    label_line_ends(ax)


def plot_decision_boundary(ax, predict, X, Y, *, title=None, xlabel="$x_1$", ylabel="$x_2$", resolution=160):
    """Colour the plane by what a classifier says, and draw the examples on it.

    Parameters
    ----------
    ax : matplotlib Axes
    predict : function of X with shape (2, k), giving k classes: bool or integer, shape (1, k) or (k,)
    X : float64, shape (2, m)
    Y : shape (1, m) or (m,) of classes, or one-hot (C, m)
    """
    X, classes = np.asarray(X, dtype=float), _classes(Y)
    margin = 0.08 * np.ptp(X, axis=1)
    low, high = X.min(axis=1) - margin, X.max(axis=1) + margin
    grid = np.meshgrid(*(np.linspace(low[i], high[i], resolution) for i in (0, 1)))
    answer = np.asarray(predict(np.vstack([g.ravel() for g in grid])))
    if answer.size != grid[0].size:
        raise ValueError(
            f"predict should give one class for each of the {grid[0].size} columns it got, "
            f"it gave shape {answer.shape}"
        )
    regions = answer.reshape(grid[0].shape).astype(int)
    n_classes = int(max(classes.max(), regions.max())) + 1
    colours = [_class_colour(c) for c in range(n_classes)]
    ax.pcolormesh(
        *grid,
        regions,
        cmap=ListedColormap([_tint(c, 0.28) for c in colours]),
        vmin=-0.5,
        vmax=n_classes - 0.5,
        shading="nearest",
        rasterized=True,
    )
    for edge in range(1, n_classes):
        if regions.min() < edge <= regions.max():
            ax.contour(*grid, regions, levels=[edge - 0.5], colors=[INK], linewidths=1.4)
    for c, colour in enumerate(colours):
        ax.plot(
            *X[:, classes == c],
            MARKERS[c % len(MARKERS)],
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.7,
            linestyle="none",
            label=f"_class {c}",
        )
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=xlabel, ylabel=ylabel)
    _title(ax, title)


def plot_mask(ax, mask, *, title=None, xlabel="example", ylabel="unit"):
    """Draw which entries a mask keeps (filled) and which it silences (empty).

    Parameters
    ----------
    ax : matplotlib Axes
    mask : bool, shape (n, m)
        Units in rows, examples in columns.
    """
    mask = np.asarray(mask, dtype=bool)
    shades = ListedColormap(["#FFFFFF", COLOURS["blue"]])
    n, m = mask.shape
    ax.pcolormesh(mask, cmap=shades, vmin=0, vmax=1, edgecolors="#D5D9E2", linewidth=0.6 if m <= 80 else 0)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, m), ylim=(n, 0))
    ax.set_xticks(*_cell_ticks(m))
    ax.set_yticks(*_cell_ticks(n))
    _title(ax, title)


def plot_images(ax, X, height, width, *, columns=10, labels=None, title=None):
    """Draw columns of X as grey images, side by side.

    Parameters
    ----------
    ax : matplotlib Axes
    X : float64, shape (height * width, m)
        Each column is an image flattened row by row; the largest entry is drawn black.
    columns : int
        Images in a row.
    labels : sequence of m, optional
        A word or number below each image.
    """
    X = np.asarray(X, dtype=float)
    if X.shape[0] != height * width:
        raise ValueError(f"a column of {X.shape[0]} entries is no image of {height} x {width}")
    m = X.shape[1]
    columns = min(columns, m)
    for i in range(m):
        row, column = divmod(i, columns)
        left, top = 1.15 * column, (1.45 if labels is not None else 1.15) * row
        ax.imshow(
            X[:, i].reshape(height, width),
            cmap="gray_r",
            vmin=X.min(),
            vmax=X.max(),
            extent=(left, left + 1, top + height / width, top),
        )
        if labels is not None:
            ax.text(left + 0.5, top + height / width + 0.05, str(labels[i]), ha="center", va="top")
    rows = -(-m // columns)
    ax.set(xlim=(-0.05, 1.15 * columns), ylim=((1.45 if labels is not None else 1.15) * rows, -0.1))
    ax.axis("off")
    _title(ax, title)


def plot_weights(ax, W, *, title=None, xlabel="input", ylabel="unit", colorbar=True):
    """Draw a matrix: blue below 0, orange above, white at 0.

    Parameters
    ----------
    ax : matplotlib Axes
    W : float64, shape (n, m)
    """
    W = np.atleast_2d(np.asarray(W, dtype=float))
    largest = np.abs(W).max() or 1.0
    image = ax.pcolormesh(W, cmap=weight_map(), vmin=-largest, vmax=largest)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, W.shape[1]), ylim=(W.shape[0], 0))
    ax.set_xticks(*_cell_ticks(W.shape[1]))
    ax.set_yticks(*_cell_ticks(W.shape[0]))
    if colorbar:
        ax.figure.colorbar(image, ax=ax, shrink=0.9)
    _title(ax, title)


def label_line_ends(ax, *, gap=1.25):
    """Write each line's label beside its last finite point, in its colour, moved apart where they would meet.

    Call it last: it needs the final limits of the axes.  Lines whose label starts with `_` stay unlabelled.
    """
    ends = []
    for line in ax.lines:
        points = _finite_part(np.column_stack([line.get_xdata(), line.get_ydata()]).astype(float))
        if not str(line.get_label()).startswith("_") and len(points):
            ends.append((line, points[-1]))
    if not ends:
        return
    fontsize = plt.rcParams["font.size"]
    ax.figure.draw_without_rendering()
    bounds = ax.get_window_extent()
    pixels = [np.clip(ax.transData.transform(end), bounds.min, bounds.max) for _, end in ends]
    moved = _spread([p[1] for p in pixels], gap * fontsize * ax.figure.dpi / 72)
    for (line, _), pixel, y in zip(ends, pixels, moved, strict=True):
        ax.annotate(
            str(line.get_label()),
            xy=ax.transAxes.inverted().transform((pixel[0], pixel[1])),
            xycoords="axes fraction",
            xytext=(7, (y - pixel[1]) * 72 / ax.figure.dpi),
            textcoords="offset points",
            va="center",
            color=readable(line.get_color()),
            path_effects=[withStroke(linewidth=3, foreground="white")],
            annotation_clip=False,
            zorder=6,
        )


def contour_levels(values, n):
    """Levels for contours of a loss: half way between equal areas and equal steps of the loss's root.

    Equal steps show only the cliffs of Rosenbrock's valley, equal areas only the floor of a plateau.
    """
    finite = np.sort(values[np.isfinite(values)].ravel())
    root = np.sqrt(finite - finite[0])
    q = np.linspace(0, 1, n + 2)[1:-1]
    mixed = 0.5 * np.quantile(root, q) + 0.5 * q * root[-1]
    return np.unique(finite[0] + mixed**2)


def _rank(values, levels):
    """Where a value lies among the levels, so that every band between two contours gets its own shade."""
    return np.interp(values, levels, np.arange(len(levels)))


def _spread(positions, gap):
    """Move positions apart until neighbours are `gap` away, keeping their order and, nearly, their middle."""
    order = np.argsort(positions, kind="stable")
    placed = np.array(positions, dtype=float)
    for _ in range(200):
        sorted_ = placed[order]
        overlap = np.maximum(gap - np.diff(sorted_), 0)
        if overlap.max(initial=0) < 0.1:
            break
        placed[order[:-1]] -= overlap / 2
        placed[order[1:]] += overlap / 2
    return placed.tolist()


def _finite_part(points):
    """The points before the first that is not finite; at least the first one."""
    bad = ~np.isfinite(points).all(axis=-1)
    return points[: max(int(np.argmax(bad)), 1)] if bad.any() else points


def _classes(Y):
    Y = np.asarray(Y)
    if Y.ndim == 2 and Y.shape[0] > 1:
        return Y.argmax(axis=0)
    return Y.ravel().astype(int)


def _class_colour(c):
    return list(COLOURS.values())[c % len(COLOURS)]


def _cell_ticks(n):
    """Ticks in the middle of the cells, about five of them, counted from 0."""
    step = max(1, -(-n // 5))
    at = np.arange(0, n, step)
    return at + 0.5, at.astype(str)


def _title(ax, title):
    if title:
        ax.set_title(title)
