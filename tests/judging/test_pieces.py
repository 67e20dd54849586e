"""A run is judged in pieces: small ones where nobody is asked, and of many rounds of calls where an endpoint is."""

from __future__ import annotations

import pytest

from judging import items, running
from judging.judges.llm import LLMJudge
from judging.models import Preference
from tests import openai_server
from tests.judging import recorded as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("rounds", "pieces"), [(1, 3), (4, 2), (32, 1)])
def test_an_endpoint_is_handed_many_rounds_of_calls_at_a_time(monkeypatch, rounds, pieces):
    monkeypatch.setattr(items, "AT_ONCE", 4)
    monkeypatch.setattr(running, "AT_ONCE", 4)
    monkeypatch.setattr(running, "ROUNDS", rounds)
    seen, real = [], LLMJudge.judge
    monkeypatch.setattr(LLMJudge, "judge", lambda self, fed: (seen.append(len(fed.left)), real(self, fed))[1])
    benchmark = make.benchmark()
    make.answered(benchmark, "Ash", "Birch", questions=6)
    with openai_server.serve() as server:
        judge = make.llm_judge(base_url=server.base_url, endpoint_model="vocabulary")
        run = make.run(
            benchmark, "Ash", "Birch", judges=[judge], status="queued", limits={"concurrency": 2}, cache=False
        )
        assert running.carry_out(run)
    assert (len(seen), sum(seen), Preference.objects.decided().count()) == (pieces, 12, 12)
