"""What two models' comparison says, in the reader's language."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from rating.reporting.compared import LISTED, Change, Comparison, Marker, Turned
from rating.reporting.document import NOTHING, Cell, Section, Table, as_rows, columns
from rating.reporting.numbers import between, count, per_cent, plain, signed

VERDICTS = {
    "within": (lambda: _("within tolerance"), "good"),
    "worse": (lambda: _("worse"), "bad"),
    "unknown": (lambda: _("cannot tell"), "warn"),
}


def sections(found: Comparison) -> tuple[Section, ...]:
    """What is the same, what changed, what fails now and what no longer does."""
    return (_same(found), _changes(found), *_turned_sections(found))


def marker_name(marker: Marker) -> str:
    return _("%(judge)s under %(rubric)s") % {"judge": marker.judge_name or _("people"), "rubric": marker.rubric_name}


def _same(found: Comparison) -> Section:
    share = found.same_share
    words = _("%(same)s of %(n)s answers have the same words: %(share)s %(interval)s") % {
        "same": count(found.same),
        "n": count(found.looked),
        "share": per_cent(share.value),
        "interval": between(per_cent(share.low), per_cent(share.high)) if share.has_interval else "",
    }
    part = _("Only the first %(looked)s of %(shared)s questions were looked at.") % {
        "looked": count(found.looked),
        "shared": count(found.shared),
    }
    return Section(
        key="same",
        title=_("Same answers"),
        words=(Cell(words), *((Cell(part, tone="warn"),) if found.is_part else ())),
        computed=_("Of the questions that both answered, first samples; the texts are equal letter by letter. Wilson’s 95-per-cent interval."),
    )  # fmt: skip


def _changes(found: Comparison) -> Section:
    if found.marker is None or found.overall is None:
        empty = _(
            "No judge graded both on these questions: run one judge on both models’ answers, with the same rubric."
        )
        return Section(key="changes", title=_("Better or worse"), empty=empty)
    words, tone = VERDICTS[found.verdict]
    told = Cell(words(), tone=tone, note=_tolerance(found))
    table = Table(
        caption=_("Marks by %(who)s") % {"who": marker_name(found.marker)},
        note=_("in points of 100 on the rubric’s scale"),
        columns=columns(
            _("Category"), "#" + _("Before"), "#" + _("After"), "#" + _("Difference"), "#" + _("Questions"), _("Moved")
        ),
        rows=as_rows([_row(change) for change in (found.overall, *found.changes)]),
    )
    return Section(
        key="changes",
        title=_("Better or worse"),
        words=(told,),
        tables=(table,),
        computed=_("The mean over questions of the mark after less the mark before, with a 95-per-cent interval paired by question, for each line by itself. Where no question differs, the interval is what the number of questions rules out. “Within tolerance”: the low end of the interval is above minus the tolerance; “worse”: the high end is below it."),
    )  # fmt: skip


def _tolerance(found: Comparison) -> str:
    return _("difference %(value)s %(interval)s, tolerance %(tolerance)s points, n = %(n)s") % {
        "value": signed(found.overall.difference, 1),
        "interval": _interval(found.overall),
        "tolerance": f"{found.tolerance:g}",
        "n": count(found.overall.n),
    }


def _interval(change: Change) -> str:
    if change.low is None or change.high is None:
        return _("(no interval)")
    return between(signed(change.low, 1), signed(change.high, 1))


MOVED = {1: (lambda: _("better"), "good"), -1: (lambda: _("worse"), "bad"), 0: (lambda: _("not sure"), "quiet")}


def _row(change: Change) -> list[str | Cell]:
    words, tone = MOVED[change.certain]
    return [
        change.name or change.category or _("all categories"),
        plain(change.before, 1),
        plain(change.after, 1),
        Cell(signed(change.difference, 1), note=_interval(change)),
        count(change.n),
        Cell(words(), tone=tone),
    ]


def _turned_sections(found: Comparison) -> tuple[Section, ...]:
    if found.marker is None or found.overall is None:
        return ()
    line = _("An answer passes from %(line)s points of 100, by %(who)s.") % {
        "line": f"{found.marker.passes_at:g}",
        "who": marker_name(found.marker),
    }
    return (
        _turned(
            "failed", _("Newly failed"), _("Nothing that passed before fails now."), found.failed, found.failed_n, line
        ),
        _turned(
            "fixed", _("Newly fixed"), _("Nothing that failed before passes now."), found.fixed, found.fixed_n, line
        ),
    )


def _turned(key: str, title: str, empty: str, rows: tuple[Turned, ...], n: int, computed: str) -> Section:
    table = Table(
        caption=title,
        note=_("%(shown)s of %(n)s") % {"shown": count(len(rows)), "n": count(n)} if n > LISTED else _("n = %(n)s") % {"n": count(n)},
        columns=columns(_("Question"), _("Category"), "#" + _("Before"), "#" + _("After")),
        rows=as_rows(
            [
                [
                    Cell(row.title or NOTHING, href=reverse("question", args=[row.question])),
                    row.category,
                    plain(row.before, 1),
                    plain(row.after, 1),
                ]
                for row in rows
            ]
        ),
    )  # fmt: skip
    return Section(
        key=key, title=title, tables=(table,) if rows else (), empty="" if rows else empty, computed=computed
    )
