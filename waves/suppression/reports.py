"""What providers report and fans reply puts contacts on the suppression list, or takes them off
again. The same reports may come again. [N-8]
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from waves.choices import Channel, SuppressedBy
from waves.models import Resend, Send
from waves.suppression.contacts import Contact
from waves.suppression.stop_words import Wish
from waves.suppression.suppressed import Ground, lift_own, suppress

logger = logging.getLogger(__name__)

# What a fan's START takes back: the fan's own wish, here or at the provider.
OWN: Final = (SuppressedBy.STOP, SuppressedBy.OPTED_OUT)


def suppress_recipients(objections: Sequence[tuple[uuid.UUID, SuppressedBy]]) -> int:
    """The contacts of the messages of these keys, each for its cause, in all campaigns. Returns how
    many were not on the list yet.
    """
    causes = defaultdict[SuppressedBy, set[uuid.UUID]](set)
    for key, cause in objections:
        causes[cause].add(key)
    added = sum(suppress(_recipients(causes[cause]), Ground(cause)) for cause in sorted(causes))
    if objections:
        logger.info("contacts suppressed", extra={"reported": len(objections), "added": added})
    return added


def _recipients(keys: Iterable[uuid.UUID]) -> set[Contact]:
    found = Send.objects.filter(key__in=keys).values_list(
        "channel", "member__phone", "member__email"
    )
    resent = Resend.objects.filter(key__in=keys).values_list("channel", "contact", "contact")
    contacts = {
        Contact(Channel(channel), phone if channel == Channel.SMS else email)
        for channel, phone, email in [*found, *resent]
    }
    return {contact for contact in contacts if contact.value}


def follow_wishes(wishes: Mapping[str, Wish]) -> None:
    """What the owners of these numbers (E.164) ask for, in all campaigns: STOP suppresses their
    number, START takes that back.
    """
    stop, start = (
        [Contact(Channel.SMS, number) for number, asked in wishes.items() if asked == wish]
        for wish in (Wish.STOP, Wish.START)
    )
    added = suppress(stop, Ground(SuppressedBy.STOP))
    lifted = lift_own(start, OWN, "Replied START") if start else 0
    if stop or start:
        logger.info("replies", extra={"suppressed": added, "lifted": lifted})
