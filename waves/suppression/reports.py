"""What providers report and fans reply puts contacts on the suppression list, or takes them off
again. The same reports may come again. [N-8]
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from waves.choices import Channel, SuppressedBy
from waves.models import Send
from waves.suppression.contacts import Contact
from waves.suppression.stop_words import Wish
from waves.suppression.suppressed import Ground, lift_own, suppress

logger = logging.getLogger(__name__)

# What a fan's START takes back: the fan's own wish, here or at the provider.
OWN: Final = (SuppressedBy.STOP, SuppressedBy.OPTED_OUT)


def suppress_recipients(objections: Sequence[tuple[int, SuppressedBy]]) -> int:
    """The contacts of these messages (`Send`), each for its cause, in all campaigns. Returns how
    many were not on the list yet.
    """
    causes = defaultdict[SuppressedBy, set[int]](set)
    for send, cause in objections:
        causes[cause].add(send)
    added = sum(suppress(_recipients(causes[cause]), Ground(cause)) for cause in sorted(causes))
    if objections:
        logger.info("contacts suppressed", extra={"reported": len(objections), "added": added})
    return added


def _recipients(sends: Iterable[int]) -> set[Contact]:
    found = Send.objects.filter(pk__in=sends).values_list(
        "channel", "member__phone", "member__email"
    )
    contacts = {
        Contact(Channel(channel), phone if channel == Channel.SMS else email)
        for channel, phone, email in found
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
