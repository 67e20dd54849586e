"""The Celery app: doorbells for work that the database already knows of."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")

app = Celery("juryroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
