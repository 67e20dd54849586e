"""Addresses of boards and agreement."""

from django.urls import path

from rating.views import annotators, boards

urlpatterns = [
    path("", boards.home, name="home"),
    path("leaderboard/<int:pk>/", boards.leaderboard, name="leaderboard"),
    path("snapshots/<int:pk>/", boards.snapshot, name="snapshot"),
    path("agreement/<int:pk>/", boards.agreement, name="agreement"),
    path("trust/<int:pk>/", boards.trust, name="trust"),
    path("judges/<int:pk>/", boards.judge, name="judge"),
    path("runs/<int:pk>/annotators/", annotators.annotators, name="annotators"),
    path("annotators/<int:pk>/", annotators.annotator, name="annotator"),
    path("me/", annotators.me, name="me"),
]
