"""The optimizer explorer in a real JupyterLab and Chromium, beside `interact` with an inline figure.

    python bench/widgets.py            (also `make bench`)

Both stand in one notebook and take turns within one run, so that whatever else the machine does meets both.
A change is timed in the page, from the key or the message to the picture on the screen: for the explorer
until the frame after its canvas was drawn, for `interact` until the new image has been loaded and painted.
"Bytes" are what the page received on the kernel's channels.
"""

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "browser")]

import conftest as lab
import numpy as np

UPDATES = """
import numpy as np

def gradient_descent_update(parameters, grads, learning_rate):
    return {k: W - learning_rate * grads["d" + k] for k, W in parameters.items()}

def momentum_update(parameters, grads, velocity, learning_rate, beta):
    velocity = {k: beta * velocity[k] + (1 - beta) * grads[k] for k in grads}
    return {k: W - learning_rate * velocity["d" + k] for k, W in parameters.items()}, velocity

def rmsprop_update(parameters, grads, squares, learning_rate, beta2, epsilon):
    squares = {k: beta2 * squares[k] + (1 - beta2) * grads[k] ** 2 for k in grads}
    new = {}
    for k, W in parameters.items():
        new[k] = W - learning_rate * grads["d" + k] / (np.sqrt(squares["d" + k]) + epsilon)
    return new, squares

def adam_update(parameters, grads, velocity, squares, t, learning_rate, beta1, beta2, epsilon):
    velocity = {k: beta1 * velocity[k] + (1 - beta1) * grads[k] for k in grads}
    squares = {k: beta2 * squares[k] + (1 - beta2) * grads[k] ** 2 for k in grads}
    new = {}
    for k, W in parameters.items():
        v, s = velocity["d" + k] / (1 - beta1**t), squares["d" + k] / (1 - beta2**t)
        new[k] = W - learning_rate * v / (np.sqrt(s) + epsilon)
    return new, velocity, squares
"""
IMPORTS = "from course_utils.widgets import optimizer_explorer"
EXPLORER = "optimizer_explorer(gradient_descent_update, momentum_update, rmsprop_update, adam_update)"
INTERACT = """
%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import SelectionSlider, interact
from course_utils.plots import plot_paths
from course_utils.widgets import explorer, race
from course_utils.widgets.surfaces import SURFACES

ravine = SURFACES["ravine"]
functions = (gradient_descent_update, momentum_update, rmsprop_update, adam_update)
racers = [race.Racer(name, f) for name, f in zip(race.EXERCISES, functions)]

@interact(rate=SelectionSlider(options=explorer.STOPS["learning_rate"], value=0.07))
def draw(rate):
    settings = race.Settings(ravine, ravine.start, learning_rate=rate)
    fig, ax = plt.subplots(figsize=(6, 4))
    plot_paths(ax, ravine.loss, {r.name: race.run(r, settings)[0] for r in racers}, ravine.bounds)
    plt.show()
"""

