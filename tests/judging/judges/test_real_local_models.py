"""A real small model as judge of twenty battles: through transformers, and through an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from arena.chat import Endpoint
from arena.local_server import ALIAS, NotInstalled, model_file, small_model
from judging.judges import engine
from judging.judges.base import OK, Exhibit
from judging.prompts import default_rubric

pytestmark = [pytest.mark.slow, pytest.mark.local_models]

# Question, a right answer, a wrong one.
BATTLES = [
    ("What is 7 times 8?", "56", "54"),
    ("Which planet is closest to the Sun?", "Mercury is the closest.", "That would be Mars."),
    ("How many legs has a spider?", "Eight.", "Six, like all insects."),
    ("What is the capital of Japan?", "Tokyo", "Osaka"),
    ("At what temperature does water boil at sea level?", "At 100 °C.", "At 50 °C."),
    ("Is 91 a prime number?", "No: it is 7 times 13.", "Yes, it is prime."),
    ("What is the opposite of 'ancient'?", "Modern.", "Old."),
    ("Which is longer, a mile or a kilometre?", "A mile.", "A kilometre."),
    ("Who draws a triangle with four sides?", "Nobody: a triangle has three.", "Anyone with a ruler."),
    ("What gas do plants take in from the air?", "Carbon dioxide.", "Helium."),
    ("Spell 'necessary'.", "n-e-c-e-s-s-a-r-y", "n-e-s-e-s-a-r-y"),
    ("What comes after Thursday?", "Friday.", "Wednesday."),
    ("How many minutes are two hours?", "120", "90"),
    ("Which animal says 'moo'?", "A cow.", "A sheep."),
    ("What is half of 250?", "125", "150"),
    ("What colour do blue and yellow paint make?", "Green.", "Purple."),
    ("Name a country in South America.", "Peru.", "Portugal."),
    ("法国的首都是哪里？", "巴黎。", "里昂。"),
    ("一年有几个季节？", "四个季节。", "六个季节。"),
    ("三加五等于多少？", "八。", "七。"),
]


def exhibits():
    for number, (question, right, wrong) in enumerate(BATTLES):
        for first, second in ((right, wrong), (wrong, right)):
            yield Exhibit(id=(number, first), turns=(question,), answers=((first,), (second,)))


def judged(endpoint):
    judge = engine("llm", rubric=default_rubric("pair"), endpoint=endpoint, options={"schema_bound": True})

    async def all_verdicts():
        return [verdict async for _, verdict in judge.judge(list(exhibits()))]

    return asyncio.run(all_verdicts())


def seen(verdicts):
    """How the verdicts came out: for the report of `pytest -s`."""
    values = Counter(verdict.value for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    print(f"{len(verdicts)} verdicts, {dict(values)}, {seconds:.0f} s waited, {verdicts[0].reply}")


@pytest.fixture(scope="module")
def weights():
    try:
        return str(model_file())
    except NotInstalled as error:
        pytest.skip(str(error))


def test_it_judges_through_transformers_bound_to_a_schema(weights):
    for package in ("torch", "gguf"):
        pytest.importorskip(package, reason=f"{package} is not installed: requirements-torch.txt")
    verdicts = judged(Endpoint("local", weights, timeout=600))
    seen(verdicts)
    assert [verdict.status for verdict in verdicts] == [OK] * 2 * len(BATTLES)
    assert {verdict.value for verdict in verdicts} <= {1, 0, -1}


def test_it_judges_through_an_openai_compatible_server_bound_to_a_schema(weights):
    try:
        with small_model() as base_url:
            verdicts = judged(Endpoint("openai", ALIAS, base_url, options={"temperature": 0, "max_tokens": 32}))
    except NotInstalled as error:
        pytest.skip(str(error))
    seen(verdicts)
    assert [verdict.status for verdict in verdicts] == [OK] * 2 * len(BATTLES)
    assert {verdict.value for verdict in verdicts} <= {1, 0, -1}
