"""See the graph, weigh it, explain it."""

from .drawing import Drawing, draw
from .memory_report import Buffer, Memory, memory
from .names import name
from .profile_report import Event, Row
from .profiling import Profile, profile
from .stories import Step, Story, explain

__all__ = [
    "Buffer",
    "Drawing",
    "Event",
    "Memory",
    "Profile",
    "Row",
    "Step",
    "Story",
    "draw",
    "explain",
    "memory",
    "name",
    "profile",
]
