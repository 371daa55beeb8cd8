"""Scripts in Redis, each on one key (so a Cluster runs them too): many in one journey, sent whole only where Redis does
not know them yet. For the stores in realtime/.
"""

import hashlib

from redis.exceptions import NoScriptError

from ..extensions import redis

TOGETHER = 100  # scripts in one journey: they must be through within the patience for one answer
# Redis before 7 repeats a script's text on its replicas instead of its effects, unless told: not with a clock in it.
EFFECTS = "if redis.replicate_commands then redis.replicate_commands() end\n"

CLOCK = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""


def only(kind: str) -> str:
    """What lies at KEYS[1] and is of another kind than ours goes: it would have every script refused there, and with it
    all that travel together."""
    return f"""
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= '{kind}' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
"""


class Script:
    """Lua with KEYS[1] and ARGV."""

    def __init__(self, *parts: str):
        self.text = EFFECTS + "\n".join(parts)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


Call = tuple[Script, str, tuple]  # script, key, arguments


def run(calls: list[Call]) -> list | None:
    """The scripts' answers in their order; None when Redis cannot be asked or refuses one (the others may have run)."""
    answers = []
    for start in range(0, len(calls), TOGETHER):
        some = redis.ask(lambda client, start=start: travel(client, calls[start : start + TOGETHER]))
        if some is None:
            return None
        answers += some
    return answers


def run_one(script: Script, key: str, *arguments):
    """The script's answer; None when Redis cannot be asked. (So no script answers nil.)"""
    answers = run([(script, key, arguments)])
    return answers[0] if answers else None


def travel(client, calls: list[Call]) -> list:
    answers = send(client, [("EVALSHA", script.sha, 1, key, *arguments) for script, key, arguments in calls])
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    whole = [("EVAL", calls[place][0].text, 1, calls[place][1], *calls[place][2]) for place in unknown]
    for place, answer in zip(unknown, send(client, whole), strict=True):
        answers[place] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def send(client, commands: list[tuple]) -> list:
    """The answers, errors among them. (By `execute_command`: a Cluster's pipeline has no `evalsha` of its own.)"""
    if not commands:
        return []
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return pipeline.execute(raise_on_error=False)
