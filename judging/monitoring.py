"""What a run's page shows while it is carried out: a fixed number of queries, whatever the run's size and whoever looks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, sqrt
from typing import Any

from django.db.models import CharField, Count, F, FloatField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Substr
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.locking import mark_of
from arena.models import Answer, LanguageModel, Provenance
from judging.awaited import awaited
from judging.items import owed_by_pair, participants, questions_of, table_of
from judging.judges.base import UNREAD
from judging.models import Judge, KeptOut, Preference, Run, Status
from judging.progress import COUNTS, NOTHING, Line, Progress, judgments_of, progress
from judging.purse import spent

MINUTES = 30  # of throughput that are drawn
RECENT = 5  # minutes that say how fast a run goes now
BRIEF = 10.0  # seconds
TIMED = 2000  # of the latest judgments whose seconds are looked at
MOST_NOTES = 10
MOST_PAIRS = 45  # ten models all against all; where there are more, progress is told by model
Z = 1.959963984540054  # of a normal interval of 95 %


@dataclass(frozen=True)
class Bar:
    """One line of progress as it is drawn: widths in hundredths of the whole, as SVG wants them; `parts` are its members."""

    label: str
    done: int
    failed: int
    skipped: int
    left: int
    total: int
    done_width: str
    failed_width: str
    percent: int
    parts: tuple[Bar, ...] = ()

    @classmethod
    def of(cls, line: Line) -> Bar:
        whole = max(line.total, line.behind, 1)
        return cls(
            label=line.label,
            done=line.done,
            failed=line.failed,
            skipped=line.skipped,
            left=line.left,
            total=line.total,
            done_width=f"{100 * (line.done + line.skipped) / whole:.2f}",
            failed_width=f"{100 * line.failed / whole:.2f}",
            percent=int(100 * line.share),
            parts=tuple(cls.of(part) for part in line.parts),
        )


@dataclass(frozen=True)
class Share:
    """A share with its interval of 95 % after Wilson (1927), and of how many it is; the items are taken as independent."""

    hits: int
    n: int
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, n: int) -> Share | None:
        """The share of `hits` among `n`; None of nothing."""
        if n == 0:
            return None
        middle = (hits + Z * Z / 2) / (n + Z * Z)
        half = Z / (n + Z * Z) * sqrt(hits * (n - hits) / n + Z * Z / 4)
        return cls(hits, n, max(0.0, middle - half), min(1.0, middle + half))

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.n

    @property
    def low_percent(self) -> float:
        return 100 * self.low

    @property
    def high_percent(self) -> float:
        return 100 * self.high


@dataclass(frozen=True)
class JudgeFacts:
    """How one judge fares in the run: `timed` of its latest calls took `median` and at most `slow` (p95) seconds, None where none
    is known; of `said` verdicts `kept` were replies on record; `flips` is None where nothing was judged in both orders."""

    label: str
    said: int
    kept: int
    timed: int
    median: float | None
    slow: float | None
    flips: Share | None

    @property
    def kept_percent(self) -> int | None:
        return round(100 * self.kept / self.said) if self.said else None


@dataclass(frozen=True)
class Minute:
    """A bar of the sparkline, in the units of its SVG."""

    x: str
    y: str
    height: str
    n: int


@dataclass(frozen=True)
class Tempo:
    """How fast a run goes: judgments in the last minute, and a minute over the last few and over the whole; None before any.

    `seconds` are those since its start: of a brief run a rate says nothing.
    """

    last_minute: int
    now: float | None
    overall: float | None
    minutes: list[Minute]
    peak: int
    seconds: float | None

    @property
    def told(self) -> float | None:
        """The rate over the whole run where it says something."""
        return self.overall if (self.seconds or 0.0) >= BRIEF else None


@dataclass(frozen=True)
class Money:
    """What a run has cost (None: no price is known), what it will come to at that rate, and how many calls had no known cost."""

    spent: float | None
    forecast: float | None
    budget: float | None
    unpriced: int
    spent_width: str

    @property
    def is_short(self) -> bool:
        """Whether the budget will not do."""
        return self.budget is not None and self.forecast is not None and self.forecast > self.budget


def monitor(run: Run) -> dict[str, Any]:
    """What everybody sees of the run as it is now, in the language that is active. About twenty queries."""
    now, at = progress(run), timezone.now()
    seconds = elapsed(run, at)
    return {
        "run": run,
        "progress": now,
        "answers": Bar.of(now.answers) if now.answers else None,
        "bars": [Bar.of(line) for line in now.lines],
        "failures": causes(now.failures),
        "people": now.people,
        "kept_out": [(KeptOut(why).label, n) for why, n in sorted(now.people.kept_out.items())] if now.people else [],
        "skips": causes(now.skips),
        "is_watched": run.is_live or run.is_paused or run.status == Run.Status.OPEN,
        "unread": any(failure["status"] in UNREAD for failure in now.failures),
        "to_read": now.unread,
        "elapsed": in_words(seconds),
        "milestone": now.percent // 25 * 25,
        "phase": phase_of(run),
        "awaited": awaited(run),
        "budget_mark": mark_of(run, ("budget",)),
        **({} if now.people else of_machines(run, now, seconds, at)),
    }


def of_machines(run: Run, now: Progress, seconds: float | None, at: datetime) -> dict[str, Any]:
    """What is told besides of a run that machines judge: its pace and cost, its pairs of models, its judges. A dozen queries."""
    rows = table_of(run)[0].objects.filter(run=run)
    sums = _sums(rows)
    asked = sum(row["said"] for row in sums.values() if row["judge__kind"] == Judge.Kind.LLM)
    tempo = tempo_of(rows, seconds, at)
    models = {model.pk: model for model in LanguageModel.objects.filter(pk__in=participants(run)).only("name")}
    return {
        "matchups": matchups(run, models, len(now.lines)),
        "by_model": by_model(run, models),
        "facts": judge_facts(run, rows, sums),
        "notes": notes_of(rows) if asked else [],
        "asked": asked,
        "money": money_of(run, now.to_come, sums),
        "tempo": tempo,
        "ahead": in_words(ahead(run, now.to_come, tempo)),
    }


def elapsed(run: Run, at: datetime) -> float | None:
    """Seconds from the start to the end, or to now; None before the start, and of verdicts that were made elsewhere."""
    if run.started_at is None or run.is_imported:
        return None
    return max(0.0, ((run.finished_at or at) - run.started_at).total_seconds())


def in_words(seconds: float | None) -> str:
    """A time that a person would say; "" where it is unknown."""
    if seconds is None:
        return ""
    if seconds < 600:
        return _("%(n)d s") % {"n": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 120:
        return _("%(n)d min") % {"n": minutes}
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def tempo_of(rows: Any, seconds: float | None, at: datetime) -> Tempo:
    """How fast judgments of the run came in. Two queries, both of this run's rows alone."""
    since = at - timedelta(minutes=MINUTES)
    last = rows.filter(created_at__gte=at - timedelta(seconds=60)).count()
    # text, and not TruncMinute: SQLite would call Python for each row
    minute = Substr(Cast("created_at", CharField()), 1, 16)
    found = rows.filter(created_at__gte=since).order_by().annotate(minute=minute).values_list("minute")
    by_minute = dict(found.annotate(n=Count("pk")))
    counts = [by_minute.get(f"{at - timedelta(minutes=back):%Y-%m-%d %H:%M}", 0) for back in range(MINUTES, -1, -1)]
    first = next((place for place, n in enumerate(counts) if n), len(counts))
    counts = counts[min(first, len(counts) - 10) :]
    peak = max(counts)
    return Tempo(last, _now(counts, last, seconds), _overall(rows, seconds), _drawn(counts, peak), peak, seconds)


