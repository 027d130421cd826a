"""A submission is a hostile document: what can be used of it is used, the rest is said."""

import json
import os

import pytest

from autograder.submission import (
    MAX_SOURCE,
    SOLUTION,
    TEST,
    Unjudgeable,
    read_lesson,
    read_submission,
    rebuild,
    steps,
)


def cell(source, grade_id="", *, kind="code", cell_id=None, tags=(), **flags):
    made = {
        "cell_type": kind,
        "id": cell_id or grade_id or "plain",
        "metadata": {"tags": list(tags)},
        "source": source,
    }
    if grade_id:
        made["metadata"]["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **flags}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made


def document(*cells):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def solution(name, source, **more):
    return cell(source, name, solution=True, grade=False, locked=False, **more)


def test_cell(name, source="check({0})\n### BEGIN HIDDEN TESTS\nsecret = 42\n### END HIDDEN TESTS"):
    return cell(source.format(name), f"test_{name}", solution=False, grade=True, locked=True, points=4)


test_cell.__test__ = False
IMPORTS = cell("import numpy as np", cell_id="imports")
SOURCE = document(
    cell("# Story", kind="markdown", cell_id="story"),
    IMPORTS,
    solution("double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"),
    test_cell("double"),
    cell("plot(double)", cell_id="demo", tags=["demo"]),
    solution("triple", "def triple(x): ..."),
    test_cell("triple"),
)


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "source" / "small.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(SOURCE))
    return read_lesson(path)


@pytest.fixture
def hand_in(tmp_path, lesson):
    def put(content):
        path = tmp_path / "ann" / "small" / "small.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        return read_submission(path, lesson)

    return put


def order(lesson, handed, **options):
    return [(step.cell.kind, step.label, step.source) for step in steps(lesson, handed, **options)]


def test_an_honest_submission_runs_in_order(lesson, hand_in):
    """Imports, first solution, its test, second solution, its test; the demo is left out."""
    handed = hand_in(document(IMPORTS, solution("double", "D"), test_cell("double"), solution("triple", "T")))
    assert [label for _, label, _ in order(lesson, handed)] == [
        "imports", "double", "test_double", "triple", "test_triple",
    ]  # fmt: skip
    assert "demo" in [label for _, label, _ in order(lesson, handed, demos=True)]
    assert not handed.remarks


def test_only_solutions_and_own_cells_are_taken(lesson, hand_in):
    """A changed test cell is the instructor's again; a changed import cell runs after the instructor's."""
    handed = hand_in(
        document(
            cell("import numpy as np, math", cell_id="imports"),
            solution("double", "D"),
            cell("score = 100", "test_double", grade=True, points=400),
            cell("helper = 1", cell_id="own"),
            solution("triple", "T"),
        )
    )
    done = order(lesson, handed)
    assert ("plain", "your cell after imports", "import numpy as np, math") in done
    assert done.index(("plain", "your cell after test_double", "helper = 1")) < done.index(
        (SOLUTION, "triple", "T")
    )
    assert all("score" not in source for _, _, source in done)


def test_a_changed_demo_gives_its_definitions_only(lesson, hand_in):
    """Playing with a demonstration costs no time in grading, and a helper written there is found."""
    handed = hand_in(document(solution("double", "D"), cell("def h(): ...", cell_id="demo", tags=["demo"])))
    played = [step for step in steps(lesson, handed) if step.label == "your demo"]
    assert [step.definitions_only for step in played] == [True]


@pytest.mark.parametrize(
    "content, word",
    [
        (b"not json", "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"[1, 2]", "not a notebook"),
        (b'{"cells": 3}', "not a notebook"),
        (b'{"nbformat": 4}', "not a notebook"),
        (b'{"cells": []}', "none of the exercise cells"),
        (b'{"cells": [1, null, {"cell_type": "code"}]}', "none of the exercise cells"),
        (document(solution("softmax", "S")), "softmax"),
    ],
)
def test_what_cannot_be_read_has_a_reason(hand_in, content, word):
    """The student is told what is wrong with the file."""
    with pytest.raises(Unjudgeable, match=word):
        hand_in(content)


def test_links_and_missing_files_have_a_reason(tmp_path, lesson):
    """A link is not followed, whatever it points at."""
    folder = tmp_path / "ann" / "small"
    folder.mkdir(parents=True)
    with pytest.raises(Unjudgeable, match="nothing"):
        read_submission(folder / "small.ipynb", lesson)
    (folder / "essay.txt").touch()
    with pytest.raises(Unjudgeable, match=r"essay\.txt"):
        read_submission(folder / "small.ipynb", lesson)
    os.symlink(tmp_path / "source" / "small.ipynb", folder / "small.ipynb")
    with pytest.raises(Unjudgeable, match="link"):
        read_submission(folder / "small.ipynb", lesson)


def test_a_byte_order_mark_is_no_damage(lesson, hand_in):
    """Some editors write one."""
    handed = hand_in(b"\xef\xbb\xbf" + json.dumps(document(solution("double", "D"))).encode())
    assert handed.sources("double") == ["D"]


def test_doubled_cells_run_one_after_the_other(lesson, hand_in):
    """As in the notebook: the last definition wins, and the class goes on."""
    handed = hand_in(document(solution("double", "first"), solution("double", "second")))
    assert [s for _, label, s in order(lesson, handed) if label == "double"] == ["first", "second"]


def test_a_cell_that_lost_its_name_is_found_by_its_function(lesson, hand_in):
    """Other front ends drop metadata: the function still stands for its exercise."""
    handed = hand_in(
        document(solution("double", "D"), cell("def triple(x):\n    return 3 * x", cell_id="zz"))
    )
    assert handed.sources("triple") == ["def triple(x):\n    return 3 * x"]
    assert "triple" in handed.remarks[0]


def test_a_deleted_cell_is_remarked(lesson, hand_in):
    """Nobody guesses why an exercise earned nothing."""
    assert "triple is missing" in hand_in(document(solution("double", "D"))).remarks[0]


def test_sources_may_be_lists_and_strange_cells_are_passed_over(lesson, hand_in):
    """The two legal forms of a source; metadata of wrong types."""
    odd = {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": ["x"]}}, "source": [1, "def q(): ..."]}
    handed = hand_in(
        document(solution("double", ["a\n", "b"]), odd, {"metadata": 3, "cell_type": "code", "source": 5})
    )
    assert handed.sources("double") == ["a\nb"]


def test_a_giant_cell_is_left_out_and_remarked(lesson, hand_in):
    """A megabyte of source is no solution."""
    handed = hand_in(document(solution("double", "D"), solution("triple", "#" * (MAX_SOURCE + 1))))
    assert handed.sources("triple") == [] and "characters" in handed.remarks[0]


def test_the_graded_notebook_is_the_instructors(lesson, hand_in):
    """Only code comes from the learner; outputs are the judge's; hidden tests are gone."""
    mine = solution("double", "D")
    mine["outputs"] = [{"output_type": "display_data", "data": {"text/html": "<script>evil</script>"}}]
    handed = hand_in(document(mine, cell("own = 1", cell_id="own"), test_cell("double", "score = 100")))
    judged = [{"output_type": "stream", "name": "stdout", "text": "judged"}]
    graded = rebuild(lesson, handed, {"test_double": judged})
    text = json.dumps(graded)
    assert "evil" not in text and "secret" not in text and "score = 100" not in text
    by_id = {c["id"]: c for c in graded["cells"]}
    assert by_id["double"]["source"] == "D" and by_id["test_double"]["outputs"] == judged
    assert by_id["test_double"]["metadata"]["nbgrader"]["points"] == 4
    assert len({c["id"] for c in graded["cells"]}) == len(graded["cells"])
    assert "nothing was handed in" in by_id["triple"]["source"]
    assert json.dumps(lesson.notebook) == json.dumps(SOURCE)


def test_tests_of_the_lesson_name_their_exercise(lesson):
    """test_double judges double."""
    assert lesson.exercises == ("double", "triple")
    assert [c.points for c in lesson.cells if c.kind == TEST] == [4, 4]
