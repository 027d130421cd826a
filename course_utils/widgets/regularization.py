"""Pictures that slide through the strengths of a penalty, and through the patience of early stopping.

Every stop of a slider is drawn once, with the learner's own functions; sliding then happens in the browser.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from course_utils import plots
from course_utils.widgets.pages import page_slider

STRENGTHS = (0, 0.5, 1, 1.5, 2, 3, 4, 10)
PATIENCES = (1, 3, 5, 8, 12, 20, 50, 100)
LINEAR = 0.5  # up to here tanh(z) is less than 8 % away from z

# A bowl with a valley across both axes, and where it is lowest.
BOWL, LOWEST = np.array([[1.0, 0.45], [0.45, 0.7]]), np.array([1.5, 0.9])


# --- one network a strength --------------------------------------------------------------------------------


def strength_explorer(networks, X, Y, X_dev, Y_dev):
    """Show boundary, weights and use of tanh of networks that were trained with different penalties.

    Parameters
    ----------
    networks : dict of float to Network
        One trained network with two inputs and tanh units for each lambda, the smallest first.
    X, X_dev : float64, shape (2, m)
    Y, Y_dev : shape (1, m)

    Returns
    -------
    widget : PageSlider
    """
    with np.errstate(invalid="ignore"):  # a network that diverged holds NaN, and its line says so
        facts = {lambd: _facts(net, X, Y, X_dev, Y_dev) for lambd, net in networks.items()}
    said = [_described(lambd, fact) for lambd, fact in facts.items()]
    reach = max(np.abs(fact["weights"]).max() for fact in facts.values())
    edges = np.linspace(-reach, reach, 42) if np.isfinite(reach) and reach > 0 else np.linspace(-1, 1, 42)
    pages = []
    with plots.unshown(1, 3, width=10.5, height=3.3) as (fig, axes):
        left, middle, right = axes
        grid = _frame_points(left, X, Y)
        _frame_weights(middle, edges, len(next(iter(facts.values()))["weights"]))
        _frame_tanh(right)
        for net, fact, line in zip(networks.values(), facts.values(), said, strict=True):
            with _only_here(axes):
                _draw_boundary(left, net, grid)
                left.set_title(f"{fact['dev']:.0%} right on dev points")
                _draw_weights(middle, fact["weights"], edges)
                _draw_tanh(right, fact["Z"])
                pages.append(plots.png(fig, f"Three panels. {line}", dpi=90, colours=64))
            fig.set_layout_engine("none")  # the first picture has settled where things stand
    return page_slider("lambda", list(networks), pages, said, 0)


def hidden_inputs(net, X):
    """Return all z of the hidden units of a network, for all examples, in one array.

    Parameters
    ----------
    net : Network
    X : float64, shape (n_x, m)
    """
    return np.concatenate([layer.Z.ravel() for layer in net.forward(X)[:-1]])


def all_weights(parameters):
    """Return the entries of all W of a network in one array, those of the biases left out."""
    return np.concatenate([values.ravel() for name, values in parameters.items() if name.startswith("W")])


def _facts(net, X, Y, X_dev, Y_dev):
    return {
        "weights": all_weights(net.parameters),
        "Z": hidden_inputs(net, X),
        "train": net.accuracy(X, Y),
        "dev": net.accuracy(X_dev, Y_dev),
    }


def _described(lambd, fact):
    linear = np.mean(np.abs(fact["Z"]) < LINEAR)
    return (
        f"lambda {lambd:g}: right on {fact['train']:.1%} of the training points and {fact['dev']:.1%} of the "
        f"dev points; the largest weight is {np.abs(fact['weights']).max():.2g}; {linear:.0%} of the z of "
        "hidden units lie where tanh is nearly a straight line."
    )


def _frame_points(ax, X, Y):
    """Draw the examples and return the grid behind them."""
    margin = 0.08 * np.ptp(X, axis=1)
    low, high = X.min(axis=1) - margin, X.max(axis=1) + margin
    for label, (colour, marker) in enumerate((("blue", "o"), ("orange", "s"))):
        chosen = X[:, np.asarray(Y).ravel() == label]
        look = {"color": plots.COLOURS[colour], "markeredgecolor": "white", "markeredgewidth": 0.7}
        ax.plot(*chosen, marker, linestyle="none", zorder=4, **look)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="$x_1$", ylabel="$x_2$")
    return np.meshgrid(np.linspace(low[0], high[0], 75), np.linspace(low[1], high[1], 75))


def _draw_boundary(ax, net, grid):
    """Colour what the network calls 0 and 1; contours of its probability are smooth on a coarse grid."""
    said = np.nan_to_num(net.probabilities(np.stack([g.ravel() for g in grid]))).reshape(grid[0].shape)
    colours = [plots.COLOURS["blue"], plots.COLOURS["orange"]]
    ax.contourf(*grid, said, levels=[-1, 0.5, 2], colors=colours, alpha=0.28, zorder=1)
    if said.min() < 0.5 < said.max():
        ax.contour(*grid, said, levels=[0.5], colors=[plots.INK], linewidths=1.4, zorder=2)


def _frame_weights(ax, edges, n):
    ax.axvline(0, color=plots.MUTED, linewidth=1, zorder=0)
    # the square root keeps single large weights in sight
    ax.set_yscale("function", functions=(np.sqrt, np.square))
    ax.set(xlim=edges[[0, -1]], ylim=(0, n), yticks=_counts(n))
    ax.set(xlabel="weight", ylabel="how many (root scale)")


def _draw_weights(ax, weights, edges):
    ax.stairs(np.histogram(weights, bins=edges)[0], edges, fill=True, color=plots.COLOURS["blue"])
    ax.set_title(f"largest weight {np.abs(weights).max():.2g}")


def _counts(n):
    return [count for count in (0, 10, 50, 100, 200, 400, 800, 1600) if count <= n]


def _frame_tanh(ax):
    z = np.linspace(-4, 4, 161)
    ax.axvspan(-LINEAR, LINEAR, color=plots.COLOURS["green"], alpha=0.2, linewidth=0)
    ax.plot(z, np.tanh(z), color=plots.INK, linewidth=1.6, zorder=3)
    ax.set(xlim=(-4, 4), ylim=(-1.1, 1.1), xlabel="z of hidden units", ylabel="tanh z", yticks=(-1, 0, 1))


def _draw_tanh(ax, Z):
    counts, edges = np.histogram(np.clip(Z, -4, 4), bins=np.linspace(-4, 4, 33))
    # from the bottom up, the fullest bin as high as the picture
    heights = 2 * counts / max(counts.max(), 1) - 1.1
    ax.stairs(heights, edges, baseline=-1.1, fill=True, color=plots.COLOURS["sky"])
    ax.set_title(f"{np.mean(np.abs(Z) < LINEAR):.0%} in the straight part")


@contextmanager
def _only_here(axes):
    """Take away afterwards what was drawn in the block: frames are drawn once, which is most of the work."""
    before = [set(ax.get_children()) for ax in axes]
    yield
    for ax, kept in zip(axes, before, strict=True):
        for artist in set(ax.get_children()) - kept:
            artist.remove()


# --- L1 against L2 -----------------------------------------------------------------------------------------


def bowl(w):
    """A loss of two weights, without penalty: lowest, 0, at LOWEST; w has shape (2,) or (2, k)."""
    away = (np.asarray(w, dtype=float).T - LOWEST).T
    return 0.5 * np.sum(away * (BOWL @ away), axis=0)


def penalty_explorer(l1_cost, l2_cost, stops=STRENGTHS):
    """Show where the minimum of a loss of two weights goes as the penalty grows, under L1 and under L2.

    Parameters
    ----------
    l1_cost, l2_cost : functions (cross_entropy_cost, parameters, lambd, m) -> cost with the penalty
    stops : increasing sequence of float, the lambdas; m is 1

    Returns
    -------
    widget : PageSlider
    """
    costs = {"L1": l1_cost, "L2": l2_cost}
    between = np.unique(np.concatenate([np.linspace(0, stops[-1], 41), np.linspace(0, 2, 21), stops]))
    ways = {name: _way(cost, between) for name, cost in costs.items()}
    where = np.searchsorted(between, stops)
    said = [
        f"lambda {stops[i]:g}: the minimum lies at {_point(ways['L1'][k])} under L1, at "
        f"{_point(ways['L2'][k])} under L2."
        for i, k in enumerate(where)
    ]
    return page_slider("lambda", stops, _penalty_pages(costs, ways, where, said), said, 0)


def penalised(cost, w, lambd):
    """The bowl at w with a learner's penalty on top, as a float."""
    parameters = {"W1": np.array([w], dtype=float), "b1": np.zeros((1, 1))}
    return float(cost(float(bowl(w)), parameters, lambd, 1))


