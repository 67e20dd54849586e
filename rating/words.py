"""What the short names kept with a snapshot mean to a reader."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from rating import drift, health
from rating.stats import alternative_annotator as alternative
from rating.stats.agreement import ALL_ALIKE, FEW_UNITS, NO_DISAGREEMENT, NO_PAIRS, ONE_UNIT, ONE_VALUE
from rating.stats.bradley_terry import DISCONNECTED, FEW_CLUSTERS, NO_SPREAD, SEPARATED, WIDENED
from rating.stats.calibrated import FEW_PAIRED, NOTHING_MORE, PEOPLE_SEPARATED
from rating.stats.confidence import ALIKE, LESS, MORE, NOTHING
from rating.stats.confidence import FEW as FEW_VERDICTS
from rating.stats.scores import ALL_EQUAL, ONE_QUESTION
from rating.stats.style import CONSTANT_FEATURE, OFF_CENTRE, STYLE_DECIDES

REASONS = {
    "parse_error": _("no verdict could be read"),
    "truncated": _("the reply was cut off"),
    "refused": _("the judge refused"),
    "api_error": _("the call failed"),
    "skipped": _("skipped"),
    "dry_run": _("dry run"),
    "demo": _("demo"),
    "real": _("real votes on demo questions"),
    "imported": _("imported votes on demo questions"),
    "one order only": _("read in one of two orders only"),
    "older rubric version": _("under an older version of the rubric"),
    "another rubric": _("under another rubric"),
    "set aside": _("set aside by a later one"),
    "turned round with the order": _("turned round with the order of the answers"),
    "member of a panel": _("of members of a panel, which speaks for them"),
    "practice": _("of the practice round"),
    "gold item": _("on gold items"),
    "hidden repeat": _("hidden repeats of a vote"),
    "adjudication": _("by adjudicators"),
    "names its maker": _("on answers that name their maker"),
    "asked again": _("judged again beside the first verdict"),
}
"""Why judgments are left out, by the name in `Snapshot.excluded`."""

FEATURE_NAMES = {
    "length": _("length"),
    "headers": _("headings"),
    "lists": _("list items"),
    "bold": _("bold passages"),
}
"""Features of style, by their names in arena.style."""

NOTES = {
    DISCONNECTED: gettext_noop(
        "The models fall into groups that never met: each group is rated on its own, and places hold within a group only."
    ),
    SEPARATED: gettext_noop(
        "Some models only won or only lost. To keep their ratings finite, half a tied battle was added to every pair that met."
    ),
    FEW_CLUSTERS: gettext_noop("There are few questions here, so the intervals are rough."),
    NO_SPREAD: gettext_noop(
        "The questions are too few or too alike to show how they differ; some intervals treat every battle as independent."
    ),
    ONE_QUESTION: gettext_noop("Some means come from one question only and have no interval."),
    ALL_EQUAL: gettext_noop(
        "Some models always got the same score; how far it would vary is not known, so they have no interval."
    ),
    "order_spread": gettext_noop(
        "The interval shows what the same votes would give in another order; it is not a margin of error."
    ),
    WIDENED: gettext_noop("These intervals are as wide as the last full rating found for questions like these."),
    CONSTANT_FEATURE: gettext_noop("Some feature of style is the same in all answers and cannot be controlled for."),
    STYLE_DECIDES: gettext_noop(
        "A feature of style alone decides these battles, so what it is worth has no limit; it is kept finite by a few made-up ties."
    ),
    OFF_CENTRE: gettext_noop("The answers that stand first differ in style from the others on average."),
    "style_unknown": gettext_noop("Votes on answers whose style is not known are left out here."),
    "no votes on answers whose style is known": gettext_noop("no votes on answers whose style is known"),
    FEW_PAIRED: gettext_noop(
        "Judges have judged too few of the battles that people voted on to help: these are people’s votes alone."
    ),
    NOTHING_MORE: gettext_noop("The judges add nothing to what people voted on: these are people’s votes alone."),
    PEOPLE_SEPARATED: gettext_noop(
        "People’s votes alone have no finite answer yet, so there is nothing to make narrower: these are people’s votes alone."
    ),
    NO_PAIRS: gettext_noop("no item with two votes"),
    ONE_VALUE: gettext_noop("only one value used"),
    ONE_UNIT: gettext_noop("one question only, so no interval"),
    FEW_UNITS: gettext_noop("few questions: a rough interval"),
    NO_DISAGREEMENT: gettext_noop("no disagreement seen, so no interval"),
    ALL_ALIKE: gettext_noop("questions all alike, so no interval"),
    "no decided vote": gettext_noop("no decided vote"),
    health.NO_ANCHORS: gettext_noop("too many judgments to look at each; give some questions the tag “anchor”"),
    health.ONE_WEEK: gettext_noop("all in one week"),
    health.NOTHING_TWICE: gettext_noop("nothing was judged in the first week and in the last"),
    health.FEW_QUESTIONS: gettext_noop("too few questions for an interval"),
    health.CHANGED: gettext_noop("changed since the first week"),
    health.SAME: gettext_noop("no change that can be told"),
    drift.DRIFTS: gettext_noop("drifts"),
    drift.STABLE: gettext_noop("stable"),
    drift.FEW: gettext_noop("not enough data"),
    MORE: gettext_noop("surer means people agree more often"),
    LESS: gettext_noop("surer means people agree less often"),
    NOTHING: gettext_noop("surer means nothing that can be told"),
    ALIKE: gettext_noop("always equally sure"),
    FEW_VERDICTS: gettext_noop("not enough data"),
    alternative.NULL_PASSES: gettext_noop("a judge that knows nothing passes too"),
    alternative.FEW_QUESTIONS: gettext_noop("too few questions for a verdict"),
    alternative.TWO_PEOPLE: gettext_noop(
        "fewer than three people: the judge is compared with single persons, not with a group"
    ),
    "few": "",  # the page says it itself, with how many more are needed
}
"""What must be said beside a number, by the name in `Snapshot.notes`, `Agreement.note` or a judge's health."""


def in_words(note: str) -> str:
    """The note in the reader's language; a note without words of its own is shown as it is, "" stays empty."""
    told = NOTES.get(note, note)
    return gettext(told) if told else ""
