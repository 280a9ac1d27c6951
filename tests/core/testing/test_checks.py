"""Every check of the kit finds the fault that it is there for."""

from __future__ import annotations

import numpy as np
import pytest
import tinytorch
from tinytorch import Function, Operation, Tensor
from tinytorch.backward import Pass
from tinytorch.samples import bad, broadcasting, kink, sample, uniform
from tinytorch.testing import check_op, op_checks
from tinytorch.testing.operation_checks import KIT


class ProductBackward(Function):
    """x y, elementwise. Gradients: g y and g x."""

    def forward(self, x, y):
        self.save(x, y)
        return x * y

    def apply(self, grad_output):
        x, y = self.saved
        need_x, need_y = self.needs_input_grad
        return grad_output * y if need_x else None, grad_output * x if need_y else None


def product(x, y):
    """Product of two tensors."""
    return ProductBackward.call(x, y)


def operation(rule=None, **fields):
    """An operation that is right but for the given rule, or fields."""

    def function(x, y):
        """Product of two tensors."""
        return rule.call(x, y)

    function.__name__ = "product"
    defaults = {
        "function": function if rule else product,
        "backward": rule or ProductBackward,
        "samples": broadcasting(),
        "bad_inputs": [bad(ValueError, "broadcast", np.zeros(2), np.zeros(3))],
        "reference": lambda x, y: x * y,
    }
    return Operation(**{**defaults, **fields})


def failures(operation):
    """The names of the checks that fail."""
    failed = set()
    for check in op_checks(operation):
        try:
            check.run()
        except Exception:
            failed.add(check.name)
    return failed


class Undocumented(ProductBackward):
    pass


class WrongValue(ProductBackward):
    """A forward that is off."""

    def forward(self, x, y):
        return super().forward(x, y) * (1 + 1e-5)


class WrongSign(ProductBackward):
    """A rule of the wrong sign."""

    def apply(self, grad_output):
        return tuple(None if g is None else -g for g in super().apply(grad_output))


class Constant(ProductBackward):
    """A rule that takes what it saved for a constant."""

    def apply(self, grad_output):
        self.saved = tuple(x.data if isinstance(x, Tensor) else x for x in self.saved)
        return super().apply(grad_output)


class SumsItself(ProductBackward):
    """A rule that sums where it should leave that to the engine, and sums too much."""

    def apply(self, grad_output):
        gradients = super().apply(grad_output)
        return tuple(
            None if g is None else g.sum(axis=0, keepdims=True) if g.ndim == 2 else g
            for g in gradients
        )


class OnlyOnce(ProductBackward):
    """A rule that gives another answer the second time."""

    def apply(self, grad_output):
        self.times = getattr(self, "times", 0) + 1
        return tuple(None if g is None else g * self.times for g in super().apply(grad_output))


class Confused(ProductBackward):
    """A rule that returns the other gradient where one is asked for alone."""

    def apply(self, grad_output):
        x, y = self.saved
        if not all(self.needs_input_grad):
            return grad_output * x * y, grad_output * x * y
        return super().apply(grad_output)


class OneAtATime(ProductBackward):
    """A rule that says it takes a batch of gradients, and does not."""

    batched = True

    def apply(self, grad_output):
        gradients = super().apply(grad_output)
        return tuple(None if g is None else g * self.factor(grad_output) for g in gradients)

    def factor(self, grad_output):
        return 2 if grad_output.ndim > max(np.ndim(x) for x in self.saved) else 1


class WritesToInput(ProductBackward):
    """A forward that works in place."""

    def forward(self, x, y):
        if isinstance(x, np.ndarray) and x.ndim and x.size:
            x[...] = x + 0.0
        return super().forward(x, y)


class WritesToGradient(ProductBackward):
    """A rule that works in place on the gradient that comes in."""

    def apply(self, grad_output):
        if isinstance(grad_output, np.ndarray) and grad_output.ndim:
            np.multiply(grad_output, 1.0, out=grad_output)
        return super().apply(grad_output)


class Doubles(ProductBackward):
    """A forward that forgets float32."""

    def forward(self, x, y):
        return super().forward(x, y).astype(np.float64)


class OnlyContiguous(ProductBackward):
    """A rule that reads memory in its own order."""

    def forward(self, x, y):
        result = super().forward(x, y)
        ordered = getattr(result, "flags", None)
        return result if ordered is None or ordered.c_contiguous else result * 1.5


class TakesAnything(ProductBackward):
    """A forward that makes something of everything."""


def lenient(x, y):
    """Product of what can be multiplied."""
    try:
        return ProductBackward.call(x, y)
    except TypeError:
        return Tensor(0.0)


lenient.__name__ = "product"


def unrecorded(x, y):
    """Product that records always."""
    with tinytorch.enable_grad():
        return ProductBackward.call(x, y)


unrecorded.__name__ = "product"

