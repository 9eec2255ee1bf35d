// The scripts that run in Redis. Each uses one key and the clock of the server.

package redisstore

import "github.com/redis/go-redis/v9"

// The scripts read with GETEX, which counts as a write. So a replica refuses them,
// also one that was the master until a moment ago, and no stale value is read. A
// script that sets a value does so in its first write, because Redis checks maxmemory
// only there.

// getScript returns {value, milliseconds left}, or nothing if the key is absent.
var getScript = redis.NewScript(`
local value = redis.call('GETEX', KEYS[1])
if not value then return {} end
return {value, redis.call('PTTL', KEYS[1])}
`)

// swapScript replaces ARGV[1] with ARGV[2] for ARGV[3] milliseconds. An empty string
// stands for no value. It returns {1} if it swapped, or {0} and what getScript
// returns.
var swapScript = redis.NewScript(`
local current, old, value = redis.call('GET', KEYS[1]), ARGV[1], ARGV[2]
if value == '' then
	if not current or current == old then
		redis.call('DEL', KEYS[1])
		return {1}
	end
elseif current == value or current == old or (not current and old == '') then
	redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
	return {1}
end
redis.call('GETEX', KEYS[1])
if not current then return {0} end
return {0, current, redis.call('PTTL', KEYS[1])}
`)

// logFunctions is the common part of the scripts of the log.
//
// The log is a stream. An entry has the fields c and n. n is the notice. c is the
// random mark of the entry before, or zeros if there is none, and then the entry's
// own mark, 8 bytes each. A follower that knows the mark of the last entry it has
// read sees from the next entry whether one is missing between them.
//
// An entry with an empty n is no notice. It is added to an empty log, and after an
// entry that is older than the retention. So the log always has an entry, and
// trimming never removes the newest one, which followers compare with. The key
// expires if nobody reads or writes the log for twice the retention.
const logFunctions = `
local key, retention = KEYS[1], tonumber(ARGV[1])
local time = redis.call('TIME')
local oldest = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) - retention)

local function mark(entry)
	if not entry then return string.rep('\0', 8) end
	return string.sub(entry[2][2], 9)
end

local function milliseconds(id)
	return tonumber(string.match(id, '^%d+'))
end

local function newest()
	return redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
end

local function add(last, own, notice)
	redis.call('XADD', key, '*', 'c', mark(last) .. own, 'n', notice)
	redis.call('PEXPIRE', key, string.format('%d', 2 * retention))
end

local function trim()
	redis.call('XTRIM', key, 'MINID', oldest)
end
`

// appendScript adds the notice ARGV[3] with the mark ARGV[2]. If the command is sent
// for the ARGV[4]th time, it looks for the mark among the entries of the last minute
// first.
var appendScript = redis.NewScript(logFunctions + `
if tonumber(ARGV[4]) > 1 then
	local since = string.format('%d', time[1] * 1000 - 60000)
	for _, entry in ipairs(redis.call('XREVRANGE', key, '+', since, 'COUNT', 10000)) do
		if mark(entry) == ARGV[2] then return 0 end
	end
end
add(newest(), ARGV[2], ARGV[3])
trim()
return 1
`)

// readScript returns up to ARGV[4] entries from the ID ARGV[3], this one included,
// as {ID, marks, notice}. ARGV[2] is a mark for an entry without notice. XTRIM is
// called in any case, so that a replica refuses the script.
var readScript = redis.NewScript(logFunctions + `
local last = newest()
if not last or milliseconds(last[1]) < tonumber(oldest) then add(last, ARGV[2], '') end
trim()
local entries = redis.call('XRANGE', key, ARGV[3], '+', 'COUNT', ARGV[4])
for i, entry in ipairs(entries) do
	entries[i] = {entry[1], entry[2][2], entry[2][4]}
end
return entries
`)
