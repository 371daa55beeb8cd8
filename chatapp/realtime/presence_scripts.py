"""What presence keeps in Redis, and the scripts that change it. For presence_shared.py and
presence_upkeep.py.

A room is one hash. Nothing is ever looked for in it, but after a death: so a change costs the same whatever the size.

    c:{sid}        "process person": a connection
    p:{person}     "connections place arrival"
    i:{place}      the person at this place; places are 0 … n-1, the last one moves into a gap
    u:{person}     the wire's person as JSON
    g:{person}     when the grace ends (ms, Redis's clock), while there is no connection
    n, arrivals    people here now; people who ever came
    born, gone     since when the room is not empty (ms); people who left since
    idle           people in their grace
    processes      those with connections here, between blanks
    dirty, told    whether the number of a crowd is yet to be told; when it was told last (ms)
"""

from .lua import CLOCK, Script, only

ROOM = (
    CLOCK
    + only("hash")
    + """
local room = KEYS[1]
local function get(field) return redis.call('HGET', room, field) end
local function set(...) redis.call('HSET', room, ...) end
local function drop(...) redis.call('HDEL', room, ...) end
local function size() return tonumber(get('n') or 0) end
local function person(id)
  local connections, place, arrival = string.match(get('p:' .. id) or '', '(%d+) (%d+) (%d+)')
  return tonumber(connections), tonumber(place), arrival
end
local function put(id, connections, place, arrival)
  set('p:' .. id, connections .. ' ' .. place .. ' ' .. arrival)
end
local function rest(id, ends)
  set('g:' .. id, ends)
  redis.call('HINCRBY', room, 'idle', 1)
end
local function wake(id)
  if redis.call('HDEL', room, 'g:' .. id) == 1 then redis.call('HINCRBY', room, 'idle', -1) end
end
local function note_crowd(n, crowd)
  if n > tonumber(crowd) then set('dirty', 1) end
end
local function leave(sid, id)  -- how many connections the person has left
  drop('c:' .. sid)
  local connections, place, arrival = person(id)
  put(id, connections - 1, place, arrival)
  return connections - 1
end
local function remove(id, crowd)  -- the person; how many are left
  local _, place = person(id)
  local user, last = get('u:' .. id), size() - 1
  if last == 0 then
    redis.call('DEL', room)
    return user, 0
  end
  if place ~= last then
    local moved = get('i:' .. last)
    local connections, _, arrival = person(moved)
    put(moved, connections, place, arrival)
    set('i:' .. place, moved)
  end
  wake(id)
  drop('i:' .. last, 'p:' .. id, 'u:' .. id)
  set('n', last)
  redis.call('HINCRBY', room, 'gone', 1)
  note_crowd(last, crowd)
  return user, last
end
"""
)

# → [1 when the person was not here before, people here now]
ARRIVE = Script(
    ROOM,
    """
local sid, process, id, user, kept, crowd = unpack(ARGV)
local connections, place, arrival = person(id)
local is_new = connections == nil
if is_new then
  place, arrival, connections = size(), redis.call('HINCRBY', room, 'arrivals', 1), 0
  if place == 0 then set('born', now()) end
  set('n', place + 1, 'i:' .. place, id)
  note_crowd(place + 1, crowd)
end
if not get('c:' .. sid) then connections = connections + 1 end
put(id, connections, place, arrival)
set('c:' .. sid, process .. ' ' .. id, 'u:' .. id, user)
wake(id)
local processes = get('processes') or ' '
if not string.find(processes, ' ' .. process .. ' ', 1, true) then set('processes', processes .. process .. ' ') end
redis.call('PEXPIRE', room, kept)
return {is_new and 1 or 0, size()}
""",
)

# → 1 when the person is in his grace from now on, or was when it was asked before, and the answer lost
DEPART = Script(
    ROOM,
    """
local sid, id, grace = unpack(ARGV)
if get('c:' .. sid) and leave(sid, id) == 0 then rest(id, now() + grace) end
return get('g:' .. id) and 1 or 0
""",
)

# → [the person, people left]; [] when he was not here, or has connections to other processes
DISMISS = Script(
    ROOM,
    """
local id, crowd = ARGV[1], ARGV[2]
for place = 3, #ARGV do
  if get('c:' .. ARGV[place]) then leave(ARGV[place], id) end
end
if person(id) ~= 0 then return {} end
return {remove(id, crowd)}
""",
)

# → [people left, for each asked: the person whose grace ended now | the ms it still lasts | 0: it ended otherwise]
END = Script(
    ROOM,
    """
local crowd, moment, found = ARGV[1], now(), {}
for place = 2, #ARGV do
  local ends = tonumber(get('g:' .. ARGV[place]) or 0)
  if ends > moment then
    found[place - 1] = ends - moment
  elseif ends > 0 then
    found[place - 1] = remove(ARGV[place], crowd)
  else
    found[place - 1] = 0
  end
end
return {size(), unpack(found)}
""",
)

# → [people here, processes, stamp, for each shown: the person, "connections place arrival"]; none is shown to who was
# shown them at the same stamp: nobody has left since, and who comes is not among the first
WHO = Script(
    ROOM,
    """
local n, stamp = size(), (get('born') or '') .. ':' .. (get('gone') or '0')
local shown = math.min(n, tonumber(ARGV[1]))
if shown == 0 or ARGV[2] == stamp then return {n, get('processes') or '', stamp} end
local fields = {}
for place = 0, shown - 1 do fields[place + 1] = 'i:' .. place end
local ids = redis.call('HMGET', room, unpack(fields))
fields = {}
for _, id in ipairs(ids) do
  fields[#fields + 1] = 'u:' .. id
  fields[#fields + 1] = 'p:' .. id
end
return {n, get('processes') or '', stamp, unpack(redis.call('HMGET', room, unpack(fields)))}
""",
)

# → [people here, people in their grace, processes]; the room is kept for longer
RENEW = Script(
    ROOM,
    """
redis.call('PEXPIRE', room, ARGV[1])
return {size(), tonumber(get('idle') or 0), get('processes') or ''}
""",
)

# → [where to go on (0: all was seen), people whose grace begins or is overdue]; takes away what dead processes had here
WALK = Script(
    ROOM,
    """
local cursor, dead, grace = ARGV[1], ARGV[2], tonumber(ARGV[3])
local page, moment, found = redis.call('HSCAN', room, cursor, 'COUNT', 300), now(), {}
for place = 1, #page[2], 2 do
  local kind, whose, value = string.sub(page[2][place], 1, 2), string.sub(page[2][place], 3), page[2][place + 1]
  if kind == 'c:' then
    local process, id = string.match(value, '(%S+) (%d+)')
    if string.find(dead, ' ' .. process .. ' ', 1, true) and get('c:' .. whose) and leave(whose, id) == 0 then
      rest(id, moment + grace)
      found[#found + 1] = id
    end
  elseif kind == 'g:' and tonumber(value) < moment then
    found[#found + 1] = whose
  end
end
local processes = get('processes')
if page[1] == '0' and processes then
  local living = ' '
  for process in string.gmatch(processes, '%S+') do
    if not string.find(dead, ' ' .. process .. ' ', 1, true) then living = living .. process .. ' ' end
  end
  set('processes', living)
end
return {page[1], unpack(found)}
""",
)

# → the number to tell now; -1: too soon; -2: somebody told it
CROWD_NOW = Script(
    ROOM,
    """
if not get('dirty') then return -2 end
local moment = now()
if moment - tonumber(get('told') or 0) < tonumber(ARGV[1]) then return -1 end
drop('dirty')
set('told', moment)
return size()
""",
)
