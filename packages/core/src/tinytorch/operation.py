"""Operation, all that is known of an op; and the registry, all ops that a program has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from inspect import isclass, isfunction
from keyword import iskeyword
from operator import call
from typing import TYPE_CHECKING, Any

from .errors import PluginError
from .function import Function
from .samples import BadInput, Sample
from .tensor import Tensor

if TYPE_CHECKING:
    from .discovery import PluginReport

DEFINED_BY_TENSOR = frozenset(dir(Tensor))
STAND_INS: dict[str, Callable[..., Any]] = {}
"""Names that Python looks up on the class, but plugins may provide, and what serves until then."""


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
    samples : collection of Sample, or callable that returns an iterable of them
        Inputs that the conformance tests run.
    bad_inputs : collection of BadInput
        Calls that must raise, and what.
    reference : callable, optional
        Plain NumPy, arrays in and array out: what the forward is compared with.
    numpy : collection of NumPy functions, or dict
        The functions that the op stands for when they are called on Tensors. In a dict each has
        the callable that takes its arguments, where the op takes others.
    torch : str, optional
        The name of the counterpart under ``torch``, for the comparison and for readers who know it.
    twice_differentiable : bool
        Whether the second derivative is claimed, and tested.
    expected_failures : dict
        Checks of the kit that are known to fail, by name, and why. One that passes fails the run.

    An Operation can be called, and calls its function.

    Raises
    ------
    TypeError
        If a field is something else.
    """

    # Written out: a dataclass would cost a millisecond at import.
    def __init__(
        self,
        function: Callable[..., Any],
        backward: type[Function] | None = None,
        method: str | None = None,
        aliases: tuple[str, ...] = (),
        samples: Collection[Sample] | Callable[[], Iterable[Sample]] = (),
        bad_inputs: Collection[BadInput] = (),
        reference: Callable[..., Any] | None = None,
        numpy: Mapping[Any, Callable[..., Any]] | Collection[Any] = (),
        torch: str | None = None,
        twice_differentiable: bool = True,
        expected_failures: Mapping[str, str] | None = None,
    ) -> None:
        self.function = function
        self.backward = backward
        self.method = method
        self.aliases = aliases
        self.samples = samples
        self.bad_inputs = bad_inputs
        self.reference = reference
        self.numpy = numpy
        self.torch = torch
        self.twice_differentiable = twice_differentiable
        self.expected_failures = expected_failures or {}
        self._check()

    def _check(self) -> None:
        is_rule = isclass(self.backward) and issubclass(self.backward, Function)
        are_names = isinstance(self.aliases, tuple | list) and all(
            isinstance(alias, str) for alias in self.aliases
        )
        # What is read more than once may be no iterator: nothing would be left the second time.
        expected = {
            "function": (isfunction(self.function), "a Python function, which has a name"),
            "backward": (self.backward is None or is_rule, "a subclass of tinytorch.Function"),
            "method": (isinstance(self.method, str | None), "a name"),
            "aliases": (are_names, "a tuple of names"),
            "samples": (
                callable(self.samples) or isinstance(self.samples, Collection),
                "a list of samples, or a function that returns one",
            ),
            "bad_inputs": (isinstance(self.bad_inputs, Collection), "a list"),
            "numpy": (
                isinstance(self.numpy, Collection)
                and all(hasattr(function, "__name__") for function in self.numpy),
                "a list of NumPy functions, or a dict of them",
            ),
        }
        for name, (is_right, what) in expected.items():
            if not is_right:
                op = getattr(self.function, "__name__", "")
                raise TypeError(
                    f"Operation({op}): {name} should be {what}, but it is {getattr(self, name)!r}"
                )

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

    @property
    def claims(self) -> frozenset[str]:
        """All names that no other op may take, those of NumPy functions among them."""
        return self.names | {f"np.{function.__name__}" for function in self.numpy_functions}

    def make_samples(self) -> list[Sample]:
        """Return the samples, drawn anew and the same each time."""
        return list(self.samples() if callable(self.samples) else self.samples)

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:
        """Call the function."""
        return self.function(*inputs, **parameters)

    def __repr__(self) -> str:
        return f"Operation({self.name})"


class Plugin:
    """What a plugin is known by: its distribution and entry point together."""

    def __init__(
        self, distribution: str, entry_point: str, version: str = "", module: str = ""
    ) -> None:
        self.distribution = distribution
        self.entry_point = entry_point
        self.version = version
        self.module = module

    @property
    def key(self) -> tuple[str, str]:
        """What tells plugins apart, and gives them an order."""
        return self.distribution, self.entry_point

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plugin) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Plugin({self})"

    def __str__(self) -> str:
        entry = (
            "" if self.entry_point == self.distribution else f" (entry point {self.entry_point})"
        )
        return f"{self.distribution} {self.version}".strip() + entry


CORE = Plugin("tinytorch-core", "tinytorch-core", module="tinytorch.core_ops.plugin")


