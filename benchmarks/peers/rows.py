"""What every peer is given: the well-formed rows of a score file, and a partition of all scores,
indexed from the start.
"""

from __future__ import annotations

import phonenumbers
from django.db import connection

from campaigns.models import FanScore


def empty_partition(score_file_id: int) -> None:
    """A partition for rows of this number, which no score file has."""
    with connection.cursor() as cursor:
        table = f"campaigns_fanscore_peer_{abs(score_file_id)}"
        cursor.execute(
            f"CREATE TABLE {table} PARTITION OF campaigns_fanscore FOR VALUES IN ({score_file_id})"
        )


def blank_score(score_file_id: int) -> FanScore:
    """A row without a fan. A peer judges no e-mails and draws nothing: what we work out is a
    constant for it.
    """
    return FanScore(
        score_file_id=score_file_id,
        line=0,
        phone_region="",
        band="low",
        band_score=0.5,
        luck=0,
        tags="",
        preferences="",
    )


def e164(written: str, country: str) -> str:
    """The phone in E.164, empty if phonenumbers does not find it valid; phonenumbers called
    directly, number by number.
    """
    try:
        number = phonenumbers.parse(written, country or "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
