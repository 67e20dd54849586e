"""One board of a snapshot, shaped for reading: its rows with ranks and bars, what must be said beside them. Nothing is computed anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Exists, F, OuterRef, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from arena.models import Benchmark, Category, LanguageModel
from rating.axis import Axis
from rating.boards.coverage import Gap, baselines_of_categories, gaps
from rating.boards.line import FEW, Line
from rating.changed import names
from rating.contrasts import Contrasts, kept
from rating.models import Agreement, Health, Leaderboard, LiveBoard, Rating, Snapshot
from rating.stats.bradley_terry import DISCONNECTED
from rating.trust import Steadiness, steadiness
from rating.words import FEATURE_NAMES, REASONS, in_words

ALL = "all"
SOURCES = (Rating.ALL, Rating.PEOPLE, Rating.JUDGES, Rating.CALIBRATED)
NAMED = 5  # models that a note names before it says how many more there are
METHODS = tuple(Rating.Method.values)


class NoSuchBoard(ValueError):
    """A category or method that no board has; `what` names the parameter, `choices` what it may be."""

    def __init__(self, what: str, value: str, choices: Iterable[str]):
        self.what, self.value, self.choices = what, value, tuple(choices)
        super().__init__(f"no {what} {value!r}; there are: {', '.join(self.choices) or 'none'}")


@dataclass(frozen=True)
class Board:
    """The ratings of one benchmark by one source of votes and method, in one category (None = all) or one language ("" = all).

    `n` counts judgments: a battle is in the n of two models, a grade in the n of one. `rows` are ratings with
    their model loaded, best first, unrated last. `snapshot` is None before anything was rated. `live` is where the rows
    come from when votes have come since the snapshot; they are not saved as ratings.
    """

    benchmark: Benchmark
    snapshot: Snapshot | None
    category: Category | None
    source: str
    method: str
    rows: list[Rating]
    live: LiveBoard | None = None
    language: str = ""

    @property
    def n(self) -> int:
        total = sum(row.n for row in self.rows)
        return total if self.method == Rating.Method.SCORE else total // 2

    @property
    def excluded(self) -> dict[str, int]:
        """Judgments of the whole snapshot that were left out, by reason."""
        return {key: count for key, count in self.snapshot.excluded.items() if count} if self.snapshot else {}

    @property
    def left_out(self) -> list[tuple[Any, int]]:
        """The same, with each reason in the reader's words."""
        return [(REASONS.get(key, key), count) for key, count in self.excluded.items()]

    @property
    def level(self) -> float:
        """The level of the intervals, as a share."""
        return float(self.snapshot.recipe.get("level", 0.95)) if self.snapshot else 0.95

    @property
    def few(self) -> int:
        """Judgments below which a rating is marked as preliminary."""
        return int(self.snapshot.recipe.get("few") or FEW) if self.snapshot else FEW

    @property
    def place(self) -> dict[str, str]:
        """Which board of the snapshot this is, as notes and details name it."""
        return {
            "source": self.source, "method": self.method, "category": key_of(self.category), "language": self.language,
        }  # fmt: skip

    @property
    def total_mode(self) -> str:
        """Whether weighted totals are a "mean" or a "sum"."""
        return str(self.snapshot.recipe.get("total", "mean")) if self.snapshot else "mean"

    @cached_property
    def note_names(self) -> list[str]:
        """Names of what must be said about this board, in the order it was found."""
        if self.live:
            return list(self.live.notes)
        told = self.snapshot.notes if self.snapshot else []
        return list(dict.fromkeys(note["note"] for note in told if _is_about(note, self.place)))

    @property
    def notes(self) -> list[str]:
        """The same in the reader's words, after which models were judged less often."""
        return [*self._uneven, *(in_words(name) for name in self.note_names)]

    @cached_property
    def details(self) -> dict[str, Any]:
        """What the method says beside the ratings: coefficients of `style`, what `calibrated` found; empty for most."""
        told = self.snapshot.details if self.snapshot else []
        mine = (entry for entry in told if "method" in entry and _is_about(entry, self.place))
        return {name: value for name, value in next(mine, {}).items() if name not in self.place}

    @cached_property
    def speeds(self) -> dict[int, dict[str, Any]]:
        """How fast each model (id) answered, as `rating.pace_of_answers.speeds` found it for the snapshot; empty where it did not."""
        told = next(
            (entry["speed"] for entry in (self.snapshot.details if self.snapshot else []) if "speed" in entry), {}
        )
        return {int(model): speed for model, speed in told.items()}

    @property
    def style_rows(self) -> list[dict[str, Any]]:
        """The coefficients of style, each with its name in the reader's words."""
        return [
            {**row, "name": FEATURE_NAMES.get(row["feature"], row["feature"])} for row in self.details.get("style", [])
        ]

    @cached_property
    def contrasts(self) -> Contrasts | None:
        """What the models have in common; None where the snapshot does not keep it. One query."""
        return kept(
            self.snapshot, (self.source, self.method, self.category.pk if self.category else None, self.language)
        )

    @property
    def is_split(self) -> bool:
        """Whether the battles fall into groups of models that never met, so that no place holds over all of them."""
        return DISCONNECTED in self.note_names

    @property
    def is_score(self) -> bool:
        return self.method == Rating.Method.SCORE

    @cached_property
    def axis(self) -> Axis | None:
        """The one axis all bars share; None when nothing is rated."""
        ends = [end for row in self.rows for end in (row.rating, row.low, row.high) if end is not None]
        return Axis.around(ends) if ends else None

    @cached_property
    def lines(self) -> list[Line]:
        return [self._line(row, place) for place, row in enumerate(self.rows)]

    def _line(self, row: Rating, place: int) -> Line:
        bar = self.axis.bar(row.rating, row.low, row.high) if self.axis and row.rating is not None else None
        is_leader = place == 0 and row.rank is not None and not self.is_split
        tied = not is_leader and row.rank_low == 1 and not self.is_split
        return Line(row, is_leader, tied, bar, self.few, self.speeds.get(row.model_id, {}))

    @property
    def tied(self) -> list[Line]:
        """The models that the data cannot tell from the leader."""
        return [line for line in self.lines if line.tied]

    @property
    def has_totals(self) -> bool:
        return any(row.weighted is not None for row in self.rows)

    @property
    def odds(self) -> tuple[Rating, Rating, int] | None:
        """The two best and how many of 10 battles the first is expected to win; None for scores, fewer than two, or no common scale."""
        best = [row for row in self.rows[:2] if row.rating is not None]
        if self.is_score or self.is_split or len(best) < 2:
            return None
        share = 1 / (1 + 10 ** ((best[1].rating - best[0].rating) / 400))
        return best[0], best[1], round(10 * share)

    @property
    def has_failed(self) -> bool:
        """Whether any verdict that would be counted here failed."""
        return any(row.n_failed for row in self.rows)

    @cached_property
    def gaps(self) -> list[Gap]:
        """The models that were judged less than the others by what matters; see `rating.boards.coverage`. Up to two queries where
        there seem to be any."""
        found = gaps(self.rows, battles=not self.is_score)
        if not found or self.is_score or self.category:
            return found
        return gaps(self.rows, battles=True, baselines=baselines_of_categories(self.benchmark))

    @property
    def _uneven(self) -> list[str]:
        """What must be said where the models were judged unequally often, in the reader's words."""
        if not self.gaps:
            return []
        words = {"due": intcomma(self.gaps[0].due), "names": names(map(_lacking, self.gaps), most=NAMED)}
        return [_("Judged less often than the others (of %(due)s): %(names)s. Compare intervals, not points.") % words]

    @cached_property
    def swayed(self) -> list[Agreement]:
        """Flips of the judges this board counts that the order of the answers sways, with judge loaded. At most one query.

        Empty for scores, which have no order, and for boards of people or of one judge.
        """
        if not self.rows or self.snapshot is None or self.is_score or self.source not in (Rating.ALL, Rating.JUDGES):
            return []
        mine = Rating.objects.filter(snapshot=self.snapshot, method=self.method, category=self.category)
        counted = mine.filter(source=Concat(Value("judge:"), OuterRef("judges")))
        silent = Health.objects.filter(snapshot=self.snapshot, category=None, told__silent=True)
        flips = self.snapshot.agreements.filter(
            Exists(counted), relation="flips", kind=Agreement.Kind.PREFERENCE, category=None
        ).exclude(judge__in=silent.values("judge"))
        return [row for row in flips.select_related("judge") if steadiness(row) == Steadiness.TURNING]

    def as_json(self) -> dict[str, Any]:
        """The board as plain data; category None is "all"."""
        fields = ("rating", "low", "high", "rank", "rank_low", "rank_high", "n", "n_failed", "win_rate")
        return {
            "benchmark": self.benchmark.name,
            "category": key_of(self.category),
            "source": self.source,
            "method": self.method,
            **({"language": self.language} if self.language else {}),
            "n": self.n,
            "rows": [{"model": row.model.name, **{name: getattr(row, name) for name in fields}} for row in self.rows],
            **({"uneven": [gap.as_json() for gap in self.gaps]} if self.gaps else {}),
            **self.details,
        }


