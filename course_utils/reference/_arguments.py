"""Checks of arguments, so that a reference function can be read as its equation.

Each check returns its argument ready for arithmetic (a Python number, a float64 array) or raises a
ValueError that says what came and what was expected. An array comes back without a copy where none is
needed, so a function that returns it unchanged copies it first.
"""

import operator
import reprlib

import numpy as np


def number(name, value):
    """Return a real number as a Python float; NaN and infinity pass."""
    array = np.asarray(value)
    if array.ndim != 0 or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a real number, got {_described(value)}")
    return float(array)


def in_range(name, value, low=-np.inf, high=np.inf, *, low_open=False, high_open=False):
    """Return a finite number between low and high as a Python float; an open end is left out."""
    result = number(name, value)
    above = result > low if low_open else result >= low
    below = result < high if high_open else result <= high
    if not (np.isfinite(result) and above and below):
        left = "(" if low_open or np.isinf(low) else "["
        right = ")" if high_open or np.isinf(high) else "]"
        raise ValueError(f"{name} must lie in {left}{low}, {high}{right}, got {value}")
    return result


def whole_number(name, value, minimum):
    """Return a Python or NumPy integer that is at least minimum as a Python int."""
    try:
        if isinstance(value, bool):
            raise TypeError
        result = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {_described(value)}") from None
    if result < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return result


def float_array(name, value, ndim=None):
    """Return an array of numbers as float64; it holds something and has ndim axes, if ndim is given."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be an array, got rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {_described(value)}")
    if ndim is not None and array.ndim != ndim:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise ValueError(f"{name} must have {axes}, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return array.astype(np.float64, copy=False)


def same_shape(name_a, a, name_b, b):
    """Raise unless the two arrays have one shape."""
    if a.shape != b.shape:
        raise ValueError(f"{name_a} and {name_b} must have one shape, got {a.shape} and {b.shape}")


def has_shape(name, array, shape):
    """Raise unless the array has this shape."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def generator(rng):
    """Return rng if it is a numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, got {_described(rng)}")
    return rng


def function(name, value):
    """Return value if it can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {_described(value)}")
    return value


def n_layers(parameters):
    """Return L of a dict with exactly the keys W1, b1, ..., WL, bL in any order."""
    if not isinstance(parameters, dict) or not parameters:
        raise ValueError(f"parameters must be a dict with W1, b1, ..., WL, bL, got {_described(parameters)}")
    L = (len(parameters) + 1) // 2
    _same_keys("parameters", parameters, [f"{kind}{layer}" for layer in range(1, L + 1) for kind in "Wb"])
    return L


def layers(parameters):
    """Return [(W1, b1), ..., (WL, bL)] as float64 arrays whose shapes fit each other."""
    pairs = []
    for layer in range(1, n_layers(parameters) + 1):
        W = float_array(f"W{layer}", parameters[f"W{layer}"], ndim=2)
        b = float_array(f"b{layer}", parameters[f"b{layer}"], ndim=2)
        has_shape(f"b{layer}", b, (W.shape[0], 1))
        if pairs:
            has_shape(f"W{layer}", W, (W.shape[0], pairs[-1][0].shape[0]))
        pairs.append((W, b))
    return pairs


def network(X, parameters):
    """Return X as float64 and the layers of parameters; X has a row for each input of the first layer."""
    X = float_array("X", X, ndim=2)
    pairs = layers(parameters)
    has_shape("X", X, (pairs[0][0].shape[1], X.shape[1]))
    return X, pairs


def matching(name, values, like, prefix=""):
    """Return values as float64 arrays, with the keys of like behind prefix and their shapes.

    `matching("grads", grads, parameters, prefix="d")` asks for one dW1 of W1's shape, and so on;
    the result is in the order of like.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{name} must be a dict, got {_described(values)}")
    _same_keys(name, values, [prefix + key for key in like])
    result = {}
    for key in like:
        result[prefix + key] = float_array(f"{name}[{prefix + key!r}]", values[prefix + key])
        has_shape(f"{name}[{prefix + key!r}]", result[prefix + key], np.shape(like[key]))
    return result


def _same_keys(name, values, expected):
    if set(values) != set(expected):
        raise ValueError(f"{name} must have the keys {', '.join(expected)}, got {sorted(values, key=str)}")


def _described(value):
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    return f"{type(value).__name__} {reprlib.repr(value)}"
