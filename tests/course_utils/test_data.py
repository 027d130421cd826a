"""The datasets are what they say, are read safely, and can be built again byte for byte."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course_utils import data
from course_utils.data import Dataset, DatasetError, load, names

ROOT = Path(__file__).parents[2]
NAMES = ["blobs", "circles", "digits", "moons", "spirals", "temperatures"]


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_datasets", ROOT / "datasets" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the datasets that load reads and a test may damage."""
    shutil.copytree(ROOT / "datasets", tmp_path / "datasets", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(data, "_PACKAGE", tmp_path / "course_utils")
    return tmp_path / "datasets"


def test_the_names():
    """Lessons rely on these six."""
    assert sorted(names()) == NAMES


@pytest.mark.parametrize(
    ("name", "train", "dev"),
    [("moons", 300, 100), ("circles", 300, 100), ("blobs", 211, 200), ("spirals", 300, 150)],
)
def test_sizes_of_the_points_in_the_plane(name, train, dev):
    """Examples are columns, and every class has its share of them."""
    points = load(name)
    classes = 3 if name == "spirals" else 1
    for split, m in (("train", train), ("dev", dev)):
        X, Y = points[f"X_{split}"], points[f"Y_{split}"]
        assert X.shape == (2, m) and Y.shape == (classes, m)
        assert X.dtype == Y.dtype == np.float64
        assert set(np.unique(Y)) == {0.0, 1.0}
        shares = Y.mean(axis=1)
        assert np.allclose(shares, 1 / 3 if classes == 3 else 1 / 2, atol=0.01)


@pytest.mark.parametrize("name", ["moons", "circles", "spirals"])
def test_curved_classes_need_a_curved_boundary(name):
    """Neighbours tell the classes apart and a straight line does not."""
    points = load(name)
    X, X_dev = points.X_train.T, points.X_dev.T
    labels, labels_dev = (
        (points[f"Y_{split}"][0] if name != "spirals" else points[f"labels_{split}"])
        for split in ("train", "dev")
    )
    curved = KNeighborsClassifier(9).fit(X, labels).score(X_dev, labels_dev)
    straight = LogisticRegression().fit(X, labels).score(X_dev, labels_dev)
    assert curved > 0.93 and straight < curved - 0.05


def test_blobs_invite_overfitting():
    """Who follows every training point is worse on new ones than a straight line."""
    blobs = load("blobs")
    X, y, X_dev, y_dev = blobs.X_train.T, blobs.Y_train[0], blobs.X_dev.T, blobs.Y_dev[0]
    follower = KNeighborsClassifier(1).fit(X, y)
    line = LogisticRegression().fit(X, y)
    assert follower.score(X, y) == 1.0
    assert line.score(X_dev, y_dev) > follower.score(X_dev, y_dev) + 0.03


def test_digits_are_the_uci_images_each_once():
    """Together the splits are scikit-learn's images, no image is in two, and every class is in each."""
    digits = load("digits")
    images, labels = load_digits(return_X_y=True)
    X = np.hstack([digits.X_train, digits.X_dev, digits.X_test])
    y = np.hstack([digits.labels_train, digits.labels_dev, digits.labels_test])
    ours = sorted(tuple(row) for row in np.column_stack([X.T * 16, y]))
    assert ours == sorted(tuple(row) for row in np.column_stack([images, labels]))
    for split in ("train", "dev", "test"):
        chosen, Y = digits[f"labels_{split}"], digits[f"Y_{split}"]
        assert np.bincount(chosen, minlength=10).min() >= 0.08 * len(chosen)
        assert Y.shape == (10, len(chosen)) and (Y.sum(axis=0) == 1).all()
        assert (Y.argmax(axis=0) == chosen).all()


def test_temperatures_are_four_years_of_days_in_celsius():
    """Every day once, the mean between low and high, summers warmer than winters, no Fahrenheit."""
    seattle = load("temperatures")
    assert seattle.dates[0] == np.datetime64("2012-01-01") and len(seattle.dates) == 4 * 365 + 1
    assert (np.diff(seattle.dates) == np.timedelta64(1, "D")).all()
    assert (seattle.low <= seattle["mean"]).all() and (seattle["mean"] <= seattle.high).all()
    month = seattle.dates.astype("datetime64[M]").astype(int) % 12
    assert 2 < seattle["mean"][month == 0].mean() < 8 < 16 < seattle["mean"][month == 6].mean() < 24


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_tells_its_source_licence_shapes_and_units(name):
    """Who uses data can see where they come from."""
    dataset = load(name)
    assert all(len(getattr(dataset, fact)) > 3 for fact in ("title", "about", "source", "licence"))
    text = repr(dataset)
    assert dataset.source in text and dataset.licence in text
    for key, values in dataset.items():
        assert key in text and str(values.shape) in text
    assert name in (ROOT / "datasets" / "README.md").read_text(encoding="utf-8")


def test_examples_stand_in_random_order():
    """The network's own mini-batches take columns as they stand."""
    labels = load("digits").labels_train
    assert abs(labels[:300].mean() - labels.mean()) < 0.5
    assert (np.diff(labels) != 0).mean() > 0.8


def test_arrays_are_new_and_writable_and_names_are_fixed():
    """A lesson that spoils its arrays loads them again; a typing error does not make a new name."""
    first = load("moons")
    first.X_train[:] = 0.0
    assert np.abs(load("moons").X_train).max() > 1
    with pytest.raises(AttributeError, match="fixed"):
        first.X_train = np.zeros(3)
    with pytest.raises(AttributeError, match="X_train, Y_train"):
        first.X_trian  # noqa: B018
    assert isinstance(first, Dataset) and dict(first).keys() == {"X_train", "Y_train", "X_dev", "Y_dev"}


def test_unknown_name_lists_the_names():
    """A misspelt name is answered with the right ones."""
    with pytest.raises(ValueError, match=r"'digit'.*blobs, circles, digits, moons, spirals, temperatures"):
        load("digit")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1000])