def _now(counts: Sequence[int], last: int, seconds: float | None) -> float | None:
    """Judgments a minute of late; None where there were none."""
    whole = [n for n in counts[-RECENT - 1 : -1] if n]  # minutes that are over, and in which it ran
    if seconds is not None and seconds < 120 or not whole:
        return last * 60 / min(60.0, max(1.0, seconds or 60.0)) if last else None
    return sum(whole) / len(whole)


def _overall(rows: Any, seconds: float | None) -> float | None:
    """Judgments a minute over the whole run; None before any. One query."""
    n = rows.count() if seconds else 0
    return n * 60 / seconds if n and seconds else None


def _drawn(counts: Sequence[int], peak: int) -> list[Minute]:
    """The sparkline's bars: 100 wide and 24 high in all."""
    width = 100 / len(counts)
    heights = [24 * n / peak if peak else 0.0 for n in counts]
    return [
        Minute(f"{place * width:.2f}", f"{24 - height:.2f}", f"{height:.2f}", n)
        for place, (height, n) in enumerate(zip(heights, counts, strict=True))
    ]


def ahead(run: Run, to_come: int, tempo: Tempo) -> float | None:
    """Seconds until the run is through at the pace of late; None where that cannot be told."""
    if run.status != Run.Status.RUNNING or run.stage != "judgments" or not tempo.now or not to_come:
        return None
    return to_come / tempo.now * 60


