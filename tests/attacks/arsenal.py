"""The attacks, and the honest submissions that look like one: each says exactly what it deserves.

Every submission is a notebook of a lesson with two exercises. ``FIRST`` is under attack; ``SECOND`` is solved
rightly unless said otherwise, and must keep its marks. An attack that peeks or escapes solves ``FIRST`` the
moment it has found what it looks for: so a leak shows as marks that were not earned.
"""

# ruff: noqa: E501 - a line holds one attack

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST, SECOND = "gradient_descent_update", "dropout_backward"
SIGNATURE = f"def {FIRST}(parameters, grads, learning_rate):\n"
STEP = "{name: value - learning_rate * grads['d' + name] for name, value in parameters.items()}"
RIGHT = f"{SIGNATURE}    return {STEP}\n"
WRONG = f"{SIGNATURE}    return {{name: 123.25 for name in parameters}}\n"
UNSOLVED = f"{SIGNATURE}    raise NotImplementedError\n"
RIGHT_SECOND = f"def {SECOND}(dA, mask, keep_prob):\n    return dA * mask / keep_prob\n"

Document = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """One submission; ``earns`` and ``keeps`` are the shares of the marks of FIRST and SECOND it deserves.

    ``edit`` changes the notebook before it is written, ``write`` writes the file in its own way. None stands
    for 'could not judge'.
    """

    name: str
    family: str
    first: str = WRONG
    earns: float | None = 0.0
    keeps: float | None = 1.0
    second: str = RIGHT_SECOND
    edit: Callable[[Document], None] | None = None
    write: Callable[[Path, Document], None] | None = None
    says: str = ""


def seeking(attempt: str) -> str:
    """Solve the exercise if, and only if, the attempt returns something true."""
    body = textwrap.indent(textwrap.dedent(attempt).strip(), "    ")
    return (
        f"def attempt():\n{body}\n"
        "try:\n    found = attempt()\nexcept BaseException:\n    found = None\n"
        f"{SIGNATURE}    if found:\n        return {STEP}\n    raise NotImplementedError\n"
    )


def during(act: str, result: str = WRONG) -> str:
    """Do something at every call of the exercise, then go on to the result."""
    body = textwrap.indent(textwrap.dedent(act).strip(), "    ")
    return f"{result.replace(FIRST, 'goes_on')}\n{SIGNATURE}{body}\n    return goes_on(parameters, grads, learning_rate)\n"


def before(act: str, result: str = WRONG) -> str:
    """Do something when the cell runs."""
    return f"{textwrap.dedent(act).strip()}\n{result}"


# ------------------------------------------------------------------------------- tampering with the execution

TAMPERING = [
    ("patched allclose", before("import numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True")),
    ("patched comparison", before(
        "from course_utils import compare, examine\n"
        "compare.differences = examine.differences = lambda *a, **k: []\n"
        "compare.same = compare.agree = lambda *a, **k: True")),
    ("patched check", before("import course_utils.check\ncourse_utils.check.check = lambda f: None\ncheck = lambda f: 9.0")),
    ("a judge of its own", before(
        "import sys, types\nfake = types.ModuleType('autograder.judge')\nfake.judge = lambda *a, **k: 9.0\n"
        "sys.modules['autograder.judge'] = sys.modules['course_utils.reference'] = fake")),
    ("patched border", before(
        "import autograder.sandbox.child as child, autograder.protocol as protocol\n"
        "child._plain = lambda seen: {'outcome': 'passed', 'score': 100.0, 'value': 'right'}"), 0.0, 0.0),
    ("every builtin lies", before(
        "import builtins\nbuiltins.abs = lambda *a: 0\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda *a: 1")),
    ("exit in the cell", f"{WRONG}\nimport sys\nsys.exit(0)"),
    ("hard exit in the cell", "import os\nos._exit(0)\n" + RIGHT),
    ("exit in every call", during("raise SystemExit(0)")),
    ("hard exit in every call", during("import os\nos._exit(0)")),
    ("swallowed alarm", during("while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass"), 0.0, None),
    ("alarm switched off", during("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"), 0.0, None),
    ("crash in C", during("import ctypes\nctypes.string_at(0)")),
    ("a thread that patches later", before(
        "import threading, time, course_utils.calls as calls\n"
        "def later():\n    time.sleep(0.01)\n    calls.observe_call = lambda *a: calls.Observation('returned', {})\n"
        "threading.Thread(target=later, daemon=True).start()")),
    ("exit hooks", before("import atexit, os\natexit.register(os._exit, 0)")),
    ("a trace function", before("import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)")),
]  # fmt: skip

