"""Who is asked: language models with their endpoints, and how much these were asked lately."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.chat.base import Endpoint
from arena.models.words import Provenance, in_reader_language
from arena.pacing import pace_of


class LanguageModel(models.Model):
    """A language model with its endpoint; a candidate when its answers are compared."""

    class Provider(models.TextChoices):
        OPENAI = "openai", _("OpenAI-compatible")
        ANTHROPIC = "anthropic", "Anthropic"
        LOCAL = "local", _("on this machine (transformers)")
        SCRIPTED = "scripted", _("scripted (demo and tests)")
        NONE = "", _("no endpoint: answers come from files")

    name = models.CharField(max_length=120)
    version = models.CharField(max_length=80)
    vendor = models.CharField(max_length=120)
    family = models.CharField(max_length=80, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    stage = models.CharField(max_length=40, blank=True, help_text="of its training: pretrained, sft, rlhf …")
    precision = models.CharField(max_length=20, blank=True, help_text="of its weights as it was asked: bf16, int8 …")
    description_en = models.TextField(blank=True)
    description_zh = models.TextField(blank=True)
    aliases = models.JSONField(default=list, blank=True)
    provider = models.CharField(max_length=20, choices=Provider, blank=True, default=Provider.NONE)
    endpoint_model = models.CharField(max_length=200, blank=True, help_text="the id that the endpoint knows")
    base_url = models.CharField(max_length=300, blank=True)
    key_env = models.CharField(
        max_length=80, blank=True, help_text="name of the environment variable that holds the key; never the key"
    )
    options = models.JSONField(default=dict, blank=True, help_text="sent with every call: temperature, max_tokens …")
    limits = models.JSONField(
        default=dict, blank=True, help_text="what all workers together keep to: rpm, tpm (a minute), concurrency"
    )
    price_in = models.FloatField(null=True, blank=True, help_text="per million tokens")
    price_out = models.FloatField(null=True, blank=True, help_text="per million tokens")
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.REAL)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_model_per_name_and_version"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(version="") & ~Q(vendor=""), name="a_model_has_name_version_and_vendor"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def description(self) -> str:
        return in_reader_language(self.description_en, self.description_zh)

    def endpoint(self, key: str, **options: Any) -> Endpoint:
        """Where to ask this model, with `key` from the environment; `options` override the row's own.

        Raises ValueError for limits that are none.
        """
        merged = {**self.options, **options}
        timeout = float(merged.pop("timeout", 120))
        return Endpoint(
            provider=self.provider,
            model=self.endpoint_model or self.name,
            base_url=self.base_url,
            key=key,
            options=merged,
            timeout=timeout,
            pace=pace_of(self),
        )

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """What a call costs in the price's currency; None where price or tokens are unknown."""
        if self.price_in is None or self.price_out is None or tokens_in is None or tokens_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


class EndpointTally(models.Model):
    """How much an endpoint with limits was asked lately, by all workers together; see `arena.pacing`. Times are seconds since 1970."""

    name = models.CharField(max_length=64, unique=True)
    calls_at = models.FloatField(default=0.0, help_text="when the next call may start")
    tokens_at = models.FloatField(default=0.0, help_text="when the tokens of those before are paid off")
    shut_until = models.FloatField(default=0.0, help_text="until when it asked to be left alone")
    places = models.JSONField(default=dict, help_text="for each worker: calls under way, calls wanted, until when")

    class Meta:
        verbose_name_plural = "endpoint tallies"
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="a_tally_has_a_name")]

    def __str__(self) -> str:
        return self.name