FAULTS = {
    "documented": operation(Undocumented),
    "has_samples": operation(samples=()),
    "forward": operation(WrongValue),
    "gradient": operation(WrongSign),
    "second_derivative": operation(Constant),
    "broadcasting": operation(SumsItself),
    "accumulation": operation(OnlyOnce),
    "needs_input_grad": operation(Confused),
    "batched": operation(OneAtATime),
    "inputs_unchanged": operation(WritesToInput),
    "dtype_kept": operation(Doubles),
    "nothing_recorded": operation(function=unrecorded),
    "zero_dim": operation(samples=[sample(uniform(3), uniform(3)), sample(uniform((0,)), 1.0)]),
    "empty": operation(samples=[sample(uniform(3), uniform(3)), sample(uniform(()), 1.0)]),
    "non_contiguous": operation(OnlyContiguous),
    "bad_inputs": operation(bad_inputs=[bad(ValueError, "no such words", "text", 1.0)]),
    "refuses_non_numbers": operation(function=lenient),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name):
    """The check that a fault is meant for is among those that fail."""
    assert name in failures(FAULTS[name])


def test_gradients_in_place_are_found():
    """A rule that writes to the gradient that comes in fails the check of purity."""
    assert "inputs_unchanged" in failures(operation(WritesToGradient))


class HandsOut(ProductBackward):
    """A rule that hands out what it saved."""

    def apply(self, grad_output):
        return self.saved[1], self.saved[0]


def test_shared_memory_is_found(monkeypatch):
    """A gradient that is an array of somebody else's fails the check of aliasing.

    The engine copies such gradients, whatever a rule does: here it is kept from that.
    """
    same_shapes = operation(HandsOut, samples=[sample(uniform(3), uniform(3, seed=1))])
    assert "no_aliasing" not in failures(same_shapes)
    monkeypatch.setattr(Pass, "_copy", lambda self, gradient: gradient)
    assert "no_aliasing" in failures(same_shapes)


def test_another_method_is_found():
    """A method that does something else than the function fails the check of methods."""
    with tinytorch.isolated_registry(fresh=True) as registry:
        elsewhere = Operation(lambda x, y: x + y, method="product_of")
        elsewhere.function.__name__ = "product_of"
        registry.register(tinytorch.operation.Plugin("elsewhere", "elsewhere"), [elsewhere])
        assert "method" in failures(operation(method="product_of"))


def test_a_right_operation_passes_every_check():
    """No check fails on an operation without faults, and the cases are counted."""
    assert failures(operation()) == set()
    assert check_op(operation()) > 150


def test_every_check_has_its_fault():
    """No check of the kit is without a test here that sees it fail."""
    elsewhere = {"no_aliasing", "method"}
    assert {kind.name for kind in KIT} == set(FAULTS) | elsewhere


def test_names_and_versions():
    """A check says what it holds, and since which release; older kits can be asked for."""
    for kind in KIT:
        assert kind.description.endswith(".")
        assert kind.since == "0.1"
    assert len(op_checks(operation(), until="0.1")) == len(KIT)
    assert op_checks(operation(), until="0.0") == []


def test_an_expected_failure_is_let_through():
    """A check that fails as it is expected to does not fail check_op."""
    wrong = operation(WrongSign, expected_failures={"gradient": "the sign is wrong"})
    assert check_op(wrong) > 0


def test_an_expected_failure_that_passes_fails():
    """A check that passes though it should fail is reported, with the reason it was given."""
    right = operation(expected_failures={"gradient": "we thought so"})
    with pytest.raises(AssertionError, match=r"product-gradient passes.*\(we thought so\)"):
        check_op(right)


def test_an_expected_failure_of_no_check_is_refused():
    """A misspelt name among the expected failures is an error that lists the names."""
    with pytest.raises(ValueError, match="no gradients; there are documented, has_samples"):
        op_checks(operation(expected_failures={"gradients": "misspelt"}))


def test_the_sample_is_named():
    """A failure says in which check and on which sample it happened."""
    with pytest.raises(AssertionError) as caught:
        check_op(operation(WrongSign))
    notes = " ".join(caught.value.__notes__)
    assert "product(float64[], float64[])" in notes
    assert "product-gradient" in notes


def test_kinks_are_left_to_other_checks():
    """No central differences are taken where the author says there is no derivative."""
    absolute = Operation(
        tinytorch.ops.abs,
        samples=[kink(np.array([0.0, 1.0])), sample(uniform(())), sample(uniform((0, 2)))],
        reference=np.abs,
    )
    assert failures(absolute) == set() or failures(absolute) == {"method"}


def test_several_outputs_are_checked_each():
    """An operation that returns several tensors is checked on each of them."""

    def halves(x):
        """Two multiples of a tensor."""
        return x * 2.0, x * 3.0

    def wrong_halves(x):
        """Two multiples of a tensor, the second wrong."""
        return x * 2.0, WrongSign.call(x, 3.0)

    fields = {"samples": [sample(uniform(s)) for s in [(), (2,), (0,)]]}
    reference = lambda x: (x * 2, x * 3)  # noqa: E731 - as long as a def, and no clearer
    assert failures(Operation(halves, reference=reference, **fields)) == set()
    wrong = Operation(wrong_halves, reference=reference, **fields)
    assert failures(wrong) >= {"gradient"}
