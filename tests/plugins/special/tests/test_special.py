"""Special functions as their users see them, and the kit that core has for their author."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
import tinytorch
import tinytorch_special
from scipy import special
from tinytorch import Tensor, func
from tinytorch.testing import parametrize_op_checks
from tinytorch_special import bessel_i, gammaln, inverse_mills, log_ndtr, polygamma, xlogy

LINE = np.linspace(-3, 3, 31)
BETWEEN_POLES = np.linspace(-2.95, 4.15, 40)
UNIT = np.linspace(0.01, 0.99, 21)

# The function of SciPy, where it is compared, and its derivative by SciPy's other functions.
FUNCTIONS = {
    "special_erf": (special.erf, LINE, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "erfc": (special.erfc, LINE, lambda x: -2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "erfcx": (special.erfcx, LINE, lambda x: 2 * x * special.erfcx(x) - 2 / np.sqrt(np.pi)),
    "erfinv": (
        special.erfinv,
        2 * UNIT - 1,
        lambda x: np.sqrt(np.pi) / 2 * np.exp(special.erfinv(x) ** 2),
    ),
    "ndtr": (special.ndtr, LINE, lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
    "ndtri": (
        special.ndtri,
        UNIT,
        lambda p: np.sqrt(2 * np.pi) * np.exp(special.ndtri(p) ** 2 / 2),
    ),
    "log_ndtr": (
        special.log_ndtr,
        LINE,
        lambda x: np.exp(-(x**2) / 2 - special.log_ndtr(x)) / np.sqrt(2 * np.pi),
    ),
    "gammaln": (special.gammaln, BETWEEN_POLES, special.digamma),
    "digamma": (special.digamma, BETWEEN_POLES, lambda x: special.polygamma(1, x)),
    "i0": (special.i0, LINE, special.i1),
    "i1": (special.i1, LINE, lambda x: special.ivp(1, x)),
}


@parametrize_op_checks("tinytorch-special")
def test_the_kit_accepts_the_distribution(check):
    """Each check of core's kit passes, for the distribution and for every function."""
    check.run()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_agrees_with_scipy(name):
    """The value is SciPy's to the bit, and the gradient what SciPy's other functions say."""
    scipys, points, derivative = FUNCTIONS[name]
    x = Tensor(points, requires_grad=True)
    weights = np.random.default_rng(1).normal(size=points.shape)
    y = getattr(tinytorch_special, name)(x)
    y.backward(weights)
    np.testing.assert_array_equal(y.data, scipys(points))
    np.testing.assert_allclose(x.grad, weights * derivative(points), rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_scipys_functions_are_recorded(name):
    """SciPy's function on a tensor is the operation, found without an import of the package."""
    scipys, points, _ = FUNCTIONS[name]
    x = Tensor(points, requires_grad=True)
    y = scipys(x)
    assert type(y.grad_fn) is type(getattr(tinytorch_special, name)(x).grad_fn)
    np.testing.assert_array_equal(y.data, scipys(points))


def test_scipys_functions_of_two_are_recorded():
    """betaln, xlogy and iv, the last with SciPy's order of arguments, are recorded as well."""
    a, b = Tensor([0.5, 2.0], requires_grad=True), Tensor([1.5, 3.0], requires_grad=True)
    for scipys in (special.betaln, special.xlogy):
        np.testing.assert_array_equal(scipys(a, b).data, scipys(a.data, b.data))
        assert scipys(a, b).grad_fn.needs_input_grad == (True, True)
    np.testing.assert_array_equal(special.iv(2, a).data, special.iv(2, a.data))
    assert special.iv(2, a).requires_grad
    with pytest.raises(TypeError, match="bessel_i: order should be a number, but it is a Tensor"):
        special.iv(a, 2.0)


def test_what_scipy_has_in_python_is_refused():
    """special.polygamma, which is no ufunc, raises; it never drops the gradient."""
    with pytest.raises(TypeError, match="requires gradients"):
        special.polygamma(1, Tensor([1.0], requires_grad=True))


def test_numpys_i0_is_recorded():
    """np.i0 on a tensor is the operation i0."""
    x = Tensor([0.5], requires_grad=True)
    assert np.i0(x).grad_fn is not None
    np.testing.assert_allclose(np.i0(x).data, np.i0(x.data), rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_derivatives_of_the_gamma_function_form_a_chain(order):
    """The n-th derivative of gammaln is polygamma(n - 1), through digamma and polygamma."""
    points = np.array([-1.5, 0.3, 1.0, 7.0])

    def derivative(x):
        return gammaln(x)

    for _ in range(order):
        derivative = func.grad(lambda x, f=derivative: f(x).sum())
    np.testing.assert_allclose(derivative(points), special.polygamma(order - 1, points), rtol=1e-12)


def test_bessel_functions_at_zero():
    """There is no quotient by x in the rules: at zero they give exact derivatives."""
    zero = np.zeros(1)
    slope = func.grad(lambda x: tinytorch_special.i1(x).sum())
    curvature = func.grad(lambda x: func.grad(lambda x: tinytorch_special.i0(x).sum())(x).sum())
    assert slope(zero) == curvature(zero) == 0.5


@pytest.mark.parametrize("order", [0, 1, 2, -3, 0.5, np.float32(1.5)])
def test_bessel_functions_of_any_order(order):
    """Value and gradient of bessel_i are SciPy's iv and its derivative, for any real order."""
    points = np.linspace(0.2, 5, 9)
    x = Tensor(points, requires_grad=True)
    y = x.bessel_i(order)
    y.backward(np.ones(9))
    np.testing.assert_array_equal(y.data, special.iv(order, points))
    np.testing.assert_allclose(x.grad, special.ivp(order, points), rtol=1e-12)
    np.testing.assert_array_equal(bessel_i(x, order=order).data, y.data)


def test_far_tails_of_the_normal_distribution():
    """log_ndtr has its value and two derivatives where Φ and φ are zero or one."""
    points = np.array([-1e4, -50.0, 50.0, 1e4])
    slope = func.grad(lambda x: log_ndtr(x).sum())
    curvature = func.grad(lambda x: slope(x).sum())
    left = abs(points[:2])
    # Φ(-z) = φ(z)/z (1 - 1/z² + 3/z⁴ ...), from which both follow.
    np.testing.assert_allclose(slope(points)[:2], left + 1 / left - 2 / left**3, rtol=1e-9)
    np.testing.assert_allclose(curvature(points)[:2], -1 + 1 / left**2, rtol=1e-5)
    assert slope(points)[2:].tolist() == [0.0, 0.0]
    assert curvature(points)[2:].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(inverse_mills(points), slope(points))


def test_xlogy_where_x_is_zero():
    """0 log y is 0, with a gradient that is a number, whatever y is."""
    x = Tensor(np.zeros(3), requires_grad=True)
    y = Tensor(np.array([0.0, -1.0, 2.0]), requires_grad=True)
    result = xlogy(x, y)
    result.backward(np.array([0.5, 0.5, 0.5]))
    assert result.tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(x.grad, [0.0, 0.0, np.log(2) / 2])
    assert y.grad.tolist() == [0.0, 0.0, 0.0]


def test_dtypes():
    """float32 stays, in polygamma too, which SciPy widens; whole numbers become float32."""
    assert polygamma(2, Tensor([1.0])).dtype == np.float32
    assert polygamma(2, Tensor(np.ones(2))).dtype == np.float64
    assert gammaln(Tensor([1.0])).dtype == np.float32
    assert gammaln(Tensor(np.array([1, 2, 3]))).dtype == np.float32


def test_information_of_the_gamma_distribution():
    """The Hessian of a likelihood in two parameters is the one of the textbooks."""
    data = np.random.default_rng(2).gamma(3.0, 0.5, size=50)

    def loss(parameters):
        shape, rate = (parameters @ unit for unit in np.eye(2))
        logs = xlogy(shape, rate) - gammaln(shape) + (shape - 1) * np.log(data) - rate * data
        return -logs.sum()

    shape, rate = point = np.array([2.5, 1.5])
    expected = [[special.polygamma(1, shape), -1 / rate], [-1 / rate, shape / rate**2]]
    np.testing.assert_allclose(func.hessian(loss)(point), 50 * np.array(expected), rtol=1e-12)


def test_methods_and_signatures():
    """Methods are attached, and functions of SciPy's say what they take."""
    x = Tensor([0.5])
    assert x.erfc().item() == tinytorch_special.erfc(x).item()
    assert x.betaln(2.0).item() == tinytorch_special.betaln(x, 2.0).item()
    assert tinytorch.ops.gammaln is gammaln
    assert list(inspect.signature(gammaln).parameters) == ["x"]
    assert "digamma" in gammaln.__doc__


def test_the_functions_work_where_the_plugin_is_blocked():
    """Imported from the package they need no discovery, second derivatives among it."""
    program = """
        import numpy as np, tinytorch
        from tinytorch_special import gammaln, log_ndtr

        for f in (gammaln, log_ndtr):
            slope = tinytorch.func.grad(lambda x: f(x).sum())
            print(tinytorch.func.grad(lambda x: slope(x).sum())(np.ones(1)).item())
    """
    blocked = {**os.environ, "TINYTORCH_BLOCK_PLUGINS": "tinytorch-special"}
    arguments = [sys.executable, "-c", dedent(program)]
    output = subprocess.check_output(arguments, text=True, env=blocked)
    ratio = np.exp(-0.5) / np.sqrt(2 * np.pi) / special.ndtr(1.0)
    expected = [np.pi**2 / 6, -ratio * (1 + ratio)]
    np.testing.assert_allclose([float(line) for line in output.split()], expected)
