"""Administration of boards: what is computed can only be read here."""

from django.contrib import admin

from arena.admin import LooksOnly
from rating.models import Agreement, Grouping, Leaderboard, Profile, Rating, Score, Snapshot


@admin.register(Leaderboard)
class LeaderboardAdmin(admin.ModelAdmin):
    list_display = ["benchmark", "created_at"]
    list_select_related = ["benchmark"]


@admin.register(Snapshot)
class SnapshotAdmin(LooksOnly):
    list_display = ["pk", "leaderboard", "digest", "n", "code_version", "created_at"]
    list_filter = ["leaderboard"]
    list_select_related = ["leaderboard__benchmark"]


@admin.register(Rating)
class RatingAdmin(LooksOnly):
    list_display = ["snapshot_id", "source", "method", "category", "model", "rating", "low", "high", "rank", "n"]
    list_filter = ["source", "method", "category"]
    search_fields = ["model__name"]
    list_select_related = ["category", "model"]


@admin.register(Agreement)
class AgreementAdmin(LooksOnly):
    list_display = ["snapshot_id", "relation", "judges", "category", "n", "raw", "kappa", "alpha"]
    list_filter = ["relation", "category"]
    search_fields = ["judges"]
    list_select_related = ["category"]


@admin.register(Score)
class ScoreAdmin(admin.ModelAdmin):
    list_display = ["model", "benchmark", "category", "metric", "value", "unit", "n", "source", "provenance"]
    list_filter = ["benchmark", "metric", "provenance"]
    search_fields = ["model__name", "benchmark", "metric"]
    list_select_related = ["model"]


@admin.register(Profile)
class ProfileAdmin(admin.ModelAdmin):
    list_display = ["name", "mode"]


@admin.register(Grouping)
class GroupingAdmin(LooksOnly):
    """Changed on its own page, which asks for new snapshots of the boards that use it."""

    list_display = ["name", "title_en", "title_zh", "created_at"]
