"""Dawid and Skene's model: what each annotator says for each true value, and what is probably true of each item.

Source: Dawid and Skene (1979), Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, Journal of the
Royal Statistical Society C 28. Smoothed by pseudo-votes, so that a value an annotator never gave is rare, not impossible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rating.stats.arrays import Floats, Ints, codes, compressed, same_length
from rating.stats.errors import ImpossibleInput, NotConverged, TooLittleData
from rating.stats.kappa import check_values

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

UNKNOWN = -1
"""Label of an item whose two likeliest values are equally likely."""
MOST_ROUNDS = 1000
SMOOTHING = 0.01
TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Consensus:
    """What is probably true, and how good each annotator is; n items, m annotators, V values.

    `items` (n,), `annotators` (m,): their codes, sorted. `posterior` (n, V): chance of each value; `label` (n,): the likeliest, UNKNOWN
    where two are level. `prevalence` (V,): share of each value. `confusion` (m, V, V): chance that the annotator says
    the column where the row is true. `accuracy` (m,): expected share of right votes; `votes` (m,): how many it rests on.
    `log_likelihood` in nats, of the votes; `rounds` of EM.
    """

    items: Ints
    annotators: Ints
    posterior: Floats
    label: Ints
    prevalence: Floats
    confusion: Floats
    accuracy: Floats
    votes: Ints
    log_likelihood: float
    rounds: int


def dawid_skene(
    item: ArrayLike,
    annotator: ArrayLike,
    value: ArrayLike,
    *,
    values: int,
    smoothing: float = SMOOTHING,
    tolerance: float = TOLERANCE,
    most_rounds: int = MOST_ROUNDS,
) -> Consensus:
    """The consensus of votes, by EM from the majority.

    `item`, `annotator`, `value` (0..values-1): codes (n,); a repeated vote counts as another. `smoothing`: pseudo-votes in each cell of a
    confusion matrix, above 0. Ends where a round adds less than `tolerance` nats per vote to the penalised likelihood.
    With a handful of votes an annotator the likeliest model may be one value for all items: look at `votes`.
    Raises TooLittleData where no item has votes of two annotators, NotConverged after `most_rounds`, ImpossibleInput.
    """
    check_values(values)
    if not 0.0 < smoothing < np.inf or not 0.0 < tolerance < np.inf or most_rounds < 1:
        raise ImpossibleInput("smoothing and tolerance are above 0, and there is at least one round")
    what, who, said = codes(item, "item"), codes(annotator, "annotator"), codes(value, "value", below=values)
    if same_length(item=what, annotator=who, value=said) == 0:
        raise TooLittleData("no votes: nothing is known of any item")
    if not _is_shared(what, who):
        raise TooLittleData("no item has votes of two annotators: nothing says who is right")
    given = _given(what, who, said, values=values)
    posterior = _majority(given, values)
    reached = -np.inf
    for rounds in range(1, most_rounds + 1):
        model = _maximise(given, posterior, smoothing=smoothing)
        posterior, likelihood = _expect(given, model)
        penalised = likelihood + smoothing * float(np.log(model.confusion).sum() + np.log(model.prevalence).sum())
        if penalised - reached < tolerance * what.size:
            return _consensus(given, model, posterior, what=what, who=who, likelihood=likelihood, rounds=rounds)
        reached = penalised
    raise NotConverged(f"the consensus was still moving after {most_rounds} rounds")


@dataclass(frozen=True, slots=True)
class _Model:
    """`prevalence` (V,) and `confusion` (m, V, V): said the last, where the middle is true."""

    prevalence: Floats
    confusion: Floats


def _is_shared(what: Ints, who: Ints) -> bool:
    """Whether some item has votes of two annotators."""
    index, items = compressed(what)
    one = np.empty(items, dtype=np.int64)
    one[index] = who
    return bool((one[index] != who).any())


def _given(what: Ints, who: Ints, said: Ints, *, values: int) -> csr_matrix:
    """Votes as a sparse table (items, annotators × V)."""
    from scipy.sparse import csr_matrix

    (index, items), (number, annotators) = compressed(what), compressed(who)
    shape = (items, annotators * values)
    return csr_matrix((np.ones(what.size), (index, number * values + said)), shape=shape)


def _majority(given: csr_matrix, values: int) -> Floats:
    """Shares (items, V) of the votes on each item."""
    annotators = given.shape[1] // values
    counts = given @ np.tile(np.eye(values), (annotators, 1))
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _maximise(given: csr_matrix, posterior: Floats, *, smoothing: float) -> _Model:
    values = posterior.shape[1]
    said = (given.T @ posterior).reshape(-1, values, values).transpose(0, 2, 1) + smoothing
    share = posterior.sum(axis=0) + smoothing
    return _Model(prevalence=share / share.sum(), confusion=said / said.sum(axis=2, keepdims=True))


def _expect(given: csr_matrix, model: _Model) -> tuple[Floats, float]:
    """Posterior (items, V) and log-likelihood."""
    values = model.prevalence.size
    by_vote = np.log(model.confusion).transpose(0, 2, 1).reshape(-1, values)
    joint = given @ by_vote + np.log(model.prevalence)
    # a reduction over a short last axis is ten times slower than one over columns
    top: Floats = reduce(np.maximum, joint.T)
    likely = np.exp(joint - top[:, None])
    total = likely @ np.ones(values)
    return likely / total[:, None], float((top + np.log(total)).sum())


def _consensus(
    given: csr_matrix, model: _Model, posterior: Floats, *, what: Ints, who: Ints, likelihood: float, rounds: int
) -> Consensus:
    highest: Floats = reduce(np.maximum, posterior.T)
    level = (posterior >= highest[:, None] - 1e-9) @ np.ones(model.prevalence.size) > 1
    right = np.diagonal(model.confusion, axis1=1, axis2=2)
    return Consensus(
        items=np.unique(what),
        annotators=np.unique(who),
        posterior=posterior,
        label=np.where(level, UNKNOWN, posterior.argmax(axis=1)),
        prevalence=model.prevalence,
        confusion=model.confusion,
        accuracy=right @ model.prevalence,
        votes=np.bincount(compressed(who)[0]),
        log_likelihood=likelihood,
        rounds=rounds,
    )
