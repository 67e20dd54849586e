"""Keys of endpoints: read from the environment when a call is made, and sent only where the operator lets them go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

import httpx2
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override

from arena.chat.base import HOMES
from arena.models import LanguageModel
from arena.withholding import is_ours

NOT_SET = gettext_noop(
    "The environment variable %(name)s, which holds its key, is not set. Set it where the site and its workers are started (with compose: in the file .env), and start them again."
)
OURS = gettext_noop("The variable %(name)s is the site's own; it holds no key of an endpoint.")
NOT_LET = gettext_noop("The operator lets no model use %(name)s (JURYROOM_KEYS).")
NOT_THERE = gettext_noop("The operator lets %(name)s go to %(hosts)s, and not to %(host)s (JURYROOM_KEYS).")


class NoKey(Exception):
    """The key of a model is not in the environment, or may not go where the model answers.

    The message says so in English, with the model's name, as runs keep it; `told` in the language that is active.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        with override("en"):
            super().__init__(f"model {model.name}: {self.told}")

    @property
    def told(self) -> str:
        """Which variable to set, and where; or why its key is not sent there."""
        name, where = self._model.key_env, {"provider": self._model.provider, "base_url": self._model.base_url}
        return why_withheld(name, **where) or _(NOT_SET) % {"name": name}


def key_of(model: LanguageModel) -> str:
    """The model's key from the environment variable that its row names; "" where it names none. Raises NoKey."""
    if lack_of(model):
        raise NoKey(model)
    return os.environ[model.key_env] if model.key_env else ""


def why_no_key(name: str, *, provider: str, base_url: str) -> str:
    """Why this endpoint cannot have what the variable `name` holds; "" where it can: it is set, and may go there."""
    withheld = why_withheld(name, provider=provider, base_url=base_url)
    return withheld or ("" if os.environ.get(name) else f"the environment variable {name} is not set")


class Lack(NamedTuple):
    """The variable of a key that calls need and cannot have: it is not set here, or is `withheld`, which says why."""

    name: str
    withheld: str = ""


def lack_of(model: LanguageModel) -> Lack | None:
    """What is the matter with the key of this model; None where it has one, or names none."""
    told = {"provider": model.provider, "base_url": model.base_url}
    if not model.key_env or not why_no_key(model.key_env, **told):
        return None
    return Lack(model.key_env, why_withheld(model.key_env, **told))


def lacking(models: Iterable[LanguageModel]) -> list[Lack]:
    """The keys that calls of these models need and cannot have, each once."""
    return sorted({lack for model in models if (lack := lack_of(model))})


def why_withheld(name: str, *, provider: str, base_url: str) -> str:
    """Why what the variable `name` holds is not sent to this endpoint; "" where it may go there.

    Never goes anywhere what is the site's own. Where the operator wrote down which key goes to which host
    (JURYROOM_KEYS), nothing else goes anywhere.
    """
    if is_ours(name):
        return _(OURS) % {"name": name}
    if not settings.KEYS:
        return ""
    if name not in settings.KEYS:
        return _(NOT_LET) % {"name": name}
    host, with_port = _host(base_url or HOMES.get(provider, ""))
    if settings.KEYS[name] & {host, with_port}:
        return ""
    told = {"name": name, "hosts": ", ".join(sorted(settings.KEYS[name])), "host": with_port or "—"}
    return _(NOT_THERE) % told


def _host(address: str) -> tuple[str, str]:
    """The host that a call to this address goes to, alone and with its port where that is not the usual one; "" where there is none.

    Read by what makes the calls: two readers of one address may take different hosts from it.
    """
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError):
        return "", ""
    host = url.raw_host.decode().lower()
    return host, f"{host}:{url.port}" if url.port else host
