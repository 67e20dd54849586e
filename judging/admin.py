"""Administration of judges, rubrics and runs; the record itself can only be read here."""

from django.contrib import admin

from arena.admin import FrozenOnceUsed, LooksOnly, OptionsForm
from judging.models import (
    Assignment,
    AuditEntry,
    BadCase,
    Comment,
    Delivery,
    Gold,
    Grade,
    Invitation,
    Judge,
    Membership,
    Preference,
    Rubric,
    Run,
    Seat,
    TryOut,
    VotingItem,
    Webhook,
)


class SeatInline(admin.TabularInline):
    """The members of a panel or cascade, which are those it was used with."""

    model = Seat
    fk_name = "panel"
    extra = 0
    autocomplete_fields = ["member"]

    def has_add_permission(self, request, obj=None) -> bool:
        return super().has_add_permission(request, obj) and not getattr(obj, "frozen_at", None)

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and not getattr(obj, "frozen_at", None)

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and not getattr(obj, "frozen_at", None)


@admin.register(Judge)
class JudgeAdmin(FrozenOnceUsed):
    form = OptionsForm
    inlines = [SeatInline]
    list_display = ["name", "version", "kind", "model", "user", "provenance", "frozen_at"]
    list_filter = ["kind", "provenance"]
    search_fields = ["name"]
    list_select_related = ["model", "user"]


@admin.register(Rubric)
class RubricAdmin(FrozenOnceUsed):
    list_display = ["name", "version", "title_en", "title_zh", "lowest", "highest", "frozen_at"]
    search_fields = ["name", "title_en", "title_zh"]


@admin.register(Run)
class RunAdmin(LooksOnly):
    """Runs are set up and steered on their own pages: a recipe is frozen when it starts."""

    list_display = ["name", "benchmark", "mode", "status", "rubric", "provenance", "created_by", "created_at"]
    list_filter = ["status", "mode", "provenance", "benchmark"]
    search_fields = ["name"]
    list_select_related = ["benchmark", "rubric", "created_by"]


class JudgmentAdmin(LooksOnly):
    list_filter = ["status", "provenance", "judge"]
    search_fields = ["judge__name", "error"]
    date_hierarchy = "created_at"


@admin.register(Preference)
class PreferenceAdmin(JudgmentAdmin):
    list_display = [
        "pk",
        "judge",
        "battle_id",
        "value",
        "swapped",
        "status",
        "provenance",
        "created_at",
        "superseded_at",
    ]
    list_select_related = ["judge"]


@admin.register(Grade)
class GradeAdmin(JudgmentAdmin):
    list_display = ["pk", "judge", "answer_id", "score", "status", "provenance", "created_at", "superseded_at"]
    list_select_related = ["judge"]


@admin.register(Assignment)
class AssignmentAdmin(LooksOnly):
    list_display = ["pk", "run", "judge", "status", "reason", "lease_until", "closed_at"]
    list_filter = ["status", "run"]
    list_select_related = ["run", "judge"]


@admin.register(VotingItem)
class VotingItemAdmin(LooksOnly):
    list_display = ["pk", "run", "wanted", "held", "done", "is_split", "is_sent", "is_out", "urgency"]
    list_filter = ["is_split", "is_sent", "is_out", "run"]
    list_select_related = ["run"]


@admin.register(Gold)
class GoldAdmin(LooksOnly):
    list_display = ["pk", "run", "lowest", "highest", "is_practice", "created_at"]
    list_filter = ["is_practice", "run"]
    list_select_related = ["run"]


@admin.register(Membership)
class MembershipAdmin(LooksOnly):
    list_display = ["user", "run", "role", "is_guest", "paused_at", "practised_at"]
    list_filter = ["role", "is_guest", "run"]
    list_select_related = ["user", "run"]


@admin.register(Invitation)
class InvitationAdmin(LooksOnly):
    list_display = ["run", "role", "note", "created_by", "expires_at", "used_at", "revoked_at"]
    list_filter = ["role", "run"]
    list_select_related = ["run", "created_by"]


@admin.register(Comment)
class CommentAdmin(LooksOnly):
    list_display = ["run", "author", "text", "created_at"]
    list_select_related = ["run", "author"]


@admin.register(AuditEntry)
class AuditEntryAdmin(LooksOnly):
    list_display = ["at", "actor_name", "act", "run_id", "facts"]
    list_filter = ["act"]
    search_fields = ["actor_name"]
    date_hierarchy = "at"


@admin.register(BadCase)
class BadCaseAdmin(LooksOnly):
    list_display = ["pk", "question", "cause", "status", "rubric", "by", "created_at"]
    list_filter = ["status", "cause"]
    list_select_related = ["question__benchmark", "rubric", "by"]


@admin.register(TryOut)
class TryOutAdmin(LooksOnly):
    list_display = ["pk", "status", "total", "cost", "by", "created_at", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["by"]


@admin.register(Webhook)
class WebhookAdmin(LooksOnly):
    """Changed on its own page, where the names of its variables are checked."""

    list_display = ["name", "kind", "url_env", "is_on", "created_by", "created_at"]
    list_filter = ["kind", "is_on"]
    list_select_related = ["created_by"]


@admin.register(Delivery)
class DeliveryAdmin(LooksOnly):
    list_display = ["webhook", "event", "run", "status", "attempts", "error", "due_at", "sent_at"]
    list_filter = ["status", "event"]
    list_select_related = ["webhook", "run"]
