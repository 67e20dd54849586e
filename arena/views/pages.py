"""Pages of the frame."""

from django.conf import settings
from django.db import connection
from django.http import HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST


@require_POST
def theme(request):
    """Remember the theme the reader chose, and go back to where they were."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    response.set_cookie("theme", chosen if chosen in ("light", "dark") else "", max_age=365 * 24 * 3600, samesite="Lax")
    return response


@require_GET
def health(request):
    """Whether the site can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True, "version": settings.VERSION, "database": connection.vendor})
