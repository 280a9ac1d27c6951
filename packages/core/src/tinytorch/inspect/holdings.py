"""What a node keeps alive, wherever it keeps it: attributes, lists, closures, what hooks packed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy import ndarray

from ..function import AccumulateGrad, Edge, Function, Variable

Piece: TypeAlias = "ndarray[Any, Any] | bytes | bytearray"
_PIECES = (ndarray, bytes, bytearray)
_NOTHING_BEHIND = (str, int, float, complex, type(None), np.dtype, np.generic, type, ModuleType)


class Holdings:
    """A walk over what edges keep, which calls no code of who made it."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def of(self, holder: Edge) -> tuple[list[Piece], list[Edge]]:
        """Return the arrays that a node or leaf keeps, and the nodes and leaves that it refers to.

        What two holders have in common counts as the first one's, but for arrays.
        """
        pieces: list[Piece] = []
        edges: list[Edge] = []
        waiting = list(_behind(holder))
        while waiting:
            value = waiting.pop()
            if isinstance(value, _PIECES):
                pieces.append(value)
            elif isinstance(value, Function | AccumulateGrad):
                edges.append(value)
            elif id(value) not in self._seen:
                self._seen.add(id(value))
                waiting.extend(_behind(value))
        return pieces[::-1], edges


def _behind(value: Any) -> Iterator[Any]:
    """Yield what an object refers to, but for types, modules and the globals of functions."""
    if isinstance(value, FunctionType):
        refers = [value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__]
    else:
        refers = gc.get_referents(value)
    yield from (x for x in refers if not isinstance(x, _NOTHING_BEHIND))


def owner_of(array: ndarray[Any, Any]) -> ndarray[Any, Any]:
    """Return the array whose memory an array is a view of, itself if it is of none."""
    while isinstance(array.base, ndarray):
        array = array.base
    return array


def address_of(piece: Piece) -> int:
    """Return what tells the memory behind a piece from any other."""
    return owner_of(piece).ctypes.data if isinstance(piece, ndarray) else id(piece)


def tensors_at(leaves: set[AccumulateGrad]) -> list[Variable]:
    """Return the tensors of leaves, which know of no tensor themselves."""
    found = gc.get_referrers(*leaves) if leaves else []
    return [x for x in found if isinstance(x, Variable) and x._accumulator in leaves]
