-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- The last line of wrk's output, for load.py. Times in microseconds.

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, ' ..
        '"refused": %d, "broken": %d}\n',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
