"""Ratings and agreement: arrays in, frozen dataclasses of arrays out; no Django, no pandas.

>>> battles = Battles(first=[0, 0, 1, 0], second=[1, 1, 0, 1], value=[1, 1, 1, 0], cluster=[0, 1, 2, 3])
>>> board = fit(battles, 2); ranks = rank_ranges(board)  # board.rating, .low, .high; ranks.low, .high
>>> agree(item=[0, 0, 1, 1], judge=[0, 1, 0, 1], value=[2, 2, 0, 1], values=3).raw
0.5
"""

from rating.stats.against_people import (
    AgainstPeople,
    AmongPeople,
    WithPeople,
    against_people,
    among_people,
    with_people,
)
from rating.stats.agreement import (
    ALL_ALIKE,
    FEW_UNITS,
    NO_DISAGREEMENT,
    NO_PAIRS,
    ONE_UNIT,
    ONE_VALUE,
    Agreement,
    JudgePair,
    agree,
    pairwise_table,
)
from rating.stats.agreement_table import AgreementRow, agreement_table
from rating.stats.alternative_annotator import AlternativeTest, alternative_test
from rating.stats.annotators import annotator_table
from rating.stats.baseline_rates import BaselineRates, baseline_rates
from rating.stats.battles import Battles, Counts, counts
from rating.stats.bias import (
    Beside,
    Cases,
    Share,
    beside,
    consistency,
    first_slot_share,
    flip_rate,
    longer_share,
    richer_share,
    self_preference,
    share_of,
    share_of_cases,
)
from rating.stats.bootstrap import Bootstrap, bootstrap_counts, bootstrap_questions
from rating.stats.bradley_terry import (
    DISCONNECTED,
    FEW_CLUSTERS,
    NO_SPREAD,
    POINTS_PER_NAT,
    SEPARATED,
    WIDENED,
    Strengths,
    fit,
    fit_counts,
)
from rating.stats.calibrated import (
    FEW_PAIRED,
    NOTHING_MORE,
    PEOPLE_SEPARATED,
    Calibrated,
    CalibratedMean,
    calibrated,
    calibrated_mean,
)
from rating.stats.changes import ALONE, UNPAIRED, Changes, RatingChanges, rating_changes, win_rate_changes
from rating.stats.confidence import Confidence, Level, confidence, expected_error
from rating.stats.contrasts import strength_contrasts
from rating.stats.dawid_skene import Consensus, dawid_skene
from rating.stats.elo import ShuffledElo, online_elo, shuffled_elo
from rating.stats.errors import ImpossibleInput, NotConverged, StatsError, TooLittleData
from rating.stats.icc import Icc, icc
from rating.stats.influence import LeftOut, Overturn, leave_one_out, overturn_leader
from rating.stats.intervals import wilson
from rating.stats.kappa import ac1, ac2, cohen_kappa, fleiss_kappa, scott_pi
from rating.stats.krippendorff import alpha, alpha_interval, jackknife_error, votes_by_item
from rating.stats.length_control import LengthControlled, difficulty_from, length_controlled, predicted_rate
from rating.stats.needed import Needed, items_needed, needed
from rating.stats.next_pair import NextPairs, next_pairs, next_pairs_by_category
from rating.stats.pace import HURRIES, Pace, paces
from rating.stats.pairwise import PairwiseKappa, pairwise_kappa
from rating.stats.rank_agreement import RankAgreement, rank_agreement
from rating.stats.ranks import Ranks, rank_ranges
from rating.stats.rates import WinRates, battle_matrix, fraction_matrix, mean_rates, win_rates, win_rates_of_counts
from rating.stats.reliability import Reliability, reliability
from rating.stats.scores import (
    ALL_EQUAL,
    ONE_QUESTION,
    Means,
    battles_of_scores,
    mean_contrasts,
    mean_scores,
    rank_means,
)
from rating.stats.scores_agreement import agree_on_scores
from rating.stats.style import Styled, fit_styled, relative_difference
from rating.stats.ties import (
    DAVIDSON,
    HALF_WIN,
    INDEPENDENT,
    RAO_KUPPER,
    TieComparison,
    TieModel,
    compare_ties,
    davidson,
    rao_kupper,
)
from rating.stats.totals import Totals, total_intervals, weighted_total

__all__ = [
    "ALL_ALIKE",
    "ALL_EQUAL",
    "ALONE",
    "AgainstPeople",
    "Agreement",
    "AgreementRow",
    "AlternativeTest",
    "AmongPeople",
    "BaselineRates",
    "Battles",
    "Beside",
    "Bootstrap",
    "Calibrated",
    "CalibratedMean",
    "Cases",
    "Changes",
    "Confidence",
    "Consensus",
    "Counts",
    "DAVIDSON",
    "DISCONNECTED",
    "FEW_CLUSTERS",
    "FEW_PAIRED",
    "FEW_UNITS",
    "HALF_WIN",
    "HURRIES",
    "INDEPENDENT",
    "Icc",
    "ImpossibleInput",
    "JudgePair",
    "LeftOut",
    "LengthControlled",
    "Level",
    "Means",
    "NOTHING_MORE",
    "NO_DISAGREEMENT",
    "NO_PAIRS",
    "NO_SPREAD",
    "Needed",
    "NextPairs",
    "NotConverged",
    "ONE_QUESTION",
    "ONE_UNIT",
    "ONE_VALUE",
    "Overturn",
    "PEOPLE_SEPARATED",
    "Pace",
    "POINTS_PER_NAT",
    "PairwiseKappa",
    "RAO_KUPPER",
    "RankAgreement",
    "Ranks",
    "RatingChanges",
    "Reliability",
    "SEPARATED",
    "Share",
    "ShuffledElo",
    "StatsError",
    "Strengths",
    "Styled",
    "TieComparison",
    "TieModel",
    "TooLittleData",
    "Totals",
    "UNPAIRED",
    "WIDENED",
    "WinRates",
    "WithPeople",
    "ac1",
    "ac2",
    "against_people",
    "agree",
    "agree_on_scores",
    "agreement_table",
    "alpha",
    "alpha_interval",
    "alternative_test",
    "among_people",
    "annotator_table",
    "baseline_rates",
    "battle_matrix",
    "battles_of_scores",
    "beside",
    "bootstrap_counts",
    "bootstrap_questions",
    "calibrated",
    "calibrated_mean",
    "cohen_kappa",
    "compare_ties",
    "confidence",
    "consistency",
    "counts",
    "davidson",
    "dawid_skene",
    "difficulty_from",
    "expected_error",
    "first_slot_share",
    "fit",
    "fit_counts",
    "fit_styled",
    "fleiss_kappa",
    "flip_rate",
    "fraction_matrix",
    "icc",
    "items_needed",
    "jackknife_error",
    "leave_one_out",
    "length_controlled",
    "longer_share",
    "mean_contrasts",
    "mean_rates",
    "mean_scores",
    "needed",
    "next_pairs",
    "next_pairs_by_category",
    "online_elo",
    "overturn_leader",
    "paces",
    "pairwise_kappa",
    "pairwise_table",
    "predicted_rate",
    "rank_agreement",
    "rank_means",
    "rank_ranges",
    "rao_kupper",
    "rating_changes",
    "relative_difference",
    "reliability",
    "richer_share",
    "scott_pi",
    "self_preference",
    "share_of",
    "share_of_cases",
    "shuffled_elo",
    "strength_contrasts",
    "total_intervals",
    "votes_by_item",
    "weighted_total",
    "wilson",
    "win_rate_changes",
    "win_rates",
    "win_rates_of_counts",
    "with_people",
]
