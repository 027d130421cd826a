"""What import-linter cannot say: the reference stands on NumPy alone."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "course_utils" / "reference"


def foreign_imports(source):
    """Return what a module of the reference imports beside NumPy, the standard library and its siblings."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # One dot stays in the reference; more dots leave it.
            home = {0: "", 1: "course_utils.reference."}.get(node.level, "course_utils.")
            names.add(home + (node.module or ""))
    allowed = {"numpy", *sys.stdlib_module_names}
    return {
        name
        for name in names
        if name.split(".")[0] not in allowed and not f"{name}.".startswith("course_utils.reference.")
    }


@pytest.mark.parametrize("path", sorted(REFERENCE.rglob("*.py")), ids=lambda path: path.stem)
def test_the_reference_imports_numpy_alone(path):
    """The answers can be read, run and trusted without the rest of the project."""
    foreign = foreign_imports(path.read_text())
    assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}; only NumPy belongs there"


@pytest.mark.parametrize(
    "line",
    ["import scipy", "from scipy import linalg", "from course_utils import data", "from .. import data"],
)
def test_a_foreign_import_is_seen(line):
    """The rule above can fail."""
    assert foreign_imports(line)


@pytest.mark.parametrize(
    "line", ["import numpy as np", "from . import layers", "from course_utils.reference.layers import relu"]
)
def test_an_own_import_is_allowed(line):
    """Modules of the reference may share helpers."""
    assert not foreign_imports(line)
