"""Pages of the guides, in the reader's language, and the pictures on them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from arena import guides


@require_safe
def guide(request, role):
    """The guide of one role. For everybody: nothing in it is secret."""
    if role not in guides.ROLES:
        raise Http404
    return render(request, "arena/guide.html", {"guide": guides.guide(role, get_language() or "en")})


@require_safe
def guide_image(request, name):
    """A picture of a guide, by a name that one of them holds."""
    if name not in guides.pictures() or not (guides.IMAGES / name).is_file():
        raise Http404
    picture = (guides.IMAGES / name).read_bytes()
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "max-age=3600"})
