"""Who asks: a token's person, the signed-in reader of our own pages, or a visitor; and how often.

A cookie reads and never writes, so that no other site can make a browser write. A token writes only where it was made for that.
"""

from __future__ import annotations

from time import time
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from arena import tokens
from arena.frame import is_lead
from arena.signing_in import address_of, counted
from rating.api.problems import Problem

MINUTE = 60
MOST_OF_TOKEN = 1200  # requests a minute
MOST_OF_VISITOR = 600  # requests a minute from one address without a token
READS = ("GET", "HEAD", "OPTIONS")
OURS = ("same-origin", "none")  # what a browser says of a request that no other site made
ASKS_FOR_TOKEN = {"WWW-Authenticate": "Bearer"}


class Access(HttpBearer):
    """Puts the person on the request. Public things need no token; what else there is decides each by the person's roles.

    With `leads` nobody but evaluation leads gets further, and nothing they sent is read before.
    """

    def __init__(self, *, leads: bool = False) -> None:
        super().__init__()
        self.leads = leads

    def __call__(self, request: HttpRequest) -> Any:
        who = self._known(request)
        if self.leads:
            _leads_only(request)
        return who

    def _known(self, request: HttpRequest) -> Any:
        header = request.headers.get("Authorization", "")
        if not header:
            return self._without_token(request)
        scheme, _space, token = header.partition(" ")
        row = tokens.check(token.strip()) if scheme.lower() == "bearer" else None
        if row is None:
            _slow_down("address", address_of(request), MOST_OF_VISITOR)
            raise Problem(401, _("This token is unknown, taken back or expired."), headers=ASKS_FOR_TOKEN)
        _slow_down("token", row.pk, MOST_OF_TOKEN)
        if request.method not in READS and not row.may_write:
            raise Problem(403, _("This token may only read. Make one that may write."), word="read_only")
        request.user = row.user
        return row

    def _without_token(self, request: HttpRequest) -> str:
        _slow_down("address", address_of(request), MOST_OF_VISITOR)
        if request.method not in READS:
            raise Problem(401, _("Writing needs a token: a cookie is not enough."), headers=ASKS_FOR_TOKEN)
        if request.headers.get("Sec-Fetch-Site", "none") not in OURS:
            request.user = AnonymousUser()
        return "visitor"

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return tokens.check(token)


def _slow_down(kind: str, who: Any, most: int) -> None:
    """Raises Problem 429 for one request too many in this minute."""
    now = time()
    if counted("api", kind, who, int(now // MINUTE), within=MINUTE) > most:
        wait = MINUTE - int(now % MINUTE)
        told = _("More than %(most)d requests in a minute: wait %(wait)d seconds.") % {"most": most, "wait": wait}
        raise Problem(429, told, headers={"Retry-After": str(wait)})


def _leads_only(request: HttpRequest) -> None:
    """Raises Problem for anybody but evaluation leads."""
    if is_lead(request.user):
        return
    if not request.user.is_authenticated:
        raise Problem(401, _("This needs the token of an evaluation lead."), headers=ASKS_FOR_TOKEN)
    raise Problem(403, _("This is for evaluation leads."))


LEADS = Access(leads=True)
