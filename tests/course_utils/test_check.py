"""The visible check: it shows what was seen, names the mistake, holds no answer and never raises."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from autograder.checks import write_checks
from autograder.exercises import find
from course_utils import check as checks
from course_utils.calls import TIMED_OUT
from course_utils.check import NoChecks, check, explain
from course_utils.examine import FAILED, PASSED

NAMES = ("adam_update", "dropout_forward", "critical_point")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("checks") / "checks.h5"
    write_checks(path, [find(name) for name in NAMES])
    return path


@pytest.fixture(autouse=True)
def use(file, monkeypatch):
    monkeypatch.setenv("COURSE_CHECKS", str(file))


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes_what_was_written(name):
    """Inputs, expectations and verifiers survive the way through the file."""
    report = explain(name, find(name).reference)
    assert report.status == PASSED, report


@pytest.mark.parametrize("name", NAMES)
def test_known_mistakes_are_named_from_the_file_alone(name):
    """At least four of five misconceptions show on public inputs, and none is taken for another."""
    exercise = find(name)
    named = [(explain(name, m.wrong).misconception, m.key) for m in exercise.misconceptions]
    assert all(found in (key, None) for found, key in named)
    assert sum(found is not None for found, _ in named) >= 0.8 * len(named)


def test_numbers_of_public_inputs_are_shown():
    """A learner can follow the entry that went wrong."""
    report = explain("adam_update", find("adam_update").misconceptions[0].wrong)
    row = next(row for row in report.rows if row.status == FAILED)
    assert row.saw and row.expected


def test_nothing_that_a_function_does_raises():
    """Errors, endless loops, wrong kinds: all are reports."""

    def endless(**_):
        while True:
            pass

    for function in (None, 3, lambda: 1, lambda **k: 1 / 0, lambda **k: "x", lambda **k: (i for i in "a")):
        assert explain("adam_update", function).status == FAILED
    assert explain("adam_update", endless, seconds=0.1).rows[0].problem.count("end")
    assert TIMED_OUT


def test_check_prints_outside_notebooks(capsys):
    """In a terminal the plain-text twin appears."""

    def adam_update(*args, **kwargs):
        raise NotImplementedError

    check(adam_update)
    assert "adam_update" in capsys.readouterr().out


def test_the_file_holds_results_not_the_way_to_them(file):
    """No line of a reference or of wrong code is in it; hidden cases are not either."""
    with h5py.File(file) as opened:
        content = b"".join(opened[name][part][()].tobytes() for name in NAMES for part in ("tree", "numbers"))
    for name in NAMES:
        exercise = find(name)
        assert exercise.cases[0].name.encode() in content
        for case in exercise.cases:
            assert case.public or case.name.encode() not in content
        assert all(case.why.encode() not in content for case in exercise.cases)
    assert b"np.sqrt" not in content and b"lambda" not in content


def test_a_missing_or_damaged_file_says_what_to_do(tmp_path, monkeypatch):
    """Which file, and how to get it back."""
    monkeypatch.setenv("COURSE_CHECKS", str(tmp_path / "none.h5"))
    with pytest.raises(NoChecks, match=r"none\.h5.*unpack"):
        check(np.sum)
    (tmp_path / "none.h5").write_bytes(b"no hdf5")
    with pytest.raises(NoChecks, match="damaged"):
        check(np.sum)


def test_an_unknown_function_says_what_to_look_at():
    """A helper function has no check."""
    with pytest.raises(NoChecks, match=r"no exercise 'sum' among the 3 in .*spelled as in its exercise"):
        check(np.sum)


def test_checking_needs_no_answers(file):
    """Neither the reference nor the judge is loaded by a check."""
    code = (
        "import sys; from course_utils.check import explain; explain('adam_update', None); "
        "print([m for m in sys.modules if 'reference' in m or m.startswith('autograder')])"
    )
    environment = {**os.environ, "COURSE_CHECKS": str(file)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
    assert checks.checks_file() == file


def test_prints_figures_and_questions_stand_aside(capsys):
    """A million printed lines end as fifteen, figures are closed, a question is an error in words."""
    import matplotlib.pyplot as plt

    def chatty(hessian, tolerance=1e-8):
        for i in range(20_000):
            print("line", i)
        plt.figure()
        return find("critical_point").reference(hessian, tolerance)

    chatty.__name__ = "critical_point"
    check(chatty)
    said = capsys.readouterr().out
    assert "Done - critical_point" in said and "draw in a cell of its own" in said
    assert "line 14" in said and "line 15\n" not in said and "the first 15 of" in said
    assert plt.get_fignums() == []

    def asking(hessian, tolerance=1e-8):
        return input("Is it a saddle? ")

    assert "nobody is there to answer" in str(shown_for(asking, "critical_point", capsys))


def shown_for(function, name, capsys):
    """Return what a check of a function says."""
    function.__name__ = name
    check(function)
    return capsys.readouterr().out
