"""Which serving processes live, by Redis's clock: each renews a lease, and whoever sees that one ran out is asked,
alone, to take away what it left. For presence_shared.py.
"""

import secrets

from .lua import CLOCK, Script, only, run_one

PROCESSES = "presence:processes"
LEASE_MS = 30_000  # a process silent for so long is dead
BURIAL_MS = 15_000  # until somebody else is asked to take away what a dead one left
KEPT_MS = 3_600_000  # by the time it takes to notice that nobody serves at all, the key ends by itself


# The processes: a sorted set, name → until when it is taken for alive (ms). One whose traces are being taken away is
# there as "dead {name}", until when somebody else is to try.

# → the name: it tells when it began
ENTER = Script(
    CLOCK,
    only("zset"),
    """
local moment = now()
local name = string.format('%.0f-%s', moment, ARGV[1])
redis.call('ZADD', KEYS[1], moment + ARGV[2], name)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return name
""",
)

# → [0]: not there any more; or [ms now, the living, the dead to be buried by the one who asks], names between blanks
BEAT = Script(
    CLOCK,
    only("zset"),
    """
local name, lease, kept, burial = unpack(ARGV)
local moment = now()
if not redis.call('ZSCORE', KEYS[1], name) then return {0} end
redis.call('ZADD', KEYS[1], moment + lease, name)
redis.call('PEXPIRE', KEYS[1], kept)
local dead, living = {}, {}
for _, one in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', moment, 'LIMIT', 0, 3)) do
  local whose = string.gsub(one, '^dead ', '')
  redis.call('ZREM', KEYS[1], one)
  redis.call('ZADD', KEYS[1], moment + burial, 'dead ' .. whose)
  dead[#dead + 1] = whose
end
for _, one in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(one, 1, 5) ~= 'dead ' then living[#living + 1] = one end
end
return {moment, table.concat(living, ' '), table.concat(dead, ' ')}
""",
)


class Lease:
    """This process among the others. `name` is None until Redis gave one."""

    def __init__(self):
        self.name: str | None = None
        self.seen_ms = 0  # Redis's clock when `living` was read
        self.living: set[str] = set()
        self.dead: list[str] = []  # to be buried by us

    def enter(self) -> str | None:
        """A new name for this process; None when Redis cannot be asked."""
        name = run_one(ENTER, PROCESSES, secrets.token_hex(4), LEASE_MS, KEPT_MS)
        if name:
            self.name = name.decode()
            self.living.add(self.name)
        return name and self.name

    def beat(self) -> bool | None:
        """Live on. False: Redis has forgotten us, or others took us for dead. None: it cannot be asked."""
        self.dead = []
        if self.name is None:
            return False
        answer = run_one(BEAT, PROCESSES, self.name, LEASE_MS, KEPT_MS, BURIAL_MS)
        if not answer or answer == [0]:
            return answer and False
        self.seen_ms = answer[0]
        self.living, self.dead = set(answer[1].decode().split()), answer[2].decode().split()
        return True

    def is_dead(self, name: str) -> bool:
        """Whether a process that is named somewhere is surely gone. (One that began after we looked is not.)"""
        return name not in self.living and int(name.partition("-")[0]) < self.seen_ms
