from django.apps import AppConfig


class RatingConfig(AppConfig):
    name = "rating"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Rate a benchmark anew when a run on it has come to its end; count no judgment that is deleted."""
        from django.db.models.signals import pre_delete

        from judging.models import Grade, Preference
        from judging.signals import judged, orders_joined

        judged.connect(_rate_when_done, dispatch_uid="rating.rate_when_done")
        orders_joined.connect(_count_anew, dispatch_uid="rating.count_anew")
        for table in (Preference, Grade):
            pre_delete.connect(_let_go, sender=table, dispatch_uid=f"rating.let_go_{table.__name__}")


def _rate_when_done(sender, run, **_) -> None:
    from rating import watched
    from rating.tasks import rate, refresh_watched

    if run.is_over:
        rate.delay(run.benchmark_id)
    elif watched.due(run.benchmark_id):
        refresh_watched.apply_async((run.benchmark_id,), expires=watched.FADES)


def _count_anew(sender, benchmark, **_) -> None:
    from rating import counting

    counting.reset(benchmark)


def _let_go(sender, instance, origin, **_) -> None:
    from rating import counting

    counting.let_go(instance, origin=origin)
