"""The optimizer explorer in JupyterLab: by keyboard, in both themes, with functions whole and broken."""

import re

import pytest

UPDATES = """
import numpy as np
from course_utils.plots import figure, plot_costs
from course_utils.widgets import optimizer_explorer

def gradient_descent_update(parameters, grads, learning_rate):
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in parameters}

def momentum_update(parameters, grads, velocity, learning_rate, beta):
    velocity = {k: beta * velocity[k] + (1 - beta) * grads[k] for k in grads}
    return {k: parameters[k] - learning_rate * velocity["d" + k] for k in parameters}, velocity

def rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon):
    raise NotImplementedError

def adam_update(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    return parameters["W9"]
"""
EXPLORE = "optimizer_explorer(gradient_descent_update, momentum_update, rmsprop_update, adam_update)"
FIGURE = 'with figure(alt="a falling line") as ax:\n    plot_costs(ax, [3, 2, 1])'

pytestmark = pytest.mark.xdist_group("browser")  # one server, one browser

MINUS = "\N{MINUS SIGN}"

PIXELS = """canvas => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let hash = 0;
    for (const byte of data) hash = (31 * hash + byte) | 0;
    return hash;
}"""
BLUE = """canvas => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
        found += data[i] === 0 && data[i + 1] === 0x72 && data[i + 2] === 0xb2;
    }
    return found;
}"""


def momentum_on_the_ravine(rate, beta, steps):
    """Where momentum is on 1/2 (w1^2 + 20 w2^2) after so many steps from (-4.2, 1.2)."""
    place = []
    for w, curvature in ((-4.2, 1), (1.2, 20)):
        velocity = 0.0
        for _ in range(steps):
            velocity = beta * velocity + (1 - beta) * curvature * w
            w -= rate * velocity
        place.append(w)
    return place


@pytest.fixture
def explorer(page, write_notebook, open_notebook, run_all):
    open_notebook(page, write_notebook("explorer.ipynb", UPDATES, FIGURE, EXPLORE))
    run_all(page)
    widget = page.locator(".cw")
    widget.locator("canvas").first.wait_for()
    widget.locator("canvas").first.scroll_into_view_if_needed()
    return widget


