"""Operation, all that is known of an op; and the registry, all ops that a program has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from .errors import PluginError
from .function import Function
from .samples import BadInput, Sample
from .tensor import Tensor

DEFINED_BY_TENSOR = frozenset(dir(Tensor))
OPEN_TO_PLUGINS = frozenset({"__getitem__"})
"""Names that Python looks up on the class, and that an op package may provide all the same."""


@dataclass(frozen=True, eq=False)
class Operation:
    """An op as data; the method, the entry in `tinytorch.ops` and the tests are derived from it.

    Parameters
    ----------
    function : callable
        The public function. Its name and docstring are the op's.
    backward : type of Function, optional
        The class that records it. None for a composition of other ops.
    method : str, optional
        The name of the Tensor method that it provides; `function` then takes the tensor first.
    aliases : tuple of str
        Further names, for the function and the method alike.
    samples : iterable of Sample, or callable that returns one
        Inputs that the conformance tests run.
    bad_inputs : iterable of BadInput
        Calls that must raise, and what.
    reference : callable, optional
        Plain NumPy, arrays in and array out: what the forward is compared with.
    numpy : iterable of NumPy functions, or dict
        The functions that the op stands for when they are called on Tensors. In a dict each has
        the callable that takes its arguments, where the op takes others.
    torch : str, optional
        The name of the counterpart under ``torch``, for the comparison and for readers who know it.
    twice_differentiable : bool
        Whether the second derivative is claimed, and tested.
    """

    function: Callable[..., Any]
    backward: type[Function] | None = None
    method: str | None = None
    aliases: tuple[str, ...] = ()
    samples: Iterable[Sample] | Callable[[], Iterable[Sample]] = ()
    bad_inputs: Iterable[BadInput] = ()
    reference: Callable[..., Any] | None = None
    numpy: Mapping[Any, Callable[..., Any]] | Iterable[Any] = ()
    torch: str | None = None
    twice_differentiable: bool = True

    @property
    def name(self) -> str:
        """The name of the op, that of its function."""
        return self.function.__name__

    @property
    def names(self) -> frozenset[str]:
        """All names that the op takes, as a function and as a method."""
        return frozenset({*self.function_names, *self.method_names})

    @property
    def function_names(self) -> tuple[str, ...]:
        """The names under which `tinytorch.ops` has the function."""
        return (self.name, *self.aliases)

    @property
    def method_names(self) -> tuple[str, ...]:
        """The names of the Tensor methods that the op provides."""
        return (self.method, *self.aliases) if self.method else ()

    @property
    def numpy_functions(self) -> dict[Any, Callable[..., Any]]:
        """The NumPy functions that the op stands for, and what to call in their place."""
        return dict(
            self.numpy
            if isinstance(self.numpy, Mapping)
            else dict.fromkeys(self.numpy, self.function)
        )

    def make_samples(self) -> list[Sample]:
        """Return the samples, drawn anew and the same each time."""
        return list(self.samples() if callable(self.samples) else self.samples)

    def __repr__(self) -> str:
        return f"Operation({self.name})"


@dataclass(frozen=True, order=True)
class Plugin:
    """What a plugin is known by: its distribution and entry point together."""

    distribution: str
    entry_point: str
    version: str = field(default="", compare=False)
    module: str = field(default="", compare=False)

    def __str__(self) -> str:
        entry = (
            "" if self.entry_point == self.distribution else f" (entry point {self.entry_point})"
        )
        return f"{self.distribution} {self.version}".strip() + entry


CORE = Plugin("tinytorch-core", "tinytorch-core", module="tinytorch.core_ops.plugin")


def check_operations(plugin: Plugin, operations: Iterable[Any]) -> list[Operation]:
    """Return the operations of a plugin as a list, if each of them may be registered.

    Raises
    ------
    PluginError
        Naming the plugin, the operation and the fault.
    """
    checked: list[Operation] = []
    taken: set[str] = set()
    for operation in operations:
        if not isinstance(operation, Operation):
            raise PluginError(
                f"{plugin}: tinytorch_register_ops should return Operations, "
                f"but it returned {operation!r}"
            )
        if operation.backward is not None and not (
            isinstance(operation.backward, type) and issubclass(operation.backward, Function)
        ):
            raise PluginError(
                f"{plugin}: the Backward class of {operation.name!r} should be a subclass of "
                f"tinytorch.Function, but it is {operation.backward!r}"
            )
        for name in sorted(operation.names):
            if name in DEFINED_BY_TENSOR or (name.startswith("_") and name not in OPEN_TO_PLUGINS):
                raise PluginError(
                    f"{plugin}: an operation may not be called {name!r}, a name that Tensor "
                    "defines itself or keeps; rename the function or the method"
                )
            if name in taken:
                raise PluginError(f"{plugin}: the name {name!r} is registered twice")
        taken |= operation.names
        checked.append(operation)
    return checked


class Registry:
    """The operations that are in use, the plugin of each, and what was attached to Tensor."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.numpy: dict[Any, Callable[..., Any]] = {}
        self.owners: dict[str, Plugin] = {}
        self.reports: tuple[Any, ...] = ()
        self.enabled = False
        self._attached: dict[str, Any] = {}
        """What Tensor had under the name of each method before: an attribute, or nothing."""

    def register(self, plugin: Plugin, operations: Iterable[Operation]) -> None:
        """Add the operations of a plugin, and attach their methods: all of them, or none.

        Raises
        ------
        PluginError
            If one of them may not be registered, or if its name is taken.
        """
        checked = check_operations(plugin, operations)
        for operation in checked:
            for name in operation.names & self.owners.keys():
                raise PluginError(
                    f"{plugin} registers {name!r}, which {self.owners[name]} provides already"
                )
        methods = {name: op.function for op in checked for name in op.method_names}
        self._attached |= {name: Tensor.__dict__.get(name) for name in methods}
        deque(map(setattr, repeat(Tensor), methods, methods.values()), maxlen=0)
        self.operations |= {name: op for op in checked for name in op.function_names}
        self.numpy |= {f: call for op in checked for f, call in op.numpy_functions.items()}
        self.owners |= {name: plugin for op in checked for name in op.names}

    def of(self, plugin: Plugin) -> list[Operation]:
        """Return the operations of one plugin."""
        return [
            op
            for name, op in self.operations.items()
            if name == op.name and self.owners[name] == plugin
        ]

    def restart(self) -> None:
        """Go back to core's operations alone, as when a program begins."""
        core = {name for name, plugin in self.owners.items() if plugin == CORE}
        self._restore(
            {
                "operations": {n: op for n, op in self.operations.items() if n in core},
                "numpy": {
                    f: call
                    for n, op in self.operations.items()
                    if n in core
                    for f, call in op.numpy_functions.items()
                },
                "owners": dict.fromkeys(core, CORE),
                "reports": (),
                "enabled": False,
                "_attached": {n: a for n, a in self._attached.items() if n in core},
            }
        )

    def _restore(self, state: dict[str, Any]) -> None:
        for name in self._attached.keys() - state["_attached"].keys():
            before = self._attached[name]
            if before is None:
                delattr(Tensor, name)
            else:
                setattr(Tensor, name, before)
        self.__dict__.update(state)

    @contextmanager
    def isolated(self) -> Iterator[Registry]:
        """Undo at the end of a ``with`` block what was registered inside."""
        state = {
            name: value.copy() if isinstance(value, dict) else value
            for name, value in self.__dict__.items()
        }
        try:
            yield self
        finally:
            self._restore(state)


registry = Registry()
