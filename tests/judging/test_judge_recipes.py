"""What a recipe says of judging: every kind of judge and its options, turns, budgets, limits and rubrics of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arena.loading import BadInput, Report
from arena.models import LanguageModel
from judging.models import Judge, Rubric, Run
from judging.preparing import prepare
from judging.recipes import read_recipe, recipe_of
from tests.judging import recorded as make

database = pytest.mark.django_db
HEAD = """\
name: eggs
mode: single
benchmark:
  name: pantry
  questions: q.jsonl
models:
  - {name: Ash, version: "1", vendor: Northmoor, answers: a.jsonl}
"""
LINES = HEAD.count("\n")  # what follows begins on the next one
ORACLE = """\
  - kind: llm
    name: oracle
    version: "4"
    vendor: Delphi
    provider: openai
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    questions = [
        {"key": "q1", "category": "cooking", "turns": ["How long does an egg boil?"]},
        {"key": "q2", "category": "sums", "turns": ["How many eggs are a dozen?"]},
    ]
    answers = [{"question": "q1", "turns": ["Six minutes."]}, {"question": "q2", "turns": ["Twelve."]}]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    return tmp_path


def recipe(folder: Path, text: str = "", head: str = HEAD):
    (folder / "recipe.yaml").write_text(head + text, encoding="utf-8")
    return read_recipe(folder / "recipe.yaml")


def refused(folder: Path, text: str, head: str = HEAD) -> list[str]:
    """Every problem of the recipe, without the folder's name."""
    with pytest.raises(BadInput) as told:
        recipe(folder, text, head)
    return [line.replace(f"{folder}/", "") for line in str(told.value).splitlines()]


def judges(folder: Path, text: str):
    return recipe(folder, f"judges:\n{text}").judges


# --- the run


def test_what_is_not_said_is_the_usual(folder):
    told = recipe(folder)
    assert (told.turns, told.budget, told.cache, told.limits, told.order) == ("whole", None, True, {}, "both")


def test_a_recipe_says_how_a_run_is_carried_out(folder):
    told = recipe(
        folder, "turns: each\nbudget: 12.5\ncache: false\norder: balanced\nlimits: {samples: 3, concurrency: 128}\n"
    )
    assert (told.turns, told.budget, told.cache, told.order) == ("each", 12.5, False, "balanced")
    assert told.limits == {"samples": 3, "concurrency": 128}
    assert recipe(folder, "budget: 0\n").budget == 0


@database
def test_a_run_is_what_its_recipe_says_and_echoes_all_of_it(folder):
    text = "turns: each\nbudget: 12.5\ncache: false\norder: balanced\nlimits: {samples: 3, questions: 1}\nseed: 4\n"
    run = prepare(recipe(folder, text), Report(), stages=())
    assert (run.turns, run.budget, run.cache, run.order, run.samples, run.seed) == (
        "each",
        12.5,
        False,
        "balanced",
        3,
        4,
    )
    echoed = {name: run.recipe[name] for name in ("turns", "budget", "cache", "order", "limits", "seed", "mode")}
    assert echoed == {
        "turns": "each",
        "budget": 12.5,
        "cache": False,
        "order": "balanced",
        "limits": {"samples": 3, "questions": 1},
        "seed": 4,
        "mode": "single",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("turns: both", "turns: is 'both', not one of whole, each"),
        ("turns: [each]", "turns: is a list, not text"),
        ("budget: much", "budget: is text, not a number"),
        ("budget: -1", "budget: is below 0"),
        ("budget: .inf", "budget: is not a finite number"),
        ("budget: 1000000001", "budget: is above 1000000000"),
        ("budget: true", "budget: is true or false, not a number"),
        ("cache: sometimes", "cache: is text, not true or false"),
        ("cache: 1", "cache: is a whole number, not true or false"),
        ("order: balance", "order: is 'balance', not one of both, random, balanced, fixed"),
        ("limits: {samples: 0}", "limits.samples: is below 1"),
        ("limits: {samples: 101}", "limits.samples: is above 100"),
        ("limits: {samples: 2.5}", "limits.samples: is a number, not a whole number"),
        (
            "limits: {sample: 2}",
            "limits.sample: is not a key of limits; known here: concurrency, keys, pairs, questions, samples",
        ),
        ("limits: 5", "limits: is not a section of keys and values"),
        ("budgets: 5", "budgets: is not a key of a recipe"),
    ],
)
def test_what_is_wrong_with_a_run_is_named_with_file_line_and_field(folder, text, problem):
    (told,) = refused(folder, text + "\n")
    assert told.startswith(f"recipe.yaml:{LINES + 1}: {problem}")


