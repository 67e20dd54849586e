"""What every response says to the browser about what it may load."""

from base64 import b64encode
from hashlib import sha256

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STYLES_OF_CHARTS = ("",)
"""The `style` attributes that Plotly sets as text; all others it sets one property at a time, which no policy forbids."""


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


CHART_POLICY = POLICY.replace(
    "style-src 'self'", " ".join(["style-src 'self' 'unsafe-hashes'", *map(_hashed, STYLES_OF_CHARTS)])
)
"""For pages with charts alone: nothing more than these styles, word for word."""


class ContentSecurityPolicy:
    """Middleware: only our own origin, no inline script or style, on every page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
