"""The explorer without a browser: what it sends, and what it answers."""

import json

import numpy as np
import pytest

from course_utils.widgets import explorer, optimizer_explorer, race
from course_utils.widgets.runtime import module
from course_utils.widgets.surfaces import SURFACES

COLUMNS, ROWS = explorer.GRID
POINTS = race.STEPS + 1
RUN = {"kind": "run", "surface": "ravine", "start": [-4.0, 1.0], "learning_rate": 0.05}


@pytest.fixture
def ask():
    """ask(widget, message): imitate the browser, and return what it would get back."""

    def ask_(widget, message):
        sent = []
        widget.send = lambda content, buffers=None: sent.append((content, buffers))
        widget._handle_custom_msg(message, [])
        (reply,) = sent
        json.dumps(reply[0])
        return reply

    return ask_


def decode(buffer, *shape):
    return np.frombuffer(buffer, "<f4").reshape(shape)


def test_first_picture_is_the_surface_and_the_paths(updates):
    """The floats that travel with the widget's state, read as JavaScript reads them."""
    widget = optimizer_explorer(*updates, surface="beale")
    grid = decode(widget._first[: 4 * COLUMNS * ROWS], ROWS, COLUMNS)
    paths = decode(widget._first[4 * COLUMNS * ROWS :], 4, POINTS, 3)
    beale = SURFACES["beale"]
    np.testing.assert_allclose(grid[0, 0], beale.loss(-1.0, -1.6), rtol=1e-6)
    np.testing.assert_allclose(paths[:, 0, :2], [beale.start] * 4, rtol=1e-6)
    np.testing.assert_allclose(paths[..., 2], beale.loss(paths[..., 0], paths[..., 1]), atol=2e-3)
    assert len(widget._first) < 50_000


def test_answer_is_small_and_carries_the_number_of_its_question(updates, ask):
    """At most 10 kB for an exact reply; the browser knows by the number which question it answers."""
    reply, (buffer,) = ask(optimizer_explorer(*updates), {**RUN, "seq": 41})
    assert (reply["kind"], reply["seq"]) == ("run", 41)
    assert len(buffer) + len(json.dumps(reply)) < 10_000
    paths = decode(buffer, 4, POINTS, 3)
    np.testing.assert_allclose(paths[0, :3, 0], [-4, -4 * 0.95, -4 * 0.95**2], rtol=1e-6)


def test_settings_of_a_message_reach_the_functions(ask):
    """Every slider has an effect on the function that it is for."""

    def spying_update(parameters, grads, learning_rate, beta1, beta2):
        seen.add((learning_rate, beta1, beta2))
        return parameters

    widget = optimizer_explorer(spy=spying_update)
    seen = set()
    ask(widget, {**RUN, "seq": 1, "learning_rate": 0.3, "beta1": 0.5, "beta2": 0.8})
    assert seen == {(0.3, 0.5, 0.8)}


def test_values_beyond_a_slider_are_brought_back(ask):
    """A stray message cannot ask for a beta of 1, where the bias correction divides by 0."""

    def spying_update(parameters, grads, learning_rate, beta1):
        seen.add((learning_rate, beta1))
        return parameters

    widget = optimizer_explorer(spy=spying_update)
    seen = set()
    ask(widget, {**RUN, "seq": 1, "learning_rate": 1e9, "beta1": 1.0})
    assert seen == {(1.0, 0.99)}


def test_a_new_surface_comes_with_its_contours(updates, ask):
    """Description, levels and grid arrive together with the paths from its own start."""
    question = {"kind": "run", "surface": "saddle", "start": None, "new_surface": True, "seq": 2}
    reply, (paths, grid) = ask(optimizer_explorer(*updates), question)
    saddle = SURFACES["saddle"]
    assert reply["surface"]["title"] == "Saddle"
    assert reply["surface"]["levels"] == sorted(set(reply["surface"]["levels"]))
    assert decode(grid, ROWS, COLUMNS)[-1, -1] == pytest.approx(saddle.loss(1.4, 1.6), rel=1e-6)
    np.testing.assert_allclose(decode(paths, 4, POINTS, 3)[:, 0, :2], [saddle.start] * 4, rtol=1e-6)


def test_each_lane_of_a_sweep_is_the_answer_for_its_stop(updates, ask):
    """What a prefetched slider shows and what the kernel answers later are the same floats."""
    widget = optimizer_explorer(*updates)
    wanted = [12, 11, 13, 0, 18]
    question = {**RUN, "kind": "sweep", "control": "learning_rate", "wanted": wanted, "seq": 3}
    reply, (buffer,) = ask(widget, question)
    lanes = decode(buffer, len(wanted), 4, POINTS, 3)
    assert reply["lanes"] == wanted
    for lane, outcomes, index in zip(lanes, reply["outcomes"], wanted, strict=True):
        rate = explorer.STOPS["learning_rate"][index]
        exact, (floats,) = ask(widget, {**RUN, "learning_rate": rate, "seq": 4})
        np.testing.assert_allclose(lane, decode(floats, 4, POINTS, 3), rtol=1e-5, atol=1e-30)
        assert outcomes == exact["outcomes"]


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        {"kind": "run", "surface": "moon", "seq": 5},
        {"kind": "sweep", "surface": "ravine", "control": "colour", "wanted": [0], "seq": 5},
        {**RUN, "start": "here", "seq": 5},
        {**RUN, "learning_rate": None, "seq": 5},
    ],
)
def test_a_senseless_message_is_answered_and_raises_nothing(updates, ask, message):
    """The browser waits for an answer: it always gets one, with the number of its question."""
    reply, buffers = ask(optimizer_explorer(*updates), message)
    assert reply["kind"] == "error"
    assert reply["seq"] == (message or {}).get("seq")
    assert buffers == []


