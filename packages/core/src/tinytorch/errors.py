"""The errors and warnings that tinytorch raises beyond Python's own."""

from __future__ import annotations


class GradientError(RuntimeError, ValueError):
    """Backward was asked for something that the graph cannot give.

    It is a RuntimeError, which PyTorch raises in these places, and a ValueError, which the textbook
    does: code written for either catches it.
    """


class AnomalyError(GradientError):
    """Anomaly mode found a NaN or an infinity where it first appeared."""


class PluginError(RuntimeError):
    """A plugin could not be loaded, or what it registers is not acceptable."""


class PluginConflictError(PluginError):
    """Two distributions register one name, so neither of them is used."""


class PluginWarning(UserWarning):
    """A plugin was left out; everything else works."""
