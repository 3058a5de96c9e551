"""What people add to the suppression list and lift once a campaign's luck could be known is among
the campaign's late changes, with the reason and the number of fans that it moved. [S-8, N-8]

Nothing is refused for being late: the fan's wish counts. What fans and providers do is none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl
from django.contrib.auth.models import User

from campaigns import list_changes
from campaigns.choices import CampaignStatus, LateKind
from campaigns.late_changes import is_late, open_campaigns
from campaigns.late_changes import record as record_late
from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from campaigns.scoring import rules
from campaigns.scoring.outcomes import judge_contacts
from operations.database.copying import nullable_frame_of
from operations.plurals import plural
from waves.suppression.contacts import FANS_CONTACT, without_suppressed
from waves.suppression.hashing import hashed

ADDED, LIFTED = "added", "lifted"
# Whether another entry suppresses the contact.
_LISTED = """EXISTS (
    SELECT FROM waves_suppression other WHERE other.contact = {contact}
        AND other.lifted_at IS NULL AND other.id <> ALL(%(entries)s)
        AND (other.campaign_id IS NULL OR other.campaign_id = %(campaign)s))"""
_EMAIL, _PHONE = hashed("'email'", "its.email"), hashed("'sms'", "its.phone")
_TOUCHED = f"""
WITH changed AS (
    SELECT DISTINCT uuid_send(entry.contact) AS contact FROM waves_suppression entry
    WHERE entry.id = ANY(%(entries)s)
)
SELECT its.email, its.phone, its.confirmed, email.contact IS NOT NULL, phone.contact IS NOT NULL,
    {_LISTED.format(contact=f"encode({_EMAIL}, 'hex')::uuid")},
    {_LISTED.format(contact=f"encode({_PHONE}, 'hex')::uuid")}
FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan ON fan.campaign_id = %(campaign)s
    AND fan.global_user_id = score.global_user_id COLLATE "default"
{FANS_CONTACT}
LEFT JOIN changed AS email ON email.contact = {_EMAIL}
LEFT JOIN changed AS phone ON phone.contact = {_PHONE}
WHERE score.score_file_id = %(score_file)s
    AND (email.contact IS NOT NULL OR phone.contact IS NOT NULL)
"""  # noqa: S608 the parts are constants
_FLAGS: Final = ("confirmed", "email_changed", "phone_changed", "email_listed", "phone_listed")
_SCHEMA: Final[dict[str, Any]] = dict.fromkeys(("email", "phone", *_FLAGS), pl.String)


def lock_late(campaign: Campaign | None) -> list[Campaign]:
    """The open campaigns that an entry for this one (None: for all) touches and whose luck could be
    known, locked in the order of their keys. Call it in the transaction of the change.
    """
    found = [lock_campaign(each.pk) for each in open_campaigns([campaign])]
    return [each for each in found if each.status == CampaignStatus.OPEN and is_late(each)]


def record(
    late: Sequence[Campaign], entries: Sequence[int], what: str, *, by: User, reason: str
) -> None:
    """List among the late changes of these campaigns what became of these entries (ids), which has
    been written.
    """
    if not entries:
        return
    subject = f"Suppressed contacts: {plural(len(entries), 'entry', 'entries')} {what}"
    for campaign in late:
        moved = moved_fans(campaign, entries)
        record_late(campaign, LateKind.LISTS, subject, by=by, reason=reason, moved=moved)


def moved_fans(campaign: Campaign, entries: Sequence[int]) -> int:
    """Accepted fans of the active file who can be selected with these entries and cannot without
    them, or the other way round.
    """
    values = {"campaign": campaign.pk, "score_file": campaign.active_score_file_id}
    if campaign.active_score_file_id is None:
        return 0
    fans = nullable_frame_of(_TOUCHED, _SCHEMA, entries=list(entries), **values)
    if fans.is_empty():
        return 0
    in_force = rules.gather(campaign, list_changes.kept_lists(campaign))
    judged = judge_contacts(
        fans.with_columns(
            pl.col(_FLAGS) == "t",
            # Phones are stored in E.164, so the country they are read with does not matter.
            pl.lit(in_force.home_countries[0]).alias("country"),
            pl.lit(None, pl.String).alias("known_phone"),
        ),
        in_force,
    )
    without = _is_candidate(judged, pl.col("email_listed"), pl.col("phone_listed"))
    email = pl.col("email_listed") | pl.col("email_changed")
    phone = pl.col("phone_listed") | pl.col("phone_changed")
    return int((without != _is_candidate(judged, email, phone)).sum())


def _is_candidate(judged: pl.DataFrame, email: pl.Expr, phone: pl.Expr) -> pl.Series:
    flagged = judged.with_columns(email.alias("email_suppressed"), phone.alias("phone_suppressed"))
    return without_suppressed(flagged)["contact_reason"].is_null()
