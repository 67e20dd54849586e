"""What follows from the record: snapshots of ratings and agreement, scores measured elsewhere, profiles."""

from rating.models.agreement import Agreement, Health
from rating.models.board import BoardContrasts, Grouping, Leaderboard, LiveBoard, Rating, Snapshot, SnapshotTable
from rating.models.counts import PairCount, ScoreCount
from rating.models.score import Profile, Score

__all__ = [
    "Agreement",
    "BoardContrasts",
    "Grouping",
    "Health",
    "Leaderboard",
    "LiveBoard",
    "PairCount",
    "Profile",
    "Rating",
    "Score",
    "ScoreCount",
    "Snapshot",
    "SnapshotTable",
]
