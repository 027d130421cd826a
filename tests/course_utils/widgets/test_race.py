"""Learners' functions of every kind on a surface."""

import signal
import threading
import time
import warnings

import numpy as np
import pytest

from course_utils.widgets import race
from course_utils.widgets.surfaces import SURFACES

RAVINE, BOWL = SURFACES["ravine"], SURFACES["noisy bowl"]
NAMES = list(race.EXERCISES)


def settings(surface=RAVINE, **changes):
    return race.Settings(**{"surface": surface, "start": surface.start, "noise": surface.noise, **changes})


def outcome(function, name="gradient descent", **changes):
    return race.run(race.Racer(name, function), settings(**changes))


def test_plain_descent_on_the_ravine_is_a_geometric_series(updates):
    """On 1/2 k w^2 every step multiplies w by 1 - rate * k: a closed form for the whole path."""
    path, result = outcome(updates[0], learning_rate=0.07)
    t = np.arange(race.STEPS + 1)
    assert result.plain() == {"status": "ok", "said": "", "steps": race.STEPS}
    np.testing.assert_allclose(path[:, 0], -4.2 * 0.93**t, rtol=1e-9)
    np.testing.assert_allclose(path[:, 1], 1.2 * (-0.4) ** t, rtol=1e-9)


def test_first_step_of_adam_is_the_learning_rate(updates):
    """Bias-corrected averages of one gradient are the gradient: the step is rate * sign, on any slope."""
    path, _ = outcome(updates[3], "Adam", learning_rate=0.05)
    np.testing.assert_allclose(np.abs(path[1] - path[0]), 0.05, rtol=1e-6)


