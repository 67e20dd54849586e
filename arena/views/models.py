"""Pages of the models: the list for everybody; making, changing and trying them for leads."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.forms.models import model_to_dict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from arena.border import asked
from arena.connecting import hear
from arena.editing import hanging_on, in_one_line, leads_only
from arena.keys import key_of
from arena.model_form import LanguageModelForm
from arena.models import Answer, LanguageModel

PAGE = 50
FILTERS = ("vendor", "family", "stage")


@require_GET
def models(request):
    """All models, with how many answers each gave; filters and page live in the address. The same queries for any number."""
    chosen = {name: asked(request.GET, name) for name in (*FILTERS, "text")}
    answers = Answer.objects.ok().filter(model=OuterRef("pk")).order_by().values("model")
    counted = Subquery(answers.annotate(n=Count("pk")).values("n"))
    found = matching(LanguageModel.objects.all(), chosen).annotate(answer_count=Coalesce(counted, 0))
    context = {
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "filters": [(name, LanguageModelForm.base_fields[name].label, _values(name), chosen[name]) for name in FILTERS],
    }
    return render(request, "arena/models.html", context)


def matching(rows, chosen: dict):
    """The models of this vendor, family and stage with this text in their name, version or description; "" means any."""
    rows = rows.filter(**{name: chosen[name] for name in FILTERS if chosen[name]})
    for word in chosen["text"].split():
        named = Q(name__icontains=word) | Q(version__icontains=word) | Q(vendor__icontains=word)
        rows = rows.filter(named | Q(description_en__icontains=word) | Q(description_zh__icontains=word))
    return rows


def _values(name: str) -> list[str]:
    """What models have in this field. One query."""
    return [value for value in LanguageModel.objects.order_by(name).values_list(name, flat=True).distinct() if value]


@leads_only
@require_http_methods(["GET", "POST"])
def model_new(request):
    """Add a model; `?from=` starts from another one, as its next version."""
    source = _source(request)
    form = LanguageModelForm(request.POST or None, initial=_copied(source) if source else None)
    if request.method == "POST" and form.is_valid():
        model = form.save()
        messages.success(request, _("The model is added."))
        return redirect("model_edit", pk=model.pk)
    context = {"form": form, "source": source}
    return render(request, "arena/model_edit.html", context, status=422 if form.errors else 200)


def _source(request) -> LanguageModel | None:
    pk = asked(request.GET, "from")
    is_id = pk.isascii() and pk.isdecimal() and len(pk) < 19
    return get_object_or_404(LanguageModel, pk=int(pk)) if is_id else None


def _copied(source: LanguageModel) -> dict:
    return {**model_to_dict(source, fields=LanguageModelForm._meta.fields), "version": ""}


@leads_only
@require_http_methods(["GET", "POST"])
@transaction.atomic
def model_edit(request, pk):
    """Change a model. What somebody else saved meanwhile is shown and not overwritten unseen."""
    model = get_object_or_404(LanguageModel, pk=pk)
    form = LanguageModelForm(request.POST or None, instance=model)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The model is saved."))
        return redirect("model_edit", pk=pk)
    saved = LanguageModel.objects.get(pk=pk)
    context = {"form": form, "model": saved, "hanging": in_one_line(hanging_on(saved))}
    return render(request, "arena/model_edit.html", context, status=422 if form.errors else 200)


@leads_only
@require_POST
@transaction.atomic
def model_delete(request, pk):
    """Delete a model that nothing hangs on."""
    model = get_object_or_404(LanguageModel.objects.select_for_update(), pk=pk)
    if found := hanging_on(model):
        text = _("The model stays, because of what hangs on it: %(what)s.") % {"what": in_one_line(found)}
        messages.error(request, text)
        return redirect("model_edit", pk=pk)
    model.delete()
    messages.success(request, _("The model is deleted."))
    return redirect("models")


@leads_only
@require_POST
def model_check(request, pk):
    """Ask the model one tiny thing, as it is saved, and say what came of it."""
    model = get_object_or_404(LanguageModel, pk=pk)
    back = redirect(reverse("model_edit", args=[pk]) + "#connection")
    if not model.provider:
        messages.info(request, _("This model has no endpoint: there is nobody to ask."))
        return back
    heard = hear(model, lambda: model.endpoint(key_of(model)))
    if heard.error:
        messages.error(request, _("It did not answer: %(reason)s") % {"reason": heard.error})
    else:
        text = _("It answered in %(seconds).1f s: “%(reply)s”")
        messages.success(request, text % {"seconds": heard.seconds, "reply": heard.text})
    return back
