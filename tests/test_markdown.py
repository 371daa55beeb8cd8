"""What people write becomes markup: what it may become, what it must never become, and how long it may take."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp import code_colours, markdown
from chatapp.markdown import to_html
from tests.markup import TAGS, Wall, assert_harmless

EXTERNAL = 'rel="noopener noreferrer nofollow" target="_blank"'
MARKUP = st.lists(
    st.sampled_from(
        """[ ] ( ) * ** _ ` ``` ~~ > < ! | \\ & # - + : " ' = /a [a](/b) ![a](http://b) http://a.b mailto:a@b.c <http://a.b>
        <script> <img/src=x onerror=alert(1)> javascript:alert(1) data:text/html, &#x6a; &colon; --> <!-- <svg> |-|-| |a|b|
        ```js\nlet ```\n 1. \n \n\n \t 👍 \x00 é \ud800 ]( [x](javascript:""".split(" ")
    )
).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), MARKUP, st.text(st.characters())))
def test_no_text_ever_raises_or_yields_a_foreign_tag_or_attribute(source):
    assert_harmless(to_html(source))


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.from_regex(markdown.PLAIN_TEXT, fullmatch=True), st.text("ab \n\t.,é-1)!'\"\xa0\u2028\u3000:/@"), st.text()
    )
)
def test_the_short_cut_for_plain_text_gives_what_the_whole_way_gives(source):
    if markdown.PLAIN_TEXT.match(source):
        assert to_html(source) == markdown._render(source)


@pytest.mark.parametrize(
    "url",
    """javascript:alert(1) JaVaScRiPt:alert(1) &#106;avascript:alert(1) &#x6A;avascript:alert(1) javascript&colon;alert(1)
    java&Tab;script:alert(1) java&NewLine;script:alert(1) <java\tscript:alert(1)> <\x01javascript:alert(1)> \u00a0javascript:x
    %6Aavascript:alert(1) vbscript:msgbox(1) data:text/html;base64,PHN2Zz4= data:image/png;base64,AA== data:image/svg+xml,x
    file:///etc/passwd blob:x about:blank //evil.example /\\evil.example \\\\evil.example /&#9;/evil.example http:evil
    http:///evil feed:javascript:x view-source:x ftp://a.b ws://a.b #here relative ./x ?q https://" """.split(" "),
)
@pytest.mark.parametrize(
    "form", ["[x]({})", "![x]({})", "<{}>", "{}", "[x]: {}\n\n[x]", "[![x]({})](/ok)", "[x]({} 'title')"]
)
def test_a_link_that_is_not_http_mailto_or_our_own_is_no_link(form, url):
    html = to_html(form.format(url.strip()))
    assert_harmless(html)
    assert not re.search(r'href="(?!/ok"|https://%22|/%5C|/%09|http:/)', html)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<svg><style><img src=x onerror=x>",
        "<math><mtext><table><mglyph><style><img src=x onerror=x>", "<iframe srcdoc='<script>x</script>'>", "<a href=javascript:x>a",
        "<!--><img src=x onerror=x>-->", "<![CDATA[<script>x</script>]]>", "<?php x ?>", "<p style='position:fixed'>", "<scr<script>ipt>",
        "<noscript><p title='</noscript><img src=x onerror=x>'>", "<form action=//evil><button>", "<base href=//evil>", "<x onclick=y",
        '[a](http://a.b"onmouseover="alert(1))', "[a](<http://a.b\" onclick=\"x>)", "![\" onerror=x \"](http://a.b)", "<http://a.b/\"onclick=x>",
        'http://a.b/"onmouseover=alert(1)//', "[a](/b '\"onclick=\"x')", "```js\" onclick=\"x\n<script>\n```", "```\"><script>x</script>\n<b>\n```",
        "`<script>`", "    <script>x</script>", "|<script>|\n|-|\n|<img onerror=x>|", "# <img src=x onerror=x>", "[<script>x</script>](/a)", "&lt;script&gt;x",
    ],
)  # fmt: skip
def test_html_in_the_source_is_shown_and_never_obeyed(source):
    html = to_html(source)
    assert_harmless(html)
    assert not re.search(rf"<(?!/?(?:{'|'.join(TAGS)})[ >])", html)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("Good morning, all", "<p>Good morning, all</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("hello **world**, _she_ ~~said~~ `a<b`", "<p>hello <strong>world</strong>, <em>she</em> <s>said</s> <code>a&lt;b</code></p>"),
        ("# a\n## b\n### c\n###### d", "<h4>a</h4>\n<h5>b</h5>\n<h6>c</h6>\n<h6>d</h6>"),
        ("above\n---\nbelow", "<p>above</p>\n<hr>\n<p>below</p>"),
        ("- a\n  - b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("> a\nb", "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>"),
        ("[a](/rooms/1 'title')", '<p><a href="/rooms/1">a</a></p>'),
        ("[a](http://b.c)", f'<p><a href="http://b.c" {EXTERNAL}>a</a></p>'),
        ("[a]()", "<p><a>a</a></p>"),
        ("![cat](http://b.c/d.png)", f'<p><a href="http://b.c/d.png" {EXTERNAL}>cat</a></p>'),
        ("![](/d.png)", '<p><a href="/d.png">/d.png</a></p>'),
        ("[![cat](/d.png)](/e)", '<p><a href="/e">cat</a></p>'),
        ("(see http://a.b/c_(d)?e=f&g.)", f'<p>(see <a href="http://a.b/c_(d)?e=f&amp;g" {EXTERNAL}>http://a.b/c_(d)?e=f&amp;g</a>.)</p>'),
        ("**HTTPS://a.b**", f'<p><strong><a href="HTTPS://a.b" {EXTERNAL}>HTTPS://a.b</a></strong></p>'),
        ("mailto:ana@a.b", '<p><a href="mailto:ana@a.b">mailto:ana@a.b</a></p>'),
        ("example.com ana@a.b xhttp://a.b http\\://a.b", "<p>example.com ana@a.b xhttp://a.b http://a.b</p>"),
        ("<http://xn--pple-43d.com>", f'<p><a href="http://xn--pple-43d.com" {EXTERNAL}>http://xn--pple-43d.com</a></p>'),
        ("```\na < b\n```", "<pre><code>a &lt; b\n</code></pre>"),
        ("```klingon\nif\n```", "<pre><code>if\n</code></pre>"),
        ("```py\nif 'a':\n```", '<pre class="highlight"><code><span class="k">if</span> <span class="s">\'a\'</span>:\n</code></pre>'),
        ("", ""),
    ],
)  # fmt: skip
def test_each_feature_renders_as_documented(source, html):
    assert to_html(source) == html


