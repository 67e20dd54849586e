"""Profiles: weights of categories for the total, and gates. For leads only."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from judging.views.runs import leads_only
from rating.models import Leaderboard, Profile
from rating.profile_form import ProfileForm


@leads_only
@require_GET
def profiles(request):
    """All profiles, with the boards that use each. Two queries."""
    used = {}
    for board in Leaderboard.objects.select_related("benchmark"):
        used.setdefault(board.recipe.get("profile"), []).append(board)
    rows = [(profile, used.get(profile.name, [])) for profile in Profile.objects.all()]
    return render(request, "rating/profiles.html", {"rows": rows})


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def profile_new(request):
    """Set up a profile."""
    return _edited(request, None)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def profile_edit(request, pk):
    """Change a profile; a snapshot of each board that uses it is asked for."""
    return _edited(request, get_object_or_404(Profile, pk=pk))


def _edited(request, profile):
    """The form, kept as it is where "more" asks for another empty row."""
    if request.method == "GET":
        return _page(request, ProfileForm(instance=profile))
    data = with_more_rows(request.POST, "gates") if "more" in request.POST else request.POST
    form = ProfileForm(data, instance=profile)
    if "more" in request.POST:
        form.full_clean()
        return _page(request, form, is_checked=False)
    if not form.is_valid():
        return _page(request, form, status=422)
    saved = form.save()
    messages.success(request, _("The profile %(name)s is saved.") % {"name": saved.name})
    return redirect("profiles")


def with_more_rows(data, prefix, more=2):
    """The same post with more rows in a set of forms, as many as its form allows."""
    data = data.copy()
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    is_number = total.isascii() and total.isdecimal() and len(total) < 5
    data[f"{prefix}-TOTAL_FORMS"] = str(min(60, (int(total) if is_number else 0) + more))
    return data


def _page(request, form, *, status=200, is_checked=True):
    context = {"form": form, "profile": form.instance if form.instance.pk else None, "checking": not is_checked}
    return render(request, "rating/profile_edit.html", context, status=status)
