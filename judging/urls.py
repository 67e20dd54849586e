"""Addresses of runs, ballots and the record."""

from django.urls import path

from judging import consumers
from judging.views import record, runs, vote

urlpatterns = [
    path("runs/", runs.runs, name="runs"),
    path("runs/new/", runs.run_new, name="run_new"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/progress/", runs.run_fragment, name="run_fragment"),
    path("runs/<int:pk>/start/", runs.run_start, name="run_start"),
    path("runs/<int:pk>/pause/", runs.run_pause, name="run_pause"),
    path("runs/<int:pk>/reread/", runs.run_reread, name="run_reread"),
    path("runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("runs/<int:pk>/retry/", runs.run_retry, name="run_retry"),
    path("questions/<int:pk>/", record.question, name="question"),
    path("battles/<int:pk>/", record.battle, name="battle"),
    path("vote/", vote.vote, name="vote"),
    path("vote/<int:pk>/", vote.ballot, name="ballot"),
    path("vote/<int:pk>/undo/", vote.undo, name="undo"),
    path("vote/<uuid:token>/beat/", vote.beat, name="beat"),
    path("vote/<uuid:token>/cast/", vote.cast, name="cast"),
    path("vote/<uuid:token>/skip/", vote.skip, name="skip"),
    path("vote/<uuid:token>/flag/", vote.flag, name="flag"),
]
websocket_urlpatterns = [
    path("ws/runs/<int:pk>/", consumers.RunProgress.as_asgi()),
]
