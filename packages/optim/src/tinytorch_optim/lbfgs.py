"""LBFGS, which follows the curvature that it has met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from tinytorch import Array, one_of

from .checks import number, whole
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer
from .parameters import Parameter, Parameters
from .problem import Problem
from .state_dicts import require_array, require_keys

LEAST_CURVATURE = 1e-10
"""A step along which the gradient grows less than this says nothing of the curvature."""

COUNTS, NUMBERS = ("func_evals", "n_iter"), ("t", "H_diag", "prev_loss")
VECTORS, HISTORIES = ("d", "prev_flat_grad"), ("old_dirs", "old_stps")
"""What is kept, by PyTorch's names; and in "ro" the factors that belong to the histories."""


class LBFGS(Optimizer):
    """Limited-memory BFGS: steps along ``-H g``, where H is made of the last steps.

    H approximates the inverse of the Hessian, by how the gradient g changed in each of those steps.
    All parameters are one vector; what is kept is `history_size` times twice as large.

    Parameters
    ----------
    params : iterable
        Parameters of any shapes, floating, or one group of them; see `Optimizer`.
    lr : float
        The length of a step, in lengths of the direction, 0 or more. A line search begins with it.
    max_iter : int
        How many steps a call of `step` makes at most, 1 or more.
    max_eval : int, optional
        How often it calls the closure at most, 1 or more; by default 5/4 of `max_iter`.
    tolerance_grad : float
        It stops where no entry of the gradient is larger.
    tolerance_change : float
        It stops where a step changes the loss, or each of the numbers, by no more.
    history_size : int
        The number of steps that are kept, 1 or more.
    line_search_fn : {None, "strong_wolfe"}
        How the length of a step is found: None to take `lr`.

    Raises
    ------
    TypeError
        If a parameter is none, or an option is no number.
    ValueError
        If there are no parameters or several groups, if a parameter appears twice or is no leaf, or
        if an option is out of its bounds.

    References
    ----------
    Nocedal and Wright (2006), Numerical optimization, algorithm 7.4.

    Examples
    --------
    >>> x = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((x - 3) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    29.0
    >>> print(x.data.round(3))
    [3. 3.]
    """

    _least: ClassVar = {"lr": 0, "tolerance_grad": 0, "tolerance_change": 0}

    def __init__(
        self,
        params: Parameters,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        one_of(self._name, "line_search_fn", options["line_search_fn"], (None, "strong_wolfe"))
        counts = {
            name: whole(self._name, name, options[name], at_least=1)
            for name in ("max_iter", "max_eval", "history_size")
        }
        return super()._checked(options) | counts

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add the only group; see `Optimizer.add_param_group`.

        Parameters
        ----------
        param_group : dict
            The parameters, and options.

        Raises
        ------
        ValueError
            If there is a group already.
        """
        if self.param_groups:
            raise ValueError(
                f"{self._name}: all parameters should be in one group, for they are one vector, "
                "but a second group was given"
            )
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to `max_iter` steps.

        Parameters
        ----------
        closure : callable
            Computes the loss anew, with the gradients of the parameters, and returns it.

        Returns
        -------
        object
            What the closure returned first.

        Raises
        ------
        TypeError
            If there is no closure, or if a gradient is no array of numbers, nor a Tensor of them.
        ValueError
            If a gradient does not have the shape of its parameter.
        """
        if closure is None:
            raise TypeError(
                f"{self._name}: step(closure) needs a function that computes the loss and the "
                "gradients anew and returns the loss, for it is called several times"
            )
        (group,) = self.param_groups
        state = self.state[group["params"][0]]
        problem = Problem(self._name, group["params"], closure)
        first_loss, loss, gradient = problem.evaluate()
        state.setdefault("n_iter", 0)
        if _largest(gradient) > group["tolerance_grad"]:
            self._minimise(problem, loss, gradient, state, group)
        state["func_evals"] = state.get("func_evals", 0) + problem.evaluations
        return first_loss

    def _minimise(
        self,
        problem: Problem,
        loss: float,
        gradient: Array,
        state: dict[str, Any],
        group: dict[str, Any],
    ) -> None:
        for remaining in reversed(range(group["max_iter"])):
            direction = _direction(state, gradient, group["history_size"])
            start = Point(0.0, loss, gradient, float(gradient @ direction))
            # Until the parameters have moved, the last step was none, even if the closure raises.
            state |= {"d": direction, "t": 0.0, "prev_flat_grad": gradient, "prev_loss": loss}
            state["n_iter"] += 1
            if start.slope > -group["tolerance_change"]:
                break

            length = group["lr"]
            if state["n_iter"] == 1:
                length *= min(1.0, 1 / float(np.abs(gradient).sum()))
            if group["line_search_fn"]:
                end = self._search(problem, direction, start, length, group)
                length, loss, gradient = end.length, end.loss, end.gradient
            problem.move(direction, length)
            state["t"] = length
            if remaining and not group["line_search_fn"]:
                _, loss, gradient = problem.evaluate()

            if (
                problem.evaluations >= group["max_eval"]
                or _largest(gradient) <= group["tolerance_grad"]
                or _largest(direction) * length <= group["tolerance_change"]
                or abs(loss - start.loss) < group["tolerance_change"]
            ):
                break

    def _search(
        self,
        problem: Problem,
        direction: Array,
        start: Point,
        length: float,
        group: dict[str, Any],
    ) -> Point:
        longest = _largest(direction)
        return strong_wolfe(
            problem.along(direction),
            start,
            length,
            limit=group["max_eval"] - problem.evaluations,
            is_short=lambda width: width * longest < group["tolerance_change"],
        )

    def _loaded(
        self, what: str, entries: Any, parameter: Parameter, group: dict[str, Any]
    ) -> dict[str, Any]:
        op = self._name
        require_keys(op, f"the state of {what}", entries, COUNTS)
        counts = {
            name: whole(op, f"{name} of {what}", entries[name], at_least=0) for name in COUNTS
        }
        if not counts["n_iter"]:  # nothing has been learnt yet
            return counts
        require_keys(op, f"the state of {what}", entries, [*NUMBERS, *VECTORS, *HISTORIES, "ro"])
        data = [p.data for p in group["params"]]
        shape, dtype = (sum(array.size for array in data),), np.result_type(*data)

        def vector(name: str, value: Any) -> Array:
            return np.array(require_array(op, f"{name} of {what}", value, shape), dtype)

        return {
            **counts,
            **{name: number(op, f"{name} of {what}", entries[name]) for name in NUMBERS},
            **{name: vector(name, entries[name]) for name in VECTORS},
            **{name: [vector(name, value) for value in entries[name]] for name in HISTORIES},
            "ro": [number(op, f"ro of {what}", value) for value in entries["ro"]],
        }


def _direction(state: dict[str, Any], gradient: Array, history_size: int) -> Array:
    """Return -H g, having added to the history how the last step changed the gradient."""
    if not state["n_iter"]:
        state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
        return -gradient
    changes, steps, factors = state["old_dirs"], state["old_stps"], state["ro"]
    change, step = gradient - state["prev_flat_grad"], state["t"] * state["d"]
    curvature = float(change @ step)
    if curvature > LEAST_CURVATURE:
        for history, new in ((changes, change), (steps, step), (factors, 1 / curvature)):
            history.append(new)
            del history[:-history_size]
        state["H_diag"] = curvature / float(change @ change)

    direction = -gradient
    shares = []
    for y, s, rho in reversed(list(zip(changes, steps, factors, strict=True))):
        shares.append(rho * float(s @ direction))
        direction -= shares[-1] * y
    direction *= state["H_diag"]
    for y, s, rho, share in zip(changes, steps, factors, reversed(shares), strict=True):
        direction += (share - rho * float(y @ direction)) * s
    return direction


def _largest(vector: Array) -> float:
    return float(np.abs(vector).max(initial=0))
