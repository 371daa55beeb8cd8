"""Which messages are nothing but emoji."""

import pytest

from chatapp.emoji import is_emoji_only


@pytest.mark.parametrize("text", "👍|👍👍 👍|👩‍👩‍👧‍👦|👋🏽|🇫🇷 🇩🇪|1️⃣#️⃣|❤️‍🔥|☕|🏴󠁧󠁢󠁳󠁣󠁴󠁿|🏳️‍🌈|\n🎉\n|©️|👩🏽‍🚀|🫠|✅|⚠️".split("|"))
def test_emoji_alone_are_told_from_text(text):
    assert is_emoji_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "12",
        "#",
        "*",
        "👍 ok",
        "a👍",
        "©",
        "→",
        "🇫",
        "\u200d",
        "\ufe0f",
        "👍" * 13,
        ":+1:",
        "👍\u200d",
        "🏽",
    ],
)
def test_text_is_not_emoji_alone(text):
    assert not is_emoji_only(text)
