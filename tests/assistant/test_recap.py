"""With no model set up: an honest recap of what was said, by counting."""

import gc
import random
import re
import string
import time
import timeit
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp import markdown, smalltalk
from chatapp.assistant import recap as recap_source
from chatapp.assistant import source_of, threads, words
from chatapp.assistant.endpoint import Endpoint
from chatapp.assistant.recap import CANNOT, HONEST, Recap
from tests.assistant.asking import BOT_NAME, a_question, room
from tests.markup import assert_harmless

OFFICE = [
    ("Ana", "Morning! The staging server is down again, has anybody restarted it?"),
    ("Ben", "I restarted the staging server at nine, the nginx config was broken"),
    ("Ana", "Thanks. Was it the certificate again?"),
    ("Cleo", "we need to renew the certificate, see https://wiki.example.com/certs_(tls)."),
    ("Dana", "Invoices for May: who can approve the invoices?", 1),
    ("Cleo", "the staging server should get the new nginx config by itself"),
    ("Ana", "The **release notes** are [here](https://wiki.example.com/notes)"),
    ("Ben", "The release notes look good to me", 7),
    ("Cleo", "release notes: typo in line 3", 7),
    ("Ana", "> who asks?\n\nnobody"),
    ("Ana", "Shall we move the retro to Thursday?"),
]


def recap(*lines, text="@helper what did I miss?", since=True, **more):
    return tell(a_question(text, room(*lines, **more), since_last_read=since))


def tell(question):
    answer = Recap().open(question)
    pieces = list(answer)
    assert answer.outcome == "complete" and answer.usage is None
    return "".join(pieces)


def part(text, title):
    """The lines of one part."""
    found = re.search(rf"\*\*{title}[^\n]*\*\*(.*?)(?:\n\n(?=\*\*)|\Z)", text, re.DOTALL)
    return [line.removeprefix("- ") for line in found[1].strip().splitlines() if line] if found else []


def test_it_says_what_it_is_who_spoke_about_what_what_is_open_what_was_answered_and_the_links():
    text = recap(*OFFICE)
    assert text.startswith(HONEST)
    assert "**Since you last read here: 11 messages from 4 people** within 10 minutes." in text
    assert "**Ana** (5), **Cleo** (3), **Ben** (2) and **Dana** (1)." in text
    about = re.search(r"\*\*About:\*\* (.*)", text)[1]
    assert about.startswith(("staging server (3)", "release notes (3)"))
    assert {"release notes (3)", "staging server (3)", "certificate (2)", "nginx config (2)"} <= set(about.split(", "))
    assert part(text, "Questions that nobody") == ["**Ana**: “Shall we move the retro to Thursday?”"]
    assert part(text, "Answered most") == ["**Ana**: “The release notes are here” – 2 replies"]
    assert part(text, "Links") == [
        "<https://wiki.example.com/certs_(tls)> from **Cleo**",
        "<https://wiki.example.com/notes> from **Ana**",
    ]


def test_the_same_question_gets_the_same_answer_in_small_pieces():
    answers = [list(Recap().open(a_question("recap", room(*OFFICE)))) for _ in range(2)]
    assert answers[0] == answers[1] and len(answers[0]) > 50 and max(map(len, answers[0])) <= 20


def test_few_messages_are_shown_themselves():
    text = recap(("Ana", "The door code is new"), ("Ben", "Which one is it?"))
    assert "- **Ana**: “The door code is new”\n- **Ben**: “Which one is it?”" in text and "About" not in text


def test_nothing_said_is_said():
    assert "Nothing was said since you last read here." in recap()
    assert "Nothing was said here yet." in recap(since=False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("@helper what did I miss?", True), ("@helper", True), ("@helper?", True), ("tl;dr", True), ("Catch me up, please", True), ("Can you summarise this?", True),
        ("was habe ich verpasst?", True), ("Qu'est-ce que j'ai raté ?", True), ("¿Qué me he perdido?", True), ("我错过了什么？", True), ("まとめて", True),
        ("@helper write me a poem", False), ("what is 2+2?", False), ("translate this", False), ("@helper thanks", False),
    ],
)  # fmt: skip
def test_whoever_asks_something_else_hears_what_it_can_do_and_gets_the_recap(text, wanted):
    said = recap(*OFFICE, text=text)
    assert said.startswith(HONEST if wanted else CANNOT) and "11 messages" in said


