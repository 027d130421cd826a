"""A gradient tape in NumPy, with places for a learner's functions.

Inside a `with` block the tape writes down every operation on tensors: what came out, what went in, and how a
gradient of the one becomes gradients of the others. Afterwards `gradient` hands all of that to
`backpropagate` and returns what it collected::

    Tape = partial(GradientTape, unbroadcast=unbroadcast, multiply_gradients=multiply_gradients,
                   matmul_gradients=matmul_gradients, backpropagate=backpropagate)
    w = Variable(0.0, "w")
    with Tape() as tape:
        J = w**2 - 10 * w + 25
    slope = tape.gradient(J, w)

Tensors know + - * / @ and ** with a number; functions of them are `exp`, `log`, `tanh`, `relu`, `total` and
`mean`. Numbers and NumPy arrays are data: they take part, but nobody asks for their gradient.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

Pull = Callable[["GradientTape", np.ndarray], Sequence[Any]]


class TapeError(RuntimeError):
    """The tape was used, or a function that was handed to it answered, in a way that gives no gradient."""


# --- what is computed with ---------------------------------------------------------------------------------


class Tensor:
    """An array that open tapes follow.

    Attributes
    ----------
    value : float64 array
    name : str, for messages and pictures
    is_data : bool, True if no gradient is wanted
    """

    __array_ufunc__ = None  # so an array on the left of an operator leaves the work to the tensor

    def __init__(self, value: Any, name: str = "", *, is_data: bool = False) -> None:
        self.value = np.array(value, dtype=np.float64)
        self.name, self.is_data = name, is_data

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __repr__(self) -> str:
        return f"{self.name or 'tensor'} {self.value}" if self.shape == () else f"{self.name} {self.shape}"

    def __add__(self, other: Any) -> Tensor:
        a, b = self, _tensor(other)
        return _operation("+", a.value + b.value, (a, b), lambda tape, g: (
            tape.unbroadcast(g, a.shape), tape.unbroadcast(g, b.shape)))  # fmt: skip

    def __mul__(self, other: Any) -> Tensor:
        a, b = self, _tensor(other)
        return _operation("*", a.value * b.value, (a, b),
                          lambda tape, g: tape.multiply_gradients(g, a.value, b.value))  # fmt: skip

    def __matmul__(self, other: Any) -> Tensor:
        a, b = self, _tensor(other)
        return _operation("@", a.value @ b.value, (a, b),
                          lambda tape, g: tape.matmul_gradients(g, a.value, b.value))  # fmt: skip

    def __pow__(self, exponent: float) -> Tensor:
        if not np.isscalar(exponent):
            raise TypeError(f"the exponent must be a number, got {type(exponent).__name__}")
        return _entrywise(f"^{exponent:g}", self, self.value**exponent,
                          exponent * self.value ** (exponent - 1.0))  # fmt: skip

    def __xor__(self, other: Any) -> Tensor:
        raise TypeError("^ is no power in Python: write w**2")

    def __radd__(self, other: Any) -> Tensor:
        return _tensor(other) + self

    def __rmul__(self, other: Any) -> Tensor:
        return _tensor(other) * self

    def __rmatmul__(self, other: Any) -> Tensor:
        return _tensor(other) @ self

    def __neg__(self) -> Tensor:
        return self * -1.0

    def __sub__(self, other: Any) -> Tensor:
        return self + -_tensor(other)

    def __rsub__(self, other: Any) -> Tensor:
        return _tensor(other) + -self

    def __truediv__(self, other: Any) -> Tensor:
        return self * _tensor(other) ** -1.0

    def __rtruediv__(self, other: Any) -> Tensor:
        return _tensor(other) * self**-1.0


class Variable(Tensor):
    """A tensor that training moves; `value` may be replaced by one of the same shape."""


def exp(a: Tensor) -> Tensor:
    """Return e to each entry."""
    value = np.exp(a.value)
    return _entrywise("exp", a, value, value)


def log(a: Tensor) -> Tensor:
    """Return the natural logarithm of each entry."""
    return _entrywise("log", a, np.log(a.value), 1.0 / a.value)


def tanh(a: Tensor) -> Tensor:
    """Return the hyperbolic tangent of each entry."""
    value = np.tanh(a.value)
    return _entrywise("tanh", a, value, 1.0 - value**2)


def relu(a: Tensor) -> Tensor:
    """Return each entry above 0, and 0 for the others; at 0, where it has a kink, the slope is taken as 0."""
    return _entrywise("relu", a, np.where(a.value > 0, a.value, 0.0), np.where(a.value > 0, 1.0, 0.0))


def total(a: Tensor, axis: int | None = None) -> Tensor:
    """Return the sum of all entries, or along an axis, which stays as one of length 1."""
    value = a.value.sum() if axis is None else a.value.sum(axis=axis, keepdims=True)
    # each entry moves the sum by as much as it moves itself, so all get the gradient of their sum
    return _operation("sum", value, (a,), lambda tape, g: (np.broadcast_to(g, a.shape).copy(),))


def mean(a: Tensor, axis: int | None = None) -> Tensor:
    """Return the mean of all entries, or along an axis, which stays as one of length 1."""
    return total(a, axis) * (1.0 / (a.value.size if axis is None else a.shape[axis]))


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value, "data", is_data=True)


def _entrywise(symbol: str, a: Tensor, value: np.ndarray, slope: np.ndarray) -> Tensor:
    return _operation(symbol, value, (a,), lambda tape, g: (g * slope,))


def _operation(symbol: str, value: np.ndarray, inputs: tuple[Tensor, ...], pull: Pull) -> Tensor:
    result = Tensor(value, symbol, is_data=all(a.is_data for a in inputs))
    for tape in _open_tapes:
        tape.operations[result] = Operation(symbol, result, inputs, pull)
    return result


# --- the tape ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """A line on the tape; pull turns a gradient of the result into one for each of the inputs."""

    symbol: str
    result: Tensor
    inputs: tuple[Tensor, ...]
    pull: Pull


class GradientTape:
    """Write down operations and differentiate what came out.

    Parameters
    ----------
    unbroadcast : function (gradient, shape) -> gradient of that shape
    multiply_gradients : function (upstream, a, b) -> (da, db)
    matmul_gradients : function (upstream, A, B) -> (dA, dB)
    backpropagate : function (output, parents, local_gradients) -> {node: gradient}
        Called with tensors as nodes and with slopes that are more than numbers: they can be multiplied by a
        gradient, and gradients can be added.

    Attributes
    ----------
    operations : dict from each result to its line on the tape, in the order of computing
    """

    def __init__(
        self,
        *,
        unbroadcast: Callable[..., Any],
        multiply_gradients: Callable[..., Any],
        matmul_gradients: Callable[..., Any],
        backpropagate: Callable[..., Any],
    ) -> None:
        self.unbroadcast, self.multiply_gradients = unbroadcast, multiply_gradients
        self.matmul_gradients, self.backpropagate = matmul_gradients, backpropagate
        self.operations: dict[Tensor, Operation] = {}

    def __enter__(self) -> GradientTape:
        self.operations = {}
        _open_tapes.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open_tapes.remove(self)

    def parents(self) -> dict[Tensor, list[Tensor]]:
        """Return every tensor on the tape with those it was made from; data are left out."""
        made = {
            result: [a for a in line.inputs if not a.is_data]
            for result, line in self.operations.items()
            if not result.is_data
        }
        leaves = [a for made_from in made.values() for a in made_from if a not in made]
        return {**{leaf: [] for leaf in leaves}, **made}

    def gradient(self, output: Tensor, sources: Any) -> Any:
        """Return how the output changes with the sources.

        Parameters
        ----------
        output : Tensor of shape (), computed while the tape was open
        sources : Tensor, or a list of them

        Returns
        -------
        gradients : float64 array of the source's shape, or a list of them
            Zeros where the output does not depend on the source.

        Raises
        ------
        TapeError
            If the output is not one number, or not on this tape, or a function that was handed in returned
            something else than its place needs.
        """
        if output not in self.operations:
            raise TapeError("the output is not on this tape: compute it inside the with block")
        if output.shape != ():
            raise TapeError(f"a tape differentiates one number, got shape {output.shape}: sum it up first")
        parents = self.parents()
        slopes = {node: self._slopes(node) for node in parents}
        collected = self.backpropagate(output, parents, slopes)
        if not isinstance(collected, Mapping):
            raise TapeError(f"backpropagate must return a dict, got {type(collected).__name__}")
        if isinstance(sources, Tensor):
            return _collected(collected, sources)
        return [_collected(collected, source) for source in sources]

    def _slopes(self, node: Tensor) -> list[Slope]:
        if node not in self.operations:
            return []
        line = self.operations[node]
        return [Slope(self, line, i) for i, a in enumerate(line.inputs) if not a.is_data]


_open_tapes: list[GradientTape] = []


class _Operand:
    """Lets NumPy's numbers and functions meet what is not a number: only + and * are known."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Any:
        known: dict[Any, Callable[[Any, Any], Any]] = {np.add: operator.add, np.multiply: operator.mul}
        if method != "__call__" or ufunc not in known:
            return NotImplemented
        a, b = (x.item() if isinstance(x, (np.ndarray, np.generic)) else x for x in inputs)
        return known[ufunc](a, b)