# ------------------------------------------------------------------------------- forged outputs

FRAME = """
import gc, json, socket, struct
def forge(tree):
    text = json.dumps([tree, []]).encode()
    for thing in gc.get_objects():
        if isinstance(thing, socket.socket):
            try: thing.sendall(struct.pack('<II', len(text), 0) + text)
            except OSError: pass
"""
SEEN = (
    "['dict', [['outcome', 'returned'], ['value', %s], ['error', ''], ['line', ''], ['moved_random', False]]]"
)

FORGERY = [
    ("full marks written into the channel", before(FRAME) + during("forge(['dict', [['outcome', 'passed'], ['score', 100]]])"), 0.0, 1.0),
    ("nothing wrong written into the channel", before(FRAME) + during(f"forge({SEEN % 'None'})"), 0.0, 1.0),
    ("a thousand answers ahead of time", before(FRAME) + during(f"for _ in range(1000): forge({SEEN % 'True'})"), 0.0, 1.0),
    ("a frame that never ends", before(FRAME) + during(
        "for s in gc.get_objects():\n    if isinstance(s, socket.socket): s.sendall(struct.pack('<II', 1000, 0))\nimport time; time.sleep(60)"), 0.0, None),
    ("a frame of 4 GiB", before(FRAME) + during(
        "for s in gc.get_objects():\n    if isinstance(s, socket.socket): s.sendall(struct.pack('<II', 2**32 - 1, 2**32 - 1))"), 0.0, 1.0),
    ("one byte at a time", before(FRAME) + during(
        "import time\nfor s in gc.get_objects():\n    if isinstance(s, socket.socket):\n"
        "        s.sendall(struct.pack('<II', 10**6, 0))\n        while True: s.sendall(b' '); time.sleep(0.02)"), 0.0, None),
    ("a closed channel", before(FRAME) + during("[s.close() for s in gc.get_objects() if isinstance(s, socket.socket)]"), 0.0, 1.0),
    ("points printed", before("print('score: 9/9')\nprint('{\"score\": 9}')") + "\n9.0"),
    ("a last line that stock nbgrader takes as full marks", WRONG + "\nimport numpy as np\nnp.float64(0.0)"),
]  # fmt: skip


def _forge_outputs(notebook: Document) -> None:
    forged = {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/plain": "9.0"},
    }
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [forged], 1


# ------------------------------------------------------------------------------- values that lie

