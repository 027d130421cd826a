"""What normalizing does while something slides: training steps, the batch size, the learning rate.

Every stop of a slider is worked out and drawn once, with the learner's own functions; sliding then happens in
the browser.
"""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np

from course_utils import plots
from course_utils.network import Network
from course_utils.widgets.pages import page_slider

LAYERS = (32, 32, 32, 32, 32)
EPSILON = 1e-5
STEPS = (0, 10, 20, 40, 80, 120, 160, 220)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 256)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def relu_network(layer_dims, seed=0, **plugged):
    """Return a network whose first weights have the right size for ReLU, so that it can learn as it is.

    Parameters
    ----------
    layer_dims : [n_x, n1, ..., nL]
    seed : int
    **plugged : what Network takes beside, such as batchnorm
    """
    net = Network(layer_dims, output="softmax", rng=np.random.default_rng(seed), **plugged)
    for name, values in net.parameters.items():
        if name.startswith("W"):
            values *= math.sqrt(6)  # the network draws them with a sixth of the variance that ReLU needs
    return net


# --- one unit of a deep layer while the layers before it learn ----------------------------------------------


def drift_explorer(batchnorm_forward, X, Y, stops=STEPS, unit=1, learning_rate=0.1):
    """Show what one deep unit is given while a network learns: as it is, and normalized in every layer.

    The weights are those of a plain network in training. Each stop sends the examples through them twice:
    without normalization, and with the learner's in every hidden layer.

    Parameters
    ----------
    batchnorm_forward : function (Z, gamma, beta, epsilon) -> Z_tilde
    X : float64, shape (n_x, m)
    Y : float64, shape (C, m)
    stops : increasing sequence of int, steps of training
    unit : int, the unit of the last hidden layer to show
    learning_rate : float

    Returns
    -------
    widget : PageSlider
    """
    net = relu_network([X.shape[0], *LAYERS, Y.shape[0]])
    batches = [(X[:, i : i + 64], Y[:, i : i + 64]) for i in range(0, X.shape[1], 64)]
    pairs, done = [], 0
    for stop in stops:
        for step in range(done, stop):
            _, grads = net.cost_and_gradients(*batches[step % len(batches)])
            for name, values in net.parameters.items():
                values -= learning_rate * grads["d" + name]
        done = stop
        plain = net.forward(X)[-2].Z[unit]
        pairs.append((plain, _normalized_all_the_way(batchnorm_forward, net, X)[unit]))
    said = [
        f"after {stop} steps: without, {_mean_and_spread(plain)}; with yours, {_mean_and_spread(yours)}"
        for stop, (plain, yours) in zip(stops, pairs, strict=True)
    ]
    return page_slider("training steps", stops, _drift_pages(stops, pairs, said), said, 0)


def _normalized_all_the_way(batchnorm_forward, net, X):
    """The last hidden layer's Z_tilde when every hidden layer is normalized; gamma is 1 and beta 0."""
    A = X
    for layer in range(1, net.L):
        Z = net.parameters[f"W{layer}"] @ A + net.parameters[f"b{layer}"]
        Z_tilde = _normalized(batchnorm_forward, Z)
        A = np.maximum(Z_tilde, 0)
    return Z_tilde


def _drift_pages(stops, pairs, said):
    bins = np.linspace(-6, 4, 51)
    pages = []
    with plots.unshown(1, 2, width=8, height=2.8, sharex=True, sharey=True) as (fig, axes):
        for i in range(len(stops)):
            for column, (ax, name) in enumerate(zip(axes, ("without", "with yours"), strict=True)):
                ax.clear()
                start, now = (_heights(pairs[k][column], bins) for k in (0, i))
                ax.stairs(now, bins, fill=True, color=plots.COLOURS["vermillion" if column == 0 else "blue"])
                ax.stairs(start, bins, color=plots.INK, linewidth=1.2, linestyle=(0, (3, 2)))
                ax.set(xlim=(-6, 4), ylim=(0, 1.12), yticks=(), xlabel="what ReLU is given")
                ax.set_title(f"{name}: {_mean_and_spread(pairs[i][column])}")
                ax.text(-5.9, 1.02, "dashed: before training", color=plots.MUTED, fontsize="small")
            axes[0].set_ylabel("images")
            alt = (
                "Two histograms of what one unit of hidden layer 5 is given by 1191 images, without and with "
                f"normalization, {said[i]}. A dashed outline shows the state before training."
            )
            pages.append(_page(fig, alt, first=i == 0))
    return pages


