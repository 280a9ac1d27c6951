"""A check, and the kit: all checks by name, each with the release that it came with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(eq=False)
class Check:
    """One check of one operation, over all its samples, or of one distribution.

    Attributes
    ----------
    name : str
        What it checks. Names stay: expected failures are listed by them.
    since : str
        The release of core that brought the check, or made it find more than before.
    subject : str
        The name of the operation or of the distribution.
    distribution : str
        Where the subject comes from.
    expected_failure : str or None
        Why it is known to fail, if it is.
    cases : int
        How many cases the last run had.
    """

    name: str
    since: str
    subject: str
    distribution: str
    body: Callable[[], int] = field(repr=False)
    expected_failure: str | None = None
    twice_differentiable: bool = True
    cases: int = 0

    def run(self) -> int:
        """Run the check, and return how many cases it had.

        Raises
        ------
        AssertionError
            With the sample and what differs. Where a failure is expected, it is raised all the
            same: `check_op` and pytest take it for one that is expected.
        """
        self.cases = 0
        self.cases = self.body()
        return self.cases

    def run_as_expected(self) -> int:
        """Run the check, and let it fail if that is expected, but not pass.

        Raises
        ------
        AssertionError
            If it fails, or passes, against expectation.
        """
        if self.expected_failure is None:
            return self.run()
        try:
            self.run()
        except Exception:
            return 0
        raise AssertionError(
            f"{self} passes, though it is expected to fail ({self.expected_failure}); take it out "
            "of expected_failures"
        )

    def __str__(self) -> str:
        return f"{self.subject}-{self.name}"


@dataclass(frozen=True)
class Kind:
    """A check before it has a subject."""

    name: str
    since: str
    body: Callable[[Any], int]

    @property
    def description(self) -> str:
        """What holds if the check passes, in one sentence."""
        return " ".join((self.body.__doc__ or "").split())


class Kit(list[Kind]):
    """The kinds of checks of one sort of subject, in the order in which they run."""

    def check(self, since: str) -> Callable[[Callable[[T], int]], Callable[[T], int]]:
        """Decorate a function of a subject that is to be one of the checks."""

        def add(body: Callable[[T], int]) -> Callable[[T], int]:
            self.append(Kind(body.__name__, since, body))
            return body

        return add

    def until(self, release: str | None) -> Iterable[Kind]:
        """Return the kinds that a release of core had already, or all of them."""
        return [kind for kind in self if release is None or _key(kind.since) <= _key(release)]


def _key(release: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in release.split(".")[:2])
    except (AttributeError, ValueError):
        raise ValueError(
            f"until should be a release of core, such as '0.1', but it is {release!r}"
        ) from None
