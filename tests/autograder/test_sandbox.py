"""Student code runs on the other side of a border: it can hurt itself, and it finds no answer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from autograder.protocol import decode
from autograder.sandbox import host
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.edition import build_edition
from autograder.sandbox.filter import program
from autograder.sandbox.host import SandboxError, Zygote, ZygoteGone
from autograder.sandbox.limits import Limits
from autograder.sandbox.trial import Trial
from autograder.submission import PLAIN, read_lesson
from course_utils.calls import RETURNED, Call
from course_utils.plain import Draws, Foreign

ROOT = Path(__file__).parents[2]
NAMESPACES = "namespaces, system call filter"
QUICK = Limits(cell_seconds=2.0, call_seconds=0.5, grace_seconds=0.5, submission_seconds=30.0)


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    return build_edition(tmp_path_factory.mktemp("editions"))


@pytest.fixture(scope="module")
def zygote(edition):
    warm = Zygote(edition)
    yield warm
    warm.close()


@pytest.fixture
def trial(zygote):
    with Trial(zygote, QUICK) as life:
        yield life


def descendants(pid):
    """All living processes below one, as the host sees them."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pid, *(each for child in below for each in descendants(int(child)))}


def call(trial, source, *arguments, function="f"):
    trial.run("cell", source)
    return trial.calls(function, {"check": [Call(a) for a in arguments or ({},)]})["check"]


def test_the_edition_holds_no_answer(edition):
    """No reference, no cases, no judge among the files that a child can import."""
    names = [str(path.relative_to(edition)) for path in edition.rglob("*.py")]
    assert any(name == "course_utils/plain.py" for name in names)
    assert not [n for n in names if "reference" in n or "exercises" in n or "judge" in n]


@pytest.mark.parametrize(
    "module", ["autograder.exercises", "autograder.judge", "course_utils.reference", "nbgrader_config"]
)
def test_answers_cannot_be_imported(trial, module):
    """Importing what holds answers fails in the child, whatever the judge itself has on its path."""
    assert "ModuleNotFoundError" in trial.run("cell", f"import {module}").error


def test_values_come_back_as_plain_data(trial):
    """Arrays, dicts and foreign things; several calls, with one generator shared."""
    source = "def f(x, rng):\n    return {'y': 2 * x, 'r': rng.random(), 'g': (i for i in x)}"
    first, second = call(trial, source, *[{"x": np.arange(3.0), "rng": Draws(5)}] * 2)
    np.testing.assert_array_equal(first.value["y"], [0, 2, 4])
    assert isinstance(first.value["g"], Foreign)
    expected = np.random.default_rng(5).random(2)
    assert [first.value["r"], second.value["r"]] == list(expected)


def test_an_unwritten_cell_is_missing(trial):
    """No such name after the cell has run; and the cell's error is told with its line."""
    ended = trial.run("adam_update", "import numpy as np\ny = np.nope\ndef f(): return 1")
    assert ended.outcome == "raised" and "line 2: y = np.nope" in ended.line
    assert trial.calls("f", {"check": [Call({})]})["check"][0].outcome == "missing"


@pytest.mark.parametrize(
    "death, word",
    [
        ("import os; os._exit(7)", "exit code 7"),
        ("import os; os.abort()", "signal"),
        ("import ctypes; ctypes.string_at(0)", "signal 11"),
        ("import gc, socket; [s.close() for s in gc.get_objects() if isinstance(s, socket.socket)]", ""),
    ],
)
def test_a_death_costs_one_check(trial, death, word):
    """The check that killed the process is lost; those before and after it are judged."""
    trial.run("cell", f"def f(x):\n    if x == 2:\n        {death}\n    return x")
    seen = trial.calls("f", {str(x): [Call({"x": x}), Call({"x": x})] for x in (1, 2, 3)})
    assert [o.outcome for o in seen["1"]] == ["returned"] * 2
    assert [o.outcome for o in seen["3"]] == ["returned"] * 2
    assert seen["2"][0].outcome == "died" and word in seen["2"][0].error


def test_an_endless_call_costs_one_check(trial):
    """Also one that holds off the alarm: the judge ends the process and goes on."""
    source = (
        "import signal, time\n"
        "def f(x):\n"
        "    if x == 2:\n"
        "        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "        while True: time.sleep(1)\n"
        "    return x"
    )
    trial.run("cell", source)
    seen = trial.calls("f", {str(x): [Call({"x": x})] for x in (1, 2, 3)})
    assert [seen[x][0].outcome for x in "123"] == ["returned", "timed out", "returned"]