def _heights(values, bins):
    """Counts, the tallest 1; what lies beyond the axis goes into the outermost bars."""
    counts, _ = np.histogram(np.clip(values[np.isfinite(values)], bins[0], bins[-1]), bins)
    return counts / max(counts.max(), 1)


def _mean_and_spread(values):
    if not np.isfinite(values).all():
        return "not a number"
    return f"mean {values.mean() + 0.0:.2f}, spread {values.std():.2f}".replace("-0.00", "0.00")


# --- one example in the company of others -------------------------------------------------------------------


def noise_explorer(batchnorm_forward, z, example=0, stops=BATCH_SIZES, n_batches=400, seed=0):
    """Show how the normalized value of one example depends on the mini-batch that it happens to be in.

    Parameters
    ----------
    batchnorm_forward : function (Z, gamma, beta, epsilon) -> Z_tilde
        Called once a stop: each mini-batch is handed over as one unit, a row of Z.
    z : float array, shape (m,)
        What one unit makes of m examples.
    example : int, which of them to watch
    stops : increasing sequence of int, batch sizes up to m
    n_batches : int
    seed : int

    Returns
    -------
    widget : PageSlider
    """
    z = np.asarray(z, dtype=float)
    others = np.random.default_rng(seed).permuted(np.tile(np.delete(z, example), (n_batches, 1)), axis=1)
    watched = np.full((n_batches, 1), z[example])
    values = [_normalized(batchnorm_forward, np.hstack([watched, others[:, : m - 1]]))[:, 0] for m in stops]
    target = _normalized(batchnorm_forward, np.hstack([watched[:1], others[:1]]))[0, 0]
    noise = np.array([v.std() for v in values])
    said = [
        f"batch size {m}: the same image gets {_mean_and_spread(v)} in {n_batches} mini-batches"
        for m, v in zip(stops, values, strict=True)
    ]
    pages = _noise_pages(stops, values, target, noise, said)
    return page_slider("batch size", stops, pages, said, _nearest(stops, 8))


def _noise_pages(stops, values, target, noise, said):
    bins = np.linspace(-3, 3, 49)
    sizes = np.array(stops, dtype=float)
    pages = []
    with plots.unshown(1, 2, width=8, height=2.9) as (fig, (left, right)):
        seen = (sizes > 1) & (noise > 0) & np.isfinite(noise)
        right.plot(sizes[seen], noise[seen], label="yours", **plots.line_style("", 0))
        right.plot(
            sizes[sizes > 1], sizes[sizes > 1] ** -0.5, label=r"1/$\sqrt{m}$", **plots.line_style("", 1)
        )
        right.set(xscale="log", yscale="log", xlabel="batch size", ylabel="spread", ylim=(0.02, 2))
        right.minorticks_off()
        right.set_xticks([2, 8, 32, 128], ["2", "8", "32", "128"])
        right.set_yticks([0.03, 0.1, 0.3, 1], ["0.03", "0.1", "0.3", "1"])
        right.set_title("the spread at every batch size")
        plots.label_line_ends(right)
        (dot,) = right.plot([], [], "o", color=plots.INK, markersize=8, zorder=5)
        for i, m in enumerate(stops):
            left.clear()
            left.stairs(_heights(values[i], bins), bins, fill=True, color=plots.COLOURS["blue"])
            left.axvline(target, color=plots.INK, linewidth=1.2, linestyle=(0, (3, 2)))
            left.set(xlim=(-3, 3), ylim=(0, 1.12), yticks=(), xlabel="normalized value of one image")
            left.set_ylabel("mini-batches")
            left.text(-2.95, 1.02, "dashed: all images", color=plots.MUTED, fontsize="small")
            left.set_title(f"batches of {m}: spread {noise[i]:.2f}")
            dot.set_data([m], [noise[i] if noise[i] > 0 else np.nan])
            alt = (
                f"Left: histogram of the normalized value of one image, {said[i]}; a dashed line marks its "
                f"value among all images, {target:.2f}. Right: the spread against the batch size on "
                "logarithmic axes, beside the line 1 / root of m."
            )
            pages.append(_page(fig, alt, first=i == 0))
    return pages


# --- two networks at one learning rate ----------------------------------------------------------------------


