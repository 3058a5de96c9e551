"""The list itself: contacts are suppressed, found and allowed again, many in one statement. [N-8]

Nothing is asked of the campaign: a closed one takes suppression too [C-2]. What people do once luck
could be known is listed as late. [S-8]
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from campaigns.models import Campaign
from operations.database.retries import retried
from operations.database.statements import first_row, rows, run
from operations.entry import values
from waves.choices import SuppressedBy
from waves.errors import SuppressionRefused
from waves.models import Suppression
from waves.suppression import late_entries
from waves.suppression.contacts import Contact
from waves.suppression.hashing import hash_of, sieve

KEY_BYTES: Final = 32
LONGEST_REASON: Final = 300
_MAKE_KEY = "INSERT INTO waves_suppressionkey (id, key) VALUES (1, %(key)s) ON CONFLICT DO NOTHING"
_KEY = "SELECT key FROM waves_suppressionkey"
# In the order of the index: two of these with the same contacts wait for each other, never both.
_ADD = f"""
INSERT INTO waves_suppression
    (channel, contact, sieve, campaign_id, cause, reason, by_id, lift_reason)
SELECT v.channel, v.contact, {sieve("v.channel", "v.value")}, %(campaign)s, %(cause)s, %(reason)s,
    %(by)s, ''
FROM unnest(%(channels)s::text[], %(contacts)s::uuid[], %(values)s::text[])
    AS v (channel, contact, value)
ORDER BY v.contact
ON CONFLICT (contact, campaign_id, cause) WHERE lifted_at IS NULL DO NOTHING
RETURNING id
"""  # noqa: S608 the parts are constants


@dataclass(frozen=True)
class Ground:
    """Why contacts are suppressed, for one campaign or for all (None), and by whom; `by` and
    `reason` are there where a person does it.
    """

    cause: SuppressedBy
    campaign: Campaign | None = None
    reason: str = ""
    by: User | None = None


def ground_of(cause: SuppressedBy, campaign: Campaign | None, *, by: User, reason: str) -> Ground:
    """What a person gives. Raises SuppressionRefused without a reason, BadValue for a long one."""
    return Ground(cause, campaign, _checked(reason), by)


@retried
@transaction.atomic
def suppress(contacts: Collection[Contact], ground: Ground) -> int:
    """Nothing is sent to them any more, from the next message that is claimed on. Returns how many
    were not on the list yet for this cause.
    """
    if not contacts:
        return 0
    key = _key()
    late = late_entries.lock_late(ground.campaign) if ground.by else []
    added = rows(
        _ADD,
        channels=[str(contact.channel) for contact in contacts],
        contacts=[hash_of(key, *contact) for contact in contacts],
        values=[contact.value for contact in contacts],
        campaign=ground.campaign and ground.campaign.pk,
        cause=str(ground.cause),
        reason=ground.reason,
        by=ground.by and ground.by.pk,
    )
    if ground.by:
        late_entries.record(
            late,
            [entry for (entry,) in added],
            late_entries.ADDED,
            by=ground.by,
            reason=ground.reason,
        )
    return len(added)


def entries_of(contact: Contact) -> QuerySet[Suppression]:
    """What the list has of a contact, what is lifted too."""
    return entries_of_all([contact])


def entries_of_all(contacts: Iterable[Contact]) -> QuerySet[Suppression]:
    found = first_row(_KEY)
    hashes = [hash_of(bytes(found[0]), *contact) for contact in contacts] if found else []
    return Suppression.objects.filter(contact__in=hashes)


@retried
@transaction.atomic
def lift(entry: int, *, by: User, reason: str) -> None:
    """A person allows messages to a contact again, as far as this entry kept them back. Raises
    SuppressionRefused where that is done already, and without a reason.
    """
    reason = _checked(reason)
    late = late_entries.lock_late(Suppression.objects.get(pk=entry).campaign)
    live = Suppression.objects.filter(pk=entry, lifted_at=None)
    if not live.update(lifted_at=Now(), lifted_by=by, lift_reason=reason):
        raise SuppressionRefused("This suppression was already lifted.")
    late_entries.record(late, [entry], late_entries.LIFTED, by=by, reason=reason)


@retried
def lift_own(contacts: Iterable[Contact], causes: Sequence[SuppressedBy], reason: str) -> int:
    """A fan asks for messages again, which lifts what the fan asked for before. How many entries
    that lifted.
    """
    live = entries_of_all(contacts).filter(lifted_at=None, cause__in=causes)
    return live.update(lifted_at=Now(), lift_reason=reason)


def _key() -> bytes:
    found = first_row(_KEY)
    if found is None:
        run(_MAKE_KEY, key=secrets.token_bytes(KEY_BYTES))
        found = first_row(_KEY)
    if found is None:
        raise LookupError("the key of the suppression list cannot be stored")
    return bytes(found[0])


def _checked(reason: str) -> str:
    reason = values.text("reason", reason, longest=LONGEST_REASON).strip()
    if not reason:
        raise SuppressionRefused("A reason is required. It is saved with the suppression.")
    return reason
