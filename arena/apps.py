from django.apps import AppConfig


class ArenaConfig(AppConfig):
    name = "arena"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bind Celery's shared tasks to our app, and translate their settings, as soon as Django is up."""
        from arena import celery  # noqa: F401