# --- the judges


def test_a_language_model_as_judge_takes_these_options(folder):
    told = judges(
        folder,
        ORACLE
        + "    options: {temperature: 0}\n    samples: 5\n    verdict: text\n    scale: five\n    language: zh\n"
        + "    reference: own\n    attempts: 3\n    concurrency: 16\n    batch: true\n    limits: {rpm: 60, tpm: 9000, concurrency: 4}\n"
        + "    price_in: 2.5\n    price_out: 10\n    family: delphic\n",
    )
    (judge,) = told
    assert judge.options == {
        "samples": 5,
        "verdict": "text",
        "scale": "five",
        "language": "zh",
        "reference": "own",
        "attempts": 3,
        "concurrency": 16,
        "batch": True,
    }
    assert judge.model.limits == {"rpm": 60, "tpm": 9000, "concurrency": 4}
    assert (judge.model.price_in, judge.model.price_out, judge.model.family) == (2.5, 10, "delphic")
    assert judge.model.options == {"temperature": 0}


@pytest.mark.parametrize("preset", ["auto_j", "pandalm", "prometheus", "judgelm", "compass_judger"])
def test_the_prompts_of_tuned_judges_go_by_their_names(folder, preset):
    assert judges(folder, ORACLE + f"    preset: {preset}\n")[0].options == {"preset": preset}


def test_the_other_kinds_have_names_and_options_of_their_own(folder):
    told = judges(
        folder,
        """\
  - {kind: rule}
  - {kind: metric}
  - {kind: metric, metric: bleu, tie_band: 0.02}
  - {kind: metric, name: overlap, metric: rougeL}
  - {kind: python_tests, concurrency: 2}
  - {kind: dry_run, seed: 7}
  - {kind: reward, name: scorer, version: "1", vendor: N, provider: local, scale: sigmoid, verdict: sign, tie_band: 0.5}
""",
    )
    assert [(judge.kind, judge.name, judge.options) for judge in told] == [
        ("rule", "rules", {}),
        ("metric", "chrf", {}),
        ("metric", "bleu", {"metric": "bleu", "tie_band": 0.02}),
        ("metric", "overlap", {"metric": "rougeL"}),
        ("python_tests", "Python tests", {"concurrency": 2}),
        ("dry_run", "dry run", {"seed": 7}),
        ("reward", "scorer", {"scale": "sigmoid", "verdict": "sign", "tie_band": 0.5}),
    ]
    assert [judge.model is None for judge in told] == [True] * 6 + [False]


PANEL = """\
judges:
  - kind: panel
    name: jury
    quorum: 2
    weights: seats
    decide: mean
    members:
      - kind: llm
        name: oracle
        version: "4"
        vendor: Delphi
        provider: openai
        weight: 2.5
      - kind: rule
      - kind: cascade
        name: steps
        agree: 2
        band: 0.5
        trust_first: [rule]
        members:
          - {kind: metric}
          - {kind: dry_run}
"""


def test_panels_and_cascades_have_members_with_weights(folder):
    (jury,) = recipe(folder, PANEL).judges
    assert (jury.kind, jury.name) == ("panel", "jury")
    assert jury.options == {"quorum": 2, "weights": "seats", "decide": "mean"}
    assert [(member.name, member.weight) for member in jury.members] == [
        ("oracle", 2.5),
        ("rules", 1.0),
        ("steps", 1.0),
    ]
    steps = jury.members[2]
    assert steps.options == {"agree": 2, "band": 0.5, "trust_first": ["rule"]}
    assert [one.name for one in jury.everybody()] == ["jury", "oracle", "rules", "steps", "chrf", "dry run"]


