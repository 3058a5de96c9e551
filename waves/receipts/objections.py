"""What fans and networks object to, as providers report it: hard bounces, complaints, opt-outs.
[N-8]
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from waves.providers.outcomes import InboundText, Objection

logger = logging.getLogger(__name__)


def note(
    provider: str, objections: Sequence[tuple[int, Objection]], texts: Sequence[InboundText]
) -> None:
    """Objections by the id of their message (`Send`), and texts from fans. The same ones may come
    again. Called in the transaction that applies the receipts, whose messages are locked.
    """
    if objections or texts:
        logger.info(
            "objections",
            extra={"provider": provider, "objections": len(objections), "texts": len(texts)},
        )
