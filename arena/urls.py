"""Every address of the site. The other apps are included by name, so that no import runs upward."""

from importlib import import_module

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import TemplateView

from arena import signing_in
from arena.views import benchmarks, categories, guides, models, pages, questions, tokens

urlpatterns = [
    path("sign-in/", signing_in.SignIn.as_view(), name="login"),
    path("password/", signing_in.AskForLink.as_view(), name="password_reset"),
    path("password/sent/", signing_in.Sent.as_view(), name="password_reset_done"),
    path("password/<uidb64>/<token>/", signing_in.NewPassword.as_view(), name="password_reset_confirm"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("language/", include("django.conf.urls.i18n")),
    path("theme/", pages.theme, name="theme"),
    path("help/", TemplateView.as_view(template_name="arena/help.html"), name="help"),
    path("help/images/<str:name>", guides.guide_image, name="guide_image"),
    path("help/<slug:role>/", guides.guide, name="guide"),
    path("health/", pages.health, name="health"),
    path("benchmarks/", benchmarks.benchmarks, name="benchmarks"),
    path("benchmarks/new/", benchmarks.benchmark_new, name="benchmark_new"),
    path("benchmarks/<int:pk>/", benchmarks.benchmark, name="benchmark"),
    path("benchmarks/<int:pk>/edit/", benchmarks.benchmark_edit, name="benchmark_edit"),
    path("benchmarks/<int:pk>/delete/", benchmarks.benchmark_delete, name="benchmark_delete"),
    path("benchmarks/<int:pk>/version/", benchmarks.benchmark_version, name="benchmark_version"),
    path("benchmarks/<int:pk>/since/<int:other>/", benchmarks.benchmark_changes, name="benchmark_changes"),
    path("benchmarks/<int:pk>/questions/new/", questions.question_new, name="question_new"),
    path("questions/<int:pk>/edit/", questions.question_edit, name="question_edit"),
    path("questions/<int:pk>/delete/", questions.question_delete, name="question_delete"),
    path("categories/", categories.categories, name="categories"),
    path("categories/new/", categories.category_new, name="category_new"),
    path("categories/<int:pk>/edit/", categories.category_edit, name="category_edit"),
    path("categories/<int:pk>/move/", categories.category_move, name="category_move"),
    path("categories/<int:pk>/delete/", categories.category_delete, name="category_delete"),
    path("models/", models.models, name="models"),
    path("models/new/", models.model_new, name="model_new"),
    path("models/<int:pk>/edit/", models.model_edit, name="model_edit"),
    path("models/<int:pk>/check/", models.model_check, name="model_check"),
    path("models/<int:pk>/delete/", models.model_delete, name="model_delete"),
    path("me/tokens/", tokens.my_tokens, name="tokens"),
    path("me/tokens/<int:pk>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("", include("judging.urls")),
    path("", include("rating.urls")),
    path("admin/", admin.site.urls),
]


def sockets() -> list:
    """The WebSocket addresses of all apps."""
    return [one for app in ("judging", "rating") for one in import_module(f"{app}.urls").websocket_urlpatterns]
