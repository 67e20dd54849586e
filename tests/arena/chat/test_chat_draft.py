"""A completion in the making: what an endpoint tells that cannot be is not taken over."""

from __future__ import annotations

import pytest

from arena.chat.draft import Draft


@pytest.mark.parametrize(
    ("told", "kept"), [(0, 0), (7, 7), (-1, None), (True, None), (2**31, None), ("7", None), (7.0, None), (None, None)]
)
def test_a_number_of_tokens_is_taken_over_only_where_it_is_one(told, kept):
    whole = Draft(tokens_in=told, tokens_out=told).completion(streamed=False)
    assert (whole.tokens_in, whole.tokens_out) == (kept, kept)
    assert whole.tokens_in is None or not isinstance(whole.tokens_in, bool)
