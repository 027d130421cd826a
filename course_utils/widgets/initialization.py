"""A signal on its way through a deep network and a gradient on its way back, layer by layer.

First weights come from the learner's own functions; every change of a control draws them afresh.
"""

from __future__ import annotations

import html

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from course_utils import plots
from course_utils.lesson import note
from course_utils.library import activation as activation_named

UNITS, EXAMPLES, SHOWN = 100, 200, 5
SLOPES = {  # the derivative of each activation, from its own values A
    "tanh": lambda A: 1 - A**2,
    "ReLU": lambda A: (A > 0) * 1.0,
    "sigmoid": lambda A: A * (1 - A),
    "none": np.ones_like,
}
LIBRARY_NAMES = {"tanh": "tanh", "ReLU": "relu", "sigmoid": "sigmoid", "none": "identity"}


def signal_explorer(schemes, scaled="random"):
    """Show activations and gradients of each layer as the scheme, its scale, depth and activation change.

    Parameters
    ----------
    schemes : dict of functions (layer_dims, rng=rng) -> parameters, by the name to show
        The one called ``scaled`` also takes ``scale=``, the standard deviation of its weights.

    Returns
    -------
    widget : ipywidgets.VBox
    """
    # lists only: the sliders of ipywidgets have no name that a screen reader finds
    wide = {"style": {"description_width": "5.5em"}, "layout": widgets.Layout(width="22em")}
    controls = {
        "scheme": widgets.Dropdown(options=list(schemes), value=scaled, description="scheme", **wide),
        "scale": widgets.Dropdown(
            options=[0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 1.0], value=0.05, description="scale", **wide
        ),
        "depth": widgets.Dropdown(options=list(range(5, 55, 5)), value=10, description="layers", **wide),
        "activation": widgets.Dropdown(options=list(SLOPES), description="activation", **wide),
    }
    picture = widgets.HTML()

    def redraw(_=None):
        chosen = {name: control.value for name, control in controls.items()}
        controls["scale"].disabled = chosen["scheme"] != scaled
        scheme = schemes[chosen["scheme"]]
        settings = {"scale": chosen["scale"]} if chosen["scheme"] == scaled else {}
        try:
            A, dZ = signals(scheme, chosen["depth"], chosen["activation"], **settings)
            picture.value = _page(A, dZ, chosen, settings)
        except Exception as error:  # a widget has no cell to end: the learner's error becomes a note
            said = note([getattr(scheme, "__name__", chosen["scheme"])], error)
            picture.value = f'<p role="note">{html.escape(said)}</p>'

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    rows = [
        widgets.HBox([controls[a], controls[b]]) for a, b in (("scheme", "scale"), ("activation", "depth"))
    ]
    return widgets.VBox([*rows, picture])


def signals(scheme, depth, activation, seed=0, **settings):
    """Return the activations and the gradients with respect to Z of each layer, first to last.

    The input is normal with variance 1, and so is the gradient that arrives at the last activations.
    """
    rng = np.random.default_rng(seed)
    A, dA = rng.standard_normal((2, UNITS, EXAMPLES))
    parameters = scheme([UNITS] * (depth + 1), rng=rng, **settings)
    activate, slope = activation_named(LIBRARY_NAMES[activation]), SLOPES[activation]
    activations, gradients = [], []
    for layer in range(1, depth + 1):
        A = activate(parameters[f"W{layer}"] @ A + parameters[f"b{layer}"])
        activations.append(A)
    for layer in range(depth, 0, -1):
        dZ = dA * slope(activations[layer - 1])
        gradients.insert(0, dZ)
        dA = parameters[f"W{layer}"].T @ dZ
    return activations, gradients


def _page(activations, gradients, chosen, settings):
    depth = len(activations)
    layers = np.unique(np.linspace(1, depth, SHOWN).round().astype(int))
    spread = {
        name: [float(a.std()) for a in arrays]
        for name, arrays in (("activations", activations), ("gradients", gradients))
    }
    name = chosen["scheme"] + (f" {settings['scale']:g}" if settings else "")
    alt = (
        f"Histograms of activations and gradients in {len(layers)} of {depth} layers, scheme {name}, "
        f"activation {chosen['activation']}. The standard deviation of the activations goes from "
        f"{spread['activations'][0]:.2g} in layer 1 to {spread['activations'][-1]:.2g} in layer {depth}; "
        f"that of the gradients from {spread['gradients'][-1]:.2g} in layer {depth} back to "
        f"{spread['gradients'][0]:.2g} in layer 1."
    )
    with plt.style.context(plots.STYLE):
        fig, axes = plt.subplots(2, len(layers), figsize=(9.5, 4.0), sharex="row", sharey="row")
        for row, (kind, arrays, start) in enumerate(
            (("activations", activations, 0), ("gradients", gradients, -1))
        ):
            # both rows are drawn on the scale of the layer in which the signal starts
            border = 3 * float(np.sqrt(np.mean(arrays[start] ** 2))) or 1.0
            colour = plots.COLOURS["blue" if row == 0 else "orange"]
            for ax, layer in zip(axes[row], layers, strict=True):
                values = np.clip(arrays[layer - 1].ravel(), -border, border)
                ax.hist(values, bins=np.linspace(-border, border, 41), color=colour)
                ax.set_title(f"layer {layer}: {spread[kind][layer - 1]:.2g}", fontsize=9)
                ax.set_yticks([])
            axes[row][0].set_ylabel(kind)
        fig.suptitle(f"{name}, {chosen['activation']}: spread of each layer", fontsize=11)
        page = plots.png(fig, alt, dpi=100, colours=64)
        plt.close(fig)
    return page
