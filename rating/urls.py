"""Addresses of boards and agreement."""

from django.urls import path

from rating import views

urlpatterns = [
    path("", views.home, name="home"),
    path("leaderboard/<int:pk>/", views.leaderboard, name="leaderboard"),
    path("snapshots/<int:pk>/", views.snapshot, name="snapshot"),
    path("agreement/<int:pk>/", views.agreement, name="agreement"),
    path("trust/<int:pk>/", views.trust, name="trust"),
    path("judges/<int:pk>/", views.judge, name="judge"),
]
