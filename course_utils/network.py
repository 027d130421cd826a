"""A plain L-layer network with places to plug a learner's functions in.

Examples are columns: X is (n_x, m), Y is (1, m) or one-hot (C, m). What defines the cost is handed to
:class:`Network` (initialization, batch norm, dropout, penalty, output); what walks down it is handed to
:meth:`Network.train` (mini-batches, optimizer, schedule). Each place takes a function in the signature that
the exercises use, and has a plain default of its own, so a lesson hands in only what it is about::

    net = Network([64, 64, 10], output="softmax", initialize=initialize_he,
                  dropout=Dropout(dropout_forward, dropout_backward, keep_prob=0.8))
    history = net.train(X, Y, epochs=20, learning_rate=0.001, batch_size=64, mini_batches=random_mini_batches,
                        optimizer=Optimizer(adam_update, state=("velocity", "squares"),
                                            beta1=0.9, beta2=0.999, epsilon=1e-8))
    net.accuracy(X_dev, Y_dev)

Epochs count from 0 and steps from 1.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np


class PluggedFunctionError(RuntimeError):
    """A function handed to the network gave back something that the network cannot use."""


# ------------------------------------------------------------------------- what is handed in


@dataclass(frozen=True)
class Dropout:
    """Dropout after each hidden activation, in training only.

    Parameters
    ----------
    forward : function (A, keep_prob, rng) -> (A_dropped, mask)
    backward : function (dA, mask, keep_prob) -> gradient, shape of dA
    keep_prob : float, or one for each hidden layer
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    keep_prob: float | Sequence[float]


@dataclass(frozen=True)
class Penalty:
    """A price on large weights: a term of the cost and the matching term of the gradient.

    Parameters
    ----------
    cost : function (cross_entropy_cost, parameters, lambd, m) -> cost with the penalty
        It sees the dict of W1, b1, ..., WL, bL and the number of examples in the batch.
    lambd : float, at least 0
    backward : function (dZ, A_prev, W, lambd) -> (dA_prev, dW, db), optional
        Replaces the backward pass of every linear layer; dW and db are averages and hold the term.
    gradient : function (W, lambd, m) -> what the penalty adds to dW, optional
        For a penalty without such a backward pass. Hand in exactly one of the two.
    """

    cost: Callable[..., Any]
    lambd: float
    backward: Callable[..., Any] | None = None
    gradient: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if (self.backward is None) == (self.gradient is None):
            raise ValueError("a Penalty needs backward= or gradient=, and not both: the term of dW")


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalization of Z in every hidden layer, before the activation.

    Parameters
    ----------
    forward : function (Z, gamma, beta, epsilon) -> Z_tilde
    backward : function (dZ_tilde, Z, gamma, epsilon) -> (dZ, dgamma, dbeta), the last two sums over the batch
    update_running : function (running_mean, running_var, Z, momentum) -> (running_mean, running_var)
    predict : function (Z, gamma, beta, running_mean, running_var, epsilon) -> Z_tilde
    epsilon : float, above 0
    momentum : float, weight of the past in the running averages
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    update_running: Callable[..., Any]
    predict: Callable[..., Any]
    epsilon: float = 1e-8
    momentum: float = 0.9


@dataclass(frozen=True)
class Output:
    """The activation and the cost of the last layer, for a learner's own softmax.

    Parameters
    ----------
    activation : function (Z) -> A, shape of Z
    cost : function (A, Y) -> average over the examples
    backward : function (A, Y) -> dZ of each example's own loss, shape of A, not averaged
    """

    activation: Callable[..., Any]
    cost: Callable[..., Any]
    backward: Callable[..., Any]


class Optimizer:
    """An update rule and the settings it is called with.

    Every step calls ``update(parameters, grads, *state, learning_rate=..., **settings)``, with ``t=`` (from
    1) if update has such an argument, and expects ``(parameters, *state)``, or only parameters without a
    state. Each state is a dict with the keys of grads and starts at zero. The parameters are W1, b1, ...,
    WL, bL; with batch norm the pairs gamma, beta follow as W(L+1), b(L+1), ..., so that a rule that walks
    through the layers moves them as well.

    Parameters
    ----------
    update : function
    state : names of the running averages that update keeps, such as ("velocity", "squares")
    entrywise : bool
        True promises that update treats every entry alike, whatever its name and neighbours, as momentum,
        RMSprop and Adam do. All parameters are then handed over as the W1 and b1 of a single unit, in blocks
        that fit the processor's cache: the same result, sooner.
    settings : keyword arguments for update, such as beta1=0.9
    """

    def __init__(
        self,
        update: Callable[..., Any],
        state: Sequence[str] = (),
        *,
        entrywise: bool = False,
        **settings: float,
    ) -> None:
        if isinstance(state, str):
            raise ValueError(
                f"state must be a tuple of names, such as ({state!r},), got the string {state!r}"
            )
        self.update, self.state, self.entrywise, self.settings = update, tuple(state), entrywise, settings