def test_a_cascade_may_trust_no_kind_and_let_marks_agree_only_where_they_are_equal(folder):
    text = PANEL.replace("trust_first: [rule]", "trust_first: []").replace("band: 0.5", "band: 0")
    (jury,) = recipe(folder, text).judges
    assert jury.members[2].options == {"agree": 2, "band": 0, "trust_first": []}


WRONG_JUDGES = [
    (ORACLE + "    samples: 0", 6, "judges[0].samples: is below 1"),
    (ORACLE + "    samples: 16", 6, "judges[0].samples: is above 15"),
    (ORACLE + "    samples: three", 6, "judges[0].samples: is text, not a whole number"),
    (ORACLE + "    verdict: oral", 6, "judges[0].verdict: is 'oral', not one of text, logprobs"),
    (ORACLE + "    scale: four", 6, "judges[0].scale: is 'four', not one of three, five"),
    (ORACLE + "    preset: auto-k", 6, "judges[0].preset: is 'auto-k', not one of auto_j, pandalm, prometheus"),
    (ORACLE + "    reference: mine", 6, "judges[0].reference: is 'mine', not one of question, own, none"),
    (ORACLE + "    batch: 5", 6, "judges[0].batch: is a whole number, not true or false"),
    (ORACLE + "    weight: 2", 6, "judges[0].weight: is not a key of judges[0]"),
    (ORACLE + "    seed: 2", 6, "judges[0].seed: is not a key of judges[0]"),
    (ORACLE + "    limits: {rpm: 0}", 6, "judges[0].limits.rpm: is below 1"),
    (ORACLE + "    limits: {tpm: lots}", 6, "judges[0].limits.tpm: is text, not a whole number"),
    (ORACLE + "    limits: {concurrency: -1}", 6, "judges[0].limits.concurrency: is below 1"),
    (ORACLE + "    limits: {rps: 5}", 6, "judges[0].limits.rps: is not a key of judges[0].limits; known here: concurrency, rpm, tpm"),
    (ORACLE + "    limits: 60", 6, "judges[0].limits: is not a section of keys and values"),
    ("  - {name: nobody}", 1, "judges[0].kind: is missing"),
    ("  - {kind: llm, name: o, version: 1, vendor: D}", 1, "judges[0].provider: is missing: one of openai, anthropic"),
    ("  - {kind: rule, metric: bleu}", 1, "judges[0].metric: is not a key of judges[0]"),
    ("  - {kind: rule, model: gpt}", 1, "judges[0].model: is not a key of judges[0]"),
    ("  - {kind: metric, metric: luck}", 1, "judges[0].metric: is 'luck', not one of"),
    ("  - {kind: metric, tie_band: 2}", 1, "judges[0].tie_band: is above 1"),
    ("  - {kind: python_tests, concurrency: 0}", 1, "judges[0].concurrency: is below 1"),
    ("  - {kind: reward, name: s, version: 1, vendor: N, provider: local, scale: huge}", 1, "judges[0].scale: is 'huge', not one of"),
    ("  - {kind: reward, name: s, version: 1, vendor: N, provider: local, tie_band: -1}", 1, "judges[0].tie_band: is below 0"),
    ("  - {kind: panel, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].name: is missing"),
    ("  - {kind: panel, name: jury}", 1, "judges[0].members: is missing"),
    ("  - {kind: panel, name: jury, members: []}", 1, "judges[0].members: are 0: at least 2 and at most 50 sit in it"),
    ("  - {kind: panel, name: jury, members: [{kind: rule}]}", 1, "judges[0].members: are 1: at least 2 and at most 50"),
    ("  - {kind: panel, name: jury, members: rules}", 1, "judges[0].members: is not a list"),
    ("  - {kind: panel, name: jury, members: [{kind: rule}, {kind: rule}]}", 1, "judges[0].members: rules sits here twice"),
    ("  - {kind: panel, name: jury, quorum: 0, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].quorum: is below 1"),
    ("  - {kind: panel, name: jury, quorum: 3, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].quorum: is 3, and 2 sit in it"),
    ("  - {kind: panel, name: jury, weights: random, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].weights: is 'random', not one of equal, seats, learnt"),
    ("  - {kind: panel, name: jury, decide: shouting, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].decide: is 'shouting', not one of majority, mean"),
    ("  - {kind: panel, name: jury, agree: 2, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].agree: is not a key of judges[0]"),
    ("  - {kind: panel, name: jury, members: [{kind: rule, weight: -1}, {kind: metric}]}", 1, "judges[0].members[0].weight: is below 0"),
    ("  - {kind: panel, name: jury, members: [{kind: rule, weight: heavy}, {kind: metric}]}", 1, "judges[0].members[0].weight: is text, not a number"),
    ("  - {kind: panel, name: jury, members: [{kind: rule, wight: 1}, {kind: metric}]}", 1, "judges[0].members[0].wight: is not a key of judges[0].members[0]"),
    ("  - {kind: panel, name: jury, members: [{kind: rule}, {kind: person}]}", 1, "judges[0].members[1].kind: is 'person', not one of"),
    ("  - {kind: cascade, name: steps, quorum: 2, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].quorum: is not a key of judges[0]"),
    ("  - {kind: cascade, name: steps, agree: 0, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].agree: is below 1"),
    ("  - {kind: cascade, name: steps, band: -1, members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].band: is below 0"),
    ("  - {kind: cascade, name: steps, trust_first: [luck], members: [{kind: rule}, {kind: metric}]}", 1, "judges[0].trust_first: holds 'luck', not one of llm, reward, rule"),
    ("  - {kind: rule}\n  - {kind: rule}", 0, "judges: rules stands here twice"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), WRONG_JUDGES, ids=range(len(WRONG_JUDGES)))
