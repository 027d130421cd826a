"""How a report reads: the same in HTML and in text, safe, in both themes, without colour."""

import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import report_view
from course_utils.examine import FAILED, PASSED, UNJUDGED, WAITING, Report, Row
from course_utils.report_view import html, text

ROWS = (
    Row("keeps its shape", PASSED),
    Row(
        "the mean survives",
        FAILED,
        "the mean activation should survive dropout",
        "0.80 after",
        "1.00 after",
        "Why?",
    ),
    Row("twelve layers", FAILED, "W10 is off"),
    Row("in training", WAITING, "first: the mean survives"),
)
REPORT = Report(
    "dropout_forward", FAILED, ROWS, "", "unscaled", "it need not be scaled", "Divide.", ("a warning",)
)


class Seen(HTMLParser):
    """The tags of a fragment, and the text that a reader sees."""

    def __init__(self, fragment):
        super().__init__()
        self.tags, self.said, self.style = [], "", False
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, sorted(name for name, _ in attrs)))
        self.style = tag == "style"

    def handle_data(self, data):
        self.said += "" if self.style else data


@pytest.mark.parametrize(
    ("status", "rows", "line"),
    [
        (FAILED, ROWS, "Not yet - dropout_forward (1 of 4)"),
        (PASSED, ROWS[:1], "Done - dropout_forward (1 of 1)"),
        (UNJUDGED, (Row("x", UNJUDGED, "it died"),), "Could not judge - dropout_forward (0 of 1)"),
    ],
)
def test_the_summary_leads(status, rows, line):
    """Whoever reads one line reads the verdict and how far it is."""
    report = Report("dropout_forward", status, rows)
    assert text(report).splitlines()[0] == line
    assert f'aria-label="{line}"' in html(report)


def test_the_plain_twin_word_by_word():
    """The first failure is written out as saw, expected, next; the others in a line."""
    assert (
        text(REPORT)
        == """\
Not yet - dropout_forward (1 of 4)
  ✓ passed   keeps its shape
  ✗ not yet  the mean survives
  ✗ not yet  twelve layers
             W10 is off
  … waits    in training
             first: the mean survives

dropout_forward: the mean activation should survive dropout
  saw       0.80 after
  expected  1.00 after
  next      Why?

A known mistake (unscaled)
  belief    it need not be scaled
  hint      Divide.

Remarks, which cost no marks
  a warning"""
    )


def test_both_say_the_same():
    """Nothing is in one and not in the other."""
    seen = Seen(html(REPORT)).said
    plain = text(REPORT)
    for row in ROWS:
        for part in (row.name, row.problem, row.saw, row.expected, row.ask):
            assert part in re.sub(r"\s+", " ", plain) and part in seen
    for part in (REPORT.belief, REPORT.hint, *REPORT.remarks):
        assert part in plain and part in seen


def test_the_first_failure_is_open_and_only_it():
    """One thing to look at first."""
    fragment = html(REPORT)
    assert fragment.count("<details open>") == 1 and fragment.count("<details") == 2
    assert (
        fragment.index("<details open>")
        < fragment.index("the mean survives")
        < fragment.index("twelve layers")
    )


def test_nothing_rests_on_colour():
    """Every row has a glyph and a word beside its colour."""
    for status, word in report_view.WORDS.items():
        line = text(Report("f", FAILED, (Row("x", status),))).splitlines()[1]
        assert report_view.GLYPHS[status] in line and word in line
    assert len(set(report_view.GLYPHS.values())) == len(set(report_view.WORDS.values())) == 4


def luminance(colour):
    """Return the relative luminance of '#RRGGBB' (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", report_view.COLOURS.values())
def test_badges_can_be_read_and_seen_in_both_themes(colour):
    """WCAG AA: letters 4.5 to 1 on their badge, the badge 3 to 1 on a white and on a black page."""
    assert contrast("#FFFFFF", colour) >= 4.5
    assert contrast(colour, "#FFFFFF") >= 3
    assert contrast(colour, "#111111") >= 3
    assert contrast(*report_view.MARK) >= 4.5


@given(st.text())
def test_no_text_becomes_markup(said):
    """Names of variables, errors and warnings are a learner's: whatever they hold, the tags stay the same."""
    rows = (Row("a", FAILED, said, said, said, said), Row("b", WAITING, said))
    calm = (Row("a", FAILED, "x", "x", "x", "x"), Row("b", WAITING, "x"))
    wild = Report("f", FAILED, rows, said or "x", said or "x", said, said, (said,))
    tame = Report("f", FAILED, calm, "x", "x", "x", "x", ("x",))
    if said:
        assert Seen(html(wild)).tags == Seen(html(tame)).tags
    html(wild).encode("utf-8"), text(wild).encode("utf-8")
    assert "\x1b" not in html(wild) + text(wild)


def test_what_differs_is_marked():
    """Of two rows of numbers the entries that differ stand out, not by colour alone."""
    row = Row("a", FAILED, "off", "[0.1, 0.2, 0.3]", "[0.1, 0.5, 0.3]")
    fragment = html(Report("f", FAILED, (row,)))
    assert "[0.1, <mark>0.2</mark>, 0.3]" in fragment and "[0.1, <mark>0.5</mark>, 0.3]" in fragment
    assert "text-decoration: underline" in report_view.STYLE


def test_nothing_is_marked_where_all_differs():
    """A mark on everything marks nothing."""
    row = Row("a", FAILED, "off", "shape (2, 3)", "a dict")
    assert "<mark>" not in html(Report("f", FAILED, (row,)))


def test_it_brings_no_script_and_is_the_same_each_time():
    """A notebook with the output in it changes only when the verdict does."""
    fragment = html(REPORT)
    assert fragment == html(REPORT)
    assert "<script" not in fragment and "javascript:" not in fragment and " on" + "click" not in fragment
    assert report_view.STYLE not in html(REPORT, with_style=False)


def test_a_function_that_is_not_there_is_said_once():
    """Before anything is written the headline says so, and the checks say what will be asked."""
    report = Report(
        "f", FAILED, (Row("a", WAITING), Row("b", WAITING)), "f is not written yet: it returns None"
    )
    assert escape(report.headline) in html(report) and report.headline in text(report)
    assert "<details" not in html(report)