def test_every_racer_meets_the_same_mini_batches(updates):
    """Two runs on the noisy surface are equal, and differ from the run without noise."""
    (one, _), (two, _) = (outcome(updates[0], surface=BOWL) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    t = np.arange(race.STEPS + 1)
    assert np.abs(one[:, 0] - BOWL.start[0] * 0.93**t).max() > 0.1


def test_a_function_of_ones_own_is_read_from_its_signature():
    """It gets what its arguments are named after, in any order, and nothing else."""

    def sign_update(learning_rate, t, grads, parameters):
        assert t >= 1
        return {k: parameters[k] - learning_rate * np.sign(grads["d" + k]) for k in parameters}

    path, result = outcome(sign_update, "sign", learning_rate=0.5)
    assert result.status == "ok"
    np.testing.assert_allclose(path[:4, 0], [-4.2, -3.7, -3.2, -2.7])


def unfinished(parameters, grads, learning_rate):
    raise NotImplementedError


def nothing(parameters, grads, learning_rate):
    pass


def raising(parameters, grads, learning_rate):
    raise KeyError("W2")


def leaving(parameters, grads, learning_rate):
    raise SystemExit(3)


def transposed_state(parameters, grads, learning_rate):
    return parameters, grads


def misnamed(parameters, grads, learning_rate):
    return {"dW1": parameters["W1"], "db1": parameters["b1"]}


def misshapen(parameters, grads, learning_rate):
    return {k: np.ones((2, 1)) for k in parameters}


def ragged(parameters, grads, learning_rate):
    return {k: [[1.0], [1.0, 2.0]] for k in parameters}


def a_number(parameters, grads, learning_rate):
    return 3.0


def none_inside(parameters, grads, learning_rate):
    return {"W1": None, "b1": parameters["b1"]}


def diverging(parameters, grads, learning_rate):
    return {k: 3 * parameters[k] for k in parameters}


def not_finite(parameters, grads, learning_rate):
    return {k: parameters[k] * np.nan for k in parameters}


def in_place(parameters, grads, learning_rate):
    for k in parameters:
        parameters[k] -= learning_rate * grads["d" + k]
    return parameters


def emptying(parameters, grads, learning_rate):
    return {k: parameters.pop(k) - learning_rate * grads.pop("d" + k) for k in list(parameters)}


def wrong_arguments(parameters, grads):
    return parameters


MISBEHAVING = [
    (unfinished, "not written", "Not written yet", 0),
    (nothing, "not written", "Not written yet", 0),
    (raising, "error", "KeyError: 'W2' (step 1)", 0),
    (leaving, "error", "SystemExit: 3", 0),
    (wrong_arguments, "error", "TypeError", 0),
    (None, "error", "TypeError", 0),
    (transposed_state, "wrong result", "parameters should be a dict, got a tuple of 2", 0),
    (a_number, "wrong result", "got a float", 0),
    (misnamed, "wrong result", "should have the keys W1, b1, got dW1, db1", 0),
    (misshapen, "wrong result", 'parameters["W1"] has shape (2, 1), expected (1, 1)', 0),
    (ragged, "wrong result", "got a list of 2", 0),
    (none_inside, "wrong result", "step 1", 0),
    (diverging, "diverged", "at step 8", 7),  # 4.2 * 3^8 is the first beyond 10,000
    (not_finite, "diverged", "at step 1", 0),
    (in_place, "changes its arguments", "return new arrays", race.STEPS),
    (emptying, "changes its arguments", "return new arrays", race.STEPS),
]


@pytest.mark.parametrize(
    ("function", "status", "part", "steps"), MISBEHAVING, ids=lambda p: getattr(p, "__name__", "")
)
def test_misbehaviour_is_said_and_the_path_is_nan_from_there(function, status, part, steps):
    """Whatever a function does, it ends in words, and nothing follows its last step."""
    path, result = outcome(function)
    assert result.status == status
    assert part in result.said
    assert result.steps == steps
    assert np.isfinite(path[: steps + 1]).all()
    assert np.isnan(path[steps + 1 :]).all()


def test_in_place_work_is_drawn_like_any_other(updates):
    """Its numbers are right, only its manners are not: the learner sees both."""
    np.testing.assert_array_equal(outcome(in_place)[0], outcome(updates[0])[0])


def test_an_error_in_the_middle_keeps_the_path_before_it():
    """The learner sees how far it came and at which step it broke."""

    def breaks(parameters, grads, learning_rate):
        calls.append(1)
        return parameters if len(calls) < 5 else 1 / 0

    calls = []
    path, result = outcome(breaks)
    assert result.said == "Raises an error: ZeroDivisionError: division by zero (step 5)"
    assert np.isfinite(path[:5]).all()
    assert np.isnan(path[5:]).all()


def test_prints_and_warnings_do_not_flood_the_notebook(capsys):
    """160 steps of four functions would print 720 times at every move of a slider."""

    def loud(parameters, grads, learning_rate):
        print("step")
        warnings.warn("careful", stacklevel=1)
        np.log(np.zeros(1))
        return parameters

    assert outcome(loud)[1].status == "ok"
    assert capsys.readouterr() == ("", "")


def test_a_cell_that_runs_meanwhile_prints_on(capsys):
    """Jupyter answers a widget in another thread while a cell trains: its progress must not vanish."""

    def slow(parameters, grads, learning_rate):
        racing.set()
        printed.wait(5)
        print("of the race")
        return parameters

    racing, printed = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: outcome(slow))
    thread.start()
    racing.wait(5)
    print("of the cell")
    printed.set()
    thread.join()
    assert capsys.readouterr().out == "of the cell\n"


def endless(parameters, grads, learning_rate):
    while True:
        pass


def stubborn(parameters, grads, learning_rate):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


