"""Battles and votes in files, rated without a database."""

from rating.files.battles import BattleFile, read
from rating.files.problems import BadFile
from rating.files.votes import VoteFile, read_votes

__all__ = ["BadFile", "BattleFile", "VoteFile", "read", "read_votes"]