LYING = [
    ("equal to everything", during(
        "class Liar:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
        "    def __array__(self, *a, **k): raise RuntimeError\nreturn {name: Liar() for name in parameters}")),
    ("an array that is equal to everything", during(
        "import numpy as np\nclass Liar(np.ndarray):\n    def __eq__(self, other): return np.ones(self.shape, bool)\n"
        "    def __sub__(self, other): return np.zeros(self.shape)\n    def __array_function__(self, *a, **k): return True\n"
        "return {name: np.zeros_like(v).view(Liar) for name, v in parameters.items()}")),
    ("a dict that has every key", during(
        "class Every(dict):\n    def __getitem__(self, key): return 0\n    def __contains__(self, key): return True\n"
        "    def keys(self): return parameters.keys()\nreturn Every()")),
    ("not a number everywhere", during("import numpy as np\nreturn {name: v * np.nan for name, v in parameters.items()}")),
    ("infinite everywhere", during("import numpy as np\nreturn {name: v * 0 + np.inf for name, v in parameters.items()}")),
    ("objects in arrays", during("import numpy as np\nreturn {name: v.astype(object) * 0 for name, v in parameters.items()}")),
    ("a view of a petabyte", during(
        "import numpy as np\nreturn {name: np.broadcast_to(np.float64(0), (2**25, 2**25)) for name in parameters}")),
    ("an endless generator", during("def forever():\n    while True: yield 0\nreturn forever()")),
    ("a list in itself", during("loop = []\nloop.append(loop)\nreturn loop")),
    ("ten thousand levels", during("deep = []\nfor _ in range(10000): deep = [deep]\nreturn deep")),
    ("a hundred and fifty thousand items", during("return list(range(150_000))"), 0.0, None),
    ("keys that collide", during("return {k * (2**61 - 1): 0 for k in range(1000)}")),
    ("a key that is no number", during("return {float('nan'): 1.0, None: 2, (1, 2): 3}")),
    ("an integer of ten thousand digits", during("return 10 ** 10**4")),
    ("a class that lies about its name", during(
        "class Meta(type):\n    __name__ = property(lambda self: 1 / 0)\nclass Odd(metaclass=Meta): pass\nreturn Odd()")),
    ("half of the keys", f"{SIGNATURE}    return {{'W1': parameters['W1'] * 0 + 99.5}}"),
]  # fmt: skip

# ------------------------------------------------------------------------------- peeking

PEEKING = [
    ("the reference by import", "from course_utils.reference.optimizers import gradient_descent_update as f\nreturn f"),
    ("the cases by import", "import autograder.exercises.optimizers as m\nreturn m"),
    ("the judge in memory", """
        import gc, sys
        names = [n for n in sys.modules if 'exercises' in n or 'reference' in n or n.endswith('.judge')]
        kinds = {type(o).__name__ for o in gc.get_objects()}
        return names or kinds & {'Exercise', 'Case', 'Misconception', 'Judge', 'Drawn'}"""),
    ("functions of the judge in memory", """
        import gc
        functions = [o for o in gc.get_objects() if type(o).__name__ == 'function']
        return [f for f in functions if 'reference' in str(f.__module__) or 'exercises' in str(f.__module__)]"""),
    ("the course folder", "import os\nreturn os.listdir(COURSE)"),
    ("the course folder by its file", "return open(COURSE + '/notebooks/mini/mini.ipynb').read()"),
    ("the gradebook", "return open(COURSE + '/build/gradebook.db', 'rb').read(1)"),
    ("another submission", "import os\nreturn os.listdir(COURSE + '/build/submitted')"),
    ("the project's own folder", "import os\nreturn os.listdir(PROJECT + '/course_utils/reference')"),
    ("the tests of the project", "return open(PROJECT + '/autograder/exercises/optimizers.py').read()"),
    ("the host's processes", """
        import os
        for pid in os.listdir('/proc'):
            if pid.isdigit() and int(pid) != os.getpid():
                if b'autograder' in open(f'/proc/{pid}/cmdline', 'rb').read(): return pid"""),
    ("memory through /proc", "return open('/proc/self/mem', 'rb') and open('/proc/self/maps').read()"),
    ("the parent's environment", "import os\nreturn open(f'/proc/{os.getppid()}/environ', 'rb').read()"),
    ("a secret in the environment", "import os\nreturn {'COURSE_ROOT', 'ATTACK_SECRET'} & set(os.environ) or any('secret' in v for v in os.environ.values())"),
    ("open files", """
        import os, stat
        kinds = {}
        for fd in range(3, 200):
            try: kinds[fd] = os.fstat(fd).st_mode
            except OSError: pass
        return len(kinds) > 1 or any(not stat.S_ISSOCK(mode) for mode in kinds.values())"""),
    ("files above the root", """
        import os
        os.chdir('/')
        for _ in range(50): os.chdir('..')
        return os.listdir('home') or os.listdir(COURSE.lstrip('/'))"""),
    ("passwords and homes", "return open('/etc/passwd').read() or open('/etc/shadow').read()"),
    ("an installed library", "import scipy.optimize\nreturn scipy"),
    ("an installed library by its path", """
        import glob, sys
        sys.meta_path[:] = sys.meta_path[-1:]
        for folder in list(sys.path) + ['/usr/lib/python3/dist-packages', PACKAGES]:
            for name in ('scipy', 'sklearn', 'autograd', 'nbgrader', 'torch'):
                for file in ('__init__.py', 'version.py'):
                    try: return open(f'{folder}/{name}/{file}').read(1)
                    except OSError: pass"""),
    ("the seed in what the judge sends", """
        import sys
        frame, texts = sys._getframe(), []
        while frame: texts.append(repr(list(frame.f_locals)));  frame = frame.f_back
        return any(word in ' '.join(texts) for word in ('expected', 'mistakes', 'aid'))"""),
]  # fmt: skip

