"""Believable names, and believable things to say, ready rendered. For seed.py."""

import random

from . import markdown

TEXTS = 3_000  # distinct ones: each is rendered once and said again and again
FIRST_NAMES = """Ada Amir Ana Anton Aoife Bea Ben Bo Carla Chen Cleo Dana David Elif Emil Emma Fatima Felix Finn Grace
    Hana Hugo Ida Ines Iris Ivan Jana Jonas Juan Kai Kemal Lara Leo Lin Lucia Mael Mara Marek Mei Mia Milan Nadia Nils
    Noor Olga Omar Paula Priya Rafael Rosa Sami Sara Sven Tariq Tess Theo Uma Vera Yusuf Zoe""".split()
LAST_NAMES = """Abe Adler Aydin Baker Bauer Berg Blanc Bruno Castro Cohen Costa Cruz Demir Diaz Duarte Evans Farah
    Fischer Garcia Gruber Haas Haddad Hansen Horvat Ito Jansen Jones Kaya Keller Khan Kim Klein Kovac Kumar Lang Larsen
    Lopez Marino Meyer Moreau Mori Nagy Novak Okafor Olsen Park Patel Petit Popov Rao Reyes Rossi Sato Silva Singh Smith
    Tanaka Torres Vogel Weber""".split()
ROOM_NAMES = """Announcements Design Support Kitchen Releases Infrastructure Hiring Research Sales Books Music Travel
    Standup Incidents Feedback Onboarding Accounting Garden Photography Running""".split()
WORDS = {
    "thing": """the release|the new sign-in page|the backup|the invoice for May|the search results|the mobile layout
        |the onboarding guide|the export|the load test|the room booking|the staging server|the press text""",
    "place": "the office|the second floor|Lisbon|the café downstairs|the big meeting room|the train",
    "day": "today|tomorrow|on Monday|on Tuesday|on Thursday|before the weekend|next week|this afternoon",
    "somebody": "Ana|Ben|Cleo|Dana|Felix|Mei|Omar|Priya|the customer|somebody from support",
    "number": "2|3|4|12|15|40|120|250",
    "code": "make test|git pull|flask db upgrade|status=503|retry_after|room.last_seq|LIMIT 50|null",
}
SHORT = """Thanks!|Done.|On it.|Sounds good|Good morning!|👍|🎉|Yes, please.|No idea, sorry|Same here|Ha, nice one 😄
    |Sure, {day}.|Let me check|+1|Works for me|Could you say more?|Back in {number} minutes.|**Done** and deployed."""
LONG = """Has anybody looked at {thing} yet? I would like to finish it {day}.
    |I just tried {thing} again and it works now. It took about {number} seconds, which is fine.
    |{somebody} asked about {thing}; can we answer {day}?
    |Quick reminder: we meet {day} at {place}.
    |There were {number} complaints about {thing} since yesterday, most of them from people on older phones.
    |I am at {place} {day}, so please write here instead of calling.
    |Does `{code}` ring a bell for anyone? I see it whenever I open {thing}.
    |After `{code}` it is *much* quicker: {number} ms instead of a second.
    |Please have a look at <https://example.com/notes/{number}> before we talk {day}.
    |The notes are [here](https://example.com/notes/{number}); {somebody} wrote most of them.
    |What is left for {day}:\n\n- {thing}\n- lunch with {somebody}\n- the other {number} tickets
    |> can we ship {thing} {day}?\n\nYes, if {somebody} agrees.
    |This is what I run:\n\n```python\nfor room in rooms[:{number}]:\n    print(room.name)\n```
    |**Heads-up:** {thing} moves {day}. Nothing changes for you, it will only be away for {number} minutes.
    |I wonder whether {thing} is worth it. {somebody} needed {number} hours for the last one, and nobody used it.
    |Happy to help with {thing}, but not before {day}: I promised {somebody} to be at {place}.
    |We could also do {thing} first and see what {somebody} says. It is {number} lines at the most.
    |Lunch {day} at {place}? There are {number} of us so far."""
SHORT_SHARE = 0.25


def texts() -> list[tuple[str, str]]:
    """(Markdown, HTML) pairs, the same ones every time."""
    dice = random.Random(TEXTS)  # noqa: S311 (no secret)
    words = {name: choices(text) for name, text in WORDS.items()}
    short, long = choices(SHORT), choices(LONG)
    return [(text, markdown.to_html(text)) for text in (sentence(dice, words, short, long) for _ in range(TEXTS))]


def choices(text: str) -> list[str]:
    return [choice.strip() for choice in text.split("|")]


def sentence(dice: random.Random, words: dict, short: list[str], long: list[str]) -> str:
    pattern = dice.choice(short if dice.random() < SHORT_SHARE else long)
    text = pattern.format_map({name: dice.choice(of) for name, of in words.items()})
    return text[0].upper() + text[1:]


def person_name(number: int) -> str:
    """The name of the `number`-th person: all pairs of names, then all pairs with a letter between."""
    first_names, last_names = len(FIRST_NAMES), len(LAST_NAMES)
    turn, place = divmod(number, first_names * last_names)
    row, column = divmod(place, first_names)
    initial = f" {chr(ord('A') + (turn - 1) % 26)}." if turn else ""
    return f"{FIRST_NAMES[column]}{initial} {LAST_NAMES[(row + column) % last_names]}"


def room_name(number: int) -> str:
    turn, place = divmod(number, len(ROOM_NAMES))
    return ROOM_NAMES[place] + (f" {turn + 1}" if turn else "")