def settle(page, widget, pattern):
    """Wait until the live text says this."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('.cw-summary').textContent)", arg=pattern
    )
    return widget.locator(".cw-summary").inner_text()


def drag(page, map_):
    """Take the pointer across the map in many small moves, as a hand does."""
    box = map_.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 350, box["y"] + 220, steps=25)
    page.mouse.up()


def change_theme(page, theme):
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => true)", theme
    )


def row(widget, name):
    return widget.locator("tbody tr", has_text=name).inner_text()


def test_everything_moves_by_keyboard(page, explorer, axe):
    """Slider, start point, surface, play bar: pixels, table and live text follow, and axe finds nothing."""
    map_ = explorer.locator("canvas").first
    settle(page, explorer, r"learning rate 0\.07")
    page.wait_for_timeout(300)
    assert map_.evaluate(BLUE) > 200, "the path of gradient descent is on the map, in its colour"
    pixels = [map_.evaluate(PIXELS)]

    explorer.get_by_label("Learning rate").focus()
    page.keyboard.press("ArrowRight")
    settle(page, explorer, r"learning rate 0\.1\b")
    pixels.append(map_.evaluate(PIXELS))

    map_.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    settle(page, explorer, rf"start at \({MINUS}4\.06, 0\.82\)")
    pixels.append(map_.evaluate(PIXELS))

    explorer.get_by_label("Step", exact=True).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    settle(page, explorer, "Loss at step 1,")
    assert "step 1 of 160" in explorer.inner_text()
    assert f"{MINUS}3.65, {MINUS}0.82" in row(explorer, "gradient descent")  # (1 - 0.1) w1 and (1 - 2) w2
    pixels.append(map_.evaluate(PIXELS))

    explorer.get_by_label("Surface").focus()
    page.keyboard.press("ArrowDown")
    settle(page, explorer, "Saddle, start at")
    assert "who leaves the saddle first?" in explorer.inner_text()
    pixels.append(map_.evaluate(PIXELS))
    assert len(set(pixels)) == len(pixels), "each of these moves changes the map"

    explorer.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    explorer.get_by_role("button", name="Pause").wait_for()
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    explorer.get_by_role("button", name="Play").wait_for()
    assert 1 < int(re.search(r"step (\d+) of", explorer.inner_text())[1]) < 160

    before = explorer.locator(".cw-summary").inner_text()
    drag(page, map_)
    explorer.get_by_label("Step", exact=True).focus()
    page.keyboard.press("Home")
    said = settle(page, explorer, rf"^(?!{re.escape(before[:40])}).*Loss at step 0")
    start = re.search(r"start at \((\S+), (\S+)\)", said.replace(MINUS, "-")).groups()
    place = re.search(r"(-?\d\.\d\d), (-?\d\.\d\d)", row(explorer, "momentum").replace(MINUS, "-")).groups()
    assert [float(w) for w in place] == pytest.approx([float(w) for w in start], abs=0.006)

    assert axe(page, ".cw") == []
    change_theme(page, "JupyterLab Dark")
    page.wait_for_selector(".cw.cw-dark")
    assert axe(page, ".cw") == []
    change_theme(page, "JupyterLab Light")
    assert page.locator('img[alt="a falling line"]').count() == 1


def test_broken_functions_are_said_and_scrubbing_needs_no_kernel(page, explorer):
    """What is unfinished or raises is named beside the two that race; a prefetched slider sends nothing."""
    settle(page, explorer, "Loss at step 160")
    assert "Not written yet" in row(explorer, "RMSprop")
    assert "KeyError: 'W9' (step 1)" in row(explorer, "Adam")
    assert "Lowest final loss" in row(explorer, "gradient descent")

    rate = explorer.get_by_label("Learning rate")
    page.wait_for_timeout(2500)  # the sweep of the learning rate follows the first picture
    sent = []
    page.evaluate(
        """() => {
            window.sent = [];
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (data) {
                window.sent.push(data.length ?? data.byteLength);
                return send.call(this, data);
            };
        }"""
    )
    finals = set()
    for _ in range(6):
        rate.evaluate("slider => { slider.stepUp(); slider.dispatchEvent(new Event('input')); }")
        page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        )
        finals.add(row(explorer, "momentum"))
    sent = page.evaluate("() => window.sent")
    assert len(finals) == 6
    assert sent == []
    assert "Diverged" in row(explorer, "gradient descent")

    rate.evaluate("slider => slider.dispatchEvent(new Event('change'))")
    settle(page, explorer, "learning rate 0.7.*gradient descent: diverged")
    assert row(explorer, "momentum") in finals, "the exact answer of the kernel is what scrubbing showed"

    explorer.get_by_label("β₁").focus()
    page.keyboard.press("Home")
    for _ in range(7):  # faster than the kernel answers
        page.keyboard.press("ArrowRight")
    settle(page, explorer, "β₁ 0.98, .*momentum")
    place = momentum_on_the_ravine(rate=0.7, beta=0.98, steps=160)
    expected = ", ".join(f"{w:.2f}".replace("-", MINUS) for w in place)
    page.wait_for_function(
        "place => document.querySelectorAll('.cw tbody tr')[1].textContent.includes(place)", arg=expected
    )


EVERY_KIND = """
import time

def leaving_update(parameters, grads, learning_rate):
    return {k: 3 * W for k, W in parameters.items()}

def in_place_update(parameters, grads, learning_rate):
    for k in parameters:
        parameters[k] -= learning_rate * grads["d" + k]
    return parameters

def misshapen_update(parameters, grads, learning_rate):
    return {k: np.ones((2, 1)) for k in parameters}

def endless_update(parameters, grads, learning_rate):
    while True:
        time.sleep(0.01)

