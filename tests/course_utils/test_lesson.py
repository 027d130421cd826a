"""A demo cell shows what it can, says what it waits for, and never stops a lesson."""

import pytest

from course_utils.lesson import demo


def finished(x):
    return x + 1


def unfinished(x):
    raise NotImplementedError


def broken(x):
    return x / 0


def test_what_works_is_shown(capsys):
    """The block runs, and nothing else is said."""
    with demo(finished):
        print(finished(1))
    assert capsys.readouterr().out == "2\n"


def test_the_unfinished_function_is_named(capsys):
    """Of several functions the note names the one that is not written, and no other."""
    with demo(finished, unfinished):
        unfinished(finished(1))
    said = capsys.readouterr().out
    assert "unfinished" in said and "not written yet" in said and "finished and" not in said


def test_a_broken_function_is_named_with_its_error(capsys):
    """An error inside a learner's function is told in a line, without a traceback."""
    with demo(broken):
        broken(1)
    said = capsys.readouterr().out
    assert "broken" in said and "ZeroDivisionError" in said and "Traceback" not in said
    assert said.count("\n") == 1


def test_an_error_outside_blames_nobody(capsys):
    """Where a result could not be used, all functions of the cell are under suspicion, none is blamed."""
    with demo(finished, broken):
        finished(1)[0]
    assert "finished and broken" in capsys.readouterr().out


def test_an_interrupt_passes():
    """Whoever presses stop wants everything to stop."""
    with pytest.raises(KeyboardInterrupt), demo(finished):
        raise KeyboardInterrupt


def test_the_note_is_escaped(monkeypatch):
    """An error message may hold markup; the page shows it as text."""
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    with demo(broken):
        raise ValueError("<script>alert(1)</script>")
    assert "<script>" not in shown[0]["text/html"] and "<script>" in shown[0]["text/plain"]
