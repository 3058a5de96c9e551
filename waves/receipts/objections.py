"""What fans and networks object to, as providers report it, goes on the suppression list: hard
bounces, complaints, opt-outs. [N-8]
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence

from waves.choices import SuppressedBy
from waves.providers.outcomes import InboundText, Objection
from waves.suppression.reports import follow_wishes, suppress_recipients
from waves.suppression.stop_words import Wish, wish_of

logger = logging.getLogger(__name__)


def note(
    provider: str, objections: Sequence[tuple[uuid.UUID, Objection]], texts: Sequence[InboundText]
) -> None:
    """Objections by the key of their message, and texts from fans, of which the last one of
    a number counts that asks for something. The same ones may come again. Called in the transaction
    that applies the receipts, whose messages are locked.
    """
    suppress_recipients([(send, SuppressedBy(each.value)) for send, each in objections])
    wishes = ((each.number, Wish.STOP if each.is_stop else wish_of(each.text)) for each in texts)
    follow_wishes({number: wish for number, wish in wishes if wish})
    if objections or texts:
        logger.info(
            "objections",
            extra={"provider": provider, "objections": len(objections), "texts": len(texts)},
        )
