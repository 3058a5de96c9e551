"""The rows of a wave's messages are made, once and with their keys, before any attempt. [N-1, N-3,
N-4]
"""

from __future__ import annotations

from django.db import transaction

from campaigns.choices import NotifyChannels
from operations.database.retries import retried
from operations.database.statements import first_row, run
from waves.choices import Queue
from waves.models import Wave
from waves.soft_start import progress

# So many new rows the planner has to know of at once; PostgreSQL tells it only within minutes. By
# the ids that it knew before, each claim may read and sort all that are left.
MANY = 10_000
# The idempotency key: the first 128 bits of SHA-256 over wave, fan and channel. [N-4]
KEY = """left(encode(sha256(convert_to(
    concat_ws(E'\\x1f', %(wave)s::text, m.global_user_id, c.channel), 'UTF8')), 'hex'), 32)::uuid"""
# Two who make the same rows at once conflict in either index: of the key, or member and channel.
MAKE_SENDS = f"""
INSERT INTO waves_send
    (wave_id, member_id, channel, key, state, reason, queued_at, attempts, provider_id)
SELECT m.wave_id, m.id, c.channel,
       {KEY},
       CASE WHEN c.contact = '' THEN 'skipped' ELSE 'pending' END,
       CASE WHEN c.contact = '' THEN 'no_contact' ELSE '' END,
       CASE WHEN c.contact <> '' AND c.channel = 'email' THEN now() END, 0, ''
FROM waves_member m CROSS JOIN LATERAL (VALUES ('sms', m.phone), ('email', m.email))
    AS c (channel, contact)
WHERE m.wave_id = %(wave_id)s AND (c.channel = 'sms' OR m.phone = '' OR NOT %(sms_first)s)
ORDER BY m.id
ON CONFLICT DO NOTHING
"""  # noqa: S608 the parts are constants
E_MAIL_INSTEAD = f"""
INSERT INTO waves_send
    (wave_id, member_id, channel, key, state, reason, queued_at, attempts, provider_id)
SELECT m.wave_id, m.id, c.channel, {KEY}, 'pending', '', now(), 0, ''
FROM waves_send s JOIN waves_member m ON m.id = s.member_id CROSS JOIN (VALUES ('email'))
    AS c (channel)
WHERE s.wave_id = %(wave_id)s AND s.channel = 'sms' AND m.email <> ''
    AND (s.state = 'failed' OR s.state = 'skipped' AND s.reason = 'suppressed')
    AND NOT EXISTS (SELECT FROM waves_send e WHERE e.member_id = m.id AND e.channel = 'email')
ORDER BY s.id FOR NO KEY UPDATE OF s
ON CONFLICT DO NOTHING
"""  # noqa: S608 the parts are constants
# Every member has a row for SMS, and all rows of a wave are made in one statement: one such row
# missing is all missing.
ALL_MADE = """
SELECT NOT EXISTS (
    SELECT FROM waves_member m WHERE m.wave_id = %(wave_id)s
    AND NOT EXISTS (SELECT FROM waves_send s WHERE s.member_id = m.id AND s.channel = 'sms'))
"""


@retried
def make_sends(wave: Wave) -> int:
    """One row per member and channel with its key, and the e-mails queued, in one statement. [N-1,
    N-4, N-5]

    Returns how many rows were added; repeats add nothing.
    """
    if are_made(wave.pk):
        return 0
    sms_first = wave.notify_channels == NotifyChannels.SMS_FIRST
    with transaction.atomic():  # no sender sees them without their soft start [N-9]
        made = run(MAKE_SENDS, wave=wave.name, wave_id=wave.pk, sms_first=sms_first)
        progress.begin(wave)
    if made >= MANY:
        run("ANALYZE (SKIP_LOCKED) waves_send")
    return made


def are_made(wave_id: int) -> bool:
    """Whether the wave's rows are there."""
    found = first_row(ALL_MADE, wave_id=wave_id)
    return bool(found and found[0])


@retried
def queue_emails_instead(wave: Wave) -> int:
    """For `sms_first`: an e-mail for each member whose SMS failed for good, or whose phone is
    suppressed. Returns how many were queued. [N-1, N-8]
    """
    if wave.notify_channels != NotifyChannels.SMS_FIRST or wave.queue == Queue.CANCELLED:
        return 0
    return run(E_MAIL_INSTEAD, wave=wave.name, wave_id=wave.pk)
