"""Stand-ins for libraries that show something to a person: nobody looks while a submission is graded.

The first cell of a lesson imports its widgets, and a learner may well write ``from IPython.display import
display`` above a solution. Neither may fail for the lack of a screen, and neither is worth half a second of
imports or the open doors of the real libraries.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LIBRARIES = ("IPython", "anywidget", "ipywidgets", "traitlets")


class _SilentClass(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent


class Silent(metaclass=_SilentClass):
    """Whatever is asked of it: a function, a decorator, a class to inherit from, an empty container."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.__dict__.update(named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent()

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Give a decorated function back, and silence for all else."""
        alone = len(given) == 1 and not named and callable(given[0])
        return given[0] if alone else Silent()

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _SilentModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Silent


class _Finder(MetaPathFinder, Loader):
    """Finds a stand-in for each of the libraries, and for whatever module of theirs."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in LIBRARIES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _SilentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "IPython":
            module.get_ipython = _nobody  # type: ignore[attr-defined]
            module.version_info = (8, 0, 0)  # type: ignore[attr-defined]
        if module.__name__ == "IPython.display":
            module.display = _nobody  # type: ignore[attr-defined]


def _nobody(*given: Any, **named: Any) -> None:
    """What ``display`` shows and who ``get_ipython`` finds."""


def install() -> None:
    """Let the stand-ins be found before any library of the same name."""
    sys.meta_path.insert(0, _Finder())