@pytest.mark.parametrize("function", [endless, stubborn])
@pytest.mark.parametrize("threaded", [False, True])
def test_an_endless_function_is_stopped_and_not_waited_for_again(function, threaded):
    """In the main thread a timer stops it; where Jupyter answers messages in another, an exception does."""
    racer, results = race.Racer("gradient descent", function), []

    def go():
        for _ in range(2):
            begin = time.perf_counter()
            _, result = race.run(racer, settings(), seconds=0.1)
            results.append((result.status, time.perf_counter() - begin))

    if threaded:
        thread = threading.Thread(target=go)
        thread.start()
        thread.join(20)
    else:
        go()
    (status, _), (again, seconds) = results
    assert status == again == "too slow"
    assert seconds < 0.05


def test_the_alarm_is_put_back():
    """A timer and a handler that somebody else had set still stand after a race."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 50)
    try:
        race.run(race.Racer("x", endless), settings(), seconds=0.05)
        assert 40 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


STOPS = [0.001, 0.01, 0.05, 0.1, 0.3, 1.0]
ALL_STOPS = range(len(STOPS))


@pytest.mark.parametrize("which", range(4), ids=NAMES)
@pytest.mark.parametrize("control", ["learning_rate", "beta1", "beta2"])
def test_a_sweep_in_one_walk_equals_single_walks(updates, which, control):
    """The same paths, step for step, and the same words: also for the stops that diverge."""
    stops = STOPS if control == "learning_rate" else [0, 0.5, 0.9, 0.99]
    racer = race.Racer(NAMES[which], updates[which])
    swept = race._batch(racer, settings(), control, stops, range(len(stops)))
    assert swept is not None, "it broadcasts, so one walk does it"
    for index, stop in enumerate(stops):
        path, result = race.run(racer, settings(**{control: stop}))
        np.testing.assert_allclose(swept[index][0], path, rtol=1e-9, atol=1e-12)
        assert swept[index][1].plain() == result.plain()


def picky(parameters, grads, learning_rate):
    if learning_rate <= 0:  # an array has no truth value
        raise ValueError("learning_rate must be positive")
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in parameters}


def mixing(parameters, grads, learning_rate):
    # Broadcasts, but the lanes see each other.
    return {k: parameters[k] - np.max(learning_rate) * grads["d" + k] for k in parameters}


def reshaping(parameters, grads, learning_rate):
    return {k: np.reshape(parameters[k] - learning_rate * grads["d" + k], (1, 1)) for k in parameters}


@pytest.mark.parametrize("function", [picky, mixing, reshaping])
def test_a_sweep_falls_back_where_a_function_does_not_broadcast(function):
    """Correct for one learning rate is correct: the sweep must show those paths, one walk at a time."""
    racer = race.Racer("gradient descent", function)
    assert race._batch(racer, settings(), "learning_rate", STOPS, ALL_STOPS) is None
    swept = race.sweep([racer], settings(), "learning_rate", STOPS, ALL_STOPS)
    assert list(swept) == list(ALL_STOPS)
    for index, stop in enumerate(STOPS):
        np.testing.assert_array_equal(swept[index][0][0], outcome(function, learning_rate=stop)[0])


def test_a_sweep_that_takes_long_gives_the_most_urgent_first(updates):
    """One stop is always there, so that asking again for the rest ends; it is there for all racers."""
    racers = [race.Racer("gradient descent", function) for function in (picky, updates[0], picky)]
    swept = race.sweep(racers, settings(), "learning_rate", STOPS, [3, 2, 4], enough=lambda: True)
    assert list(swept) == [3]
    for path, _ in swept[3]:
        np.testing.assert_array_equal(path, outcome(picky, learning_rate=STOPS[3])[0])


def test_an_endless_function_does_not_hold_up_a_sweep():
    """It is stopped once, in the batch, and then shown as such for every stop."""
    racer = race.Racer("gradient descent", endless)
    race.run(racer, settings(), seconds=0.05)
    begin = time.perf_counter()
    swept = race.sweep([racer], settings(), "learning_rate", STOPS, ALL_STOPS)
    assert time.perf_counter() - begin < 0.2
    assert {result.status for ((_, result),) in swept.values()} == {"too slow"}


@pytest.mark.parametrize("control, stops", [("epsilon", [1e-12, 1e-3, 1.0]), ("noise", [0.0, 1.0, 5.0])])
def test_the_other_sliders_sweep_in_one_walk_too(updates, control, stops):
    """Adam feels both; the lanes are the single walks."""
    racer = race.Racer("Adam", updates[3])
    swept = race._batch(racer, settings(), control, stops, range(3))
    ends = set()
    for index, stop in enumerate(stops):
        path, _ = race.run(racer, settings(**{control: stop}))
        np.testing.assert_allclose(swept[index][0], path, rtol=1e-9, atol=1e-12)
        ends.add(path[-1, 0])
    assert len(ends) == 3


def halves_every_epoch(alpha0, factor, epoch):
    return alpha0 * factor**epoch


def not_yet(alpha0, t):
    raise NotImplementedError


def one_over_step(alpha0, t):
    return alpha0 / t


def test_a_schedule_of_ones_own_sets_the_rate_of_each_step(updates):
    """By epoch it holds for ten steps, by t it falls with each; plain descent shows it."""
    assert list(race.rates_of(halves_every_epoch, 0.4)[[0, 9, 10, 20]]) == [0.4, 0.4, 0.2, 0.1]
    path, _ = outcome(updates[0], schedule=one_over_step, learning_rate=0.04)
    np.testing.assert_allclose(path[:3, 0], [-4.2, -4.2 * 0.96, -4.2 * 0.96 * 0.98])


@pytest.mark.parametrize(
    "schedule, said",
    [
        (lambda alpha0, t: alpha0, ""),
        (not_yet, "Not written yet"),
        (lambda alpha0, t: 1 / 0, "ZeroDivisionError"),
        (lambda alpha0, t: np.nan, "not a finite number"),
        (lambda alpha0, t: [alpha0, t], "shape (2,)"),
        (lambda alpha0, t: "slow", "ValueError"),
        (lambda alpha0, t: race.threading.Event().wait(), "Takes too long"),
    ],
)
def test_a_broken_schedule_is_said(schedule, said):
    """The explorer then goes on with a constant rate, and says why."""
    assert said in race.try_schedule(schedule, 0.1)
    assert bool(said) == bool(race.try_schedule(schedule, 0.1))


def test_what_is_kept_inside_is_what_the_function_saw_and_returned(updates):
    """Slopes of the ravine at the path's own points, and averages that follow from them by hand."""
    racer = race.Racer("Adam", updates[3])
    rows = race.inside(racer, settings())
    path, _ = race.run(racer, settings())
    assert np.isnan(rows[0]).all()
    np.testing.assert_allclose(rows[1:, 0], path[:-1, 0])
    np.testing.assert_allclose(rows[1:, 1], 20 * path[:-1, 1])
    np.testing.assert_allclose(rows[1, 2:], [0.1 * -4.2, 0.1 * 24, 0.01 * 4.2**2, 0.01 * 24**2])
    np.testing.assert_allclose(rows[2, 2], 0.9 * rows[1, 2] + 0.1 * rows[2, 0])


def test_descent_keeps_nothing_inside(updates):
    """What a function has no state for is NaN, and drawn as such."""
    rows = race.inside(race.Racer("gradient descent", updates[0]), settings())
    assert np.isfinite(rows[1:, :2]).all()
    assert np.isnan(rows[1:, 2:]).all()


@pytest.mark.parametrize("function", [unfinished, raising, misshapen])
def test_a_function_that_is_broken_at_once_does_not_slow_a_sweep_down(function):
    """Two stops that fail alike at their first step speak for all: no stop is tried one by one."""
    swept = race._batch(
        race.Racer("gradient descent", function), settings(), "learning_rate", STOPS, ALL_STOPS
    )
    assert {result.said for _, result in swept.values()} == {outcome(function)[1].said}
