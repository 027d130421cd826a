"""Nothing that is committed depends on the machine it was written on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.~/-])/" + r"(?:work|root|home/[a-z]\w*)/",
    "a package registry's host": r"\b(?:py"
    + r"pi\.org|pythonhosted\.org|npmjs\.org|anaconda\.org|debian\.org)",
    "an option that names a package index": r"(?<![\w-])--(?:extra-)?index-" + r"url|--find-" + r"links[= ]|"
    r"--trusted-" + r"host",
}


def committed_files():
    """Return the files that git holds or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="not a git checkout: nothing is committed",
)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what):
    """A clone works elsewhere, and says nothing about where it was made."""
    pattern = re.compile(FORBIDDEN[what].encode())
    files = committed_files()
    assert files, "git lists no files"
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files
        for match in pattern.finditer(path.read_bytes())
    ]
    assert not found, f"{what}: {found}"


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of one machine", "data = '/" + "work/main/x.h5'"),
        ("a path of one machine", "see /" + "home/ada/course"),
        ("a package registry's host", "from py" + "pi.org"),
        ("an option that names a package index", "pip install --index-" + "url x"),
        ("an option that names a package index", "pip install --extra-index-" + "url x"),
    ],
)
def test_each_pattern_can_find(what, text):
    """The rules above can fail."""
    assert re.search(FORBIDDEN[what], text)