def test_an_endless_cell_costs_itself(trial):
    """Cells before and after it keep what they define."""
    trial.run("a", "a = 1")
    assert trial.run("b", "while True: pass").outcome == "timed out"
    assert trial.run("c", "def f(): return a").defined == ["f"]
    assert trial.calls("f", {"check": [Call({})]})["check"][0].value == 1


def test_generators_start_anew_after_a_death(trial):
    """A check that had to be repeated draws the same numbers as one that was not."""
    source = "import os\ndef f(x, rng):\n    if x == 2: os._exit(1)\n    return rng.random()"
    trial.run("cell", source)
    checks = {str(x): [Call({"x": x, "rng": Draws(9)})] * 2 for x in (1, 3)}
    checks["2"] = [Call({"x": 0, "rng": Draws(9)}), Call({"x": 2, "rng": Draws(9)})]
    seen = trial.calls("f", checks)
    expected = list(np.random.default_rng(9).random(2))
    assert [o.value for o in seen["1"]] == [o.value for o in seen["3"]] == expected


def test_nothing_that_was_started_outlives_a_submission(zygote):
    """A background process of a submission ends with it: seen from outside, nothing is left."""
    source = (
        "import os, time\n"
        "def f():\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        while True: time.sleep(0.05)\n"
        "    return 1"
    )
    before = descendants(zygote.process.pid)
    with Trial(zygote, QUICK) as trial:
        assert call(trial, source)[0].value == 1
        during = descendants(zygote.process.pid)
        assert len(during - before) >= 2
    with Trial(zygote, QUICK) as trial:  # the child that was kept ready lives and ends too
        assert call(trial, "def f(): return 2")[0].value == 2
    deadline = time.monotonic() + 30  # a busy machine may take its time to bury them
    while left := set(during) & set(descendants(zygote.process.pid)) - set(before):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


@pytest.mark.parametrize("victim", ["the judge", "the warm process"])
def test_nothing_outlives_the_grader(edition, victim):
    """Killed at any moment, it leaves no process: neither a warm one nor a submission's."""
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom autograder.sandbox.host import Zygote\n"
        "from autograder.sandbox.trial import Trial\n"
        f"zygote = Zygote(Path({str(edition)!r}))\ntrial = Trial(zygote)\n"
        "trial.run('a', 'import os, signal')\nprint(zygote.process.pid, flush=True)\n"
        "trial.run('b', 'if os.fork() == 0: os.setsid()\\nwhile True: pass')"
    )
    judge = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    warm = int(judge.stdout.readline())
    time.sleep(0.5)
    started = descendants(judge.pid) - {judge.pid}
    assert len(started) >= 4
    os.kill(judge.pid if victim == "the judge" else warm, 9)
    for _ in range(100):
        alive = {pid for pid in started if living(pid)}
        if not alive:
            break
        time.sleep(0.05)
    judge.kill()
    judge.communicate()
    assert not alive


def living(pid):
    """Whether a process runs; one that has ended and waits to be counted does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_chatty_cell_neither_blocks_nor_speaks(trial, capfd):
    """A million printed lines go nowhere; asking for input is an error that says what to do."""
    assert trial.run("cell", "for _ in range(10**6): print('x' * 20)").outcome == "returned"
    assert "input()" in trial.run("cell", "input('name?')").error
    assert capfd.readouterr().out == ""


def test_notebook_magics_are_no_error(trial):
    """%matplotlib and !pip lines are left out; the functions of their cell are defined."""
    assert trial.run("cell", "%matplotlib inline\n!pip install x\ndef f(): return 3").outcome == "returned"
    assert trial.calls("f", {"check": [Call({})]})["check"][0].value == 3


def test_only_definitions_of_a_demo_are_run(trial):
    """A demo that a learner changed gives its helpers, not its figures."""
    source = "import math\nlimit = 3\ndef helper(): return limit\n1 / 0\nwhile True: pass"
    assert trial.run("demo", source, definitions_only=True).outcome == "returned"
    assert call(trial, "def f(): return helper() + math.floor(0.5)")[0].value == 3


def test_one_thread_of_linear_algebra(trial):
    """Where submissions run side by side, each uses one BLAS thread."""
    assert call(trial, "import os\ndef f(): return os.environ['OPENBLAS_NUM_THREADS']")[0].value == "1"


FORGE = """
import gc, socket, struct, json
def forge(*trees, ticket=4):
    text = json.dumps([[tree, []] for tree in trees]).encode()
    for thing in gc.get_objects():
        if isinstance(thing, socket.socket) and thing.fileno() >= 0:
            thing.sendall(struct.pack('<III', ticket, len(text), 0) + text)
