"""Addresses of boards and agreement."""

from django.urls import path

from rating import views, views_annotators

urlpatterns = [
    path("", views.home, name="home"),
    path("leaderboard/<int:pk>/", views.leaderboard, name="leaderboard"),
    path("snapshots/<int:pk>/", views.snapshot, name="snapshot"),
    path("agreement/<int:pk>/", views.agreement, name="agreement"),
    path("trust/<int:pk>/", views.trust, name="trust"),
    path("judges/<int:pk>/", views.judge, name="judge"),
    path("runs/<int:pk>/annotators/", views_annotators.annotators, name="annotators"),
    path("annotators/<int:pk>/", views_annotators.annotator, name="annotator"),
    path("me/", views_annotators.me, name="me"),
]
