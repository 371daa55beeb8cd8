"""Reads rendered messages as a browser would, and fails at whatever is not ours. For the tests of Markdown."""

import re
from html.parser import HTMLParser

ATTRIBUTES = {
    "a": {"href", "rel", "target"}, "ol": {"start"}, "pre": {"class"}, "span": {"class"}, "th": {"class"}, "td": {"class"},
}  # fmt: skip
TAGS = set("p br strong em s code ul li blockquote h4 h5 h6 hr table thead tbody tr".split()) | ATTRIBUTES.keys()
SAFE_HREF = re.compile(r"https?://[^/]|mailto:|/(?![/\\])", re.IGNORECASE)


class Wall(HTMLParser):
    """Reads HTML as a browser would and fails at whatever is not ours."""

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, ())
            assert name != "href" or SAFE_HREF.match(value)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def assert_harmless(html):
    wall = Wall(convert_charrefs=True)
    wall.feed(html)
    wall.close()
