"""Load the datasets of the course: ``load("digits").X_train``.

Examples are columns: X is (n_x, m) float64, Y is (1, m) or one-hot (C, m), labels are integers (m,).
Where each dataset comes from, and its licence, is in the dataset itself: ``load("digits").source``.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

_PACKAGE = Path(__file__).parent


class DatasetError(RuntimeError):
    """A dataset is missing or not what it was when the course was made."""


class Dataset(Mapping[str, np.ndarray]):
    """Named arrays and where they come from.

    Arrays are attributes and items: ``digits.X_train`` is ``digits["X_train"]``. The names are fixed; the
    arrays are the caller's own and may be written to.

    Attributes
    ----------
    name, title, about, source, licence : str
    """

    def __init__(self, name: str, facts: dict[str, str], arrays: dict[str, np.ndarray], notes: dict) -> None:
        fixed = {"name": name, **facts, **arrays, "_arrays": arrays, "_notes": notes}
        for key, value in fixed.items():
            object.__setattr__(self, key, value)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(
            f"the names of {self.name} are fixed; to keep an array of your own, give it its own name"
        )

    def __getattr__(self, key: str) -> np.ndarray:
        arrays = ", ".join(self.__dict__.get("_arrays", ()))
        raise AttributeError(f"there is no {key!r} here; there are {arrays}")

    def __getitem__(self, key: str) -> np.ndarray:
        return self._arrays[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.title}", f"  {self.about}"]
        for key, values in self._arrays.items():
            shape, units = self._notes[key]
            unit = "" if units == "none" else f", {units}"
            lines.append(f"  {key:<13} {values.dtype!s:<13} {values.shape!s:<11} {shape}{unit}")
        return "\n".join([*lines, f"  source   {self.source}", f"  licence  {self.licence}"])


def names() -> list[str]:
    """Return the names that load takes."""
    folder = _folder()
    return [file.removesuffix(".h5") for file in _checksums(folder)]


def load(name: str) -> Dataset:
    """Return the arrays of one dataset, after checking that its file is as it was built.

    Parameters
    ----------
    name : str, one of names()

    Returns
    -------
    dataset : Dataset
        Its arrays are new on each call.

    Raises
    ------
    ValueError
        If there is no dataset of that name.
    DatasetError
        If its file is missing, cut short or altered.
    """
    import h5py

    folder = _folder()
    checksums = _checksums(folder)
    file = f"{name}.h5"
    if file not in checksums:
        known = ", ".join(key.removesuffix(".h5") for key in checksums)
        raise ValueError(f"there is no dataset {name!r}; there are {known}")
    try:
        content = (folder / file).read_bytes()
    except OSError as error:
        raise _lost(folder / file, f"it cannot be read ({error.strerror})") from None
    seen = hashlib.sha256(content).hexdigest()
    if seen != checksums[file]:
        what = f"its {len(content)} bytes have the SHA-256 {seen[:12]}..., not {checksums[file][:12]}..."
        raise _lost(folder / file, f"it is cut short or altered: {what}")
    with h5py.File(io.BytesIO(content), "r") as opened:
        facts = {key: str(text) for key, text in opened.attrs.items()}
        arrays = {key: _array(stored[()]) for key, stored in opened.items()}
        notes = {key: (str(s.attrs["shape"]), str(s.attrs["units"])) for key, s in opened.items()}
    return Dataset(name, facts, arrays, notes)


def _array(values: np.ndarray) -> np.ndarray:
    # HDF5 knows no dates: they are stored as text.
    return values.astype("datetime64[D]") if values.dtype.kind == "S" else values


def _folder() -> Path:
    """Return the datasets inside the installed package, else those beside it in the course folder."""
    candidates = [_PACKAGE / "_datasets", _PACKAGE.parent / "datasets"]
    return next((folder for folder in candidates if folder.is_dir()), candidates[-1])


def _checksums(folder: Path) -> dict[str, str]:
    path = folder / "checksums.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _lost(path, f"it cannot be read ({error.strerror})") from None
    except ValueError:
        raise _lost(path, "it is cut short or altered: it is not JSON") from None


def _lost(path: Path, seen: str) -> DatasetError:
    rebuild = "" if path.suffix == ".json" else f" {path.stem}"
    return DatasetError(
        f"the dataset file {path} is not usable\n"
        f"  saw       {seen}\n"
        "  expected  the file that came with the course\n"
        "  student   unpack the course again, then in its folder: pip install --force-reinstall --no-deps .\n"
        f"  author    python datasets/build.py{rebuild}"
    )