def minimum(cost, lambd, start, step=0.16, finest=0.0025):
    """Find the lowest point of the penalised bowl by trying neighbours, and 0 for each weight.

    A penalty has a kink where a weight is 0, so no gradient is asked for; both penalties are sums over the
    weights, so that moves along the axes are enough.
    """
    w = np.array(start, dtype=float)
    best = penalised(cost, w, lambd)
    while step >= finest:
        moved = False
        for i in (0, 1):
            for value in (w[i] - step, w[i] + step, 0.0):
                tried = w.copy()
                tried[i] = value
                here = penalised(cost, tried, lambd)
                if here < best and np.abs(tried).max() <= 3:  # a wrong sign leads away for ever
                    w, best, moved = tried, here, True
        if not moved:
            step /= 2
    return w


def _way(cost, lambdas):
    """The minima for growing lambda, each found from the one before, shape (len(lambdas), 2)."""
    points = [LOWEST]
    for lambd in lambdas:
        points.append(minimum(cost, float(lambd), points[-1]))
    return np.array(points[1:])


def _penalty_pages(costs, ways, where, said):
    grid = np.meshgrid(np.linspace(-0.6, 2.0, 53), np.linspace(-0.6, 1.6, 45))
    points = np.stack([g.ravel() for g in grid])
    loss = bowl(points).reshape(grid[0].shape)
    prices = {name: _price(cost, points).reshape(loss.shape) for name, cost in costs.items()}
    pages = []
    with plots.unshown(1, 2, width=7.6, height=3.3) as (fig, axes):
        for ax in axes:
            ax.contour(*grid, loss, levels=[0.1, 0.5, 1.2], colors=["#C5D0DF"], linewidths=1)
            ax.axhline(0, color=plots.MUTED, linewidth=0.8)
            ax.axvline(0, color=plots.MUTED, linewidth=0.8)
            ax.plot(*LOWEST, "*", color=plots.INK, markersize=12)
            ax.set(xlabel="$w_1$", ylabel="$w_2$", aspect="equal", xticks=(0, 1, 2), yticks=(0, 1))
        for k, line in zip(where, said, strict=True):
            with _only_here(axes):
                for ax, name in zip(axes, costs, strict=True):
                    w, colour = ways[name][k], plots.COLOURS["vermillion" if name == "L1" else "blue"]
                    _level(ax, grid, loss, float(bowl(w)), plots.MUTED)
                    _level(ax, grid, prices[name], _price(costs[name], w[:, None])[0], colour)
                    ax.plot(*ways[name][: k + 1].T, color=plots.INK)
                    ax.plot(*w, "o", color=colour, markeredgecolor="white", markersize=10, zorder=5)
                    ax.set(xlim=(-0.6, 2), ylim=(-0.6, 1.6))
                    ax.set_title(f"{name}: minimum at {_point(w)}")
                pages.append(
                    plots.png(fig, f"Contours of a loss of two weights, twice. {line}", dpi=84, colours=64)
                )
            fig.set_layout_engine("none")
    return pages


