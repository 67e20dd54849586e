"""The form of a language model: who it is, where it is asked, and what that costs."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from arena.chat import ChatError, Endpoint, open_chat
from arena.chat.pace import Limits
from arena.editing import Json, Lines, in_one_line
from arena.keys import Lack, lack_of, why_withheld
from arena.locking import GuardedForm
from arena.models import LanguageModel
from arena.option_names import misspelt
from arena.withholding import is_secret_in_address, is_variable_name, secret_paths, spelled

LARGEST_PRICE = 1_000_000_000
ASKED_BY = ("provider", "base_url", "endpoint_model", "options")
"""What makes it another model that answers, whatever its name."""
NAMED_BY = ("name", "version")


class LanguageModelForm(GuardedForm):
    """All of a model's row that people write. A key has no place in it: only the name of its environment variable.

    Where answers or judges hang on the row, changing how it is asked wants a second word (`sure`): they would be taken
    for those of another model.
    """

    aliases = Lines(
        label=_("Other names"),
        required=False,
        help_text=_("One a line: names by which an answer may give its writer away. Such answers are marked."),
    )
    options = Json(
        label=_("Options"), help_text=_('Sent with every call, as JSON: {"temperature": 0, "max_tokens": 2048}')
    )
    limits = Json(
        label=_("Limits"),
        help_text=_('What the endpoint takes from all of us, as JSON: {"rpm": 60, "tpm": 100000, "concurrency": 4}'),
    )
    price_in = forms.FloatField(
        label=_("Price of what is sent"), required=False, min_value=0, max_value=LARGEST_PRICE,
        help_text=_("Per million tokens. A budget needs both prices."),
    )  # fmt: skip
    price_out = forms.FloatField(
        label=_("Price of what comes back"), required=False, min_value=0, max_value=LARGEST_PRICE,
        help_text=_("Per million tokens."),
    )  # fmt: skip
    sure = forms.BooleanField(label=_("It is the same model all the same: save this"), required=False)

    class Meta:
        model = LanguageModel
        fields = [
            "name", "version", "vendor", "family", "stage", "precision", "licence", "description_en", "description_zh",
            "aliases", "provider", "base_url", "endpoint_model", "key_env", "options", "limits", "price_in", "price_out",
        ]  # fmt: skip
        labels = {
            "name": _("Name"),
            "version": _("Version"),
            "vendor": _("Vendor"),
            "family": _("Family"),
            "stage": _("Stage"),
            "precision": _("Precision"),
            "licence": _("Licence"),
            "description_en": _("Description in English"),
            "description_zh": _("Description in Chinese"),
            "provider": _("How it is asked"),
            "base_url": _("Base URL"),
            "endpoint_model": _("Its id at the endpoint"),
            "key_env": _("Environment variable with the key"),
        }
        help_texts = {
            "name": _("As it stands on boards."),
            "version": _("Date, tag or size: two versions are two models."),
            "vendor": _("Who made it; “own” or “unstated” are words too."),
            "family": _("A judge's leaning to its own family is measured by this word."),
            "stage": _("Of its training: pretrained, sft, rlhf …"),
            "precision": _("Of its weights as it is asked: bf16, int8 …"),
            "licence": "",
            "provider": _("Choose none where its answers come from files."),
            "base_url": _(
                "Of an OpenAI-compatible server, such as http://localhost:8000/v1; empty for the vendor's own."
            ),
            "endpoint_model": _("Empty where it is the name above."),
            "key_env": _("Its NAME, such as OPENAI_API_KEY, never the key itself. Empty where no key is needed."),
        }
        widgets = {
            "description_en": forms.Textarea(attrs={"rows": 2}),
            "description_zh": forms.Textarea(attrs={"rows": 2, "lang": "zh-Hans"}),
            "base_url": forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
            "key_env": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.doubt = ""
        self.fields["provider"].choices = LanguageModel.Provider.choices

    def clean_key_env(self) -> str:
        name = self.cleaned_data["key_env"]
        if name and not is_variable_name(name):
            text = _(
                "This is the name of an environment variable, such as OPENAI_API_KEY; the key itself is never stored."
            )
            raise forms.ValidationError(text)
        return name

    def clean_base_url(self) -> str:
        address = self.cleaned_data["base_url"]
        if not address:
            return ""
        if is_secret_in_address(address):
            text = _("This address holds a password or a key; keys are read from the environment variable below.")
            raise forms.ValidationError(text)
        if not _is_address(address):
            raise forms.ValidationError(_("A web address is meant, such as http://localhost:8000/v1."))
        return address

    def clean_options(self) -> dict:
        options = self.cleaned_data["options"]
        if found := secret_paths(options):
            text = _("“%(name)s” looks like a key; keys are read from the environment variable above.")
            raise forms.ValidationError(text % {"name": spelled(found[0])})
        if "timeout" in options and not _is_seconds(options["timeout"]):
            raise forms.ValidationError(_("“timeout” is a number of seconds above 0."))
        for name, near in misspelt(options):
            if self.cleaned_data.get("provider") != LanguageModel.Provider.SCRIPTED:
                text = _(
                    "There is no option “%(name)s” that we know; “%(near)s” is meant? Put an unusual one into “extra_body”."
                )
                raise forms.ValidationError(text % {"name": name, "near": near})
        return options

    def clean_limits(self) -> dict:
        limits = self.cleaned_data["limits"]
        try:
            Limits.of(limits)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return limits

    def clean(self) -> dict:
        cleaned = super().clean()
        if not self.errors:
            refuse_withheld(self, cleaned)
        if not self.errors:
            self._clean_endpoint(cleaned)
        if not self.errors and self.instance.pk:
            self._clean_doubt(cleaned)
        return cleaned

    def _clean_endpoint(self, cleaned: dict) -> None:
        """Options that the chat package itself refuses are told here, and not when a run has begun."""
        if not cleaned["provider"]:
            return
        options = {name: value for name, value in cleaned["options"].items() if name != "timeout"}
        model = cleaned["endpoint_model"] or cleaned["name"]
        try:
            asyncio.run(_open(Endpoint(cleaned["provider"], model, cleaned["base_url"], key="none", options=options)))
        except ChatError as error:
            self.add_error("options", str(error))

    def _clean_doubt(self, cleaned: dict) -> None:
        was = LanguageModel.objects.get(pk=self.instance.pk)
        changed = [name for name in (*NAMED_BY, *ASKED_BY) if getattr(was, name) != cleaned[name]]
        answers, judges = was.answers.count(), was.judges.count()
        if not changed or cleaned["sure"] or not (answers or judges):
            return
        hanging = [(name, n) for name, n in (("answer", answers), ("judge", judges)) if n]
        self.doubt = _("On this model hang: %(hanging)s. With another %(fields)s they would pass for those of another one: make a new version instead, or say that it is the same.") % {
            "hanging": in_one_line(hanging), "fields": ", ".join(str(self.fields[name].label) for name in changed),
        }  # fmt: skip
        self.add_error(None, self.doubt)

    @property
    def lack(self) -> Lack | None:
        """What is the matter with the key of the row as it is saved."""
        return lack_of(self.instance) if self.instance.pk else None


def refuse_withheld(form: forms.BaseForm, cleaned: dict) -> None:
    """Say beside the variable's name why its key would not be sent to this endpoint."""
    name, provider, address = (cleaned.get(field) or "" for field in ("key_env", "provider", "base_url"))
    if name and (why := why_withheld(name, provider=provider, base_url=address)):
        form.add_error("key_env", why)


async def _open(endpoint: Endpoint) -> None:
    """Open a chat as a run would, and close it; nothing is sent. Raises ChatError for what cannot be asked like that."""
    await open_chat(endpoint).close()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 86_400
