"""Hooks on tensors: functions that backward calls with a gradient that is complete."""

from __future__ import annotations

from _thread import RLock
from collections.abc import Callable
from typing import Any, Self
from weakref import ref

from numpy import ndarray

from .backward import leaves_to_tell
from .errors import GradientError
from .function import AccumulateGrad, Function
from .values import Values

_first_hook_lock = RLock()
"""Two threads may register at once, and both are to be called."""


class RemovableHandle:
    """Takes a hook off its tensor: by `remove`, or at the end of a ``with`` block.

    A handle keeps neither the tensor nor the hook alive, so that a hook may refer to its own.

    Examples
    --------
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with x.register_hook(lambda gradient: gradient * 10):
    ...     (x * 2).backward()
    >>> (x * 2).backward()
    >>> x.grad
    array([22.], dtype=float32)
    """

    _hooks: ref[Hooks]

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        hooks = self._hooks()
        if hooks is not None:
            hooks.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Hooks(dict[RemovableHandle, Callable[[Any], Any]]):
    """The hooks of one place, in the order of their registration."""

    __slots__ = ("__weakref__",)

    def add(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Append a hook."""
        if not callable(hook):
            raise TypeError(f"a hook should be callable, but it is {hook!r}")
        handle = RemovableHandle()
        handle._hooks = ref(self)
        self[handle] = hook
        return handle

    def remove(self, handle: RemovableHandle) -> None:
        """Take off the hook of a handle, if it is still there."""
        self.pop(handle, None)

    def replace(self, gradient: Any, to_operand: Callable[[Any], Any]) -> Any:
        """Return a gradient as the hooks leave it, each given what the one before it returned."""
        shape, dtype = gradient.shape, gradient.dtype
        for hook in [*self.values()]:
            given = _to_be_read(gradient)
            returned = _call(hook, given, f"a gradient of shape {shape} and dtype {dtype}")
            if returned is None or returned is given:
                continue
            gradient = to_operand(returned)
            if gradient.shape != shape or gradient.dtype != dtype:
                raise GradientError(
                    f"the hook {_name(hook)} returned a gradient of shape {gradient.shape} and "
                    f"dtype {gradient.dtype} in place of one of shape {shape} and dtype {dtype}; "
                    "return one of the same shape and dtype, or None to leave it as it is"
                )
        return gradient


class ReadyHooks(Hooks):
    """The hooks of one leaf that are called while the gradients of others are being computed."""

    __slots__ = ("_leaf",)

    def __init__(self, leaf: AccumulateGrad) -> None:
        super().__init__()
        self._leaf = ref(leaf, leaves_to_tell.discard)

    def add(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Append a hook."""
        handle = super().add(hook)
        leaves_to_tell.add(self._leaf)
        return handle

    def remove(self, handle: RemovableHandle) -> None:
        """Take off the hook of a handle, if it is still there."""
        super().remove(handle)
        if not self:
            leaves_to_tell.discard(self._leaf)

    def call(self, gradient: Any) -> None:
        """Call each with the gradient."""
        given = _to_be_read(gradient)
        for hook in [*self.values()]:
            _call(hook, given, f"a gradient of shape {given.shape} and dtype {given.dtype}")


class PostAccumulateHooks(Hooks):
    """The hooks of one leaf that are called after its gradient has arrived in `grad`."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Any) -> None:
        super().__init__()
        self._tensor = ref(tensor)  # for the tensor holds these hooks

    def call(self) -> None:
        """Call each with the tensor, if the program still has it."""
        tensor = self._tensor()
        if tensor is not None:
            for hook in [*self.values()]:
                _call(hook, tensor, "a tensor whose gradient, and all others, had been accumulated")


class Hookable(Values):
    """The part of Tensor that hooks are registered by."""

    __slots__ = ()

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Have backward call a function with the gradient of this tensor, when it is complete.

        The hook of a computed tensor is called before the rule of the operation that made it; that
        of a leaf when the rules of all operations have run, and before `grad` changes. Several are
        called in the order of their registration.

        Parameters
        ----------
        hook : callable
            Takes the gradient of this tensor in one backward, a read-only array of the shape and
            dtype of the tensor; or a Tensor, with `create_graph`. It returns None, or what shall
            take the place of the gradient, of the same shape and dtype.

        Returns
        -------
        RemovableHandle
            Whose `remove()` takes the hook off.

        Raises
        ------
        GradientError
            If the tensor does not require gradients, or has another shape or dtype than its
            Function was made for; and by backward, if the hook returns another shape or dtype. No
            `grad` has changed then.
        TypeError
            If the hook is not callable.

        Examples
        --------
        >>> x = Tensor([3.0], requires_grad=True)
        >>> y = x * x
        >>> handle = y.register_hook(lambda gradient: gradient / 2)
        >>> y.backward()
        >>> x.grad
        array([3.], dtype=float32)
        """
        edge = self._edge
        if edge is None:
            raise GradientError(
                "register_hook() is for a tensor that requires gradients; this one does not"
            )
        if (edge._shape, edge._dtype) != (self._data.shape, self._data.dtype):
            raise GradientError(
                f"register_hook() of a tensor of shape {self.shape} and dtype {self.dtype}: its "
                f"{edge} takes gradients of shape {edge._shape} and dtype {edge._dtype}; register "
                "the hook on the tensor that it was made for"
            )
        with _first_hook_lock:
            if edge._hooks is None:
                edge._hooks = Hooks()
        if isinstance(edge, Function):
            edge._unusual = True
        return edge._hooks.add(hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], object]) -> RemovableHandle:
        """Have backward call a function with this leaf, after its gradient was added to `grad`.

        All leaves have their gradients by then, whatever a hook raises. An optimiser may take its
        step in the hook of each parameter, and set `grad` to None.

        Parameters
        ----------
        hook : callable
            Takes this tensor. What it returns is ignored.

        Returns
        -------
        RemovableHandle
            Whose `remove()` takes the hook off.

        Raises
        ------
        GradientError
            If the tensor does not require gradients, or was computed.
        TypeError
            If the hook is not callable.

        Examples
        --------
        >>> def step(w):
        ...     w.data -= 0.5 * w.grad
        ...     w.grad = None
        >>> w = Tensor([3.0], requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(step)
        >>> (w * 2).backward()
        >>> w
        Tensor(data=[2.], shape=(1,), requires_grad=True)
        """
        leaf = self._require_leaf("register_post_accumulate_grad_hook")
        with _first_hook_lock:
            if leaf._post_accumulate_hooks is None:
                leaf._post_accumulate_hooks = PostAccumulateHooks(self)
        return leaf._post_accumulate_hooks.add(hook)

    def register_grad_ready_hook(self, hook: Callable[[Any], object]) -> RemovableHandle:
        """Have backward call a function with the gradient of this leaf as soon as it is complete.

        By then the gradients of other leaves may still have to be computed, so that what is done
        with this one, such as sending it away, can go on at the same time. Hooks that change a
        gradient have yet to run, and `grad` has yet to change. `tinytorch.grad` does not call it.

        Parameters
        ----------
        hook : callable
            Takes the gradient of this tensor in one backward, a read-only array of the shape and
            dtype of the tensor; or a Tensor, with `create_graph`. What it returns is ignored.

        Returns
        -------
        RemovableHandle
            Whose `remove()` takes the hook off.

        Raises
        ------
        GradientError
            If the tensor does not require gradients, or was computed.
        TypeError
            If the hook is not callable.

        Examples
        --------
        >>> w = Tensor([1.0, 2.0], requires_grad=True)
        >>> with w.register_grad_ready_hook(print):
        ...     (w * 3).sum().backward()
        [3. 3.]
        """
        leaf = self._require_leaf("register_grad_ready_hook")
        with _first_hook_lock:
            if leaf._ready_hooks is None:
                leaf._ready_hooks = ReadyHooks(leaf)
            return leaf._ready_hooks.add(hook)

    def _require_leaf(self, method: str) -> AccumulateGrad:
        leaf = self._edge
        if leaf is None or isinstance(leaf, Function):
            state = "does not require them" if leaf is None else "was computed; use register_hook()"
            raise GradientError(
                f"{method}() is for a leaf that requires gradients; this tensor {state}"
            )
        return leaf


def _to_be_read(gradient: Any) -> Any:
    """Return a view that cannot be written to: the array may be a rule's, or another's gradient."""
    if type(gradient) is not ndarray:
        return gradient
    view = gradient.view()
    view.flags.writeable = False
    return view


def _call(hook: Callable[[Any], Any], argument: Any, given: str) -> Any:
    try:
        return hook(argument)
    except Exception as error:
        error.add_note(f"raised by the hook {_name(hook)}, given {given}")
        raise


def _name(hook: Callable[[Any], Any]) -> str:
    return getattr(hook, "__qualname__", None) or repr(hook)