@dataclass
class History:
    """What happened in training: plain lists, ready to be drawn.

    ``step_costs``, ``learning_rates`` and ``batch_sizes`` have an entry for each step, the others one for
    each whole epoch. Costs hold the penalty, dev costs do not. An epoch's cost is the average over its
    examples: each step counts by the size of its batch. ``stopped`` says why training ended early, and is
    empty if it did not.
    """

    step_costs: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)
    epoch_costs: list[float] = field(default_factory=list)
    dev_costs: list[float] = field(default_factory=list)
    dev_accuracies: list[float] = field(default_factory=list)
    stopped: str = ""

    def __repr__(self) -> str:
        lines = [f"History: {len(self.step_costs)} steps, {len(self.epoch_costs)} whole epochs"]
        for name in ("epoch_costs", "dev_costs", "dev_accuracies"):
            values = getattr(self, name)
            if values:
                lines.append(f"  {name:<15} {values[0]:.4g} first, {values[-1]:.4g} last")
        return "\n".join(lines + ([self.stopped] if self.stopped else []))


class Layer(NamedTuple):
    """What the forward pass keeps of one layer."""

    A_prev: np.ndarray
    Z: np.ndarray
    A: np.ndarray
    mask: np.ndarray | None
    A_next: np.ndarray  # A after dropout: what the next layer sees


# ------------------------------------------------------------------------------- the network


