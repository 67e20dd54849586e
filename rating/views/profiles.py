"""Profiles: weights of categories for the total, and gates. For leads only."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from judging.views.runs import leads_only
from rating.models import Leaderboard, Profile
from rating.profile_form import ProfileForm
from rating.views.with_rows import edited


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
    def saved(row):
        messages.success(request, _("The profile %(name)s is saved.") % {"name": row.name})
        return redirect("profiles")

    form_of = partial(ProfileForm, instance=profile)
    return edited(request, form_of, parts="gates", page=partial(_page, request), saved=saved)


def _page(request, form, *, status=200, is_checked=True):
    context = {"form": form, "profile": form.instance if form.instance.pk else None, "checking": not is_checked}
    return render(request, "rating/profile_edit.html", context, status=status)
