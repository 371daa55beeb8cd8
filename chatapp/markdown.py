"""Markdown source to safe HTML, the one place where what people wrote becomes markup. Anybody above may call `to_html`;
it is pure, and a source that would be slow to render comes back as plain text instead."""

import re
from contextlib import suppress
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_block import table

from . import code_colours

# A render blocks every connection of the process, so the work is paid for, in steps of about 7 µs.
STEPS = 2_500
STEPS_PER_CHARACTER = 0.2  # so 4,500 for 10,000; prose of that length dense with lists and links takes 2,500
BRACKET_STEPS = 3  # of [ ! < as each may open a link, and look for its end up to that of the paragraph
LINK_STEPS = 6
TABLE_CELLS = 1_000  # in one message
DEPTH = 18  # levels of nesting: a quote is one, a list two; markdown-it drops what lies deeper than its maxNesting
GROWTH = 20  # the HTML is at most so many times its source, plus GROWTH_FREE characters
GROWTH_FREE = 500
HIGHEST = 4  # the level of a message's first heading: those of the page end at 3
LINK_CHARACTERS = 2_000
SCHEME_CHARACTERS = 7  # of "mailto" and the one before, which tells that the word starts there
REL = "noopener noreferrer nofollow"
ALLOWED_LINK = re.compile(r"https?://[^/\\]|mailto:[^/\\]|/(?![/\\])", re.IGNORECASE)
SCHEME_BEFORE_COLON = re.compile(r"(?<![\w.+-])(https?|mailto)$", re.IGNORECASE)

# Text in which no Markdown rule can find anything: what most chat is made of.
PLAIN_LINE = r"""[^\W\d_](?:[^\x00-\x1f\x7f-\xa0\ud800-\udfff\\`*_\[\]<>&~|:]*[\w.,!?)'"])?"""
PLAIN_TEXT = re.compile(rf"{PLAIN_LINE}(?:\n{PLAIN_LINE})*\Z")

SIDES = {"class": {"align-left", "align-center", "align-right"}}
VALUES = {"a": {"rel": {REL}, "target": {"_blank"}}, "th": SIDES, "td": SIDES, "pre": {"class": {"highlight"}}}
# The second wall: exactly the tags and attributes made here, whatever slipped through the first.
ALLOWED = nh3.Cleaner(
    tags=set("p br strong em s code pre span a ul ol li blockquote h4 h5 h6 hr table thead tbody tr th td".split()),
    attributes={"a": {"href"}, "ol": {"start"}},
    tag_attribute_values=VALUES | {"span": {"class": set(code_colours.COLOUR_OF.values())}},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


class TooMuch(Exception):
    """The source would take too long to render, or nests too deeply."""


def to_html(source):
    """Safe HTML, without a wrapper, for any text. Never raises; at most GROWTH times as long as its source."""
    if PLAIN_TEXT.match(source):
        return f"<p>{source}</p>".replace("\n", "<br>\n")
    return _render(source.encode(errors="replace").decode())  # half a surrogate pair is no UTF-8


def _render(source):
    budget = {"steps": STEPS + STEPS_PER_CHARACTER * len(source), "cells": TABLE_CELLS}
    with suppress(TooMuch):
        html = ALLOWED.clean(MARKDOWN.render(source, budget)).strip()
        if len(html) <= GROWTH_FREE + GROWTH * len(source):
            return html
    return ALLOWED.clean(f"<p>{escape(source.strip(), quote=False)}</p>".replace("\n", "<br>\n"))


def _spend(env, name, amount):
    env[name] -= amount
    if env[name] < 0:
        raise TooMuch


def _pay_inline(state, silent):
    _spend(state.env, "steps", BRACKET_STEPS if state.src[state.pos] in "[!<" else 1)


def _pay_block(state, start_line, end_line, silent):
    if state.level >= DEPTH:
        raise TooMuch
    _spend(state.env, "steps", 1)


def _bounded_table(state, start_line, end_line, silent):
    """Short rows are filled up with cells, so a few characters could order thousands: they are counted beforehand."""
    if not table(state, start_line, end_line, True):
        return False
    if silent:
        return True
    columns = state.src.count("|", state.bMarks[start_line], state.eMarks[start_line]) + 1
    rows = next((n for n in range(start_line, end_line) if state.isEmpty(n)), end_line) - start_line
    _spend(state.env, "cells", columns * rows)
    return table(state, start_line, end_line, False)


def _autolink(state, silent):
    """A full http, https or mailto URL in running text, found at its colon."""
    if state.src[state.pos] != ":" or state.linkLevel:
        return False
    before = SCHEME_BEFORE_COLON.search(state.src[max(0, state.pos - SCHEME_CHARACTERS) : state.pos])
    if not before or not state.pending.endswith(before[0]):
        return False
    _spend(state.env, "steps", LINK_STEPS)
    tail = state.src[state.pos + 1 : min(state.posMax, state.pos + LINK_CHARACTERS)]
    tail = tail[: state.md.linkify.test_schema_at(tail, f"{before[0].lower()}:", 0)].rstrip("*_~.,:;!?")
    href = state.md.normalizeLink(f"{before[0]}:{tail}")
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(before[0])]
        state.push("link_open", "a", 1).attrs = {"href": href}
        state.push("text", "", 0).content = f"{before[0]}:{tail}"
        state.push("link_close", "a", -1)
    state.pos += 1 + len(tail)
    return True


