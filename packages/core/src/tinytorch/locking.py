"""Arrays that may not be written to for a while, with all that they are views of."""

from __future__ import annotations

from collections.abc import Iterable
from threading import RLock
from typing import Any

from numpy import ndarray

_locked: dict[int, tuple[ndarray[Any, Any], int]] = {}
"""The arrays that were writeable before, by their id, and how many locks each of them is under."""

_waiting: list[ndarray[Any, Any]] = []
"""Views that no lock is on any more, but one is on what they are views of."""

# Reentrant: the garbage collector may run `Lock.__del__` while another lock is being made.
_access = RLock()


class Lock:
    """Keeps arrays, and what they are views of, from being written to as long as it lives.

    A write raises NumPy's ``ValueError: assignment destination is read-only`` at the line that
    writes. Views that were made before stay writeable.

    Parameters
    ----------
    arrays : iterable of ndarray
        An array may be under several locks; the last one to go makes it writeable again.

    Examples
    --------
    >>> x = np.zeros(3)
    >>> lock = Lock([x])
    >>> x.flags.writeable
    False
    >>> del lock
    >>> x.flags.writeable
    True
    """

    def __init__(self, arrays: Iterable[ndarray[Any, Any]]) -> None:
        self._arrays: list[ndarray[Any, Any]] = []
        with _access:
            for array in arrays:
                self._lock(array)

    def _lock(self, array: Any) -> None:
        for part in (array, *_bases(array)):
            _, locks = _locked.get(id(part), (part, 0))
            if locks or part.flags.writeable:
                part.flags.writeable = False
                _locked[id(part)] = part, locks + 1
                self._arrays.append(part)

    def __del__(self) -> None:
        with _access:
            while self._arrays:
                self._unlock(self._arrays.pop())

    def _unlock(self, array: ndarray[Any, Any]) -> None:
        _, locks = _locked[id(array)]
        if locks > 1:
            _locked[id(array)] = array, locks - 1
        else:
            del _locked[id(array)]
            _waiting.append(array)
            ready = [w for w in _waiting if not _is_view_of_locked(w)]
            _waiting[:] = filter(_is_view_of_locked, _waiting)
            for free in sorted(ready, key=lambda array: len(_bases(array))):
                free.flags.writeable = True


def _is_view_of_locked(array: ndarray[Any, Any]) -> bool:
    return any(id(base) in _locked for base in _bases(array))


def _bases(array: Any) -> list[Any]:
    """Return the arrays that an array is a view of, the nearest first."""
    bases = []
    while isinstance(array := array.base, ndarray):
        bases.append(array)
    return bases