class Gradient(_Operand):
    """An array on its way back: it can be added to others and multiplied by a slope."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __repr__(self) -> str:
        return f"gradient of shape {self.array.shape}"

    def __add__(self, other: Any) -> Gradient:
        return Gradient(self.array + (other.array if isinstance(other, Gradient) else other))

    __radd__ = __add__


class Slope(_Operand):
    """The local gradient of one input of an operation: times the gradient of the result it gives a share."""

    def __init__(self, tape: GradientTape, line: Operation, i: int) -> None:
        self.tape, self.line, self.i = tape, line, i

    def __repr__(self) -> str:
        return f"slope of {self.line.symbol}"

    def __mul__(self, upstream: Any) -> Gradient:
        if isinstance(upstream, Slope):
            return NotImplemented
        g = upstream.array if isinstance(upstream, Gradient) else np.asarray(upstream, dtype=np.float64)
        if g.shape != self.line.result.shape:
            raise TapeError(
                f"the gradient of a result of shape {self.line.result.shape} arrived with shape {g.shape}: "
                "the walk must begin at the output and pass each gradient on as it is"
            )
        shares = self.line.pull(self.tape, g)
        shape, share = self.line.inputs[self.i].shape, _array(shares, self.i)
        if share.shape != shape:
            at = f"an input of {self.line.symbol} with shape {shape}"
            raise TapeError(f"{at} got a gradient of shape {share.shape}: what do the checks say?")
        return Gradient(share)

    __rmul__ = __mul__


def _array(shares: Any, i: int) -> np.ndarray:
    if not isinstance(shares, (tuple, list)) or len(shares) <= i:
        raise TapeError(f"a gradient for each input was expected, got {type(shares).__name__}")
    return np.asarray(shares[i], dtype=np.float64)


def _collected(collected: Mapping[Tensor, Any], source: Tensor) -> np.ndarray:
    found = collected.get(source, 0.0)
    array = found.array if isinstance(found, Gradient) else np.asarray(found, dtype=np.float64)
    if array.shape == () and array == 0:  # never touched on the way back
        return np.zeros(source.shape)
    if array.shape != source.shape:
        raise TapeError(f"{source!r} must get a gradient of its own shape, got {array.shape}")
    return array


# --- what stands around a tape -----------------------------------------------------------------------------


class Descent:
    """Step against the gradient."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def apply(self, gradients: Sequence[np.ndarray], variables: Sequence[Variable]) -> None:
        """Move each variable by one step."""
        for g, variable in zip(gradients, variables, strict=True):
            variable.value = variable.value - self.learning_rate * g


