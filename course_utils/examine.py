"""From what a function did to what there is to say about it: findings, the known mistake, the report.

Both the visible check in a notebook and the judge of a submission work through this one room; they differ
in where the function runs, and in whether numbers may be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from course_utils import calls as did
from course_utils.calls import Call, Observation
from course_utils.compare import Difference, differences, same

HABITS = "touches nothing but its result"
SHARE = 0.1  # of its failures, which a mistake must explain to be named beside another that is not known
PASSED, FAILED, WAITING, UNJUDGED = "passed", "failed", "waiting", "could not judge"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with what was returned.

    ``code`` is a stable key, equal for equal mistakes. ``problem`` is a sentence that holds no number of the
    inputs or of the expected result; ``saw`` and ``expected`` hold them and are shown for public inputs only.
    ``ask`` is the next question for the learner.
    """

    code: str
    problem: str
    saw: str = ""
    expected: str = ""
    ask: str = ""


Verify = Callable[[Sequence[Call], Sequence[Observation]], list[Finding]]


@dataclass(frozen=True)
class Check:
    """One named property of a function, ready to be tried: calls, and either results or a way to verify."""

    name: str
    calls: tuple[Call, ...]
    expected: tuple[Any, ...] | None = None
    verify: Verify | None = None
    rtol: float = 1e-7
    atol: float = 1e-10
    marks: int = 1
    after: tuple[str, ...] = ()
    ask: str = ""
    returns: tuple[str, ...] = ()


