"""The pages of judge tests: judges beside people's words by a policy that is said, and putting another judge to a test."""

from __future__ import annotations

import json
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from arena.models import Benchmark
from judging import running
from judging.models import Judge, Preference, Run
from rating import counting, meta, meta_kept, meta_page
from rating.models import Leaderboard
from tests.arena.loading_files import load, write
from tests.judging import recorded as make
from tests.rating.test_meta import PUBLISHED, battles, person, swapped_judge

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Figures are made anew wherever something was judged since."""
    monkeypatch.setattr(meta_kept, "PATIENCE", 0.0)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def benchmark() -> Benchmark:
    return make.benchmark()


@pytest.fixture
def lead(client):
    client.force_login(make.person("lea", "lead"))
    return client


def html(client, benchmark: Benchmark, query: str = "") -> str:
    response = client.get(reverse("meta_evaluation", args=[benchmark.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def words(client, benchmark: Benchmark, query: str = "") -> str:
    return " ".join(strip_tags(html(client, benchmark, query)).split())


def rows(client, benchmark: Benchmark, query: str = "", *, table: str = "meta-caption") -> dict[str, list[str]]:
    """The cells of each row of a table by the name at its beginning."""
    part = html(client, benchmark, query).split(f'<caption id="{table}"')[1].split("</table>")[0]
    found = {}
    for row in re.findall(r"<tr.*?</tr>", part.split("<tbody>")[1], re.S):
        name = strip_tags(re.search(r"<th scope=\"row\">.*?(?:</a>|</th>|(?=<span))", row, re.S)[0]).strip()
        found[name] = [" ".join(strip_tags(cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.S)]
    return found


def test_the_page_says_what_the_command_says_by_the_policy_asked_for(client, benchmark):
    swapped_judge(benchmark)
    cells = rows(client, benchmark)["steady"]
    assert cells[0].startswith("25.00%") and cells[0].endswith("n 4")
    assert cells[5].startswith("50.00%") and cells[6] == "1"
    told = words(client, benchmark)
    assert (
        "Policy: a verdict that changes with the order agrees with nobody; a battle without a readable verdict is left out"
        in told
    )
    other = "?flips=both&unread=wrong"
    assert rows(client, benchmark, other)["steady"][0].startswith("40.00%")
    assert "Policy: each order is half a verdict; a battle without a readable verdict agrees with nobody" in words(
        client, benchmark, other
    )
    assert rows(client, benchmark, "?flips=coin&unread=&sort=;&judge=x&page=q&category=no")["steady"] == cells


def test_the_policies_of_published_figures_are_one_click_away(client, benchmark):
    swapped_judge(benchmark)
    text = html(client, benchmark, "?category=cooking")
    assert 'href="?category=cooking&amp;flips=both&amp;unread=leave_out"' in text
    assert 'href="?category=cooking&amp;flips=wrong&amp;unread=tie"' in text


def test_judges_stand_side_by_side_with_their_distance_from_the_best(client, benchmark):
    ann = person()
    for number, battle in enumerate(battles(benchmark, 40)):
        make.preference(battle, ann, value=1)
        make.preference(battle, make.judge("owl"), value=1 if number % 10 else -1)
        make.preference(battle, make.judge("rook"), value=1 if number % 2 else -1)
    few = battles(benchmark, 1)[0]
    make.preference(few, ann, value=1)
    make.preference(few, make.judge("wren"), value=1)
    found = rows(client, benchmark)
    assert list(found) == ["owl", "rook", "wren"]
    assert found["owl"][0].startswith("90.00%") and found["owl"][2] == "—"
    assert found["rook"][0].startswith("50.00%") and found["rook"][2].startswith("−40.0 [")
    assert found["wren"][0] == "100.00% n 1"  # too few to be the best
    assert list(rows(client, benchmark, "?sort=name")) == ["owl", "rook", "wren"]
    assert list(rows(client, benchmark, "?sort=n"))[0] in ("owl", "rook")


def test_the_distance_from_the_best_is_paired_by_question(benchmark):
    """Two judges that are wrong on the same questions differ for certain, however hard the questions are."""
    ann = person()
    for number, battle in enumerate(battles(benchmark, 60)):
        hard = number % 2 == 0
        make.preference(battle, ann, value=1)
        make.preference(battle, make.judge("owl"), value=-1 if hard else 1)
        make.preference(battle, make.judge("rook"), value=-1 if hard or number % 12 == 1 else 1)
    owl, rook = (row for row in meta.compare(benchmark).rows if row.category == "all")
    assert owl.difference is None and rook.difference == pytest.approx(rook.agreement - owl.agreement)
    assert rook.difference_high < 0 and rook.high > owl.low and rook.questions == 60


def test_people_among_themselves_are_the_ceiling(client, benchmark):
    people = [person(name) for name in ("ann", "ben", "cho")]
    said = ((1, 1, 1), (1, 1, -1), (0, 0, 0), (1, -1, 0))
    for battle, values in zip(battles(benchmark, 4), said, strict=True):
        for one, value in zip(people, values, strict=True):
            make.preference(battle, one, value=value)
        make.preference(battle, value=1)
    # of the second battle ann and ben have no word of the others, cho is against it; of the fourth nobody has
    assert meta.compare(benchmark).ceilings[0].agreement == pytest.approx(6 / 7)
    cells = rows(client, benchmark)["One person, beside the others"]
    assert cells[0].startswith("85.71%") and cells[0].endswith("n 7")


def test_one_label_for_each_battle_has_no_ceiling_and_says_so(client, benchmark):
    swapped_judge(benchmark)
    assert "how far people agree among themselves is not known here" in words(client, benchmark)
    assert "One person, beside the others" not in rows(client, benchmark)


def test_groups_and_categories_have_figures_and_one_may_be_chosen(client, benchmark):
    group = make.category("cooking", name_en="Kitchen", group=None)
    boiling = make.category("boiling", name_en="Boiling", group=group)
    sums = make.category("sums", name_en="Sums")
    ann = person()
    for category, value in ((boiling, 1), (boiling, -1), (sums, 1)):
        (battle,) = battles(benchmark, 1, category=category)
        make.preference(battle, ann, value=1)
        make.preference(battle, value=value)
    by_category = rows(client, benchmark, table="meta-by-caption")
    assert {name: cells[0] for name, cells in by_category.items()} == {
        "Kitchen": by_category["Boiling"][0], "Boiling": by_category["Boiling"][0], "Sums": "100.00% n 1",
    }  # fmt: skip
    assert rows(client, benchmark, "?category=sums")["steady"][0] == "100.00% n 1"
    assert rows(client, benchmark, "?category=group:cooking")["steady"][0].startswith("50.00%")


def test_names_of_people_with_an_account_are_for_leads(client, lead, benchmark):
    for battle in battles(benchmark, 2):
        for name in ("ann", "ben"):
            make.preference(battle, person(name) if not Judge.objects.filter(name=name).exists() else make.judge(name))
        make.preference(battle)
    address = reverse("meta_export", args=[benchmark.pk, "json"])
    assert rows(lead, benchmark, table="meta-people-caption").keys() == {"ann"}
    assert lead.get(address).json()["pairs_of_people"][0]["one"] == "ann"
    client.logout()
    assert rows(client, benchmark, table="meta-people-caption").keys() == {"person 1"}
    assert client.get(address).json()["pairs_of_people"][0] == {
        "one": "person 1", "other": "person 2", "agreement": 1.0, "kappa": None, "n": 2,
    }  # fmt: skip


def test_the_files_hold_what_the_command_prints(client, benchmark):
    swapped_judge(benchmark)
    query = "?flips=both&unread=wrong"
    told = client.get(reverse("meta_export", args=[benchmark.pk, "json"]) + query).json()
    found = meta.compare(benchmark, policy=meta.Policy("both", "wrong"))
    assert told == json.loads(json.dumps(found.as_json()))
    text = client.get(reverse("meta_export", args=[benchmark.pk, "csv"]) + query).content.decode()
    assert text == meta.as_csv(found)
    assert client.get(reverse("meta_export", args=[benchmark.pk, "xml"])).status_code == 404
    empty = client.get(reverse("meta_export", args=[make.benchmark("bare").pk, "csv"])).content.decode()
    assert empty == text.splitlines(keepends=True)[0]


def test_the_number_of_queries_does_not_grow(client, benchmark):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            html(client, benchmark)
        return len(captured)

    swapped_judge(benchmark)
    few = queries()
    for battle in battles(benchmark, 10, category=make.category("sums")):
        make.preference(battle, make.judge("ann"))
        for name in ("owl", "rook", "wren"):
            make.preference(battle, make.judge(name))
    assert queries() == few


def test_figures_are_kept_until_something_is_judged(client, benchmark, monkeypatch):
    counted = []
    real = meta_page.gather
    monkeypatch.setattr(meta_page, "gather", lambda of: counted.append(of) or real(of))
    swapped_judge(benchmark)
    Leaderboard.objects.create(benchmark=benchmark)
    first = rows(client, benchmark)
    assert rows(client, benchmark) == first == rows(client, benchmark, "?sort=name") and len(counted) == 1
    assert rows(client, benchmark, "?unread=wrong") != first and len(counted) == 2
    counting.catch_up()
    assert rows(client, benchmark) == first and len(counted) == 3
    vote = Preference.objects.by_people().first()
    Preference.objects.filter(pk=vote.pk).update(kept_out="leak")
    assert rows(client, benchmark)["steady"][0].endswith("n 3")
    counting.catch_up()
    assert rows(client, benchmark)["steady"][0].endswith("n 3")


def test_a_long_count_is_not_made_anew_for_every_vote(client, benchmark, monkeypatch):
    monkeypatch.setattr(meta_kept, "PATIENCE", 10_000.0)
    swapped_judge(benchmark)
    first = rows(client, benchmark)
    Preference.objects.by_people().first().delete()
    assert rows(client, benchmark) == first
    cache.clear()
    assert rows(client, benchmark) != first


def test_without_peoples_words_the_page_says_how_tests_are_loaded(client, benchmark):
    told = words(client, benchmark)
    assert "No person has judged a pair here" in told and "manage.py load llmbar" in told
    response = client.get(reverse("meta_evaluations"))
    told = " ".join(strip_tags(response.content.decode()).split())
    assert "No test yet" in told and "manage.py load pandalm" in told and "uploaded" not in told


def test_the_list_names_benchmarks_with_peoples_words_on_pairs(lead, benchmark):
    make.benchmark("bare", title_en="Bare")
    (battle,) = battles(benchmark, 1)
    make.preference(battle, person())
    told = " ".join(strip_tags(lead.get(reverse("meta_evaluations")).content.decode()).split())
    assert "Pantry" in told and "Bare" not in told and "people here none yet" in told
    assert "No machine has judged these battles yet" in words(lead, benchmark)


def test_benchmark_and_judges_lead_here(client, benchmark):
    assert (
        reverse("meta_evaluation", args=[benchmark.pk])
        in client.get(reverse("benchmark", args=[benchmark.pk])).content.decode()
    )
    assert reverse("meta_evaluations") in client.get(reverse("judges")).content.decode()


# --- putting a judge to a test


@pytest.fixture
def judged(benchmark) -> Benchmark:
    """Three questions answered by three models; people have judged one pair on each of the first two."""
    ann = person()
    for question in make.answered(benchmark, "Ash", "Birch", "Cedar", questions=3)[:2]:
        make.preference(make.battle(question), ann, value=1)
    return benchmark


def test_what_it_takes_is_told_before_and_nothing_is_written(lead, judged):
    judge = make.llm_judge(price_in=1, price_out=2)
    response = lead.get(reverse("meta_new", args=[judged.pk]), {"judge": judge.pk})
    text = response.content.decode()
    assert response.status_code == 200 and 'data-estimate="4"' in text  # two battles in both orders
    assert "Start the run" in text and not Run.objects.exists()


def test_one_click_starts_a_run_on_what_people_judged_alone(lead, judged):
    judged.questions.update(checks=[{"type": "contains", "any": ["Six"]}])
    judge = make.judge("rules", kind="rule")
    response = lead.post(reverse("meta_new", args=[judged.pk]), {"judge": judge.pk, "order": "both"})
    run = Run.objects.get()
    assert response.url == reverse("run", args=[run.pk])
    assert (run.status, run.mode, run.order, list(run.judges.all())) == ("queued", "pairwise", "both", [judge])
    assert run.limits == {"voted": True, "samples": 1, "keys": ["q1", "q2"]}
    assert "Under way on this test" in words(lead, judged) and run.name in words(lead, judged)
    running.carry_out(run)
    asked = Preference.objects.filter(run=run)
    assert set(asked.values_list("battle", flat=True)) == set(
        Preference.objects.by_people().values_list("battle", flat=True)
    )
    run.refresh_from_db()
    assert run.status == "done" and "rules" in rows(lead, judged)


def test_what_the_run_refuses_stands_beside_its_field(lead, judged):
    judge = make.llm_judge()
    response = lead.post(reverse("meta_new", args=[judged.pk]), {"judge": judge.pk, "budget": "5"})
    assert response.status_code == 422 and not Run.objects.exists()
    assert "A budget needs prices" in response.content.decode()
    assert lead.post(reverse("meta_new", args=[judged.pk]), {"judge": ""}).status_code == 422
    assert lead.get(reverse("meta_new", args=[judged.pk]), {"judge": "x"}).status_code == 200


def test_only_leads_put_judges_to_tests(client, judged):
    judge = make.judge("rules", kind="rule")
    client.force_login(make.person("vera", "viewer"))
    assert client.post(reverse("meta_new", args=[judged.pk]), {"judge": judge.pk}).status_code == 403
    assert not Run.objects.exists() and "Put a judge" not in words(client, judged)


def test_a_dry_run_counts_in_no_figure_and_is_counted_as_left_out(lead, judged):
    judge = make.judge("coin", kind="dry_run")
    text = lead.get(reverse("meta_new", args=[judged.pk]), {"judge": judge.pk}).content.decode()
    assert "no figure counts them" in text
    for battle in {vote.battle for vote in Preference.objects.by_people()}:
        make.preference(battle, judge, provenance="dry_run")
    swapped = make.judge("owl", kind="imported", provenance="imported")
    make.preference(battle, swapped, provenance="imported")
    found = rows(lead, judged)
    assert list(found) == ["owl"] and "dry run (2)" in words(lead, judged)
    assert "imported" in html(lead, judged).split('id="meta-caption"')[1]


# --- published figures


def test_the_page_shows_auto_js_published_figures(client, shared):
    folder = shared / "data" / "auto_j"
    names = ("testdata_pairwise.jsonl", "pairwise_example_output.jsonl", "pairwise_exchange_example_output.jsonl")
    load("auto_j", *(folder / name for name in names), benchmark="auto_j")
    benchmark = Benchmark.objects.get(name="auto_j")
    cells = rows(client, benchmark)["pairwise_example_output"]
    assert cells[0].startswith("54.96%") and cells[5].startswith("83.41%")
    by_category = rows(client, benchmark, table="meta-by-caption")
    assert {name: (float(by_category[name][0].split("%")[0]), float(by_category[name][4].split("%")[0])) for name in PUBLISHED if name != "all"} == {
        name: figures for name, figures in PUBLISHED.items() if name != "all"
    }  # fmt: skip


def test_pandalms_unread_words_are_ties_by_its_policy_alone(client, tmp_path):
    pair = {"cmp_key": "ash_birch", "motivation_app": "Notes", "instruction": "Say hello.", "input": ""}
    pair |= {"response1": "Hello.", "response2": "Good day."}
    people = [("1", "1", "0"), ("0", "0", "2"), ("2", "2", "2")]
    truth = [
        {"idx": idx, **pair, **{f"annotator{n}": label for n, label in enumerate(labels, start=1)}}
        for idx, labels in enumerate(people)
    ]
    write(tmp_path / "testset.json", json.dumps(truth))
    results = [{"idx": idx, "gpt_result": word} for idx, word in enumerate(("1", "garbage", "1"))]
    write(tmp_path / "gpt.json", json.dumps(results))
    load("pandalm", tmp_path, benchmark="pandalm")
    benchmark = Benchmark.objects.get(name="pandalm")
    assert rows(client, benchmark)["gpt"][0].startswith("50.00%")
    cells = rows(client, benchmark, "?unread=tie")["gpt"]
    assert cells[0].startswith("66.67%") and cells[6] == "1"


def test_llmbars_accuracy_takes_each_order_as_half_a_verdict(client, tmp_path):
    folder = tmp_path / "Natural"
    pairs = [{"input": f"Say {n}.", "output_1": "One.", "output_2": "Two.", "label": 1} for n in range(3)]
    write(folder / "dataset.json", json.dumps(pairs))
    said = (("1", "1"), ("1", "2"), ("2", "2"))
    results = [
        {**pair, "results": [{"swap = False": {"winner": one}, "swap = True": {"winner": other}}]}
        for pair, (one, other) in zip(pairs, said, strict=True)
    ]
    write(folder / "evaluators" / "GPT-4" / "Vanilla" / "result.json", json.dumps(results))
    load("llmbar", tmp_path, benchmark="llmbar")
    cells = rows(client, Benchmark.objects.get(name="llmbar"), "?flips=both")["GPT-4 Vanilla"]
    assert cells[0].startswith("50.00%") and cells[5].startswith("66.67%")


# --- for programs


def test_programs_read_the_same_figures(client, benchmark):
    swapped_judge(benchmark)
    address = reverse("api-v1:meta_evaluation", args=[benchmark.pk])
    told = client.get(address, {"flips": "both", "unread": "wrong"}).json()
    found = meta.compare(benchmark, policy=meta.Policy("both", "wrong"))
    assert told["rows"] == json.loads(json.dumps(found.as_json()))["rows"] and told["policy"] == str(found.policy)
    assert (told["benchmark"], told["battles"], told["people"]) == (
        benchmark.pk,
        5,
        1,
    ) and "pairs_of_people" not in told
    refused = client.get(address, {"flips": "coin"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "flips")
    bare = client.get(reverse("api-v1:meta_evaluation", args=[make.benchmark("bare").pk]))
    assert (bare.status_code, bare.json()["rows"], bare.json()["people"]) == (200, [], 0)
