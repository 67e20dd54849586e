"""Pages of the categories: two levels with their questions for everybody; making, changing and ordering them for leads."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.category_form import CategoryForm
from arena.editing import hanging_on, in_one_line, leads_only
from arena.models import Category


@dataclass
class Branch:
    """A category of the first level with its members; `questions` counts theirs with its own."""

    category: Category
    members: list[Category] = field(default_factory=list)

    @property
    def questions(self) -> int:
        return self.category.question_count + sum(member.question_count for member in self.members)


def tree() -> list[Branch]:
    """All categories in their order, members under their group. One query.

    A member whose group is itself a member, as files may make one, stands on the first level: nothing is left out.
    """
    rows = list(Category.objects.ordinary().annotate(question_count=Count("questions")).order_by("position", "key"))
    first = {row.pk: Branch(row) for row in rows if row.group_id is None}
    stray = [row for row in rows if row.group_id is not None and row.group_id not in first]
    first.update({row.pk: Branch(row) for row in stray})
    for row in rows:
        if row.pk not in first:
            first[row.group_id].members.append(row)
    return list(first.values())


@require_GET
def categories(request):
    """All categories in two levels, with how many questions each has. One query of its own, whatever their number."""
    return render(request, "arena/categories.html", {"branches": tree()})


@leads_only
@require_http_methods(["GET", "POST"])
def category_new(request):
    """Add a category; `?group=` is the key of the group it goes into."""
    group = Category.objects.filter(key=asked(request.GET, "group"), group=None).first()
    form = CategoryForm(request.POST or None, initial={"group": group})
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The category is added."))
        return redirect("categories")
    return render(request, "arena/category_edit.html", {"form": form}, status=422 if form.errors else 200)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def category_edit(request, pk):
    """Change a category. What somebody else saved meanwhile is shown and not overwritten unseen."""
    category = get_object_or_404(Category, pk=pk)
    hanging = hanging_on(category)
    form = CategoryForm(request.POST or None, instance=category, is_used=bool(hanging))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The category is saved."))
        return redirect("categories")
    saved = Category.objects.get(pk=pk)
    context = {"form": form, "category": saved, "hanging": in_one_line(hanging)}
    return render(request, "arena/category_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_POST
@transaction.atomic
def category_delete(request, pk):
    """Delete a category that nothing hangs on."""
    category = get_object_or_404(Category.objects.select_for_update(), pk=pk)
    if found := hanging_on(category):
        messages.error(
            request, _("The category stays, because of what hangs on it: %(what)s.") % {"what": in_one_line(found)}
        )
        return redirect("category_edit", pk=pk)
    category.delete()
    messages.success(request, _("The category is deleted."))
    return redirect("categories")


@leads_only
@require_POST
@transaction.atomic
def category_move(request, pk):
    """Move a category one place up or down among those beside it; all positions are then numbered through in reading order."""
    get_object_or_404(Category, pk=pk)
    step = -1 if request.POST.get("to") == "up" else 1
    list(Category.objects.select_for_update().order_by("pk"))
    branches = tree()
    _moved(branches, [branch.category.pk for branch in branches], pk, step)
    for branch in branches:
        _moved(branch.members, [member.pk for member in branch.members], pk, step)
    rows = [row for branch in branches for row in (branch.category, *branch.members)]
    for position, row in enumerate(rows):
        row.position = position
    Category.objects.bulk_update(rows, ["position"], batch_size=200)
    return redirect(reverse("categories") + f"#category-{pk}")


def _moved(rows: list, keys: list[int], pk: int, step: int) -> None:
    """Swap the one with this key with its neighbour, where it is among them and has one."""
    if pk in keys:
        here = keys.index(pk)
        there = here + step
        if 0 <= there < len(rows):
            rows[here], rows[there] = rows[there], rows[here]
