"""Connectionist temporal classification: the loss of a sequence whose alignment is not known.

A label sequence of S labels has 2 S + 1 places, with a blank before, between and after the labels.
At each time step a path stays at its place, goes to the next, or skips a blank between two unlike
labels; at its place it emits the label or the blank. The loss is -log of the probability of all
paths from one of the first two places to one of the last two.
"""

from __future__ import annotations

import itertools
from math import inf
from typing import Any

import numpy as np
from tinytorch import Array, Operation, Tensor, as_indices, check_range
from tinytorch.samples import Sample, bad, sample, uniform

from .reduction import REDUCTIONS, Loss, plain_reduction


class CTCBackward(Loss):
    """-log Σ over all alignments of the product of their probabilities, by the forward recursion.

    Gradient: -g times the probability of each class at each time, given the target, which flows
    from the last time step back through the places of the alignments. It has no derivative of its
    own, as in PyTorch: that would need the recursion of the recursion.
    """

    name = "ctc_loss"
    once_differentiable = True

    def forward(
        self,
        log_probs: Array,
        targets: Array,
        input_lengths: Array,
        target_lengths: Array,
        *,
        blank: int = 0,
        reduction: str = "mean",
        zero_infinity: bool = False,
    ) -> Array:
        self.batched_input = self._is_batch(log_probs)
        probs = log_probs if self.batched_input else np.expand_dims(log_probs, 1)
        steps, batch, classes = probs.shape
        durations = self._lengths("input_lengths", input_lengths, batch, steps)
        lengths = self._lengths("target_lengths", target_lengths, batch)
        check_range(self.name, as_indices(self.name, blank, "blank"), classes, "blank")
        blank = int(blank)
        labels = self._padded(targets, lengths, blank, classes)
        places = np.full((batch, 2 * labels.shape[1] + 1), blank)
        places[:, 1::2] = labels
        skips = (places[:, 2:] != places[:, :-2]) & (places[:, 2:] != blank)
        if not zero_infinity:
            self._require_alignments(durations, lengths, labels)
        emissions = _emissions(probs, places, durations)
        arrivals = np.empty_like(emissions)
        paths = _start(places.shape)
        for step in range(steps):
            _arrive(paths, skips, out=arrivals[step])
            going = (step < durations)[:, None]
            paths = np.where(going, arrivals[step] + emissions[step], paths)
        losses = -np.logaddexp(*_at_the_end(paths, lengths))
        if zero_infinity:
            losses[np.isinf(losses)] = 0
        # Arrivals in float64: the sums of many logarithms leave no digits in float32.
        self.save(log_probs, arrivals, places, skips, durations, lengths)
        self.zero_infinity = zero_infinity
        self.per_label = np.maximum(lengths if reduction == "mean" else 0, np.ones_like(lengths))
        losses = (losses / self.per_label).astype(log_probs.dtype)
        return self.reduce(losses if self.batched_input else losses[0], reduction)

    def apply(self, grad_output: Array) -> Any:
        log_probs, arrivals, places, skips, durations, lengths = self.saved
        probs = log_probs if self.batched_input else np.expand_dims(log_probs, 1)
        steps, batch, classes = probs.shape
        emissions = _emissions(probs, places, durations)
        presence = np.zeros_like(arrivals)
        for step in reversed(range(steps)):
            paths = arrivals[step] + emissions[step]
            if step + 1 < steps:
                presence[step] = _flow_back(presence[step + 1], paths, arrivals[step + 1], skips)
            ending = step == durations - 1
            if ending.any():
                presence[step, ending] = self._ends(paths[ending], lengths[ending])
        cells = np.arange(steps * batch).reshape(steps, batch, 1) * classes + places
        given = np.bincount(cells.ravel(), presence.ravel(), minlength=steps * batch * classes)
        share = -self.share(grad_output) / self.per_label
        grad = given.reshape(probs.shape) * np.expand_dims(share, -1)
        return grad.reshape(log_probs.shape).astype(log_probs.dtype), None, None, None

    def _ends(self, paths: Array, lengths: Array) -> Array:
        """Return how probable each place is as the last, given the target."""
        last = _at_the_end(paths, lengths)
        total = np.logaddexp(*last)
        with np.errstate(invalid="ignore"):  # no path has a probability: NaN, or not asked for
            shares = np.exp(last - total)
        if self.zero_infinity:
            shares[:, np.isinf(total)] = 0
        ends = np.zeros(paths.shape)
        rows = np.arange(len(ends))
        ends[rows, 2 * lengths] = shares[0]
        some = lengths > 0
        ends[rows[some], 2 * lengths[some] - 1] = shares[1, some]
        return ends

    def _is_batch(self, log_probs: Any) -> bool:
        self.require_floating(log_probs, "first input, log_probs,")
        if np.ndim(log_probs) not in (2, 3) or not log_probs.shape[-1]:
            raise ValueError(
                f"{self.name}: log_probs should have shape (T, N, C), or (T, C) for one sequence, "
                f"with at least one class, but it has shape {np.shape(log_probs)}"
            )
        return np.ndim(log_probs) == 3

    def _lengths(self, name: str, given: Any, batch: int, most: int | None = None) -> Array:
        """Return lengths as integers of shape (N,), checked."""
        lengths = as_indices(self.name, given, name).astype(np.int64)
        expected = (batch,) if self.batched_input else ()
        if lengths.shape not in {expected, (batch,)}:
            raise ValueError(
                f"{self.name}: {name} should hold one length for each of the {batch} sequences, "
                f"but it has shape {lengths.shape}"
            )
        wrong = (lengths < 0) | (lengths > (np.inf if most is None else most))
        if wrong.any():
            raise ValueError(
                f"{self.name}: {name} should be from 0 "
                f"{'up' if most is None else f'to the {most} time steps of log_probs'}, but "
                f"{lengths[wrong].flat[0]} was given"
            )
        return lengths.reshape(batch)

    def _padded(self, targets: Any, lengths: Array, blank: int, classes: int) -> Array:
        """Return the labels of each sequence as a row, filled up with blanks."""
        given, total = as_indices(self.name, targets, "targets"), int(lengths.sum())
        longest = int(lengths.max(initial=0))
        wide = given.ndim == 2 and len(given) == len(lengths) and given.shape[1] >= longest
        alone = not self.batched_input and given.ndim == 1 and len(given) >= longest
        if not (wide or alone or given.shape == (total,)):
            raise ValueError(
                f"{self.name}: targets should have shape (N, S), here ({len(lengths)}, {longest}) "
                f"or wider, or be all labels in a row, here of shape ({total},), but they have "
                f"shape {given.shape}"
            )
        inside = np.arange(longest) < lengths[:, None]
        labels = np.full(inside.shape, blank)
        labels[inside] = given[:, :longest][inside] if wide else given[:total]
        check_range(self.name, labels[inside], classes, "targets")
        if (labels[inside] == blank).any():
            raise ValueError(
                f"{self.name}: the targets contain {blank}, which is the blank; use another class "
                "for it, or pass blank="
            )
        return labels

    def _require_alignments(self, durations: Array, lengths: Array, labels: Array) -> None:
        """Refuse sequences that have too few time steps for their labels."""
        pairs = np.arange(1, max(labels.shape[1], 1)) < lengths[:, None]
        repeats = ((labels[:, 1:] == labels[:, :-1]) & pairs).sum(axis=1)
        short = durations < lengths + repeats
        if short.any():
            row = int(np.argmax(short))
            raise ValueError(
                f"{self.name}: sequence {row} has no alignment: its {lengths[row]} labels, of "
                f"which {repeats[row]} repeat the one before and need a blank between, take "
                f"{lengths[row] + repeats[row]} time steps, but it has {durations[row]}; leave it "
                "out, or pass zero_infinity=True, so that its loss and gradient are 0"
            )