def board(
    benchmark: Benchmark,
    *,
    category: Category | str | None = None,
    source: str = ALL,
    method: str = Rating.Method.BT,
    language: str = "",
    snapshot: Snapshot | None = None,
    live: bool = False,
) -> Board:
    """One board of the benchmark, from `snapshot` or else the latest; see `board_in`. At most three queries, or four."""
    return board_in(
        snapshot or latest(benchmark),
        benchmark,
        category=category,
        source=source,
        method=method,
        language=language,
        live=live,
    )


def board_in(
    snapshot: Snapshot | None,
    benchmark: Benchmark,
    *,
    category: Category | str | None = None,
    source: str = ALL,
    method: str = Rating.Method.BT,
    language: str = "",
    live: bool = False,
) -> Board:
    """One board of this snapshot of the benchmark; one where nothing is rated where it is None. At most three queries.

    `category` is a Category, its key, or None or "all"; a board in one `language` is of all categories. Empty rows mean that nothing was rated that way. With `live` the
    rows are those of the live board where votes have come since the snapshot.
    Raises NoSuchBoard for a method or a category key there is not.
    """
    if method not in METHODS:
        raise NoSuchBoard("method", method, METHODS)
    found = category_of(benchmark, category)
    where = {"source": source, "method": method, "category": found}
    fresh = _fresher(snapshot, where) if snapshot and live and not language else None
    if snapshot and fresh:
        return Board(benchmark, snapshot, found, source, str(method), _rows_of(fresh, snapshot), fresh)
    rows = snapshot.ratings.filter(**where, language=language) if snapshot else Rating.objects.none()
    ordered = rows.select_related("model").order_by(F("rank").asc(nulls_last=True), "model__name")
    return Board(benchmark, snapshot, found, source, str(method), list(ordered), language=language)


