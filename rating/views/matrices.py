"""Who met whom and who won, as tables. Reading adds up counts that stand; it never reads votes."""

from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from arena.border import asked
from arena.models import Category, LanguageModel
from rating import matrices, matrix_table
from rating.board_page import SOURCES
from rating.models import Rating
from rating.seen import Seen


@require_safe
def matrix(request, pk):
    """The matrix of one snapshot: of the current one by the standing counts, of an older one as it kept it.

    Whoever votes sees that of the current one, too, as it kept it.
    """
    seen = Seen.of(request.user)
    snapshot = seen.snapshot(pk)
    is_held = seen.is_held(snapshot.leaderboard.benchmark)
    kind = asked(request.GET, "of") or matrix_table.BATTLES
    source = asked(request.GET, "source") or Rating.ALL
    if kind not in matrix_table.KINDS:
        raise Http404(_("There is no such matrix."))
    is_now = matrices.is_now(snapshot) and not is_held
    standing = matrices.Standing.of(snapshot.leaderboard.benchmark) if is_now else None
    categories = list(Category.objects.filter(pk__in=standing.categories)) if standing else []
    category = _chosen(asked(request.GET, "category"), categories)
    there = standing.sources if standing else matrices.kept_sources(snapshot)
    if standing:
        met = standing.met(source, category=category.pk if category else None)
    else:
        met = matrices.kept(snapshot, source)
    context = {
        "benchmark": snapshot.leaderboard.benchmark, "snapshot": snapshot, "is_now": is_now, "is_held": is_held, "kept": bool(there),
        "kinds": matrix_table.KINDS.items(), "kind": kind, "source": source, "category": category, "categories": categories,
        "sources": [one for one in SOURCES if one[0] in there],
        "judges": [one for one in there if one.startswith("judge:")],
        "table": _table(request, met, kind, snapshot) if met else None,
    }  # fmt: skip
    return render(request, "rating/matrix.html", context)


def _chosen(key, categories):
    """The category of this key; None for all of them. Raises Http404 for one that has no battles here."""
    if key in ("", "all"):
        return None
    found = next((one for one in categories if one.key == key), None)
    if found is None:
        raise Http404(_("There are no counts for this category."))
    return found


def _table(request, met, kind, snapshot):
    return matrix_table.table(
        met,
        LanguageModel.objects.in_bulk(met.models),
        kind=kind,
        level=float(snapshot.recipe.get("level", 0.95)),
        rows=asked(request.GET, "rows") or 1,
        columns=asked(request.GET, "columns") or 1,
    )
