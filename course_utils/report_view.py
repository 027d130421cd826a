"""A report as a learner reads it: an HTML fragment for notebooks and pages, and its twin in plain text.

Both say the same in the same order. The fragment holds no script; all that a learner's code may have put into
a report is escaped. Badges carry their own background, dark enough for white letters and bright enough to
stand out on white and on black, so one set of colours serves both themes.
"""

from __future__ import annotations

import re
import textwrap
from html import escape

from course_utils.examine import FAILED, PASSED, UNJUDGED, WAITING, Report, Row

VERDICTS = {PASSED: "Done", FAILED: "Not yet", UNJUDGED: "Could not judge"}
WORDS = {PASSED: "passed", FAILED: "not yet", WAITING: "waits", UNJUDGED: "could not judge"}
GLYPHS = {PASSED: "\N{CHECK MARK}", FAILED: "\N{BALLOT X}", WAITING: "\N{HORIZONTAL ELLIPSIS}", UNJUDGED: "?"}
KINDS = {PASSED: "passed", FAILED: "failed", WAITING: "waits", UNJUDGED: "unjudged"}
COLOURS = {PASSED: "#00785A", FAILED: "#B94A00", WAITING: "#656D7B", UNJUDGED: "#7A5EA8"}
MARK = ("#FFE08A", "#1F2430")

_BADGES = "\n".join(
    f".course-report .{KINDS[status]} {{ background: {colour} }}" for status, colour in COLOURS.items()
)
STYLE = f"""\
.course-report {{ color: var(--jp-content-font-color1, inherit); max-width: 60em; line-height: 1.45;
  font-family: var(--jp-content-font-family, system-ui, sans-serif);
  font-size: var(--jp-content-font-size1, inherit) }}
.course-report .verdict {{ font-weight: 600; margin: .3em 0 }}
.course-report ul {{ list-style: none; margin: .4em 0; padding: 0 }}
.course-report li {{ margin: .25em 0; padding: 0 }}
.course-report p {{ margin: .3em 0 }}
.course-report summary {{ cursor: pointer }}
.course-report .more {{ margin: .3em 0 .6em 1.4em }}
.course-report .badge {{ display: inline-block; color: #FFFFFF; border-radius: 3px; padding: 0 .5em;
  margin-right: .5em; font-size: .85em; font-weight: 600; white-space: nowrap }}
{_BADGES}
.course-report .pair {{ display: flex; flex-wrap: wrap; gap: .6em; margin: .4em 0 }}
.course-report .pair > div {{ flex: 1 1 14em; min-width: 0; padding: .3em .6em; border-radius: 3px;
  border: 1px solid var(--jp-border-color1, #767B86) }}
.course-report .pair pre {{ margin: .2em 0; padding: 0; background: none; color: inherit; border: 0;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9em;
  font-family: var(--jp-code-font-family, ui-monospace, monospace) }}
.course-report mark {{ background: {MARK[0]}; color: {MARK[1]}; font-weight: 600;
  text-decoration: underline }}
.course-report .known {{ border-left: 4px solid {COLOURS[FAILED]}; padding: .1em 0 .1em .8em;
  margin: .6em 0 }}
"""


def html(report: Report, *, with_style: bool = True) -> str:
    """Return the report as an HTML fragment; a page that holds ``STYLE`` needs no copy ``with_style``."""
    first = _first_failure(report)
    parts = [f'<div class="course-report" role="group" aria-label="{_safe(verdict(report))}">']
    if with_style:
        parts.append(f"<style>\n{STYLE}</style>")
    parts.append(f'<p class="verdict">{_badge(report.status, VERDICTS)}{_safe(_title(report))}</p>')
    if report.headline:
        parts.append(f"<p>{_safe(report.headline)}</p>")
    if report.rows:
        parts += ['<ul role="list">', *(_row_html(row, row is first) for row in report.rows), "</ul>"]
    if report.misconception:
        parts.append(
            f'<div class="known"><p><strong>A known mistake</strong> ({_safe(report.misconception)}): '
            f"\N{LEFT DOUBLE QUOTATION MARK}{_safe(report.belief)}\N{RIGHT DOUBLE QUOTATION MARK}</p>"
            f"<p>{_safe(report.hint)}</p></div>"
        )
    if report.remarks:
        remarks = "".join(f"<li>{_safe(remark)}</li>" for remark in report.remarks)
        parts.append(f'<p>Remarks, which cost no marks:</p><ul role="list">{remarks}</ul>')
    return "\n".join([*parts, "</div>"])


