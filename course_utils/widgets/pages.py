"""A slider over pictures: every stop is drawn once, beforehand, and sliding happens in the browser."""

from __future__ import annotations

from course_utils.widgets.runtime import CourseWidget, small_module


class PageSlider(CourseWidget):
    """One picture a stop, a slider to choose among them, and what each shows in words."""

    _esm = small_module("pages.js")

    def picture(self):
        """The picture at the start."""
        return self._setup["pages"][self._setup["start"]]


def page_slider(name, stops, pages, said, start):
    """Return a slider over pictures.

    Parameters
    ----------
    name : str
        What slides.
    stops : sequence of float
    pages : sequence of str
        One `<img>` element with its alternative text for each stop, as `plots.png` makes them.
    said : sequence of str
        What each picture shows, in a line that a screen reader speaks when the slider moves.
    start : int, the first stop to show
    """
    listed = [f"{stop:g}" for stop in stops]
    return PageSlider(_setup={"name": name, "stops": listed, "pages": pages, "said": said, "start": start})
