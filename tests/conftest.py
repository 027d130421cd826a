"""What every test starts from: this environment's programs, and nobody's personal settings."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Before NumPy is loaded: one thread each, or two cores spend their time waiting for one another.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"

# nbgrader starts alembic by name, Jupyter its kernels: both stand beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

# A developer's own Jupyter and IPython settings change no result, and no test changes them.
_home = tempfile.mkdtemp(prefix="course-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
for _variable in ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]:
    os.environ[_variable] = os.path.join(_home, _variable.lower())

from hypothesis import HealthCheck, settings  # noqa: E402

# The same examples on every run; a shared machine's pauses are no failures.
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
