"""The widgets' JavaScript in Node: scales, ticks, contours, numbers, contrast, messages."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WIDGETS = HERE.parents[2] / "course_utils" / "widgets"


def test_javascript_units(tmp_path):
    """Every test of runtime.test.js passes; each of them says which fact it guards."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("no Node here; install it with: apt-get install -y nodejs", pytrace=False)
    for path in [*WIDGETS.glob("*.js"), WIDGETS / "palette.json", HERE / "runtime.test.js"]:
        shutil.copy(path, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = subprocess.run([node, "runtime.test.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.fail(f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}", pytrace=False)
    passed = int(re.search(r"pass (\d+)", done.stdout)[1])
    assert passed >= 20, "the tests were found and run"
