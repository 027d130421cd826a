"""Write requirements.lock and environment.yml from pyproject.toml (`make lock`).

The lock holds every package of every platform with its hashes, and no address: where packages come
from is the business of whoever installs them. environment.yml is the conda door to the same pins.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKED_EXTRAS = ("grading", "dev")  # `bench` brings PyTorch, gigabytes that no test needs


def write_lock(path):
    """Resolve for every platform at once; one version of a package wherever one fits all Pythons."""
    extras = [f"--extra={extra}" for extra in LOCKED_EXTRAS]
    command = [Path(sys.executable).with_name("uv"), "pip", "compile", "pyproject.toml", *extras]
    command += ["--universal", "--fork-strategy=fewest", "--upgrade", "--python-version=3.11"]
    command += ["--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    resolved = subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True, text=True)
    path.write_text("# Exact pins for every platform. Written by `make lock`.\n" + resolved.stdout)


def write_environment(path, lock, project):
    """Write the conda environment: Python, make and pip from conda, every pin of the lock through pip.

    Without the hashes: pip wants all or none of them, and the file shall stay short enough to read.
    """
    pins = re.findall(r"^[\w.-]+==[^\\\n]+", lock.read_text(), flags=re.MULTILINE)
    lines = [
        "# The conda door to requirements.lock. Written by `make lock`.",
        f"name: {project['name']}",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        f"  - python{project['requires-python']}",
        "  - make",
        "  - pip",
        "  - pip:",
        *(f"      - {pin.strip()}" for pin in pins),
    ]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    write_lock(ROOT / "requirements.lock")
    write_environment(ROOT / "environment.yml", ROOT / "requirements.lock", project)
