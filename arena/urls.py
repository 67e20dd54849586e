"""Every address of the site. The other apps are included by name, so that no import runs upward."""

from importlib import import_module

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import TemplateView

from arena import signing_in
from arena.views import pages

urlpatterns = [
    path("sign-in/", signing_in.SignIn.as_view(), name="login"),
    path("password/", signing_in.AskForLink.as_view(), name="password_reset"),
    path("password/sent/", signing_in.Sent.as_view(), name="password_reset_done"),
    path("password/<uidb64>/<token>/", signing_in.NewPassword.as_view(), name="password_reset_confirm"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("language/", include("django.conf.urls.i18n")),
    path("theme/", pages.theme, name="theme"),
    path("help/", TemplateView.as_view(template_name="arena/help.html"), name="help"),
    path("health/", pages.health, name="health"),
    path("benchmarks/", pages.benchmarks, name="benchmarks"),
    path("benchmarks/<int:pk>/", pages.benchmark, name="benchmark"),
    path("models/<int:pk>/", pages.model, name="model"),
    path("", include("judging.urls")),
    path("", include("rating.urls")),
    path("admin/", admin.site.urls),
]


def sockets() -> list:
    """The WebSocket addresses of all apps."""
    return import_module("judging.urls").websocket_urlpatterns
