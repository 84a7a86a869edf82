-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- One request, made once and sent over and over:
--     wrk ... -s one.lua URL -- METHOD PATH

require "report"

function init(args)
    wrk.method = args[1]
    wrk.path = args[2]
end
