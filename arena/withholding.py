"""What looks like a secret: such a thing is never stored with a row, and never shown if it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LONGEST_NAME = 80  # what a row keeps of a variable's name
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
SECRET_NAME = re.compile(
    r"api_?key|access_?key|private_?key|access_?token|auth_?token|secret|passw|passphrase|authorization|bearer"
    r"|credential|header"
)
SECRET_TEXT = re.compile(
    r"\b(sk|pk|rk|hf|gsk|ghp|gho|xox[abp])[-_][\w-]{12,}|\bAIza[\w-]{20,}|\bAKIA[0-9A-Z]{12,}|\b(Bearer|Basic)\s+\S{6,}"
)
KEY_WORDS = ("key", "token")
HARMLESS = frozenset(
    {"prompt_cache_key", "bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "stop_token"}
)

Path = tuple[str | int, ...]


def is_variable_name(text: str) -> bool:
    """Whether the text can be the name of the environment variable that holds a key, and is not the key itself."""
    return len(text) <= LONGEST_NAME and bool(VARIABLE.fullmatch(text)) and not SECRET_TEXT.search(text)


OURS = ("JURYROOM_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
"""How the names of this site's own variables begin: none of them is a key for an endpoint."""


def is_ours(name: str) -> bool:
    """Whether a variable of this name is the site's own: what it holds would be sent to the endpoint."""
    return name.startswith(OURS)


def secret_paths(value: Any) -> list[Path]:
    """Where in nested options (mappings and lists) something looks like a secret, by its name or by the text itself."""
    return list(_paths(value, ()))


def without_secrets(value: Any) -> Any:
    """The value without anything that `secret_paths` finds; None for a text that is one."""
    if isinstance(value, dict):
        return {name: without_secrets(inner) for name, inner in value.items() if not _is_secret(str(name), inner)}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value if not _is_secret_text(inner)]
    return None if _is_secret_text(value) else value


def spelled(path: Path) -> str:
    """The path as people write it: `extra_body.keys[0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def is_secret_in_address(url: str) -> bool:
    """Whether a web address carries a password or a key. An address that cannot be read carries none."""
    try:
        parts = urlsplit(url)
        return bool(parts.username or parts.password) or any(
            _is_secret(name, text) for name, text in parse_qsl(parts.query)
        )
    except ValueError:
        return False


def _paths(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if _is_secret(str(name), inner):
                yield (*path, str(name))
            else:
                yield from _paths(inner, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _paths(inner, (*path, place))
    elif _is_secret_text(value):
        yield path


def _is_secret(name: str, value: Any) -> bool:
    """By its name whatever the value; a name that only ends in key or token (not `max_tokens`) with a text alone."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_").lower()
    if SECRET_NAME.search(plain) or _is_secret_text(value):
        return True
    return isinstance(value, str) and plain not in HARMLESS and plain.split("_")[-1] in KEY_WORDS


def _is_secret_text(value: Any) -> bool:
    return isinstance(value, str) and bool(SECRET_TEXT.search(value))
