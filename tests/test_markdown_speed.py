"""Rendering a message holds everybody up, so it must be quick and small whatever was typed."""

import gc
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp import code_colours, markdown
from chatapp.markdown import to_html
from tests.markup import assert_harmless

LONGEST_MESSAGE = 10_000  # characters
SLOWEST_RENDER = 5 * 0.05  # seconds of CPU: five times the bound, for slow machines
MOST_GROWTH = 20


@pytest.fixture(autouse=True, scope="module")
def spared_collector():
    """As in a server: the collector does not walk through all that the tests before have left, in the middle of a render."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


FLOODS = """[ * _ ` > < ! | \\ & # ~ - + : " ' ( ) = \t \n é 😀 ![ [[ ]( ]] ** *** ~~ a**b *a* _*_ [a]( ![a]( [![a]( [a](b) ![a](b) [a][b]
    [* [` [< <[ [( [\\ [a](<b [a](b" ![[ [![a](b)](c) &amp; &#x41; &copy http:// http://a.b\n https://a.b/((( :// mailto: mailto:a@b.c\n
    <a <a> <http://a> <a@b.c> <!-- -\n -\ta\n *\ta\n\t 1.\ta\n >\n >a\n >>a\n >-\t - >-a\n #\ta\n ---\n a\n a\n\n a\n=\n a|b\n-|-\n |-|\n a|
    |a|\n|-|\n ```\n ```a\n ~~~\n \t\ta\n [a]:\tb\n [a]:\tb\n\n a\\\n \x00 ://a http://é http://a- xn--a. \\* `a ``\t`\t a.b@ <?""".split(
    " "
)
WORST = [
    "a|" * 60 + "\n" + "-|" * 60 + "\n" + "a\n" * 4_900,
    "a|" * 1_100 + "\n" + "-|" * 1_100 + "\n" + "a|\n" * 1_800,
    "a|" * 20 + "\n" + "-|" * 20 + "\n" + "a\n" * 90,
    "> " * 17 + "a\n" + "b\n" * 4_900,
    "- " * 8 + "a\n" + "  b\n" * 2_400,
    (">" * 17 + "a\n") * 550,
    ("- " * 8 + "a\n") * 550,
    "".join("  " * depth + "- a\n" for depth in range(99)),
    " ".join("`" * run for run in range(1, 141)),
    "[" * 5_000 + "]" * 5_000,
    "[" * 3_000 + "a" + "](b)" * 1_700,
    "a" * 5_000 + "://" * 1_600,
    "http://" + "é" * 9_990,
    "[a](http://" + "é" * 9_980 + ")",
    "http://a.b/" + "()" * 4_990,
    "mailto:" + "a" * 4_000 + "@" + "b." * 2_900,
    "[a](" + " " * 9_990,
    "*a " * 2_500 + "b* " * 833,
    "[a]: " + "b" * 3_000 + "\n\n" + "[a]" * 2_300,
    "Dear all,\n" * 990 + "**",
]


def assert_quick_and_small(source):
    source = source[:LONGEST_MESSAGE]
    began = time.thread_time()
    html = to_html(source)
    assert time.thread_time() - began < SLOWEST_RENDER
    assert len(html) <= markdown.GROWTH_FREE + MOST_GROWTH * len(source)
    assert_harmless(html)


@pytest.mark.parametrize("source", [*((flood * LONGEST_MESSAGE)[:LONGEST_MESSAGE] for flood in FLOODS), *WORST])
def test_no_message_holds_the_server_up_or_swells(source):
    assert_quick_and_small(source)


@pytest.mark.parametrize("flood", ['\\"', "/*", "<?", "\t\n", "c\n", "$a\n", "{{", "public "])
@pytest.mark.parametrize("name", sorted({lexer: name for name, lexer in code_colours.LEXER_OF.items()}.values()))
def test_no_code_holds_the_server_up(name, flood):
    to_html(f"```{name}\nx\n```")  # the first look at a language imports its lexer
    lines = flood * (150 // len(flood)) + "\n"
    assert_quick_and_small(f"```{name}\n{flood * LONGEST_MESSAGE}")
    assert_quick_and_small(f"```{name}\n{(lines * 3_000)[:2_990]}\n```\n" + "[a](/b) *c*\n" * 600)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FLOODS), min_size=1, max_size=4), st.lists(st.sampled_from(FLOODS), max_size=3))
def test_no_mixture_of_floods_does_either(first, second):
    assert_quick_and_small(
        "".join(first) * 5_000 if not second else ("".join(first) * 5_000)[:5_000] + "".join(second) * 5_000
    )


def test_a_usual_long_message_is_rendered_in_full():
    source = "Hello **there**, see `code` at https://example.org/a?b=c.\n\n- one\n- two\n\n> said _he_\n\n" * 110
    assert to_html(source).count("<li>") == 220


def test_a_short_message_costs_next_to_nothing():
    def seconds(source):
        began = time.thread_time()
        for _ in range(20):
            to_html(source)
        return (time.thread_time() - began) / 20

    assert min(seconds("hello **world**") for _ in range(5)) < 5 * 150e-6
