"""How operations run in this thread or asyncio task: recorded or not, and what else happens."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class Mode:
    """Everything that changes what a call of an operation does, in one object.

    There is one object, `USUAL`, for the commonest mode, so that a call needs a single look.
    """

    __slots__ = ("anomaly", "recording", "saved_hooks")

    def __init__(self, recording: bool, saved_hooks: Hooks | None, anomaly: Any) -> None:
        self.recording = recording
        self.saved_hooks = saved_hooks
        self.anomaly = anomaly


USUAL = Mode(recording=True, saved_hooks=None, anomaly=None)

_mode: ContextVar[Mode] = ContextVar("tinytorch_mode", default=USUAL)

current_mode = _mode.get


def set_recording(recording: bool) -> None:
    """Switch recording on or off, and leave the rest of the mode as it is."""
    mode = _mode.get()
    if mode.recording != recording:
        _set(recording, mode.saved_hooks, mode.anomaly)


def set_saved_hooks(hooks: Hooks | None) -> None:
    """Set what packs saved arrays, and leave the rest of the mode as it is."""
    mode = _mode.get()
    _set(mode.recording, hooks, mode.anomaly)


def set_anomaly(anomaly: Any) -> None:
    """Set what looks for anomalies, and leave the rest of the mode as it is."""
    mode = _mode.get()
    _set(mode.recording, mode.saved_hooks, anomaly)


def _set(recording: bool, hooks: Hooks | None, anomaly: Any) -> None:
    is_usual = recording and hooks is None and anomaly is None
    _mode.set(USUAL if is_usual else Mode(recording, hooks, anomaly))