def test_removed_messages_are_never_told():
    said = recap(
        *OFFICE,
        ("Eve", "secret plan https://secret.example?"),
        ("Ana", "secret plan"),
        ("Ben", "x", 12),
        ("Ana", "y", 12),
        removed={12, 13},
    )
    assert "secret" not in said and "Eve" not in said


def test_the_talk_with_the_assistant_is_no_part_of_it():
    lines = [
        *OFFICE,
        ("Ben", "@helper tell a joke?"),
        (BOT_NAME, "No joke, staging server", 12),
        ("Ana", "@helper thanks", 13),
    ]
    assert recap(*lines) == recap(*OFFICE)


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        ([("Ben", "Yes, at nine")], False),
        ([("Ana", "please"), ("Ben", "Yes")], False),
        ([("Ben", "And when is lunch?")], True),
        ([("Ben", "about something else", 1)], True),
        ([("Ana", "anybody?")], True),
        ([("Dana", "hm?"), ("Dana", "hm?"), ("Ben", "Yes", 7)], False),
        ([], True),
    ],
)
def test_a_question_is_open_until_somebody_else_replies_or_says_something_next(after, is_open):
    before = [("Cleo", f"words {n}") for n in range(6)]
    text = recap(*before, ("Ana", "Is **the shop** open?"), *after)
    assert ("**Ana**: “Is the shop open?”" in part(text, "Questions that nobody")) == is_open


def test_an_answer_the_day_after_is_none_and_code_and_quotes_ask_nothing():
    calm = [("Cleo", f"words {n}") for n in range(6)]
    assert part(recap(*calm, ("Ana", "Open?"), ("Ben", "Hello"), apart=7200), "Questions that nobody")
    assert not part(recap(*calm, ("Ana", "```\nx = a ? b : c?\n```"), ("Ana", "> why?\n\nso")), "Questions that nobody")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["服务器又挂了，谁重启一下", "我重启了服务器，数据库连接池满了", "要不要调大数据库连接池", "发布说明写好了", "服务器稳定了", "发布说明还缺截图"], {"服务器", "数据库连接池", "发布说明"}),
        (["いつデプロイしますか", "デプロイは金曜日です", "サーバーの設定を変更しました", "サーバー再起動が必要", "設定変更のレビュー", "デプロイ手順書"], {"デプロイ", "サーバー"}),
        (["Der Umzug ist am Freitag", "Wer hilft beim Umzug?", "Ich bringe Kartons", "Kartons sind im Keller", "Danke für die Kartons", "ja"], {"Umzug", "Kartons"}),
        (["Сервер упал", "Перезапустил сервер", "Нужен новый сертификат", "сертификат готов", "спасибо", "сервер работает"], {"сервер", "сертификат"}),
        (["결제 서버 오류", "결제 서버 재시작", "네", "좋아요", "결제 완료", "배포"], {"결제 서버"}),
    ],
)  # fmt: skip
def test_other_languages_are_counted_tolerably(lines, expected):
    text = recap(*[("Ana" if n % 2 else "Ben", line) for n, line in enumerate(lines)])
    about = {topic.rpartition(" ")[0].casefold() for topic in re.search(r"\*\*About:\*\* (.*)", text)[1].split(", ")}
    assert {topic.casefold() for topic in expected} <= about


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.text(min_size=1), st.sampled_from(["*B*", "[x](http://evil)", "<b>", "`", "# A", "- a\n- b"])), st.text()), max_size=9), st.text())  # fmt: skip
def test_whatever_people_are_called_and_say_it_answers_and_the_page_stays_harmless(lines, text):
    assert_harmless(markdown.to_html(recap(*lines, text=text)))


