-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- POST requests whose bodies are the lines of a file, in turn; all made before the load starts:
--     wrk ... -s bodies.lua URL -- PATH CONTENT_TYPE FILE

require "report"

local requests = {}
local turn = 0

function init(args)
    wrk.headers["Content-Type"] = args[2]
    for body in io.lines(args[3]) do
        requests[#requests + 1] = wrk.format("POST", args[1], nil, body)
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end
