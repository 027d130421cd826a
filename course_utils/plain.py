"""Plain data: the only things that cross a process border or lie in a file of checks.

A learner's function may return anything. ``pack`` takes it apart into a JSON tree and raw number
arrays, looking only at real types (a subclass that lies about itself is read as what it is), within a
budget of bytes, items and depth. What cannot be read becomes ``Foreign``, which says in words what it
was. ``unpack`` trusts nothing: it checks every size and type before it builds a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

NUMBER_KINDS = "biuf"
_SCALARS = {bool, int, float, str}
WORDS = {
    "generator": "a generator (return a list instead)",
    "function": "a function",
    "complex": "a complex number",
}


@dataclass(frozen=True)
class Foreign:
    """Stands for a value that is no plain data; ``description`` says what it was."""

    description: str


@dataclass(frozen=True)
class Draws:
    """Stands for ``numpy.random.default_rng(seed)``; in one check the same ``name`` is the same generator."""

    seed: int
    name: str = "rng"


@dataclass(frozen=True)
class Named:
    """Stands for a function of ``course_utils.library``, built where it is called; its calls are recorded."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Budget:
    """What one value may cost at most: bytes of arrays and text, items of containers, depth of nesting."""

    size: int = 32 * 2**20
    items: int = 100_000
    depth: int = 40
    arrays: list[np.ndarray] = field(default_factory=list)

    def spend(self, size: int) -> bool:
        self.size -= size
        self.items -= 1
        return self.size >= 0 and self.items >= 0


def pack(value: Any, budget: Budget | None = None) -> tuple[Any, list[np.ndarray]]:
    """Take ``value`` apart into a JSON tree and a list of C-ordered number arrays."""
    budget = budget or Budget()
    return _pack(value, budget, 0), budget.arrays


def _pack(value: Any, budget: Budget, depth: int) -> Any:
    kind = type(value)
    if not budget.spend(8):
        return ["foreign", "more data than can be read"]
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        return value if value.bit_length() <= 1024 else ["foreign", "an integer of more than 1024 bits"]
    if kind is str:
        return value if budget.spend(len(value)) else ["foreign", "a very long text"]
    if kind is Foreign:
        return ["foreign", value.description]
    if kind is Draws:
        return ["draws", value.seed, value.name]
    if kind is Named:
        return ["named", value.name, _pack(value.options, budget, depth + 1)]
    if depth >= budget.depth:
        return ["foreign", "something nested very deeply"]
    try:
        if issubclass(kind, np.ndarray):
            return _pack_array(np.asarray(value), budget)
        if issubclass(kind, (bool, np.bool_)):
            return bool(np.bool_(value))
        if issubclass(kind, np.integer):
            return int(np.asarray(value)[()])
        if issubclass(kind, np.floating):
            return float(np.asarray(value, dtype=np.float64)[()])
        if issubclass(kind, int):
            return _pack(int.__int__(value), budget, depth + 1)
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, str):
            return _pack(str.__str__(value), budget, depth + 1)
        if issubclass(kind, dict):
            pairs = []
            for key, item in dict.items(value):
                usual = type(key) is str and len(key) < 100 and budget.spend(8 + len(key))
                name = key if usual else _pack(key, budget, depth + 1)
                pairs.append([name, _pack(item, budget, depth + 1)])
                if budget.items < 0:
                    return ["foreign", "more data than can be read"]
            return ["dict", pairs]
        for name, base in (("list", list), ("tuple", tuple), ("set", set), ("set", frozenset)):
            if issubclass(kind, base):
                if base.__len__(value) > budget.items:
                    return ["foreign", f"a {name} of very many items"]
                return [name, [_pack(item, budget, depth + 1) for item in base.__iter__(value)]]
    except Exception:  # a hostile class may raise anything
        pass
    name = type.__name__.__get__(kind) if isinstance(type.__name__, property) else kind.__name__
    name = str(name)[:60]
    return ["foreign", WORDS.get(name, f"an object of type {name}")]


