"""
The Lua scripts that make delivery exact, and a way to send many of them at once.

Each begins with `#!lua`, so that a Redis without memory refuses the whole script
and not its second half.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from faas.link import Link

Argument = bytes | str | int | float

STORE: Final = """#!lua
-- Store each event that was not seen before; the memory is bounded by count.
-- KEYS events, seen  ARGV bound, then (digest, topic, payload) for each event
local stored = 0
for i = 2, #ARGV, 3 do
  if not redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    local id = redis.call(
      'XADD', KEYS[1], '*', 'topic', ARGV[i + 1], 'payload', ARGV[i + 2])
    redis.call('ZADD', KEYS[2], string.match(id, '^%d+'), ARGV[i])
    stored = stored + 1
  end
end
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1])
if over > 0 then redis.call('ZPOPMIN', KEYS[2], over) end
return stored
"""

COMMIT: Final = """#!lua
-- Apply the effects of each event if, and only if, this worker may and nobody has yet.
-- KEYS stream, lease, then what the effects name
-- ARGV token, group ('' = take the entries out of the stream), then for each event:
--      entry, number of effects, effects. An effect is one of
--        SET  key field value                 a field of a hash; the last one stays
--        ADD  key count, (field, amount)      to fields of a hash
--        TWIN key count mark bar, then per slot: its name, twice the number of its
--             fields, (field, value) for each
--        DO   key count command, arguments    any other command
--      where key is an index in KEYS and count that of the arguments after it.
-- Returns -1: the lease is lost; else how many events were applied, and what Redis said
-- to the effects that it refused.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end

local refusals = {}

