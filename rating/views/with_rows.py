"""Editing a row that holds a list of parts, such as gates or kinds: one form, and empty lines more for who asks."""

from __future__ import annotations

from collections.abc import Callable

from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, QueryDict

MOST = 60
Page = Callable[..., HttpResponse]
"""Called with the form, and `status` or `is_checked`: the page that shows it."""


def edited(
    request: HttpRequest, form_of: Callable[..., ModelForm], *, parts: str, page: Page, saved: Page
) -> HttpResponse:
    """The form filled in: saved, or shown again with what is wrong; kept as it is where "more" asks for another empty part.

    `parts` is the prefix of their forms. To be called in a transaction.
    """
    if request.method == "GET":
        return page(form_of(None))
    if "more" in request.POST:
        form = form_of(with_more(request.POST, parts))
        form.full_clean()
        return page(form, is_checked=False)
    form = form_of(request.POST)
    return saved(form.save()) if form.is_valid() else page(form, status=422)


def with_more(data: QueryDict, prefix: str, more: int = 2) -> QueryDict:
    """The same post with more rows in a set of forms, as many as its form allows."""
    data = data.copy()
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    is_number = total.isascii() and total.isdecimal() and len(total) < 5
    data[f"{prefix}-TOTAL_FORMS"] = str(min(MOST, (int(total) if is_number else 0) + more))
    return data