def test_what_is_wrong_with_a_judge_is_named_with_file_line_and_field(folder, text, line, problem):
    told = refused(folder, f"judges:\n{text}\n")
    assert len(told) == 1 and told[0].startswith(f"recipe.yaml:{LINES + 1 + line}: {problem}"), told


def test_panels_sit_at_most_three_deep(folder):
    text = "{kind: rule}"
    for depth in range(3):
        text = f"{{kind: panel, name: p{depth}, members: [{text}, {{kind: metric, name: m{depth}}}]}}"
    assert judges(folder, f"  - {text}\n")[0].members[0].members[0].members[0].kind == "rule"
    text = f"{{kind: panel, name: p4, members: [{text}, {{kind: dry_run}}]}}"
    (told,) = refused(folder, f"judges:\n  - {text}\n")
    field = "judges[0].members[0].members[0].members[0].members"
    assert told == f"recipe.yaml:{LINES + 2}: {field}: panels sit at most 3 deep in each other"


def test_limits_of_candidates_are_those_of_their_endpoints(folder):
    head = HEAD.replace("answers: a.jsonl}", "provider: openai, limits: {rpm: 10, concurrency: 2}}")
    assert recipe(folder, head=head).models[0].limits == {"rpm": 10, "concurrency": 2}
    (told,) = refused(folder, "", head.replace("rpm", "rpmm"))
    assert told.startswith(f"recipe.yaml:{LINES}: models[0].limits.rpmm: is not a key of models[0].limits")


# --- options that do not go together


@database
def test_a_verdict_by_log_probability_of_a_vendor_that_has_none_is_told(folder):
    wanted = recipe(folder, f"judges:\n{ORACLE.replace('openai', 'anthropic')}    verdict: logprobs\n")
    with pytest.raises(BadInput, match="cannot be 'logprobs' with the provider anthropic"):
        prepare(wanted, Report(), stages=())
    assert not Judge.objects.exists()