def _price(cost, points):
    """What the penalty alone costs at each column of points, at lambda 1."""
    return np.array([penalised(cost, w, 1.0) - float(bowl(w)) for w in points.T])


def _level(ax, grid, values, level, colour):
    """Draw the one contour at this level, if there is one to draw."""
    if np.isfinite(values).all() and values.min() < level < values.max() and level > 1e-3:
        ax.contour(*grid, values, levels=[level], colors=[colour], linewidths=1.8)


def _point(w):
    return f"({_number(w[0])}, {_number(w[1])})"


def _number(value):
    return "0" if value == 0 else f"{value:.2f}"


# --- early stopping ----------------------------------------------------------------------------------------


def patience_explorer(early_stopping, train_costs, dev_costs, stops=PATIENCES):
    """Show where a learner's early stopping ends a training, and which epoch it goes back to.

    Parameters
    ----------
    early_stopping : function (dev_costs, patience) -> (best_epoch, stop_epoch)
    train_costs, dev_costs : sequences of float, shape (T,)
    stops : increasing sequence of int, the patience

    Returns
    -------
    widget : PageSlider
    """
    answers = []
    for patience in stops:
        best, stop = early_stopping(list(dev_costs), patience)
        if not (0 <= best < len(dev_costs) and 0 <= stop < len(dev_costs)):
            raise ValueError(f"epochs {best} and {stop} are not among the {len(dev_costs)} of this training")
        answers.append((int(best), int(stop)))
    said = [
        f"patience {patience}: stop in epoch {stop}, go back to epoch {best} with its dev cost of "
        f"{dev_costs[best]:.3f}; {len(dev_costs) - 1 - stop} of {len(dev_costs)} epochs are saved."
        for patience, (best, stop) in zip(stops, answers, strict=True)
    ]
    lead = "Training cost falls all the way, dev cost falls in jumps, then rises. "
    pages = []
    with plots.unshown(width=8.5, height=3.3) as (fig, ax):
        draw_costs(ax, train_costs, dev_costs)
        for (best, stop), line in zip(answers, said, strict=True):
            with _only_here([ax]):
                draw_stop(ax, dev_costs, best, stop)
                pages.append(plots.png(fig, lead + line, dpi=95, colours=64))
            fig.set_layout_engine("none")
    return page_slider("patience", stops, pages, said, 0)


