"""The gamma function and its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special
from tinytorch import Array, Function, Operation, Tensor, elementwise, samples
from tinytorch.samples import Sample, bad, sample, uniform


def _samples() -> list[Sample]:
    """Return samples between the poles at 0, -1, -2... too."""
    between = [sample(uniform(4, low + 0.2, low + 0.8)) for low in (-1, -2, -3)]
    return [*samples.elementwise(domain=(0.3, 6))(), *between]


GAMMALN = elementwise(
    "gammaln",
    forward=special.gammaln,
    derivative=lambda x: digamma(x),
    doc="Logarithm of |Γ(x)|, elementwise. The gradient is g digamma(x).",
    samples=_samples,
    numpy=[special.gammaln],
    torch="special.gammaln",
    reference=lambda x: np.log(abs(special.gamma(x))),
)
gammaln: Callable[..., Tensor] = GAMMALN.function

DIGAMMA = elementwise(
    "digamma",
    forward=special.digamma,
    derivative=lambda x: polygamma(1, x),
    doc="Derivative of log Γ(x), elementwise. The gradient is g polygamma(1, x).",
    samples=_samples,
    numpy=[special.digamma],
    torch="special.digamma",
    reference=special.digamma,
)
digamma: Callable[..., Tensor] = DIGAMMA.function

BETALN = elementwise(
    "betaln",
    forward=special.betaln,
    derivative=(
        lambda a, b: digamma(a) - digamma(a + b),
        lambda a, b: digamma(b) - digamma(a + b),
    ),
    doc=(
        "Logarithm of the beta function |B(a, b)|, elementwise. "
        "The gradients are g (digamma(a) - digamma(a + b)), and the same with b first."
    ),
    domain=(0.3, 6),
    numpy=[special.betaln],
    reference=lambda a, b: special.gammaln(a) + special.gammaln(b) - special.gammaln(a + b),
)
betaln: Callable[..., Tensor] = BETALN.function


class PolygammaBackward(Function):
    """ψ⁽ⁿ⁾(x), the n-th derivative of digamma. Gradient: g ψ⁽ⁿ⁺¹⁾(x)."""

    batched = True

    def forward(self, x: Array, *, n: int) -> Any:
        """Compute the output from an array."""
        if isinstance(n, bool) or not isinstance(n, int | np.integer):
            raise TypeError(f"polygamma: n should be an integer, but it is a {type(n).__name__}")
        if n < 0:
            raise ValueError(f"polygamma: n should be 0 or more, but it is {n}")
        self.save(x)
        self.n = n
        return special.polygamma(n, x).astype(np.result_type(x, np.float32))  # SciPy widens

    def apply(self, grad_output: Array) -> Any:
        """Return the gradient towards x."""
        (x,) = self.saved
        return grad_output * polygamma(self.n + 1, x)


def polygamma(n: int, x: Any) -> Tensor:
    """Polygamma function, the n-th derivative of digamma, elementwise.

    Parameters
    ----------
    n : int
        How many times digamma is differentiated; 0 or more. As in SciPy and PyTorch it comes
        first, so that there is no method.
    x : Tensor or array
        Any shape.

    Returns
    -------
    Tensor
        The shape and dtype of `x`, float32 for integers. The gradient is g polygamma(n + 1, x).

    Raises
    ------
    TypeError
        If `n` is no integer.
    ValueError
        If `n` is negative.

    Examples
    --------
    >>> polygamma(1, Tensor([1.0]))
    Tensor(data=[1.644934], shape=(1,))
    """
    return PolygammaBackward.call(x, n=n)


POLYGAMMA = Operation(
    polygamma,
    PolygammaBackward,
    samples=lambda: [
        Sample((n, *call.inputs), call.parameters) for n in (0, 1, 2, 5) for call in _samples()
    ],
    bad_inputs=[
        bad(TypeError, "integer, but it is a float", 1.0, np.ones(2)),
        bad(TypeError, "integer, but it is a ndarray", np.ones(2, int), np.ones(2)),
        bad(ValueError, "0 or more, but it is -1", -1, np.ones(2)),
    ],
    torch="special.polygamma",
    reference=special.polygamma,
)

OPERATIONS = [GAMMALN, DIGAMMA, BETALN, POLYGAMMA]
