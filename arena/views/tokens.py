"""The page on which a person makes tokens for programs and takes them back."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from arena import tokens
from arena.models import ApiToken, storable

MOST_SHOWN = 100


class TokenForm(forms.Form):
    """A token to be made."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("What it is for: a script, a notebook.")
    )
    may_write = forms.BooleanField(
        label=gettext_lazy("May write: post votes, and answers where you are a lead"), required=False
    )
    days = forms.IntegerField(
        label=gettext_lazy("Valid for days"),
        min_value=1,
        max_value=3650,
        required=False,
        initial=90,
        help_text=gettext_lazy("Empty: until you take it back."),
    )

    def clean_name(self) -> str:
        return storable(self.cleaned_data["name"])


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_variables("token")
def my_tokens(request):
    """A person's own tokens; a post makes one and shows it, this once."""
    form, token = TokenForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            token = _made(request.user, form.cleaned_data)
            form = TokenForm()
        except tokens.TooMany:
            form.add_error(None, _("You have %d tokens: take one back before you make another.") % tokens.MOST)
    found = ApiToken.objects.filter(user=request.user)[:MOST_SHOWN]
    context = {"form": form, "token": token, "tokens": found, "now": timezone.now()}
    return render(request, "arena/tokens.html", context, status=422 if form.is_bound and form.errors else 200)


@sensitive_variables("token")
def _made(user, told: dict) -> str:
    ends = timezone.now() + timedelta(days=told["days"]) if told["days"] else None
    _row, token = tokens.make(user, told["name"], may_write=told["may_write"], expires_at=ends)
    return token


@login_required
@require_POST
def token_revoke(request, pk):
    """Take a token of one's own back."""
    tokens.revoke(get_object_or_404(ApiToken, pk=pk, user=request.user))
    messages.success(request, _("The token is taken back: whoever holds it is let in no longer."))
    return redirect("tokens")