"""
LISTS = "['list', []]"


@pytest.mark.parametrize(
    "tree",
    [
        "['dict', [['outcome', 'passed'], ['score', 100]]]",
        f"['dict', [['outcome', {LISTS}]]]",
        "['dict', [['outcome', 'returned'], ['defined', 7], ['remarks', 7], ['record', 'x']]], ticket=2",
        "['dict', [[['list', []], 'returned']]]",
        "['dict', [['outcome', 'returned'], ['value', 1]]], ticket=99",
        "", "*[['dict', [['outcome', 'returned'], ['value', 1]]]] * 9",
        "['foreign', 'x']", "7", "['dict', 7]", "[[[[]]]]",
        "['dict', [[['list', []], 1]] * 3]",
    ],
)  # fmt: skip
def test_forged_answers_cost_the_forger_and_nobody_crashes(trial, tree):
    """Whatever a submission writes into the channel: no result for it, and the next function is judged."""
    trial.run("forge", FORGE)
    trial.run("f", f"def f():\n    forge({tree})\n    return 1")
    trial.run("g", "def g(): return 2")
    assert trial.calls("f", {"check": [Call({})]})["check"][0].value != 1
    assert trial.calls("g", {"check": [Call({})]})["check"][0].value == 2


def test_keys_that_collide_cost_no_time():
    """A dict of sixty thousand keys of equal hash takes Python minutes to build; texts alone are safe."""
    tree = ["dict", [[k * (2**61 - 1), 0] for k in range(60_000)]]
    text = json.dumps([[tree, []]]).encode()
    started = time.perf_counter()
    decode(text, b"")
    assert time.perf_counter() - started < 2


def test_the_zygote_goes_on_after_bad_children(zygote):
    """Twenty deaths later it still serves."""
    for _ in range(20):
        with Trial(zygote, QUICK) as trial:
            trial.run("cell", "import os; os._exit(1)")
    with Trial(zygote, QUICK) as trial:
        assert call(trial, f"def f(): return {os.getpid()}")[0].value == os.getpid()


def test_what_course_utils_needs_for_itself_is_no_answer(trial):
    """Its own softmax cannot be handed in as the exercise, and its network still trains with it."""
    trial.run("cell", "import numpy as np\nfrom course_utils import network")
    for name in ("_softmax_activation", "_softmax_cost_and_gradient", "_sigmoid"):
        seen = call(trial, f"def f(): return network.{name}(np.ones((2, 2)))")[0]
        assert seen.outcome == "raised" and "write the function with NumPy" in seen.error
    trained = (
        "def f():\n    X, Y = np.ones((2, 4)), np.eye(3)[:, [0, 1, 2, 0]]\n"
        "    net = network.Network([2, 4, 3], output='softmax')\n"
        "    net.train(X, Y, epochs=2, learning_rate=0.1)\n    return 1"
    )
    assert call(trial, trained)[0].value == 1


@pytest.mark.parametrize(
    "module", ["scipy", "sklearn.linear_model", "autograd", "nbgrader", "torch", "hypothesis"]
)
def test_no_library_solves_the_exercise(trial, module):
    """Installed here or not, it is not there; and the learner reads what is."""
    ended = trial.run("cell", f"import {module}")
    assert "is not part of this course" in ended.error


def test_the_walls_that_are_up_are_named(zygote):
    """Found out by putting them up; recorded with every grade."""
    assert zygote.tier.startswith(f"bubblewrap, {NAMESPACES}")


def test_the_second_wall_stands_without_the_first(edition, monkeypatch):
    """Without bubblewrap a user still has namespaces; root has, if its Python is open to other users."""
    monkeypatch.setattr(host.bubble, "command", lambda *_: None)
    zygote = Zygote(edition)
    try:
        assert zygote.tier.startswith(NAMESPACES)
    except SandboxError as error:
        assert os.geteuid() == 0 and "--sandbox=off" in str(error)
    finally:
        zygote.close()


def test_without_any_wall_nothing_is_graded(edition, monkeypatch):
    """The refusal says why, which command helps, and how one may go on."""
    monkeypatch.setattr(host, "NAMESPACES", "no such wall")
    monkeypatch.setattr(host, "LANDLOCK", "nor such")
    zygote = Zygote(edition)
    with pytest.raises(SandboxError, match=r"(?s)no walls.*no such wall.*what helps.*--sandbox=off"):
        zygote.open()
    zygote.close()


def test_no_walls_only_when_asked(edition):
    """--sandbox=off says so in every grade."""
    zygote = Zygote(edition, mode="off")
    assert zygote.tier.startswith("off")
    with Trial(zygote, QUICK) as trial:
        assert call(trial, "def f(): return 5")[0].value == 5
    zygote.close()


def test_a_dead_warm_process_is_an_error_not_a_hang(edition):
    """Nobody waits for ever for a process that is gone."""
    zygote = Zygote(edition)
    with Trial(zygote, QUICK) as trial:
        trial.run("cell", "x = 1")
        zygote.process.kill()
        zygote.process.wait()
        time.sleep(0.3)  # Linux ends what is inside bubblewrap a moment after bubblewrap
        started = time.perf_counter()
        with pytest.raises(ZygoteGone, match="ended from outside"):  # nobody's cell is to blame
            trial.run("cell", "x = 2")
    with pytest.raises(ZygoteGone, match="gone"):
        Trial(zygote, QUICK).run("cell", "x = 1")
    zygote.close()
    assert time.perf_counter() - started < 5


def test_the_time_of_the_warm_up_is_not_the_students(edition):
    """A submission is charged for the time it is waited for, not for the start of the grader."""
    zygote = Zygote(edition)
    with Trial(zygote, Limits(submission_seconds=0.5)) as trial:
        assert call(trial, "def f(): return 1")[0].value == 1
    zygote.close()


def test_a_course_sets_its_limits(tmp_path):
    """grader.toml changes what it names; a misspelt limit is an error and no default."""
    assert Limits.of_course(tmp_path) == Limits()
    (tmp_path / "grader.toml").write_text("[limits]\nmemory_mib = 512\ncall_seconds = 1\n")
    assert Limits.of_course(tmp_path) == Limits(memory_mib=512, call_seconds=1)
    for wrong in (
        "[limits]\nmemory = 5",
        "[limits]\nprocesses = 0",
        "[limits]\nprocesses = 1.5",
        "limits = 3",
        "[",
    ):
        (tmp_path / "grader.toml").write_text(wrong)
        with pytest.raises(SandboxError, match=r"grader\.toml"):
            Limits.of_course(tmp_path)


def test_a_cgroup_is_made_where_that_is_allowed(tmp_path):
    """Beside the grader's own, with the sum of memory bounded; none where memory is not handed down."""
    here = tmp_path / "user" / "session"
    here.mkdir(parents=True)
    assert Cgroup.make(Limits(), tmp_path, "/user/session") is None
    (tmp_path / "user" / "cgroup.subtree_control").write_text("cpu memory pids")
    (tmp_path / "user" / "cgroup.procs").write_text("")
    made = Cgroup.make(Limits(memory_mib=100, processes=5), tmp_path, "/user/session")
    # a real folder of cgroups brings its files along, among them this one
    assert made is None or (made.folder / "memory.max").read_text() == str((100 + 256) * 2**20)


