"""The statements of the log, side by side, so that their order inside one append can be read."""

from __future__ import annotations

LOCK_HEAD = "SELECT position, log_time FROM log_head WHERE id = 1 FOR UPDATE"

MOVE_HEAD = """
WITH moved AS (UPDATE log_head SET position = $1, log_time = $2 WHERE id = 1)
SELECT pg_notify($3, '')
"""

CLAIM = """
WITH taken AS (
  UPDATE log_head SET position = position + $4, log_time = greatest(log_time, $5) WHERE id = 1
  RETURNING position - $4 AS before, log_time
), claimed AS (
  INSERT INTO event_key (key, key_time, content, position, log_time)
  SELECT u.key, u.key_time, u.content, taken.before + u.number, taken.log_time
  FROM taken, unnest($1::bytea[], $2::timestamptz[], $3::bytea[]) WITH ORDINALITY AS u(key, key_time, content, number)
  ON CONFLICT (key, key_time) DO NOTHING
  RETURNING 1
)
SELECT before, log_time, (SELECT count(*) FROM claimed) AS claimed, pg_notify($6, '') FROM taken
"""
"""Locks the head and moves it by a batch, and claims the batch's keys, in one question to PostgreSQL instead of three.

Keys are claimed in the order of the batch, from the head's lock on: nobody else claims any meanwhile.
"""

SET_HEAD = "UPDATE log_head SET position = $1 WHERE id = 1"

FIND_KEYS = """
SELECT e.key, e.content, e.position, e.revision
FROM unnest($1::bytea[], $2::timestamptz[]) AS u(k, t)
JOIN event_key e ON e.key = u.k AND e.key_time = u.t
"""

FIND_EARLIER = "SELECT known FROM earlier_event_keys($1, $2, $3)"
"""Locks the head, then says which of these identities the log was given after a moment (migration 0031)."""

REVISE_KEYS = """
UPDATE event_key e SET content = u.c, position = u.p, revision = u.r
FROM unnest($1::bytea[], $2::timestamptz[], $3::bytea[], $4::bigint[], $5::int[]) AS u(k, t, c, p, r)
WHERE e.key = u.k AND e.key_time = u.t
"""

INSERT_ENTRIES = """
INSERT INTO event (position, log_time, kind, subject, data)
SELECT p, $2, k, s, d FROM unnest($1::bigint[], $3::text[], $4::text[], $5::jsonb[]) AS u(p, k, s, d)
"""

INSERT_DEAD_LETTERS = """
INSERT INTO dead_letter (log_time, received_at, door, feed, device, topic, content_type, reason, detail, raw, raw_bytes,
                         field, area)
SELECT $1, u.* FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                           $9::text[], $10::bytea[], $11::bigint[], $12::text[], $13::text[]) AS u
"""

READ = """
SELECT h.position AS head, e.position, e.log_time, e.kind, e.subject, e.feed, e.device, e.key, e.effective,
       e.received_at, e.data, e.time, e.id, e.lat, e.lon, e.area, e.zone, e.flags, e.revision, e.door
FROM log_head h LEFT JOIN event e ON e.position > $1 AND e.position <= $3 AND e.log_time >= $2
WHERE h.id = 1 ORDER BY e.position
"""
"""The entries of a stretch of positions, and the head of the same snapshot: without an entry one row says the head.

By a stretch, not by LIMIT: the newest positions lie beyond what the planner's statistics know, so it expects few rows,
reads all of them and sorts. A reader that is far behind would then pay for its whole lag at every step.
"""

READ_VALUES = """
SELECT h.position AS head, e.position, e.log_time, e.kind, e.feed, e.device, e.effective, e.data, e.flags, e.revision
FROM log_head h LEFT JOIN event e ON e.position > $1 AND e.position <= $3 AND e.log_time >= $2
WHERE h.id = 1 ORDER BY e.position
"""
"""The same with what sums and newest values are made of, which is half the work for both sides."""

NEXT_POSITION = "SELECT min(position) FROM event WHERE position > $1 AND log_time >= $2"

FIND_EVENT = "SELECT EXISTS (SELECT 1 FROM event WHERE log_time = $1 AND position = $2 AND key = $3)"

FIND_LETTER = """
SELECT EXISTS (SELECT 1 FROM dead_letter WHERE log_time = $1 AND received_at = $2 AND reason = $3 AND raw = $4)
"""
