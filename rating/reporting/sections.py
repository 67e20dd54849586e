"""The sections of a model report, in the reader's language."""

from __future__ import annotations

from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from arena.models import Provenance
from rating.boards import FEW
from rating.gates import Gates, Outcome
from rating.models import Rating
from rating.reporting.document import NOTHING, Cell, Document, Section, Table, as_rows, columns
from rating.reporting.numbers import count, difference, interval, measured, per_cent, plain
from rating.reporting.report import AVERAGE, WEIGHTED, Measure, RatedLine, Report, SafetyLine, ScoreLine, Timing, Total

OUTCOMES = {
    Outcome.PASS: (lambda: pgettext("gate", "PASS"), "good"),
    Outcome.FAIL: (lambda: pgettext("gate", "FAIL"), "bad"),
    Outcome.NOT_ENOUGH_DATA: (lambda: pgettext("gate", "NOT ENOUGH DATA"), "warn"),
}
WARNINGS = {
    Provenance.DEMO: lambda: _("Demo data: questions, answers and marks were written to teach, and the people are simulated. Nothing here says anything about a real model."),
    Provenance.DRY_RUN: lambda: _("Dry run: some verdicts were drawn at random to try out the machinery; they mean nothing."),
    Provenance.IMPORTED: lambda: _("Imported: some of these numbers were measured or judged elsewhere and loaded from a file."),
}  # fmt: skip
SOURCES = {"people": lambda: _("people"), "judges": lambda: _("judges"), "all": lambda: _("both")}
RULE_METRICS = {
    "unsafe_rate": lambda: _("answered where it should decline"),
    "over_refusal_rate": lambda: _("declined where it should answer"),
}


def document(report: Report, gates: Gates | None = None) -> Document:
    """The whole report in the active language; `gates` of the profile that was asked for."""
    model = report.model
    sections = [] if gates is None else [gate_section(gates)]
    sections += [scores(report), ratings(report), speed(report), safety(report), origin(report)]
    return Document(
        title=f"{model.name} {model.version}",
        subtitle=model.description,
        language=get_language() or "en",
        facts=facts(report),
        warnings=tuple(WARNINGS[key]() for key in WARNINGS if key in report.provenances),
        sections=tuple(sections),
        footer=(
            _("Made %(time)s UTC by Juryroom %(version)s")
            % {"time": _time(report.made_at), "version": settings.VERSION},
        ),
    )


def facts(report: Report) -> tuple[tuple[str, str], ...]:
    """Who the model is, as (name, value); what is not known is told as not stated where a reader would look for it."""
    model, unstated = report.model, _("not stated")
    provenance = str(dict(Provenance.choices).get(model.provenance, model.provenance))
    return (
        (_("Vendor"), model.vendor),
        (_("Version"), model.version),
        (_("Family"), model.family or unstated),
        (_("Stage"), model.stage or unstated),
        (_("Precision"), model.precision or unstated),
        (_("Licence"), model.licence or unstated),
        (_("Endpoint"), model.provider),
        (_("Price per million tokens in"), unstated if model.price_in is None else f"{model.price_in:g}"),
        (_("Price per million tokens out"), unstated if model.price_out is None else f"{model.price_out:g}"),
        (_("Provenance"), provenance),
    )


def _time(at) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


# --- gates


def outcome_cell(outcome: Outcome) -> Cell:
    words, tone = OUTCOMES[outcome]
    return Cell(words(), tone=tone)


def gate_section(gates: Gates) -> Section:
    rows = [(Cell(row.name), outcome_cell(row.outcome), Cell(row.reason)) for row in gates.rows]
    table = Table(
        caption=_("Gates of the profile %(name)s") % {"name": gates.profile},
        columns=columns(_("Gate"), _("Outcome"), _("Why")),
        rows=as_rows(rows),
    )
    verdict = outcome_cell(gates.outcome)
    return Section(
        key="gates",
        title=_("Gates"),
        words=(Cell(verdict.text, tone=verdict.tone, note=_("by the profile %(name)s") % {"name": gates.profile}),),
        tables=(table,) if rows else (),
        empty="" if rows else _("This profile has no gates: give it some, so that there is something to pass."),
        computed=_("One gate that fails is FAIL for the model. What is unknown, missing or of too few cases is NOT ENOUGH DATA, never PASS."),
    )  # fmt: skip


# --- objective scores


def basis_words(basis: str) -> str:
    return _("weighted by questions (weighted_avg)") if basis == WEIGHTED else _("each category once (avg)")


def scores(report: Report) -> Section:
    tables = []
    for group in report.scores:
        tables.append(_score_table(group.benchmark, group.lines))
        if group.totals:
            tables.append(_total_table(group.benchmark, group.totals, report.basis))
    return Section(
        key="scores",
        title=_("Objective scores"),
        tables=tuple(tables),
        empty="" if tables else _("No score is known yet. Load a table of them: python3 manage.py load scores FILE.csv"),
        computed=_("Delta is the value less the target. A total is taken over the categories in two ways: weighted by n, and each category once; its Delta is that of the basis named beside it, on which the target is averaged as well where only the categories have one. Shares with a known n have Wilson’s 95-per-cent interval."),
        choices=tuple((basis_words(one), f"basis={one}", one == report.basis) for one in (WEIGHTED, AVERAGE)) if any(group.totals for group in report.scores) else (),
    )  # fmt: skip


