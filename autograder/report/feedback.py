"""What goes back: the outputs of a graded cell, and one page for each submission.

A page is a file of its own without scripts or addresses; everything that a learner wrote is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from autograder.results import UNJUDGED, ExerciseResult, SubmissionResult
from course_utils import examine, report_view

Notebook = Mapping[str, Any]
Marks = Mapping[str, tuple[float | None, str]]  # what a person gave: points (or None) and a comment
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """\
:root { color-scheme: light dark; --ink: #1F2430; --paper: #FFFFFF; --soft: #F3F4F6; --line: #767B86;
  --link: #00579A }
@media (prefers-color-scheme: dark) {
  :root { --ink: #E8EAF0; --paper: #111318; --soft: #1D2129; --line: #8B92A1; --link: #8CC8FF } }
body { color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto;
  padding: 0 1rem; max-width: 56rem }
a { color: var(--link) }
h1 { font-size: 1.6rem; margin-bottom: .2rem }
h2 { font-size: 1.2rem; margin: 2rem 0 .4rem; padding-top: .6rem; border-top: 1px solid var(--line) }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top }
td.score, thead th:last-child { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums }
.note { border-left: 4px solid #B94A00; background: var(--soft); padding: .4rem .8rem }
pre.code { background: var(--soft); padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font: .9rem/1.4 ui-monospace, monospace }
@media print { body { margin: 0; max-width: none; color: #000; background: #FFF } h2 { break-after: avoid }
  details > * { display: block } pre.code, li { break-inside: avoid } }
"""


def outputs_for(result: ExerciseResult) -> list[dict[str, Any]]:
    """Return what the judge writes below a graded cell: the report, and last the score alone.

    The score is what nbgrader reads there. Where there is no verdict stands an error, for which it gives no
    marks: an empty output would earn them all.
    """
    report = result.report
    shown = {"text/plain": report_view.text(report), "text/html": report_view.html(report)}
    outputs: list[dict[str, Any]] = [{"output_type": "display_data", "data": shown, "metadata": {}}]
    judged = report.status != examine.UNJUDGED and math.isfinite(result.points)
    if not judged:
        say = "The grader could not finish this exercise; your instructor has been told."
        error = {"output_type": "error", "ename": "CouldNotJudge", "evalue": say, "traceback": [say]}
        return [*outputs, error]
    points = min(max(float(result.points), 0.0), float(result.max_points))
    number = {"text/plain": repr(points)}
    score = {"output_type": "execute_result", "data": number, "metadata": {}, "execution_count": None}
    return [*outputs, score]


def code_of(notebook: Notebook) -> dict[str, str]:
    """Return the learner's code by the name of its cell."""
    cells = notebook.get("cells", [])
    named = [(cell.get("metadata", {}).get("nbgrader", {}), cell.get("source", "")) for cell in cells]
    return {
        meta["grade_id"]: source if isinstance(source, str) else "".join(source)
        for meta, source in named
        if meta.get("solution") and "grade_id" in meta
    }


def page(
    result: SubmissionResult,
    code: Mapping[str, str],
    marks: Marks | None = None,
    by_hand: Mapping[str, float] | None = None,
) -> str:
    """Return the page of one submission; the same result gives the same page.

    Parameters
    ----------
    result : what was judged
    code : what the learner wrote, by the name of its cell
    marks : what a person gave, by the name of the graded cell
    by_hand : the most points of cells that only a person marks, by their names
    """
    marks, by_hand = marks or {}, by_hand or {}
    title = f"{result.assignment}: feedback for {result.student}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>{_safe(title)}</title>",
        f"<style>\n{STYLE}{report_view.STYLE}</style></head>",
        "<body><main>",
        f"<h1>{_safe(title)}</h1>",
        _overview(result, marks, by_hand),
        *(_exercise(each, code.get(each.exercise), marks.get(each.grade_id)) for each in result.exercises),
        *(_marked(name, most, code.get(name), marks.get(name)) for name, most in by_hand.items()),
        "</main></body>",
        "</html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _overview(result: SubmissionResult, marks: Marks, by_hand: Mapping[str, float]) -> str:
    parts = []
    if result.status == UNJUDGED:
        what = "A part of this" if result.exercises else "This"
        parts.append(
            f'<p class="note"><strong>{what} could not be judged.</strong> {_safe(result.reason)} '
            "It has cost you no marks: your instructor sees it and decides.</p>"
        )
    if result.remarks:
        remarks = "".join(f"<li>{_safe(remark)}</li>" for remark in result.remarks)
        parts.append(f"<p>Noticed about the notebook, at no cost in marks:</p><ul>{remarks}</ul>")
    if result.exercises or by_hand:
        rows = [
            _overview_row(
                each.exercise,
                report_view.VERDICTS[each.report.status],
                _score(each, marks.get(each.grade_id)),
            )
            for each in result.exercises
        ]
        rows += [
            _overview_row(name, "read by a person", _given(most, marks.get(name)))
            for name, most in by_hand.items()
        ]
        earned = sum(_earned(each, marks.get(each.grade_id)) for each in result.exercises)
        earned += sum(marks[name][0] or 0.0 for name in by_hand if name in marks)
        most = result.max_points + sum(by_hand.values())
        waits = sum(points for name, points in by_hand.items() if marks.get(name, (None, ""))[0] is None)
        still = f", {waits:g} still open" if waits else ""
        total = f'<td></td><td class="score"><strong>{earned:g} of {most:g}</strong>{still}</td>'
        parts += [
            '<table><thead><tr><th scope="col">Exercise</th><th scope="col">Verdict</th>'
            '<th scope="col">Score</th></tr></thead><tbody>',
            *rows,
            f'</tbody><tfoot><tr><th scope="row">Total</th>{total}</tr></tfoot></table>',
        ]
    return "\n".join(parts)


def _overview_row(name: str, verdict: str, score: str) -> str:
    name = _safe(name)
    return (
        f'<tr><th scope="row"><a href="#{name}">{name}</a></th><td>{verdict}</td>'
        f'<td class="score">{score}</td></tr>'
    )


def _earned(each: ExerciseResult, mark: tuple[float | None, str] | None) -> float:
    return each.points if mark is None or mark[0] is None else mark[0]


def _score(each: ExerciseResult, mark: tuple[float | None, str] | None) -> str:
    if each.report.status == examine.UNJUDGED or (mark is not None and mark[0] is not None):
        return _given(each.max_points, mark)
    return f"{each.points:g} of {each.max_points:g}"


def _given(most: float, mark: tuple[float | None, str] | None) -> str:
    if mark is None or mark[0] is None:
        return f"open, of {most:g}"
    return f"{mark[0]:g} of {most:g}, given by your instructor"


def _exercise(each: ExerciseResult, code: str | None, mark: tuple[float | None, str] | None) -> str:
    said = report_view.html(each.report, with_style=False)
    return _section(each.exercise, _score(each, mark), mark, said, code)


def _marked(name: str, most: float, code: str | None, mark: tuple[float | None, str] | None) -> str:
    return _section(name, _given(most, mark), mark, "", code)


def _section(
    name: str, score: str, mark: tuple[float | None, str] | None, said: str, code: str | None
) -> str:
    name = _safe(name)
    parts = [f'<section aria-labelledby="{name}">', f'<h2 id="{name}">{name}: {score}</h2>']
    if mark is not None and mark[1]:
        parts.append(f"<p><strong>Your instructor says:</strong> {_safe(mark[1])}</p>")
    if code is not None:
        shown = f'<pre class="code"><code>{_safe(code)}</code></pre>'
        said += f"<details><summary>What you handed in</summary>{shown}</details>"
    return "\n".join([*parts, said, "</section>"])


def _safe(value: str) -> str:
    return escape(report_view.clean(value))
