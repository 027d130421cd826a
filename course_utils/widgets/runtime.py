"""What every widget shares on the Python side: its module, its messages, its picture for static pages."""

from __future__ import annotations

import json
import re
import threading
from importlib import resources

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
    parts = [_without_exports(text(name)) for name in ("runtime.js", *views)] + [text(own)]
    return "".join(
        re.sub(r'^import [^;]*? from "\./\w+\.js";\n', "", part, flags=re.M | re.S) for part in parts
    )


def _without_exports(source):
    return re.sub(r"^export (?=(async )?(function|const|class)\b)", "", source, flags=re.M)


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

    def __init__(self, **traits):
        super().__init__(**traits)
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

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if not plots.in_notebook() or bundle is None:
            return bundle
        # Live front ends prefer the widget's view; a static page shows the picture with its text.
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/html": self.picture()}, metadata
