"""Colours for code in a message: Pygments, a few languages, a few classes. For markdown.py only."""

import re
from functools import cache
from html import escape
from importlib import import_module
from itertools import groupby

COLOURED_CHARACTERS = 3_000  # of one block
# Where lexers turn quadratic: long lines, long white space, heaps of backslashes.
SLOW_TO_COLOUR = re.compile(r"[^\n]{161}|\s{81}|(?:\\.[^\\]{0,8}){24}", re.DOTALL)

# Lexers of Pygments, each with what people write after the fence. Nothing is guessed. Java and C# borrow that of C++:
# their own need up to a second for 3,000 characters of bare words.
LEXERS = """python.PythonLexer python py python3 · javascript.JavascriptLexer javascript js jsx node
    javascript.TypeScriptLexer typescript ts tsx · data.JsonLexer json · html.HtmlLexer html htm · html.XmlLexer xml svg
    css.CssLexer css · css.ScssLexer scss · shell.BashLexer bash sh shell zsh · sql.SqlLexer sql sqlite postgresql mysql
    data.YamlLexer yaml yml · configs.TOMLLexer toml · configs.IniLexer ini cfg conf · diff.DiffLexer diff patch
    jvm.KotlinLexer kotlin kt · c_cpp.CLexer c h · c_cpp.CppLexer cpp c++ cc hpp java csharp cs c# · go.GoLexer go
    rust.RustLexer rust rs · ruby.RubyLexer ruby rb · php.PhpLexer php · objective.SwiftLexer swift
    scripting.LuaLexer lua · configs.DockerLexer dockerfile docker · make.MakefileLexer makefile make"""
LEXER_OF = {word: lexer for lexer, *words in map(str.split, re.split("·|\n", LEXERS)) for word in words}
# Only what the eye looks for is coloured; the rest (names, operators, white space) needs no markup at all.
COLOURS = """Keyword k Operator.Word k Literal.String s Literal.Number m Comment c Name.Function nf Name.Class nf
    Name.Builtin nb Name.Tag nt Name.Attribute na Name.Decorator na Generic.Inserted gi Generic.Deleted gd
    Generic.Subheading gh""".split()
COLOUR_OF = {f"Token.{kind}": colour for kind, colour in zip(COLOURS[::2], COLOURS[1::2], strict=True)}


def lexer_of(word, code):
    """The lexer for what stands behind the fence; None when there is none, or it could choke on this code."""
    path = LEXER_OF.get(word)
    if path is None or len(code) > COLOURED_CHARACTERS or SLOW_TO_COLOUR.search(code):
        return None
    return _lexer(path)


@cache
def _lexer(path):
    """Imported when first asked for: all of them together cost more than the rest of the renderer."""
    module, name = path.split(".")
    maker = getattr(import_module(f"pygments.lexers.{module}"), name)
    return maker(stripnl=False, startinline=True)  # PHP without <?php


def to_html(code, lexer):
    """`code`, escaped, with a span around what is coloured."""
    html = []
    for colour, run in groupby(lexer.get_tokens(code), lambda piece: _colour(piece[0])):
        text = escape("".join(text for _, text in run))
        html.append(f'<span class="{colour}">{text}</span>' if colour else text)
    return "".join(html)


@cache
def _colour(kind):
    return next((COLOUR_OF[str(k)] for k in reversed(kind.split()) if str(k) in COLOUR_OF), "")
