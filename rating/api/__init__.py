"""The API: /api/v1/, read-only JSON of what the pages show, and writing for those allowed. One module for each kind of thing.

What comes in is checked and what goes out described by django-ninja; its own pages of documentation, which load from elsewhere,
are off: ours is `rating.views.api`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Router

from rating.api import answers, asked, bad_cases, boards, judges, model_reports, models, record, runs, votes
from rating.api.auth import Access
from rating.api.openapi import described
from rating.api.problems import Problem, response_of, speak_problems

ROOT = "/api/v1/"
DESCRIPTION = """Everything that the pages of this site show, as JSON, and posting answers, questions, votes and runs for those
allowed. Public things need no token; for the rest send `Authorization: Bearer TOKEN`, where the token is made under “Tokens for
programs”. Unknown is null, never 0. Lists are pages: `next` is the address of the page after this one. Every answer has an ETag:
send it as If-None-Match, and what has not changed is answered with 304. Errors are application/problem+json and name the field."""


class Api(NinjaAPI):
    """Ours, with a fingerprint on all that is read: what has not changed is not sent again."""

    def create_response(self, request: HttpRequest, data: Any, **more: Any) -> HttpResponse:
        response = super().create_response(request, data, **more)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization, Cookie, Accept-Language"
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
            if tag in _tags(request):
                response = HttpResponse(status=304, headers={**response.headers})
                del response.headers["Content-Type"]
            response.headers["ETag"] = tag
        return response

    def get_openapi_operation_id(self, operation: Any) -> str:
        return operation.view_func.__name__


def _tags(request: HttpRequest) -> list[str]:
    """The fingerprints of what the other side has already; weak ones too, for they are told apart by a proxy only."""
    return [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]


api = Api(
    title="Juryroom",
    version=settings.VERSION,
    description=DESCRIPTION,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api-v1",
    auth=Access(),
)
speak_problems(api)
for part in (boards, models, model_reports, asked, answers, record, bad_cases, judges, runs, votes):
    api.add_router("", part.router)


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The whole API as OpenAPI 3.1."""
    return described(api.get_openapi_schema(path_prefix=ROOT))


ends = Router()


@ends.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> Any:
    return description()


@ends.get("/{path:rest}", include_in_schema=False)
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    return response_of(Problem(404, _("There is no such address in this API.")))


api.add_router("", ends)
