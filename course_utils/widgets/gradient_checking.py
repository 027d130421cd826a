"""The valley of the error as epsilon shrinks, and a hunt for planted mistakes on a small real network.

Everything that is shown comes from the learner's own functions.
"""

from __future__ import annotations

import html

import ipywidgets as widgets
import numpy as np

from course_utils import plots
from course_utils.data import load
from course_utils.lesson import note
from course_utils.network import Network
from course_utils.widgets.pages import page_slider

# --- the valley --------------------------------------------------------------------------------------------

HEIGHTS = (0.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6)
EPSILONS = np.geomspace(1e-15, 1, 76)
SLOPE = 3.0  # of theta^3 + height at 1
FLOOR = 1e-16  # where an error of exactly 0 is drawn


def epsilon_valley(one_sided_difference, two_sided_difference, heights=HEIGHTS):
    """Show how far two slopes of theta^3 + height at 1 are off, for steps from 1e-15 to 1.

    Parameters
    ----------
    one_sided_difference, two_sided_difference : functions (f, x, epsilon) -> float
    heights : increasing sequence of float
        What is added to theta^3: it changes no slope, but leaves fewer digits for the rest.

    Returns
    -------
    widget : PageSlider
    """
    estimates = {"one-sided": one_sided_difference, "two-sided": two_sided_difference}
    errors = [
        {name: errors_of(estimate, height) for name, estimate in estimates.items()} for height in heights
    ]
    said = [_valley_said(height, each) for height, each in zip(heights, errors, strict=True)]
    return page_slider("height added to f", heights, _valley_pages(heights, errors, said), said, 0)


def errors_of(estimate, height=0.0, epsilons=EPSILONS):
    """How far an estimate of the slope of theta^3 + height at 1 is off, for each epsilon."""
    estimated = [float(estimate(lambda theta: theta**3 + height, 1.0, float(e))) for e in epsilons]
    return np.abs(np.array(estimated) - SLOPE)


def _best(errors):
    """The step with the least error and that error; neighbours count, so that no lucky hit wins."""
    least = np.exp(
        np.convolve(np.log(np.maximum(np.nan_to_num(errors, nan=1e9), FLOOR)), np.ones(7) / 7, "valid")
    )
    k = int(np.argmin(least))
    return EPSILONS[k + 3], least[k]


def _valley_said(height, errors):
    parts = []
    for name, each in errors.items():
        step, error = _best(each)
        parts.append(f"{name} best near epsilon {step:.0e}, off by about {error:.0e} there")
    return f"theta^3 + {height:g}: " + "; ".join(parts)


def _valley_pages(heights, errors, said):
    """One picture a stop; what stays the same in all of them is drawn once."""
    with plots.unshown(width=7.8, height=3.4) as (fig, ax):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set(xlabel="epsilon", ylabel="error of the slope", xlim=(EPSILONS[0], 1), ylim=(1e-13, 1e3))
        ax.set_xticks(10.0 ** np.arange(-15, 1, 3))
        ax.set_yticks(10.0 ** np.arange(-12, 3, 3))
        ax.minorticks_off()
        ax.text(0.02, 0.05, "too small: rounding", transform=ax.transAxes, color=plots.MUTED)
        ax.text(0.98, 0.05, "too large: f bends", transform=ax.transAxes, color=plots.MUTED, ha="right")
        lines, bottoms = {}, {}
        for name, index in (("one-sided", 1), ("two-sided", 0)):
            style = {**plots.line_style("", index), "linewidth": 1.8}
            (lines[name],) = ax.plot(EPSILONS, np.maximum(errors[0][name], FLOOR), label=name, **style)
            (bottoms[name],) = ax.plot([], [], "o", color=style["color"], markersize=9, label="_best")
        plots.label_line_ends(ax)
        pages = []
        for height, each, words in zip(heights, errors, said, strict=True):
            for name, line in lines.items():
                line.set_ydata(np.maximum(each[name], FLOOR))
                step, error = _best(each[name])
                bottoms[name].set_data([step], [error])
            step, error = _best(each["two-sided"])
            name = "theta$^3$" + (f" + {height:g}" if height else "")
            ax.set_title(f"{name}: at best off by {error:.0e}, with steps near {step:.0e}")
            pages.append(
                plots.png(
                    fig,
                    f"Error against epsilon, both on log axes: two valleys. {words}.",
                    dpi=100,
                    colours=64,
                )
            )
            fig.set_layout_engine("none")
    return pages


