"""What goes wrong, as application/problem+json (RFC 9457): a sentence, and one for each field that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from judging.models import Run

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Conflict",
    413: "Too large",
    422: "Some fields cannot be used",
    429: "Too many requests",
}


class Fault(Schema):
    field: str = Field(description="where in what was sent, as in answers[3].turns; a query parameter by its name")
    message: str


class ProblemRow(Schema):
    """Any error of 4xx."""

    type: str = Field(description="about:blank: the status says it all")
    title: str
    status: int
    detail: str = Field(description="what is wrong, as a sentence")
    word: str | None = Field(
        None, description="the same as a word of ours, where programs may want to tell cases apart"
    )
    errors: list[Fault] = Field([], description="one for each field that cannot be used")


class Problem(Exception):
    """A request that is answered with an error of 4xx; `word` tells a program which case it is."""

    def __init__(
        self, status: int, detail: str, *, word: str = "", errors: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ):  # fmt: skip
        super().__init__(detail)
        self.status, self.detail, self.word = status, detail, word
        self.errors, self.headers = list(errors), dict(headers or {})


def unusable(*errors: tuple[str, str]) -> Problem:
    """The error for fields that cannot be used: (field, sentence) of each."""
    return Problem(422, "; ".join(f"{field}: {message}" for field, message in errors[:5]), errors=errors)


def response_of(problem: Problem) -> HttpResponse:
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        "word": problem.word or None,
        "errors": [{"field": field, "message": message} for field, message in problem.errors],
    }
    body = json.dumps(told, ensure_ascii=False)
    response = HttpResponse(body, status=problem.status, content_type=MEDIA_TYPE, headers=problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def speak_problems(api: NinjaAPI) -> None:
    """Let this API answer every error of 4xx in this form."""

    @api.exception_handler(Problem)
    def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
        return response_of(error)

    @api.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return response_of(unusable(*((spelled(one["loc"]), str(one["msg"])) for one in error.errors)))

    @api.exception_handler(Run.DoesNotExist)  # deleted since the request began
    @api.exception_handler(Http404)
    def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
        return response_of(Problem(404, _("There is no such thing here, or you may not see it.")))

    @api.exception_handler(PermissionDenied)
    def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return response_of(Problem(403, str(error) or _("You may not do this.")))

    @api.exception_handler(AuthenticationError)
    def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return response_of(Problem(401, _("Show a token."), headers={"WWW-Authenticate": "Bearer"}))

    @api.exception_handler(HttpError)
    def _other(request: HttpRequest, error: HttpError) -> HttpResponse:
        return response_of(Problem(error.status_code, str(error)))


def spelled(loc: Iterable[Any]) -> str:
    """Where in what was sent, as people write it: ("body", "sent", "answers", 3, "turns") is `answers[3].turns`."""
    place, *steps = loc
    if place in ("body", "query") and len(steps) > 1 and steps[0] in ("sent", "filters"):
        steps = steps[1:]
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    return text or str(place)
