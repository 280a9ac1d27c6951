"""Gradients averaged over all ranks, while backward is still computing others."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np
from tinytorch import Tensor

from .averaging import Round, in_buckets
from .ranks import ranks
from .reductions import all_reduce


class DataParallel:
    """The same model on all ranks, each of which learns from its own part of the data.

    At first every rank takes over the parameters of rank 0. From then on, each backward leaves in
    `grad` the mean of the gradients that the ranks have computed. So if the loss is a mean over the
    batch, N ranks with a batch of B/N examples each make the step of one rank with all B, up to
    rounding. Nothing else is shared: batch normalisation, for one, sees the rank's own examples.

    Gradients travel in buckets, in the order from the last parameter to the first, in which
    backward mostly computes them. A bucket is sent when all gradients in it are complete, and
    backward goes on meanwhile.

    Parameters
    ----------
    model : object
        With ``named_parameters()`` or ``parameters()``: tensors of any shapes, leaves. All ranks
        have the same, in the same order; they stay those that they are.
    bucket_cap_mb : float
        The size of a bucket, in 2²⁰ bytes; at least one gradient is in each.

    Raises
    ------
    TypeError
        If the model has no such method, or `bucket_cap_mb` is no number.
    ValueError
        If there are no parameters, or `bucket_cap_mb` is not above 0.
    RanksDisagreeError
        On all ranks, if their parameters differ in number, name, shape or dtype; and in backward,
        if some ranks have a gradient of a parameter and others none, or are at something else. No
        `grad` has changed then.

    References
    ----------
    Li et al. (2020), PyTorch Distributed: experiences on accelerating data parallel training,
    VLDB 13:3005-3018.

    Examples
    --------
    Without mpiexec there is one rank:

    >>> class Line:
    ...     def __init__(self):
    ...         self.slope = Tensor([2.0], requires_grad=True)
    ...
    ...     def parameters(self):
    ...         return [self.slope]
    >>> line = Line()
    >>> parallel = DataParallel(line)
    >>> (line.slope * 3).backward()
    >>> line.slope.grad
    array([3.], dtype=float32)
    """

    def __init__(self, model: Any, *, bucket_cap_mb: float = 1) -> None:
        if not bucket_cap_mb > 0:
            raise ValueError(
                f"DataParallel: bucket_cap_mb should be above 0, but it is {bucket_cap_mb}"
            )
        named = _named_parameters(model)
        buffers = dict(getattr(model, "named_buffers", dict)())
        together = ranks()
        together.agree(
            "DataParallel",
            f"bucket_cap_mb={bucket_cap_mb}",
            *(f"parameter {name} with {_looks(p)}" for name, p in named.items()),
            *(f"buffer {name} with {_looks(b)}" for name, b in buffers.items()),
        )
        for tensor in (*named.values(), *buffers.values()):
            of_root = np.array(tensor.data, order="C")
            together.overwrite(of_root, root=0)
            np.copyto(tensor.data, of_root)
        learnt = {name: p for name, p in reversed(named.items()) if p.requires_grad}
        sent = {name: (np.result_type(p.dtype, np.float32), p.shape) for name, p in learnt.items()}
        self._buckets = in_buckets(sent, bucket_cap_mb * 2**20)
        # Of its own: on one channel, MPI would count this among all else, in one order.
        self._channel = together.duplicate()
        self._latest: Round | None = None
        self._of_this_backward: ContextVar[Round | None] = ContextVar("round", default=None)
        self._handles = [
            register(partial(hook, name))
            for name, p in learnt.items()
            for register, hook in (
                (p.register_grad_ready_hook, self._send),
                (p.register_hook, self._mean),
            )
        ]

    def remove(self) -> None:
        """Let each rank go on by itself; a second call does nothing."""
        for handle in self._handles:
            handle.remove()

    def _send(self, name: str, gradient: Any) -> None:
        means = self._of_this_backward.get() or self._begin()
        if not isinstance(gradient, Tensor):  # with create_graph, which the mean has to wait for
            means.put(name, gradient)

    def _begin(self) -> Round:
        if self._latest is not None:
            self._latest.give_up()
        self._latest = Round(self._buckets, self._channel)
        self._of_this_backward.set(self._latest)  # each has a context of its own
        return self._latest

    def _mean(self, name: str, gradient: Any) -> Any:
        means = self._of_this_backward.get()
        if means is None:
            return None  # tinytorch.grad: the gradient stays as it is
        if isinstance(gradient, Tensor):
            return all_reduce(gradient, "mean")
        return means.mean(name).astype(gradient.dtype, copy=False)


def _named_parameters(model: Any) -> dict[str, Tensor]:
    if hasattr(model, "named_parameters"):
        named = dict(model.named_parameters())
    elif hasattr(model, "parameters"):
        named = {str(number): p for number, p in enumerate(model.parameters())}
    else:
        raise TypeError(
            "DataParallel: the model should have named_parameters() or parameters(), but it is "
            f"{model!r}"
        )
    if not named:
        raise ValueError(f"DataParallel: the model should have parameters, but {model!r} has none")
    return named


def _looks(tensor: Tensor) -> str:
    return f"dtype {tensor.dtype}, shape {tensor.shape}, requires_grad={tensor.requires_grad}"
