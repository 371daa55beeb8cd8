"""Which messages are nothing but emoji. Pure; the standard library has no table of them, so the ranges stand here."""

import re

# What is shown as an emoji by itself, and what only with a variation selector behind.
BORN = "[⌚⌛⏩-⏳⏸-⏺◽◾☀-❧➕-➗➡➰➿⬛⬜⭐⭕🀄🃏🆎🆑-🆚🈁🈚🈯🈲-🈺🉐🉑🌀-🏺🐀-🙏🚀-🛿🟠-🟰🤌-🧿🩰-\U0001faff]\ufe0f?"
CHOSEN = "[©®‼⁉™ℹ←-⇿⌨⏏Ⓜ■-◿⤀-⥿⬀-⯿〰〽㊗㊙🅰-🈷]\ufe0f"
PICTURE = f"(?:{BORN}|{CHOSEN})[🏻-🏿]?"
EMOJI = rf"(?:[0-9#*]\ufe0f?\u20e3|[🇦-🇿]{{2}}|{PICTURE}(?:[\U000e0020-\U000e007e]+\U000e007f|(?:\u200d{PICTURE})*))"
EMOJI_ONLY = re.compile(rf"(?:\s*{EMOJI}){{1,12}}\s*")
EMOJI_CHARACTERS = 200  # 12 of the longest (families, flags of regions) need less


def is_emoji_only(source):
    """True for 1 to 12 emoji, white space aside: such a message is shown large."""
    return len(source) <= EMOJI_CHARACTERS and EMOJI_ONLY.fullmatch(source) is not None