@database
@pytest.mark.parametrize(
    ("options", "rubric", "problem"),
    [
        ("preset: auto_j\n    schema_bound: true", "", "option 'schema_bound' does not go with preset 'auto_j'"),
        ("preset: auto_j\n    verdict: logprobs", "", "option 'verdict' does not go with preset 'auto_j'"),
        ("preset: auto_j\n    language: zh", "", "option 'language' does not go with preset 'auto_j'"),
        ("verdict: logprobs\n    schema_bound: true", "", "option 'schema_bound' does not go with verdict 'logprobs'"),
        ("batch: true\n    samples: 3", "", "judge oracle: option 'batch' goes with one sample"),
        ("batch: true\n    verdict: logprobs", "", "judge oracle: option 'batch' goes with one sample"),
        (
            "schema_bound: true",
            "rubric: {name: own, template: {prompt: 'Q {question} A {answer}', form: '[[rating]]'}}\n",
            "option 'schema_bound' does not go with rubric own, whose template asks in its own way",
        ),
    ],
)
def test_options_that_do_not_go_together_are_told_before_anything_is_written(folder, options, rubric, problem):
    wanted = recipe(folder, f"{rubric}judges:\n{ORACLE}    {options}\n")
    with pytest.raises(BadInput) as told:
        prepare(wanted, Report(), stages=())
    assert "recipe.yaml" in str(told.value) and problem in str(told.value)
    assert not Run.objects.exists() and not Judge.objects.exists() and not LanguageModel.objects.exists()


# --- rubrics of a recipe's own

RUBRIC = """\
rubric:
  name: careful
  title_en: Careful
  title_zh: 细致
  instructions_en: Look twice.
  instructions_zh: 看两遍。
  lowest: 0
  highest: 5
  dimensions:
    - key: depth
      weight: 2
      name_en: Depth
      veto: 2
      levels:
        - {mark: 0, words_en: nothing}
        - {mark: 5, words_en: everything}
    - {key: tone, name_en: Tone}
  variants:
    sums:
      instructions_en: Count.
      dimensions: [{key: sum, name_en: Sum}]
"""


@database
def test_a_recipe_may_hold_its_rubric(folder):
    run = prepare(recipe(folder, RUBRIC), Report(), stages=())
    text = run.rubric.text()
    assert (run.rubric.name, run.rubric.version, run.rubric.title_zh) == ("careful", 1, "细致")
    assert (text.lowest, text.highest) == (0, 5) and text.instructions == {"en": "Look twice.", "zh": "看两遍。"}
    assert [(one.key, one.weight, one.veto) for one in text.dimensions] == [("depth", 2, 2), ("tone", 1, None)]
    assert [level.words["en"] for level in text.dimensions[0].levels] == ["nothing", "everything"]
    assert [one.key for one in text.of("sums").dimensions] == ["sum"]


@database
def test_a_rubric_may_mark_by_points(folder):
    text = """\
rubric:
  name: points
  lowest: 0
  highest: 10
  points:
    base: 6
    floor: 0
    cap: 10
    deductions: [{key: made_up, points: 2, most: 4, name_en: Made up}]
    bonuses: [{key: extra, points: 1, name_en: Extra, quoted: false}]
"""
    points = prepare(recipe(folder, text), Report(), stages=()).rubric.text().points
    assert (points.base, points.floor, points.cap) == (6, 0, 10)
    assert (points.deductions[0].key, points.deductions[0].most, points.bonuses[0].quoted) == ("made_up", 4, False)


@database
def test_the_same_rubric_is_the_same_row_and_other_words_are_its_next_version(folder):
    first = prepare(recipe(folder, RUBRIC), Report(), stages=()).rubric
    again = prepare(recipe(folder, RUBRIC + "seed: 2\n"), Report(), stages=()).rubric
    other = prepare(recipe(folder, RUBRIC.replace("Look twice", "Look thrice")), Report(), stages=()).rubric
    assert first == again and (other.name, other.version) == ("careful", 2)
    assert prepare(recipe(folder, RUBRIC), Report(), stages=()).rubric == first and Rubric.objects.count() == 2


@database
def test_a_category_without_a_variant_is_told_where_there_are_only_variants(folder):
    told = RUBRIC + "  only_variants: true\n"
    with pytest.raises(BadInput) as refusal:
        prepare(recipe(folder, told), Report(), stages=())
    assert "recipe.yaml: rubric: careful" in str(refusal.value).replace(f"{folder}/", "")
    assert "has nothing for the categories cooking" in str(refusal.value) and not Rubric.objects.exists()
    both = told.replace("    sums:", "    cooking: {instructions_en: Taste.}\n    sums:")
    assert prepare(recipe(folder, both), Report(), stages=()).rubric.only_variants


