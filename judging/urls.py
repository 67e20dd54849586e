"""Addresses of runs, ballots and the record."""

from django.urls import path

from judging import consumers
from judging.views import adjudicate, export, gold, people, record, runs, vote, voting

urlpatterns = [
    path("runs/", runs.runs, name="runs"),
    path("runs/new/", runs.run_new, name="run_new"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/progress/", runs.run_fragment, name="run_fragment"),
    path("runs/<int:pk>/start/", runs.run_start, name="run_start"),
    path("runs/<int:pk>/pause/", runs.run_pause, name="run_pause"),
    path("runs/<int:pk>/reread/", runs.run_reread, name="run_reread"),
    path("runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("runs/<int:pk>/close/", voting.run_close, name="run_close"),
    path("runs/<int:pk>/open/", voting.run_open, name="run_open"),
    path("runs/<int:pk>/voting/", voting.run_voting, name="run_voting"),
    path("runs/<int:pk>/retry/", runs.run_retry, name="run_retry"),
    path("runs/<int:pk>/export/<slug:format_>/", export.export, name="run_export"),
    path("runs/<int:pk>/gold/", gold.gold, name="gold"),
    path("runs/<int:pk>/gold/import/", gold.gold_import, name="gold_import"),
    path("runs/<int:pk>/gold/<int:gold>/remove/", gold.gold_remove, name="gold_remove"),
    path("runs/<int:pk>/people/", people.people, name="people"),
    path("runs/<int:pk>/people/<int:user>/", people.person, name="person"),
    path("runs/<int:pk>/people/<int:user>/password/", people.password_link, name="password_link"),
    path("runs/<int:pk>/invitations/<int:invitation>/revoke/", people.revoke, name="invitation_revoke"),
    path("runs/<int:pk>/guest/", people.guest, name="guest"),
    path("join/<str:token>/", people.join, name="join"),
    path("runs/<int:pk>/adjudicate/", adjudicate.adjudicate, name="adjudicate"),
    path("runs/<int:pk>/adjudicate/pass/", adjudicate.adjudicate_pass, name="adjudicate_pass"),
    path("runs/<int:pk>/adjudicate/undo/", adjudicate.adjudicate_undo, name="adjudicate_undo"),
    path("runs/<int:pk>/comments/", adjudicate.comment_on, name="comment_on"),
    path("runs/<int:pk>/leaks/", voting.run_leaks, name="leaks"),
    path("runs/<int:pk>/flags/", adjudicate.flagged, name="flags"),
    path("runs/<int:pk>/audit/", adjudicate.audit, name="audit"),
    path("me/log/", adjudicate.my_log, name="my_log"),
    path("vote/<uuid:token>/comment/", adjudicate.comment, name="comment"),
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
