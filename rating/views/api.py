"""The page that says what programs can ask for, from the description of the API itself."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from rating.api import ROOT, description
from rating.api.openapi import parts


@require_safe
def documentation(request):
    """Every address of the API with its parameters and fields. No query."""
    told = description()
    return render(request, "rating/api.html", {"root": ROOT, "parts": parts(told), "info": told["info"]})
