"""The models of a recipe: who each is, and how it is asked."""

from __future__ import annotations

from typing import Any

from arena.chat import PROVIDERS
from arena.models import LanguageModel
from arena.option_names import misspelt
from arena.withholding import is_secret_in_address, is_variable_name, secret_paths
from judging.recipes.lines import Section
from judging.recipes.recipe import ModelSpec

LARGEST_PRICE = 1_000_000_000
LARGEST_LIMIT = 1_000_000_000
LIMITS = ("rpm", "tpm", "concurrency")
_NAME = LanguageModel.name.field.max_length


def model_fields(section: Section, *, longest_name: int = _NAME, **more) -> ModelSpec:
    """The keys that a candidate and a judge's model share."""
    provider = section.one_of("provider", PROVIDERS)
    return ModelSpec(
        name=section.text("name", required=True, longest=longest_name),
        version=section.text("version", required=True, longest=length(LanguageModel.version)),
        vendor=section.text("vendor", required=True, longest=length(LanguageModel.vendor)),
        provider=provider,
        model=section.text("model", longest=length(LanguageModel.endpoint_model)),
        base_url=_address(section),
        key_env=_key_env(section),
        options=_options(section),
        family=section.text("family", longest=length(LanguageModel.family)),
        licence=section.text("licence", longest=length(LanguageModel.licence)),
        aliases=section.texts("aliases"),
        price_in=section.number("price_in", float, lowest=0, highest=LARGEST_PRICE),
        price_out=section.number("price_out", float, lowest=0, highest=LARGEST_PRICE),
        limits=_limits(section),
        line=section.line,
        place=section.path,
        lines=section.lines,
        **more,
    )


def length(column: Any) -> int:
    """How many characters a column keeps."""
    return column.field.max_length


def _address(section: Section) -> str:
    address = section.text("base_url", longest=length(LanguageModel.base_url))
    if is_secret_in_address(address):
        section.problem("base_url", "holds a password or a key; name the variable that holds it in key_env")
        return ""
    return address


def _key_env(section: Section) -> str:
    name = section.take("key_env", str, "")
    if name and not is_variable_name(name):
        section.problem(
            "key_env", "is not the name of an environment variable (A-Z, 0-9 and _); never write a key here"
        )
        return ""
    return name


def _options(section: Section) -> dict[str, Any]:
    options = section.take("options", dict, {})
    for path in secret_paths(options):
        section.problem_within("options", path, "looks like a key; name the variable that holds it in key_env")
    for name, meant in misspelt(options):
        section.problem_within("options", (name,), f"is no option that endpoints know; is '{meant}' meant?")
    return options


def _limits(section: Section) -> dict[str, int]:
    """What the endpoint takes: requests and tokens a minute, and calls at a time, over all workers together."""
    about = section.section("limits")
    if about is None:
        return {}
    limits = {name: about.number(name, int, lowest=1, highest=LARGEST_LIMIT) for name in LIMITS}
    about.finish()
    return {name: value for name, value in limits.items() if value}