# ------------------------------------------------------------------------------- escaping

ESCAPING = [
    ("a file beside the course", "open(COURSE + '/escaped', 'w').write('x')\nreturn True"),
    ("a file in the shared temporary folder", "open(OUTSIDE + '/escaped', 'w').write('x')\nreturn True"),
    ("the edition changed for the next student", "import course_utils.calls as m\nopen(m.__file__, 'a').write('x = 1')\nreturn True"),
    ("a package changed for the next student", "import numpy\nopen(numpy.__file__, 'a').write('x = 1')\nreturn True"),
    ("a start-up file in the home folder", "import os\nopen('/' + 'root' + '/.bashrc', 'a').write('#')\nreturn True"),
    ("the loopback", "import socket\ns = socket.create_connection(('127.0.0.1', PORT), 1)\nreturn s"),
    ("the network", "import socket\nreturn socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('8.8.8.8', 53)) or True"),
    ("a name of the network", "import socket\nreturn socket.getaddrinfo('localhost.localdomain', 80) and socket.socket()"),
    ("an abstract socket", "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0' + ABSTRACT)\nreturn s"),
    ("a raw packet", "import socket\nreturn socket.socket(17, 3)"),
    ("a shell", "import os\nreturn os.system('true') == 0"),
    ("another program", "import subprocess, sys\nreturn subprocess.run([sys.executable, '-c', '']).returncode == 0"),
    ("a signal to everybody", "import os, signal\nos.kill(JUDGE, signal.SIGTERM)\nreturn True"),
    ("a debugger", "import ctypes\nreturn ctypes.CDLL(None, use_errno=True).ptrace(16, JUDGE, 0, 0) == 0"),
    ("new namespaces", "import ctypes\nreturn ctypes.CDLL(None).unshare(0x10000000) == 0"),
    ("a mount", "import ctypes\nreturn ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, None) == 0"),
    ("a new root", "import os\nos.mkdir('jail')\nos.chroot('jail')\nreturn True"),
    ("another user", "import os\nos.setuid(0)\nreturn True"),
    ("the kernel's keyring", "import ctypes\nreturn ctypes.CDLL(None).syscall(248, b'user', b'answer', b'42', 2, -3) > 0"),
    ("shared memory", "import ctypes\nreturn ctypes.CDLL(None).shmget(4242, 4096, 0o1666) >= 0"),
    ("shared memory in a file", "from multiprocessing import shared_memory as s\nreturn s.SharedMemory('leak', True, 10)"),
    ("a device", "import os\nreturn os.open('/dev/kmsg', os.O_RDONLY) or os.mknod('disk', 0o60666, os.makedev(254, 0))"),
    ("another process's limits", "import resource\nreturn resource.prlimit(JUDGE, resource.RLIMIT_CPU, (0, 0)) or True"),
    ("io_uring", "import ctypes\nreturn ctypes.CDLL(None).syscall(425, 8, bytes(120)) >= 0"),
    ("the owner's rights", "import os\nos.chmod(COURSE + '/nbgrader_config.py', 0o777)\nreturn True"),
]  # fmt: skip