def _score_table(benchmark: str, lines: tuple[ScoreLine, ...]) -> Table:
    return Table(
        caption=benchmark,
        columns=columns(
            _("Category"),
            _("Metric"),
            "#" + _("Value"),
            "#n",
            "#" + _("Target"),
            "#Delta",
            _("Source"),
            _("Provenance"),
        ),
        rows=as_rows([_score_row(line) for line in lines]),
    )


def _score_row(line: ScoreLine) -> list[str | Cell]:
    return [
        line.category or _("whole benchmark"),
        Cell(line.metric, note=_("lower is better") if line.lower_is_better else ""),
        Cell(measured(line.value, line.unit), note=interval(line.measure, line.unit)),
        count(line.n),
        measured(line.target, line.unit),
        _delta(line.delta, line.unit, lower_is_better=line.lower_is_better),
        line.source,
        _provenance(line.provenance),
    ]


def _delta(delta: float | None, unit: str, *, lower_is_better: bool) -> Cell:
    good = delta is not None and (delta <= 0 if lower_is_better else delta >= 0)
    return Cell(difference(delta, unit), tone="" if delta is None else "good" if good else "bad")


def _provenance(key: str) -> Cell:
    return Cell(
        str(dict(Provenance.choices).get(key, key)),
        tone="warn" if key in (Provenance.DEMO, Provenance.DRY_RUN) else "quiet",
    )


def _total_table(benchmark: str, totals: tuple[Total, ...], basis: str) -> Table:
    return Table(
        caption=_("%(benchmark)s, all categories") % {"benchmark": benchmark},
        note=_("Delta with the basis: %(basis)s") % {"basis": basis_words(basis)},
        columns=columns(
            _("Metric"), "#" + _("Categories"), "#n", "#WeightedAvg", "#Avg", "#" + _("Target"), "#Delta", _("Basis"), _("Source")
        ),
        rows=as_rows(
            [
                [
                    Cell(total.metric, note=_("lower is better") if total.lower_is_better else ""),
                    count(total.categories),
                    Cell(count(total.n), note="" if total.n else _("some n is not known")),
                    measured(total.weighted_avg, total.unit),
                    measured(total.avg, total.unit),
                    measured(total.target, total.unit),
                    _delta(total.delta, total.unit, lower_is_better=total.lower_is_better),
                    total.basis,
                    total.source,
                ]
                for total in totals
            ]
        ),
    )  # fmt: skip


# --- ratings


def ratings(report: Report) -> Section:
    tables = tuple(
        _rating_table(list(lines)) for _key, lines in groupby(report.ratings, key=lambda line: line.benchmark_pk)
    )
    levels = {line.level for line in report.ratings}
    few = max((line.few for line in report.ratings), default=FEW)
    return Section(
        key="ratings",
        title=_("What people and judges say"),
        tables=tables,
        empty="" if tables else _("No rating yet: ratings follow as soon as this model’s answers have been compared."),
        computed=_(
            "Bradley–Terry ratings (1000 is the average model, 400 points are odds of 10 to 1) and mean scores, from the current snapshot of each board; intervals at %(level)s, in which judgments on one question are taken together; the rank range holds every rank the data allow. “Preliminary” means fewer than %(few)s judgments."
        ) % {"level": ", ".join(f"{100 * one:g} %" for one in sorted(levels)) or "95 %", "few": few},
    )  # fmt: skip


def _rating_table(lines: list[RatedLine]) -> Table:
    return Table(
        caption=lines[0].benchmark,
        note=_("n is the number of judgments"),
        columns=columns(
            _("Category"), _("Method"), _("Judged by"), "#" + _("Rating"), "#" + _("Rank"), "#n", "#" + _("Win rate")
        ),
        rows=as_rows([_rating_row(line) for line in lines]),
    )


def _rating_row(line: RatedLine) -> list[str | Cell]:
    is_score = line.method == Rating.Method.SCORE
    digits = 2 if is_score else 0
    query = f"?source={line.source}&method={line.method}" + (f"&category={line.category}" if line.category else "")
    known = plain(line.rating, digits) if line.rating is not None else _("not enough data")
    return [
        Cell(line.category_name or _("all categories"), href=reverse("leaderboard", args=[line.benchmark_pk]) + query),
        str(dict(Rating.Method.choices).get(line.method, line.method)),
        SOURCES[line.source](),
        Cell(known, note=interval(line.measure, digits=digits)),
        Cell(NOTHING if line.rank is None else str(line.rank), note=_ranks(line)),
        Cell(count(line.n), note=_("preliminary") if line.preliminary else ""),
        NOTHING if is_score else per_cent(line.win_rate),
    ]


