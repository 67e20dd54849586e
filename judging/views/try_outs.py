"""A try-out as it comes: each item with what its judges said, none of which is counted."""

from __future__ import annotations

from datetime import timedelta

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from judging.models import TryOut
from judging.trying import items_of, sums_of
from judging.views.runs import leads_only

LATE = timedelta(minutes=10)  # after which a try-out that has not ended is taken for lost, with its worker


@leads_only
@require_GET
def try_out(request, pk):
    """What a try-out brought so far."""
    return render(request, "judging/try_out.html", _context(pk))


@leads_only
@require_GET
def try_out_fragment(request, pk):
    """The live part of the page."""
    return render(request, "judging/_try_out.html", _context(pk))


def _context(pk) -> dict:
    """One query."""
    row = get_object_or_404(TryOut.objects.select_related("by"), pk=pk)
    is_over = row.status in (TryOut.Status.DONE, TryOut.Status.FAILED)
    return {
        "row": row,
        "items": items_of(row),
        "sums": sums_of(row),
        "is_over": is_over,
        "is_lost": not is_over and row.created_at < timezone.now() - LATE,
        "told": len(row.told),
    }
