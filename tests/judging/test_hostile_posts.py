"""Posts that no page of ours sends: each is answered with a sentence, at once."""

from __future__ import annotations

import pytest
from django import forms
from django.urls import reverse

from judging.judge_form import mapping
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join([f'*{before}'] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("text", [LAUGHS, "a: &a [*a]", "a: &a {b: *a}"], ids=["nine times nine", "itself", "its own"])
def test_options_of_a_judge_hold_no_aliases(text):
    with pytest.raises(forms.ValidationError, match="aliases"):
        mapping(text)
    assert mapping("top_p: 0.9\nstop: ['*']") == {"top_p": 0.9, "stop": ["*"]}


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "{b: " * 1000, "a: !!python/object:os.system x", "\0: \x1b"])
def test_options_that_are_no_yaml_are_told(text):
    with pytest.raises(forms.ValidationError):
        mapping(text)


@pytest.mark.parametrize("pk", ["²", "१", "9" * 18, "-1", "x", ""])
def test_an_item_that_is_none_is_not_found(client, pk):
    run = make.run(make.benchmark())
    client.force_login(make.person("lee", "lead"))
    sent = {"battle": pk, "item": pk, "act": "out", "text": "so"}
    assert client.post(reverse("comment_on", args=[run.pk]), sent).status_code == 404
    assert client.post(reverse("flags", args=[run.pk]), sent).status_code in (302, 404)
