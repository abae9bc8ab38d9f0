"""The statements of the roll-ups."""

from __future__ import annotations

START_CURSOR = """
INSERT INTO cursor (name, position, log_time) VALUES ($1, 0, '1970-01-01 00:00+00') ON CONFLICT (name) DO NOTHING
"""

MOVE_CURSOR = "UPDATE cursor SET position = $3, log_time = $4 WHERE name = $1 AND position = $2"

MERGE_SERIES = """
INSERT INTO series AS s (feed, device, field, step, bucket, n, sum, min, max, first, first_at, last, last_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::bigint[], $7::float8[],
                     $8::float8[], $9::float8[], $10::float8[], $11::timestamptz[], $12::float8[], $13::timestamptz[])
ON CONFLICT (device, field, step, bucket, feed) DO UPDATE SET
    n = s.n + excluded.n,
    sum = s.sum + excluded.sum,
    min = least(s.min, excluded.min),
    max = greatest(s.max, excluded.max),
    first = CASE WHEN excluded.first_at < s.first_at THEN excluded.first ELSE s.first END,
    first_at = least(s.first_at, excluded.first_at),
    last = CASE WHEN excluded.last_at >= s.last_at THEN excluded.last ELSE s.last END,
    last_at = greatest(s.last_at, excluded.last_at)
"""

MERGE_LEDGER = """
INSERT INTO ledger AS l (feed, bucket, stored, late, suspect, clock_fault)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (feed, bucket) DO UPDATE SET
    stored = l.stored + excluded.stored, late = l.late + excluded.late,
    suspect = l.suspect + excluded.suspect, clock_fault = l.clock_fault + excluded.clock_fault
"""

MERGE_LATEST = """
INSERT INTO latest AS l (device, feed, field, value, effective, log_time, position, flags)
SELECT device, feed, field, value, effective, log_time, position, string_to_array(flags, ',')
FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::timestamptz[], $7::bigint[],
            $8::text[]) AS u(device, feed, field, value, effective, log_time, position, flags)
ON CONFLICT (device, feed, field) DO UPDATE SET
    value = excluded.value, effective = excluded.effective, log_time = excluded.log_time,
    position = excluded.position, flags = excluded.flags
WHERE (excluded.effective, excluded.position) > (l.effective, l.position)
"""

MERGE_SEEN = """
INSERT INTO device_seen AS d (device, feed, effective, log_time, position, events, late)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[],
                     $7::bigint[])
ON CONFLICT (device, feed) DO UPDATE SET
    effective = greatest(d.effective, excluded.effective), log_time = greatest(d.log_time, excluded.log_time),
    position = greatest(d.position, excluded.position), events = d.events + excluded.events,
    late = d.late + excluded.late
"""

REMOVED = "SELECT subject FROM event WHERE position = $1 AND log_time = $2 AND kind = 'device'"
"""Which device an entry is about."""

FORGET_SEEN = "DELETE FROM device_seen WHERE device = $1"

FORGET_NEWEST = "DELETE FROM latest WHERE device = $1"

DERIVE = """
INSERT INTO series (feed, device, field, step, bucket, n, sum, min, max, first, first_at, last, last_at)
SELECT u.feed, u.device, u.field, $5::int, u.bucket, sum(s.n), sum(s.sum), min(s.min), max(s.max),
       (array_agg(s.first ORDER BY s.first_at))[1], min(s.first_at),
       (array_agg(s.last ORDER BY s.last_at DESC))[1], max(s.last_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS u(feed, device, field, bucket)
JOIN series s ON s.device = u.device AND s.field = u.field AND s.step = $6::int AND s.feed = u.feed
             AND s.bucket >= u.bucket AND s.bucket < u.bucket + $7::interval
GROUP BY u.feed, u.device, u.field, u.bucket
ON CONFLICT (device, field, step, bucket, feed) DO UPDATE SET
    n = excluded.n, sum = excluded.sum, min = excluded.min, max = excluded.max,
    first = excluded.first, first_at = excluded.first_at, last = excluded.last, last_at = excluded.last_at
"""

CLEAR_BUCKETS = """
DELETE FROM series WHERE device = $1 AND feed = $2 AND (step, bucket) IN (($3::int, $4::timestamptz),
    ($5::int, $6::timestamptz), ($7::int, $8::timestamptz)) AND field IN (
    SELECT field FROM series WHERE device = $1 AND feed = $2 AND step = $3 AND bucket = $4)
RETURNING field
"""
"""Empties a 5-minute bucket, and the hour and the day over it of the same fields, which are derived again."""

RECOMPUTE = """
INSERT INTO series (feed, device, field, step, bucket, n, sum, min, max, first, first_at, last, last_at)
SELECT $2, $1, v.field, $5, $3, count(*), sum(v.value), min(v.value), max(v.value),
       (array_agg(v.value ORDER BY v.effective))[1], min(v.effective),
       (array_agg(v.value ORDER BY v.effective DESC))[1], max(v.effective)
FROM (
    SELECT f.key AS field, e.effective,
           CASE f.value WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE f.value::text::float8 END AS value
    FROM (
        SELECT DISTINCT ON (n.key) n.effective, n.data FROM event n
        WHERE n.device = $1 AND n.feed = $2 AND n.kind = 'event' AND n.effective >= $3 AND n.effective < $4
          AND n.position <= $6
        ORDER BY n.key, n.revision DESC
    ) e, jsonb_each(e.data) f
    WHERE jsonb_typeof(f.value) IN ('number', 'boolean')
) v GROUP BY v.field
"""
"""A reading counts by its newest revision alone: what that no longer says is gone. What lies behind the stretch that is
being merged counts when its own turn comes.
"""

FORGET_LATEST = """
DELETE FROM latest l USING event n JOIN event o ON o.key = n.key AND o.revision < n.revision
WHERE n.position = $1 AND n.log_time = $2 AND l.device = n.device AND l.feed = n.feed AND l.position = o.position
RETURNING l.field
"""
"""Newest values that rest on an earlier revision of an event: its newest one no longer says them."""

RESTORE_LATEST = """
INSERT INTO latest (device, feed, field, value, effective, log_time, position, flags)
SELECT e.device, e.feed, $3, e.data -> $3, e.effective, e.log_time, e.position, e.flags
FROM event e
WHERE e.device = $1 AND e.feed = $2 AND e.kind = 'event' AND e.data ? $3 AND e.effective >= $5 AND e.position <= $4
  AND NOT 'history' = ANY(e.flags)
  AND NOT EXISTS (SELECT 1 FROM event n WHERE n.key = e.key AND n.revision > e.revision AND n.position <= $4)
ORDER BY e.effective DESC, e.position DESC LIMIT 1
"""