def test_a_table_is_aligned_by_classes():
    html = to_html("|a|b|c|d|\n|:-|-:|:-:|-|\n|1|2|3|4|")
    sides = [' class="align-left"', ' class="align-right"', ' class="align-center"', ""]
    assert re.findall("<t[hd][ >].*", html) == [
        f"<th{side}>{text}</th>" for side, text in zip(sides, "abcd", strict=True)
    ] + [f"<td{side}>{text}</td>" for side, text in zip(sides, "1234", strict=True)]


@pytest.mark.parametrize("name", code_colours.LEXER_OF)
def test_code_is_coloured_under_each_of_its_names_and_stays_the_same_text(name):
    code = 'if x == "a<b": return 12 # note\n/* note */ <b>&amp;</b>\n\n+ added: 1\n- gone\n@@ part @@\nFROM x\n'
    html = to_html(f"```{name} title\n{code}```")
    assert html.startswith('<pre class="highlight"><code>')
    shown = Wall(convert_charrefs=True)
    pieces = []
    shown.handle_data = pieces.append
    shown.feed(html)
    assert "".join(pieces) == code


@pytest.mark.parametrize("code", ["if a:\n" * 600, "if a:" + " " * 90, "if " * 60, 'if \\"a\n' * 30])
def test_code_that_a_lexer_may_choke_on_stays_one_colour(code):
    assert "highlight" not in to_html(f"```js\n{code}\n```")


@pytest.mark.parametrize("source", ["> " * 30 + "deep", "- " * 30 + "deep", "> " * 17 + "- > deep"])
def test_what_nests_too_deeply_is_shown_as_it_was_typed(source):
    assert to_html(source) == "<p>" + source.replace(">", "&gt;") + "</p>"
