"""The rows of a rehearsal: made once, with keys of their own, and sent with marked codes. [X-6]"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from campaigns.choices import NotifyChannels
from operations.database.retries import retried
from operations.database.statements import rows, run
from waves.choices import RehearsalState
from waves.figures.parts import figures_of
from waves.messages.templates import NO_CODE
from waves.models import Member, Rehearsal
from waves.sending.send_rows import SendTable

MARK: Final = "REHEARSAL-"
REHEARSED: Final = SendTable(
    "waves_rehearsalsend",
    "rehearsal_id",
    "EXISTS (SELECT 1 FROM waves_rehearsal WHERE id = %(owner)s AND state = 'running')",
    f"CASE WHEN m.code IN ('', 'TM') THEN m.code ELSE '{MARK}' || m.id END",
)
# As the rows of the real messages are made, but with a key that no real message can have.
_MAKE: Final = """
INSERT INTO waves_rehearsalsend
    (rehearsal_id, member_id, channel, key, state, reason, attempts, provider_id)
SELECT %(rehearsal)s, m.id, c.channel,
    left(encode(sha256(convert_to(concat_ws(E'\\x1f', 'rehearsal', %(rehearsal)s::text,
        m.global_user_id, c.channel), 'UTF8')), 'hex'), 32)::uuid,
    CASE WHEN c.contact = '' THEN 'skipped' ELSE 'pending' END,
    CASE WHEN c.contact = '' THEN 'no_contact' ELSE '' END, 0, ''
FROM waves_member m CROSS JOIN LATERAL (VALUES ('sms', m.phone), ('email', m.email))
    AS c (channel, contact)
WHERE m.wave_id = %(wave)s AND (c.channel = 'sms' OR m.phone = '' OR NOT %(sms_first)s)
ORDER BY m.id
"""
# Named as waves/figures/parts.py names what is counted of a wave's messages.
_COUNTS: Final = """
WITH messages AS (
    SELECT member_id, channel, state FROM waves_rehearsalsend WHERE rehearsal_id = %(rehearsal)s
), fans AS (
    SELECT CASE WHEN bool_or(state = 'sent') THEN 'ok'
        WHEN bool_or(state IN ('pending', 'sending')) THEN 'pending'
        WHEN bool_or(state = 'unknown') THEN 'unknown' WHEN bool_or(state = 'failed') THEN 'failed'
        ELSE 'skipped' END AS fate
    FROM messages GROUP BY member_id
)
SELECT 'fans/' || fate, count(*) FROM fans GROUP BY 1
UNION ALL SELECT channel || '/state/' || state, count(*) FROM messages GROUP BY 1
UNION ALL SELECT channel || '/queued', count(*) FROM messages
WHERE channel = 'email' AND state <> 'skipped' GROUP BY 1
"""


def marked_code(member: Member) -> str:
    """What stands for a member's code in a rehearsed message, as REHEARSED has it."""
    return member.code if member.code in NO_CODE else f"{MARK}{member.pk}"


@retried
@transaction.atomic
def make_rows(rehearsal: Rehearsal) -> None:
    """One row per member and channel, all or none of them, once."""
    unmade = Rehearsal.objects.filter(pk=rehearsal.pk, has_rows=False, state=RehearsalState.RUNNING)
    if unmade.update(has_rows=True):
        sms_first = rehearsal.wave.notify_channels == NotifyChannels.SMS_FIRST
        run(_MAKE, rehearsal=rehearsal.pk, wave=rehearsal.wave_id, sms_first=sms_first)


def result_of(rehearsal: Rehearsal) -> dict[str, Any]:
    """N-7's object, counted from the rows as they are now."""
    return figures_of(dict(rows(_COUNTS, rehearsal=rehearsal.pk))).result