-- What one effect is refused for must not take the effects beside it away: their
-- events are acknowledged.
local function apply(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    refusals[#refusals + 1] = answer.err
    return nil
  end
  return answer
end

-- Whether an event is later in the life of its device than the last writer of a
-- slot. In one session the counter decides, unless the server's clock says that the
-- device was reset (bar); between sessions the server's clock.
local function newer(held, address, counter, instant, bar)
  if not held then return true end
  local was, old, when = string.match(held, '^([^:]*):(%d+):(%d+)$')
  if was ~= address then return instant > when end
  return tonumber(counter) > tonumber(old) or bar > when
end

-- Write those slots of a twin that no later event has written.
local function twin(key, first, last)
  local mark, bar = ARGV[first], ARGV[first + 1]
  local address, counter, instant = string.match(mark, '^([^:]*):(%d+):(%d+)$')
  local slots, starts, at = {}, {}, first + 2
  while at <= last do
    slots[#slots + 1], starts[#starts + 1] = ARGV[at], at + 1
    at = at + 2 + tonumber(ARGV[at + 1])
  end
  local out, size = {}, 0
  for n, held in ipairs(apply('HMGET', key, unpack(slots)) or {}) do
    if newer(held, address, counter, instant, bar) then
      out[size + 1], out[size + 2] = slots[n], mark
      size = size + 2
      for from = starts[n] + 1, starts[n] + tonumber(ARGV[starts[n]]) do
        size = size + 1
        out[size] = ARGV[from]
      end
    end
  end
  if size > 0 then apply('HSET', key, unpack(out)) end
end

-- What many events write into one hash is written once.
local fields, sums = {}, {}

local function of(tables, key)
  local found = tables[key]
  if not found then found = {}; tables[key] = found end
  return found
end

-- A number of Lua is exact up to 2^53.
local function add(key, field, amount)
  local found = of(sums, key)
  local sum = found[field] or 0
  if math.abs(sum) + math.abs(amount) > 9007199254740992 then
    apply('HINCRBY', key, field, string.format('%.0f', sum))
    sum = 0
  end
  found[field] = sum + amount
end

local i, applied = 3, 0
while i < #ARGV do
  local taken
  if ARGV[2] == '' then
    taken = redis.call('XDEL', KEYS[1], ARGV[i])
  else
    taken = redis.call('XACK', KEYS[1], ARGV[2], ARGV[i])
  end
  local effects, ours = tonumber(ARGV[i + 1]), taken == 1
  if ours then applied = applied + 1 end
  i = i + 2
  for _ = 1, effects do
    local kind, key = ARGV[i], KEYS[tonumber(ARGV[i + 1])]
    local last = i + 3
    if kind ~= 'SET' then last = i + 2 + tonumber(ARGV[i + 2]) end
    if not ours then
      -- somebody else has applied it
    elseif kind == 'SET' then
      of(fields, key)[ARGV[i + 2]] = ARGV[last]
    elseif kind == 'ADD' then
      for at = i + 3, last, 2 do add(key, ARGV[at], tonumber(ARGV[at + 1])) end
    elseif kind == 'TWIN' then
      twin(key, i + 3, last)
    else
      apply(ARGV[i + 3], key, unpack(ARGV, i + 4, last))
    end
    i = last + 1
  end
end

for key, found in pairs(sums) do
  for field, amount in pairs(found) do
    apply('HINCRBY', key, field, string.format('%.0f', amount))
  end
end
for key, found in pairs(fields) do
  local out = {}
  for field, value in pairs(found) do
    out[#out + 1] = field
    out[#out + 1] = value
    if #out == 1000 then
      apply('HSET', key, unpack(out))
      out = {}
    end
  end
  if #out > 0 then apply('HSET', key, unpack(out)) end
end
return {applied, refusals}
"""

ONCE: Final = """#!lua
-- Add to a stream what was not added before; the memory is bounded by count.
-- KEYS stream, seen  ARGV bound, digest, field, value
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 0 end
local id = redis.call('XADD', KEYS[1], '*', ARGV[3], ARGV[4])
redis.call('ZADD', KEYS[2], string.match(id, '^%d+'), ARGV[2])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1])
if over > 0 then redis.call('ZPOPMIN', KEYS[2], over) end
return 1
"""

SEND_BACK: Final = """#!lua
-- KEYS dead letters, retries  ARGV letter, entry, reason
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'entry', ARGV[2], 'attempts', 0, 'due_ms', 0,
  'reason', ARGV[3])
return 1
"""

PRESENT: Final = """#!lua
-- Tell that a copy lives for a while; return all that do.
-- KEYS sorted set of copies by the instant (ms) until which they count
-- ARGV name, milliseconds
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""

LEAVE: Final = """#!lua
-- KEYS sorted set of copies  ARGV name
return redis.call('ZREM', KEYS[1], ARGV[1])
"""

__all__ = [
    "COMMIT",
    "LEAVE",
    "ONCE",
    "PRESENT",
    "SEND_BACK",
    "STORE",
    "Argument",
    "call",
    "run",
    "send",
]

_BY_SHA: Final = {
    hashlib.sha1(text.encode()).hexdigest(): text  # noqa: S324 - Redis names scripts so
    for text in (STORE, COMMIT, ONCE, SEND_BACK, PRESENT, LEAVE)
}
_SHAS: Final = {text: sha for sha, text in _BY_SHA.items()}


def call(script: str, names: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
    """Return the command that runs a script on these keys."""
    return ["EVALSHA", _SHAS[script], len(names), *names, *arguments]


def send(redis: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """
    Send commands in one write and return their answers.

    Scripts the server does not know yet are loaded and their commands repeated,
    in order. Any other refusal is raised once all answers are in.
    """
    link = Link.of(redis)
    answers = link.exchange(commands)
    missing = [i for i, a in enumerate(answers) if isinstance(a, NoScriptError)]
    if missing:
        shas = dict.fromkeys(str(commands[i][1]) for i in missing)
        link.exchange([["SCRIPT", "LOAD", _BY_SHA[sha]] for sha in shas])
        again = link.exchange([commands[i] for i in missing])
        for i, answer in zip(missing, again, strict=True):
            answers[i] = answer
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer
    return answers


def run(
    redis: Redis, script: str, names: Sequence[str], arguments: Sequence[Argument]
) -> Any:
    """Run one script and return its answer."""
    (answer,) = send(redis, [call(script, names, arguments)])
    return answer
