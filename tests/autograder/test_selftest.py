"""The grader graded: all that is true of every exercise, and what selftest says where it is not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from autograder import cli, selftest
from autograder.exercises import PUBLIC_SEED, TOPICS, Misconception, UnknownExercise, draw, find, topic
from autograder.sandbox.edition import build_edition
from autograder.sandbox.host import Zygote
from autograder.selftest import COLUMNS, Proof, prove
from course_utils.examine import PASSED, Report, Row
from course_utils.reference.softmax import softmax_backward as rightly

EXERCISES = [exercise for name in TOPICS for exercise in topic(name).values()]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
EASY = find("softmax_backward")

# some of the wrong ones divide by 0 or overflow
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def zygote(tmp_path_factory):
    """One warm process for all tests."""
    warm = Zygote(build_edition(tmp_path_factory.mktemp("editions")))
    yield warm
    warm.close()


def said_of(proof):
    """What is wrong, as its author reads it."""
    return "\n".join(selftest.in_words(flaw, proof, seeds) for flaw, seeds in proof.flaws.items())


# --- every exercise ---


@each
def test_right_passes_wrong_is_named_and_nobody_cheats(exercise, zygote):
    """Nobody who is right is refused, every known mistake is caught where it says and named, blank is 0."""
    proof = prove(exercise, 0, zygote)
    assert not proof.flaws, said_of(proof)
    assert proof.counts.keys() == COLUMNS.keys()
    assert {column: (good, good) for column, (good, _) in proof.counts.items()} == proof.counts


@each
def test_right_solutions_pass_whatever_is_drawn(exercise):
    """Loops, one pass, lists for tuples, other ways to draw: full marks with each of some more seeds."""
    for seed in range(1, 4):
        proof = prove(exercise, seed, right_only=True)
        assert not proof.flaws, said_of(proof)


# --- planted defects ---


def planted(**changes):
    """An exercise in which something is not as it should be, and what selftest says of it."""
    return said_of(prove(replace(EASY, **changes), 0))


def test_a_weakened_case_is_named_with_the_mistake_that_slips_through():
    """The message says which case, which mistake, why, where, and how to look again."""
    mistake = EASY.misconceptions[0]
    cases = [replace(c, rtol=1e9) if c.name == mistake.exposed_by else c for c in EASY.cases]
    said = planted(cases=tuple(cases))
    assert f"case {mistake.exposed_by!r} no longer exposes {mistake.key}:\n" in said
    assert "  the wrong and the right result agree to rtol 1e+09\n" in said
    assert "  where  autograder/exercises/softmax.py, softmax_backward\n" in said
    assert "then: autograder selftest softmax_backward   (no grades were written)" in said


def test_a_case_that_is_not_there_or_waits_is_no_exposure():
    """A name with a slip, and a case that shows grey because another is red before it."""
    mistake = EASY.misconceptions[0]
    unknown = replace(mistake, exposed_by="a case with another name")
    assert "there is no such case" in planted(misconceptions=(unknown, *EASY.misconceptions[1:]))
    first, second, *others = EASY.cases
    waiting = replace(second, after=(first.name,))
    said = planted(
        cases=(first, waiting, *others),
        misconceptions=(replace(mistake, exposed_by=second.name), *EASY.misconceptions[1:]),
    )
    assert f"it waits for one of ['{first.name}'], which goes red first" in said


def test_a_verifier_that_sees_nothing_is_named():
    """Where no expected value decides, the message names the function that should have seen it."""

    def blind(calls, observations):
        return []

    exercise = find("dropout_forward")
    cases = tuple(replace(c, verify=blind) if c.verify else c for c in exercise.cases)
    said = said_of(prove(replace(exercise, cases=cases), 0))
    assert "  blind finds nothing wrong with what the wrong one returns\n" in said


def test_a_mistake_that_is_right_and_a_mistake_listed_twice_are_told():
    """One passes; the other is refused, and the feedback gives it the name of the first."""
    harmless = Misconception("no-mistake", "", rightly, EASY.cases[0].name, "")
    said = planted(misconceptions=(*EASY.misconceptions, harmless))
    assert "no-mistake passes:\n  no case refuses it" in said
    twice = replace(EASY.misconceptions[0], key="known-twice")
    said = planted(misconceptions=(*EASY.misconceptions, twice))
    assert "known-twice is refused, but not named in the feedback:" in said
    assert f"{EASY.misconceptions[0].key} does the very same on every input" in said


def test_a_variant_that_is_refused_is_named_with_the_red_row():
    """A right solution that loses a mark is the grader's worst mistake."""

    def half(A, Y):
        return (A - Y) / 2

    said = planted(variants=(*EASY.variants, half))
    assert "a right solution is refused: half:\n" in said
    assert "off by one common factor" in said


def test_a_wrong_reference_stands_alone():
    """The reference judges itself right; the other styles know better."""

    def softmax_backward(A, Y):
        return Y - A

    softmax_backward.__doc__ = rightly.__doc__
    softmax_backward.__module__ = rightly.__module__
    assert "the reference stands alone against every right variant" in planted(reference=softmax_backward)


