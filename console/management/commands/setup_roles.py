"""`setup_roles`: the five roles as groups."""

from __future__ import annotations

from typing import Any

from console.roles import setup_roles
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Create or correct the groups viewer, operator, approver, analyst and administrator."
    permissions = ("auth.change_group",)
    needs_person = False  # a deployment runs it before there is anybody
    leaves_name = False

    def run(self, **options: Any) -> dict[str, Any]:
        return {"roles": setup_roles()}