# ------------------------------------------------------------------------------- bombs

BOMBS = [
    ("a few hundred processes", before(
        "import os, time\nfor _ in range(300):\n    try:\n        if os.fork() == 0: time.sleep(60)\n    except OSError: break"), 0.0, 1.0),
    ("threads without end", before(
        "import threading, time\ntry:\n    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept RuntimeError: pass"), 0.0, 1.0),
    ("eight gigabytes", before("import numpy as np\nnp.ones(2**30)"), 0.0, 1.0),
    ("memory in small pieces", before("keep = []\nwhile True: keep.append(bytearray(10**7))"), 0.0, 1.0),
    ("memory over many processes", before(
        "import os, time\nfor _ in range(9):\n    if os.fork() == 0:\n        keep = b'x' * (60 * 2**20)\n        time.sleep(30)\n        os._exit(0)\ntime.sleep(2.8)"), 0.0, 1.0),
    ("memory of no process", before("import os\nkeep = [os.memfd_create(str(i)) for i in range(50)]\n[os.write(fd, bytes(10**7)) for fd in keep]"), 0.0, 1.0),
    ("a full disk", before("with open('full', 'wb') as file:\n    while True: file.write(bytes(10**6))"), 0.0, 1.0),
    ("a million files", before("for i in range(10**6): open(str(i), 'w').close()"), 0.0, 1.0),
    ("files left open", before("keep = [open('/dev/null') for _ in range(10**5)]"), 0.0, 1.0),
]  # fmt: skip

TIME_BOMBS = [  # each takes all the time there is, so they are handed in to one class only
    ("an endless cell", "while True: pass\n" + RIGHT, 0.0, 1.0),
    ("processes without end", before("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"), None, None),
    ("recursion without end", before("import sys\nsys.setrecursionlimit(10**9)\ndef deep(): return deep()") + during("deep()"), 0.0, None),
    ("output without end", before("while True: print('x' * 10**6)"), 0.0, 1.0),
    ("a regular expression", before("import re\nre.match('(a+)+b', 'a' * 60)"), 0.0, 1.0),
    ("a number without end", before("10 ** 10 ** 9"), 0.0, 1.0),
    ("sleep in every call", during("import time\ntime.sleep(100)"), 0.0, None),
]  # fmt: skip


# ------------------------------------------------------------------------------- hostile documents


