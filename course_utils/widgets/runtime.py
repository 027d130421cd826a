"""What every widget shares on the Python side: its module, its messages, its picture for static pages."""

from __future__ import annotations

import json
import re
import threading
from importlib import resources
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from course_utils import plots

_HERE = resources.files("course_utils") / "widgets"


def module(*names):
    """One self-contained ES module: the runtime, then the widget's own files, the one that renders first.

    Some front ends load a widget's code from a blob, where an import of a neighbour leads nowhere.
    """
    own, *views = names
    parts = [_without_exports(text(name)) for name in ("still.js", "runtime.js", *views)] + [text(own)]
    return "".join(
        re.sub(r'^import [^;]*? from "\./\w+\.js";\n', "", part, flags=re.M | re.S) for part in parts
    )


def _without_exports(source):
    return re.sub(r"^export (?=(async )?(function|const|class)\b)", "", source, flags=re.M)


def small_module(name):
    """A widget's own file with nothing of the runtime but the line that hides its still picture."""
    return _without_exports(text("still.js")) + text(name)


def text(name):
    return (_HERE / name).read_text("utf-8")


def floats(array):
    """Little-endian float32 bytes, as JavaScript's typed arrays read them."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype="<f4").tobytes()


class CourseWidget(anywidget.AnyWidget):
    """A widget whose Python side owns the truth, answers numbered messages and never raises.

    A subclass sets `_esm`, fills `_setup` (plain data, sent once) and `_first` (the first picture's floats),
    answers messages in `answer(content)` and draws its still picture in `picture()`.
    """

    _css = text("widgets.css")
    _palette = traitlets.Dict(json.loads(text("palette.json"))).tag(sync=True)
    _setup = traitlets.Dict().tag(sync=True)
    _first = traitlets.Bytes().tag(sync=True)
    _still = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits):
        super().__init__(_still=uuid4().hex, **traits)
        self._lock = threading.Lock()  # Jupyter may hand over messages in a second thread
        self.on_msg(self._on_message)

    def answer(self, content):
        """Plain data and a list of buffers in reply to a message of the browser."""
        raise NotImplementedError

    def picture(self):
        """An `<img>` element for pages without a kernel."""
        raise NotImplementedError

    def _on_message(self, _, content, buffers):
        seq = content.get("seq") if isinstance(content, dict) else None
        try:
            with self._lock:
                reply, data = self.answer(content)
        except Exception as error:  # the browser waits for an answer, and a cell must not break
            reply, data = {"kind": "error", "said": f"{type(error).__name__}: {error}"}, []
        self.send({**reply, "seq": seq}, data)

    def _ipython_display_(self):
        """Show the still picture, then the live view that hides it: pages without a kernel keep the first."""
        from IPython.display import display

        bundle = super()._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        if plots.in_notebook():
            still = f'<div data-still="{self._still}">{self.picture()}</div>'
            display({"text/html": still, "text/plain": repr(self)}, raw=True)
            data = {**data, "text/html": "", "text/plain": ""}
        display(data, metadata=metadata, raw=True)
