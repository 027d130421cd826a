"""The folder that a child sees: ``course_utils`` without the reference, datasets, the child's own code."""

from __future__ import annotations

import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import course_utils

PACKAGES = Path(course_utils.__file__).resolve().parent.parent
CHILDS_OWN = (
    "autograder/protocol.py",
    *(f"autograder/sandbox/{name}.py" for name in ("child", "filter", "kernel", "silent", "walls", "zygote")),
)
FONTS = "fonts"
SUFFIXES = (".py", ".json", ".mplstyle", ".js", ".css", ".h5")


def build_edition(folder: Path) -> Path:
    """Return the folder of the current edition below ``folder``, copied if it is not there yet."""
    files = sorted(_files())
    stamp = hashlib.sha256(repr([(name, os.stat(path).st_mtime_ns) for name, path in files]).encode())
    target = folder / stamp.hexdigest()[:16]
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder, prefix="part-"))
    for name, path in files:
        copy = partial / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for package in ("autograder", "autograder/sandbox"):
        (partial / package / "__init__.py").touch()
    compileall.compile_dir(partial, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    _list_fonts(partial / FONTS)
    for path in (partial, *partial.rglob("*")):  # another user reads them, whatever the umask here is
        path.chmod(0o755 if path.is_dir() else 0o644)
    try:
        partial.rename(target)
    except OSError:  # another run was first
        shutil.rmtree(partial)
    return target


def _list_fonts(folder: Path) -> None:
    """Let matplotlib look for fonts here, once: in every warm process it would take a quarter of a second."""
    words = [sys.executable, "-c", "import matplotlib.font_manager"]
    environment = {"MPLCONFIGDIR": str(folder), "HOME": str(folder), "PATH": "/nowhere"}
    folder.mkdir()
    subprocess.run(words, env=environment, stderr=subprocess.DEVNULL, check=False)


def _files() -> Iterator[tuple[str, Path]]:
    utils = PACKAGES / "course_utils"
    for path in utils.rglob("*"):
        name = path.relative_to(PACKAGES)
        if path.suffix in SUFFIXES and "reference" not in name.parts and "__pycache__" not in name.parts:
            yield str(name), path
    for path in (PACKAGES / "datasets").glob("*"):
        if path.suffix in (".h5", ".json"):
            yield f"datasets/{path.name}", path
    for own in CHILDS_OWN:
        yield own, PACKAGES / own
