"""Pages of webhooks: where messages about runs go, what became of the last ones, and a test message. Leads only."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from judging import notifying
from judging.models import AuditEntry, Webhook
from judging.views.runs import leads_only
from judging.webhook_form import EVENTS, SHORT, WebhookForm, is_set

LAST = 5  # messages shown in the list
LAST_OF_ONE = 50


@leads_only
@require_safe
def webhooks(request):
    """All webhooks, whether their variables are set, and their last messages. Two queries, however many there are."""
    found = list(Webhook.objects.all())
    last = notifying.last_of(found, most=LAST)
    rows = [_row(webhook, last.get(webhook.pk, [])) for webhook in found]
    return render(request, "judging/webhooks.html", {"rows": rows, "prefix": notifying.PREFIX})


def _row(webhook: Webhook, last: list) -> dict:
    return {
        "webhook": webhook,
        "events": [word for name, word in SHORT.items() if name in webhook.events],
        "variables": [(name, is_set(name)) for name in (webhook.url_env, webhook.secret_env) if name],
        "last": last,
    }


@leads_only
@require_http_methods(["GET", "POST"])
def webhook_new(request):
    """Add a webhook."""
    form = WebhookForm(request.POST or None, initial={"events": [name for name, _label in EVENTS]})
    if request.method == "POST" and form.is_valid():
        form.instance.created_by = request.user
        webhook = form.save()
        AuditEntry.note("webhook_made", actor=request.user, name=webhook.name, kind=webhook.kind)
        messages.success(request, _("The webhook is added. Send a test message to see whether it arrives."))
        return redirect("webhook_edit", pk=webhook.pk)
    return render(request, "judging/webhook_edit.html", {"form": form}, status=422 if form.errors else 200)


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def webhook_edit(request, pk):
    """Change a webhook. What somebody else saved meanwhile is shown and not overwritten unseen."""
    form = WebhookForm(request.POST or None, instance=get_object_or_404(Webhook, pk=pk))
    if request.method == "POST" and form.is_valid():
        webhook = form.save()
        AuditEntry.note("webhook_changed", actor=request.user, name=webhook.name, changed=form.changed_data)
        messages.success(request, _("The webhook is saved."))
        return redirect("webhook_edit", pk=pk)
    saved = Webhook.objects.get(pk=pk)
    last = list(saved.deliveries.select_related("run")[:LAST_OF_ONE])
    context = {"form": form, **_row(saved, last)}
    return render(request, "judging/webhook_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_POST
def webhook_test(request, pk):
    """Queue a test message."""
    webhook = get_object_or_404(Webhook, pk=pk)
    notifying.send_test(webhook)
    messages.success(
        request, _("A test message is queued. Load this page again in a moment to see whether it arrived.")
    )
    return redirect("webhook_edit", pk=pk)


@leads_only
@require_POST
def webhook_delete(request, pk):
    """Delete a webhook, and the list of what was sent to it."""
    webhook = get_object_or_404(Webhook, pk=pk)
    AuditEntry.note("webhook_deleted", actor=request.user, name=webhook.name)
    webhook.delete()
    messages.success(request, _("The webhook is deleted."))
    return redirect("webhooks")