def test_broken_functions_stand_beside_the_others(updates, ask):
    """One unfinished, one raising: the other two race on, and each row says what happened."""

    def unfinished(parameters, grads, velocity, learning_rate, beta):
        raise NotImplementedError

    def raising(parameters, grads, squares, learning_rate, beta2, epsilon):
        return 1 / 0

    widget = optimizer_explorer(updates[0], unfinished, raising, updates[3])
    reply, (buffer,) = ask(widget, {**RUN, "seq": 1})
    assert [o["status"] for o in reply["outcomes"]] == ["ok", "not written", "error", "ok"]
    ends = decode(buffer, 4, POINTS, 3)[:, -1, 0]
    np.testing.assert_array_equal(np.isnan(ends), [False, True, True, False])
    assert "Not written yet" in widget.picture()


def test_a_function_that_was_not_given_does_not_race(updates):
    """A lesson may show the first two before the others have been met; own ones join under their name."""
    widget = optimizer_explorer(updates[0], my_nesterov_update=updates[1])
    assert [racer["name"] for racer in widget._setup["racers"]] == ["gradient descent", "my nesterov"]


def test_colours_are_those_of_the_figures(updates):
    """One source: the colour of Adam in a figure is that of Adam in the widget."""
    racers = {racer["name"]: racer["colour"] for racer in optimizer_explorer(*updates)._setup["racers"]}
    assert racers == {
        "gradient descent": "#0072B2",
        "momentum": "#E69F00",
        "RMSprop": "#009E73",
        "Adam": "#CC79A7",
    }


def test_nothing_happens_where_nobody_looks(monkeypatch):
    """Grading runs the cell too: no function is called there, so that an endless one costs nothing."""
    monkeypatch.setattr("course_utils.plots.in_notebook", lambda: False)
    widget = optimizer_explorer(lambda *_: pytest.fail("called"))
    assert repr(widget) == "<optimizer explorer: run this cell in a notebook to see it>"


def test_a_race_without_racers_is_an_empty_map(ask):
    """A cell that is run before anything is handed over stays calm."""
    widget = optimizer_explorer()
    _, (buffer,) = ask(widget, {**RUN, "seq": 1})
    assert buffer == b""
    assert "No function was given" in widget.picture()


