"""rate FILE: a published battle file rated on the spot, without a database."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from django.core.management import BaseCommand, CommandError

from rating import stats
from rating.files import BadFile, BattleFile, read
from rating.printing import as_csv, table
from rating.ratings import number
from rating.stats.ranks import Ranks, ranked

FIELDS = ("rank", "rank_low", "rank_high", "model", "rating", "low", "high", "n", "win_rate")


class Command(BaseCommand):
    help = "Rate a battle file (model_a, model_b, winner; CSV, JSON or JSONL) without touching the database."
    requires_system_checks: list = []
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--method", choices=("bt", "elo"), default="bt")
        parser.add_argument("--anonymous-only", action="store_true", help="only rows whose column anony is true")
        parser.add_argument("--k", type=float, default=32.0, help="Elo's K (default: 32)")
        parser.add_argument("--format", choices=("table", "json", "csv"), default="table")

    def handle(self, *args, **options):
        try:
            battles = read(options["file"], anonymous_only=options["anonymous_only"])
            rows = _bt(battles) if options["method"] == "bt" else _elo(battles, options["k"])
        except (BadFile, stats.StatsError) as error:
            raise CommandError(str(error), returncode=2) from None
        cells = [[row[name] for name in FIELDS] for row in rows]
        if options["format"] == "json":
            about = {"benchmark": options["file"].name, "category": "all", "source": "all", "method": options["method"]}
            self.stdout.write(json.dumps({**about, "n": len(battles.battles), "rows": rows}, ensure_ascii=False))
        else:
            self.stdout.write(as_csv(FIELDS, cells) if options["format"] == "csv" else table(FIELDS, cells))


def _bt(file: BattleFile) -> list[dict]:
    fitted = stats.fit(file.battles, len(file.models))
    return _rows(file, fitted.rating, fitted.low, fitted.high, stats.rank_ranges(fitted))


def _elo(file: BattleFile, k: float) -> list[dict]:
    """Elo in time order; low and high are what other orders of the same battles give."""
    rating = stats.online_elo(file.battles, len(file.models), k=k)
    spread = stats.shuffled_elo(file.battles, len(file.models), k=k)
    low, high = np.minimum(spread.low, rating), np.maximum(spread.high, rating)
    ranks = ranked(rating, low[:, None] > high[None, :], component=np.zeros(len(rating), dtype=np.int64))
    return _rows(file, rating, low, high, ranks)


def _rows(file: BattleFile, rating, low, high, ranks: Ranks) -> list[dict]:
    rates = stats.win_rates(file.battles, len(file.models))
    rows = [
        {
            "model": model,
            "rating": number(rating[place]),
            "low": number(low[place]),
            "high": number(high[place]),
            "rank": int(ranks.rank[place]) or None,
            "rank_low": int(ranks.low[place]) or None,
            "rank_high": int(ranks.high[place]) or None,
            "n": int(rates.n[place]),
            "win_rate": number(rates.win_rate[place]),
        }
        for place, model in enumerate(file.models)
    ]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"], row["model"]))