def text(report: Report) -> str:
    """Return the report in plain text; what can be acted upon first is written out."""
    first = _first_failure(report)
    width = max((len(WORDS[row.status]) for row in report.rows), default=0)
    blocks = ["\n".join([verdict(report), *(_row_text(row, row is first, width) for row in report.rows)])]
    if report.headline:
        blocks.append(report.headline)
    if first is not None:
        fields = [("saw", first.saw), ("expected", first.expected), ("next", first.ask)]
        lines = [f"{report.exercise}: {first.problem or first.name}".replace("\n", "\n  ")]
        blocks.append("\n".join(lines + [_field(name, value) for name, value in fields if value]))
    if report.misconception:
        known = [_field("belief", report.belief), _field("hint", report.hint)]
        blocks.append("\n".join([f"A known mistake ({report.misconception})", *known]))
    if report.remarks:
        blocks.append(
            "\n".join(["Remarks, which cost no marks", *(f"  {remark}" for remark in report.remarks)])
        )
    return clean("\n\n".join(blocks))


def verdict(report: Report) -> str:
    """Return the summary line: 'Not yet - adam_update (2 of 4)'."""
    return f"{VERDICTS[report.status]} - {_title(report)}"


def _title(report: Report) -> str:
    return f"{report.exercise} ({report.passed} of {len(report.rows)})" if report.rows else report.exercise


def _first_failure(report: Report) -> Row | None:
    return next((row for row in report.rows if row.status == FAILED), None)


def _badge(status: str, words: dict[str, str]) -> str:
    glyph = f'<span aria-hidden="true">{GLYPHS[status]}</span>'
    return f'<span class="badge {KINDS[status]}">{glyph} {words[status]}</span>'


def _row_html(row: Row, is_open: bool) -> str:
    head = f"{_badge(row.status, WORDS)}{_safe(row.name)}{_marks(row)}"
    if row.status == FAILED and (row.problem or row.saw or row.expected or row.ask):
        more = [f"<p>{_safe(row.problem)}</p>" if row.problem else "", _pair(row)]
        more.append(f"<p><strong>Next:</strong> {_safe(row.ask)}</p>" if row.ask else "")
        body = f'<div class="more">{"".join(more)}</div>'
        return f"<li><details{' open' if is_open else ''}><summary>{head}</summary>{body}</details></li>"
    return f"<li>{head}{f' <span>({_safe(row.problem)})</span>' if row.problem else ''}</li>"


def _marks(row: Row) -> str:
    return "" if row.marks == 1 else f" ({row.marks:g} marks)"


def _pair(row: Row) -> str:
    """What came and what was expected, side by side, with the words in which they differ marked."""
    saw, expected = _marked(clean(row.saw), clean(row.expected))
    boxes = [("Saw", saw), ("Expected", expected)]
    shown = [f"<div><strong>{name}</strong><pre>{value}</pre></div>" for name, value in boxes if value]
    return f'<div class="pair">{"".join(shown)}</div>' if shown else ""


def _marked(saw: str, expected: str) -> tuple[str, str]:
    """Escape two texts; where both hold equally many words and only some differ, mark those."""
    words, others = (re.split(r"([\s,\[\]]+)", text) for text in (saw, expected))
    if len(words) != len(others):
        return escape(saw), escape(expected)
    off = [a != b for a, b in zip(words, others, strict=True)]
    if all(off[::2]):
        return escape(saw), escape(expected)
    return _mark(words, off), _mark(others, off)


def _mark(words: list[str], off: list[bool]) -> str:
    pairs = zip(words, off, strict=True)
    return "".join(f"<mark>{escape(w)}</mark>" if o and w.strip() else escape(w) for w, o in pairs)


def _row_text(row: Row, is_first: bool, width: int) -> str:
    line = f"  {GLYPHS[row.status]} {WORDS[row.status]:<{width}}  {row.name}{_marks(row)}"
    if row.problem and not is_first:
        line += "\n" + textwrap.indent(row.problem, " " * (width + 6))
    return line


def _field(name: str, value: str) -> str:
    return f"  {name:<10}{value}".replace("\n", "\n" + " " * 12)


def _safe(value: str) -> str:
    return escape(clean(value))


def clean(value: str) -> str:
    """Replace what no file or page should get: control and half characters, turned reading direction."""
    unwanted = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
    return re.sub(unwanted, "\N{REPLACEMENT CHARACTER}", value.replace("\r\n", "\n"))
