"""A batch of trainings: the same curves from one process and from several, and calm where none can start."""

import os

import numpy as np
import pytest

from course_utils import batch
from course_utils.batch import train_batch, train_reader

CANDIDATES = [{"learning_rate": rate, "units": 16, "seed": 3} for rate in (0.5, 1e-5, 0.1)]


def counted(settings, epochs):
    """A training that takes no time; where it runs shows in its first error."""
    return np.linspace(settings["start"], 0.0, epochs)


def where_am_i(settings, epochs):
    return [float(os.getpid()), float(os.environ.get("OPENBLAS_NUM_THREADS", "0"))]


def dies(settings, epochs):
    if os.getpid() != settings["home"]:
        os._exit(1)
    return np.zeros(epochs)


def test_a_reader_learns_at_a_good_rate_and_not_at_a_tiny_one():
    """One row a candidate; guessing is an error of 0.9."""
    curves = train_batch(CANDIDATES, 6, processes=1).curves
    assert curves.shape == (3, 6)
    assert curves[0, -1] < 0.4 and curves[1, -1] > 0.7
    np.testing.assert_array_equal(curves[2], train_reader(CANDIDATES[2], 6))


def test_processes_give_what_one_process_gives():
    """Which process trains, and when, changes nothing: seeds travel with the settings."""
    alone, together = (train_batch(CANDIDATES, 2, processes=n) for n in (1, 2))
    np.testing.assert_array_equal(alone.curves, together.curves)
    assert together.processes == 2 and together.note == ""
    assert together.seconds.shape == (3,) and (together.seconds > 0).all()


def test_each_process_is_another_one_with_a_single_thread():
    """The environment of this process is what it was afterwards."""
    before = dict(os.environ)
    curves = train_batch([{}] * 3, 2, where_am_i, processes=2).curves
    assert os.getpid() not in curves[:, 0]
    assert (curves[:, 1] == 1).all()
    assert dict(os.environ) == before


def test_a_function_of_a_notebook_is_run_here():
    """Other processes do not know what a cell has defined."""

    def train(settings, epochs):
        return counted(settings, epochs)

    train.__module__ = "__main__"
    told = train_batch([{"start": 1.0}, {"start": 2.0}], 3, train, processes=2)
    assert told.processes == 1 and "cell" in told.note
    np.testing.assert_array_equal(told.curves, [[1, 0.5, 0], [2, 1, 0]])


def test_it_goes_on_alone_where_processes_die_or_cannot_start(monkeypatch):
    """A broken pool costs time, not results."""
    told = train_batch([{"home": os.getpid()}] * 3, 2, dies, processes=2)
    assert told.processes == 1 and "BrokenProcessPool" in told.note
    assert told.curves.shape == (3, 2)

    def refused(*_):
        raise PermissionError("no semaphores here")
        yield

    monkeypatch.setattr(batch, "_in_processes", refused)
    told = train_batch([{"start": 1.0}] * 2, 2, counted, processes=2)
    assert "PermissionError" in told.note and told.curves.shape == (2, 2)


@pytest.mark.parametrize("rate", [1e4, 1e300])
def test_a_training_that_explodes_leaves_a_row_all_the_same(rate, capsys):
    """Its error is that of guessing or NaN, and nothing is printed in between."""
    curve = train_reader({"learning_rate": rate, "units": 8}, 3)
    assert curve.shape == (3,)
    assert (np.isnan(curve) | (curve > 0.5)).all()
    assert capsys.readouterr().out == ""
