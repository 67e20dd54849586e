"""A search for words in the record of 100,000 answers, on SQLite, or on the PostgreSQL of DATABASE_URL.

    JURYROOM_DATA=$(mktemp -d) python bench/searching.py
    DATABASE_URL=postgres://USER@HOST:PORT/DATABASE python bench/searching.py      # an empty database

Answers of 100 to 500 words, one question in four in Chinese, ten models, a battle for each answer; in the middle stands one rare
word. Prints, for each kind of list, what a page of a search takes, and how many pages it is to the end of the list.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arena.settings")

import django  # noqa: E402

django.setup()

from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from arena.models import Answer, Battle, Benchmark, Category, LanguageModel, Question  # noqa: E402
from judging import browsing  # noqa: E402

SYLLABLES = ("egg", "pan", "wat", "tim", "ste", "coo", "min", "hea")
WORDS = [f"{a}{b}{c}" for a in ("", "bo", "ri", "sal") for b in SYLLABLES for c in "aeinorst"]
HAN = [chr(0x4E00 + 7 * n) for n in range(2_000)]
SEARCHES = {"common": "egga", "one answer": "zyzzyva", "absent": "quagga", "two Han, absent": "鸿鹄"}


def text(drawn: random.Random, *, is_chinese: bool, words: int) -> str:
    return "".join(drawn.choices(HAN, k=5 * words)) if is_chinese else " ".join(drawn.choices(WORDS, k=words))


def fill(answers: int) -> None:
    drawn = random.Random(20261127)
    call_command("migrate", verbosity=0)
    benchmark, category = Benchmark.objects.create(name="bench"), Category.objects.create(key="bench")
    models = [LanguageModel.objects.create(name=f"model {k}", version="1", vendor="bench") for k in range(10)]
    for k in range(answers // 10):
        turns = [text(drawn, is_chinese=k % 4 == 0, words=30)]
        asked = Question.objects.create(benchmark=benchmark, category=category, key=f"q{k}", turns=turns, position=k)
        said = [text(drawn, is_chinese=k % 4 == 0, words=drawn.randint(100, 500)) for _ in models]
        said[3] += " zyzzyva" * (k == answers // 20)
        both = zip(models, said, strict=True)
        rows = Answer.objects.bulk_create(Answer(question=asked, model=by, turns=[it], html=[it]) for by, it in both)
        Battle.objects.pair((rows[n], rows[(n + 1) % 10]) for n in range(10))


def pages(kind: str, words: str) -> tuple[float, int, int]:
    """Seconds of the first page, how many there are until one is full or the list ends, and what was found."""
    sight, address, n, first, found = browsing.Sight.of(AnonymousUser()), {}, 0, 0.0, 0
    while True:
        start = time.perf_counter()
        page = browsing.page(browsing.Filters(kind=kind, text=words), sight, address)
        first, n, found = first or time.perf_counter() - start, n + 1, found + len(page.rows)
        if page.after is None or len(page.rows) == browsing.PAGE:
            return first, n, found
        address = {"after": str(page.after)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--answers", type=int, default=100_000)
    fill(options.parse_args().answers)
    print(
        f"{connection.vendor}, load {os.getloadavg()[0]:.1f}\n\n| list | word | first page | pages | shown |\n| --- | --- | ---: | ---: | ---: |"
    )
    for kind in browsing.KINDS:
        for name, words in SEARCHES.items():
            first, n, found = pages(kind, words)
            print(f"| {kind} | {name} | {first:.2f} s | {n} | {found} |", flush=True)


if __name__ == "__main__":
    main()
