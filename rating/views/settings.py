"""How a board's judgments are counted. For leads only; nothing is judged again, and old snapshots stay as they are."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from arena.models import Benchmark
from judging.views.runs import leads_only
from rating.models import Leaderboard
from rating.recipe_form import RecipeForm


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def board_settings(request, pk):
    """The recipe of a benchmark's board; saving it asks for a new snapshot."""
    benchmark = get_object_or_404(Benchmark, pk=pk)
    board = Leaderboard.objects.filter(benchmark=benchmark).first() or Leaderboard(benchmark=benchmark)
    form = RecipeForm(request.POST if request.method == "POST" else None, board=board)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(
            request, _("Saved. A snapshot by these settings is asked for; it takes the place of the current one.")
        )
        return redirect("leaderboard", pk=pk)
    context = {"form": form, "benchmark": benchmark, "board": board}
    return render(request, "rating/board_settings.html", context, status=422 if form.errors else 200)
