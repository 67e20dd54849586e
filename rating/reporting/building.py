"""A model's report, read from the database in a number of queries that does not grow."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from arena.models import LanguageModel
from rating.models import Score
from rating.reporting import safety, speed
from rating.reporting.report import BASES, WEIGHTED, Identity, Report, Sibling
from rating.reporting.scores import groups, line_of
from rating.reporting.subjective import ratings_of
from rating.seen import EVERYTHING, Seen

MOST_SIBLINGS = 50


def report_of(model: LanguageModel, *, basis: str = WEIGHTED, seen: Seen = EVERYTHING) -> Report:
    """Everything known of the model that is `seen`; totals of scores on this basis. Seven queries.

    Raises ValueError for another basis.
    """
    if basis not in BASES:
        raise ValueError(f"the basis is one of {', '.join(BASES)}, not {basis!r}")
    lines = {kind: [] for kind in Score.Kind.values}
    for score in model.measured.order_by("benchmark", "metric", "source", "category"):
        lines[score.kind].append(line_of(score))
    return Report(
        model=identity(model),
        basis=basis,
        scores=groups(lines[Score.Kind.OBJECTIVE], basis),
        ratings=ratings_of(model, seen),
        speed=speed.speed_of(model),
        measured_speed=tuple(lines[Score.Kind.SPEED]),
        safety=(*safety.of_scores(lines[Score.Kind.SAFETY]), *safety.by_rules(model)),
        siblings=siblings(model),
        made_at=timezone.now(),
        sampled=speed.NEWEST,
    )


def identity(model: LanguageModel) -> Identity:
    """Who the model is, without where it is asked."""
    names = ("pk", "name", "version", "vendor", "family", "stage", "precision", "licence", "description")
    told = {name: getattr(model, name) for name in (*names, "price_in", "price_out", "provenance")}
    return Identity(**told, provider=str(model.get_provider_display()))


def siblings(model: LanguageModel) -> tuple[Sibling, ...]:
    """Other models of this name, or of this family where it has one. One query."""
    alike = Q(name=model.name) | (Q(family=model.family) if model.family else Q(pk__in=()))
    rows = LanguageModel.objects.filter(alike).exclude(pk=model.pk)
    columns = ("pk", "name", "version", "stage", "precision")
    return tuple(Sibling(*row) for row in rows.values_list(*columns)[:MOST_SIBLINGS])
