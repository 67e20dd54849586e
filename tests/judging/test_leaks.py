"""Answers that name their maker are found in English and Chinese, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from arena.models import Answer, LanguageModel
from judging import leaking
from judging.leaks import ALIAS, MAKER, MARK, NAME, Identity, Leak, leaks, masked
from judging.models import Assignment, Preference
from tests.judging import voting

HOUSE = Identity(7, ("Zephyrion", "zephyrion-9b", "Zephyrion v1.77"), ("Quorlabs",))
WORD = Identity(8, ("Lantern", "lantern-13b", "Happy"), ("Vesper House",))

SAID = [
    ("I am Qwen, made by Alibaba Cloud.", ["Qwen", "Alibaba Cloud"]),
    ("I'm ChatGPT, a large language model trained by OpenAI.", ["ChatGPT", "OpenAI"]),
    ("My name is Claude.", ["Claude"]),
    ("My name's Claude, and I like puzzles.", ["Claude"]),
    ("As ChatGPT, I cannot browse.", ["ChatGPT"]),
    ("As ChatGPT…", ["ChatGPT"]),
    ("Sorry, but as Qwen I may not say.", ["Qwen"]),
    ("I am an AI assistant called Kimi.", ["Kimi"]),
    ("Hello! I'm **Qwen**, how can I help?", ["Qwen"]),
    ("I'm DeepSeek-V3, an assistant.", ["DeepSeek-V3"]),
    ("I was created by Anthropic to be helpful.", ["Anthropic"]),
    ("I was designed and built by Meta AI.", ["Meta AI"]),
    ("I am a large language model, trained by Google.", ["Google"]),
    ("I'm an AI language model developed by OpenAI, so I cannot taste.", ["OpenAI"]),
    ("As a large language model trained by OpenAI, I do not have feelings.", ["OpenAI"]),
    ("As an AI developed by Anthropic, I try to be careful.", ["Anthropic"]),
    ("I am a chatbot developed by the team at DeepSeek.", ["DeepSeek"]),
    ("I'm Claude, an AI assistant made by Anthropic.", ["Claude", "Anthropic"]),
    ("You can call me Doubao!", ["Doubao"]),
    ("My creators at Anthropic wanted me to be honest.", ["Anthropic"]),
    ("My developer is OpenAI.", ["OpenAI"]),
    ("OpenAI created me.", ["OpenAI"]),
    ("I am based on GPT-4.", ["GPT-4"]),
    ("I'm powered by the GPT-4o model.", ["GPT-4o"]),
    ("I'm an assistant built on Mistral.", ["Mistral"]),
    ("You are talking to ChatGLM.", ["ChatGLM"]),
    ("I’m Gemini.", ["Gemini"]),
    ("i am qwen", ["qwen"]),
    ("I AM QWEN", ["QWEN"]),
    ("I am Llama 3.1, built by Meta.", ["Llama 3.1", "Meta"]),
    ("I am actually GPT-4.", ["GPT-4"]),
    ("I'm a Qwen model.", ["Qwen"]),
    ("I am Google's Gemini.", ["Google", "Gemini"]),
    ("I am Anthropic's AI assistant.", ["Anthropic"]),
    ("Speaking as ChatGPT, that is wrong.", ["ChatGPT"]),
    ("I, ChatGPT, do solemnly swear.", ["ChatGPT"]),
    ("ChatGPT here! Let us begin.", ["ChatGPT"]),
    ("I am DeepSeek-R1.", ["DeepSeek-R1"]),
    ("I am `Qwen2.5-72B-Instruct`.", ["Qwen2.5-72B-Instruct"]),
    ("I am Ｑｗｅｎ.", ["Ｑｗｅｎ"]),
    ("I am Q\u200bwen.", ["Q\u200bwen"]),
    ("I am Сhаt\u200dGРТ.", ["Сhаt\u200dGРТ"]),
    ("I am 𝐐𝐰𝐞𝐧.", ["𝐐𝐰𝐞𝐧"]),
    ("I am _Qwen_.", ["Qwen"]),
    ("I am\nQwen.", ["Qwen"]),
    ("I, as ChatGPT, cannot do that.", ["ChatGPT"]),
    ("Being ChatGPT, I cannot feel.", ["ChatGPT"]),
    ("It's me, ChatGPT.", ["ChatGPT"]),
    ("I'm not a human; I'm Qwen.", ["Qwen"]),
    ("I was built by a team of inventors at Amazon.", ["Amazon"]),
    ("I'm ERNIE Bot, Baidu's newest model.", ["ERNIE Bot", "Baidu"]),
    ("I am an AI created by OpenAI called ChatGPT.", ["OpenAI", "ChatGPT"]),
    ("I'm GLM-4, by Zhipu AI and Tsinghua University.", ["GLM-4", "Zhipu AI", "Tsinghua University"]),
    ("I am Qwen. The weather is fine. Qwen likes it.", ["Qwen", "Qwen"]),
    ("身为通义千问，我需要保持中立。", ["通义千问"]),
    ("我是清华大学KEG实验室和智谱AI公司共同训练的语言模型。", ["清华大学", "智谱AI"]),
    ("我是 Gemini，是 Google 开发的大型语言模型。", ["Gemini", "Google"]),
    ("您好！我是由阿里巴巴集团旗下的通义实验室自主研发的语言模型。", ["阿里巴巴集团", "通义实验室"]),
    ("我是通义千问。", ["通义千问"]),
    ("作为通义千问", ["通义千问"]),
    ("作为通义千问，我会尽力帮助你。", ["通义千问"]),
    ("我是由深度求索开发的", ["深度求索"]),
    ("我叫豆包。", ["豆包"]),
    ("我是阿里云开发的大规模语言模型。", ["阿里云"]),
    ("我是一个由OpenAI训练的语言模型。", ["OpenAI"]),
    ("我的名字是文心一言。", ["文心一言"]),
    ("你可以叫我小艺。", ["小艺"]),
    ("我是DeepSeek，由深度求索公司开发。", ["DeepSeek", "深度求索"]),
    ("作为一个由OpenAI开发的人工智能，我没有情感。", ["OpenAI"]),
    ("百度开发了我。", ["百度"]),
    ("我的开发者是百度。", ["百度"]),
    ("我是人工智能助手豆包。", ["豆包"]),
    ("我是通義千問。", ["通義千問"]),
    ("我是由阿里雲開發的語言模型。", ["阿里雲"]),
    ("我是ＣｈａｔＧＰＴ。", ["ＣｈａｔＧＰＴ"]),
    ("我是来自月之暗面的AI助手Kimi。", ["月之暗面", "Kimi"]),
    ("我来自OpenAI，是一个语言模型。", ["OpenAI"]),
    ("我基于GPT-4。", ["GPT-4"]),
    ("我是一个名叫智谱清言的AI。", ["智谱清言"]),
    ("我是“文心一言”。", ["文心一言"]),
    ("我是**Kimi**，很高兴见到你。", ["Kimi"]),
    ("我叫Claude，是由Anthropic训练的助手。", ["Claude", "Anthropic"]),
    ("我是百度的AI助手。", ["百度"]),
    ("本模型由清华大学训练。", ["清华大学"]),
    ("这里是豆包，有什么可以帮您？", ["豆包"]),
    ("我其实是GPT-4。", ["GPT-4"]),
    ("我是通\u200b义千问。", ["通\u200b义千问"]),
]
NOT_SAID = [
    "Apple released a phone.",
    "I like the paintings of Claude Monet.",
    "I am Claude Monet, and I paint.",
    "I'm in awe of Claude Debussy.",
    "Her sign is Gemini.",
    "I am a Gemini and she is a Leo.",
    "The Gemini programme flew ten crews.",
    "The llama is an animal of the Andes.",
    "I'm a llama, said the puppet.",
    "What is GPT-4 good at?",
    "GPT-4 is a model developed by OpenAI.",
    "GPT-4, as a large language model developed by OpenAI, has limits.",
    "As a large language model developed by OpenAI, GPT-4 can write code.",
    "As ChatGPT became popular, schools reacted.",
    "As ChatGPT, Claude and Gemini show, models differ.",
    "As well as ChatGPT, I tried others.",
    "Models such as ChatGPT, which I know of, are large.",
    "As Apple grew, so did its rivals.",
    "Android is developed by Google.",
    "I use a phone made by Apple.",
    "My phone was made by Apple.",
    "I'm not ChatGPT.",
    "Google made me smile.",
    "I'm Google's biggest fan.",
    "You could ask ChatGPT or Claude.",
    "I am a ChatGPT user.",
    "I am an engineer who builds AI systems at Google.",
    "Meta-analysis is a method.",
    "A command is given by an officer.",
    "The bard sings of falcons and titans.",
    "I said that Qwen is a model by Alibaba.",
    "As a bard, I sing.",
    "I am an AI assistant.",
    "As an AI language model, I cannot do that.",
    "She asked: are you ChatGPT?",
    "Our team at Google built maps.",
    "The anthropic principle: we are here because we are.",
    "I am an assistant at Microsoft.",
    "I was hired by Google in 2010.",
    "I'm using ChatGPT to write this.",
    "Claude is my name for the cat.",
    "As OpenAI says, models err.",
    "I am \ue000, said the cipher.",
    "我由衷感谢OpenAI的开发者。",
    "我是学习语言模型的学生，常用ChatGPT。",
    "作为OpenAI的竞争对手，Anthropic成立于2021年。",
    "我是一名在阿里云工作的模型工程师。",
    "GPT-4由OpenAI开发。",
    "通义千问是阿里云开发的模型。",
    "我喜欢吃豆包。",
    "我不是ChatGPT。",
    "我是GPT-4的用户。",
    "我用的手机是由苹果公司研发的。",
    "微信是由腾讯开发的。",
    "我是百度的AI工程师。",
    "我来自百度，是一名工程师。",
    "作为ChatGPT的用户，我觉得它很好。",
    "作为ChatGPT，它让很多人惊讶，我也是。",
    "作为一个喜欢ChatGPT的人，我推荐它。",
    "我是一个苹果。",
    "我是说通义千问也能做到。",
    "我是通过ChatGPT学会的。",
    "我觉得文心一言不错。",
    "你是通义千问吗？",
    "我是人工智能助手。",
    "作为一个人工智能语言模型，我没有感情。",
    "百度创造了我们熟悉的搜索。",
    "月之暗面是一张专辑。",
    "星火可以燎原。",
    "盘古开天辟地。",
]


@pytest.mark.parametrize(("text", "names"), SAID)
def test_who_says_who_it_is_or_who_made_it_is_found(text, names):
    found = leaks([text])
    assert [leak.text for leak in found] == names
    assert all(text[leak.start : leak.end] == leak.text for leak in found)
    assert leaks([masked(text, found)]) == []


@pytest.mark.parametrize("text", NOT_SAID)
def test_who_speaks_of_models_stars_animals_and_painters_names_no_maker(text):
    assert leaks([text]) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("I am Zephyrion.", [NAME]),
        ("I was made by Quorlabs.", [MAKER]),
        ("Quorlabs made a clock.", []),
        ("Ask Zephyrion about that.", [ALIAS]),
        ("zephyrion knows", [ALIAS]),
        ("Run zephyrion-9b, or Zephyrion 9B.", [ALIAS, ALIAS]),
        ("The Zephyrionites came.", []),
        ("我推荐Zephyrion这个模型", [ALIAS]),
        ("A lantern shone; Lantern Street was dark.", []),
        ("Use lantern-13b for that.", [ALIAS]),
        ("I am happy.", []),
        ("I am Lantern.", [NAME]),
        ("Made by Vesper House.", []),
    ],
)
def test_a_name_of_its_own_tells_wherever_it_is_no_word(text, kinds):
    assert [leak.kind for leak in leaks([text], [HOUSE, WORD])] == kinds


def test_others_names_tell_only_where_the_answer_says_it_is_them():
    assert leaks(["Ask Zephyrion about that."], others=[HOUSE]) == []
    assert leaks(["I am Zephyrion."], others=[HOUSE]) == [Leak(0, 5, 14, "Zephyrion", NAME)]


def test_what_the_question_names_itself_is_no_leak_in_passing():
    assert leaks(["Zephyrion is large."], [HOUSE], asked=["How large is zephyrion?"]) == []
    assert leaks(["I am Zephyrion."], [HOUSE], asked=["Are you Zephyrion?"]) != []


def test_leaks_are_told_by_turn():
    found = leaks(["Hello.", "I am Qwen."])
    assert found == [Leak(1, 5, 9, "Qwen", NAME)]


@pytest.mark.parametrize("name", ["2024-05-13", "model", "Model 1", "A", "", "text1", "▇▇▇"])
def test_a_name_that_names_nothing_is_never_taken_for_one(name):
    assert leaks(["I am a model. In step 1 the text 1 of model 1 is A. 2024-05-13"], [Identity(1, (name,))]) == []


PIECES = st.sampled_from(
    ["I am ", "I'm ", "Qwen", "qwen-2", ", made by ", "Alibaba", " Cloud", "as ", "As ", "ChatGPT", "我是", "由", "百度", "开发的", "模型", "作为", "，我"]
    + ["Claude", " Monet", "Zephyrion", " ", "\n", ". ", "。", "**", "\u200b", MARK, "'s ", "AI assistant", " called ", "my name is ", "I ", "的", "a "]
    + ["word" * 9, "字" * 9, "Happy", "Lantern", "通义千问", "created me", "了我", "Ｑ", "ﬁ", "é", "İ", "ǅ", "9", "-"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=14).map("".join))


@given(TEXTS)
def test_a_covered_text_has_no_leak_left(text):
    found = leaks([text], [HOUSE], others=[WORD])
    covered = masked(text, found)
    assert leaks([covered], [HOUSE], others=[WORD]) == []
    if not found:
        assert covered == text


@given(TEXTS)
def test_everything_but_the_leaks_is_kept_byte_for_byte(text):
    found, place, kept = leaks([text], [HOUSE]), 0, []
    for leak in found:
        assert leak.start >= place and leak.text == text[leak.start : leak.end] != ""
        kept.append(text[place : leak.start])
        place = leak.end
    assert masked(text, found) == MARK.join([*kept, text[place:]])


@pytest.mark.parametrize(
    "piece",
    [
        "I am Qwen, made by Alibaba. ",
        "我是",
        "i am a ",
        "我是模型由百度",
        "my name is ",
        "as a model from google ",
        "Qwen",
        "▇",
        "我是GPT由",
        "\n",
        "*",
        "qwen-1.",
    ],
)
def test_the_longest_answers_take_no_more_than_linear_work(piece):
    """A pattern that backtracks without bound would not come back within any test run."""
    text = piece * (150_000 // len(piece))
    found = leaks([text], [HOUSE])
    assert masked(text, found).count(MARK) >= len(found)


# ---- among the rows


@pytest.fixture
def run(db):
    return voting.open_run(questions=3)


def say(run, number: int, *texts: str) -> list[Answer]:
    """Give the answers of one model other texts."""
    wrote = list(Answer.objects.filter(model__name=voting.NAMES[number][0]).order_by("pk"))
    for answer, text in zip(wrote, texts, strict=False):
        answer.turns = [text]
        answer.save()
    return wrote


def test_an_answer_is_read_with_its_own_models_names_and_the_names_of_all_others(run):
    first, second, third = say(run, 0, "akaZephyrion says so.", "I am Blatherskite.", "Ask akaBlatherskite.")
    assert [leak.text for leak in leaking.leaks_of(first)] == ["akaZephyrion"]
    assert [leak.text for leak in leaking.leaks_of(second)] == ["Blatherskite"]
    assert leaking.leaks_of(third) == []


def test_a_model_that_is_renamed_is_known_by_its_new_name_at_once(run):
    answer = say(run, 0, "Ask Quibblewick.")[0]
    assert leaking.leaks_of(answer) == []
    LanguageModel.objects.filter(pk=answer.model_id).update(name="Quibblewick")
    assert [leak.text for leak in leaking.leaks_of(answer)] == ["Quibblewick"]


def test_a_seat_has_the_leaks_of_both_its_answers(run):
    say(run, 1, *["I was trained by Ostrakon Works."] * 3)
    seat = voting_seat(run)
    with CaptureQueriesContext(connection) as queries:
        assert [leak.text for leak in leaking.seat_leaks(seat)] == ["Ostrakon Works"]
    assert len(queries) == 1


def voting_seat(run) -> Assignment:
    from judging.assignment import next_seat, open_seats

    return open_seats().get(pk=next_seat(run, voting.judge()).pk)


def test_a_run_counts_answers_that_name_their_maker_and_the_votes_left_out_for_it(run):
    said = say(run, 0, "I am Zephyrion.", "Four.")[0]
    battle = said.battles_as_first.get()
    for kept_out in ("leak", "gold"):
        Preference.objects.create(
            judge=voting.judge(kept_out),
            rubric=run.rubric,
            run=run,
            battle=battle,
            value=1,
            status="ok",
            kept_out=kept_out,
        )
    counts = {model.name: count for model, count in leaking.leak_counts(run).items()}
    told = {name: (count.answers, count.named, count.kept_out) for name, count in counts.items()}
    assert told == {"Zephyrion": (3, 1, 1), "Blatherskite": (3, 0, 0)}
    (example,) = counts["Zephyrion"].examples
    assert (example.answer, example.question, example.texts) == (said.pk, said.question_id, ("Zephyrion",))


def test_a_lead_reads_the_counts_and_the_words_that_told(run):
    said = say(run, 0, "I am Zephyrion <b>.")[0]
    page = render_to_string("judging/_leaks.html", {"leaks": leaking.leak_counts(run)})
    assert page.count("<details>") == 1 and "<q>Zephyrion</q>" in page
    assert f'href="/questions/{said.question_id}/"' in page


@pytest.mark.parametrize("questions", [2, 40])
def test_counting_takes_the_same_six_queries_whatever_the_runs_size(db, questions):
    run = voting.open_run(questions=questions)
    with CaptureQueriesContext(connection) as queries:
        leaking.leak_counts(run)
    assert len(queries) == 6
