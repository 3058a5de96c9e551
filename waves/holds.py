"""What waves hold of their campaign: the seats they have given, and its closing. [C-2, W-5]"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from operations.plurals import plural
from waves.choices import SendState, WaveState
from waves.models import QueuedEmail, Send, Wave

FINISHED = [WaveState.COMPLETED, WaveState.CANCELLED]
# A seat is used by each fan who is a member of a live wave, or whose code is assigned whatever
# became of the wave. [W-5]
SEATS_GIVEN = """
SELECT market_id, count(*) FROM (
    SELECT market_id, global_user_id FROM waves_member
    WHERE campaign_id = %(campaign)s AND wave_live
    UNION SELECT market_id, global_user_id FROM waves_assignment WHERE campaign_id = %(campaign)s
) AS seats GROUP BY market_id
"""


def seats_given(campaign_pk: int) -> Mapping[int, int]:
    """Distinct fans who use a seat, by the market's key. Under the lock of the campaign's
    selection, or of the campaign, it can only fall. [W-5]
    """
    with connection.cursor() as cursor:
        cursor.execute(SEATS_GIVEN, {"campaign": campaign_pk})
        return dict(cursor.fetchall())


def unfinished(campaign_pk: int) -> str:
    """Why the campaign cannot close now: a wave that is neither completed nor cancelled, or a
    message that is pending, queued or in flight. Empty if nothing is left. [C-2]

    What is pending in a cancelled wave is never sent.
    """
    waves = Wave.objects.filter(campaign_id=campaign_pk)
    open_wave = waves.exclude(state__in=FINISHED).order_by("id").first()
    if open_wave is not None:
        return (
            f"Wave {open_wave.name} is {open_wave.state}. Complete or cancel it before you close"
            " the campaign."
        )
    sms = Send.objects.filter(wave__in=waves, channel="sms")
    emails = QueuedEmail.objects.filter(send__wave__in=waves)
    left = sum(
        messages.filter(state=SendState.SENDING).count() for messages in (sms, emails)
    ) + sum(
        messages.filter(state=SendState.PENDING).count()
        for messages in (
            sms.exclude(wave__state=WaveState.CANCELLED),
            emails.exclude(send__wave__state=WaveState.CANCELLED),
        )
    )
    if left:
        return (
            f"{plural(left, 'message')} of the campaign {'is' if left == 1 else 'are'} still"
            " pending, queued or in flight. Close the campaign after they are sent."
        )
    return ""