class OnDemand(Mapping[str, Any]):
    """Values by name, each worked out when it is first asked for, and then kept."""

    def __init__(self, names: Sequence[str], work_out: Callable[[str], Any]) -> None:
        self._names = tuple(names)
        self._work_out = work_out
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            if name not in self._names:
                raise KeyError(name)
            self._known[name] = self._work_out(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Mistake:
    """A misconception that is known: what it does on the calls of every check, and what to say of it.

    ``off`` says where it goes wrong, as ``places_off`` does; of verified checks only that is kept.
    """

    key: str
    belief: str
    hint: str
    observations: Mapping[str, Sequence[Observation]]
    off: Mapping[str, Sequence[set[str]]]

    @classmethod
    def of(
        cls,
        key: str,
        belief: str,
        hint: str,
        checks: Sequence[Check],
        observations: Mapping[str, Sequence[Observation]],
    ) -> Mistake:
        """Describe a mistake by what it did; nothing is looked at before it is needed."""
        asked = {check.name: check for check in checks}

        def kept(name: str) -> list[Observation]:
            hidden = asked[name].verify is not None
            return [replace(o, value=None) if hidden else o for o in observations[name]]

        off = OnDemand(tuple(asked), lambda name: places_off(asked[name], observations[name]))
        return cls(key, belief, hint, OnDemand(tuple(asked), kept), off)


@dataclass(frozen=True)
class Row:
    """What is said about one check."""

    name: str
    status: str
    problem: str = ""
    saw: str = ""
    expected: str = ""
    ask: str = ""
    marks: int = 1


@dataclass(frozen=True)
class Report:
    """What is said about one exercise; plain data, and nothing of it hidden from the learner."""

    exercise: str
    status: str
    rows: tuple[Row, ...]
    headline: str = ""
    misconception: str | None = None
    belief: str = ""
    hint: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return sum(row.status == PASSED for row in self.rows)

    @property
    def share(self) -> float:
        """The share of the marks that was earned, 0 to 1."""
        total = sum(row.marks for row in self.rows)
        earned = sum(row.marks for row in self.rows if row.status == PASSED)
        return earned / total if total else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain containers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Build the report that ``as_dict`` wrote."""
        rows = tuple(Row(**row) for row in data["rows"])
        return cls(**{**data, "rows": rows, "remarks": tuple(data["remarks"])})


def report(
    exercise: str,
    checks: Sequence[Check],
    observations: Mapping[str, Sequence[Observation]],
    mistakes: Sequence[Mistake] = (),
    *,
    show_numbers: bool,
) -> Report:
    """Say of every check whether it passed and, if not, how; name the mistake if it is a known one."""
    outcome, error = _common_outcome(observations)
    if outcome in (did.MISSING, did.UNWRITTEN):
        headline = (
            f"{exercise} is not written yet"
            if outcome == did.UNWRITTEN
            else f"there is no function {exercise}"
        )
        headline += f": {error}" if error else ""
        rows = (*(Row(c.name, WAITING, marks=c.marks) for c in checks), Row(HABITS, WAITING))
        return Report(exercise, FAILED, rows, headline)
    rows, failed = [], {}
    for check in checks:
        seen = observations[check.name]
        waits_for = [name for name in check.after if name in failed]
        found = findings(check, seen)
        if found:
            failed[check.name] = found
        if found and waits_for:
            row = Row(check.name, WAITING, f"first: {waits_for[0]}", marks=check.marks)
        elif any(o.outcome == did.SKIPPED for o in seen):
            row = Row(check.name, UNJUDGED, seen[-1].error, marks=check.marks)
        elif found:
            row = _red(check, found[0], show_numbers)
        else:
            row = Row(check.name, PASSED, marks=check.marks)
        rows.append(row)
    rows.append(_habits_row([o for seen in observations.values() for o in seen], len(failed) == len(checks)))
    named = diagnose(checks, observations, mistakes) if any(r.status == FAILED for r in rows) else None
    statuses = {row.status for row in rows}
    status = UNJUDGED if UNJUDGED in statuses else FAILED if statuses - {PASSED} else PASSED
    remarks = dict.fromkeys(remark for seen in observations.values() for o in seen for remark in o.remarks)
    return Report(
        exercise,
        status,
        tuple(rows),
        misconception=named.key if named else None,
        belief=named.belief if named else "",
        hint=named.hint if named else "",
        remarks=tuple(remarks)[:3],
    )


def _common_outcome(observations: Mapping[str, Sequence[Observation]]) -> tuple[str, str]:
    """The outcome that all calls share, and its error; empty where they differ."""
    ended = [o for seen in observations.values() for o in seen]
    same_end = len({o.outcome for o in ended}) == 1
    return (ended[0].outcome, ended[0].error) if same_end else ("", "")


def _red(check: Check, finding: Finding, show_numbers: bool) -> Row:
    saw, expected = (finding.saw, finding.expected) if show_numbers else ("", "")
    return Row(check.name, FAILED, finding.problem, saw, expected, finding.ask or check.ask, check.marks)


def findings(check: Check, observations: Sequence[Observation]) -> list[Finding]:
    """List what is wrong with the results of one check; nothing if it passed."""
    for i, seen in enumerate(observations):
        if seen.outcome != did.RETURNED:
            return [_no_result(i, seen)]
    if len(observations) != len(check.calls):
        return [Finding("fewer results than calls", "not every call gave a result")]
    if check.verify is not None:
        return check.verify(check.calls, observations)
    for i, (seen, expected) in enumerate(zip(observations, check.expected or (), strict=True)):
        for d in _differences(check, seen.value, expected):  # the first says enough
            return [Finding(f"{i}:{d.where}:{d.kind}", d.problem, d.saw, d.expected)]
    return []


def _differences(check: Check, value: Any, expected: Any) -> list[Difference]:
    """Compare, calling the parts of a tuple by their names."""
    if not isinstance(expected, tuple) or not isinstance(value, (list, tuple)):
        return differences(value, expected, rtol=check.rtol, atol=check.atol)
    if not len(value) == len(expected) == len(check.returns):
        return differences(value, expected, rtol=check.rtol, atol=check.atol)
    parts = zip(check.returns, value, expected, strict=True)
    return [d for n, v, e in parts for d in differences(v, e, name=n, rtol=check.rtol, atol=check.atol)]


def _no_result(i: int, seen: Observation) -> Finding:
    where = f" ({seen.line})" if seen.line else ""
    problem = {
        did.RAISED: f"it stopped with {seen.error}{where}",
        did.TIMED_OUT: f"it did not come to an end: {seen.error}",
        did.DIED: f"it took its Python process down: {seen.error}",
        did.UNWRITTEN: "it returned None: is a return missing on one of its ways?",
        did.UNREADABLE: f"could not read what your function returned: {seen.error}",
    }.get(seen.outcome, seen.error or seen.outcome)
    error_type = seen.error.split(":")[0] if seen.outcome == did.RAISED else ""
    return Finding(f"{i}:{seen.outcome}:{error_type}", problem)


def habits(observations: Sequence[Observation]) -> list[Finding]:
    """What a function did besides returning: change an argument, share memory, move np.random."""
    found = {}
    for seen in observations:
        for path in seen.changed:
            name = path.split("[")[0]
            problem = f"it changed its argument {name}"
            ask = "Which line writes into what was handed in? (a -= b writes, a = a - b makes a new array)"
            found.setdefault(
                f"changed:{name}", Finding(f"changed:{name}", problem, f"{path} was changed", ask=ask)
            )
        for pair in seen.shared:
            problem = "arrays that it returns share memory with an argument or with each other"
            ask = "What happens to one of them when someone writes into the other? Where is a copy missing?"
            found.setdefault("shared", Finding("shared", problem, f"{pair} overlap", ask=ask))
        if seen.moved_random:
            problem = "it drew from NumPy's global generator"
            ask = "Which generator was handed in as an argument?"
            found.setdefault(
                "global-random", Finding("global-random", problem, "np.random.* was used", ask=ask)
            )
    return list(found.values())


def _habits_row(observations: Sequence[Observation], nothing_right: bool) -> Row:
    found = habits(observations)
    if found:
        first = found[0]
        return Row(HABITS, FAILED, first.problem, first.saw, "", first.ask)
    return Row(HABITS, WAITING if nothing_right else PASSED)


def diagnose(
    checks: Sequence[Check], observations: Mapping[str, Sequence[Observation]], mistakes: Sequence[Mistake]
) -> Mistake | None:
    """Find the known mistake that explains what was seen.

    A mistake is ruled out where it would have failed and the learner did not. Of the others the first that
    explains every failure is named, else the one that explains most (someone may hold two at once), if that
    is no coincidence: it explains one failure in ten, and goes wrong in the first red check too, beside which
    its hint will stand, or explains a verified one, whose code is its own.
    """
    off = {check.name: places_off(check, observations[check.name]) for check in checks}
    first = next((name for name, places in off.items() if any(places)), HABITS)
    telling = [HABITS, *(check.name for check in checks if check.verify is not None)]
    best, best_explained = None, 0
    for mistake in mistakes:
        explained, unexplained, contradicted = _weigh(checks, observations, off, mistake)
        if contradicted or not any(explained.values()):
            continue
        if not unexplained:
            return mistake
        there = first == HABITS or any(map(set.intersection, off[first], mistake.off[first]))
        count = sum(explained.values())
        chance = count < SHARE * (count + unexplained)
        if count > best_explained and not chance and (there or any(explained[name] for name in telling)):
            best, best_explained = mistake, count
    return best


def places_off(check: Check, observations: Sequence[Observation]) -> list[set[str]]:
    """Where results are wrong: the codes of a verified check, else the names of wrong parts, call by call."""
    if check.verify is not None:
        return [{found.code for found in findings(check, observations)}]
    return [
        {seen.outcome}
        if seen.outcome != did.RETURNED
        else {d.where for d in _differences(check, seen.value, expected)}
        for seen, expected in zip(observations, check.expected or (), strict=False)
    ]


def _weigh(
    checks: Sequence[Check],
    observations: Mapping[str, Sequence[Observation]],
    off: Mapping[str, Sequence[set[str]]],
    mistake: Mistake,
) -> tuple[dict[str, int], int, bool]:
    """Count the failures that the mistake explains, by check, and those it does not; is it contradicted?"""
    explained = dict.fromkeys([*off, HABITS], 0)
    unexplained = 0
    for check in checks:
        for i, (mine, its) in enumerate(zip(off[check.name], mistake.off[check.name], strict=False)):
            if any(not any(place.startswith(other) for other in mine) for place in its):
                return explained, 0, True
            alike = mine & its
            if alike and check.verify is None:
                seen, wrong = observations[check.name][i], mistake.observations[check.name][i]
                alike = _same_way(check, seen, wrong, alike)
            explained[check.name] += len(alike)
            unexplained += len(mine - alike)
    my_habits, its_habits = (
        {found.code for found in habits([o for seen in every.values() for o in seen])}
        for every in (observations, mistake.observations)
    )
    if its_habits - my_habits:
        return explained, 0, True
    explained[HABITS] = len(my_habits & its_habits)
    return explained, unexplained + len(my_habits - its_habits), False


def _same_way(check: Check, mine: Observation, its: Observation, places: set[str]) -> set[str]:
    """Of some places where both are off, those where both are off in the very same way."""
    if mine.outcome != did.RETURNED or its.outcome != did.RETURNED:
        return places if mine.outcome == its.outcome and mine.error[:20] == its.error[:20] else set()
    my_parts, its_parts = (_parts("the result", value, check) for value in (mine.value, its.value))
    return {
        place
        for place in places & my_parts.keys() & its_parts.keys()
        if same(my_parts[place], its_parts[place], rtol=check.rtol, atol=check.atol)
    }


def _parts(path: str, value: Any, check: Check) -> dict[str, Any]:
    """All parts of a result by their names, containers and what is in them."""
    parts = {path: value}
    if isinstance(value, dict):
        for key, item in value.items():
            parts |= _parts(f"{path}[{key!r}]", item, check)
    elif isinstance(value, (list, tuple)):
        named = path == "the result" and 1 < len(check.returns) == len(value)
        for i, item in enumerate(value):
            parts |= _parts(check.returns[i] if named else f"{path}[{i}]", item, check)
    return parts