def good_adam(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    velocity = {k: beta1 * velocity[k] + (1 - beta1) * grads[k] for k in grads}
    squares = {k: beta2 * squares[k] + (1 - beta2) * grads[k] ** 2 for k in grads}
    v = {k: velocity[k] / (1 - beta1**t) for k in grads}
    s = {k: squares[k] / (1 - beta2**t) for k in grads}
    step = {k: learning_rate * v["d" + k] / (np.sqrt(s["d" + k]) + epsilon) for k in parameters}
    new = {k: parameters[k] - step[k] for k in parameters}
    return new, velocity, squares

def late_decay(alpha0, epoch):
    return alpha0 if epoch < 8 else 0.0
"""
MANY = """optimizer_explorer(
    gradient_descent_update, adam_update=good_adam, leaving=leaving_update, in_place=in_place_update,
    misshapen=misshapen_update, endless=endless_update, schedules=[late_decay],
)"""


@pytest.fixture
def crowd(page, write_notebook, open_notebook, run_all):
    repaired = "def good_adam(*_):\n    return None"
    open_notebook(page, write_notebook("crowd.ipynb", UPDATES + EVERY_KIND, MANY, repaired))
    for index in (0, 1):
        page.evaluate(
            """index => {
                jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                return jupyterapp.commands.execute('notebook:run-cell').then(() => true);
            }""",
            index,
        )
    widget = page.locator(".cw")
    widget.locator("canvas").first.wait_for()
    return widget


def test_each_kind_of_trouble_stands_beside_the_others(page, crowd, axe):
    """Every row says what its function did; small maps, dials and all folded controls work by keyboard."""
    settle(page, crowd, "Loss at step 160")
    said = {
        "leaving": "Diverged: left the map for good at step 8",
        "in place": "Changes its arguments",
        "misshapen": "has shape (2, 1), expected (1, 1)",
        "endless": "Takes too long",
    }
    for name, words in said.items():
        assert words in row(crowd, name)
    assert "Lowest final loss" in row(crowd, "gradient descent")

    map_ = crowd.locator("canvas").first
    pixels = [map_.evaluate(PIXELS)]
    crowd.get_by_label("One map each").focus()
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    pixels.append(map_.evaluate(PIXELS))
    page.keyboard.press("Space")

    for summary in crowd.locator("summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    crowd.get_by_label("Noise").focus()
    page.keyboard.press("End")
    settle(page, crowd, "noise 5")
    pixels.append(map_.evaluate(PIXELS))
    crowd.get_by_label("ε").focus()
    page.keyboard.press("End")
    settle(page, crowd, "ε 1,")
    crowd.get_by_label("Schedule of the rate").select_option("late")
    settle(page, crowd, "schedule late")
    pixels.append(map_.evaluate(PIXELS))
    assert len(set(pixels)) == len(pixels)

    crowd.get_by_label("Look inside").select_option("Adam")
    page.wait_for_function(
        """() => /^Adam, step 160, learning rate 0\\. .*corrected/
            .test(document.querySelector('.cw-dial-text').textContent)"""
    )
    assert axe(page, ".cw") == []

    line = crowd.get_by_role("textbox").input_value()
    assert line.startswith(
        "optimizer_explorer(gradient_descent_update, adam_update=good_adam, leaving=leaving_update"
    )
    assert line.endswith('learning_rate=0.07, epsilon=1, noise=5, schedule="late")')

    crowd.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    said = settle(page, crowd, r"β₂ 0\.99\. Loss")
    assert "noise" not in said


def test_running_a_cell_again_refreshes_the_open_picture(page, crowd):
    """Nobody touches the widget: its row changes after the learner's cell ran."""
    settle(page, crowd, "Loss at step 160.*Adam")
    assert "Not written yet" not in row(crowd, "Adam")
    page.evaluate(
        """() => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = 2;
            return jupyterapp.commands.execute('notebook:run-cell').then(() => true);
        }"""
    )
    settle(page, crowd, "Adam: not written yet")
    assert "Not written yet" in row(crowd, "Adam")


def test_who_asked_for_less_motion_sees_the_end_at_once(page, explorer):
    """Play makes no moving picture then: the race stands at its last step."""
    page.emulate_media(reduced_motion="reduce")
    explorer.get_by_label("Step", exact=True).focus()
    page.keyboard.press("Home")
    explorer.get_by_role("button", name="Play").click()
    assert "step 160 of 160" in explorer.inner_text()
    assert explorer.get_by_role("button", name="Pause").count() == 0
    page.emulate_media(reduced_motion=None)
