-- The load, for wrk. Arguments after `--`: method, path (or `-`), file of paths or bodies (or `-`), file of ranks, seed, share of
-- repeats, the status that is expected, one more that some may have (or the same again), a header (or `-`).
--
-- Bodies come as lines, VARIANTS of them for each rank: one intent in different spellings, the running number of the
-- client marked by `@`. A repeat sends a line as it is; every other request puts a number there that was never used before.

local VARIANTS = 4

local method, path, ranks, lines, heads, tails
local drawn, running, repeats = 0, 0, 0
local head = ' HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench\r\n'
local threads = {}

-- Read by `done`, which has variables of its own.
unexpected, exceptions = 0, 0

local function read(name)
  local all = {}
  for line in io.lines(name) do all[#all + 1] = line end
  return all
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  method, path = args[1], args[2]
  repeats = tonumber(args[6])
  local expected, allowed = tonumber(args[7]), tonumber(args[8])
  if args[9] ~= '-' then head = head .. args[9] .. '\r\n' end
  if expected >= 400 then
    -- wrk itself only tells errors from the rest; being asked about each answer costs it something, so not otherwise.
    response = function(status)
      if status == expected then return end
      if status == allowed then exceptions = exceptions + 1 else unexpected = unexpected + 1 end
    end
  end
  if args[3] ~= '-' then
    lines = read(args[3])
    ranks = {}
    for word in io.open(args[4]):read('*a'):gmatch('%d+') do ranks[#ranks + 1] = tonumber(word) end
    math.randomseed(tonumber(args[5]))
    drawn = math.random(#ranks)
    running = tonumber(args[5]) * 10000000
    if method == 'POST' then
      heads, tails = {}, {}
      for i, line in ipairs(lines) do
        local at = line:find('@', 1, true)
        heads[i], tails[i] = line:sub(1, at - 1), line:sub(at + 1)
      end
    end
  end
end

local function rank()
  drawn = drawn % #ranks + 1
  return ranks[drawn]
end

function request()
  if method == 'GET' then
    return 'GET ' .. (path ~= '-' and path or lines[rank() + 1]) .. head .. '\r\n'
  end
  local body
  if math.random() < repeats then
    body = lines[rank() * VARIANTS + 1]
  else
    local i = rank() * VARIANTS + math.random(VARIANTS)
    running = running + 1
    body = heads[i] .. running .. tails[i]
  end
  return 'POST ' .. path .. head .. 'Content-Type: application/json\r\nContent-Length: ' .. #body .. '\r\n\r\n' .. body
end

function done(summary, latency)
  local e = summary.errors
  local wrong, other = 0, 0
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get('unexpected')
    other = other + thread:get('exceptions')
  end
  io.write(string.format(
    '\nRESULT {"requests":%d,"durationUs":%d,"bytes":%d,"medianUs":%d,"p99Us":%d,"errors":%d,"unexpected":%d,"exceptions":%d,"socketErrors":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.status, wrong, other, e.connect + e.read + e.write + e.timeout))
end