BY_CASE = """\
rubric:
  name: by case
  template:
    cases:
      - {reference: without, turns: single, prompt: "{question} {answer}", form: "[[rating]]"}
      - {reference: with, prompt: "{question} {ref_answer_1} {answer}", form: "[[rating]]"}
"""


@database
@pytest.mark.parametrize(
    ("judge", "turns", "cases"),
    [
        ("", "whole", ["sums: several turns without a reference"]),
        ("    reference: none\n", "whole", ["sums: several turns without a reference"]),
        ("    reference: own\n", "whole", []),
        ("", "each", ["sums: several turns without a reference"]),
    ],
)
def test_a_question_that_the_rubric_has_no_template_for_is_told_before_the_run(folder, judge, turns, cases):
    rows = [json.loads(line) for line in (folder / "q.jsonl").read_text().splitlines()]
    rows[1]["turns"].append("And two dozen?")
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rows = [{"question": "q1", "turns": ["Six minutes."]}, {"question": "q2", "turns": ["Twelve.", "Two dozen."]}]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = f"{BY_CASE}turns: {turns}\njudges:\n{ORACLE}{judge}    base_url: http://127.0.0.1:9/v1\n"
    if not cases:
        assert prepare(recipe(folder, text), Report(), stages=()).rubric.name == "by case"
        return
    with pytest.raises(BadInput) as refusal:
        prepare(recipe(folder, text), Report(), stages=())
    assert f"rubric: by case v1 has no template for {'; '.join(cases)}" in str(refusal.value)
    assert not Run.objects.exists() and not Rubric.objects.exists()
    complete = text.replace("reference: without, turns: single", "reference: without")
    assert prepare(recipe(folder, complete), Report(), stages=()).rubric.name == "by case"


@database
def test_a_rubric_by_name_is_the_newest_of_that_name(folder):
    make.rubric("kind")
    Rubric.objects.create(name="kind", version=2, instructions_en="Be kind.")
    assert prepare(recipe(folder, "rubric: kind\n"), Report(), stages=()).rubric.version == 2
    with pytest.raises(BadInput, match="rubric: there is no rubric 'cruel'"):
        prepare(recipe(folder, "rubric: cruel\n"), Report(), stages=())


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("  name: careful\n", "", 2, "rubric.name: is missing"),
        ("    - {key: tone, name_en: Tone}", "    - {key: depth, name_en: Tone}", 17, "rubric.dimensions[1].key: 'depth' stands here twice"),
        ("weight: 2", "weight: -2", 11, "rubric.dimensions[0].weight: is below 0"),
        ("weight: 2", "wait: 2", 11, "rubric.dimensions[0].wait: is not known"),
        ("highest: 5", "highest: 0", 8, "rubric.highest: is not above the lowest mark, 0"),
        ("veto: 2", "veto: 9", 13, "rubric.dimensions[0].veto: is outside the scale from 0 to 5"),
        ("{mark: 5, words_en: everything}", "{mark: 7, words_en: everything}", 16, "rubric.dimensions[0].levels[1].mark: is outside the scale"),
        ("instructions_en: Look twice.", "instruction_en: Look twice.", 5, "rubric.instruction_en: is not known"),
        ("      instructions_en: Count.", "      instructions_en: [Count.]", 20, "rubric.variants.sums.instructions_en: is not text"),
        ("key: sum, ", "", 21, "rubric.variants.sums.dimensions[0].key: is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rubric_is_named_with_file_line_and_field(folder, old, new, line, problem):
    assert old in RUBRIC
    told = refused(folder, RUBRIC.replace(old, new, 1))
    assert any(one.startswith(f"recipe.yaml:{LINES + line}: {problem}") for one in told), told


# --- the same recipe again


@database
def test_the_same_recipe_twice_is_the_same_run_and_makes_nothing_new(folder):
    text = PANEL + RUBRIC
    run = prepare(recipe(folder, text), Report(), stages=())
    rows = [table.objects.count() for table in (Run, Judge, Rubric, LanguageModel)]
    assert prepare(recipe(folder, text), Report(), stages=()) == run
    assert [table.objects.count() for table in (Run, Judge, Rubric, LanguageModel)] == rows == [1, 6, 1, 2]


@database
@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("        weight: 2.5\n", "        weight: 3\n", "jury"),
        ("    quorum: 2\n", "    quorum: 3\n", "jury"),
        ("        band: 0.5\n", "        band: 1.5\n", "steps"),
        ("        provider: openai\n", "        provider: openai\n        samples: 3\n", "oracle"),
        ("        provider: openai\n", "        provider: openai\n        options: {temperature: 1}\n", "oracle"),
        ("          - {kind: dry_run}\n", "          - {kind: dry_run, seed: 2}\n", "dry run"),
    ],
)
def test_another_option_weight_or_member_is_the_judges_next_version_and_another_run(folder, old, new, name):
    assert old in PANEL
    run = prepare(recipe(folder, PANEL), Report(), stages=())
    other = prepare(recipe(folder, PANEL.replace(old, new)), Report(), stages=())
    assert run != other and run.judges.get() != other.judges.get()
    assert sorted(Judge.objects.filter(name=name).values_list("version", flat=True)) == [1, 2]
    assert other.judges.get().version == 2, "a panel of another member is another panel"
    assert prepare(recipe(folder, PANEL), Report(), stages=()) == run


