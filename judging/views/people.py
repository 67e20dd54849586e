"""Pages of who takes part in a run, for leads; and the two ways in, by invitation and as a guest."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from arena.border import asked
from arena.frame import is_annotator, is_lead
from arena.signing_in import address_of
from judging import people as taking_part
from judging.models import AuditEntry, Invitation, Membership, Role, Run
from judging.people import NotLetIn
from judging.views.runs import leads_only, of_our_own, told_elsewhere
from judging.voting import GUESTS, Voting

MODEL = "django.contrib.auth.backends.ModelBackend"


class InvitationForm(forms.Form):
    """Whom a new link lets in."""

    role = forms.ChoiceField(label=gettext_lazy("As"), choices=Role.choices, initial=Role.ANNOTATOR)
    note = forms.CharField(
        label=gettext_lazy("For whom"), max_length=200, required=False, help_text=gettext_lazy("Shown to leads only.")
    )
    languages = forms.CharField(
        label=gettext_lazy("Languages"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Of the questions this person is given: en, zh …; empty means all."),
    )
    days = forms.IntegerField(label=gettext_lazy("Valid for days"), min_value=1, max_value=90, initial=14)

    def clean_languages(self) -> list[str]:
        return _languages(self.cleaned_data["languages"])


class PersonForm(forms.ModelForm):
    """What is set for one person, in place of the run's own."""

    languages = forms.CharField(label=gettext_lazy("Languages"), max_length=100, required=False)

    class Meta:
        model = Membership
        fields = ["role", "per_day", "per_person"]
        labels = {
            "role": gettext_lazy("As"),
            "per_day": gettext_lazy("Votes a day"),
            "per_person": gettext_lazy("Votes in all"),
        }

    def clean_languages(self) -> list[str]:
        return _languages(self.cleaned_data["languages"])


def _languages(text: str) -> list[str]:
    return [word.strip()[:12] for word in text.replace("，", ",").split(",") if word.strip()]


def or_invited(view):
    """As `of_our_own`, but lets an imported run through that somebody was once invited to: what is left to do is to take it back."""

    @wraps(view)
    def checked(request, pk, *args, **kwargs):
        chosen = view if Invitation.objects.filter(run=pk).exists() else of_our_own(view)
        return chosen(request, pk, *args, **kwargs)

    return checked


@leads_only
@never_cache
@require_http_methods(["GET", "POST"])
@or_invited
def people(request, pk):
    """Who takes part and who has done how much; a post makes an invitation, whose link is shown this once.

    Of an imported run the invitations alone, and none is made.
    """
    run = get_object_or_404(Run.objects.select_related("benchmark"), pk=pk)
    if run.is_imported and request.method == "POST":
        return told_elsewhere(request, pk)
    if run.is_imported:
        return render(request, "judging/people.html", {"run": run, "invitations": _newest(run)})
    form = InvitationForm(request.POST or None)
    link = None
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        valid_for = timedelta(days=told["days"])
        invitation, token = Invitation.issue(
            run,
            role=told["role"],
            created_by=request.user,
            valid_for=valid_for,
            note=told["note"],
            languages=told["languages"],
        )
        AuditEntry.note("invitation_made", actor=request.user, run=run, invitation=invitation.pk, role=told["role"])
        link, form = request.build_absolute_uri(reverse("join", args=[token])), InvitationForm()
    context = {
        "run": run,
        "people": taking_part.people_of(run),
        "invitations": _newest(run),
        "form": form,
        "link": link,
        "guest_link": request.build_absolute_uri(reverse("guest", args=[pk]))
        if Voting.of(run).open_to == GUESTS
        else None,
    }
    return render(request, "judging/people.html", context, status=422 if form.errors else 200)


def _newest(run: Run) -> QuerySet[Invitation]:
    """The run's invitations, as many as the page shows."""
    return run.invitations.select_related("used_by", "created_by")[:200]


@leads_only
@require_http_methods(["GET", "POST"])
@of_our_own
def person(request, pk, user):
    """One person in a run: role, quotas, languages; paused with a reason, or let go on."""
    run = get_object_or_404(Run, pk=pk)
    who = get_object_or_404(get_user_model(), pk=user)
    row = Membership.objects.filter(run=run, user=who).first() or Membership(run=run, user=who)
    act = request.POST.get("act", "")
    if act == "pause":
        why = asked(request.POST, "why")
        if not why:
            messages.warning(request, _("Say why: the person reads it. Nothing was changed."))
            return redirect("person", pk, user)
        taking_part.pause(run, who, why=why, by=request.user)
        messages.success(request, _("Paused. What this person voted stays as it is."))
        return redirect("people", pk)
    if act == "resume":
        taking_part.resume(run, who, by=request.user)
        messages.success(request, _("This person may go on."))
        return redirect("people", pk)
    form = PersonForm(request.POST or None, instance=row, initial={"languages": ", ".join(row.languages)})
    if request.method == "POST" and form.is_valid():
        row = form.save(commit=False)
        row.languages = form.cleaned_data["languages"]
        row.save()
        AuditEntry.note("person_changed", actor=request.user, run=run, person=who.get_username())
        messages.success(request, _("Kept."))
        return redirect("people", pk)
    context = {"run": run, "who": who, "row": row, "form": form}
    return render(request, "judging/person.html", context, status=422 if form.errors else 200)