@pytest.mark.parametrize("alone", [True, False])
def test_every_jump_of_the_filter_lands_inside_it(alone):
    """Linux refuses a filter that runs past its end; one that jumps to the wrong place it would accept."""
    code = program(alone)
    for at, (_, yes, no, _) in enumerate(code):
        assert at + 1 + max(yes, no) < len(code) or (yes, no) == (0, 0)
    assert len(code) < 4096 and code[-1][0] == 0x06


@pytest.mark.parametrize("lesson", [path.stem for path in sorted(ROOT.glob("notebooks/*/*.ipynb"))])
def test_what_a_lesson_defines_for_itself_is_there(trial, lesson):
    """The plain cells of every lesson run to their end, widgets and all: nobody looks, and nothing fails."""
    for cell in read_lesson(ROOT / f"notebooks/{lesson}/{lesson}.ipynb").cells:
        if cell.kind == PLAIN:
            ended = trial.run(cell.name, cell.source)
            assert (ended.outcome, ended.error) == (RETURNED, ""), cell.name


def test_showing_something_costs_nothing(trial):
    """Who displays, decorates or asks for a widget in a solution is judged like everybody else."""
    source = """
from IPython import get_ipython
from IPython.display import HTML, clear_output, display
import ipywidgets as widgets
@widgets.interact(x=(0, 1))
def f():
    display(HTML("<b>here</b>")); clear_output()
    with widgets.Output(): print("there")
    box = widgets.VBox([widgets.IntSlider(3), *widgets.Nothing().children])
    box.layout.width = "3em"
    return [get_ipython(), hasattr(box, "__iter__"), len(list(box))]
"""
    assert call(trial, source)[0].value == [None, True, 0]