def _emissions(probs: Array, places: Array, durations: Array) -> Array:
    """Return the logarithms of the probabilities at each place, of shape (T, N, places).

    Steps that do not count may hold anything, NaN too.
    """
    emissions = np.take_along_axis(probs, places[None], axis=2).astype(np.float64)
    emissions[np.arange(len(probs))[:, None] >= durations] = 0
    return emissions


def _start(shape: tuple[int, ...]) -> Array:
    """Return the paths before the first step: one, at the first place."""
    paths = np.full(shape, -inf)
    paths[:, 0] = 0
    return paths


def _arrive(paths: Array, skips: Array, out: Array) -> None:
    """Fill in log of the probability to come to each place, from it and from those before."""
    out[:] = paths
    np.logaddexp(out[:, 1:], paths[:, :-1], out=out[:, 1:])
    np.logaddexp(out[:, 2:], np.where(skips, paths[:, :-2], -inf), out=out[:, 2:])


def _flow_back(presence: Array, paths: Array, arrivals: Array, skips: Array) -> Array:
    """Return the presence one step before: each place's goes back to where its paths came from."""
    reached = np.where(np.isneginf(arrivals), 0, arrivals)  # nothing is present elsewhere
    before = presence * np.exp(paths - reached)
    before[:, :-1] += presence[:, 1:] * np.exp(paths[:, :-1] - reached[:, 1:])
    skipping = np.where(skips, paths[:, :-2] - reached[:, 2:], -inf)
    before[:, :-2] += presence[:, 2:] * np.exp(skipping)
    return np.asarray(before)