class Adagrad(Descent):
    """Divide each entry's step by the root of the sum of all its squared gradients.

    Source
    ------
    Duchi, Hazan and Singer, JMLR 12 (2011).
    """

    def __init__(self, learning_rate: float) -> None:
        super().__init__(learning_rate)
        self.sums: dict[Variable, np.ndarray] = {}

    def apply(self, gradients: Sequence[np.ndarray], variables: Sequence[Variable]) -> None:
        """Move each variable by one step."""
        scaled = []
        for g, variable in zip(gradients, variables, strict=True):
            self.sums[variable] = self.sums.get(variable, np.zeros_like(g)) + g**2
            scaled.append(np.divide(g, np.sqrt(self.sums[variable]), where=g != 0, out=np.zeros_like(g)))
        super().apply(scaled, variables)


class Yours(Descent):
    """An update of the lesson on optimizers, with its state kept between steps.

    Parameters
    ----------
    update : function (parameters, grads, *state, learning_rate, **settings) -> (parameters, *state)
    learning_rate : float
    state : int, how many running averages it keeps
    settings : keyword arguments of update, such as beta1=0.9; t is counted where update asks for it
    """

    def __init__(
        self, update: Callable[..., Any], learning_rate: float, *, state: int = 0, **settings: float
    ) -> None:
        super().__init__(learning_rate)
        self.update, self.settings, self.n_states, self.t = update, settings, state, 0
        self.state: list[dict[str, np.ndarray]] = []

    def apply(self, gradients: Sequence[np.ndarray], variables: Sequence[Variable]) -> None:
        """Move each variable by one step."""
        parameters, grads = {}, {}
        for layer, (g, variable) in enumerate(zip(gradients, variables, strict=True), start=1):
            # an update may walk through layers, so every variable is the W of one, as a column
            parameters |= {f"W{layer}": variable.value.reshape(-1, 1), f"b{layer}": np.zeros((1, 1))}
            grads |= {f"dW{layer}": np.reshape(g, (-1, 1)), f"db{layer}": np.zeros((1, 1))}
        if self.t == 0:
            self.state = [{k: np.zeros_like(g) for k, g in grads.items()} for _ in range(self.n_states)]
        self.t += 1
        count = {"t": self.t} if "t" in inspect.signature(self.update).parameters else {}
        settings = {**count, **self.settings, "learning_rate": self.learning_rate}
        answer = self.update(parameters, grads, *self.state, **settings)
        moved, *self.state = answer if self.n_states else (answer,)
        for layer, variable in enumerate(variables, start=1):
            variable.value = np.reshape(moved[f"W{layer}"], variable.shape)


