-- arena.chat.pace.granted, for Redis: one hash holds the tally, a field for each worker with places.
-- KEYS: the tally. ARGV: now ("" is Redis's own clock), seconds per call, seconds per token, concurrency (-1: any number),
-- lease, worker, held, wanted, owed, shut, then the tokens of each call that is to start.
local key = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end
local per_call, per_token = tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, lease = tonumber(ARGV[4]), tonumber(ARGV[5])
local worker, held, wanted = 'worker:' .. ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local owed, shut_for = tonumber(ARGV[9]), tonumber(ARGV[10])
local TURN = 5

local tally = {}
local flat = redis.call('HGETALL', key)
for at = 1, #flat, 2 do tally[flat[at]] = flat[at + 1] end
local function kept(name) return tonumber(tally[name] or '0') end
local function keep(name, value) redis.call('HSET', key, name, string.format('%.6f', value)) end

local shut = math.max(kept('shut_until'), now + shut_for)
local count, mine = #ARGV - 10, -1
if limit >= 0 then
  local names, wants, free = {worker}, {[worker] = wanted}, limit
  for name, value in pairs(tally) do
    if string.sub(name, 1, 7) == 'worker:' and name ~= worker then
      local its_held, its_wanted, till = string.match(value, '(%S+) (%S+) (%S+)')
      if tonumber(till) > now then
        names[#names + 1] = name
        wants[name] = tonumber(its_wanted)
        free = free - tonumber(its_held)
      else
        redis.call('HDEL', key, name)
      end
    end
  end
  table.sort(names)
  local first, turn = math.floor(now / TURN) % #names, {}
  for at, name in ipairs(names) do turn[name] = (at - 1 - first) % #names end
  table.sort(names, function(one, other)
    if wants[one] ~= wants[other] then return wants[one] < wants[other] end
    return turn[one] < turn[other]
  end)
  local left, share = limit, {}
  for at, name in ipairs(names) do
    share[name] = math.min(wants[name], math.floor(left / (#names - at + 1)))
    left = left - share[name]
  end
  mine = math.max(0, math.min(share[worker], free))
  count = math.min(count, math.max(0, mine - held))
  if wanted > 0 or held > 0 then
    redis.call('HSET', key, worker, string.format('%d %d %.6f', math.max(mine, held), wanted, now + lease))
  else
    redis.call('HDEL', key, worker)
  end
end

local calls_at, tokens_at = kept('calls_at'), kept('tokens_at') + owed * per_token
local waits = {}
for at = 1, count do
  local start = math.max(now, calls_at, tokens_at, shut)
  calls_at, tokens_at = start + per_call, start + tonumber(ARGV[10 + at]) * per_token
  waits[at] = string.format('%.6f', start - now)
end
keep('calls_at', calls_at)
keep('tokens_at', tokens_at)
keep('shut_until', shut)
-- What is past means nothing any more.
redis.call('PEXPIRE', key, math.ceil(1000 * (math.max(calls_at, tokens_at, shut, now) - now + 4 * lease)))
return {waits, mine, string.format('%.6f', math.max(0, shut - now))}
