"""Whether the wave itself is ready: its second count and its notify date. [X-6, X-14]"""

from __future__ import annotations

from datetime import datetime

from waves.models import Wave
from waves.naming import GRACE
from waves.preflight.check import Check, Color
from waves.second_count.verdict import Standing, standing

COUNT, NOTIFY_DATE = "Second count", "Notify date"


def judge_count(wave: Wave) -> Check:
    """No waiver helps without it: the approval asks again. [X-14]"""
    found = standing(wave)
    if found == Standing.AGREES:
        return Check(COUNT, Color.GREEN, "It agrees.")
    if found == Standing.DIFFERS:
        return Check(COUNT, Color.RED, "It differs. Reset the wave and prepare it again.")
    return Check(
        COUNT, Color.YELLOW, "It is not finished. The wave can be approved when it agrees."
    )


def judge_notify_date(notify_date: datetime, now: datetime) -> Check:
    """Yellow where it is past for less than the scheduler's grace: the wave would be sent at once;
    red after that: it would be held. [W-11]
    """
    if notify_date > now:
        return Check(NOTIFY_DATE, Color.GREEN, "It is in the future.")
    if notify_date + GRACE > now:
        return Check(
            NOTIFY_DATE,
            Color.YELLOW,
            "It is past: the wave is sent as soon as it is scheduled.",
        )
    return Check(NOTIFY_DATE, Color.RED, "It is past. Change the notify date.")