# In the page: count how often the map is painted.
COUNT = """() => {
    window.drawn = 0;
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    const map = document.querySelector('.cw-map canvas');
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
        if (this.canvas === map) window.drawn++;
        return clear.apply(this, box);
    };
}"""
EXPLORER_CHANGE = """([label, way]) => new Promise((done, fail) => {
    const slider = [...document.querySelectorAll('.cw-slider')]
        .find(s => s.textContent.startsWith(label)).querySelector('input');
    const summary = document.querySelector('.cw-table tbody');
    const before = summary.textContent;
    const begin = performance.now();
    setTimeout(() => fail(new Error('no new picture')), 8000);
    way > 0 ? slider.stepUp() : slider.stepDown();
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    const look = () => {
        // The table is filled in the frame in which the map is drawn.
        if (summary.textContent !== before) requestAnimationFrame(() => done(performance.now() - begin));
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
INTERACT_CHANGE = """way => new Promise((done, fail) => {
    const root = document.querySelector('.widget-interact');
    const handle = root.querySelector('.noUi-handle');
    const picture = () => root.querySelector('.widget-output img, .jp-OutputArea img');
    const before = picture().src;
    const begin = performance.now();
    setTimeout(() => fail(new Error('no new picture')), 20000);
    handle.focus();
    const key = way > 0 ? 'ArrowRight' : 'ArrowLeft';
    handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    const look = () => {
        const image = picture();
        if (image && image.src !== before && image.complete) {
            return requestAnimationFrame(() => done(performance.now() - begin));
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
PLAY = """seconds => new Promise(done => {
    const count = document.querySelector('.cw-play input');
    document.querySelector('.cw-play button').click();
    const [begin, drawn] = [performance.now(), window.drawn];
    setTimeout(() => {
        const pictures = 1000 * (window.drawn - drawn) / (performance.now() - begin);
        document.querySelector('.cw-play button').click();
        done(pictures);
    }, 1000 * seconds);
})"""


# Before any page script: count what comes and goes on the kernel's channels.
CHANNELS = """(() => {
    window.traffic = {received: 0, sent: 0};
    const size = data => data.byteLength ?? data.size ?? data.length;
    window.WebSocket = class extends WebSocket {
        constructor(url, ...more) {
            super(url, ...more);
            this.counted = String(url).includes('/channels');
            this.addEventListener('message', e => { if (this.counted) traffic.received += size(e.data); });
        }
        send(data) {
            if (this.counted) traffic.sent += size(data);
            return super.send(data);
        }
    };
})()"""


class Traffic:
    """What the page has received from the kernel and sent to it, in bytes."""

    def __init__(self, page):
        self.page = page

    received = property(lambda self: self.page.evaluate("() => traffic.received"))
    sent = property(lambda self: self.page.evaluate("() => traffic.sent"))


def first_paint(page, traffic):
    """Seconds and bytes from running the explorer's cell to its first picture, in a kernel that is ready."""
    before = traffic.received
    taken = page.evaluate(
        """() => new Promise((done, fail) => {
            const begin = performance.now();
            setTimeout(() => fail(new Error('no picture')), 30000);
            jupyterapp.commands.execute('notebook:run-cell');
            const look = () => {
                const map = document.querySelector('.cw-map canvas');
                const ready = map && map.width > 300 && map.style.height;
                if (ready) requestAnimationFrame(() => done(performance.now() - begin));
                else requestAnimationFrame(look);
            };
            look();
        })"""
    )
    page.wait_for_timeout(300)
    return taken / 1000, traffic.received - before


def run_cell(page, index):
    """Select a cell, run it and wait for it."""
    page.evaluate(
        """index => {
            jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            return jupyterapp.commands.execute('notebook:run-cell').then(() => true);
        }""",
        index,
    )


def measure(page, traffic, changes):
    """Return {row: list of milliseconds}, {row: list of bytes}, pictures a second, messages while playing."""
    page.evaluate(COUNT)
    page.wait_for_timeout(2500)  # the sweep of the learning rate arrives
    times = {"prefetched": [], "interact": [], "exact": []}
    sizes = {name: [] for name in times}
    for way in [1, -1] * (changes // 2):  # there and back again
        for name in times:
            before = traffic.received
            if name == "interact":
                taken = page.evaluate(INTERACT_CHANGE, way)
            else:
                # β₂ was not swept: each of its changes is a question to the kernel.
                label = "Learning rate" if name == "prefetched" else "β₂"
                taken = page.evaluate(EXPLORER_CHANGE, [label, way])
            times[name].append(taken)
            sizes[name].append(traffic.received - before)
            page.wait_for_timeout(50)
        page.wait_for_timeout(1200)  # the sweep for the new β₂ arrives
    before = traffic.sent + traffic.received
    pictures = page.evaluate(PLAY, 4)
    return times, sizes, pictures, traffic.sent + traffic.received - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=40, help="changes of each kind, at least 30")
    changes = max(30, parser.parse_args().changes)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        home.mkdir()
        root = Path(folder, "notebooks")
        root.mkdir()
        with lab.serve(home, root) as server, lab.chromium() as browser:
            lab.notebook_of(root / "bench.ipynb", UPDATES + IMPORTS, EXPLORER, INTERACT)
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.server = server
            page.set_default_timeout(30_000)
            page.add_init_script(CHANNELS)
            traffic = Traffic(page)
            lab.show_notebook(page, "bench.ipynb")
            run_cell(page, 0)
            page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 1; return 1; }")
            paint, paint_bytes = first_paint(page, traffic)
            run_cell(page, 2)
            page.wait_for_selector(".widget-interact img")
            page.locator(".cw-map").scroll_into_view_if_needed()
            print(f"Chromium {browser.version}, {changes} changes of each kind, taking turns\n")
            times, sizes, pictures, messages = measure(page, traffic, changes)
    report(times, sizes, pictures, messages, paint, paint_bytes)


def report(times, sizes, pictures, messages, paint, paint_bytes):
    def goal(reached):
        return "reached" if reached else "MISSED"

    names = {
        "prefetched": ("explorer, prefetched slider", 50),
        "exact": ("explorer, exact reply", 300),
        "interact": ("interact + inline matplotlib", None),
    }
    baseline = np.array(times["interact"])
    print(f"{'to pixels':<30} {'median':>8} {'p95':>8} {'bytes':>9}   against interact, same turn")
    for key, (name, limit) in names.items():
        middle, high = np.quantile(times[key], [0.5, 0.95])
        ratio = np.median(baseline / np.array(times[key]))
        said = f"goal p95 {limit} ms: {goal(high <= limit)}" if limit else ""
        size = np.median(sizes[key])
        print(f"{name:<30} {middle:6.0f}ms {high:6.0f}ms {size:9,.0f}   {ratio:5.1f} x   {said}")
    exact = np.quantile(sizes["exact"], 0.95)
    print(f"\nexact reply, p95 of what arrives   {exact:9,.0f} bytes  goal 10,240: {goal(exact <= 10_240)}")
    print(f"animation   {pictures:5.1f} pictures/s  goal 50: {goal(pictures >= 50)}")
    print(f"            {messages:5d} bytes to and from the kernel meanwhile  goal 0: {goal(messages == 0)}")
    print(f"first paint {paint:5.2f} s  goal 1.5: {goal(paint <= 1.5)}")
    print(f"            {paint_bytes:,} bytes  goal 500,000: {goal(paint_bytes <= 500_000)}")


if __name__ == "__main__":
    main()