def draw_costs(ax, train_costs, dev_costs):
    """Draw both costs of a training against its epochs, counted from 0.

    Parameters
    ----------
    ax : matplotlib Axes
    train_costs, dev_costs : sequences of float, shape (T,)
    """
    for costs, label, colour in ((train_costs, "training", "blue"), (dev_costs, "dev", "vermillion")):
        ax.plot(np.arange(len(costs)), costs, label=label, color=plots.COLOURS[colour], linewidth=1.6)
    ax.set(xlim=(0, len(dev_costs) - 1), ylim=(0, 1.15 * np.nanmax(dev_costs)), xlabel="epoch", ylabel="cost")
    ax.set_title(" ")  # a line of room for the one that follows
    plots.label_line_ends(ax)


def draw_stop(ax, dev_costs, best, stop):
    """Mark the best epoch and the stop on `draw_costs`, and let what comes after the stop fade.

    Parameters
    ----------
    ax : matplotlib Axes
    dev_costs : sequence of float, shape (T,)
    best, stop : int, epochs from 0
    """
    ax.axvspan(stop, len(dev_costs) - 1, color="white", alpha=0.72, linewidth=0, zorder=3)
    ax.axvline(stop, color=plots.INK, linewidth=1.4, linestyle=(0, (4, 2)), zorder=4)
    ax.plot(best, dev_costs[best], "o", color=plots.INK, markersize=8, zorder=5, clip_on=False)
    ax.set_title(f"back to epoch {best}, stopped in epoch {stop}")