def _cell(notebook: Document, name: str) -> Document:
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def _edits() -> list[tuple[str, Callable[[Document], None], float, float]]:
    def drop(name: str) -> Callable[[Document], None]:
        return lambda notebook: notebook["cells"].remove(_cell(notebook, name))

    def meta(name: str, **changes: Any) -> Callable[[Document], None]:
        return lambda notebook: _cell(notebook, name)["metadata"]["nbgrader"].update(changes)

    def double(name: str) -> Callable[[Document], None]:
        return lambda notebook: notebook["cells"].append(dict(_cell(notebook, name)))

    def source(name: str, text: str) -> Callable[[Document], None]:
        return lambda notebook: _cell(notebook, name).update(source=text)

    def retag(notebook: Document) -> None:
        for cell in notebook["cells"]:
            cell["metadata"] = {"tags": ["demo"]}

    def kernel(notebook: Document) -> None:
        notebook["metadata"]["kernelspec"] = {"name": "bash", "language": "bash", "display_name": "x"}

    def megabytes(notebook: Document) -> None:
        notebook["cells"][0]["outputs"] = [
            {"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}
        ]

    def many(notebook: Document) -> None:
        cell = {
            "cell_type": "code",
            "metadata": {},
            "source": "x = 1",
            "outputs": [],
            "execution_count": None,
        }
        notebook["cells"] += [dict(cell) for _ in range(5_000)]

    def odd(notebook: Document) -> None:
        notebook["cells"] += [
            None,
            7,
            {},
            {"cell_type": "code"},
            {"cell_type": "code", "source": 5, "metadata": []},
        ]

    return [
        ("the test's cell rewritten", source(f"test_{FIRST}", "9.0"), 0.0, 1.0),
        ("the test's cell deleted", drop(f"test_{FIRST}"), 0.0, 1.0),
        ("the test's cell worth a thousand", meta(f"test_{FIRST}", points=1000), 0.0, 1.0),
        ("the test's cell worth less than nothing", meta(f"test_{SECOND}", points=-5), 0.0, 1.0),
        ("the test's cell doubled", double(f"test_{SECOND}"), 0.0, 1.0),
        ("the test's cell marked as a solution", meta(f"test_{FIRST}", solution=True, grade=False), 0.0, 1.0),
        ("the solution marked as the test", meta(FIRST, grade=True, points=50), 0.0, 1.0),
        ("forged outputs stored", _forge_outputs, 0.0, 1.0),
        ("all tags changed", retag, 0.0, 1.0),
        ("another kernel", kernel, 0.0, 1.0),
        ("twenty megabytes of output", megabytes, 0.0, 1.0),
        ("five thousand cells more", many, 0.0, 1.0),
        ("things that are no cells", odd, 0.0, 1.0),
        ("the solution deleted", drop(FIRST), 0.0, 1.0),
    ]


def _as_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path, Document], None]:
    return lambda path, notebook: path.write_bytes(change(json.dumps(notebook).encode()))


def _as_link(path: Path, notebook: Document) -> None:
    path.symlink_to(path.parents[4] / "notebooks" / "mini" / "mini.ipynb")


def _as_folder(path: Path, notebook: Document) -> None:
    path.mkdir()


def _with_shadows(path: Path, notebook: Document) -> None:
    path.write_text(json.dumps(notebook))
    for name in ("numpy.py", "course_utils.py", "sitecustomize.py", "usercustomize.py", "conftest.py"):
        (path.parent / name).write_text(f"open({str(path.parents[4] / 'escaped')!r}, 'w').write('x')")


def _deep(data: bytes) -> bytes:
    return b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


