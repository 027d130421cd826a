"""What crosses a border arrives as it was, or as words; nothing that a learner returns gets through alive."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils.plain import Budget, Draws, Foreign, fresh, pack, unpack

scalars = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(max_size=20)
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.int8, np.uint16, bool]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


def there_and_back(value, **budget):
    tree, parts = pack(value, Budget(**budget))
    return unpack(json.loads(json.dumps(tree)), parts)


@given(values)
def test_plain_values_arrive_as_they_were(value):
    """Kinds, shapes, number types and every bit of every number survive the way through JSON and back."""
    np.testing.assert_equal(there_and_back(value), value)
    assert type(there_and_back(value)) is type(value)


def test_views_arrive_with_their_own_numbers_only():
    """A transposed, strided or broadcast view is sent as what it shows, in memory of its own."""
    base = np.arange(24.0).reshape(4, 6)
    for view in (base.T, base[::2, ::-1], np.broadcast_to(base[0], (3, 6))):
        np.testing.assert_array_equal(there_and_back(view), view)
        assert not np.shares_memory(there_and_back(view), base)


class Liar(dict):
    """Says that it is empty, equal to everything, and not what it is."""

    def items(self):
        return []

    def __eq__(self, other):
        return True

    __hash__ = None


class LyingArray(np.ndarray):
    def __array__(self, *args, **options):
        raise RuntimeError("boo")

    def tobytes(self, *args, **options):
        return b""


class Pretender:
    __class__ = dict


def test_subclasses_arrive_as_what_they_hold():
    """A subclass cannot hide or forge its content: only the real base type is read."""
    assert there_and_back(Liar(a=1)) == {"a": 1}
    assert type(there_and_back(Liar(a=1))) is dict
    array = np.arange(3.0).view(LyingArray)
    assert type(there_and_back(array)) is np.ndarray
    np.testing.assert_array_equal(there_and_back(array), [0, 1, 2])
    assert type(there_and_back(np.float64(0.5))) is float


@pytest.mark.parametrize(
    "value, word",
    [
        ((i for i in range(3)), "generator"),
        (len, "builtin"),
        (lambda: 1, "function"),
        (Pretender(), "Pretender"),
        (np.array([None, 1]), "Python objects"),
        (np.array(["a"]), "text"),
        (1j, "complex"),
        (2**5000, "integer"),
        (np.broadcast_to(0.0, (10**6, 10**6)), "entries"),
    ],
)
def test_what_is_no_plain_data_becomes_words(value, word):
    """Everything else is named, at no cost that grows with what it claims to be."""
    arrived = there_and_back(value)
    assert isinstance(arrived, Foreign)
    assert word in arrived.description


def test_endless_nesting_and_giants_are_cut():
    """A list that holds itself, a tower of lists and a million items cost a bounded amount of work."""
    loop = []
    loop.append(loop)
    tower = []
    for _ in range(10_000):
        tower = [tower]
    for value in (loop, tower, [0] * 10**6, ["x" * 10**9]):
        assert len(json.dumps(pack(value)[0])) < 10**6


@pytest.mark.parametrize(
    "tree",
    [
        ["array", "<f8", [2, 2], 0],
        ["array", "<f8", [-1], 0],
        ["array", "|O", [3], 0],
        ["array", "<f8", [3], 7],
        ["dict", [[1]]],
        ["exec", "rm"],
        {"a": 1},
        [],
    ],
)
def test_forged_trees_are_refused(tree):
    """What a child sends is checked before anything is built from it."""
    with pytest.raises(ValueError, match="packed data"):
        unpack(tree, [np.zeros(3)])


def test_generators_travel_as_their_seed():
    """A Draws arrives as a Draws, equal to itself and to no other seed."""
    assert there_and_back({"rng": Draws(7, "again")}) == {"rng": Draws(7, "again")}


def test_fresh_shares_nothing():
    """No array or container of a fresh copy is the original's."""
    value = {"a": [np.zeros(2), (np.ones(1),)]}
    copy = fresh(value)
    copy["a"][0][0] = 9
    copy["a"][1][0][0] = 9
    assert value["a"][0][0] == 0 and value["a"][1][0][0] == 1
