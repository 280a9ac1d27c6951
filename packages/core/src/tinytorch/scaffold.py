"""A new op package, copied from the one under ``template``.

That one is whole, and tested as it stands: only its two names are replaced.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .metadata import normal_name
from .missing import HINTS

TEMPLATE = Path(__file__).with_name("template")
CACHES = frozenset({"__pycache__", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache"})
"""What installers and tools leave among the files of the template."""

OURS = {"tinytorch", "tinytorch-core", "tinytorch-modules", "tinytorch-optim", *HINTS}

TAKEN = frozenset({*OURS, "numpy", "pluggy", "pytest"})
"""Distributions that an op package is installed beside."""


def new_plugin(name: str, directory: Path | None = None) -> Path:
    """Write an op package with one example operation, its tests, and what it needs to be published.

    Parameters
    ----------
    name : str
        The name of the distribution. It is used in its normal form, small letters with hyphens; the
        name of the module has underscores in their place.
    directory : Path, optional
        The folder of the package, which may exist if it is empty. By default one of the
        distribution's name, in the current directory.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If the name cannot be that of a distribution, or of a module, or is taken.
    FileExistsError
        If the folder is there, and not empty.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     folder = new_plugin("Tiny.Splines", Path(place, "splines"))
    ...     sorted(path.name for path in folder.glob("src/*/*.py"))
    ['__init__.py', 'operations.py', 'plugin.py']
    """
    distribution = _distribution(name)
    directory = Path(distribution) if directory is None else directory
    _refuse_unless_empty(directory)

    def renamed(text: str) -> str:
        text = text.replace("tinytorch-example", distribution)
        return text.replace("tinytorch_example", distribution.replace("-", "_"))

    for path in _files():
        target = directory / renamed(str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed((TEMPLATE / path).read_text("utf-8")), "utf-8")
    return directory


def next_steps(directory: Path) -> str:
    """Return what the author of a package that was just made does next."""
    return f"""\
{directory} is an op package with one operation, squareplus. To install and test it:

    cd {directory}
    python -m pip install -e ".[test]"
    pytest

Then put your own operations in the place of the example, in operations.py under src. README.md says
what is where, how to choose a licence, and how to publish."""


def _distribution(name: str) -> str:
    """Return the normal form of a distribution's name, if an op package can be called so."""
    if not re.fullmatch(r"[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*", name):
        raise ValueError(
            f"new-plugin: {name!r} is no name for a distribution: it should consist of ASCII "
            "letters and digits, with hyphens, underscores or dots between them"
        )
    distribution = normal_name(name)
    module = distribution.replace("-", "_")
    if distribution in TAKEN:
        raise ValueError(
            f"new-plugin: the name {name!r} belongs to another distribution; choose one of your own"
        )
    if keyword.iskeyword(module) or not module.isidentifier():
        raise ValueError(
            f"new-plugin: {name!r} would be imported as {module!r}, which Python cannot import; "
            "choose a name that begins with a letter and is no keyword"
        )
    if module in sys.stdlib_module_names:
        raise ValueError(
            f"new-plugin: {name!r} would be imported as {module!r}, a module of Python's own; "
            f"choose another name, such as 'tinytorch-{distribution}'"
        )
    return distribution


def _refuse_unless_empty(directory: Path) -> None:
    if not directory.exists():
        return
    # A repository that was just made, or cloned from where it was just made, has nothing else.
    if not directory.is_dir() or any(path.name != ".git" for path in directory.iterdir()):
        raise FileExistsError(
            f"new-plugin: {directory} should be a new or an empty directory, but something is "
            "there; name another with --directory"
        )


def _files() -> Iterator[Path]:
    """The files of the template, as paths inside it."""
    for file in sorted(TEMPLATE.rglob("*")):
        path = file.relative_to(TEMPLATE)
        if file.is_file() and CACHES.isdisjoint(path.parts):
            yield path
