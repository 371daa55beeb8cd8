"""The text of a stream so far, as UTF-16 (an offset is twice a place in it), where every process can read it: in Redis
when it is in use. Without Redis there is one process, whose voices hold it all. Called within this package.

In Redis a stream is one string, kept for 600 s: a mark (open or sealed), then the text. One script appends, so that two
processes which hear from the same speaker agree on what was heard; nobody appends to what is sealed.
"""

from ..extensions import redis

OPEN, SEALED = "o\0", "s\0"
LEFT_S = 60  # after its end: a chunk that comes late must find it sealed, not missing
MARK = 2  # bytes
MISSED_MS = 1_000

# KEYS[1]; ARGV: offset in units, text. Answers {state, length before}.
APPEND = """
local size = redis.call('STRLEN', KEYS[1])
if size == 0 then return {'missing', 0} end
local length = (size - 2) / 2
if redis.call('GETRANGE', KEYS[1], 0, 0) == 's' then return {'sealed', length} end
local offset = tonumber(ARGV[1])
if offset > length then return {'gap', length} end
local known = (length - offset) * 2
if known < #ARGV[2] then
  local first = string.byte(ARGV[2], known + 2)
  if first >= 220 and first <= 223 then return {'gap', length} end
  redis.call('APPEND', KEYS[1], string.sub(ARGV[2], known + 1))
  redis.call('EXPIRE', KEYS[1], 600)
end
return {'ok', length}
"""
# KEYS[1]; ARGV: mark and text. Never in place of a longer or a sealed one.
SHARE = """
if redis.call('GETRANGE', KEYS[1], 0, 0) ~= 's' and redis.call('STRLEN', KEYS[1]) < #ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', 600)
end
"""
# KEYS[1]. No append after it; answers the text.
SEAL = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('SETRANGE', KEYS[1], 0, 's')
return redis.call('GETRANGE', KEYS[1], 2, -1)
"""


def key_of(message_id: int, gen: int) -> str:
    return f"stream:{message_id}:{gen}"


def units(text: str) -> bytes:
    return text.encode("utf-16-le")


def text_of(held: bytes | bytearray) -> str:
    return held.decode("utf-16-le", "replace")


def beginning_of(text: str, length: int) -> str:
    """The first `length` units at the most; a pair is never split."""
    return units(text)[: 2 * max(0, length)].decode("utf-16-le", "ignore")


def rest_of(text: str, known: int) -> str:
    """What is new in `text` to one who knows its first `known` units."""
    return text_of(units(text)[2 * known :])


def is_border(held: bytes, offset: int) -> bool:
    """Whether a text may be cut at `offset`: not beyond its end, nor within a pair."""
    return 2 * offset == len(held) or (2 * offset < len(held) and not 0xDC <= held[2 * offset + 1] <= 0xDF)


def open_shared(key: str, held: bytes = b"") -> None:
    redis.ask(lambda client: client.eval(SHARE, 1, key, OPEN.encode() + held))


def append_shared(key: str, offset: int, piece: bytes) -> tuple[str, int] | None:
    """(ok | gap | sealed | missing, the length before) or None when Redis is away."""
    answer = redis.ask(lambda client: client.eval(APPEND, 1, key, offset, piece))
    return answer and (answer[0].decode(), int(answer[1]))


def read_shared(keys: list[str]) -> list[bytes | None]:
    """The text of each; None where there is none, or Redis is away. One journey, however many."""
    found = on_each("GET", keys) or [None] * len(keys)
    return [held[MARK:] if held else None for held in found]


def lengths_shared(keys: list[str]) -> list[int] | None:
    """The bytes of text of each, -1 where there is none; None when Redis is away."""
    found = on_each("STRLEN", keys)
    return found and [max(size - MARK, -1) for size in found]


def miss_shared(keys: list[str], is_missed: bool) -> None:
    """Mark them as missed by somebody, or as missed no more: who answers too late might say less than is there now."""
    marks = [f"{key}:missed" for key in keys]
    on_each("SET", marks, 1, "PX", MISSED_MS) if is_missed else on_each("DEL", marks)


def missed_shared(keys: list[str]) -> list[bool]:
    """Whether somebody misses each."""
    return [bool(found) for found in on_each("EXISTS", [f"{key}:missed" for key in keys]) or [0] * len(keys)]


def on_each(command: str, keys: list[str], *more) -> list | None:
    def question(client):
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.execute_command(command, key, *more)
        return pipeline.execute()

    return redis.ask(question) if keys else None


def seal_shared(key: str) -> bytes | None:
    """The whole text, to which nothing is added any more; None as above."""
    return redis.ask(lambda client: client.eval(SEAL, 1, key))


def leave_shared(key: str) -> None:
    redis.ask(lambda client: client.expire(key, LEFT_S))
