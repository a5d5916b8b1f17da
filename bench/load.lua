-- SPDX-License-Identifier: MIT
--
-- load.lua - what wrk asks for. OP names the operation; URL and BODY are
-- string.format templates of it. Reads pick at random, checkout takes buyer
-- after buyer (their carts were filled), login 50 accounts in turn.
--
--   OP=static    URL
--   OP=detail    URL with the product
--   OP=list      URL with the category and the page
--   OP=login     URL, BODY with the number in the e-mail
--   OP=cart      URL, BODY with the product; TOKENS, a file of tokens
--   OP=checkout  URL; TOKENS
local op, url, body = os.getenv("OP"), os.getenv("URL"), os.getenv("BODY")
local heads, turn = {}, 0
local json = { ["Content-Type"] = "application/json" }

local PRODUCTS = 20000
local LEAF_FIRST, LEAF_LAST = 21, 100 -- categories without children
local PAGES = 5
local LOGIN_FIRST, LOGINS = 1001, 50

-- Put together from parts that are ready, because the client takes its time
-- from the same cores.
local function post(user, text)
  return heads[user] .. #text .. "\r\n\r\n" .. text
end

local ask = {
  static = function() return wrk.format("GET", url) end,
  detail = function()
    return wrk.format("GET", string.format(url, math.random(PRODUCTS)))
  end,
  list = function()
    return wrk.format("GET", string.format(url,
      math.random(LEAF_FIRST, LEAF_LAST), math.random(PAGES)))
  end,
  login = function()
    turn = turn + 1
    return wrk.format("POST", url, json,
      string.format(body, LOGIN_FIRST + turn % LOGINS))
  end,
  cart = function()
    return post(math.random(#heads),
      string.format(body, math.random(PRODUCTS)))
  end,
  checkout = function()
    turn = turn + 1
    return post((turn - 1) % #heads + 1, "{}")
  end,
}

function init()
  math.randomseed(os.time())
  if op == "cart" or op == "checkout" then
    for line in io.lines(os.getenv("TOKENS")) do
      heads[#heads + 1] = string.format("POST %s HTTP/1.1\r\nHost: %s\r\n"
        .. "Content-Type: application/json\r\nAuthorization: Bearer %s\r\n"
        .. "Content-Length: ", url, wrk.headers["Host"], line)
    end
  end
end

request = ask[op]