class Network:
    """Layers of units, each a linear map and an activation.

    Parameters
    ----------
    layer_dims : [n_x, n1, ..., nL]
    hidden : "relu" or "tanh"
    output : "sigmoid", "softmax" or Output
    initialize : function (layer_dims, rng) -> parameters, optional
        Called as ``initialize(layer_dims, rng=rng)``. Default: uniform weights, at most 1/sqrt(n[l-1]).
    batchnorm : BatchNorm, optional
    dropout : Dropout, optional
    penalty : Penalty, optional
    rng : numpy.random.Generator, optional
        Draws the first weights; seed 0 if none is handed in.

    Attributes
    ----------
    parameters : dict of float64 arrays W1, b1, ..., and with batch norm gamma1, beta1, ...
        Views into one vector: write into them, as in ``net.parameters["W1"][...] = 0``.
    running : dict of the running averages mean1, var1, ... of batch norm, shape (n, 1)
    """

    def __init__(
        self,
        layer_dims: Sequence[int],
        *,
        hidden: str = "relu",
        output: str | Output = "sigmoid",
        initialize: Callable[..., Any] | None = None,
        batchnorm: BatchNorm | None = None,
        dropout: Dropout | None = None,
        penalty: Penalty | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.layer_dims = [int(n) for n in layer_dims]
        if len(self.layer_dims) < 2 or min(self.layer_dims) < 1:
            raise ValueError(f"layer_dims must hold two or more sizes from 1 upwards, got {list(layer_dims)}")
        if hidden not in _ACTIVATIONS:
            raise ValueError(f"hidden must be one of {', '.join(_ACTIVATIONS)}, got {hidden!r}")
        if not isinstance(output, Output) and output not in _OUTPUTS:
            raise ValueError(f"output must be {', '.join(_OUTPUTS)} or an Output, got {output!r}")
        self.L = len(self.layer_dims) - 1
        self.hidden, self.output = hidden, output
        self.batchnorm, self.dropout, self.penalty = batchnorm, dropout, penalty
        self.keep_probs = _one_for_each_hidden_layer(dropout.keep_prob if dropout else 1.0, self.L - 1)

        shapes = {}
        for layer, (n_prev, n) in enumerate(pairwise(self.layer_dims), start=1):
            shapes |= {f"W{layer}": (n, n_prev), f"b{layer}": (n, 1)}
        self._linear = list(shapes)
        initialize = initialize or _uniform
        drawn = initialize(self.layer_dims, rng=rng if rng is not None else np.random.default_rng(0))
        drawn = dict(_dict_of_arrays(initialize, "parameters", drawn, shapes))
        if batchnorm:
            for layer in range(1, self.L):
                drawn |= {f"{name}{layer}": np.full((self.layer_dims[layer], 1), start)
                          for name, start in (("gamma", 1.0), ("beta", 0.0))}  # fmt: skip
        self.running = {
            f"{name}{layer}": np.full((self.layer_dims[layer], 1), start)
            for layer in range(1, self.L if batchnorm else 1)
            for name, start in (("mean", 0.0), ("var", 1.0))
        }
        # One vector holds all parameters and another all gradients; the dicts below are views into them.
        self._shapes = {name: values.shape for name, values in drawn.items()}
        self._theta = np.concatenate([values.ravel() for values in drawn.values()]).astype(np.float64)
        self._gradient = np.zeros_like(self._theta)
        self.parameters = self._views(self._theta)
        self._grads = {"d" + name: view for name, view in self._views(self._gradient).items()}

    def __repr__(self) -> str:
        plugged = [name for name in ("batchnorm", "dropout", "penalty") if getattr(self, name)]
        output = self.output if isinstance(self.output, str) else _name(self.output.activation)
        sizes = "-".join(str(n) for n in self.layer_dims)
        return f"Network {sizes}: {self.hidden}, {output}; {', '.join(plugged) or 'nothing else'} handed in"

    # ------------------------------------------------------------------------------ using it

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """Return the output A of the last layer, (nL, m): no dropout, running averages for batch norm."""
        return self._activate_output(self.forward(X)[-1].Z)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the prediction: bool (1, m) for a sigmoid, class numbers (m,) for a softmax."""
        return self._decide(self.forward(X)[-1].Z)

    def accuracy(self, X: np.ndarray, Y: np.ndarray) -> float:
        """Return the share of examples that are predicted right; Y is (1, m) or one-hot (C, m)."""
        return self._cost_and_accuracy(X, self._labels(X, Y))[1]

    def cost(self, X: np.ndarray, Y: np.ndarray) -> float:
        """Return the average loss of the network in use: no dropout, running averages, no penalty."""
        return self._cost_and_accuracy(X, self._labels(X, Y))[0]

    def cost_and_gradients(
        self, X: np.ndarray, Y: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the cost that training lowers, and its gradients dW1, db1, ... as new arrays.

        Both hold the penalty; batch norm uses the statistics of this batch, and dropout draws from rng.
        """
        Y = self._labels(X, Y)
        layers = self.forward(X, training=True, rng=rng)
        cost = self._backward(layers, Y)
        return cost, {name: view.copy() for name, view in self._grads.items()}

    def forward(
        self, X: np.ndarray, *, training: bool = False, rng: np.random.Generator | None = None
    ) -> list[Layer]:
        """Return what each layer computes; training turns dropout and the statistics of this batch on."""
        activate = _ACTIVATIONS[self.hidden][0]
        p, layers, A = self.parameters, [], self._inputs(X)
        for layer in range(1, self.L + 1):
            Z = p[f"W{layer}"] @ A
            Z += p[f"b{layer}"]
            if layer == self.L:  # what becomes of the last Z depends on what is asked for
                layers.append(Layer(A, Z, Z, None, Z))
                break
            A_layer = activate(self._normalize(Z, layer, training) if self.batchnorm else Z)
            A_next, mask = A_layer, None
            if training and self.dropout:
                A_next, mask = self._drop(A_layer, layer, rng)
            layers.append(Layer(A, Z, A_layer, mask, A_next))
            A = A_next
        return layers

    # ------------------------------------------------------------------------------ training

    def train(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        *,
        epochs: int,
        learning_rate: float,
        batch_size: int | None = None,
        mini_batches: Callable[..., Any] | None = None,
        optimizer: Optimizer | None = None,
        schedule: Callable[..., float] | None = None,
        X_dev: np.ndarray | None = None,
        Y_dev: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
        progress: bool = True,
    ) -> History:
        """Lower the cost step by step and return what happened.

        Parameters
        ----------
        X : float64, shape (n_x, m)
        Y : float64, shape (1, m) or one-hot (C, m)
        epochs : int, at least 0
        learning_rate : float
        batch_size : int, optional
            Examples in a step; all of them if none is handed in.
        mini_batches : function (X, Y, batch_size, rng) -> list of (X_batch, Y_batch), optional
            Called once an epoch. Default: the columns in the order in which they stand, never shuffled.
        optimizer : Optimizer, optional
            Default: plain steps against the gradient.
        schedule : function (alpha0, epoch) or (alpha0, t) -> learning rate, optional
            Called with keywords, so fix the rest first: ``partial(inverse_time_decay, decay_rate=1.0)``.
        X_dev, Y_dev : like X and Y, optional
            Costs and accuracies of these are recorded after each epoch.
        rng : numpy.random.Generator, optional
            Draws mini-batches and dropout masks; seed 0 if none is handed in.
        progress : bool
            A bar in notebooks and terminals; never one where nobody watches.

        Returns
        -------
        history : History
            A cost that is not finite ends training: ``history.stopped`` says so, and so does a printed
            message. The parameters stay as they were when that cost was computed.

        Raises
        ------
        ValueError
            If the data do not fit the network.
        PluggedFunctionError
            If a function that was handed in returns something else than its place needs.
        """
        X, Y = self._inputs(X), self._labels(X, Y)
        if not np.isfinite(X).all():
            raise ValueError(
                "X holds NaN or infinity: no training can repair that, so look at the data first"
            )
        if (X_dev is None) != (Y_dev is None):
            raise ValueError("X_dev and Y_dev belong together: hand in both or neither")
        if X_dev is not None:
            X_dev, Y_dev = self._inputs(X_dev, "X_dev"), self._labels(X_dev, Y_dev, "Y_dev")
        if mini_batches is not None:
            # Shuffling picks columns: five times faster where each column stands in one piece.
            X, Y = np.asfortranarray(X), np.asfortranarray(Y)
        rng = rng if rng is not None else np.random.default_rng(0)
        batch_size = X.shape[1] if batch_size is None else batch_size
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        step = self._plain_step if optimizer is None else _Stepper(optimizer, self).step
        rate_of = _rates(schedule, learning_rate)
        history = History()
        # A cost that overflows is noticed and explained below; NumPy's warning would come first and say less.
        with _progress_bar(epochs, progress) as bar, np.errstate(over="ignore", invalid="ignore"):
            for epoch in range(epochs):
                batches = _batches(mini_batches, X, Y, batch_size, rng)
                for X_batch, Y_batch in batches:
                    layers = self.forward(X_batch, training=True, rng=rng)
                    cost = self._backward(layers, Y_batch)
                    t = len(history.step_costs) + 1
                    alpha = rate_of(epoch, t)
                    history.step_costs.append(cost)
                    history.learning_rates.append(alpha)
                    history.batch_sizes.append(X_batch.shape[1])
                    if not math.isfinite(cost):
                        history.stopped = self._why_stopped(cost, epoch, t, alpha)
                        break
                    step(alpha, t)
                    if self.batchnorm:
                        self._update_running(layers)
                if history.stopped:
                    break
                steps = len(batches)
                history.epoch_costs.append(
                    float(np.average(history.step_costs[-steps:], weights=history.batch_sizes[-steps:]))
                )
                if X_dev is not None:
                    dev_cost, dev_accuracy = self._cost_and_accuracy(X_dev, Y_dev)
                    history.dev_costs.append(dev_cost)
                    history.dev_accuracies.append(dev_accuracy)
                bar.set_postfix_str(f"cost {history.epoch_costs[-1]:.4g}", refresh=False)
                bar.update()
        if history.stopped:
            print(history.stopped)
        return history

    # ----------------------------------------------------------------- the parts of one step

    def _backward(self, layers: list[Layer], Y: np.ndarray) -> float:
        """Fill the gradients and return the cost with its penalty.

        dZ and dA are gradients of the average cost: each example's own gradient divided by m.
        """
        last, m = layers[-1], Y.shape[1]
        if isinstance(self.output, Output):
            A = _array(self.output.activation, "A", self.output.activation(last.Z), last.Z.shape)
            cost = _number(self.output.cost, "cost", self.output.cost(A, Y))
            dZ = _array(self.output.backward, "dZ", self.output.backward(A, Y), last.Z.shape) / m
        else:
            cost, dZ = _OUTPUTS[self.output].cost_and_gradient(last.Z, Y)
        slope = _ACTIVATIONS[self.hidden][1]
        for layer in range(self.L, 0, -1):
            here = layers[layer - 1]
            dA = self._linear_backward(dZ, here.A_prev, layer, m)
            if layer == 1:
                break
            below = layers[layer - 2]
            if self.dropout:
                keep_prob = self.keep_probs[layer - 2]
                dA = self.dropout.backward(dA, below.mask, keep_prob)
                dA = _array(self.dropout.backward, "gradient", dA, below.A.shape)
            dZ = slope(dA, below.A)
            if self.batchnorm:
                dZ = self._batchnorm_backward(dZ, below.Z, layer - 1)
        if self.penalty:
            linear = {name: self.parameters[name] for name in self._linear}
            with_penalty = self.penalty.cost(cost, linear, self.penalty.lambd, m)
            cost = _number(self.penalty.cost, "cost", with_penalty)
        return cost

    def _linear_backward(self, dZ: np.ndarray, A_prev: np.ndarray, layer: int, m: int) -> np.ndarray | None:
        """Fill dW and db of one layer and return dA of the layer below; the first layer needs none."""
        W, dW, db = self.parameters[f"W{layer}"], self._grads[f"dW{layer}"], self._grads[f"db{layer}"]
        if self.penalty and self.penalty.backward:
            function = self.penalty.backward
            # The function takes the gradients of single examples and averages dW and db itself.
            returned = function(dZ * m, A_prev, W, self.penalty.lambd)
            names, shapes = ("dA_prev", "dW", "db"), (A_prev.shape, W.shape, db.shape)
            dA_prev, dW[...], db[...] = _arrays(function, names, returned, shapes)
            return dA_prev / m
        np.matmul(dZ, A_prev.T, out=dW)
        np.add.reduce(dZ, axis=1, keepdims=True, out=db)
        if self.penalty:
            function = self.penalty.gradient
            dW += _array(function, "term of dW", function(W, self.penalty.lambd, m), W.shape)
        return W.T @ dZ if layer > 1 else None

    def _normalize(self, Z: np.ndarray, layer: int, training: bool) -> np.ndarray:
        norm, gamma, beta = self.batchnorm, self.parameters[f"gamma{layer}"], self.parameters[f"beta{layer}"]
        if training:
            return _array(norm.forward, "Z_tilde", norm.forward(Z, gamma, beta, norm.epsilon), Z.shape)
        running = self.running[f"mean{layer}"], self.running[f"var{layer}"]
        return _array(norm.predict, "Z_tilde", norm.predict(Z, gamma, beta, *running, norm.epsilon), Z.shape)

    def _batchnorm_backward(self, dZ_tilde: np.ndarray, Z: np.ndarray, layer: int) -> np.ndarray:
        norm, gamma = self.batchnorm, self.parameters[f"gamma{layer}"]
        returned = norm.backward(dZ_tilde, Z, gamma, norm.epsilon)
        names, shapes = ("dZ", "dgamma", "dbeta"), (Z.shape, gamma.shape, gamma.shape)
        dZ, dgamma, dbeta = _arrays(norm.backward, names, returned, shapes)
        # Sums over the batch, of shares in the average: these are the gradients of the average.
        self._grads[f"dgamma{layer}"][...] = dgamma
        self._grads[f"dbeta{layer}"][...] = dbeta
        return dZ

    def _update_running(self, layers: list[Layer]) -> None:
        update, momentum = self.batchnorm.update_running, self.batchnorm.momentum
        for layer, here in enumerate(layers[:-1], start=1):
            mean, var = self.running[f"mean{layer}"], self.running[f"var{layer}"]
            returned = update(mean, var, here.Z, momentum)
            names, shapes = ("running_mean", "running_var"), (mean.shape, var.shape)
            mean, var = _arrays(update, names, returned, shapes)
            self.running |= {f"mean{layer}": mean, f"var{layer}": var}

    def _drop(self, A: np.ndarray, layer: int, rng: np.random.Generator | None) -> tuple:
        if rng is None:
            raise ValueError("dropout draws random masks: hand in rng=numpy.random.default_rng(seed)")
        function = self.dropout.forward
        returned = function(A, self.keep_probs[layer - 1], rng)
        return _arrays(function, ("A_dropped", "mask"), returned, (A.shape, A.shape))

    def _plain_step(self, learning_rate: float, t: int) -> None:
        self._gradient *= learning_rate
        self._theta -= self._gradient

    # --------------------------------------------------------------------------- small parts

    def _views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        ends = np.cumsum([math.prod(shape) for shape in self._shapes.values()])
        parts = np.split(vector, ends[:-1])
        return {
            name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def _activate_output(self, Z: np.ndarray) -> np.ndarray:
        if isinstance(self.output, Output):
            return _array(self.output.activation, "A", self.output.activation(Z), Z.shape)
        return _OUTPUTS[self.output].activation(Z)

    def _decide(self, Z: np.ndarray) -> np.ndarray:
        # A sigmoid passes one half where Z passes 0, and a softmax is largest where Z is.
        return Z > 0 if self.output == "sigmoid" or len(Z) == 1 else Z.argmax(axis=0)

    def _cost_and_accuracy(self, X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
        Z = self.forward(X)[-1].Z
        decided = self._decide(Z)
        right = decided == (Y > 0.5 if decided.ndim == 2 else Y.argmax(axis=0))
        if isinstance(self.output, Output):
            return _number(
                self.output.cost, "cost", self.output.cost(self._activate_output(Z), Y)
            ), right.mean()
        return _OUTPUTS[self.output].cost_and_gradient(Z, Y)[0], float(right.mean())

    def _inputs(self, X: np.ndarray, name: str = "X") -> np.ndarray:
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[0] != self.layer_dims[0] or X.shape[1] == 0:
            raise ValueError(
                f"{name} must have shape ({self.layer_dims[0]}, m), a column an example, got {X.shape}"
            )
        return X

    def _labels(self, X: np.ndarray, Y: np.ndarray, name: str = "Y") -> np.ndarray:
        Y = np.asarray(Y, dtype=np.float64)
        expected = (self.layer_dims[-1], np.shape(X)[-1])
        if Y.shape != expected:
            hint = "; class numbers (m,) become columns of 0 and 1 by one-hot coding" if Y.ndim == 1 else ""
            raise ValueError(f"{name} must have shape {expected}, a column an example, got {Y.shape}{hint}")
        return Y

    def _why_stopped(self, cost: float, epoch: int, t: int, learning_rate: float) -> str:
        broken = [name for name, values in self.parameters.items() if not np.isfinite(values).all()]
        return (
            f"Training stopped: the cost became {cost} in epoch {epoch} (from 0), step {t} (from 1), "
            f"learning rate {learning_rate:g}.\n"
            f"  not finite  {', '.join(broken) or 'no parameter, so look at the functions handed in'}\n"
            "  likely      a learning rate that is too large, weights that start too large, or a function\n"
            "              handed in that divides by 0 or takes the logarithm of 0\n"
            "  try         a learning rate 10 times smaller, then smaller first weights; history.step_costs\n"
            "              shows how the cost grew, net.parameters is kept as it was at this step"
        )


# ----------------------------------------------------------------------------- taking a step

# Entries handed to an entrywise update at once: its temporary arrays then stay in the processor's cache.
_BLOCK = 16384


class _Stepper:
    """Calls a learner's update with parameters and gradients, and carries its state from step to step."""

    def __init__(self, optimizer: Optimizer, net: Network) -> None:
        self.optimizer = optimizer
        pairs = _unit_blocks if optimizer.entrywise else _layer_pairs
        self.groups = []
        for parameters, grads in pairs(net):
            state = [{key: np.zeros_like(g) for key, g in grads.items()} for _ in optimizer.state]
            self.groups.append((parameters, grads, state))
        self.takes_t = "t" in inspect.signature(optimizer.update).parameters

    def step(self, learning_rate: float, t: int) -> None:
        update, state_names = self.optimizer.update, self.optimizer.state
        settings = {"learning_rate": learning_rate, **self.optimizer.settings}
        if self.takes_t:
            settings["t"] = t
        for parameters, grads, state in self.groups:
            returned = update(dict(parameters), dict(grads), *state, **settings)
            if state:
                if not isinstance(returned, tuple | list) or len(returned) != 1 + len(state):
                    raise _unusable(update, f"(parameters, {', '.join(state_names)})", returned)
                returned, *state[:] = returned
                if t == 1:  # what a state looks like does not change later
                    for name, values in zip(state_names, state, strict=True):
                        _dict_of_arrays(update, name, values, grads)
            returned = _dict_of_arrays(update, "parameters", returned, parameters)
            for name, view in parameters.items():
                view[...] = returned[name]


def _layer_pairs(net: Network) -> list[tuple[dict, dict]]:
    """Hand over W1, b1, ..., WL, bL, and gamma, beta as further pairs W, b."""
    parameters = {name: net.parameters[name] for name in net._linear}
    grads = {"d" + name: net._grads["d" + name] for name in net._linear}
    for layer in range(1, net.L if net.batchnorm else 1):
        for name, alias in ((f"gamma{layer}", f"W{net.L + layer}"), (f"beta{layer}", f"b{net.L + layer}")):
            parameters[alias], grads["d" + alias] = net.parameters[name], net._grads["d" + name]
    return [(parameters, grads)]


def _unit_blocks(net: Network) -> list[tuple[dict, dict]]:
    """Hand over the vector of all parameters in blocks, each as the W1 (1, n) and b1 (1, 1) of one unit."""
    n_blocks = -(-net._theta.size // _BLOCK)
    blocks = zip(np.array_split(net._theta, n_blocks), np.array_split(net._gradient, n_blocks), strict=True)
    return [
        ({"W1": p[None, :-1], "b1": p[None, -1:]}, {"dW1": g[None, :-1], "db1": g[None, -1:]})
        for p, g in blocks
    ]


def _batches(mini_batches, X, Y, batch_size, rng):
    if mini_batches is None:
        slices = [slice(start, start + batch_size) for start in range(0, X.shape[1], batch_size)]
        return [(X[:, part], Y[:, part]) for part in slices]
    batches = mini_batches(X, Y, batch_size, rng)
    expected = "a list of (X_batch, Y_batch), columns of X and Y"
    if not isinstance(batches, list | tuple) or not batches:
        raise _unusable(mini_batches, expected, batches)
    for batch in batches:
        if not isinstance(batch, list | tuple) or len(batch) != 2:
            raise _unusable(mini_batches, expected, batch)
        m = np.shape(batch[0])[-1:]
        _arrays(mini_batches, ("X_batch", "Y_batch"), batch, (X.shape[:1] + m, Y.shape[:1] + m))
    return batches


def _rates(schedule: Callable[..., float] | None, alpha0: float) -> Callable[[int, int], float]:
    """Return the function (epoch, t) -> learning rate."""
    if schedule is None:
        return lambda epoch, t: alpha0
    if "t" in inspect.signature(schedule).parameters:
        return lambda epoch, t: _number(schedule, "learning rate", schedule(alpha0=alpha0, t=t))

    @cache  # one call serves all the steps of an epoch
    def rate_of_epoch(epoch: int) -> float:
        return _number(schedule, "learning rate", schedule(alpha0=alpha0, epoch=epoch))

    return lambda epoch, t: rate_of_epoch(epoch)


def _progress_bar(epochs: int, wanted: bool):
    """Return a bar that shows itself in a notebook or a terminal and is silent everywhere else."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if wanted and shell is not None and "ipykernel" in sys.modules and hasattr(shell, "kernel"):
        from tqdm.notebook import tqdm

        return tqdm(total=epochs, unit="epoch", leave=False)
    from tqdm import tqdm

    # disable=None: no bar where the output is not a terminal.
    return tqdm(total=epochs, unit="epoch", leave=False, disable=None if wanted else True)


# -------------------------------------------------------------------- plain parts of its own


def _uniform(layer_dims: Sequence[int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw weights evenly between -1/sqrt(n[l-1]) and 1/sqrt(n[l-1])."""
    drawn = {}
    for layer, (n_prev, n) in enumerate(pairwise(layer_dims), start=1):
        reach = n_prev**-0.5
        drawn |= {f"W{layer}": rng.uniform(-reach, reach, size=(n, n_prev)), f"b{layer}": np.zeros((n, 1))}
    return drawn


def _relu(Z):
    return np.maximum(Z, 0.0)


def _relu_slope(dA, A):
    return np.multiply(dA, A > 0)


def _tanh_slope(dA, A):
    return dA * (1.0 - A * A)


# name -> (activation, (dA, A) -> dZ)
_ACTIVATIONS = {"relu": (_relu, _relu_slope), "tanh": (np.tanh, _tanh_slope)}


class _Ending(NamedTuple):
    activation: Callable[[np.ndarray], np.ndarray]
    cost_and_gradient: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def _sigmoid(Z):
    # 0.5 * (1 + tanh(Z / 2)) is the same function and cannot overflow.
    A = np.tanh(0.5 * Z)
    A += 1.0
    A *= 0.5
    return A


def _sigmoid_cost_and_gradient(Z, Y):
    # -Y log A - (1 - Y) log(1 - A), written with Z so that no logarithm of 0 can occur.
    loss = np.logaddexp(0.0, Z)
    loss -= Y * Z
    dZ = _sigmoid(Z)
    dZ -= Y
    dZ /= Y.shape[1]
    return float(loss.sum()) / Y.shape[1], dZ


def _scaled_exponentials(Z):
    """Return Z less each column's largest entry, its exponentials and their sum over each column."""
    lowered = Z - np.maximum.reduce(Z, axis=0)
    exponentials = np.exp(lowered)
    return lowered, exponentials, np.add.reduce(exponentials, axis=0)


def _softmax_activation(Z):
    _, A, totals = _scaled_exponentials(Z)
    A /= totals
    return A


def _softmax_cost_and_gradient(Z, Y):
    lowered, dZ, totals = _scaled_exponentials(Z)
    cost = float(np.log(totals).sum() - np.multiply(Y, lowered, out=lowered).sum()) / Y.shape[1]
    dZ /= totals
    dZ -= Y
    dZ /= Y.shape[1]
    return cost, dZ


_OUTPUTS = {
    "sigmoid": _Ending(_sigmoid, _sigmoid_cost_and_gradient),
    "softmax": _Ending(_softmax_activation, _softmax_cost_and_gradient),
}


# --------------------------------------------- looking at what a handed-in function returned


def _name(function: Any) -> str:
    function = function.func if isinstance(function, partial) else function
    return getattr(function, "__name__", repr(function))


def _described(value: Any) -> str:
    if value is None:
        return "None (does it end with a return?)"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(str, value)) or 'nothing in it'}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{type(value).__name__} {str(value)[:60]}"


def _unusable(function: Any, expected: str, value: Any) -> PluggedFunctionError:
    return PluggedFunctionError(
        f"{_name(function)} was handed to the network and gave back something it cannot use\n"
        f"  returned  {_described(value)}\n"
        f"  expected  {expected}\n"
        f"  next      run the check of {_name(function)}, repair it, then build the network again"
    )


def _array(function: Any, name: str, value: Any, shape: tuple) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.shape != shape:
        raise _unusable(function, f"{name}, an array of shape {shape}", value)
    return value


def _arrays(
    function: Any, names: Sequence[str], values: Any, shapes: Sequence[tuple]
) -> Sequence[np.ndarray]:
    if not isinstance(values, tuple | list) or len(values) != len(names):
        raise _unusable(function, f"({', '.join(names)})", values)
    for name, value, shape in zip(names, values, shapes, strict=True):
        _array(function, name, value, shape)
    return values


def _dict_of_arrays(function: Any, name: str, values: Any, like: dict) -> dict[str, np.ndarray]:
    """Return values if it is a dict with the keys of like and their shapes."""
    if not isinstance(values, dict) or values.keys() != like.keys():
        raise _unusable(function, f"{name}, a dict with {', '.join(like)}", values)
    for key, example in like.items():
        shape, value = example if isinstance(example, tuple) else example.shape, values[key]
        if not isinstance(value, np.ndarray) or value.shape != shape:
            raise _unusable(function, f"{name}[{key!r}], an array of shape {shape}", value)
    return values


def _number(function: Any, name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _unusable(function, f"the {name}, one number", value) from None


def _one_for_each_hidden_layer(keep_prob: float | Sequence[float], n_hidden: int) -> list[float]:
    keep_probs = [float(keep_prob)] * n_hidden if np.ndim(keep_prob) == 0 else [float(k) for k in keep_prob]
    if len(keep_probs) != n_hidden:
        raise ValueError(f"keep_prob needs one value, or {n_hidden}, one a hidden layer; got {keep_prob}")
    return keep_probs