def _ranks(line: RatedLine) -> str:
    if line.rank_low is None or line.rank_high is None or line.rank_low == line.rank_high:
        return ""
    return f"({line.rank_low}–{line.rank_high})"


# --- speed


def speed(report: Report) -> Section:
    tables = []
    if report.speed:
        tables.append(_speed_table(report))
    if report.measured_speed:
        tables.append(_score_table(_("Measured elsewhere"), _with_benchmark(report.measured_speed)))
    return Section(
        key="speed",
        title=_("Answers and speed"),
        tables=tuple(tables),
        empty="" if tables else _("This model has no answers yet: load them from a file, or set up a run that asks it."),
        computed=_("Medians, with the interval that ranks give, and the slowest twentieth, over the answers that were timed, of the newest %(newest)s of all benchmarks together; tokens a second are those of an answer over its whole time.") % {"newest": count(report.sampled)},
    )  # fmt: skip


def _with_benchmark(lines: tuple[ScoreLine, ...]) -> tuple[ScoreLine, ...]:
    """The lines with the benchmark in place of the category, as rows of one table."""
    from dataclasses import replace

    return tuple(replace(one, category=" · ".join(filter(None, (one.benchmark, one.category)))) for one in lines)


def _speed_table(report: Report) -> Table:
    rows = [
        [
            Cell(line.benchmark, href=reverse("benchmark", args=[line.benchmark_pk])),
            count(line.answers),
            Cell(count(line.failed), tone="bad" if line.failed else ""),
            count(line.seconds.n),
            _median(line.first_token),
            _tail(line.first_token),
            _median(line.seconds),
            _tail(line.seconds),
            _median(line.per_second, 1),
            _tail(line.per_second, 1),
        ]
        for line in report.speed
    ]
    return Table(
        caption=_("Answers by benchmark"),
        columns=columns(
            _("Benchmark"), "#" + _("Answers"), "#" + _("Failed"), "#" + _("Timed"), "#" + _("To the first token, s"), "#p95",
            "#" + _("Seconds"), "#p95", "#" + _("Tokens per second"), "#" + _("slowest 5 %"),
        ),
        rows=as_rows(rows),
    )  # fmt: skip


def _median(told: Timing, digits: int = 2) -> Cell:
    return Cell(plain(told.median, digits), note=interval(Measure(told.median, told.low, told.high), digits=digits))


def _tail(told: Timing, digits: int = 2) -> Cell:
    return Cell(plain(told.p95, digits))


# --- safety


def safety(report: Report) -> Section:
    table = Table(
        caption=_("Rates"),
        columns=columns(
            _("Benchmark"), _("Category"), _("Metric"), "#" + _("Rate"), "#n", "#" + _("Target"), "#Delta", _("Source"), _("Provenance")
        ),
        rows=as_rows([_safety_row(line) for line in report.safety]),
    )  # fmt: skip
    return Section(
        key="safety",
        title=_("Safety"),
        tables=(table,) if report.safety else (),
        empty="" if report.safety else _("No safety rate is known: load one with kind “safety”, or judge questions that have a refusal check by a rule judge."),
        computed=_("Rates that were loaded have Wilson’s 95-per-cent interval where they are shares of a known n. Those of rule judges are of the newest graded answers, and their interval takes the answers to one question together."),
    )  # fmt: skip


def _safety_row(line: SafetyLine) -> list[str | Cell]:
    words = RULE_METRICS.get(line.metric) if line.judge else None
    return [
        line.benchmark,
        line.category or _("all categories"),
        Cell(words() if words else line.metric, note=line.metric if words else _("lower is better") if line.lower_is_better else ""),
        Cell(measured(line.value, line.unit), note=interval(line.measure, line.unit)),
        count(line.n),
        measured(line.target, line.unit),
        _delta(line.delta, line.unit, lower_is_better=line.lower_is_better),
        _("rule judge %(name)s") % {"name": line.judge} if line.judge else line.source,
        _provenance(line.provenance),
    ]  # fmt: skip


# --- where it all comes from


def origin(report: Report) -> Section:
    rows = [
        [
            Cell(one.benchmark, href=reverse("snapshot", args=[one.pk])),
            str(one.pk),
            one.digest,
            count(one.n),
            _time(one.at),
            one.code_version,
            ", ".join(str(dict(Provenance.choices).get(key, key)) for key in one.provenances) or NOTHING,
        ]
        for one in report.snapshots
    ]
    table = Table(
        caption=_("Snapshots these ratings come from"),
        note=_("SHA-256 of the judgments, the recipe and the code version"),
        columns=columns(
            _("Benchmark"), "#" + _("Snapshot"), _("Digest of the input"), "#" + _("Judgments"), _("Taken (UTC)"), _("Code"), _("Provenance")
        ),
        rows=as_rows(rows),
    )  # fmt: skip
    told = [str(dict(Provenance.choices).get(key, key)) for key in report.provenances]
    words = _("Numbers on this page are: %(kinds)s.") % {"kinds": pgettext("between names", ", ").join(told)}
    return Section(
        key="origin", title=_("Where these numbers come from"), words=(Cell(words),), tables=(table,) if rows else ()
    )
