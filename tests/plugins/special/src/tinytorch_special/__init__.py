"""Special functions for tinytorch-core, elementwise, on scipy.special."""

from .bessel import bessel_i, i0, i1
from .entropy import xlogy
from .error import erfc, erfcx, erfinv, special_erf
from .gamma import betaln, digamma, gammaln, polygamma
from .normal import inverse_mills, log_ndtr, ndtr, ndtri

__all__ = [
    "bessel_i",
    "betaln",
    "digamma",
    "erfc",
    "erfcx",
    "erfinv",
    "gammaln",
    "i0",
    "i1",
    "inverse_mills",
    "log_ndtr",
    "ndtr",
    "ndtri",
    "polygamma",
    "special_erf",
    "xlogy",
]
