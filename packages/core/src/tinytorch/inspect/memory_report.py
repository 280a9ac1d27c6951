"""What a graph keeps alive, array by array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from numpy import ndarray

from ..function import AccumulateGrad, Edge, Function
from ..tensor import Tensor
from .graph import entries, role_of
from .holdings import Holdings, Piece, address_of, owner_of, tensors_at
from .names import Names
from .table import aligned

BufferKind = Literal["parameter", "data", "activation", "gradient"]
KINDS: tuple[BufferKind, ...] = ("parameter", "data", "activation", "gradient")


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory that a graph keeps alive, once however many arrays are views of it.

    Parameters
    ----------
    kind : str
        ``"parameter"``, the data of a leaf that requires a gradient; ``"data"``, an input that
        requires none; ``"gradient"``, what has arrived at a leaf; ``"activation"``, all else that
        operations have saved.
    bytes : int
        The size of the memory, not of a view of it.
    shape : tuple of int
        Of the array, or of the one that owns the memory where a part of it is kept.
    dtype : str
        Of its elements; ``"bytes"`` where a hook has packed an array into such.
    name : str
        What `name` called the tensor, or nothing.
    holders : tuple of str
        The operations and leaves that keep it, each with what it is to them.
    """

    kind: BufferKind
    bytes: int
    shape: tuple[int, ...]
    dtype: str
    name: str
    holders: tuple[str, ...]


class Memory:
    """What `memory` has found; printed, a table.

    Parameters
    ----------
    buffers : iterable of Buffer
        Largest first.

    Attributes
    ----------
    buffers : tuple of Buffer
        Each once.
    """

    def __init__(self, buffers: Iterable[Buffer]) -> None:
        self.buffers = tuple(buffers)

    @property
    def bytes(self) -> int:
        """All bytes that the graph keeps."""
        return sum(buffer.bytes for buffer in self.buffers)

    @property
    def by_kind(self) -> dict[BufferKind, int]:
        """The bytes of each kind, kinds without any left out."""
        totals = {kind: sum(b.bytes for b in self.buffers if b.kind == kind) for kind in KINDS}
        return {kind: total for kind, total in totals.items() if total}

    def __str__(self) -> str:
        heading = ("bytes", "kind", "array", "kept by")
        rows = [
            (f"{b.bytes:,}", b.kind, f"{b.name} {b.shape} {b.dtype}".strip(), ", ".join(b.holders))
            for b in self.buffers
        ]
        totals = [f"{total:,} of {kind}" for kind, total in self.by_kind.items()]
        total = f"{self.bytes:,} bytes in {len(rows)} arrays: {', '.join(totals) or 'nothing'}"
        return "\n".join([*aligned([heading, *rows], numbers=[0]), total])

    __repr__ = __str__


def memory(tensor: Tensor) -> Memory:
    """What the graph behind a tensor keeps alive, array by array.

    Counted are the arrays that operations have saved, wherever their rules keep them: attributes,
    lists, closures, the inputs of a `forward` that is to be run again, and what hooks for saved
    tensors have made of them; and the gradients at the leaves. Each piece of memory counts once, in
    its whole size, however many views of it are kept. What only the program holds, the tensor's own
    array among it, does not count.

    Parameters
    ----------
    tensor : Tensor
        Any shape. It must require gradients.

    Returns
    -------
    Memory
        Its `buffers`, the largest first, and their sum as `bytes` and `by_kind`.

    Raises
    ------
    GradientError
        If the tensor has no graph.

    Examples
    --------
    >>> w = tinytorch.inspect.name(tinytorch.zeros(512, 768, requires_grad=True), "w")
    >>> x = tinytorch.ones(32, 512)
    >>> print(tinytorch.inspect.memory(x @ w))
        bytes  kind  array                   kept by
       65,536  data  (32, 512) float32       matmul 3 (input 0)
    65,536 bytes in 1 arrays: 65,536 of data
    """
    listed = entries(tensor, "memory")
    labels = {id(e.source): f"{e.name or e.label or e.kind} {n}" for n, e in enumerate(listed, 1)}
    found: dict[int, list[tuple[Edge, Piece]]] = {}
    leaves: dict[AccumulateGrad, None] = {}
    holdings = Holdings()
    waiting: list[Any] = [tensor._edge]
    seen = {tensor._edge}
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, AccumulateGrad):
            leaves[holder] = None
        pieces, edges = holdings.of(holder)
        for piece in pieces:
            found.setdefault(address_of(piece), []).append((holder, piece))
        waiting += {*edges} - seen
        seen |= {*edges}
    data_of_leaves = {address_of(x._data) for x in tensors_at({*leaves})}
    names = Names.now()

    def buffer(address: int, held: list[tuple[Edge, Piece]]) -> Buffer:
        piece = held[0][1]
        size = owner_of(piece).nbytes if isinstance(piece, ndarray) else len(piece)
        kinds = {_kind(*pair) for pair in held}
        return Buffer(
            "parameter" if address in data_of_leaves else next(k for k in KINDS if k in kinds),
            size,
            *_shape_and_dtype(piece, size),
            next((n for n in (_name(names, *pair) for pair in held) if n), ""),
            tuple(dict.fromkeys(_said(labels, *pair) for pair in held)),
        )

    buffers = [buffer(address, held) for address, held in found.items()]
    return Memory(sorted(buffers, key=lambda b: b.bytes, reverse=True))


def _shape_and_dtype(piece: Piece, size: int) -> tuple[tuple[int, ...], str]:
    """Return those of an array, or of the one that it is only a part of."""
    if not isinstance(piece, ndarray):
        return (size,), "bytes"
    array = piece if piece.nbytes == size else owner_of(piece)
    return array.shape, str(array.dtype)


def _kind(holder: Edge, piece: Piece) -> BufferKind:
    if isinstance(holder, AccumulateGrad):
        return "gradient"
    tie = holder._tie_of(piece)
    if tie is None or tie < 0:
        return "activation"
    edge = holder.next_functions[tie]
    if isinstance(edge, Function):
        return "activation"
    return "data" if edge is None else "parameter"


def _name(names: Names, holder: Edge, piece: Piece) -> str:
    if isinstance(holder, AccumulateGrad):
        return names.of_edges.get(holder, "")
    tied = holder._edge_of(piece)
    of_edge = names.of_edges.get(tied, "") if tied is not None else ""
    return of_edge or names.of_arrays.get(id(piece), "")


def _said(labels: dict[int, str], holder: Edge, piece: Piece) -> str:
    label = labels.get(id(holder), type(holder).__name__)
    role = "its gradient" if isinstance(holder, AccumulateGrad) else role_of(holder, piece)
    return f"{label} ({role})"