def nudged(cost: Callable[[], Tensor], variable: Variable, step: float = 1e-3) -> np.ndarray:
    """Measure the gradient of a cost by moving every entry of a variable a little, on both sides.

    Equation, with an error of order step^4::

        (8 (J(+step) - J(-step)) - (J(+2 step) - J(-2 step))) / (12 step)

    Parameters
    ----------
    cost : function () -> Tensor of shape ()
    variable : Variable
        As before when this is done.
    step : float

    Returns
    -------
    gradient : float64, shape of variable
    """
    start, gradient = variable.value, np.zeros(variable.shape)
    weights = {1: 8, -1: -8, 2: -1, -2: 1}
    try:
        for at in np.ndindex(start.shape):
            for steps, weight in weights.items():
                variable.value = start.copy()
                variable.value[at] += steps * step
                gradient[at] += weight * float(cost().value) / (12 * step)
    finally:
        variable.value = start
    return gradient


class framework:
    """A block for a framework that may not be installed: then a sentence says so, and the lesson goes on.

    Parameters
    ----------
    name : str, what it is called
    package : str, what is installed
    """

    def __init__(self, name: str, package: str) -> None:
        self.name, self.package = name, package

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, ImportError):
            print(f"{self.name} is not installed here, and this lesson does not need it: read its lines.")
            print(f"To run them: pip install {self.package}, then restart the kernel.")
            return True
        if isinstance(error, Exception):
            print(f"{self.name} is installed but stopped with {type(error).__name__}: {str(error)[:200]}")
            return True
        return False