def test_too_few_are_too_few():
    """Three right styles and five mistakes are the least; a case that cannot be drawn stops no other."""
    said = planted(variants=EASY.variants[:2], misconceptions=EASY.misconceptions[:4])
    assert "2 right variants; at least 3" in said and "4 misconceptions; at least 5" in said
    broken = replace(EASY.cases[0], inputs=lambda rng: {"A": rng.normal(size=-1)})
    assert "its cases cannot be drawn:\n  ValueError: negative dimensions" in planted(cases=(broken,))


def test_inputs_that_are_never_new_let_a_table_pass():
    """Whoever writes down the public answers passes where nothing else is asked."""
    A, Y = np.full((2, 3), 0.5), np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    fixed = replace(EASY.cases[0], public=True, inputs=lambda rng: {"A": A, "Y": Y})
    assert "a cheat passes: public answers, looked up by their arguments" in planted(cases=(fixed,))


def test_a_helper_of_the_course_that_answers_is_told(zygote, monkeypatch):
    """A function that graded code may call and that is the answer earns a warning, not the learner a mark."""
    monkeypatch.setattr(selftest, "borrowed", lambda drawn: [("numpy", "subtract", 2)])
    said = said_of(prove(EASY, 0, zygote))
    assert "a cheat passes: numpy.subtract, called:\n  it earns 100% of the marks" in said


def test_a_judge_that_is_too_kind_is_told(zygote, monkeypatch):
    """Full marks for whatever comes: blank cells score, and the imported reference passes."""
    kind = Report("softmax_backward", PASSED, (Row("anything", PASSED),))
    monkeypatch.setattr(selftest.Judge, "exercise", lambda *_: kind)
    proof = prove(EASY, 0, zygote)
    assert proof.counts["blank"] == (0, 2)
    said = said_of(proof)
    assert "a blank cell (pass) scores:\n  it earns 100% of the marks" in said
    assert "a cheat passes: the reference, imported" in said


# --- the cheats are good ones ---


@each
def test_the_table_of_public_answers_passes_on_public_inputs(exercise):
    """A cheat that fails where it copied would prove nothing where it did not."""
    public = draw(exercise, PUBLIC_SEED, public_only=True)
    _, looked_up = next(selftest.cheats(exercise))
    assert selftest.judged(looked_up, public).status == PASSED


def test_what_course_utils_can_do_itself_is_found():
    """The pages about softmax compute one: that function is what a borrower would call."""
    found = [helper for _, helper, _ in selftest.borrowed(draw(find("softmax"), 0))]
    assert any("softmax" in helper for helper in found)
    assert not list(selftest.borrowed(draw(find("momentum_update"), 0)))


# --- the verb ---


def test_seeds_are_added_up_and_a_rare_flaw_says_when(monkeypatch):
    """Counts are summed; what goes wrong with one seed alone names the seed and how to see it again."""
    once, again = Proof("f", "softmax", [0]), Proof("f", "softmax", [7])
    once.count("right", True)
    again.count("right", False)
    again.flaw("a right solution is refused: half", "'a case': the value differs", "mend it")
    once.add(again)
    assert once.counts == {"right": (1, 2)}
    said = selftest.table([once], 1.0)
    assert "a right solution is refused: half (with 1 of 2 seeds: 7):" in said
    assert "autograder selftest f --seeds 8 " in said
    assert not selftest.all_holds([once])


def test_names_of_exercises_and_topics_are_taken():
    """A topic stands for all that is in it, nothing for everything; a typing error shows what there is."""
    assert [e.name for e in selftest.chosen(["sqrt_decay", "setup"])] == ["sqrt_decay", *topic("setup")]
    assert [e.name for e in selftest.chosen([])] == [e.name for e in EXERCISES]
    with pytest.raises(UnknownExercise, match="sqrt_decay"):
        selftest.chosen(["sqrt_deca"])


def test_the_verb_runs_in_processes_and_returns_0_only_if_all_holds(capsys, monkeypatch, tmp_path):
    """One object a line for programs, a table for people, the exit code for both."""
    (tmp_path / "notebooks").mkdir()
    course = ["--course", str(tmp_path), "selftest"]
    assert cli.main([*course, "sqrt_decay", "--seeds", "2", "--jobs", "2", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["exercise"], line["seeds"], line["flaws"]) == ("sqrt_decay", 2, [])
    assert line["blank"] == [2, 2]
    assert line["caught"] == line["named"] == [2 * len(find("sqrt_decay").misconceptions)] * 2

    proof = prove(replace(EASY, variants=()), 0)
    monkeypatch.setattr(selftest, "run", lambda *_, **__: [proof])
    assert cli.main([*course, "softmax_backward"]) == 1
    said = capsys.readouterr().out
    assert "softmax_backward" in said and "there are too few right variants:" in said
    assert "judging one  median" in said
