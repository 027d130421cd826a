"""An observation says all that a call did, whatever it did."""

import time
import warnings

import numpy as np
import pytest

from course_utils.calls import Call, observe
from course_utils.plain import Draws, Named, pack, unpack


def one(function, **arguments):
    return observe(function, [Call(arguments)])[0]


def test_a_changed_argument_is_named():
    """In-place work on an array, a dict or a list is seen, and the caller's own copy is safe."""
    given = {"W1": np.ones((2, 2)), "b1": np.zeros((2, 1))}

    def writes(parameters, costs):
        parameters["W1"] -= 1
        costs.append(3)
        return 1.0

    seen = one(writes, parameters=given, costs=[1])
    assert seen.changed == ("parameters['W1']", "costs")
    assert given["W1"].all()


def test_a_change_of_number_type_or_key_is_a_change():
    """Replacing an entry by an equal one of another type, or adding a key, is not 'unchanged'."""

    def retypes(d):
        d["a"] = d["a"].astype(np.float32)
        return 1.0

    def adds(d):
        d["b"] = 0
        return 1.0

    assert one(retypes, d={"a": np.ones(2)}).changed == ("d['a']",)
    assert one(adds, d={"a": np.ones(2)}).changed == ("d",)


@pytest.mark.parametrize(
    "function, shares",
    [
        (lambda x: x, True),
        (lambda x: x[:1], True),
        (lambda x: {"a": x.T}, True),
        (lambda x: x.copy(), False),
        (lambda x: [x + 1, x + 1], False),
        (lambda x: [x + 0] * 2, True),
        (lambda x: np.split(x.copy(), 2), False),
    ],
)
def test_shared_memory_is_seen_where_entries_overlap(function, shares):
    """Views and doubles count; disjoint pieces of one new buffer do not."""
    assert bool(one(function, x=np.arange(4.0)).shared) == shares


def test_the_global_generator_is_watched():
    """Drawing from np.random is seen; drawing from the argument is not mistaken for it."""
    assert one(lambda rng: np.random.rand(), rng=Draws(1)).moved_random  # noqa: NPY002
    assert not one(lambda rng: rng.random(), rng=Draws(1)).moved_random


def test_calls_share_a_generator_by_name():
    """The second call with the same generator draws on; another name starts anew."""
    calls = [Call({"rng": Draws(3)}), Call({"rng": Draws(3)}), Call({"rng": Draws(3, "new")})]
    first, second, anew = (o.value for o in observe(lambda rng: rng.random(), calls))
    assert first == anew != second


def test_outcomes_have_names():
    """Missing, unwritten, raising and endless functions are told apart."""

    def unwritten():
        raise NotImplementedError

    def leaves():
        raise SystemExit(0)

    assert one(None).outcome == "missing"
    assert one(unwritten).outcome == "not written yet"
    assert one(lambda: None).outcome == "not written yet"
    assert one(leaves).outcome == "raised"
    assert one(3).outcome == "raised"
    assert "ZeroDivisionError" in one(lambda: 1 / 0).error


def test_an_endless_function_is_stopped_even_if_it_catches_everything():
    """A bare except in the loop does not keep the time limit out."""

    def stubborn():
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                continue

    seen = observe(stubborn, [Call({})] * 3, seconds=0.2)
    assert [o.outcome for o in seen] == ["timed out"]


def test_warnings_are_remarks():
    """A warning costs nothing and is kept, once."""

    def warns():
        for _ in range(3):
            warnings.warn("mind the gap", stacklevel=1)
        return 1.0

    seen = one(warns)
    assert seen.outcome == "returned"
    assert seen.remarks == ("UserWarning: mind the gap",)


def test_functions_travel_by_name_and_their_calls_are_recorded():
    """A named function is built where it is called, also inside a dict; what it was given is written down."""
    given = unpack(*pack({"f": Named("polynomial", {"coefficients": [0.0, 0.0, 0.0, 1.0]}), "x": 2.0}))
    seen = one(lambda f, x: f(x) - f(x + 1), **given)
    assert seen.value == 8.0 - 27.0
    assert seen.record == (("f", (2.0,)), ("f", (3.0,)))
    space = {"rate": Named("uniform", {"low": 1.0, "high": 2.0})}
    drawn = one(lambda space, rng: space["rate"](rng), space=space, rng=Draws(4))
    assert drawn.value == np.random.default_rng(4).uniform(1.0, 2.0)
    assert drawn.record == (("rate", ()),) and not drawn.changed


def test_an_unknown_name_is_no_function():
    """The judge's own mistake is said, not run."""
    with pytest.raises(ValueError, match="no function 'cubic'"):
        one(lambda f: f(1), f=Named("cubic"))


def test_recursion_may_be_deep_but_not_endless():
    """A solution that takes two frames for each of 500 nodes is right; one without an end is an error."""

    def deep(n):
        return 0 if n == 0 else max(deep(n - 1) for _ in range(1)) + 1

    def endless(n):
        return endless(n + 1)

    assert one(deep, n=500).value == 500
    assert "RecursionError" in one(endless, n=0).error


def test_a_lost_numpy_is_said():
    """A cell that gives the name np to something else breaks every function: the error says why."""
    namespace = {"np": 3}
    exec("def f(x):\n    return np.sqrt(x)", namespace)
    seen = observe(namespace["f"], [Call({"x": 4.0})])[0]
    assert "np is no longer NumPy: a cell made it an object of type int" in seen.error
    assert "NumPy" not in observe(lambda x: x.nothing, [Call({"x": 4.0})])[0].error
