"""Dead letters of several consumers, places and reasons."""

from __future__ import annotations

from typing import Any

from datalake.models import DeadLetter


def a_letter(error: str = "campaignId: missing", **values: Any) -> DeadLetter:
    number = DeadLetter.objects.count() + 1
    about = {"consumer": "lake", "source": "input", "position": number, "index": 0}
    created = values.pop("created_at", None)
    letter = DeadLetter.objects.create(**about | {"error": error, "record": "{}"} | values)
    if created:
        DeadLetter.objects.filter(pk=letter.pk).update(created_at=created)
    return letter