@leads_only
@never_cache
@require_POST
@of_our_own
def password_link(request, pk, user):
    """A link to a new password for somebody who takes part and cannot get mail; shown this once."""
    run = get_object_or_404(Run, pk=pk)
    who = get_object_or_404(get_user_model(), pk=user)
    if not taking_part.may_get_link(who, by=request.user, run=run):
        raise PermissionDenied(_("Only somebody above can do this for that account."))
    where = {"uidb64": urlsafe_base64_encode(force_bytes(who.pk)), "token": default_token_generator.make_token(who)}
    AuditEntry.note("password_link_made", actor=request.user, run=run, person=who.get_username())
    link = request.build_absolute_uri(reverse("password_reset_confirm", kwargs=where))
    row = Membership.objects.filter(run=run, user=who).first() or Membership(run=run, user=who)
    form = PersonForm(instance=row, initial={"languages": ", ".join(row.languages)})
    return render(request, "judging/person.html", {"run": run, "who": who, "row": row, "form": form, "link": link})


@leads_only
@require_POST
@or_invited
def revoke(request, pk, invitation):
    """Take an unused invitation back; of an imported run too, for which earlier versions made some."""
    found = Invitation.objects.filter(pk=invitation, run=pk, used_at=None, revoked_at=None)
    if found.update(revoked_at=timezone.now()):
        AuditEntry.note(
            "invitation_revoked", actor=request.user, run=get_object_or_404(Run, pk=pk), invitation=invitation
        )
        messages.success(request, _("The invitation was taken back: its link lets nobody in."))
    else:
        messages.info(request, _("This invitation was used or taken back already."))
    return redirect("people", pk)


@never_cache
@require_http_methods(["GET", "POST"])
def join(request, token):
    """What a link invites to; a post takes part, with this account or with a new one."""
    try:
        invitation = taking_part.invitation_of(token)
    except NotLetIn as refusal:
        return render(request, "judging/join.html", {"refusal": str(refusal)}, status=410)
    if invitation.role == Role.ANNOTATOR and is_lead(request.user) and not is_annotator(request.user):
        refusal = _("Leads see who wrote what, and do not vote. The link is not used up: send it to somebody else.")
        return render(request, "judging/join.html", {"refusal": refusal, "not_you": True}, status=403)
    form = None
    if not request.user.is_authenticated:
        form = UserCreationForm(request.POST or None)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            with transaction.atomic():  # no account is made where nobody is let in
                user = form.save() if form else request.user
                taking_part.accept(token, user)
        except NotLetIn as refusal:
            return render(request, "judging/join.html", {"refusal": str(refusal)}, status=410)
        if form:
            login(request, user, backend=MODEL)
        return redirect(_where_to(invitation))
    context = {"invitation": invitation, "run": invitation.run, "form": form}
    return render(request, "judging/join.html", context, status=422 if form and form.errors else 200)


def _where_to(invitation: Invitation) -> str:
    pages = {Role.ADJUDICATOR: "adjudicate", Role.ANNOTATOR: "ballot", Role.VIEWER: "run"}
    return reverse(pages[Role(invitation.role)], args=[invitation.run_id])


@never_cache
@require_http_methods(["GET", "POST"])
def guest(request, pk):
    """The open door of a run: whoever comes by it votes as a guest."""
    run = get_object_or_404(Run.objects.select_related("benchmark"), pk=pk, status=Run.Status.OPEN)
    if Voting.of(run).open_to != GUESTS:
        raise Http404
    if request.user.is_authenticated:
        return redirect("ballot", pk)
    refusal = ""
    if request.method == "POST":
        try:
            login(request, taking_part.come_as_guest(run, address_of(request)), backend=MODEL)
            return redirect("ballot", pk)
        except NotLetIn as told:
            refusal = str(told)
    return render(request, "judging/guest.html", {"run": run, "refusal": refusal}, status=429 if refusal else 200)
