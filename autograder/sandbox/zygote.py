"""The warm process: imports what lessons use once, then forks one child for each submission.

Started with a JSON text as its only argument and a control socket as standard input. It holds no answer, and
it reads nothing that a child wrote.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from typing import Any

WATCH_SECONDS = 0.05
MIB = 2**20


def leave_root(user: int) -> None:
    """Become an ordinary user whose number nobody else has."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def only_these(edition: str, folders: list[str]) -> None:
    """Let imports find the standard library, the edition and installed packages, and nothing else."""
    standard = [path for path in sys.path if path.startswith((sys.base_prefix, sys.base_exec_prefix))]
    sys.path[:] = [edition, *(path for path in standard if "-packages" not in path), *folders]
    sys.dont_write_bytecode = True


def warm_up(lean: bool) -> None:
    """Import before the fork what would be slow, or lazy, after it; all else that is installed is hidden."""
    import numpy
    import numpy.linalg
    import numpy.random  # noqa: F401

    import autograder.sandbox.child
    from autograder.sandbox import silent

    silent.install()
    if lean:
        return
    import h5py  # noqa: F401
    import matplotlib.backends.backend_agg
    import matplotlib.pyplot
    import tqdm  # noqa: F401

    import course_utils

    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        importlib.import_module(module.name)
    matplotlib.pyplot.close("all")
    autograder.sandbox.child.close_shortcuts()


class Running:
    """One child: its process, where it may write, and why it was ended, if it was."""

    def __init__(self, pid: int, scratch: str, walled: bool) -> None:
        self.pid = pid
        self.scratch = scratch
        self.space = _space(pid) if walled else ""
        self.why = "-"


class Zygote:
    """The loop: a child for every socket that arrives; kill one when told; tell when one has ended."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.control = socket.socket(fileno=os.dup(0))
        self.limits: dict[str, float] = order["limits"]
        self.edition, self.folders = order["edition"], order["folders"]
        self.user = (os.getuid(), os.getgid())
        self.temporary = tempfile.gettempdir()
        self.running: dict[int, Running] = {}

    def serve(self) -> None:
        """Serve until the judge hangs up; then everything ends."""
        from autograder.sandbox import kernel, walls

        kernel.prctl(kernel.SET_DUMPABLE, 1)  # or /proc/self would belong to root after a change of user
        self.seen = walls.view(self.edition, self.folders)
        self.ended_read, self.ended_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.ended_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.control.sendall(b"ready\n")
        try:
            while self._turn():
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass  # the judge is gone
        for child in self.running.values():
            _kill(child.pid)
            os.waitpid(child.pid, 0)
            shutil.rmtree(child.scratch, ignore_errors=True)

    def _turn(self) -> bool:
        watched: list[socket.socket | int] = [self.control, self.ended_read]
        ready, _, _ = select.select(watched, [], [], WATCH_SECONDS if self.running else None)
        if self.ended_read in ready:
            os.read(self.ended_read, 4096)
            self._reap()
        if self.control in ready:
            data, passed, _, _ = socket.recv_fds(self.control, 64, 1)
            if not data:
                return False
            for line in data.decode().splitlines():
                verb, number, *how = line.split()
                if verb == "fork":
                    self.running[int(number)] = self._fork(passed.pop(0), how[0])
                elif verb == "kill" and int(number) in self.running:
                    _kill(self.running[int(number)].pid)
        self._watch()
        return True

    def _fork(self, channel: int, how: str) -> Running:
        from autograder.sandbox import kernel, walls

        scratch = "" if how == walls.NAMESPACES else tempfile.mkdtemp(prefix="scratch-", dir=self.temporary)
        try:
            pid = kernel.fork_into(kernel.NEW_NAMESPACES) if how == walls.NAMESPACES else os.fork()
        except OSError as error:
            pid = os.fork()  # a child that only says why
            how = f"{how}: {error}"
        if pid == 0:
            try:
                self._be_child(socket.socket(fileno=channel), how, scratch)
            finally:
                os._exit(0)
        os.close(channel)
        child = Running(pid, scratch, how == walls.NAMESPACES)
        if how == walls.NAMESPACES and not child.space:
            _kill(pid)  # what cannot be watched does not run
        return child

    def _be_child(self, channel: socket.socket, how: str, scratch: str) -> None:
        from autograder.sandbox import child, walls

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        for descriptor in (nothing, self.ended_read, self.ended_write):
            os.close(descriptor)
        self.control.close()
        try:
            if how == walls.NAMESPACES:
                walls.in_namespaces(self.seen, self.limits, self.user)
            elif how == walls.LANDLOCK:
                walls.by_landlock(self.seen, self.limits, scratch)
            elif how == walls.OFF:
                os.setsid()
                os.chdir(scratch)
            else:
                raise OSError(how)
        except Exception as error:  # a wall that cannot be put up is told, whatever the reason
            child.say(channel, {"walls": "", "error": f"{type(error).__name__}: {error}"})
            return
        child.say(channel, {"walls": how, "error": ""})
        child.serve(channel, self.limits)

    def _reap(self) -> None:
        for number, child in list(self.running.items()):
            done, status, used = os.wait4(child.pid, os.WNOHANG)
            if not done:
                continue
            del self.running[number]
            if child.scratch:
                _kill(child.pid)  # what is left of its process group
                shutil.rmtree(child.scratch, ignore_errors=True)
            code = os.waitstatus_to_exitcode(status)
            if child.why == "-" and code < 0 and used.ru_utime + used.ru_stime >= self.limits["cpu_seconds"]:
                child.why = "time"
            self.control.sendall(f"ended {number} {code} {child.why}\n".encode())

    def _watch(self) -> None:
        """End a child whose processes together hold too much memory: Linux bounds only each of them."""
        watched = [child for child in self.running.values() if child.space and child.why == "-"]
        members: dict[str, list[str]] = {}
        for name in os.listdir("/proc") if watched else ():
            if name.isdigit():
                members.setdefault(_space(int(name)), []).append(name)
        for child in watched:
            if _hold_more(members.get(child.space, []), self.limits["memory_mib"] * MIB):
                child.why = "memory"
                _kill(child.pid)


def _space(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _hold_more(pids: list[str], most: float) -> bool:
    """Whether some processes hold more than ``most`` bytes, shared pages counted once."""
    if sum(_resident(pid) for pid in pids) <= most:
        return False
    return sum(_share(pid) for pid in pids) > most


def _resident(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _share(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            lines = [line.split() for line in file]
        return sum(int(words[1]) * 1024 for words in lines if words[0] in ("Pss:", "SwapPss:"))
    except (OSError, IndexError):
        return _resident(pid)  # 0 if it has ended


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def main() -> None:
    """Prepare, warm up, serve."""
    order = json.loads(sys.argv[1])
    if order["user"]:
        leave_root(order["user"])
    temporary, code = tempfile.mkdtemp(prefix="autograder-"), 0
    tempfile.tempdir = temporary
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    os.environ |= {"MPLBACKEND": "Agg", "HOME": temporary, "MPLCONFIGDIR": temporary, "PATH": "/nowhere"}
    try:
        fonts = os.path.join(order["edition"], "fonts")
        for name in os.listdir(fonts):
            if name.endswith(".json"):
                shutil.copy(os.path.join(fonts, name), temporary)
        only_these(order["edition"], order["folders"])
        warm_up(order["lean"])
        Zygote(order).serve()
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sys.stderr.flush()
    os._exit(code)  # taking apart all that was imported would take longer than the judge waits for anything


if __name__ == "__main__":
    main()