def test_what_stands_in_for_a_library_is_not_the_library(trial):
    """No file of the real ones can be read: they import half of the machine."""
    source = """
import os, sys
def f():
    import IPython.core.magics, traitlets.config, ipywidgets, anywidget
    folders = [path for path in sys.path if path.endswith("-packages")]
    names = {name.lower() for folder in folders for name in os.listdir(folder)}
    return sorted(names & {"ipython", "traitlets", "ipywidgets", "anywidget"})
"""
    assert call(trial, source)[0].value == []


def test_heavy_and_slow_answers_arrive_whole(trial):
    """Answers travel together up to a size and for a moment; none is lost, and none comes twice."""
    trial.run("cell", "import time, numpy as np\ndef f(n, nap): time.sleep(nap); return np.full(n, n)")
    sizes = [3, 200_000, 1, 90_000, 0, 7]
    checks = {f"check {i}": [Call({"n": n, "nap": 0.06 * (i % 2)})] * 2 for i, n in enumerate(sizes)}
    seen = trial.calls("f", checks)
    for found, n in zip(seen.values(), sizes, strict=True):
        assert [observation.value.tolist() for observation in found] == [[n] * n] * 2


def test_which_call_died_is_found_out(trial):
    """One of five calls takes the process down: the others keep their answers, those on the way too."""
    trial.run("cell", "import os\ndef f(x):\n    if x == 3: os._exit(7)\n    return x")
    seen = trial.calls("f", {str(x): [Call({"x": x}), Call({"x": 10 * x})] for x in range(1, 6)})
    got = {name: [observation.value for observation in found] for name, found in seen.items()}
    assert got == {"1": [1, 10], "2": [2, 20], "3": [None], "4": [4, 40], "5": [5, 50]}
    assert seen["3"][0].outcome == "died" and not seen.digest


def test_equal_answers_have_equal_digests(zygote):
    """To the last bit and in every place, the shape included; so must be what happened besides."""
    digests = []
    for body in ("x + 1", "1 + x", "(x + 1) * 1.0000000000000002", "(x + 1).reshape(2, 1)", "x.__iadd__(1)"):
        with Trial(zygote, QUICK) as trial:
            trial.run("cell", f"def f(x): return {body}")
            digests.append(trial.calls("f", {"check": [Call({"x": np.array([1.0, 2.0])})]}).digest)
    assert digests[0] == digests[1] and len(set(digests)) == 4 and all(digests)


def test_a_child_that_somebody_ends_between_two_questions_costs_nothing(zygote):
    """It and the one kept ready are killed while nobody waits for them: what is asked next is answered."""
    with Trial(zygote, QUICK) as trial:
        trial.run("cell", "def f(x): return x + 1")

        def kill():
            trial.meanwhile = lambda: None
            time.sleep(0.2)  # by now it has answered
            for pid in children_of_the_warm_process(zygote):
                os.kill(pid, signal.SIGKILL)

        trial.meanwhile = kill
        seen = trial.calls("f", {str(x): [Call({"x": x}), Call({"x": 9 * x})] for x in range(3)})
    assert [[o.value for o in found] for found in seen.values()] == [[1, 1], [2, 10], [3, 19]]


def children_of_the_warm_process(zygote):
    below = {}
    for pid in descendants(zygote.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"bwrap" not in words[0] and any(word.endswith(b"zygote.py") for word in words):
            below[pid] = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    found = [pid for pid, parent in below.items() if parent in below]
    assert found
    return found