def _at_the_end(paths: Array, lengths: Array) -> Array:
    """Return the paths that end in the last blank, and those that end in the last label."""
    rows = np.arange(len(paths))
    label = np.where(lengths > 0, paths[rows, np.maximum(2 * lengths - 1, 0)], -inf)
    return np.stack([paths[rows, 2 * lengths], label])


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Loss of label sequences of which it is not known when each label is emitted (CTC).

    Parameters
    ----------
    log_probs : Tensor
        Logarithms of probabilities, such as log_softmax gives, floating: of shape (T, N, C) for T
        time steps, N sequences and C classes, or (T, C) for one sequence.
    targets : Tensor, array or sequence
        Labels from 0 to C - 1 but not `blank`: of shape (N, S), each row filled up with anything;
        or all labels of all sequences in a row. Integers, or floats that are whole numbers.
    input_lengths, target_lengths : Tensor, array, sequence or int
        How many time steps and how many labels of each sequence count, of shape (N,), or () for
        one sequence.
    blank : int
        The class that stands for no label.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the single sequences. For the mean each is first divided by
        the number of its labels, or by 1 where it has none. The mean of no sequence is NaN.
    zero_infinity : bool
        Whether a sequence without a possible alignment has loss and gradient 0.

    Returns
    -------
    Tensor
        Of shape (), or (N,) where reduction="none". The gradient of `log_probs` is, times the
        loss's own, minus the probability that the class is emitted at the time step, given the
        target; 0 at time steps that do not count.

    Raises
    ------
    ValueError
        If a sequence has no alignment, because it has fewer time steps than it has labels and
        repeated labels, and `zero_infinity` is not set; if shapes or lengths do not fit; if a label
        is the blank.
    IndexError
        If a label or `blank` is not from 0 to C - 1.
    TypeError
        If `log_probs` is not floating, or labels or lengths are not whole numbers.

    Notes
    -----
    PyTorch gives an infinite loss where there is no alignment. It also adds the probabilities
    themselves to the gradient of `log_probs`; what comes out of a log_softmax before is the same.
    Where alignments exist, but all have a logarithm of -inf, the loss is infinite and the gradient
    NaN, or both 0 by `zero_infinity`.

    References
    ----------
    Graves et al. (2006), Connectionist temporal classification, ICML 23:369-376.

    Examples
    --------
    >>> log_probs = Tensor(np.full((2, 1, 3), 1 / 3)).log()
    >>> ctc_loss(log_probs, [[1]], [2], [1]).item()  # of 9 paths 3 say 1: "1-", "-1" and "11"
    1.0986122886681098
    """
    return CTCBackward.call(
        log_probs,
        targets,
        input_lengths,
        target_lengths,
        blank=blank,
        reduction=reduction,
        zero_infinity=zero_infinity,
    )


def _reference(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Sum over all paths there are, one by one."""
    batched = log_probs.ndim == 3
    probs = np.exp(log_probs if batched else log_probs[:, None])
    durations, lengths = np.atleast_1d(input_lengths), np.atleast_1d(target_lengths)
    starts = np.cumsum(lengths) - lengths
    losses = np.zeros(len(lengths))
    for n, (duration, length) in enumerate(zip(durations, lengths, strict=True)):
        row = targets[n] if np.ndim(targets) == 2 else targets[starts[n] :]
        wanted, total = list(row[:length]), 0.0
        for path in itertools.product(range(probs.shape[2]), repeat=int(duration)):
            if [label for label, _ in itertools.groupby(path) if label != blank] == wanted:
                total += np.prod([probs[t, n, label] for t, label in enumerate(path)])
        losses[n] = -np.log(total) if total or not zero_infinity else 0
    if reduction == "mean":
        losses = losses / np.maximum(lengths, 1)
    return plain_reduction(losses if batched else losses[0], reduction)


