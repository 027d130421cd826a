"""The conventions that every function of the reference keeps, checked on the calls in sample_calls_*.py."""

import copy
import importlib.util
import inspect
import random
import re
from pathlib import Path

import numpy as np
import pytest

DICTS_IN_ANY_ORDER = {"parameters", "grads", "velocity", "squares", "like"}


def load_sample_calls():
    calls = {}
    for path in sorted(Path(__file__).parent.glob("sample_calls_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        calls |= module.SAMPLE_CALLS
    return calls


SAMPLE_CALLS = load_sample_calls()
every_call = pytest.mark.parametrize(("function", "arguments"), SAMPLE_CALLS.values(), ids=SAMPLE_CALLS)
random_calls = {
    name: call for name, call in SAMPLE_CALLS.items() if "rng" in inspect.signature(call[0]).parameters
}
FUNCTIONS = {function.__qualname__: function for function, _ in SAMPLE_CALLS.values()}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def made(arguments):
    return arguments(np.random.default_rng(7))


def arrays_in(value):
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [array for key in value for array in arrays_in(value[key])]
    if isinstance(value, list | tuple):
        return [array for item in value for array in arrays_in(item)]
    return []


def with_arrays(change, value, types=np.ndarray, kinds="f"):
    """Return value with change applied to every array of floats, or of what else is asked for, in it."""
    if isinstance(value, types) and value.dtype.kind in kinds:
        return change(value)
    if isinstance(value, dict):
        return {key: with_arrays(change, item, types, kinds) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(with_arrays(change, item, types, kinds) for item in value)
    return value


def in_double(value):
    return with_arrays(lambda a: a.astype(np.float64), value, types=np.ndarray | np.number, kinds="iuf")


def assert_same(a, b, rtol=0.0, atol=0.0):
    """Same structure, same values; dicts in any order."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert set(a) == set(b)
        for key in a:
            assert_same(a[key], b[key], rtol, atol)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for item_a, item_b in zip(a, b, strict=True):
            assert_same(item_a, item_b, rtol, atol)
    elif isinstance(a, np.ndarray | np.generic | float):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, strict=isinstance(a, np.ndarray))
    elif isinstance(a, np.random.Generator):
        assert a.bit_generator.state == b.bit_generator.state
    else:
        assert a == b


@every_call
def test_arguments_come_back_as_they_went_in(function, arguments):
    """A learner may use W again after the step: no function works in place."""
    kwargs = made(arguments)
    kwargs.pop("rng", None)
    before = copy.deepcopy(kwargs)
    orders = {name: list(value) for name, value in kwargs.items() if isinstance(value, dict)}
    generator = {"rng": np.random.default_rng(8)} if "rng" in inspect.signature(function).parameters else {}
    function(**kwargs, **generator)
    assert_same(kwargs, before)
    assert orders == {name: list(value) for name, value in kwargs.items() if isinstance(value, dict)}


@every_call
def test_nothing_returned_shares_memory(function, arguments):
    """Writing into a result changes neither an argument nor another result."""
    kwargs = made(arguments)
    returned = arrays_in(function(**kwargs))
    given = arrays_in(kwargs)
    for i, array in enumerate(returned):
        assert not any(np.shares_memory(array, other) for other in given + returned[i + 1 :])
        assert array.flags.writeable


@every_call
def test_only_the_given_generator_moves(function, arguments):
    """A hidden global generator would make results depend on what ran before."""
    numpy_before, python_before = np.random.get_state(), random.getstate()  # noqa: NPY002, it must not move
    function(**made(arguments))
    assert_same(np.random.get_state(), numpy_before)  # noqa: NPY002
    assert random.getstate() == python_before


@every_call
def test_equal_calls_give_equal_results(function, arguments):
    """Same arguments, generator in the same state: same result, so that a run can be repeated."""
    assert_same(function(**made(arguments)), function(**made(arguments)))


@pytest.mark.parametrize(("function", "arguments"), random_calls.values(), ids=random_calls)
def test_a_second_call_draws_anew(function, arguments):
    """The generator is used, not copied or reseeded: each pass gets a mask, a split, a draw of its own."""
    kwargs = made(arguments)
    before = kwargs["rng"].bit_generator.state
    first, second = function(**kwargs), function(**kwargs)
    assert kwargs["rng"].bit_generator.state != before
    if kwargs.get("keep_prob") != 1:
        with pytest.raises(AssertionError):
            assert_same(first, second)


@every_call
def test_dicts_may_be_filled_in_any_order(function, arguments):
    """The name says which layer it is, the place in the dict says nothing."""
    kwargs = made(arguments)
    backwards = {
        name: dict(reversed(value.items())) if name in DICTS_IN_ANY_ORDER else value
        for name, value in made(arguments).items()
    }
    assert_same(function(**backwards), function(**kwargs))


@every_call
@pytest.mark.parametrize("change", ["float32", "integers", "Fortran order", "every other entry"])
def test_the_type_and_the_layout_of_arrays_do_not_matter(function, arguments, change):
    """Values count, not how they are stored: the same numbers in float64 and C order give the same."""

    def strided(array):
        return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array

    to_values, to_storage = {
        "float32": (lambda a: a.astype(np.float32).astype(np.float64), lambda a: a.astype(np.float32)),
        "integers": (lambda a: 1 + np.floor(10 * np.abs(a)), lambda a: a.astype(np.int64)),
        "Fortran order": (np.copy, lambda a: np.array(a, order="F")),
        "every other entry": (np.copy, strided),
    }[change]
    plain = with_arrays(to_values, made(arguments))
    stored = with_arrays(to_storage, with_arrays(to_values, made(arguments)))
    rtol = 1e-4 if change == "float32" else 1e-12
    assert_same(in_double(function(**stored)), in_double(function(**plain)), rtol, atol=rtol / 100)


@every_function
def test_help_reads_in_the_house_order(function):
    """help() answers what comes in, what goes out, what may go wrong and, where someone does, who says so."""
    text = inspect.getdoc(function)
    headings = re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
    assert headings in (["Parameters", "Returns", "Raises"], ["Parameters", "Returns", "Raises", "Source"])
    assert text.index("Equation") < text.index("Parameters\n---")
    described = text.split("Parameters\n")[1].split("Returns\n")[0]
    for name in inspect.signature(function).parameters:
        assert re.search(rf"^[\w, ]*\b{name}\b[\w, ]*( :|$)", described, re.MULTILINE), name


def test_every_public_function_has_a_sample_call():
    """A function without a sample would escape all of the above."""
    for module in {inspect.getmodule(function) for function in FUNCTIONS.values()}:
        public = {
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        }
        assert public <= set(FUNCTIONS)
