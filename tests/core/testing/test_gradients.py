"""gradcheck and gradgradcheck: what they accept, what they refuse, and what they say."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from tinytorch import Function, Tensor
from tinytorch.testing import gradcheck, gradgradcheck


class Scaled(Function):
    """x^2 with a gradient that is off by a factor."""

    def forward(self, x, *, factor):
        self.factor = factor
        self.save(x)
        return x * x

    def apply(self, grad_output):
        (x,) = self.saved
        return grad_output * 2 * x * self.factor


def test_a_right_gradient_passes_and_is_counted():
    """Each element of each input, of those in lists too, is compared once."""
    inputs = [np.array([[0.5, 1.0, -2.0]]), [np.array(2.0), np.array([1.0, 3.0])]]
    assert gradcheck(lambda x, pair: (x * pair[0]).sum() * pair[1], inputs) == 6


def test_a_wrong_gradient_is_reported_in_full():
    """The report names the input, the index, both values and the tolerance."""
    with pytest.raises(AssertionError) as caught:
        gradcheck(lambda c, x: Scaled.call(x, factor=1.001) + c, [np.array(1.0), np.ones((2, 1))])
    message = str(caught.value)
    assert "the gradient of input 1 at index (0, 0) is" in message
    assert "central differences give" in message
    assert "(tolerance " in message


def test_a_complex_step_sees_what_differences_cannot():
    """An error of one in ten million passes central differences, and not the complex step."""
    slightly_wrong = lambda x: Scaled.call(x, factor=1 + 1e-7)  # noqa: E731 - named for the reader
    inputs = [np.array([0.5, 1.0])]
    assert gradcheck(slightly_wrong, inputs) == 2
    with pytest.raises(AssertionError, match=r"input 0 at index .* a complex step gives"):
        gradcheck(slightly_wrong, inputs, reference=lambda x: x * x)


def test_the_function_itself_serves_for_the_complex_step():
    """A function of operators and NumPy's functions takes complex arrays without a reference."""
    seen = []

    def function(x):
        seen.append(getattr(x, "dtype", None))
        return np.exp(x) * x

    assert gradcheck(function, [np.array([0.5, 1.0])]) == 2
    assert np.complex128 in seen


@pytest.mark.parametrize("reference", [abs, np.sign, np.real, np.float64])
def test_a_reference_without_complex_numbers_is_left_out_in_silence(reference):
    """Where the imaginary part is lost, central differences decide, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(lambda x: x * x, [np.array([0.5])], reference=reference) == 1


def test_a_complex_step_that_differences_contradict_is_left_out():
    """x |x| is complex for complex x, but its complex step is wrong, and does no harm."""
    assert gradcheck(lambda x: x * abs(x), [np.array([0.5, -2.0])], reference=lambda x: x * abs(x))


def test_gradgradcheck_finds_a_constant_that_was_none():
    """A second derivative that leaves a term out is found, though the first is right."""

    class Cube(Function):
        def forward(self, x):
            self.save(x)
            return x**3

        def apply(self, grad_output):
            (x,) = self.saved
            base = x.data if isinstance(x, Tensor) else x
            return grad_output * 3 * base**2

    assert gradcheck(Cube.call, [np.array([0.5, 2.0])]) == 2
    with pytest.raises(AssertionError, match="the gradient of input 0 at index"):
        gradgradcheck(Cube.call, [np.array([0.5, 2.0])])
    assert gradgradcheck(lambda x: x**3, [np.array([0.5, 2.0])]) == 4
