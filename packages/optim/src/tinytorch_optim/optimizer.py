"""What all optimisers have in common: groups of parameters, options and state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from .checks import number, plain
from .parameters import (
    Parameter,
    Parameters,
    listed,
    looks_like_one,
    own_gradients,
    require_parameter,
)
from .state_dicts import loaded_groups, require_keys


class Optimizer(ABC):
    """Base class of the optimisers: it has the groups of parameters, their options and their state.

    A subclass defines `step`.

    Parameters
    ----------
    params : iterable
        Parameters, pairs of a name and a parameter, or dicts. A dict is a group: its parameters or
        pairs are under "params", and the options in it take the place of the defaults. A parameter
        is a Tensor, or what has `data`, an array of floats of any shape, and `grad`, an array of
        the same shape or None. Its array is changed in place.
    defaults : dict
        The options, by name.

    Attributes
    ----------
    param_groups : list of dict
        The groups, with all options: ``optimizer.param_groups[0]["lr"] = 0.01`` changes one.
    state : dict
        What is kept of each parameter, by the parameter.

    Raises
    ------
    TypeError
        If a parameter is none, if the parameters have no order, or if an option is no number.
    ValueError
        If there are no parameters, if one appears twice or is no leaf, or if an option is out of
        its bounds.
    """

    _least: ClassVar[Mapping[str, float]] = {"lr": 0}
    """The options that are numbers, and the least that each may be."""

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        self.defaults = self._checked(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        given = listed(self._name, params)
        if not given:
            raise ValueError(f"{self._name}: params should have parameters, but it is empty")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a group; numbers are Python's own, and within their bounds."""
        numbers = {
            name: number(self._name, name, options[name], at_least=least)
            for name, least in self._least.items()
        }
        return {**options, **numbers}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, with options of its own.

        Parameters
        ----------
        param_group : dict
            Under "params" one parameter, several, or pairs of a name and a parameter; further the
            options that shall differ from the defaults.

        Raises
        ------
        TypeError
            If it is no dict, if a parameter is none, or if an option is no number.
        ValueError
            If a parameter appears twice or is no leaf, if only some have names, or if an option is
            out of its bounds.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(
                f"{self._name}: a group should be a dict with the key 'params', but it is a "
                f"{type(param_group).__name__}: {param_group!r}"
            )
        params = param_group["params"]
        given = [params] if looks_like_one(params) else listed(self._name, params)
        names = [pair[0] for pair in given if isinstance(pair, tuple)]
        parameters = [pair[1] if isinstance(pair, tuple) else pair for pair in given]
        for parameter in parameters:
            require_parameter(self._name, parameter)
        everything = [*self._parameters(), *parameters]
        if len({id(parameter) for parameter in everything}) < len(everything):
            raise ValueError(
                f"{self._name}: each parameter should appear once, but one appears twice"
            )
        named = "param_names" in self.param_groups[0] if self.param_groups else bool(names)
        if len(names) != (len(parameters) if named else 0):
            raise ValueError(
                f"{self._name}: either all parameters should have names or none, but "
                f"{len(names)} of {len(parameters)} in this group have"
            )
        group = self._checked({**self.defaults, **param_group})
        self.param_groups.append(
            group | {"params": parameters} | ({"param_names": names} if named else {})
        )

    def _parameters(self) -> Iterator[Parameter]:
        return (parameter for group in self.param_groups for parameter in group["params"])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            Whether `grad` becomes None; otherwise the arrays that are there are filled with zeros.

        Raises
        ------
        TypeError
            If arrays are to be filled, and a gradient is a Tensor.
        """
        if not set_to_none:
            for gradient in own_gradients(self._name, self._parameters()):
                gradient.fill(0)
            return
        for parameter in self._parameters():
            parameter.grad = None

    @abstractmethod
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters in place, by their gradients.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, with the gradients of the parameters, and returns it.

        Returns
        -------
        object
            What the closure returned first, or None.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return the options, and what is kept of each parameter, as they are now.

        Returns
        -------
        dict
            Under "param_groups" a list of dicts, the options of each group and under "params" the
            numbers of its parameters, counted through all groups; under "state" a dict of what is
            kept of each parameter, by its number. All of it is copied, and is plain: dicts, lists,
            numbers, strings and arrays.
        """
        parameters = list(self._parameters())
        indices = {id(parameter): i for i, parameter in enumerate(parameters)}
        return {
            "state": {
                i: plain(self.state[parameter])
                for i, parameter in enumerate(parameters)
                if self.state.get(parameter)
            },
            "param_groups": [
                plain(group | {"params": [indices[id(parameter)] for parameter in group["params"]]})
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the options and the state that `state_dict` returned; they are copied.

        Parameters
        ----------
        state_dict : mapping
            Of an optimiser of this kind, with as many groups of as many parameters of the same
            shapes. Arrays are converted to the dtypes of the parameters.

        Raises
        ------
        TypeError
            If something in it is of another type.
        ValueError
            If it does not fit: groups, parameters, their names or shapes, options, or what is kept.
            The optimiser has not changed then.
        """
        require_keys(self._name, "the state dict", state_dict, ["state", "param_groups"])
        groups = loaded_groups(
            self._name, state_dict["param_groups"], self.param_groups, self.defaults
        )
        groups = [self._checked(group) for group in groups]
        owners = {
            index: (parameter, group)
            for saved, group in zip(state_dict["param_groups"], groups, strict=True)
            for index, parameter in zip(saved["params"], group["params"], strict=True)
        }
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        require_keys(self._name, "the state in the state dict", state_dict["state"], [])
        for key, entries in state_dict["state"].items():
            index = int(key) if str(key).isdecimal() else key  # keys of JSON are strings
            if index not in owners:
                raise ValueError(
                    f"{self._name}: the state dict has state of parameter {key!r}, but its groups "
                    f"have parameters {list(owners)}"
                )
            parameter, group = owners[index]
            state[parameter] = self._loaded(f"parameter {index}", entries, parameter, group)
        self.param_groups, self.state = groups, state

    def _loaded(
        self, what: str, entries: Any, parameter: Parameter, group: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what a state dict has of a parameter, checked and copied."""
        require_keys(self._name, f"the state of {what}", entries, [])
        return {name: plain(value) for name, value in entries.items()}