# --- a small network, and what may be wrong with its gradients ----------------------------------------------

BUGS = {
    "dW2 doubled": "Yes: only W2 stands out, and a factor k leaves (k - 1) / (k + 1), here 1/3.",
    "db1 times 4": "Yes: only b1 stands out, at (4 - 1) / (4 + 1) = 3/5.",
    "the sign of dW3 flipped": "Yes: only W3 stands out, at 1, the most that is possible. "
    "Opposite vectors do that, and so does one that is zero.",
    "every db summed instead of averaged": "Yes: every b is off alike, by the number m of examples: "
    "(m - 1) / (m + 1), here 39/41 = 0.951. The W are right.",
    "the penalty left out of the gradient": "Yes: every W is off, each by another amount, and no b, for b "
    "is not penalised. The cost has the penalty, the gradient has not.",
    "nothing": "Right, nothing: what is left is the rounding of the slopes.",
}
# four networks whose costs fall alike
SUSPECTS = {
    "A": "dW2 doubled",
    "B": "nothing",
    "C": "the penalty left out of the gradient",
    "D": "db1 times 4",
}


class SmallNetwork:
    """A tanh network on forty points of the two moons, with a penalty on its weights.

    Parameters
    ----------
    epochs : int, how long it has been trained
    """

    def __init__(self, epochs=60, hidden="tanh", layer_dims=(2, 6, 4, 1), m=40, decay=0.01, seed=4):
        moons = load("moons")
        self.X, self.Y, self.m, self.decay = moons.X_train[:, :m], moons.Y_train[:, :m], m, decay
        self._net = Network(layer_dims, hidden=hidden, rng=np.random.default_rng(seed))
        self.descend(epochs)

    @property
    def parameters(self):
        """The parameters W1, b1, ..., as new arrays."""
        return {name: array.copy() for name, array in self._net.parameters.items()}

    def cost(self, parameters, columns=slice(None)):
        """Cross-entropy, of all points or some, plus a price on the squares of all weights."""
        self._load(parameters)
        weights = [array for name, array in parameters.items() if name.startswith("W")]
        return self._net.cost(self.X[:, columns], self.Y[:, columns]) + self.decay / 2 * sum(
            np.vdot(W, W) for W in weights
        )

    def gradients(self, parameters, bug="nothing", columns=slice(None)):
        """What backpropagation makes of that cost, with a mistake in it."""
        self._load(parameters)
        grads = self._net.cost_and_gradients(self.X[:, columns], self.Y[:, columns])[1]
        for name, array in parameters.items():
            if name.startswith("W") and bug != "the penalty left out of the gradient":
                grads["d" + name] += self.decay * array
            if name.startswith("b") and bug == "every db summed instead of averaged":
                grads["d" + name] *= self.m
        name, factor = {
            "dW2 doubled": ("dW2", 2),
            "db1 times 4": ("db1", 4),
            "the sign of dW3 flipped": ("dW3", -1),
        }.get(bug, ("dW1", 1))
        grads[name] *= factor
        return grads

    def descend(self, epochs, learning_rate=0.5, bug="nothing"):
        """Walk against such gradients; return the cost before each step."""
        costs = []
        for _ in range(epochs):
            here = self.parameters
            costs.append(float(self.cost(here)))
            for name, grad in self.gradients(here, bug).items():
                here[name[1:]] -= learning_rate * grad
            self._load(here)
        return costs

    def accuracy(self):
        """The share of the points that is told right."""
        return self._net.accuracy(self.X, self.Y)

    def _load(self, parameters):
        for name, array in parameters.items():
            self._net.parameters[name][...] = array


# --- the hunt ----------------------------------------------------------------------------------------------

LIMITS = {1e-7: "fine", 1e-5: "look closer", 1e-3: "worry"}
LOWEST = 1e-12