def _pack_array(array: np.ndarray, budget: Budget) -> Any:
    if array.dtype.kind not in NUMBER_KINDS:
        what = {"O": "Python objects", "c": "complex numbers", "U": "text", "S": "text"}.get(array.dtype.kind)
        return ["foreign", f"an array of {what or 'something that is not numbers'}"]
    if not budget.spend(array.size * 8):
        return ["foreign", f"an array of {array.size} entries, more than can be read"]
    dtype = np.dtype(np.float64) if array.dtype == np.longdouble else array.dtype.newbyteorder("=")
    # ascontiguousarray makes 0-d arrays 1-d; the stored shape keeps the truth
    budget.arrays.append(np.ascontiguousarray(array, dtype=dtype))
    return ["array", dtype.str, list(array.shape), len(budget.arrays) - 1]


def unpack(tree: Any, arrays: list[np.ndarray]) -> Any:
    """Build the value that ``pack`` took apart; ``ValueError`` where the tree is not one of its own."""
    if tree is None or type(tree) in _SCALARS:
        return tree
    if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
        raise ValueError("packed data: unknown form")
    kind, parts = tree[0], tree[1:]
    if kind == "array" and len(parts) == 3:
        code, shape, index = parts
        if isinstance(code, str) and isinstance(shape, list) and isinstance(index, int):
            return _unpack_array(code, shape, arrays[index] if 0 <= index < len(arrays) else None)
    elif kind in _BUILT and len(parts) == 1 and isinstance(parts[0], list):
        return _BUILT[kind](parts[0], arrays)
    match tree:
        case ["foreign", str(description)]:
            return Foreign(description[:200])
        case ["draws", int(seed), str(name)]:
            return Draws(seed, name)
        case ["named", str(name), options]:
            return Named(name, unpack(options, arrays))
    raise ValueError(f"packed data: unknown form {tree[0][:20]!r}")


def _dict(pairs: list[Any], arrays: list[np.ndarray]) -> dict[Any, Any]:
    found = {}
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2:
            raise ValueError("packed data: a dict of no pairs")
        key, item = pair
        found[key if type(key) is str else _hashable(unpack(key, arrays))] = unpack(item, arrays)
    return found


_BUILT: dict[str, Callable[[list[Any], list[np.ndarray]], Any]] = {
    "dict": _dict,
    "list": lambda items, arrays: [unpack(item, arrays) for item in items],
    "tuple": lambda items, arrays: tuple([unpack(item, arrays) for item in items]),
    "set": lambda items, arrays: {_hashable(unpack(item, arrays)) for item in items},
}


def _unpack_array(code: str, shape: list[Any], array: np.ndarray | None) -> np.ndarray:
    dtype = dtype_of(code)
    if array is None or dtype.kind not in NUMBER_KINDS or array.dtype != dtype:
        raise ValueError("packed data: an array that does not fit its description")
    for n in shape:
        if type(n) is not int or n < 0:
            raise ValueError("packed data: a shape that is none")
    if len(shape) > 32 or math.prod(shape) != array.size:
        raise ValueError("packed data: an array that does not fit its shape")
    return array.reshape(shape).copy()


@lru_cache(maxsize=64)
def dtype_of(code: str) -> np.dtype[Any]:
    """Return the type of numbers that a short text names; ``TypeError`` if there is none."""
    return np.dtype(code)


def _hashable(value: Any) -> Any:
    """Let texts and small integers be keys: others can be made to collide, and a dict of them takes hours."""
    if type(value) is str:
        return value
    small = isinstance(value, int) and abs(value) < 2**31
    if value is None or small or isinstance(value, (str, Foreign)):
        return value
    return Foreign(
        f"the key {value!r}"[:60] if isinstance(value, (int, float)) else "a key that is not plain data"
    )


def fresh(value: Any) -> Any:
    """Return ``value`` with every array and container new, so that nobody can change the original."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fresh(item) for item in value)
    return value
