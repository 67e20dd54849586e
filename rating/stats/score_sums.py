"""What battles do to strengths, to first order: scores summed by question or by annotator, and the inverse information.

The inverse information times the score of a battle is what the battle moves; a covariance is made of the sums of such
scores by question, as in Liang and Zeger (1986), Biometrika 73.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.stats.arrays import Floats, Ints, compressed
from rating.stats.battles import Battles
from rating.stats.bradley_terry import _pseudo_battles
from rating.stats.newton import components, information_of, solve

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def members_of(component: Ints) -> list[Ints]:
    """The models of each component, one array each; models of component -1 are in none."""
    return [np.flatnonzero(component == part) for part in range(int(component.max(initial=-1)) + 1)]


def asked(cluster: Ints, part: Ints, *, parts: int) -> tuple[Ints, Floats]:
    """Questions G of each component (parts,), and the factor G/(G - 1) of its second moments; 1 for one question.

    `cluster`, `part` (n,): question and component of each battle. A question that two components share is one in each,
    as in rating.stats.bradley_terry.fit.
    """
    number, _ = compressed(cluster)
    seen = (
        np.unique(number * parts + part) % parts if parts > 1 else np.zeros(int(number.max(initial=-1)) + 1, np.int64)
    )
    total = np.bincount(seen, minlength=parts)
    return total, np.where(total > 1, total / np.maximum(total - 1, 1), 1.0)


def pseudo_battles(wins: Floats, games: Floats, component: Ints, *, prior: float | None = None) -> Floats:
    """Pseudo-battles (m, m), all ties, of the pairs that met: `prior`, or what their component needs to be finite."""
    added = np.zeros_like(games)
    for members in members_of(component):
        block = np.ix_(members, members)
        added[block] = (games[block] > 0) * _pseudo_battles(wins[block], prior)
    return added


def regular(wins: Floats, games: Floats) -> tuple[Floats, Floats]:
    """Wins and games (m, m) that have finite strengths: with pseudo-battles in the components that need them."""
    added = pseudo_battles(wins, games, components(games))
    return wins + added / 2, games + added


def solved(wins: Floats, games: Floats, component: Ints) -> Floats:
    """Strengths (m,) in nats, mean zero over each component; NaN for component -1. Raises NotConverged."""
    strength = np.full(component.size, np.nan)
    for members in members_of(component):
        block = np.ix_(members, members)
        strength[members] = solve(wins[block], games[block])
    return strength


def inverse_information(games: Floats, strength: Floats, component: Ints) -> Floats:
    """Pseudo-inverse (m, m) of the information: of strengths with mean zero in each component, 0 elsewhere."""
    whole, inverse = information_of(games, np.nan_to_num(strength)), np.zeros_like(games)
    for members in members_of(component):
        block = np.ix_(members, members)
        k = members.size
        level = np.trace(whole[block]) / k  # the size given to the direction that battles do not determine
        inverse[block] = np.linalg.inv(whole[block] + level / k) - 1.0 / (level * k)
    return inverse


def score_sums(battles: Battles, strength: Floats, *, group: Ints, groups: int) -> csr_matrix:
    """Scores summed by group, sparse (groups, m): for each battle, share less chance to first, the opposite to second.

    `group` (n,): the question or annotator of each battle, from 0.
    """
    expected = 0.5 * (1.0 + np.tanh((strength[battles.first] - strength[battles.second]) / 2.0))
    residual = battles.share() - expected
    return summed(battles, residual, -residual, group=group, shape=(groups, strength.size))


def summed(battles: Battles, of_first: Floats, of_second: Floats, *, group: Ints, shape: tuple[int, int]) -> csr_matrix:
    """What each battle gives to its first and second model (n,), summed by group: sparse, `shape` (groups, m)."""
    from scipy.sparse import coo_matrix  # 0.1 s, not at import

    rows, columns = np.concatenate([group, group]), np.concatenate([battles.first, battles.second])
    return coo_matrix((np.concatenate([of_first, of_second]), (rows, columns)), shape=shape).tocsr()


def moment(a: csr_matrix, b: csr_matrix) -> Floats:
    """Sum over groups of the outer products of their rows (m, m): aᵀ b, dense."""
    product: Floats = (a.T @ b).toarray()
    return product
