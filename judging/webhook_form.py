"""The form by which a lead says where messages about runs go: names of environment variables, never an address or a secret."""

from __future__ import annotations

import os

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.locking import GuardedForm
from judging.models import Webhook
from judging.notifying import CANCELLED, DONE, FAILED, PAUSED, PREFIX, STARTED, is_variable

EVENTS = [
    (STARTED, _("a run starts, or is opened for votes")),
    (FAILED, _("a run fails")),
    (PAUSED, _("a run is paused, because its budget is spent")),
    (DONE, _("a run is done, or closed for votes")),
    (CANCELLED, _("a run is cancelled")),
]
SHORT = {
    STARTED: _("starts"),
    FAILED: _("fails"),
    PAUSED: _("is paused"),
    DONE: _("is done"),
    CANCELLED: _("is cancelled"),
}
"""What a run does that a message is sent about."""
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
UNSIGNED = (Webhook.Kind.SLACK, Webhook.Kind.WECOM)
WIDER = ("events", "is_on", "url_env", "kind")  # after a change of these it hears of what comes, and not of what was


class WebhookForm(GuardedForm):
    """Where messages go and about what. Bad input stays in the form, with one sentence for each field."""

    events = forms.MultipleChoiceField(
        label=_("Send a message when"), choices=EVENTS, required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(label=_("Language of the messages"), choices=LANGUAGES)

    class Meta:
        model = Webhook
        fields = ["name", "kind", "url_env", "secret_env", "events", "language", "is_on"]
        labels = {
            "name": _("Name"),
            "kind": _("Kind"),
            "url_env": _("Variable with the address"),
            "secret_env": _("Variable with the secret"),
            "is_on": _("Messages are sent"),
        }
        help_texts = {
            "name": _("As people call it: a team, a channel."),
            "url_env": _("Name of the environment variable that holds the address; it begins with JURYROOM_WEBHOOK_."),
            "secret_env": _("For plain JSON, Feishu or Lark and DingTalk, where messages are signed; else empty."),
        }

    def clean_url_env(self) -> str:
        return _checked(self.cleaned_data["url_env"])

    def clean_secret_env(self) -> str:
        name = self.cleaned_data["secret_env"].strip()
        return _checked(name) if name else ""

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("secret_env") and cleaned.get("kind") in UNSIGNED:
            self.add_error("secret_env", _("This kind has no secret: its address is all there is. Leave this empty."))
        return cleaned

    def save(self, commit: bool = True) -> Webhook:
        if self.instance.pk and any(name in self.changed_data for name in WIDER):
            self.instance.created_at = timezone.now()
        return super().save(commit)


def _checked(name: str) -> str:
    name = name.strip()
    if not is_variable(name):
        told = _(
            "This is the name of a variable, such as %(name)s: capitals, digits and _ after %(prefix)s. Never the address itself."
        )
        raise forms.ValidationError(told % {"name": f"{PREFIX}TEAM", "prefix": PREFIX})
    return name


def is_set(name: str) -> bool:
    """Whether the environment of this process holds something under a name that webhooks may read."""
    return is_variable(name) and bool(os.environ.get(name, "").strip())
