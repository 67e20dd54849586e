"""Ratings and agreement: arrays in, frozen dataclasses of arrays out; no Django, no pandas.

>>> battles = Battles(first=[0, 0, 1, 0], second=[1, 1, 0, 1], value=[1, 1, 1, 0], cluster=[0, 1, 2, 3])
>>> board = fit(battles, 2); ranks = rank_ranges(board)  # board.rating, .low, .high; ranks.low, .high
>>> agree(item=[0, 0, 1, 1], judge=[0, 1, 0, 1], value=[2, 2, 0, 1], values=3).raw
0.5
"""

from rating.stats.agreement import NO_PAIRS, ONE_UNIT, ONE_VALUE, Agreement, JudgePair, agree, pairwise_table
from rating.stats.battles import Battles, Counts, counts
from rating.stats.bias import Share, consistency, first_slot_share, flip_rate, longer_share, share_of
from rating.stats.bradley_terry import DISCONNECTED, FEW_CLUSTERS, NO_SPREAD, SEPARATED, Strengths, fit, fit_counts
from rating.stats.elo import ShuffledElo, online_elo, shuffled_elo
from rating.stats.errors import ImpossibleInput, NotConverged, StatsError, TooLittleData
from rating.stats.intervals import wilson
from rating.stats.kappa import ac1, cohen_kappa, fleiss_kappa
from rating.stats.krippendorff import alpha, alpha_interval, jackknife_error, votes_by_item
from rating.stats.ranks import Ranks, rank_ranges
from rating.stats.rates import WinRates, battle_matrix, fraction_matrix, mean_rates, win_rates
from rating.stats.scores import ALL_EQUAL, ONE_QUESTION, Means, mean_scores, rank_means
from rating.stats.scores_agreement import agree_on_scores
from rating.stats.totals import weighted_total

__all__ = [
    "ALL_EQUAL",
    "DISCONNECTED",
    "FEW_CLUSTERS",
    "NO_PAIRS",
    "NO_SPREAD",
    "ONE_QUESTION",
    "ONE_UNIT",
    "ONE_VALUE",
    "SEPARATED",
    "Agreement",
    "Battles",
    "Counts",
    "ImpossibleInput",
    "JudgePair",
    "Means",
    "NotConverged",
    "Ranks",
    "Share",
    "ShuffledElo",
    "StatsError",
    "Strengths",
    "TooLittleData",
    "WinRates",
    "ac1",
    "agree",
    "agree_on_scores",
    "alpha",
    "alpha_interval",
    "battle_matrix",
    "cohen_kappa",
    "consistency",
    "counts",
    "first_slot_share",
    "fit",
    "fit_counts",
    "fleiss_kappa",
    "flip_rate",
    "fraction_matrix",
    "jackknife_error",
    "longer_share",
    "mean_rates",
    "mean_scores",
    "online_elo",
    "pairwise_table",
    "rank_means",
    "rank_ranges",
    "share_of",
    "shuffled_elo",
    "votes_by_item",
    "weighted_total",
    "wilson",
    "win_rates",
]
