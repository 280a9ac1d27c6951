"""What happens when a tensor, or `tinytorch.ops`, is asked for an operation that core lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .operation import DEFINED_BY_TENSOR, STAND_INS, registry
from .tensor import Tensor

HINTS: dict[str, tuple[str, ...]] = {
    "tinytorch-ops-losses": (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cosine_embedding_loss",
        "cross_entropy",
        "ctc_loss",
        "gaussian_nll_loss",
        "hinge_embedding_loss",
        "hinge_loss",
        "huber_loss",
        "kl_div",
        "l1_loss",
        "margin_ranking_loss",
        "mse_loss",
        "nll_loss",
        "poisson_nll_loss",
        "smooth_l1_loss",
        "soft_margin_loss",
        "triplet_margin_loss",
    ),
    "tinytorch-ops-math": (
        "acos",
        "addcmul",
        "addmm",
        "all",
        "any",
        "arccos",
        "arcsin",
        "arctan",
        "arctan2",
        "argmax",
        "argmin",
        "argsort",
        "asin",
        "atan",
        "atan2",
        "bmm",
        "ceil",
        "cholesky",
        "cos",
        "cosh",
        "cumprod",
        "cumsum",
        "det",
        "diag",
        "diagonal",
        "dot",
        "einsum",
        "erf",
        "expm1",
        "flatten",
        "flip",
        "floor",
        "inner",
        "inv",
        "inverse",
        "isnan",
        "lerp",
        "log10",
        "log1p",
        "log2",
        "logaddexp",
        "logit",
        "logsumexp",
        "mm",
        "moveaxis",
        "movedim",
        "multi_dot",
        "mv",
        "norm",
        "outer",
        "prod",
        "reciprocal",
        "remainder",
        "repeat",
        "repeat_interleave",
        "roll",
        "round",
        "rsqrt",
        "sign",
        "sin",
        "sinh",
        "slogdet",
        "solve",
        "sort",
        "square",
        "std",
        "swapaxes",
        "swapdims",
        "tan",
        "tensordot",
        "tile",
        "topk",
        "trace",
        "tril",
        "triu",
        "var",
        "vector_norm",
    ),
    "tinytorch-ops-mpi": ("all_gather", "all_reduce", "broadcast", "reduce_scatter"),
    "tinytorch-ops-nn": (
        "__getitem__",
        "adaptive_avg_pool2d",
        "avg_pool1d",
        "avg_pool2d",
        "batch_norm",
        "bilinear",
        "cat",
        "celu",
        "chunk",
        "conv1d",
        "conv2d",
        "conv_transpose1d",
        "conv_transpose2d",
        "cosine_similarity",
        "dropout",
        "elu",
        "embedding",
        "gather",
        "gelu",
        "getitem",
        "glu",
        "group_norm",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "index_put",
        "index_select",
        "instance_norm",
        "interpolate",
        "layer_norm",
        "leaky_relu",
        "linear",
        "log_softmax",
        "logsigmoid",
        "masked_fill",
        "max_pool1d",
        "max_pool2d",
        "mish",
        "narrow",
        "normalize",
        "one_hot",
        "pad",
        "permute",
        "prelu",
        "relu",
        "relu6",
        "rms_norm",
        "scaled_dot_product_attention",
        "scatter_add",
        "select",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "softsign",
        "split",
        "stack",
        "take_along_dim",
        "tanh",
        "unbind",
    ),
}
"""Our own op packages and what they provide, for the message when one is not installed."""


def ensure_enabled() -> None:
    """Enable autograd if that has not happened: what finds plugins is not imported before."""
    from . import plugins

    plugins.ensure_enabled()


def find(name: str) -> Any:
    """Return the function of an operation, enabling autograd if it is not one of core's.

    Raises
    ------
    AttributeError
        Saying which distribution provides it, what went wrong with it, or what is called alike.
    """
    if name not in registry.operations:
        ensure_enabled()
    if name not in registry.operations:
        raise AttributeError(_explain("there is no operation", name, registry.operations))
    return registry.operations[name].function


def _explain(subject: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a name that nothing provides, or nothing that is in use."""
    message = f"{subject} {name!r}"
    if name in registry.operations:
        return f"{message}; call it as a function, tinytorch.ops.{name}(x)"
    unused = [report for report in registry.reports if report.status != "loaded"]
    provider = next((distribution for distribution in HINTS if name in HINTS[distribution]), "")
    for report in unused:
        if report.provides(name) or report.plugin.distribution == provider:
            return f"{message}: {report.describe()}"
    if provider:
        old = any(report.plugin.distribution == provider for report in registry.reports)
        install = "install --upgrade" if old else "install"
        return f"{message}; it comes with {provider}: python -m pip {install} {provider}"
    from difflib import get_close_matches

    near = get_close_matches(name, sorted({*known}), n=3)
    if near:
        message += f"; did you mean {' or '.join(near)}?"
    if unused:
        message += f" (not in use: {'; '.join(report.describe() for report in unused)})"
    return message


def _getattr(self: Tensor, name: str) -> Any:
    """Python calls this for a name that neither the tensor nor its class has."""
    if name.startswith("_"):  # copy, pickle, NumPy and notebooks ask for many
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    if not _defines(type(self), name):
        ensure_enabled()
    if not _defines(type(self), name):
        raise AttributeError(_explain("a tensor has no method or attribute", name, _public()))
    # A method that is there now; or a property, whose own AttributeError brought us here.
    return object.__getattribute__(self, name)


def _defines(cls: type, name: str) -> bool:
    return any(name in vars(base) for base in cls.__mro__)


def _public() -> list[str]:
    methods = [name for op in registry.operations.values() for name in op.method_names]
    return [name for name in (*methods, *DEFINED_BY_TENSOR) if not name.startswith("_")]


def _getitem(self: Tensor, key: Any) -> Any:
    """Stand in for slicing, which Python looks up on the class, until a plugin provides it."""
    ensure_enabled()
    slicing = Tensor.__getitem__
    if slicing is _getitem:
        raise TypeError(_explain("x[...] needs the method", "__getitem__", ()))
    return slicing(self, key)


def attach() -> None:
    """Give Tensor its way of asking plugins for what it lacks."""
    STAND_INS["__getitem__"] = _getitem
    setattr(Tensor, "__getitem__", _getitem)  # noqa: B010 - declared in _methods.pyi
    setattr(Tensor, "__getattr__", _getattr)  # noqa: B010 - type checkers shall not know it
