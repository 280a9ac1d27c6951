"""Whether an array is held by nobody but who asks, so that it may be given away or written to."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy import ndarray

from .interpreter import HAS_GIL


def is_unshared(array: Any) -> bool:
    """Whether nobody holds an array, or its memory, but the caller in one local variable.

    References are counted for that. Where they cannot be, the answer is no.
    """
    if type(array) is not ndarray or not array.flags.writeable:
        return False
    owner = array.base
    if owner is None:
        return _references(array, None) == _ALONE and array.flags.owndata
    whole = type(owner) is ndarray and owner.size == array.size and owner.flags.owndata
    return whole and _references(array, owner) == _ALONE_IN_A_VIEW


def _references(array: Any, owner: Any) -> tuple[int, int]:
    return sys.getrefcount(array), 0 if owner is None else sys.getrefcount(owner)


def _counted_here() -> tuple[Any, Any]:
    """Return what `_references` counts, on this interpreter, of arrays in one local variable."""

    def seen(array: Any) -> tuple[int, int]:
        owner = array.base
        return _references(array, owner)

    array, view = np.zeros(2), np.zeros((2, 1)).reshape(2)
    return seen(array), seen(view)


_ALONE, _ALONE_IN_A_VIEW = (
    _counted_here() if HAS_GIL and hasattr(sys, "getrefcount") else (None, None)
)