def plot_differences(ax, differences, *, title=None):
    """Draw relative differences as bars on a log axis, with the limits by which they are read.

    Parameters
    ----------
    ax : matplotlib Axes
    differences : dict of float, from 0 to 1
    title : str, optional
    """
    names, values = list(differences), np.array([float(d) for d in differences.values()])
    colours = [plots.COLOURS["vermillion" if d > 1e-3 else "orange" if d > 1e-5 else "blue"] for d in values]
    shown = np.clip(np.nan_to_num(values), LOWEST, 1)
    ax.set_xscale("log")
    ax.barh(range(len(names)), shown - LOWEST, left=LOWEST, color=colours, height=0.65)
    for row, (value, end) in enumerate(zip(values, shown, strict=True)):
        ax.text(
            end * 1.5, row, f"{value:.3g}" if value > 1e-3 else f"{value:.0e}", va="center", fontsize="small"
        )
    for limit in LIMITS:
        ax.axvline(limit, color=plots.MUTED, linewidth=1, linestyle=":", zorder=0)
    ax.set_yticks(range(len(names)), names)
    ax.set(
        xlim=(LOWEST, 60),
        ylim=(len(names) - 0.4, -0.6),
        xlabel="relative difference; dotted: 1e-7, 1e-5, 1e-3",
    )
    ax.set_xticks([1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1])
    ax.minorticks_off()
    if title:
        ax.set_title(title)


def bug_hunt(check_each, seed=4):
    """Show what a learner's check says about six gradients of one network, and ask what is wrong with each.

    Parameters
    ----------
    check_each : function (cost, parameters, grads, epsilon) -> dict of float

    Returns
    -------
    widget : ipywidgets.VBox
    """
    network = SmallNetwork(epochs=200, layer_dims=(2, 5, 5, 1), seed=2)
    order = np.random.default_rng(seed).permutation(list(BUGS)).tolist()
    found, pictures = set(), {}
    wide = {"style": {"description_width": "5em"}, "layout": widgets.Layout(width="16em")}
    which = widgets.Dropdown(options=range(1, len(order) + 1), description="gradient", **wide)
    answer = widgets.RadioButtons(
        options=list(BUGS), value=None, layout=widgets.Layout(width="auto"), description="culprit"
    )
    verdict, picture = widgets.HTML(), widgets.HTML()

    def show(_=None):
        number = which.value
        if number not in pictures:
            pictures[number] = _hunted(check_each, network, order[number - 1], number)
        picture.value = pictures[number]
        answer.value = None
        answer.disabled = "<img" not in picture.value
        verdict.value = "" if answer.disabled else _live("Read the bars, then name the culprit.")

    def judge(change):
        if change["new"] is None:
            return
        truth = order[which.value - 1]
        if change["new"] == truth:
            found.add(which.value)
            verdict.value = _live(f"{BUGS[truth]} Found: {len(found)} of {len(order)}.")
        else:
            verdict.value = _live(f"No. {_looks_like(change['new'])} Compare that with the bars.")

    which.observe(show, names="value")
    answer.observe(judge, names="value")
    show()
    return widgets.VBox([which, widgets.HBox([picture, answer]), verdict])


def _hunted(check_each, network, bug, number):
    """The picture of what the check says, or the reason why there is none."""
    parameters = network.parameters
    try:
        said = check_each(network.cost, parameters, network.gradients(parameters, bug), 1e-5)
        differences = {name: float(said[name]) for name in network.parameters}
    except Exception as error:  # a widget has no cell to end: the learner's error becomes a note
        return (
            f'<p role="note">{html.escape(note([getattr(check_each, "__name__", "check_each")], error))}</p>'
        )
    listed = ", ".join(f"{name} {value:.2g}" for name, value in differences.items())
    with plots.unshown(width=5.6, height=3.3) as (fig, ax):
        plot_differences(ax, differences, title=f"gradient {number}: who stands out?")
        return plots.png(fig, f"Relative differences of gradient {number}: {listed}.", dpi=100)


def _looks_like(bug):
    """What one would see if that were the culprit, without saying what it is."""
    return {
        "dW2 doubled": "If dW2 were doubled, W2 alone would stand out, at 1/3.",
        "db1 times 4": "If db1 were four times too large, b1 alone would stand out, at 3/5.",
        "the sign of dW3 flipped": "If the sign of dW3 were flipped, W3 alone would stand out, at 1.",
        "every db summed instead of averaged": "If every db were a sum, all b would stand out, all alike.",
        "the penalty left out of the gradient": "Without the penalty all W would stand out, and no b.",
        "nothing": "If nothing were wrong, every bar would end left of 1e-7.",
    }[bug]


def _live(text):
    return f'<p role="status" aria-live="polite" style="max-width:46em">{html.escape(text)}</p>'