def _lacking(gap: Gap) -> str:
    row = gap.row
    words = {"model": row.model.name, "n": intcomma(row.n), "failed": intcomma(row.n_failed or 0)}
    return (_("%(model)s %(n)s (%(failed)s failed)") if row.n_failed else _("%(model)s %(n)s")) % words


def _fresher(snapshot: Snapshot, where: Mapping[str, Any]) -> LiveBoard | None:
    """The live board at this place, where it is newer than the snapshot. One query."""
    return LiveBoard.objects.filter(leaderboard=snapshot.leaderboard_id, at__gt=snapshot.created_at, **where).first()


def _rows_of(live: LiveBoard, snapshot: Snapshot) -> list[Rating]:
    """The rows of a live board as ratings that are not saved. One query."""
    models = LanguageModel.objects.in_bulk([row["model"] for row in live.rows])
    known = [row for row in live.rows if row["model"] in models]
    rows = [Rating(snapshot=snapshot, **{**row, "model": models[row["model"]]}) for row in known]
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.model.name))


def latest(benchmark: Benchmark) -> Snapshot | None:
    """The benchmark's current snapshot, with its leaderboard and benchmark loaded. One query."""
    current = Leaderboard.objects.filter(benchmark=benchmark).values("current")
    return Snapshot.objects.filter(pk__in=current).select_related("leaderboard__benchmark").first()


def category_of(benchmark: Benchmark, category: Category | str | None) -> Category | None:
    """The category meant; None for all. Raises NoSuchBoard for a key that is not used in the benchmark."""
    if not category or category == ALL or isinstance(category, Category):
        return category if isinstance(category, Category) else None
    found = Category.objects.filter(key=category).first()
    if found is None:
        used = Category.objects.filter(questions__benchmark=benchmark).distinct()
        raise NoSuchBoard("category", category, [ALL, *used.values_list("key", flat=True)])
    return found


def key_of(category: Category | None) -> str:
    """The category's key in addresses and files: "all" for None."""
    return category.key if category else ALL


def _is_about(note: Mapping[str, Any], mine: Mapping[str, str]) -> bool:
    """Whether a note of the snapshot concerns this board: what it leaves out (or None) holds for every board."""
    return all(_said(note, part) in (None, value) for part, value in mine.items())


def _said(note: Mapping[str, Any], part: str) -> str | None:
    # A note on all categories writes None there, as the rows do.
    return ALL if part == "category" and part in note and note[part] is None else note.get(part)