def check_operations(operations: Iterable[Any]) -> tuple[Operation, ...]:
    """Return the operations of a plugin, if each of them may be registered.

    Raises
    ------
    PluginError
        Naming the operation and the fault.
    """
    checked: list[Operation] = []
    taken: set[str] = set()
    for operation in operations:
        if not isinstance(operation, Operation):
            raise PluginError(
                f"tinytorch_register_ops should return Operations, but it returned {operation!r}"
            )
        for name in sorted(operation.names):
            if not name.isidentifier() or iskeyword(name):
                raise PluginError(f"an operation needs a name, but {name!r} is none")
            if name in DEFINED_BY_TENSOR or (name.startswith("_") and name not in STAND_INS):
                raise PluginError(
                    f"an operation may not be called {name!r}, a name that Tensor defines itself "
                    "or keeps; rename the function or the method"
                )
            if name in taken:
                raise PluginError(f"the name {name!r} is registered twice")
        taken |= operation.names
        checked.append(operation)
    return tuple(checked)


class Registry:
    """The operations that are in use, and the plugin of each.

    Its attributes are replaced and never changed, so that the state of a moment can be kept.
    """

    def __init__(self) -> None:
        self.operations: Mapping[str, Operation] = {}
        self.owners: Mapping[str, Plugin] = {}
        self.numpy: Mapping[Any, Callable[..., Any]] = {}
        """What to call in place of a NumPy function that is called on Tensors."""
        self.reports: tuple[PluginReport, ...] = ()
        self.enabled = False

    def __repr__(self) -> str:
        givers = sorted({owner.distribution for owner in self.owners.values()})
        return f"Registry({len({*self.operations.values()})} operations of {', '.join(givers)})"

    def register(self, plugin: Plugin, operations: Iterable[Operation]) -> None:
        """Add the operations of a plugin, and attach their methods: all of them, or none.

        Raises
        ------
        PluginError
            If one of them may not be registered, or if its name is taken.
        """
        self._become(**self._with([(plugin, check_operations(operations))]))

    def enable(self, reports: Iterable[PluginReport]) -> None:
        """Add the operations of all plugins that loaded, and keep the reports: all, or nothing."""
        reports = tuple(reports)
        loaded = [r for r in reports if r.status == "loaded" and r.plugin != CORE]
        added = self._with((report.plugin, report.operations) for report in loaded)
        self._become(**added, reports=reports, enabled=True)

    def restart(self) -> None:
        """Go back to core's operations alone, as when a program begins."""
        core = {name for name, plugin in self.owners.items() if plugin == CORE}
        self._become(
            operations={name: op for name, op in self.operations.items() if name in core},
            owners=dict.fromkeys(core, CORE),
            reports=(),
            enabled=False,
        )

    @contextmanager
    def isolated(self) -> Iterator[Registry]:
        """Undo at the end of a ``with`` block what happened to the registry inside."""
        state = vars(self).copy()
        try:
            yield self
        finally:
            self._become(**state)

    def refuse_taken(
        self, operations: Iterable[Operation], *, unless_by: Plugin | None = None
    ) -> None:
        """Raise a PluginError if one of the operations has a name that is in use already."""
        for name in sorted({name for operation in operations for name in operation.claims}):
            owner = self.owners.get(name)
            if owner not in (None, unless_by):
                raise PluginError(
                    f"the name {name!r} belongs to {owner}, whose operation may not be replaced; "
                    "rename the function or the method"
                )

    def _with(self, provided: Iterable[tuple[Plugin, Iterable[Operation]]]) -> dict[str, Any]:
        """Return the attributes that change when the operations of plugins are added."""
        operations, owners = {**self.operations}, {**self.owners}
        for plugin, added in provided:
            self.refuse_taken(added)
            operations |= {name: op for op in added for name in op.function_names}
            owners |= {name: plugin for op in added for name in op.claims}
        return {"operations": operations, "owners": owners}

    def _become(self, **state: Any) -> None:
        """Replace attributes of the registry, and all that follows from the operations."""
        before, after = _methods(self.operations), _methods(state["operations"])
        gone = before.keys() - after.keys()
        methods = {name: f for name, f in after.items() if before.get(name) is not f}
        methods |= {name: f for name, f in STAND_INS.items() if name in gone}
        changes = [partial(setattr, Tensor, *item) for item in methods.items()]
        changes += [partial(delattr, Tensor, name) for name in gone - STAND_INS.keys()]
        # `enabled` comes last: whoever sees it shall find all the rest.
        state = {"numpy": _numpy_functions(state["operations"]), **state}
        changes += [partial(setattr, self, *item) for item in state.items()]
        replaced = {name: vars(Tensor).get(name) for name in methods}
        try:
            # One call into C: neither an interrupt nor, with the GIL, another thread comes between.
            deque(map(call, changes), maxlen=0)
        except Exception:  # no memory for a new method; they come first, and nothing else takes any
            _put_back(replaced)
            raise


def _put_back(replaced: Mapping[str, Any]) -> None:
    """Give Tensor the methods that it had, and none where it had none."""
    for name, method in replaced.items():
        if method is not None:
            setattr(Tensor, name, method)
        elif name in vars(Tensor):
            delattr(Tensor, name)


def _methods(operations: Mapping[str, Operation]) -> dict[str, Callable[..., Any]]:
    return {name: op.function for op in operations.values() for name in op.method_names}


def _numpy_functions(operations: Mapping[str, Operation]) -> dict[Any, Callable[..., Any]]:
    return {f: call for op in operations.values() for f, call in op.numpy_functions.items()}


registry = Registry()