def altered(path):
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [Path.unlink, truncated, altered, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_is_named_with_both_ways_back(folder, damage):
    """One flipped bit is enough; the other datasets still load."""
    damage(folder / "digits.h5")
    with pytest.raises(DatasetError) as caught:
        load("digits")
    message = str(caught.value)
    assert str(folder / "digits.h5") in message
    assert "python datasets/build.py digits" in message and "pip install" in message
    assert load("moons").X_train.shape == (2, 300)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")])
def test_damaged_checksums_are_named(folder, damage):
    """Without checksums nothing is trusted."""
    damage(folder / "checksums.json")
    with pytest.raises(DatasetError, match=r"checksums\.json"):
        load("moons")


def test_datasets_inside_the_package_come_first(folder):
    """An installed course brings its own files."""
    inside = folder.parent / "course_utils" / "_datasets"
    shutil.copytree(folder, inside)
    shutil.rmtree(folder)
    assert load("circles").X_dev.shape == (2, 100)


@pytest.mark.parametrize("name", NAMES)
def test_builds_are_reproducible_byte_for_byte(build, name, tmp_path):
    """Two builds and the committed file are equal; a date or a version in the file would show."""
    twice = [build.build(name, tmp_path).read_bytes() for _ in range(2)]
    assert twice[0] == twice[1] == (ROOT / "datasets" / f"{name}.h5").read_bytes()


def test_building_one_dataset_blesses_no_other(build, folder):
    """A checksum changes only for what was built."""
    altered(folder / "moons.h5")
    build.build("circles", folder)
    build.write_checksums(["circles"], folder)
    assert json.loads((folder / "checksums.json").read_text())["circles.h5"]
    assert load("circles").Y_train.shape == (1, 300)
    with pytest.raises(DatasetError, match=r"moons\.h5"):
        load("moons")


def test_importing_is_light():
    """Importing data and network loads neither HDF5 nor a progress bar nor a library of the tests."""
    code = (
        "import sys, course_utils.data, course_utils.network\n"
        "print([m for m in ('h5py', 'tqdm', 'sklearn', 'matplotlib', 'IPython') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "[]"