def _log_softmax(x: Array) -> Array:
    return np.asarray(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))


def _samples() -> list[Sample]:
    x = _log_softmax(uniform((5, 3, 3)))
    padded, row = np.array([[1, 2, 0], [1, 1, 9], [2, 2, 1]]), np.array([1, 2, 1, 1, 2])
    return [
        *(sample(x, padded, [5, 5, 5], [2, 2, 3], 0, r) for r in REDUCTIONS),
        *(sample(x, row, (5, 4, 3), (2, 2, 1), reduction=r) for r in REDUCTIONS),
        *(sample(x[:, 0], np.array(t), 5, len(t), 0, r) for t in ([1, 1], [2]) for r in REDUCTIONS),
        sample(x, np.array([[0, 1], [1, 0], [0, 0]]), [5, 4, 3], [2, 2, 2], blank=2),
        sample(x, padded, [5, 3, 1], [0, 1, 0], reduction="none"),
        sample(x, padded, [1, 5, 2], [2, 2, 2], zero_infinity=True),
        sample(x, padded, [0, 5, 5], [0, 1, 2], reduction="none"),
        sample(x, padded, [3, 3, 4], [2, 2, 3], reduction="none", zero_infinity=True),
        sample(x[:1, :1], np.array([[1]]), [1], [1]),
        sample(x[:2, :1], np.zeros((1, 0), int), np.array([2]), np.array([0])),
        sample(_log_softmax(30 * uniform((4, 2, 3))), np.array([1, 2, 1]), [4, 4], [2, 1]),
        sample(x[:, 0], np.array([1, 2]), np.array(4), np.array(2), reduction="none"),
    ]


_PROBS, _TARGETS = _log_softmax(uniform((4, 2, 3))), np.array([[1, 2], [1, 1]])

OPERATIONS = [
    Operation(
        ctc_loss,
        CTCBackward,
        samples=_samples,
        bad_inputs=[
            bad(
                ValueError,
                "sequence 1 has.*take 3.*has 2",
                _PROBS,
                _TARGETS,
                [4, 2],
                [2, 2],
            ),
            bad(ValueError, "sequence 0 has no alignment", _PROBS, _TARGETS, [1, 4], [2, 2]),
            bad(ValueError, "contain 1, which is the blank", _PROBS, _TARGETS, [4, 4], [2, 2], 1),
            bad(ValueError, "4 time steps of log_probs, but 5", _PROBS, _TARGETS, [4, 5], [2, 2]),
            bad(ValueError, "from 0 up, but -1", _PROBS, _TARGETS, [4, 4], [2, -1]),
            bad(ValueError, "each of the 2 sequences", _PROBS, _TARGETS, [4], [2, 2]),
            bad(ValueError, r"here \(2, 3\) or wider", _PROBS, _TARGETS, [4, 4], [2, 3]),
            bad(ValueError, r"here of shape \(4,\)", _PROBS, np.ones(3, int), [4, 4], [2, 2]),
            bad(ValueError, r"shape \(T, N, C\)", uniform(()), _TARGETS, [4, 4], [2, 2]),
            bad(ValueError, "at least one class", uniform((2, 0)), _TARGETS, [4, 4], [2, 2]),
            bad(ValueError, "reduction should be", _PROBS, _TARGETS, [4, 4], [2, 2], 0, "max"),
            bad(IndexError, "targets should be from 0 to 2", _PROBS, 2 * _TARGETS, [4, 4], [2, 2]),
            bad(IndexError, "blank should be from 0 to 2", _PROBS, _TARGETS, [4, 4], [2, 2], 3),
            bad(TypeError, "targets.* not whole", _PROBS, _TARGETS / 2, [4, 4], [2, 2]),
            bad(TypeError, "input_lengths.*not whole", _PROBS, _TARGETS, [4.5, 4], [2, 2]),
            bad(TypeError, "blank should be integers", _PROBS, _TARGETS, [4, 4], [2, 2], "a"),
            bad(TypeError, "should be floating", _TARGETS, _TARGETS, [4, 4], [2, 2]),
        ],
        reference=_reference,
        torch="nn.functional.ctc_loss",
        twice_differentiable=False,
    ),
]
