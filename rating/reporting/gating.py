"""A profile's gates held against a model as the database knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from arena.models import Benchmark, Category, LanguageModel
from judging.models import Rubric
from rating import boards
from rating.counting import PEOPLE
from rating.data import newest, silent_members
from rating.gates import Facts, Gates, Unknown, judged, share_at
from rating.models import PairCount, Profile, Snapshot
from rating.reporting.building import report_of
from rating.reporting.report import Measure, RatedLine, Report
from rating.seen import EVERYTHING, Seen


class NoSuchModel(ValueError):
    """No model, or more than one, is called that; the message says which there are."""


def model_called(name: str, version: str = "") -> LanguageModel:
    """The model of this name, or "NAME VERSION"; with `version` that one. One or two queries. Raises NoSuchModel."""
    rows = LanguageModel.objects.filter(name=name, **({"version": version} if version else {}))
    found = list(rows)
    if not found and not version and " " in name:
        *_rest, last = name.rpartition(" ")
        found = list(LanguageModel.objects.filter(name=name.rpartition(" ")[0], version=last))
    if len(found) == 1:
        return found[0]
    if found:
        versions = ", ".join(one.version for one in found)
        raise NoSuchModel(f"there are several models {name!r}: name the version, one of {versions}")
    told = f"{name} {version}".strip()
    there = ", ".join(f"{one.name} {one.version}" for one in LanguageModel.objects.all()[:20])
    raise NoSuchModel(f"there is no model {told!r}; there are: {there or 'none yet'}")


def gates_of(model: LanguageModel, profile: Profile, *, report: Report | None = None, seen: Seen = EVERYTHING) -> Gates:
    """How the profile's gates come out for the model, by what is `seen`; `report` is its report, where it was read already."""
    report = report or report_of(model, seen=seen)
    others: dict[str, Report | None] = {}

    def other(name: str) -> Report | None:
        if name not in others:
            try:
                others[name] = report_of(model_called(name), basis=report.basis, seen=seen)
            except NoSuchModel:
                others[name] = None
        return others[name]

    def won(gate: Mapping[str, Any], name: str) -> Measure | None:
        rival = other(name)
        return None if rival is None else won_against(report, rival.model.pk, gate, seen=seen)

    def half(mine: RatedLine, theirs: RatedLine, rival: Report) -> float | None:
        return half_of(mine, theirs, (report.model.pk, rival.model.pk))

    return judged(profile.name, profile.gates, Facts(report, other, won, half))


def half_of(mine: RatedLine, theirs: RatedLine, models: tuple[int, int]) -> float | None:
    """Half the width of the interval of the difference of these two models' lines; None where that is not kept. Three queries.

    Raises Unknown where the board's models fall into groups that never met.
    """
    if mine.snapshot.pk != theirs.snapshot.pk:
        return None
    snapshot = Snapshot.objects.select_related("leaderboard__benchmark").get(pk=mine.snapshot.pk)
    board = boards.board_in(
        snapshot,
        snapshot.leaderboard.benchmark,
        category=mine.category,
        source=mine.source,
        method=mine.method,
    )
    if board.is_split:
        raise Unknown(
            _("the models of this board fall into groups that never met, so there is no difference on one scale")
        )
    rows = {row.model_id: row for row in board.rows}
    one, other = (rows[model] for model in models)
    return boards.duel(board, one, other).half


def won_against(report: Report, rival: int, gate: Mapping[str, Any], *, seen: Seen = EVERYTHING) -> Measure | None:
    """How often the model beat the one of this id, ties as half, by the counts that stand; None where they never met.

    The interval is as wide as that of the model's own board for judgments on common questions. Five queries. Raises Unknown where counts that move are kept from the reader.
    """
    name, version = gate["benchmark"].rpartition(" v")[::2]
    benchmarks = Benchmark.objects.filter(name=gate["benchmark"]) | Benchmark.objects.filter(name=name, version=version)
    found = list(benchmarks[:2])
    pair = sorted((report.model.pk, rival))
    if len(found) != 1 or pair[0] == pair[1]:
        return None
    if seen.is_held(found[0]):
        raise Unknown(_("people are voting on this benchmark: its counts are told when they are done"))
    rows = PairCount.objects.filter(benchmark=found[0], first=pair[0], second=pair[1], n__gt=0)
    if gate.get("category"):
        rows = rows.filter(category__in=Category.objects.filter(key=gate["category"]).values("pk"))
    counts = list(rows.values_list("rubric", "judge", "n", "share"))
    kept = set(newest(Rubric.objects.values_list("pk", "name", "version"), {rubric for rubric, *_rest in counts}))
    silent, source = set(silent_members(found[0].pk)), gate.get("source") or "all"
    counts = [
        (n, share)
        for rubric, judge, n, share in counts
        if rubric in kept and judge not in silent and source in ("all", "people" if judge == PEOPLE else "judges")
    ]
    n, share = (float(np.sum(part)) for part in zip(*counts, strict=True)) if counts else (0.0, 0.0)
    if not n:
        return None
    return share_at(
        (share if pair[0] == report.model.pk else n - share) / n, round(n), _inflation(report, found[0], gate)
    )


def _inflation(report: Report, benchmark: Benchmark, gate: Mapping[str, Any]) -> float | None:
    place = (str(benchmark), gate.get("source") or "all", gate.get("category") or "", "bt")
    rows = (row for row in report.ratings if (row.benchmark_key, row.source, row.category, row.method) == place)
    return next((row.inflation for row in rows), None)
