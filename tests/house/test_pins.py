"""One set of pins: what pyproject allows, the lock fixes and the conda door repeats."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
UNLOCKED = {"bench"}  # PyTorch: gigabytes that no test needs


def direct_requirements():
    """Return every requirement that pyproject names and the lock must hold."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + PROJECT["build-system"]["requires"]
    lines += [line for extra, items in extras.items() if extra not in UNLOCKED for line in items]
    return [Requirement(line) for line in lines]


def lock_entries():
    """Return the lock as pairs of a requirement and the hashes that follow it."""
    logical_lines = re.sub(r"\\\n\s*", " ", LOCK).splitlines()
    entries = [line.split(" --hash=") for line in logical_lines if line and not line.startswith("#")]
    return [(Requirement(pin), hashes) for pin, *hashes in entries]


def version_of(requirement):
    """Return the one version that a pin allows."""
    [specifier] = requirement.specifier
    assert specifier.operator == "==", f"{requirement} is no exact pin; run: make lock"
    return specifier.version


def environment_pins():
    """Return what environment.yml hands to pip."""
    [pip_part] = [item["pip"] for item in environment()["dependencies"] if isinstance(item, dict)]
    return {str(Requirement(line)) for line in pip_part}


def environment():
    """Return environment.yml as data."""
    return yaml.safe_load((ROOT / "environment.yml").read_text())


@pytest.mark.parametrize("requirement", direct_requirements(), ids=str)
def test_the_lock_satisfies_pyproject(requirement):
    """A dependency added or raised in pyproject without `make lock` is found here."""
    versions = [
        version_of(pin) for pin, _ in lock_entries() if canonicalize_name(requirement.name) == pin.name
    ]
    assert len(versions) == 1, f"{requirement.name} has {len(versions)} pins in the lock; run: make lock"
    assert requirement.specifier.contains(versions[0]), f"pinned at {versions[0]}; run: make lock"


def test_every_pin_is_exact_and_hashed():
    """pip refuses a package that is not, byte for byte, the one that was tested."""
    for requirement, hashes in lock_entries():
        version_of(requirement)
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes)


def test_the_lock_names_no_address():
    """Where packages come from is the business of whoever installs them."""
    assert not re.search(r"https?:|file:|--(?!hash=)\S+", LOCK)


def test_the_conda_door_opens_on_the_same_set():
    """environment.yml holds each pin of the lock with its platforms, no more and no fewer."""
    assert environment_pins() == {str(requirement) for requirement, _ in lock_entries()}


def test_the_conda_door_asks_for_the_same_python():
    """The Python of pyproject, of the conda environment and of the Makefile is one."""
    required = PROJECT["project"]["requires-python"]
    assert f"python{required}" in environment()["dependencies"]
    assert f">= ({required.removeprefix('>=').replace('.', ', ')})" in (ROOT / "Makefile").read_text()
