"""Administration of what is judged; frozen benchmarks are read-only, and keys have no place to be stored."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from arena.editing import hanging_on
from arena.models import Answer, ApiToken, Battle, Benchmark, Category, LanguageModel, Question, Upload
from arena.withholding import secret_paths, spelled


class LooksOnly(admin.ModelAdmin):
    """Rows that the machinery writes: to be read here, never typed."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class FrozenOnceUsed(admin.ModelAdmin):
    """Rows with `frozen_at`: free to change until they are used, then read-only; the next version is a new row."""

    readonly_fields = ["frozen_at"]

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and not getattr(obj, "frozen_at", None)

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and not getattr(obj, "frozen_at", None)


class OptionsForm(forms.ModelForm):
    """Refuses a key among the options of a row."""

    def clean_options(self) -> dict:
        options = self.cleaned_data["options"]
        if not isinstance(options, dict):
            raise forms.ValidationError(_("Options are names with values: {…}."))
        if found := secret_paths(options):
            raise forms.ValidationError(
                _("“%(name)s” looks like a key; keys are read from the environment variable named in key env.")
                % {"name": spelled(found[0])}
            )
        return options


@admin.register(LanguageModel)
class LanguageModelAdmin(LooksOnly):
    """Models are set up on pages of their own; here one that nothing hangs on can be deleted."""

    list_display = ["name", "version", "vendor", "provider", "endpoint_model", "key_env", "provenance"]
    list_filter = ["provider", "provenance", "vendor"]
    search_fields = ["name", "version", "vendor", "endpoint_model"]

    def has_delete_permission(self, request, obj=None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj) and not (obj and hanging_on(obj))


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["key", "name_en", "name_zh", "group", "position"]
    list_editable = ["position"]
    search_fields = ["key", "name_en", "name_zh"]
    list_select_related = ["group"]


@admin.register(Benchmark)
class BenchmarkAdmin(FrozenOnceUsed):
    list_display = ["name", "version", "title_en", "title_zh", "provenance", "frozen_at"]
    list_filter = ["provenance"]
    search_fields = ["name", "title_en", "title_zh"]


class QuestionForm(forms.ModelForm):
    """Refuses a question that would come into a frozen benchmark."""

    def clean_benchmark(self) -> Benchmark:
        benchmark = self.cleaned_data["benchmark"]
        if benchmark.frozen_at:
            raise forms.ValidationError(
                _("%(benchmark)s is frozen: its questions were judged. Make its next version.")
                % {"benchmark": benchmark}
            )
        return benchmark


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    """Questions change with their benchmark: not once it is frozen."""

    form = QuestionForm
    list_display = ["key", "benchmark", "category", "language", "position"]
    list_filter = ["benchmark", "category", "language"]
    search_fields = ["key"]
    list_select_related = ["benchmark", "category"]

    def has_change_permission(self, request, obj=None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.benchmark.frozen_at)

    def has_delete_permission(self, request, obj=None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.benchmark.frozen_at)


@admin.register(Answer)
class AnswerAdmin(LooksOnly):
    list_display = ["question", "model", "sample", "finish", "error", "tokens_out", "seconds", "provenance"]
    list_filter = ["provenance", "model", "question__benchmark"]
    search_fields = ["question__key", "model__name"]
    list_select_related = ["question__benchmark", "model"]


@admin.register(Battle)
class BattleAdmin(LooksOnly):
    list_display = ["question", "first", "second"]
    search_fields = ["question__key"]
    list_select_related = ["question__benchmark", "first__model", "first__question__benchmark", "second__model"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("second__question__benchmark")


@admin.register(Upload)
class UploadAdmin(LooksOnly):
    list_display = ["name", "format", "kind", "status", "size", "by", "created_at", "loaded_at"]
    list_filter = ["status", "format"]
    search_fields = ["name"]
    list_select_related = ["by"]


@admin.register(ApiToken)
class ApiTokenAdmin(LooksOnly):
    """Who has which tokens, by their first characters; the digest is shown to nobody. People take them back on their own page."""

    list_display = ["name", "user", "start", "may_write", "created_at", "used_at", "expires_at", "revoked_at"]
    list_filter = ["may_write"]
    search_fields = ["name", "user__username"]
    list_select_related = ["user"]
    exclude = ["digest"]
