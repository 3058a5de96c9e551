"""The five roles, as groups with permissions. `setup_roles` brings the groups to what is written
here. [O-5]

Two rights never meet in one role below the administrator's: who prepares waves does not approve
them. The database refuses a wave approved by whoever prepared it, whatever rights that person has.
[W-10]
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from campaigns.rights import LATE

# every view permission of these apps
LOOKED_AT = ("operations", "datalake", "demand", "campaigns", "waves", "stats")
CONFIGURED = ("campaign", "market", "listentry", "fanlist", "template")

VIEWER: frozenset[str] = frozenset()
OPERATOR = frozenset(
    {
        "campaigns.process_scores",
        "campaigns.activate_scores",
        "campaigns.import_registrations",
        "campaigns.archive_campaign",
        "campaigns.enter_entropy",
        "campaigns.move_entropy_source",
        "campaigns.view_personal_data",
        "campaigns.export_personal_data",
        "datalake.add_merge",
        "datalake.change_deadletter",
        "demand.add_eventupload",
        "demand.change_errorfile",
        "waves.prepare_wave",
        "waves.import_codes",
        "waves.add_suppression",
        "waves.change_suppression",
        "waves.upload_wave",
        LATE["wave_rules"],
        "waves.schedule_wave",
        "waves.send_wave",
        "waves.resend_code",
        "waves.stop_all",
    }
)
# a wave's own rule is given by who prepares it, and approved by another person as all of the wave
APPROVER = frozenset(
    {"campaigns.view_personal_data", "waves.approve_wave", "waves.stop_all", *LATE.values()}
    - {LATE["wave_rules"]}
)
ANALYST = frozenset(
    {"console.view_personaldataaccess", "console.view_erasure", "datalake.query_lake"}
)

ROLES: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "approver": APPROVER,
    "analyst": ANALYST,
}
ADMINISTRATOR = "administrator"
SUMMARIES: dict[str, str] = {
    "viewer": "sees everything; personal data is masked",
    "operator": "edits campaigns, uploads files, prepares and sends waves; sees personal data",
    "approver": "approves waves, makes late changes; sees personal data",
    "analyst": "sees everything, also the personal data log and erasures; queries the lake in SQL",
    ADMINISTRATOR: "may do everything, also invite users and give roles",
}


def setup_roles() -> dict[str, int]:
    """Create or correct the groups. Returns how many permissions each role has; users keep their
    groups.
    """
    everything = {f"{app}.{codename}": pk for pk, app, codename in _permissions()}
    looking = {
        name
        for name in everything
        if name.split(".")[0] in LOOKED_AT and name.split(".")[1].startswith("view_")
    }
    looking -= {"campaigns.view_personal_data"}
    configuring = {name for name in everything if _configures(name)}
    counts = {}
    for role, own in ROLES.items():
        wanted = looking | own | (configuring if role == "operator" else set())
        counts[role] = _set(role, [everything[name] for name in wanted if name in everything])
    counts[ADMINISTRATOR] = _set(ADMINISTRATOR, list(everything.values()))
    return counts


def _permissions() -> list[tuple[int, str, str]]:
    ours = Q(content_type__app_label__in=[*LOOKED_AT, "console", "auth"])
    return list(
        Permission.objects.filter(ours).values_list("pk", "content_type__app_label", "codename")
    )


def _configures(name: str) -> bool:
    verb, _, model = name.split(".")[1].partition("_")
    deletable = {"campaign", "market", "listentry", "template"}
    return model in CONFIGURED and (
        verb in {"add", "change"} or (verb == "delete" and model in deletable)
    )


def _set(role: str, permissions: list[int]) -> int:
    group, _ = Group.objects.get_or_create(name=role)
    group.permissions.set(permissions)
    return len(permissions)
