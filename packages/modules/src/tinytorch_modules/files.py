"""Weights in files of the safetensors format, which PyTorch reads and writes as well."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from .module import IncompatibleKeys, Module


def save(module: Module, path: str | os.PathLike[str]) -> None:
    """Write the parameters and persistent buffers of a module into a safetensors file.

    They are written beside it first: at every moment, `path` is a whole file, the old one or the
    new one.

    Parameters
    ----------
    module : Module
        What to write: its `state_dict`.
    path : str or path
        The file, such as ``"weights.safetensors"``; one that exists is replaced.

    Raises
    ------
    ImportError
        If safetensors is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from tinytorch_modules import Linear
    >>> with TemporaryDirectory() as folder:
    ...     save(Linear(3, 2), f"{folder}/weights.safetensors")
    ...     load(Linear(3, 2), f"{folder}/weights.safetensors")
    IncompatibleKeys(missing_keys=[], unexpected_keys=[])
    """
    target = Path(path)
    partial = target.with_name(f"{target.name}.partial")
    try:
        _safetensors("save").numpy.save_file(module.state_dict(), partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())  # on the disk before the name leads to it
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def load(module: Module, path: str | os.PathLike[str], strict: bool = True) -> IncompatibleKeys:
    """Set the parameters and persistent buffers of a module to what a safetensors file has.

    Such a file holds names, shapes and numbers only. Nothing in it is run, whoever wrote it.

    Parameters
    ----------
    module : Module
        Of the structure that the file was written from, here or in PyTorch.
    path : str or path
        The file.
    strict : bool
        Whether its names have to be those of the module, as in `Module.load_state_dict`.

    Returns
    -------
    IncompatibleKeys
        What is missing and what was not expected: nothing, where it is strict.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    OSError
        If there is no such file.
    ValueError
        If it is of another format, a pickle for example, or broken; if it holds numbers that NumPy
        has no dtype for; or if names or shapes do not fit the module. Nothing has changed then.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from tinytorch_modules import Linear
    >>> one, other = Linear(3, 2), Linear(3, 2)
    >>> with TemporaryDirectory() as folder:
    ...     save(one, f"{folder}/weights.safetensors")
    ...     _ = load(other, f"{folder}/weights.safetensors")
    >>> allclose(one(ones(3)), other(ones(3)))
    True
    """
    safetensors = _safetensors("load")
    try:
        arrays = safetensors.numpy.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"load: {path} is not a safetensors file, or broken; nothing in it has been run. "
            "PyTorch writes such files by safetensors.torch.save_file(model.state_dict(), path)"
        ) from error
    except TypeError as error:
        raise ValueError(
            f"load: {path} should hold numbers that NumPy has a dtype for, but there is {error}; "
            "convert them to float32 where the file is written"
        ) from error
    return module.load_state_dict(arrays, strict)


def _safetensors(op: str) -> Any:
    """Return the library, of which no more than these two functions need to know."""
    try:
        import_module("safetensors.numpy")
    except ImportError as error:
        raise ImportError(
            f"{op} needs safetensors, which is not installed: python -m pip install safetensors"
        ) from error
    return import_module("safetensors")
