"""What each role may do, in words, as the groups hold it now. [O-5]"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from console.people.accounts import ROLE_NAMES
from console.roles import ADMINISTRATOR, SUMMARIES

# Rights on rows that no page adds, changes or deletes: only administrators hold them.
VERBS = ("add_", "change_", "delete_", "view_")

# What pages do with the rights whose names say it badly.
WORDS = {
    "add_merge": "Merge the lake by hand",
    "change_deadletter": "Replay dead letters",
    "add_eventupload": "Upload change events",
    "change_errorfile": "Repair and replay error files",
    "view_personaldataaccess": "See the personal data log",
    "view_erasure": "See receipts of erasures",
}


def summaries() -> list[tuple[str, str]]:
    """(role, what it is for)."""
    return [(role, SUMMARIES[role]) for role in ROLE_NAMES]


def by_role() -> list[dict[str, Any]]:
    """The groups of the menu, each with its rights beside seeing: (words, [whether each role has
    it]).
    """
    holders = {
        role: set(Group.objects.filter(name=role).values_list("permissions", flat=True))
        for role in ROLE_NAMES
    }
    below = set().union(*(holders[role] for role in ROLE_NAMES if role != ADMINISTRATOR))
    found: dict[str, list[tuple[str, list[bool]]]] = {}
    for right in _rights(below):
        label = str(apps.get_app_config(right.content_type.app_label).verbose_name)
        words = right.name.removeprefix("Can ")
        words = WORDS.get(right.codename) or words[:1].upper() + words[1:]
        held = [right.pk in holders[role] for role in ROLE_NAMES]
        found.setdefault(label, []).append((words, held))
    return [{"label": label, "rights": rights} for label, rights in found.items()]


def _rights(held: set[int]) -> list[Permission]:
    """Those that some role below the administrator's holds, seeing aside, and those of a name of
    their own.
    """
    ours = Q(
        content_type__app_label__in=[
            "campaigns",
            "waves",
            "stats",
            "datalake",
            "demand",
            "operations",
        ]
    )
    ours |= Q(content_type__app_label__in=["console", "auth"])
    rows = Permission.objects.filter(ours).select_related("content_type").order_by("pk")
    return [
        row
        for row in rows
        if (row.pk in held and not row.codename.startswith("view_"))
        or not row.codename.startswith(VERBS)
        or row.codename in ("view_personal_data", "view_personaldataaccess", "view_erasure")
    ]
