"""The rows of a wave's messages: claimed under a lease, recorded by who claimed them. [N-3, N-4]

Set-based SQL throughout: a statement per batch, never per fan. A row in `sending` belongs to one
sender (`claim`) and one attempt; a sender that lost its lease can record nothing any more.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import transaction

from operations.database.retries import retried
from operations.database.statements import rows, run
from waves.choices import Channel
from waves.messages.rendering import Recipient
from waves.sending.pacing import NextState
from waves.suppression.hashing import hashed

LAST_ID: Final = 2**63 - 1
# Who is on the suppression list is skipped in the same statement; what an earlier attempt may have
# delivered already stays unknown [N-4, N-8]. So does what the provider would not know again:
# `key_used_at` is when the first attempt began that may have been accepted [N-4]. EXISTS is a
# subplan for each row, which asks an index: a join could read the whole list for a few rows.
CONTACT = "CASE WHEN %(channel)s = 'sms' THEN m.phone ELSE m.email END"
SUPPRESSED = """EXISTS (
    SELECT FROM waves_suppression listed
    WHERE listed.contact = encode({hashed}, 'hex')::uuid AND listed.lifted_at IS NULL
        AND (listed.campaign_id IS NULL OR listed.campaign_id = m.campaign_id))"""
# What a provider has in flight, or may have accepted, is for that one alone; whoever may send gets
# the rest. [N-4, N-9]
OURS = """CASE WHEN maybe_accepted OR state = 'sending'
    THEN %(provider)s = '' OR provider IN ('', %(provider)s) ELSE NOT %(only_own)s END"""
CLAIM = """
WITH picked AS (
    SELECT id, member_id,
        maybe_accepted AND coalesce(key_used_at + %(keys_last)s::interval < now(), false)
            AS is_expired
    FROM {table}
    WHERE {owner} = %(owner)s AND channel = %(channel)s AND state = 'pending' AND id > %(after)s
      AND id <= %(last)s AND {going} AND {ours}
      AND (not_before IS NULL OR not_before <= now())
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), asked AS (
    SELECT c.id, c.is_expired, {suppressed} AS suppressed
    FROM picked c JOIN waves_member m ON m.id = c.member_id
), skipped AS (
    UPDATE {table} s
    SET state = CASE WHEN s.maybe_accepted THEN 'unknown' ELSE 'skipped' END,
        reason = CASE WHEN asked.suppressed THEN 'suppressed' ELSE 'key_expired' END,
        not_before = NULL
    FROM asked WHERE s.id = asked.id AND (asked.suppressed OR asked.is_expired)
), claimed AS (
    UPDATE {table} s
    SET state = 'sending', claim = %(claim)s, lease_until = now() + %(lease)s, attempts = attempts +
        1, reason = '', provider = %(provider)s,
        key_used_at = CASE WHEN s.maybe_accepted THEN coalesce(s.key_used_at, now()) ELSE now() END
    FROM asked WHERE s.id = asked.id AND NOT asked.suppressed AND NOT asked.is_expired
    RETURNING s.id, s.key::text AS key, s.attempts, s.maybe_accepted, s.member_id
)
SELECT asked.id, c.key, c.attempts, c.maybe_accepted,
    {contact}, {code}, coalesce(k.market_id, ''),
    m.global_user_id, m.language
FROM asked LEFT JOIN claimed c ON c.id = asked.id LEFT JOIN waves_member m ON m.id = c.member_id
    LEFT JOIN campaigns_market k ON k.id = m.market_id
ORDER BY asked.id
"""
# Whoever changes several messages locks them in the order of their keys, as receipts do: an UPDATE
# alone locks them as its plan finds them, and two of those can wait for each other. What must be so
# is asked of the locked ones: an UPDATE that asks for a state reads, with statistics of before this
# wave, an entry for each row that was ever in it since the last VACUUM.
LOCK = """SELECT id, state, attempts, claim FROM {table} WHERE id = ANY(%(ids)s)
ORDER BY id FOR NO KEY UPDATE"""
LOCKED = f"locked AS ({LOCK})"
OURS_STILL = "s.id = locked.id AND locked.claim = %(claim)s AND locked.state = 'sending'"
RECORD_SENT = """
WITH {locked}
UPDATE {table} s
SET state = 'sent', provider_id = v.provider_id, sent_at = now(), claim = NULL, lease_until = NULL,
    not_before = NULL
FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[], %(provider_ids)s::text[])
    AS v (id, attempts, provider_id) JOIN locked USING (id, attempts)
WHERE {ours_still}
"""
RECORD_REST = """
WITH {locked}
UPDATE {table} s
SET state = v.state, reason = v.reason, attempts = v.tries, maybe_accepted = v.maybe_accepted,
    not_before = CASE WHEN v.state = 'pending' THEN now() + make_interval(secs => v.wait) END, claim
        = NULL, lease_until = NULL
FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[], %(states)s::text[], %(reasons)s::text[],
    %(tries)s::smallint[], %(maybe_accepted)s::boolean[], %(waits)s::float8[])
    AS v (id, attempts, state, reason, tries, maybe_accepted, wait) JOIN locked USING (id, attempts)
WHERE {ours_still}
"""
RELEASE = """
WITH {locked}
UPDATE {table} s
SET state = 'pending', attempts = s.attempts - 1, claim = NULL, lease_until = NULL
FROM unnest(%(ids)s::bigint[], %(attempts)s::smallint[]) AS v (id, attempts)
    JOIN locked USING (id, attempts)
WHERE {ours_still}
"""
# With a key that the provider honours a repeat is harmless; without, the outcome is unknown. [N-4]
TAKE_OVER = """
WITH lost AS (
    SELECT id FROM {table}
    WHERE {owner} = %(owner)s AND channel = %(channel)s AND state = 'sending'
      AND lease_until < now() AND {ours}
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE {table} s
SET state = CASE WHEN %(honours_keys)s THEN 'pending' ELSE 'unknown' END, maybe_accepted = true,
    reason = 'sender_lost', claim = NULL, lease_until = NULL
FROM lost WHERE s.id = lost.id
"""
# Nobody can repeat what a provider may have accepted that sends nothing any more. [N-4]
STRAYS = """
WITH strays AS (
    SELECT id FROM {table}
    WHERE {owner} = %(owner)s AND channel = %(channel)s AND provider <> ALL(%(providers)s)
      AND provider <> ''
      AND (state = 'sending' AND lease_until < now() OR state = 'pending' AND maybe_accepted)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE {table} s
SET state = 'unknown', reason = CASE WHEN s.state = 'sending' THEN 'sender_lost' ELSE s.reason END,
    maybe_accepted = true, not_before = NULL, claim = NULL, lease_until = NULL
FROM strays WHERE s.id = strays.id
"""
RENEW_KEYS = """
UPDATE waves_send SET key = left(encode(sha256(convert_to(key::text, 'UTF8')), 'hex'), 32)::uuid
WHERE id = ANY(%(ids)s) AND state = 'failed' AND NOT maybe_accepted
"""
# The e-mail instead of an SMS has notified its fan already. [N-1]
REPLACED = """EXISTS (
    SELECT FROM waves_send e JOIN waves_wave w ON w.id = e.wave_id
    WHERE e.member_id = s.member_id AND e.channel = 'email' AND s.channel = 'sms'
        AND w.notify_channels = 'sms_first')"""
BACK_TO_PENDING = f"""
UPDATE {{table}} s SET state = 'pending', attempts = 0, not_before = NULL
WHERE s.id = ANY(%(ids)s) AND s.state IN ('pending', 'failed') AND NOT s.maybe_accepted
    AND NOT {REPLACED}
"""  # noqa: S608 the parts are constants
OPEN = """
SELECT count(*), count(*) FILTER (
    WHERE state = 'sending' OR not_before IS NULL OR not_before < now() + %(within)s)
FROM {table}
WHERE {owner} = %(owner)s AND channel = %(channel)s AND state IN ('pending', 'sending')
    AND id <= %(last)s AND {ours}
"""


@dataclass(frozen=True)
class SendTable:
    """A table with the columns of `Send` that senders work on: `owner` is the column that says
    whose rows they are, `going` the condition in SQL for claiming some, `code` what stands for a
    member's (m) code in their message, and `contact` where the claimed one (c) goes.
    """

    name: str
    owner: str
    going: str
    code: str
    contact: str = CONTACT

    def sql(self, statement: str) -> str:
        return _filled(self, statement)


@cache
def _filled(table: SendTable, statement: str) -> str:
    parts = {"table": table.name, "owner": table.owner, "going": table.going, "code": table.code}
    suppressed = SUPPRESSED.format(hashed=hashed("%(channel)s", table.contact))
    parts |= {"contact": table.contact, "suppressed": suppressed, "ours": OURS}
    parts |= {"ours_still": OURS_STILL}
    return statement.format(locked=LOCKED.format(**parts), **parts)


SENDS: Final = SendTable(
    "waves_send",
    "wave_id",
    "EXISTS (SELECT 1 FROM waves_wave WHERE id = %(owner)s"
    " AND (state = 'triggered' OR state = 'completed' AND queue = 'running'))",
    "m.code",
)


@dataclass(frozen=True)
class Messages:
    """The messages on one channel of one owner: of a wave, in SENDS. They go through the account
    `provider`, but for what another one may have accepted; `only_own`: nothing but what this one
    may have; `last`: nothing behind this message (None: all). [N-9]
    """

    owner: int
    channel: Channel
    table: SendTable = SENDS
    provider: str = ""
    only_own: bool = False
    last: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        return {
            "owner": self.owner,
            "channel": self.channel.value,
            "provider": self.provider,
            "only_own": self.only_own,
            "last": LAST_ID if self.last is None else self.last,
        }


class Row(NamedTuple):
    """A claimed message and what its text needs; `attempts` counts this attempt too."""

    id: int
    key: str
    attempts: int
    maybe_accepted: bool
    contact: str
    code: str
    market: str
    global_user_id: str
    language: str

    @property
    def recipient(self) -> Recipient:
        return Recipient(self.market, self.global_user_id, self.code, self.language)


def claim(
    messages: Messages,
    sender: uuid.UUID,
    *,
    after: int,
    limit: int,
    lease: timedelta,
    keys_last: timedelta | None = None,
) -> Claimed:
    """Take pending ones with an id above `after`, at most `limit`; the attempt is counted before it
    is made. Those whose contact is suppressed are skipped instead, and those that may have been
    accepted longer ago than the provider's `keys_last` become unknown. [O-6, N-4, N-8]
    """
    values = messages.values | {"claim": sender, "after": after, "limit": limit, "lease": lease}
    values |= {"keys_last": keys_last}
    found = rows(messages.table.sql(CLAIM), **values)
    to_send = [Row(*row) for row in found if row[1] is not None]
    return Claimed(to_send, len(found), found[-1][0] if found else 0)


class Claimed(NamedTuple):
    """The rows that are to be sent; how many were looked at, those that were skipped too; and the
    id of the last of these.
    """

    rows: list[Row]
    looked_at: int
    last: int


def record_sent(
    sender: uuid.UUID, sent: Sequence[tuple[Row, str]], *, table: SendTable = SENDS
) -> int:
    """Rows the provider took, with its ids. Returns how many were still ours."""
    values = {
        "ids": [row.id for row, _ in sent],
        "attempts": [row.attempts for row, _ in sent],
        "provider_ids": [provider_id for _, provider_id in sent],
    }
    return _execute(table.sql(RECORD_SENT), values | {"claim": sender})


def record_rest(
    sender: uuid.UUID, states: Sequence[tuple[Row, NextState]], *, table: SendTable = SENDS
) -> int:
    """Rows that failed, are unknown, or wait for another try. Returns how many were still ours.
    [N-3]
    """
    values = {
        "ids": [row.id for row, _ in states],
        "attempts": [row.attempts for row, _ in states],
        "states": [next_state.state for _, next_state in states],
        "reasons": [next_state.reason[:60] for _, next_state in states],
        "tries": [next_state.tries for _, next_state in states],
        "maybe_accepted": [next_state.maybe_accepted for _, next_state in states],
        "waits": [next_state.wait_seconds for _, next_state in states],
    }
    return _execute(table.sql(RECORD_REST), values | {"claim": sender})


def release(sender: uuid.UUID, rows: Sequence[Row], *, table: SendTable = SENDS) -> int:
    """Give back rows that were claimed and never started, as if they had not been."""
    if not rows:
        return 0
    ids, attempts = [row.id for row in rows], [row.attempts for row in rows]
    return _execute(table.sql(RELEASE), {"ids": ids, "attempts": attempts, "claim": sender})


def take_over(messages: Messages, *, honours_keys: bool) -> int:
    """Rows whose sender is dead: pending again with the same key, or unknown where keys mean
    nothing. [N-4]
    """
    values = messages.values | {"honours_keys": honours_keys}
    return _execute(messages.table.sql(TAKE_OVER), values)


def settle_strays(messages: Messages, providers: Sequence[str]) -> int:
    """What a provider has, or may have, that is none of these, the ones that may send: unknown, as
    they could only deliver it twice. [N-4, N-9]
    """
    return _execute(messages.table.sql(STRAYS), messages.values | {"providers": list(providers)})


@retried
@transaction.atomic
def back_to_pending(ids: Sequence[int], *, table: SendTable = SENDS) -> int:
    """What failed only because the provider was down gets all its tries again, but for an SMS that
    an e-mail has replaced. [N-1, N-6]
    """
    values = {"ids": list(ids)}
    # two statements: whoever queues an e-mail instead holds the row, and the second one sees it
    _execute(table.sql(LOCK), values)
    return _execute(table.sql(BACK_TO_PENDING), values)


def renew_keys(ids: Sequence[int]) -> int:
    """Failed messages that were certainly not accepted get another key, made from the one they had.
    Call it in the transaction that has them sent again, before any attempt, with the rows locked.
    [N-4]
    """
    return _execute(RENEW_KEYS, {"ids": list(ids)}) if ids else 0


class Open(NamedTuple):
    """How many messages are pending or in flight, and how many of them may be sent soon."""

    all: int
    soon: int


def open_rows(messages: Messages, *, within: timedelta = timedelta(0)) -> Open:
    """`soon`: those that may be tried within that time, or are in flight."""
    [found] = rows(messages.table.sql(OPEN), **messages.values, within=within)
    return Open(*found)


@retried
def _execute(statement: str, values: Mapping[str, Any]) -> int:
    return run(statement, **values)