def _sums(rows: Any) -> dict[int, dict[str, Any]]:
    """By judge: verdicts, those from replies on record, those that cost calls, of those the ones without a price. One query."""
    asked = Q(asked__gt=0, cached=False)
    found = rows.order_by().values("judge", "judge__name", "judge__version", "judge__kind")
    counted = found.annotate(
        said=Count("pk"),
        kept=Count("pk", filter=Q(cached=True)),
        paid=Count("pk", filter=asked & Q(cost__isnull=False)),
        unpriced=Count("pk", filter=asked & Q(cost__isnull=True)),
        cost=Sum("cost", filter=asked),
    )
    return {row["judge"]: row for row in counted}


def notes_of(rows: Any) -> list[tuple[str, int]]:
    """What endpoints were asked otherwise than wanted, and in how many of these verdicts, the most frequent first. One query."""
    noted = rows.exclude(provenance=Provenance.IMPORTED).filter(details__has_key="notes").order_by()
    counts: Counter[str] = Counter()
    for notes, n in noted.values_list("details__notes").annotate(n=Count("pk")):
        counts.update(dict.fromkeys(map(str, notes or ()), n))
    return counts.most_common(MOST_NOTES)


def money_of(run: Run, to_come: int, sums: Mapping[int, Mapping[str, Any]]) -> Money:
    """What the run has cost, and what it will come to if what is to come costs as much as what came. Two queries."""
    so_far = spent(run)
    machines = [row for row in sums.values() if row["judge__kind"] not in (*Judge.PEOPLE, *Judge.COMPOSED)]
    verdicts, cost = sum(row["said"] for row in machines), sum(row["cost"] or 0.0 for row in machines)
    unpriced = sum(row["unpriced"] for row in machines)
    forecast = None
    if so_far is not None and verdicts and any(row["paid"] for row in machines):
        forecast = so_far + cost / verdicts * to_come
    share = 0.0 if not run.budget or so_far is None else min(1.0, so_far / run.budget)
    return Money(so_far, forecast, run.budget, unpriced, f"{100 * share:.2f}")


def judge_facts(run: Run, rows: Any, sums: Mapping[int, Mapping[str, Any]]) -> list[JudgeFacts]:
    """Seconds, flips and kept replies of each machine judge that said something in the run. Two queries."""
    times = _times(rows)
    flips = _flips(run) if run.orders == 2 else {}
    told = []
    for pk, row in sorted(sums.items(), key=lambda pair: (pair[1]["judge__name"], pair[1]["judge__version"])):
        if row["judge__kind"] in Judge.PEOPLE:
            continue
        name = row["judge__name"] if row["judge__version"] == 1 else f"{row['judge__name']} v{row['judge__version']}"
        mine = sorted(times.get(pk, []))
        median, slow = quantile(mine, 0.5), quantile(mine, 0.95)
        told.append(JudgeFacts(name, row["said"], row["kept"], len(mine), median, slow, flips.get(pk)))
    return told


def _times(rows: Any) -> dict[int, list[float]]:
    """Seconds of one call, by judge, of the run's latest judgments that took any. One query."""
    found: dict[int, list[float]] = defaultdict(list)
    timed = rows.filter(asked__gt=0, seconds__gt=0, cached=False).order_by("-pk")
    for judge, seconds, asked in timed.values_list("judge", "seconds", "asked")[:TIMED]:
        found[judge].append(seconds / asked)
    return found


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest of these numbers (in their order) that so large a share of them does not exceed; None of nothing."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def _flips(run: Run) -> dict[int, Share]:
    """By judge, how many items judged in both orders change the side with the order; a tie is no side. One query."""
    same = {name: OuterRef(name) for name in ("judge", "rubric", "battle", "turn", "trial")}
    other = Preference.objects.decided().filter(swapped=True, **same).values("value")[:1]
    rows = judgments_of(run).filter(status=Status.OK, swapped=False, run=run).order_by()
    both = rows.annotate(both=F("value") * Subquery(other, output_field=FloatField()))
    counts = both.values("judge").annotate(n=Count("both"), flipped=Count("both", filter=Q(both__lt=0)))
    found = {row["judge"]: Share.of(row["flipped"], row["n"]) for row in counts}
    return {judge: share for judge, share in found.items() if share}


