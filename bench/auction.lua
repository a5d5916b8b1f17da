-- SPDX-License-Identifier: MIT
--
-- auction.lua - what wrk asks for: bids. Every bid is a cent higher than the
-- one that was sent before it, by the next of the bidders in turn, on one of
-- the auctions at random. For one wrk thread, because threads share no counter.
--
--   FIRST, AUCTIONS  the auctions are FIRST to FIRST + AUCTIONS - 1
--   TOKENS           a file with a token for each bidder
local first, auctions = tonumber(os.getenv("FIRST")), tonumber(os.getenv("AUCTIONS"))
local heads, urls = {}, {}
local cents, turn = 100, 0 -- bench/auction.sql

function init()
  math.randomseed(os.time())
  for i = 1, auctions do
    urls[i] = "POST /api/auctions/" .. first + i - 1 .. "/bid/ HTTP/1.1\r\nHost: "
  end
  for line in io.lines(os.getenv("TOKENS")) do
    heads[#heads + 1] = wrk.headers["Host"]
      .. "\r\nContent-Type: application/json\r\nAuthorization: Bearer "
      .. line .. "\r\nContent-Length: "
  end
end

-- wrk calls it once for a trial before it begins; that amount is never sent.
function request()
  local text = string.format('{"amount":"%d.%02d"}', math.floor(cents / 100), cents % 100)
  cents = cents + 1
  turn = turn % #heads + 1
  return urls[math.random(auctions)] .. heads[turn] .. #text .. "\r\n\r\n" .. text
end