@database
def test_seats_keep_their_order_and_their_weights(folder):
    jury = prepare(recipe(folder, PANEL), Report(), stages=()).judges.get()
    seats = [(seat.position, seat.member.name, seat.weight) for seat in jury.seats.all()]
    assert seats == [(0, "oracle", 2.5), (1, "rules", 1.0), (2, "steps", 1.0)]


@database
def test_a_raised_budget_is_the_same_run_which_goes_on(folder):
    run = prepare(recipe(folder, "budget: 1\n"), Report(), stages=())
    again = prepare(recipe(folder, "budget: 2.5\n"), Report(), stages=())
    assert again == run and (again.budget, again.recipe["budget"]) == (2.5, 2.5)
    assert prepare(recipe(folder), Report(), stages=()).budget is None and Run.objects.count() == 1


@database
def test_a_changed_limit_of_an_endpoint_is_no_other_model(folder):
    head = HEAD.replace("answers: a.jsonl}", "answers: a.jsonl, provider: openai, limits: {rpm: 10}}")
    run = prepare(recipe(folder, head=head), Report(), stages=())
    assert prepare(recipe(folder, head=head.replace("10", "20")), Report(), stages=()) == run
    assert LanguageModel.objects.get().limits == {"rpm": 20}
    assert prepare(recipe(folder, head=head.replace(", limits: {rpm: 10}", "")), Report(), stages=()) == run


@database
def test_a_dry_run_stands_in_for_every_kind_of_judge(folder):
    run = prepare(recipe(folder, PANEL), Report(), dry_run=True)
    assert [(judge.kind, judge.name) for judge in run.judges.all()] == [("dry_run", "dry run of jury")]
    assert run.provenance == "dry_run"


# --- from Python


def test_the_same_keys_from_python_are_the_same_recipe_and_a_problem_has_no_line(folder, monkeypatch):
    monkeypatch.chdir(folder)
    config = {
        "name": "eggs",
        "mode": "single",
        "benchmark": {"name": "pantry", "questions": "q.jsonl"},
        "models": [{"name": "Ash", "version": "1", "vendor": "Northmoor", "answers": "a.jsonl"}],
        "judges": [{"kind": "panel", "name": "jury", "members": [{"kind": "rule", "weight": 2}, {"kind": "metric"}]}],
        "turns": "each",
        "budget": 3,
    }
    text = "turns: each\nbudget: 3\njudges:\n  - {kind: panel, name: jury, members: [{kind: rule, weight: 2}, {kind: metric}]}\n"
    assert recipe_of(config).as_json() == recipe(folder, text).as_json()
    with pytest.raises(BadInput) as told:
        recipe_of({**config, "turn": "each", "judges": [{"kind": "rule", "seed": 1}]})
    lines = sorted(str(told.value).splitlines())
    assert lines[0].startswith("config: judges[0].seed: is not a key of judges[0]")
    assert lines[1].startswith("config: turn: is not a key of a recipe")
