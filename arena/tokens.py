"""Tokens by which programs act for a person: made, checked and revoked. Only the SHA-256 of one is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from arena.models import ApiToken

MARK = "jr_"  # what every token begins with, so that one that lies about is known for what it is
SHOWN = 9  # first characters that a row keeps, to know it by
OFTEN = timedelta(minutes=1)  # that a token was used is put down once in so long
MOST = 50  # tokens that one person may have in use


class TooMany(ValueError):
    """This person has as many tokens as anybody may have."""


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def make(user: Any, name: str, *, may_write: bool = False, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new token's row, saved, and the token itself, which is not to be had again. Raises TooMany."""
    if of(user).count() >= MOST:
        raise TooMany
    token = MARK + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        digest=digest_of(token),
        start=token[:SHOWN],
        may_write=may_write,
        expires_at=expires_at,
    )
    return row, token


def check(token: str) -> ApiToken | None:
    """The row of a token that is in force, with its user loaded; None for any other. One query, and an update once in OFTEN.

    The table is searched by the digest, so that how long that takes says nothing of the token; the comparison is of one time
    all the same.
    """
    if not token.startswith(MARK):
        return None
    digest, now = digest_of(token), timezone.now()
    row = in_force().filter(digest=digest, user__is_active=True).select_related("user").first()
    if row is None or not constant_time_compare(row.digest, digest):
        return None
    if row.used_at is None or row.used_at < now - OFTEN:
        ApiToken.objects.filter(pk=row.pk).update(used_at=now)
    return row


def revoke(row: ApiToken) -> None:
    """End a token; nothing done with it is undone."""
    ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now())


def in_force():
    """Tokens that are neither revoked nor past their end."""
    return ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def of(user: Any):
    """A person's tokens in force."""
    return in_force().filter(user=user)
