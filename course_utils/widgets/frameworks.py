"""Graphs of scalars drawn, and the walk back through them, one product after the other.

Every stop of the slider is drawn once, from what the learner's own functions did; sliding then happens in the
browser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.patheffects import withStroke

from course_utils import plots
from course_utils.widgets.pages import page_slider

MOST = 20  # products that are shown one by one; who walks every path makes many
HALO = [withStroke(linewidth=4, foreground="white")]
RADIUS = 0.3  # of a node, where neighbouring levels are 2 apart


# --- drawing -------------------------------------------------------------------------------------------


def places_by_level(parents, order):
    """Place nodes from left to right, each to the right of all that it was made from.

    Parameters
    ----------
    parents : dict from a node to the list of nodes that it was made from
    order : list of nodes, parents first

    Returns
    -------
    places : dict from each node of order to (x, y)
    """
    level = {}
    for node in order:
        late = [parent for parent in parents[node] if parent not in level]
        if late:
            raise ValueError(f"the order lists {node} before {late[0]}, which it was made from")
        level[node] = max([level[parent] + 1 for parent in parents[node]], default=0)
    columns = {}
    for node in order:
        columns.setdefault(level[node], []).append(node)
    return {
        node: (2.0 * x, 1.2 * ((len(column) - 1) / 2 - i))
        for x, column in columns.items()
        for i, node in enumerate(column)
    }


def plot_graph(ax, parents, places, *, above=None, below=None, slopes=None, lit=None, done=(), title=None):
    """Draw which node was made from which; time runs to the right.

    Parameters
    ----------
    ax : matplotlib Axes
    parents : dict from a node to the list of nodes that it was made from
    places : dict from each node to (x, y); who is not in it is not drawn
    above, below : dicts from a node to a text, optional
    slopes : dict from a node to the list of its local gradients, written beside the arrows, optional
    lit : (node, parent, i), optional
        The arrow along which something flows back: the i-th of those between the two.
    done : nodes that are filled
    """
    above, below = above or {}, below or {}
    heights = [y for _, y in places.values()]
    for node, made_from in parents.items():
        for i, parent in enumerate(made_from):
            if node in places and parent in places:
                nth = made_from[:i].count(parent)
                bend = _bend(places, parent, node, nth, made_from.count(parent))
                slope = _number(slopes[node][i]) if slopes else ""
                heights.append(_middle(places[parent], places[node], bend)[1])
                _arrow(ax, places[parent], places[node], bend, slope, lit == (node, parent, nth))
    for node, (x, y) in places.items():
        face = "#D9EAF5" if node in done else "white"
        edge = plots.COLOURS["blue"] if node in done else plots.MUTED
        ax.scatter([x], [y], s=1150, color=face, edgecolors=edge, linewidths=1.6, zorder=4)
        size = 11 if len(str(node)) <= 3 else 9 if len(str(node)) == 4 else 7.5
        ax.text(x, y, str(node), ha="center", va="center", fontsize=size, zorder=5)
        for text, side, colour in ((above.get(node), 1, plots.INK), (below.get(node), -1, "#A34700")):
            if text:
                ax.annotate(
                    text, (x, y), (0, side * 20), textcoords="offset points", ha="center", zorder=6,
                    va="bottom" if side > 0 else "top", color=colour, fontsize=10, path_effects=HALO,
                    fontweight="normal" if side > 0 else "bold",
                )  # fmt: skip
    xs = [x for x, _ in places.values()]
    ax.set(xlim=(min(xs) - 0.9, max(xs) + 0.9), ylim=(min(heights) - 0.8, max(heights) + 0.8))
    ax.axis("off")
    if title:
        ax.set_title(title)


def _bend(places, parent, node, nth, uses):
    """How far an arrow swings out: two of one kind apart, and round what stands in between."""
    if uses > 1:
        return 0.55 * (nth - (uses - 1) / 2)
    (x0, y0), (x1, y1) = places[parent], places[node]
    between = [(x, y) for x, y in places.values() if x0 < x < x1]
    hit = any(abs(y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y) < 2 * RADIUS for x, y in between)
    return 0.35 if hit else 0.0


def _arrow(ax, start, end, bend, text, lit):
    colour = plots.COLOURS["vermillion"] if lit else plots.MUTED
    style = {"arrowstyle": "<|-" if lit else "-|>", "color": colour, "linewidth": 2.6 if lit else 1.2}
    ax.annotate(
        "", end, start, zorder=3 if lit else 2,
        arrowprops={**style, "connectionstyle": f"arc3,rad={bend}", "shrinkA": 17, "shrinkB": 17},
    )  # fmt: skip
    if text:
        x, y = _middle(start, end, bend)
        ax.text(
            x, y, text, ha="center", va="center", fontsize=10, zorder=6, path_effects=HALO,
            color=plots.readable(colour) if lit else plots.MUTED, fontweight="bold" if lit else "normal",
        )  # fmt: skip


def _middle(start, end, bend):
    """The middle of an arrow; arc3 is a quadratic curve, half as far out as its control point."""
    (x0, y0), (x1, y1) = start, end
    return (x0 + x1) / 2 + bend * (y1 - y0) / 2, (y0 + y1) / 2 - bend * (x1 - x0) / 2


def plot_tape(ax, parents, order, *, title=None):
    """Draw what a tape recorded: operations from left to right, each variable above its first use.

    Parameters
    ----------
    ax : matplotlib Axes
    parents : dict from a tensor to the list of tensors that it was made from
    order : list of tensors, parents first
    """
    places = places_by_level(parents, order)
    top = max((places[node][1] for node in order if parents[node]), default=0.0) + 1.3
    for leaf in (node for node in order if not parents[node]):
        uses = [places[node][0] for node in order if leaf in parents[node]]
        places[leaf] = (min(uses, default=0.0) - 0.8, top)
    arrow = {"arrowstyle": "-|>", "color": plots.MUTED, "shrinkA": 13, "shrinkB": 13}
    for node in order:
        for parent in parents[node]:
            ax.annotate("", places[node], places[parent], arrowprops=arrow)
        face = "white" if parents[node] else "#D9EAF5"
        ax.scatter(*places[node], s=620, color=face, edgecolors=plots.MUTED, zorder=4)
        name = "J" if node is order[-1] else node.name
        ax.text(*places[node], name, ha="center", va="center", fontsize=9, zorder=5)
        size = "x".join(map(str, node.shape)) or "number"
        side = -1 if parents[node] else 1
        ax.annotate(size, places[node], (0, side * 16), textcoords="offset points", ha="center",
                    va="top" if side < 0 else "bottom", fontsize=8, path_effects=HALO, zorder=6)  # fmt: skip
    ax.margins(0.04, 0.35)
    ax.axis("off")
    if title:
        ax.set_title(title)


# --- watching the learner's walk ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """What a walk multiplied: the gradient of a node and the slope of its i-th arrow from a parent."""

    node: object
    parent: object
    i: int
    upstream: float
    slope: float

    @property
    def share(self):
        return self.upstream * self.slope


class Watched(float):
    """A slope that writes down what it is multiplied by."""

    __array_ufunc__ = None  # else NumPy's numbers would multiply it as a plain float, unseen

    def __new__(cls, slope, node, parent, i, products):
        number = super().__new__(cls, slope)
        number.about, number.products = (node, parent, i), products
        return number

    def __mul__(self, other):
        if np.ndim(other) == 0:
            self.products.append(Product(*self.about, float(other), float(self)))
        return float(self) * other

    __rmul__ = __mul__


def watch(backpropagate, output, parents, local_gradients):
    """Run a learner's walk on slopes that write down every product.

    Returns
    -------
    gradients : what backpropagate returned
    products : list of Product, in the order in which they were formed; empty if they could not be seen
    """
    products = []
    watched = {
        node: [
            Watched(slope, node, parent, parents[node][:i].count(parent), products)
            for i, (parent, slope) in enumerate(zip(parents[node], local_gradients[node], strict=True))
        ]
        for node in parents
    }
    try:
        gradients = backpropagate(output, _copied(parents), watched)
    except TypeError:  # such as NumPy's functions, which know plain numbers only: then nothing is seen
        products.clear()
        plain = {node: list(slopes) for node, slopes in local_gradients.items()}
        gradients = backpropagate(output, _copied(parents), plain)
    if not isinstance(gradients, dict):
        raise TypeError(f"backpropagate must return a dict, got {type(gradients).__name__}")
    return {node: float(g) for node, g in gradients.items()}, products


def walk_explorer(
    topological_order, backpropagate, output, parents, local_gradients, values=None, places=None
):
    """Show how gradients fill in as a learner's functions walk back through a graph of scalars.

    Parameters
    ----------
    topological_order : function (output, parents) -> list of nodes
    backpropagate : function (output, parents, local_gradients) -> {node: gradient}
    output : node
    parents : dict from a node to the list of nodes that it was made from
    local_gradients : dict from a node to the list of d node / d parent
    values : dict from a node to its value, optional
    places : dict from a node to (x, y), optional

    Returns
    -------
    widget : PageSlider
    """
    order = list(topological_order(output, _copied(parents)))
    places = places or places_by_level(parents, order)
    gradients, products = watch(backpropagate, output, parents, local_gradients)
    shown = products[:MOST]
    pages, said = [], []
    arrived = {node: [] for node in order}
    above = {node: f"= {_number(value)}" for node, value in (values or {}).items()}
    width = max(x for x, _ in places.values()) - min(x for x, _ in places.values()) + 2
    height = max(y for _, y in places.values()) - min(y for _, y in places.values()) + 2
    size = {"width": 9.0, "height": float(np.clip(9.0 * height / width, 2.4, 3.6))}
    with plots.unshown(**size) as (fig, ax):
        for step in range(len(shown) + 2):
            lit, title = None, "Before the first step: the output changes with itself by 1"
            last = step == len(shown) + 1
            if 0 < step <= len(shown):
                product = shown[step - 1]
                arrived.setdefault(product.parent, []).append(product.share)
                lit = (product.node, product.parent, product.i)
                title = _passed(product)
            below = {node: _sum(shares) for node, shares in arrived.items() if shares}
            below[output] = "1"
            line = f"{title}."
            if last:
                below = {node: f"{_number(g)}" for node, g in gradients.items() if node in places}
                title = "What your function returned"
                line = f"{title}: " + ", ".join(f"{node} {text}" for node, text in below.items()) + "."
                line += _lost(arrived, gradients) if len(shown) == len(products) else ""
            ax.clear()
            plot_graph(ax, parents, places, above=above, below=below, slopes=local_gradients, lit=lit,
                       done=gradients if last else below)  # fmt: skip
            pages.append(plots.png(fig, _alt(line, output), dpi=100, colours=64))
            said.append(line)
            fig.set_layout_engine("none")  # the first picture has settled where things stand
    return page_slider("step", range(len(pages)), pages, said, 0)


def _copied(parents):
    """A walk may not spoil the graph for the picture."""
    return {node: list(made_from) for node, made_from in parents.items()}


def _passed(product):
    return (
        f"{product.node} passes {_number(product.upstream)} × {_number(product.slope)} = "  # noqa: RUF001
        f"{_number(product.share)} back to {product.parent}"
    )


def _lost(arrived, gradients):
    """Name a node whose shares do not make up what was returned."""
    for node, shares in arrived.items():
        if shares and not np.isclose(gradients.get(node, np.nan), np.sum(shares), rtol=1e-6):
            return f" But what was passed to {node} was {_sum(shares)}: where did it go?"
    return ""


def _sum(shares):
    first, *more = (_number(share) for share in shares)
    return first + "".join(f" − {text[1:]}" if text[0] == "−" else f" + {text}" for text in more)  # noqa: RUF001


def _number(value):
    return f"{float(value):.4g}".replace("-", "−")  # noqa: RUF001


def _alt(line, output):
    return f"A graph whose nodes lead from left to right to {output}, gradients below them. {line}"


# --- one number in many places -----------------------------------------------------------------------------


def plot_numbers(ax, values, *, title=None, digits=1):
    """Draw a small matrix as a grid of its numbers, blue below 0 and orange above."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    largest = max(np.abs(values).max(initial=0), 1e-9) * 1.6  # so that numbers stay readable on the colours
    ax.pcolormesh(values, cmap=plots.weight_map(), vmin=-largest, vmax=largest, edgecolors="white", lw=1.5)
    for i, j in np.ndindex(values.shape):
        text = f"{values[i, j]:.{digits}f}".replace("-", "−")  # noqa: RUF001
        ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize="small")
    ax.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0), xticks=[], yticks=[], aspect="equal")
    for side in ax.spines.values():
        side.set_visible(False)
    if title:
        ax.set_title(title)
