-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Events that all differ and are all delivered: every 500th request is a scrape, so the table of
-- waiting events never fills.
--     wrk ... -s events.lua URL -- SCRAPE_PATH

require "report"

local scrape_every = 500
local before, after, scrape
local sent = 0

function init(args)
    local marked = wrk.format("POST", "/event?type=reboot&message=@")
    before, after = marked:match("^(.-)@(.*)$")
    scrape = wrk.format("GET", args[1])
end

function request()
    sent = sent + 1
    if sent % scrape_every == 1 then
        return scrape
    end
    return before .. sent .. after
end