FILES = [
    ("half of the file", _as_bytes(lambda data: data[: len(data) // 2]), None, None),
    ("no text at all", _as_bytes(lambda data: b"\x00\xff\xfe" * 100), None, None),
    ("a list instead of a notebook", _as_bytes(lambda data: b"[]"), None, None),
    ("brackets two hundred thousand deep", _as_bytes(_deep), None, None),
    ("nothing in the file", _as_bytes(lambda data: b""), None, None),
    ("a link to the instructor's notebook", _as_link, None, None),
    ("a folder of that name", _as_folder, None, None),
    ("modules of its own beside it", _with_shadows, 0.0, 1.0),
    ("a mark at the start of the text", _as_bytes(lambda data: b"\xef\xbb\xbf" + data), 0.0, 1.0),
]

# ------------------------------------------------------------------------------- persistence

PLANT = """
import os, course_utils, numpy, builtins
builtins.planted = numpy.planted = course_utils.planted = True
os.environ['PLANTED'] = '1'
for folder in ('/tmp', '/scratch', '/dev/shm', '/var/tmp', os.getcwd(), os.path.expanduser('~')):
    try: open(folder + '/planted', 'w').write('the answer')
    except OSError: pass
try:
    if os.fork() == 0:
        while True: pass
except OSError: pass
"""
HARVEST = """
import os, course_utils, numpy, builtins
folders = ('/tmp', '/scratch', '/dev/shm', '/var/tmp', os.getcwd(), os.path.expanduser('~'))
here = [hasattr(m, 'planted') for m in (builtins, numpy, course_utils)] + ['PLANTED' in os.environ]
return any(here) or any(os.path.exists(f + '/planted') for f in folders)
"""

# ------------------------------------------------------------------------------- honest bad luck

HONEST = [
    ("warnings", during("import warnings\nwarnings.warn('careful')\nimport numpy as np\nnp.log(np.zeros(2))", RIGHT)),
    ("words on both outputs", during("import sys\nprint('step')\nprint('!', file=sys.stderr)", RIGHT)),
    ("a figure", before("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('cost')\nplt.savefig('a.png')\nplt.show()", RIGHT)),
    ("a seed in a cell", before("import numpy as np\nnp.random.seed(1)\nx = np.random.rand(3)", RIGHT)),
    ("recursion", during("def depth(n): return 0 if n == 0 else 1 + depth(n - 1)\ndepth(800)", RIGHT)),
    ("big arrays", before("import numpy as np\nbig = np.ones((2000, 2000)) @ np.ones((2000, 1))", RIGHT)),
    ("slow code", during("import time\ntime.sleep(0.02)\nsum(i * i for i in range(20000))", RIGHT)),
    ("many helpers and imports", before(
        "import math, random, itertools, functools, collections, statistics, dataclasses, typing, copy, decimal, json, csv, re", RIGHT)),
    ("files in its own folder", before(
        "import numpy as np, tempfile, os, h5py\nnp.save('a.npy', np.ones(3))\nassert np.load('a.npy').sum() == 3\n"
        "with tempfile.NamedTemporaryFile() as f: f.write(b'x')\nh5py.File('a.h5', 'w').close()", RIGHT)),
    ("magics", "%matplotlib inline\n%timeit 1\n!pip install x\n" + RIGHT),
    ("a cell that stops after the function", RIGHT + "\nprint(undefined_name)"),
    ("threads of its own", before("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()", RIGHT)),
    ("float subclasses and lists", f"{SIGNATURE}    result = dict()\n    for name in sorted(parameters):\n"
                                   "        result[name] = parameters[name] - learning_rate * grads['d' + name]\n    return result"),
]  # fmt: skip


def _extra_cells(notebook: Document) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(2, {**cell, "source": "1 / 0"})
    notebook["cells"].insert(4, {**cell, "source": "import numpy as np\nnp.arange(5) / 0"})
    notebook["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": "# my notes"})


def _attacks() -> list[Attack]:
    found = [Attack(name, "tampering", source, *shares) for name, source, *shares in TAMPERING]
    found += [Attack(name, "forgery", source, *shares) for name, source, *shares in FORGERY]
    found += [Attack(name, "lying values", source, *shares) for name, source, *shares in LYING]
    found += [Attack(name, "peeking", seeking(source)) for name, source in PEEKING]
    found += [Attack(name, "escaping", seeking(source)) for name, source in ESCAPING]
    found += [Attack(name, "bombs", source, *shares) for name, source, *shares in BOMBS]
    found += [Attack(name, "time bombs", source, *shares) for name, source, *shares in TIME_BOMBS]
    found += [Attack(n, "documents", WRONG, e, k, edit=edit) for n, edit, e, k in _edits()]
    found += [Attack(n, "documents", WRONG, e, k, write=write) for n, write, e, k in FILES]
    found += [
        Attack("a seed for the one after", "persistence", PLANT + WRONG),
        Attack("what the one before planted", "persistence", seeking(HARVEST)),
        Attack("a seed for two after it", "persistence", PLANT + WRONG),
        Attack("what was planted long ago", "persistence", seeking(HARVEST)),
        Attack("what was planted for anybody", "persistence", seeking(HARVEST)),
    ]
    found += [Attack(name, "honest", source, 1.0) for name, source in HONEST]
    found += [
        Attack("cells of their own, some broken", "honest", RIGHT, 1.0, edit=_extra_cells),
        Attack("nothing but what is asked for", "honest", RIGHT, 1.0),
        Attack("one exercise left out", "honest", UNSOLVED),
    ]
    return found


ATTACKS = _attacks()
