"""A real JupyterLab in a real browser.

Fixtures: `jupyterlab` (a server on a throw-away folder), `page` (a fresh tab; a console error fails the
test), and the functions `write_notebook`, `open_notebook`, `run_all` and `axe`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
WAIT = 30_000  # milliseconds


@dataclass
class Server:
    """A running JupyterLab: its address and the folder that it shows."""

    url: str
    root: Path

    def api(self, path, method="GET"):
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            body = reply.read()
        return json.loads(body) if body else None

    def end_kernels(self):
        """A kept kernel would keep the modules of the test before."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def serve(home, root):
    """Start JupyterLab on loopback, without a token, with settings of its own; yields a Server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{key: value for key, value in os.environ.items() if key != "MPLBACKEND"},
        "PYTHONPATH": str(REPOSITORY),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "RUNTIME", "DATA")},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "COURSE_CHECKS": str(root / "checks.h5"),
    }
    settings = home / "settings" / "@jupyterlab"
    for name, values in {
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
        "notebook-extension/tracker": '{"windowingMode": "none"}',  # every output is on the page
    }.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(values)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="),
        *(
            "--LabApp.expose_app_in_browser=True",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={root}",
        ),
    ]
    log = home / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    server = Server(f"http://127.0.0.1:{port}", root)
    try:
        _wait_for(server, process, log)
        yield server
        server.end_kernels()
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextlib.contextmanager
def chromium():
    """A headless browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no Chromium here; install it with: apt-get install -y chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def notebook_of(path, *sources):
    """Write a notebook with these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def show_notebook(page, path):
    """Show a notebook of the server's folder, with its kernel ready."""
    page.goto(f"{page.server.url}/lab/tree/{path}?reset", wait_until="commit")
    page.wait_for_function("() => window.jupyterapp !== undefined")
    page.wait_for_selector(".jp-NotebookPanel")
    # Without the kernel's own answer the first run may be dropped.
    page.evaluate(
        """async () => {
            const panel = jupyterapp.shell.currentWidget;
            await panel.revealed;
            await panel.sessionContext.ready;
            await panel.sessionContext.session.kernel.info;
            return 1;
        }"""
    )


def run_every_cell(page, seconds=120):
    page.evaluate(
        """() => {
            window.ranAll = false;
            jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ranAll = true; });
            return 1;
        }"""
    )
    page.wait_for_function("() => window.ranAll", timeout=1000 * seconds)


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")) as server:
        yield server


def _wait_for(server, process, log, seconds=40):
    for _ in range(seconds * 10):
        try:
            return server.api("status")
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}", pytrace=False)


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def window(browser):
    """One window for all tests, so that JupyterLab's own files are fetched once."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture
def page(window, jupyterlab):
    """A tab of its own; at the end, whatever was reported as an error in the console fails the test."""
    page = window.new_page()
    page.set_default_timeout(WAIT)
    page.server = jupyterlab
    page.errors = []
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    page.close()
    jupyterlab.end_kernels()
    assert page.errors == []


@pytest.fixture
def write_notebook(jupyterlab):
    """write_notebook(name, *sources): a notebook with these code cells in the server's folder."""

    def write(name, *sources):
        notebook_of(jupyterlab.root / name, *sources)
        return name

    return write


@pytest.fixture(scope="session")
def open_notebook():
    """open_notebook(page, path): show a notebook of the server's folder, with its kernel ready."""
    return show_notebook


@pytest.fixture(scope="session")
def run_all():
    """run_all(page): run every cell, and wait until the last has run."""
    return run_every_cell


@pytest.fixture(scope="session")
def axe():
    """axe(page, selector): what axe-core finds wrong there, one line each."""
    script = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")

    def check(page, selector):
        page.evaluate(script + "; true")
        found = page.evaluate(
            "selector => axe.run(selector).then(r => JSON.stringify(r.violations))", selector
        )
        return [
            f"{violation['id']}: {node['html'][:160]}"
            for violation in json.loads(found)
            for node in violation["nodes"]
        ]

    return check