def test_names_and_words_are_shown_as_they_are_and_dress_nothing():
    lines = [
        (
            "*Ana* [x](http://evil.example) `_`",
            "# Big **bold** <b>raw</b> [click](http://evil.example/a) ![i](/j) a*b_c",
        ),
        ("Ben", "1. x"),
    ]
    html = markdown.to_html(recap(*lines))
    assert "*Ana* [x](" in html and "&lt;b&gt;raw&lt;/b&gt;" in html and "a*b_c" in html
    assert "<h4" not in html and "<code>" not in html and "<em>" not in html and "<ol" not in html


@pytest.mark.parametrize("before", ["", "> what?\n", "as they say\n  > what?\n\n", "\n\n> what?\n> where?\n\n"])
def test_what_is_said_around_a_quote_is_one_s_own(before):
    asked = threads.own_words(room(("Ana", f"{before}Shall we move the retro?"))[0])
    assert asked == ("as they say\n\n\n" if "say" in before else "") + "Shall we move the retro?"


@pytest.mark.parametrize(
    "pattern", [threads.NOT_ONES_OWN, words.NOISE, recap_source.DRESS], ids=["own", "noise", "dress"]
)
@pytest.mark.parametrize("flood", ["\n", "\r\n", " \n", "\n\t", " "])
def test_white_space_is_gone_through_once(pattern, flood):
    """A tenfold text takes some ten times as long, not a hundred times."""
    short, long = (
        min(timeit.repeat("pattern.sub('', text)", number=1, repeat=5, globals={"pattern": pattern, "text": text}))
        for text in (flood * 400 + "x", flood * 4_000 + "x")
    )
    assert long < 35 * short


@pytest.fixture(scope="module")
def heaps():
    dice = random.Random(7)
    words = ["".join(dice.choices(string.ascii_lowercase, k=7)) for _ in range(30_000)]
    han = [chr(number) for number in range(0x4E00, 0x5A00)]
    small = [text for text, _ in smalltalk.texts()]
    make = {
        "small talk": lambda: dice.choice(small),
        "words that hardly come again": lambda: " ".join(dice.choices(words, k=15)),
        "long ones": lambda: " ".join(dice.choices(words, k=1_250)),
        "Chinese": lambda: "".join(dice.choices(han, k=40)),
        "links": lambda: f"http://a.example/{dice.random()} " * 8,
        "marks": lambda: dice.choice("[*_`>?([(:") * 2_000,
        "questions": lambda: "why? " * 300,
        "line breaks": lambda: "why?" + dice.choice(["\n", "\r\n", " \n", "\n\t"]) * 1_000 + "x",
    }
    made = {name: [text() for _ in range(1_000 if name == "long ones" else 10_000)] for name, text in make.items()}
    people = [smalltalk.person_name(number) for number in range(300)]
    return {
        name: room(*[(dice.choice(people), texts[n % len(texts)]) for n in range(10_000)])
        for name, texts in made.items()
    }


@pytest.fixture
def spared_collector(heaps):
    """As in a server: the collector does not walk through all that the tests hold, in the middle of a turn."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    "heap",
    [
        "small talk",
        "words that hardly come again",
        "long ones",
        "Chinese",
        "links",
        "marks",
        "questions",
        "line breaks",
    ],
)
def test_ten_thousand_messages_take_half_a_second_and_hold_nobody_up(heaps, spared_collector, heap, monkeypatch, note):
    turns = [time.thread_time()]
    monkeypatch.setattr(time, "sleep", lambda _: turns.append(time.thread_time()))
    text = tell(a_question("recap", heaps[heap]))
    turns.append(time.thread_time())
    longest = max(after - before for before, after in pairwise(turns))
    note(f"recap of 10,000 messages ({heap}): {turns[-1] - turns[0]:.2f} s, at most {longest * 1000:.0f} ms at a time")
    assert "messages from" in text and len(text) < 5_000
    assert turns[-1] - turns[0] < 5 * 0.5 and longest < 5 * 0.05


def test_the_settings_say_which_source_it_is():
    assert isinstance(source_of({"ASSISTANT_BASE_URL": ""}), Recap)
    settings = {
        "ASSISTANT_BASE_URL": "http://localhost:1/v1",
        "ASSISTANT_API_KEY": "k",
        "ASSISTANT_MODEL": "m",
        "ASSISTANT_SYSTEM_PROMPT": "p",
    }
    assert isinstance(source_of(settings), Endpoint)
