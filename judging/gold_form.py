"""The form by which a lead says what is right on one item."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from judging.golding import LONGEST_WHY, VERDICTS, Truth, items_of, scale_of
from judging.models import Run
from judging.voting_items import field_of

RANGE = "range"
RIGHT = [
    ("a", _("The first answer is better")),
    ("tie", _("A tie")),
    ("b", _("The second answer is better")),
    ("a_or_tie", _("The first answer is better, or a tie")),
    ("b_or_tie", _("The second answer is better, or a tie")),
    (RANGE, _("From the lowest to the highest below")),
]


class GoldForm(forms.Form):
    """One item of a run, and its right verdict. Bad input stays in the form, with one sentence for each field."""

    item = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    right = forms.ChoiceField(label=_("What is right"), choices=RIGHT, widget=forms.RadioSelect)
    lowest = forms.FloatField(label=_("Lowest"), required=False)
    highest = forms.FloatField(label=_("Highest"), required=False)
    is_practice = forms.BooleanField(
        label=_("For the practice round"),
        required=False,
        help_text=_(
            "Shown before the first vote, with the truth afterwards. Otherwise it is shown silently among the others."
        ),
    )
    why_en = forms.CharField(
        label=_("Why this is right, in English"),
        required=False,
        max_length=LONGEST_WHY,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    why_zh = forms.CharField(
        label=_("Why this is right, in Chinese"),
        required=False,
        max_length=LONGEST_WHY,
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-Hans"}),
    )

    def __init__(self, *args, run: Run, **kwargs):
        super().__init__(*args, **kwargs)
        self.run = run
        if run.is_single:
            del self.fields["right"]

    def clean_item(self) -> int:
        item = self.cleaned_data["item"]
        if not items_of(self.run).filter(pk=item).exists():
            raise forms.ValidationError(_("This is none of the run's items."))
        if self.run.golds.filter(**{field_of(self.run): item}).exists():
            raise forms.ValidationError(_("This item is gold already."))
        return item

    def clean(self):
        cleaned = super().clean()
        if self.run.is_single or cleaned.get("right") == RANGE:
            self._check_range(cleaned)
        return cleaned

    def _check_range(self, cleaned) -> None:
        bottom, top = scale_of(self.run)
        for name in ("lowest", "highest"):
            value = cleaned.get(name)
            if name not in self.errors and (value is None or not bottom <= value <= top):
                self.add_error(name, _("A number from %(low)g to %(high)g is meant.") % {"low": bottom, "high": top})
        if not {"lowest", "highest"} & set(self.errors) and cleaned["lowest"] > cleaned["highest"]:
            self.add_error("lowest", _("The lowest is above the highest."))

    @property
    def truth(self) -> Truth:
        """What the valid form says."""
        told = self.cleaned_data
        ends = VERDICTS.get(told.get("right", RANGE)) or (told["lowest"], told["highest"])
        return Truth(told["item"], *ends, told["is_practice"], told["why_en"].strip(), told["why_zh"].strip())
