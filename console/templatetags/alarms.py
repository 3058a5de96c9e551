"""The red bar on every page of the site: what everybody has to know now. [N-6, X-5]"""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context

from waves import alarms

register = template.Library()
CACHED = "_standing_alarms"
MOST_WAVES = 3  # each with a bar of its own, so that a phone still shows the page below them


@register.inclusion_tag("console/parts/alarms.html", takes_context=True)
def standing_alarms(context: Context, *, live: bool = False) -> dict[str, Any]:
    """Asked once for a request, of who may see waves; `live`: it takes the place of the bar that
    the page has. Stopped accounts come before waves; waves after the first few are folded.
    """
    request: HttpRequest = context["request"]
    user = getattr(request, "user", None)
    if user is None or not user.has_perm("waves.view_wave"):
        return {"alarms": [], "more": [], "live": live}
    if not hasattr(request, CACHED):
        setattr(request, CACHED, alarms.standing())
    found: list[alarms.Alarm] = getattr(request, CACHED)
    shown = sum(alarm.kind == "account" for alarm in found) + MOST_WAVES
    return {
        "alarms": found[:shown],
        "more": found[shown:],
        "live": live,
        "perms": context.get("perms"),
    }
