"""Progress on a terminal: what is new at once, and what has not changed more and more seldom."""

from __future__ import annotations

from rating.management.commands.evaluate import LULL, News


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def told_every(seconds: float, lines: list[str], *, until: float) -> list[str]:
    clock = Clock()
    news, told = News(clock), []
    while clock.now < until:
        told += news.of(lines)
        clock.now += seconds
    return told


def test_a_line_that_does_not_change_is_told_again_more_and_more_seldom():
    told = told_every(2.0, ["owl: 0 of 20"], until=400)
    assert told == ["owl: 0 of 20", *(f"owl: 0 of 20, as it was {n:.0f} s ago" for n in (LULL, 3 * LULL, 7 * LULL))]


def test_only_the_line_that_changed_is_told():
    news = News(Clock())
    assert news.of(["owl: 0 of 20", "elk: 0 of 20"]) == ["owl: 0 of 20", "elk: 0 of 20"]
    assert news.of(["owl: 1 of 20", "elk: 0 of 20"]) == ["owl: 1 of 20"]
    assert news.of(["owl: 1 of 20", "elk: 0 of 20"]) == []


def test_that_weights_are_loaded_is_news_and_that_they_are_there_is_none():
    news = News(Clock())
    news.of(["owl: 0 of 20"])
    assert news.of(["owl: 0 of 20", "loading the weights of owl-7b"]) == ["loading the weights of owl-7b"]
    assert news.of(["owl: 0 of 20"]) == []
