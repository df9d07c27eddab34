/** What Redis does for a batch of asks, in one round trip and undivided: `takeFromWindow`, by the clock of Redis, which all services share. */

/** KEYS: counters. ARGV: requests, windowMs, hits, count for each. Answers: granted, remaining, resetMs for each. */
export const windowScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 4
  local requests, windowMs = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local hits, count = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local window = math.floor(now / windowMs)
  local kept = redis.call('HMGET', key, 'window', 'current', 'previous')
  local known = tonumber(kept[1]) or window
  local current, previous = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
  local age = window - known
  if age > 0 then
    previous = age == 1 and current or 0
    current = 0
    known = window
  end
  local passed = now - window * windowMs
  local used = current + previous * (windowMs - passed) / windowMs
  local granted = count
  if hits > 0 then granted = math.max(0, math.min(count, math.floor((requests - used) / hits))) end
  if granted * hits > 0 then
    redis.call('HSET', key, 'window', known, 'current', current + granted * hits, 'previous', previous)
    redis.call('PEXPIRE', key, 2 * windowMs)
  end
  answer[#answer + 1] = granted
  answer[#answer + 1] = math.max(0, math.floor(requests - used - granted * hits))
  answer[#answer + 1] = math.max(1, windowMs - passed)
end
return answer
`
