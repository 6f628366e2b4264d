-- The requests of wrk. Reads WORKLOAD (get, contact, page, post or put), TOKEN, CALLS (the number of stored calls) and
-- SEED from the environment. Ids are random: calls from 1 to CALLS, contacts from 1 to 1000. CALLS_BEFORE and
-- CONTACTS_BEFORE are added to them. Prints one line of JSON.

local CONTACTS = 1000
-- Calls are within the ten years before 2026-01-01T00:00:00Z, like those of `callbook demo`.
local END, TEN_YEARS = 1767225600, 10 * 365 * 86400

local calls, workload = tonumber(os.getenv("CALLS")), os.getenv("WORKLOAD")
local headers = " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " .. os.getenv("TOKEN") .. "\r\n"
local random = math.random
local calls_before = tonumber(os.getenv("CALLS_BEFORE") or 0)
local contacts_before = tonumber(os.getenv("CONTACTS_BEFORE") or 0)

local function call()
  return calls_before + random(calls)
end

local function contact()
  return contacts_before + random(CONTACTS)
end

local function get(path, ...)
  return "GET " .. path:format(...) .. headers .. "\r\n"
end

local function send(method, path)
  local body = ('{"contact_id":%d,"called_at":"%s","content":"Asked for the invoice again; it goes out tomorrow. %d"}')
    :format(contact(), os.date("!%Y-%m-%dT%H:%M:%SZ", END - random(TEN_YEARS)), random(1000000))
  return ("%s %s%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, headers, #body, body)
end

local requests = {
  get = function() return get("/api/calls/%d", call()) end,
  contact = function() return get("/api/contacts/%d/calls?limit=10", contact()) end,
  page = function() return get("/api/calls?limit=100&page=%d", random(math.ceil(calls / 100))) end,
  post = function() return send("POST", "/api/calls") end,
  put = function() return send("PUT", ("/api/calls/%d"):format(call())) end,
}

local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("seed", tonumber(os.getenv("SEED")) * 1000 + threads)
end

function init()
  math.randomseed(seed)
  request = requests[workload]
end

function done(summary, latency)
  -- wrk counts statuses from 400 on as errors. Callbook answers these requests never with 3xx.
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  print(('{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}'):format(
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