def rate_explorer(batchnorm, X, Y, stops=RATES, epochs=3, batch_size=64):
    """Show how the cost falls with and without batch normalization, at each learning rate.

    Parameters
    ----------
    batchnorm : BatchNorm
        The learner's functions.
    X : float64, shape (n_x, m)
    Y : float64, shape (C, m)
    stops : increasing sequence of float
    epochs, batch_size : int

    Returns
    -------
    widget : PageSlider
    """
    dims = [X.shape[0], *LAYERS, Y.shape[0]]
    runs = {"without": [], "with yours": []}
    for rate in stops:
        for name, plugged in zip(runs, (None, batchnorm), strict=True):
            with contextlib.redirect_stdout(io.StringIO()):  # the picture tells that training stopped
                history = relu_network(dims, batchnorm=plugged).train(
                    X, Y, epochs=epochs, learning_rate=rate, batch_size=batch_size, progress=False
                )
            runs[name].append(history)
    ends = {name: [_end(history) for history in histories] for name, histories in runs.items()}
    said = [
        f"learning rate {rate:g}: " + "; ".join(f"{name} {_cost_said(ends[name][i])}" for name in runs)
        for i, rate in enumerate(stops)
    ]
    pages = _rate_pages(stops, runs, ends, said)
    return page_slider("learning rate", stops, pages, said, _nearest(stops, 0.1))


def _end(history):
    """The average cost of the last ten steps; infinite where training had to stop."""
    return math.inf if history.stopped else float(np.mean(history.step_costs[-10:]))


def _cost_said(end):
    return f"ends at cost {end:.2f}" if math.isfinite(end) else "stopped, the cost is no number"


def _rate_pages(stops, runs, ends, said):
    top = 4.0
    styles = {"without": plots.COLOURS["vermillion"], "with yours": plots.COLOURS["blue"]}
    dashes = {"without": (0, (3, 1.5)), "with yours": "-"}
    pages = []
    with plots.unshown(1, 2, width=8, height=2.9) as (fig, (left, right)):
        for name, values in ends.items():
            clipped = np.minimum(values, top)
            right.plot(stops, clipped, label=name, color=styles[name], linestyle=dashes[name])
        right.set(xscale="log", xlabel="learning rate", ylabel="cost of the last steps", ylim=(0, top * 1.02))
        right.minorticks_off()
        right.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        right.set_title("the end, at every learning rate")
        plots.label_line_ends(right)
        here = right.axvline(stops[0], color=plots.MUTED, linewidth=1, zorder=1)
        for i, rate in enumerate(stops):
            left.clear()
            steps = max(len(history.step_costs) for histories in runs.values() for history in histories)
            ends_at = []
            for name, histories in runs.items():
                costs = np.minimum(np.nan_to_num(histories[i].step_costs, nan=top, posinf=top), top)
                left.plot(range(1, len(costs) + 1), costs, color=styles[name], linestyle=dashes[name])
                ends_at.append(costs[-1])
            for name, y in zip(runs, _apart(*ends_at, gap=0.36), strict=True):
                left.text(1.03 * steps, y, name, color=plots.readable(styles[name]), va="center")
            left.set(xlabel="step", ylabel="cost of the mini-batch", ylim=(0, top * 1.02), xlim=(0, steps))
            left.set_title(f"learning rate {rate:g}")
            here.set_xdata([rate, rate])
            alt = (
                f"Left: cost against training steps of two networks of five hidden layers, {said[i]}. Right: "
                "the cost at the end against the learning rate, for both. Costs above 4 are drawn at 4."
            )
            pages.append(_page(fig, alt, first=i == 0))
    return pages


def _apart(a, b, gap):
    """Move two heights apart until there is room for a word at each."""
    missing = max(gap - abs(a - b), 0) / 2
    return (a + missing, b - missing) if a >= b else (a - missing, b + missing)


# --- small parts --------------------------------------------------------------------------------------------


def _normalized(batchnorm_forward, Z):
    """What the learner's function makes of a copy of Z with gamma 1 and beta 0."""
    n = Z.shape[0]
    with np.errstate(all="ignore"):  # what cannot be divided shows as such in the picture
        returned = batchnorm_forward(Z.copy(), np.ones((n, 1)), np.zeros((n, 1)), EPSILON)
    Z_tilde = np.asarray(returned)
    if Z_tilde.shape != Z.shape or Z_tilde.dtype.kind not in "fiu":
        saw = "None" if returned is None else f"{type(returned).__name__} of shape {Z_tilde.shape}"
        raise ValueError(f"Z_tilde has the shape of Z, {Z.shape}, but {saw} came back")
    return Z_tilde.astype(float)


def _nearest(stops, value):
    return min(range(len(stops)), key=lambda i: abs(stops[i] - value))


def _page(fig, alt, *, first):
    page = plots.png(fig, alt, dpi=100, colours=64)
    if first:
        fig.set_layout_engine("none")  # the first picture has settled where things stand
    return page