def _dress(state):
    """Headings that stay below those of the page, so that its outline holds; alignment by class (no inline styles)."""
    level = HIGHEST - 1
    for token in state.tokens:
        if token.type == "heading_open":
            level = min(6, level + 1, int(token.tag[1]) - 1 + HIGHEST)  # none is skipped on the way down
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
        elif token.type in ("th_open", "td_open") and "style" in token.attrs:
            token.attrs = {"class": token.attrs["style"].replace("text-align:", "align-")}


def _link(renderer, tokens, idx, options, env):
    href = tokens[idx].attrGet("href") or tokens[idx].attrGet("src")
    away = f' rel="{REL}" target="_blank"' if href and href[0] not in "/mM" else ""
    return f'<a href="{escape(href)}"{away}>' if href else "<a>"  # [text]() leads nowhere


def _image(renderer, tokens, idx, options, env):
    """A link to it: a picture from elsewhere would tell its owner who reads what, and when."""
    label = escape(renderer.renderInlineAsText(tokens[idx].children, options, env) or tokens[idx].attrGet("src"))
    return (
        label if tokens[idx].level else f"{_link(renderer, tokens, idx, options, env)}{label}</a>"
    )  # a level: in a link


def _code(renderer, tokens, idx, options, env):
    code, info = tokens[idx].content, tokens[idx].info.lower().split()
    lexer = code_colours.lexer_of(info[0], code) if info and len(code) <= env["steps"] else None
    if lexer is None:
        return f"<pre><code>{escape(code)}</code></pre>\n"
    env["steps"] -= len(code)
    return f'<pre class="highlight"><code>{code_colours.to_html(code, lexer)}</code></pre>\n'


def _renderer():
    md = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": DEPTH + 2})
    md.enable(["table", "strikethrough"]).disable(["html_block", "html_inline", "reference", "lheading"])
    md.normalizeLink = lambda url: normalizeLink(url) if len(url) <= LINK_CHARACTERS else ""
    md.normalizeLinkText = str  # as it was typed: decoded, a look-alike domain would hide
    md.validateLink = lambda url: bool(ALLOWED_LINK.match(url))
    md.block.ruler.at("table", _bounded_table, {"alt": ["paragraph"]})
    md.block.ruler.before("table", "pay", _pay_block, {"alt": ["paragraph", "blockquote", "list"]})
    md.inline.ruler.after("text", "pay", _pay_inline)
    md.inline.ruler.after("pay", "bare_url", _autolink)
    md.core.ruler.after("block", "dress", _dress)
    for name, rule in {"link_open": _link, "image": _image, "fence": _code, "code_block": _code}.items():
        md.add_render_rule(name, rule)
    return md


MARKDOWN = _renderer()