def test_what_a_page_shows(updates, monkeypatch):
    """First the picture with its text, for pages without a kernel; then the live view, which hides it."""
    shown = []
    monkeypatch.setattr("course_utils.plots.in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    widget = optimizer_explorer(*updates)
    widget._ipython_display_()
    still, live = shown
    assert still["text/html"].startswith(f'<div data-still="{widget._still}"><img alt="Optimizer explorer')
    assert "application/vnd.jupyter.widget-view+json" in live and live["text/html"] == ""
    assert "hideStill(model)" in widget._esm and "function hideStill" in widget._esm


def test_unknown_surface_is_refused_in_words(updates):
    """It says what came and what there is."""
    with pytest.raises(ValueError, match=r"one of ravine, saddle.*got 'moon'"):
        optimizer_explorer(*updates, surface="moon")


def test_still_picture_says_what_it_shows(updates):
    """A page without a kernel shows an image whose text holds the result."""
    text = optimizer_explorer(*updates).picture()
    assert text.startswith('<img alt="Optimizer explorer, ravine, learning rate 0.07, after 160 steps.')
    assert "gradient descent ends at a loss of 7.2e-10" in text
    assert "data:image/png;base64," in text


def test_the_module_is_self_contained():
    """Front ends load it from a blob: no import may be left, and one default export."""
    text = module("explorer.js", "explorer_views.js")
    assert "import" not in [line.split(" ")[0] for line in text.splitlines()]
    assert [line for line in text.splitlines() if line.startswith("export")] == ["export default { render };"]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


class Notebook:
    """Stands for IPython's shell: names, and functions called after each cell."""

    def __init__(self, **names):
        self.user_ns = names
        self.events = self
        self.callbacks = {"post_run_cell": []}

    def register(self, event, function):
        self.callbacks[event].append(function)

    def unregister(self, event, function):
        self.callbacks[event].remove(function)

    def run_cell(self, **names):
        self.user_ns.update(names)
        for function in list(self.callbacks["post_run_cell"]):
            function(None)


@pytest.fixture
def notebook(monkeypatch, updates):
    names = [name.replace(" ", "_").lower() + "_update" for name in race.EXERCISES]
    shell = Notebook(**dict(zip(names, updates, strict=True)))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return shell


def test_running_the_learners_cell_again_refreshes_an_open_explorer(notebook, updates, ask):
    """The next answer comes from the new function, also where the old one was endless."""

    def adam_update(parameters, *_):
        return 1 / 0

    widget = optimizer_explorer(*updates)
    widget.racers[3].muted = race.Outcome("too slow")
    notebook.run_cell(x=3)
    assert widget._version == 0
    notebook.run_cell(adam_update=adam_update)
    assert widget._version == 1
    reply, _ = ask(widget, {**RUN, "seq": 1})
    assert [o["status"] for o in reply["outcomes"]] == ["ok", "ok", "ok", "error"]
    notebook.run_cell(adam_update=updates[3])
    reply, _ = ask(widget, {**RUN, "seq": 2})
    assert reply["outcomes"][3]["status"] == "ok"


def test_a_closed_explorer_watches_no_cell(notebook, updates):
    """Nothing is left in the notebook's list of callbacks; closing twice is no error."""
    widget = optimizer_explorer(*updates)
    assert len(notebook.callbacks["post_run_cell"]) == 1
    widget.close()
    widget.close()
    assert notebook.callbacks["post_run_cell"] == []


def test_a_name_that_is_gone_or_no_function_leaves_the_race_as_it_is(notebook, updates):
    """A learner may delete a name, or bind a number to it, without losing the picture."""
    widget = optimizer_explorer(*updates)
    notebook.run_cell(adam_update=7)
    del notebook.user_ns["momentum_update"]
    notebook.run_cell()
    assert widget._version == 0
    assert [racer.function for racer in widget.racers] == list(updates)


def test_the_call_names_the_notebooks_own_functions(notebook, updates):
    """In place while none of the four is left out, by keyword after that."""
    assert optimizer_explorer(*updates[:2])._setup["call"] == "gradient_descent_update, momentum_update"
    widget = optimizer_explorer(adam_update=updates[3], other=updates[0])
    assert widget._setup["call"] == "adam_update=adam_update, other=gradient_descent_update"


def test_a_call_can_say_the_whole_state(updates):
    """Every argument of the copied line reaches the first picture, also a rate between two stops."""
    widget = optimizer_explorer(
        *updates, surface="beale", start=(0.5, 0.25), learning_rate=0.033, beta1=0.5, noise=0.3,
        schedule="half a cosine",
    )  # fmt: skip
    controls = {control["key"]: control for control in widget._setup["controls"]}
    assert controls["learning_rate"]["value"] == 0.033
    assert 0.033 in controls["learning_rate"]["stops"]
    paths = decode(widget._first[4 * COLUMNS * ROWS :], 4, POINTS, 3)
    np.testing.assert_allclose(paths[:, 0, :2], [[0.5, 0.25]] * 4)
    assert np.hypot(*(paths[3, 160, :2] - paths[3, 159, :2])) < 1e-4, "the cosine has come down"


@pytest.mark.parametrize("wrong", [{"beta1": 1.0}, {"beta2": -0.1}, {"schedule": "never"}])
def test_settings_that_make_no_sense_are_refused_in_words(updates, wrong):
    """The message names the argument and what came."""
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} should be .*{value}"):
        optimizer_explorer(*updates, **wrong)


def test_the_inner_state_is_small_and_one_function_at_a_time(updates, ask):
    """Seven floats a step: slopes, velocity, squares, rate."""
    widget = optimizer_explorer(*updates)
    reply, (buffer,) = ask(widget, {**RUN, "kind": "inside", "racer": 1, "seq": 9})
    rows = decode(buffer, POINTS, 7)
    assert reply["kind"] == "inside"
    assert len(buffer) < 10_000
    np.testing.assert_allclose(rows[1, :4], [-4, 20, -0.4, 2], rtol=1e-6)
    assert np.isnan(rows[1:, 4:6]).all()
    np.testing.assert_allclose(rows[1:, 6], 0.05, rtol=1e-6)


def test_a_broken_schedule_is_said_and_the_rate_stays(updates, ask):
    """The learner's schedule is listed under its name; unfinished, it stops nobody."""

    def staircase_decay(alpha0, factor, every, epoch):
        raise NotImplementedError

    widget = optimizer_explorer(*updates, schedules=[staircase_decay])
    reply, (buffer,) = ask(widget, {**RUN, "schedule": "staircase", "seq": 1})
    assert reply["said"] == "staircase: Not written yet. The learning rate stays constant."
    _, (constant,) = ask(widget, {**RUN, "seq": 2})
    assert buffer == constant


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_can_be_asked_for(updates, ask, surface):
    """Its picture arrives with its paths, and a minimum of the bounds' own making."""
    question = {"kind": "run", "surface": surface, "start": None, "new_surface": True, "seq": 2}
    reply, (_, grid) = ask(optimizer_explorer(*updates), question)
    assert reply["surface"]["key"] == surface
    assert [outcome["status"] for outcome in reply["outcomes"]] == ["ok"] * 4
    assert decode(grid, ROWS, COLUMNS).min() == pytest.approx(SURFACES[surface].lowest, abs=0.05)
