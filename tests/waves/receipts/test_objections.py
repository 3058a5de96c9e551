"""Objections and texts are passed on. [N-8]"""

from __future__ import annotations

import logging

from waves.providers.outcomes import InboundText, Objection
from waves.receipts import objections


def test_n8_objections_are_logged_by_their_number_and_nothing_personal(caplog):
    with caplog.at_level(logging.INFO, logger="waves.receipts.objections"):
        objections.note("twilio", [], [])
        objections.note(
            "twilio", [(7, Objection.COMPLAINT)], [InboundText("+12025550100", "STOP", "SM1")]
        )
    [record] = caplog.records
    assert (record.provider, record.objections, record.texts) == ("twilio", 1, 1)
    assert "2025550100" not in str(vars(record))