def by_model(run: Run, models: Mapping[int, LanguageModel]) -> bool:
    """Whether progress is told by model, and not by pair."""
    n = len(models)
    return run.is_single or (run.mode == Run.Mode.PAIRWISE and n * (n - 1) // 2 > MOST_PAIRS)


def matchups(run: Run, models: Mapping[int, LanguageModel], judges: int) -> list[Bar]:
    """How far each pair of models is (each model in single mode, or where pairs are too many), for all judges together. Three queries."""
    owed, done = _owed(run, models), _done(run)
    lines: dict[tuple[int, ...], Line] = {}
    for pair in owed.keys() | done.keys():
        for key in [(pk,) for pk in pair] if by_model(run, models) else [tuple(sorted(pair, key=_named(models)))]:
            known = lines.get(key) or Line("", 0, 0, 0)
            more = done.get(pair, NOTHING)
            lines[key] = Line(
                " – ".join(models[pk].name for pk in key),
                done=known.done + more["done"],
                failed=known.failed + more["failed"],
                skipped=known.skipped + more["skipped"],
                total=known.total + owed.get(pair, 0) * judges,
            )
    return [Bar.of(line) for line in sorted(lines.values(), key=lambda line: line.label)]


def _named(models: Mapping[int, LanguageModel]) -> Any:
    return lambda pk: (models[pk].name, pk)


def _done(run: Run) -> dict[frozenset[int], dict[str, int]]:
    """Judgments of the run's own machine judges by the models they are about. One query."""
    rows = judgments_of(run).filter(judge__in=run.judges.machines()).order_by()
    sides = ("answer__model",) if run.is_single else ("battle__first_model", "battle__second_model")
    found: dict[frozenset[int], dict[str, int]] = {}
    for row in rows.values(*sides).annotate(**COUNTS):
        found[frozenset(row.pop(side) for side in sides)] = row
    return found


def _owed(run: Run, models: Iterable[int]) -> dict[frozenset[int], int]:
    """How many judgments one judge owes on each pair (on each model in single mode), from the answers there are. One query,
    one more where each turn is judged, four where not all pairs meet on a question."""
    if run.is_sparse or run.baselines or run.anchors is not None:
        return owed_by_pair(run)
    each = run.turns == Run.Turns.EACH
    good = Answer.objects.ok().filter(question__in=questions_of(run), model__in=list(models), sample__lt=run.samples)
    if run.is_single:
        columns: tuple[str, ...] = ("model",)
        rows = good.order_by()
    else:
        columns = ("model", "question__answers__model")
        # all in one filter: a second one would join the question's answers a second time
        met = Q(
            question__answers__model__gt=F("model"),
            question__answers__model__in=list(models),
            question__answers__sample=F("sample"),
            question__answers__error="",
        )
        if run.mode == Run.Mode.BASELINE:
            met &= Q(model=run.baseline) | Q(question__answers__model=run.baseline)
        rows = good.order_by().filter(met)
    if each:
        columns = (*columns, "question")
    turns = dict(questions_of(run).values_list("pk", "turns")) if each else {}
    found: dict[frozenset[int], int] = defaultdict(int)
    for *sides, n in rows.values_list(*columns).annotate(n=Count("pk")):
        times = len(turns[sides.pop()]) if each else 1
        found[frozenset(sides)] += n * times * run.orders
    return found


def phase_of(run: Run) -> str:
    """The run's state as far as what a lead may do with it goes: queued and running are one, "live"."""
    return "live" if run.is_live else run.status


def causes(failures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Failures or skips by judge and status, the most frequent first: {judge, status, label, n, reasons: [(error, n)]}."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in failures:
        key = one["judge"], one["status"]
        empty = {"judge": key[0], "status": key[1], "label": Status(key[1]).label, "n": 0, "reasons": []}
        cause = found.setdefault(key, empty)
        cause["n"] += one["n"]
        cause["reasons"].append((one["error"], one["n"]))
    return sorted(found.values(), key=lambda cause: -cause["n"])
