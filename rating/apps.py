from django.apps import AppConfig


class RatingConfig(AppConfig):
    name = "rating"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Rate a benchmark anew when a run on it has come to its end."""
        from judging.signals import judged

        judged.connect(_rate_when_done, dispatch_uid="rating.rate_when_done")


def _rate_when_done(sender, run, **_) -> None:
    from rating.tasks import rate

    if run.is_over:
        rate.delay(run.benchmark_id)
