"""How the operators' site looks, and its navigation in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _entry(title: str, icon: str, model: str) -> dict[str, Any]:
    """A line of the navigation; it shows for those who may view the model."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def _at(*names: str) -> Callable[[HttpRequest], bool]:
    """Whether a page of one of these names is open: addresses of one area begin alike, so they do
    not tell.
    """
    return lambda request: (
        request.resolver_match is not None and request.resolver_match.url_name in names
    )


def environment(request: HttpRequest) -> list[str] | None:
    """The badge beside the title: it shows whether messages go to real
    phones.
    """
    from django.conf import settings

    local = any(host in settings.SMS_URL for host in ("127.0.0.1", "localhost", "[::1]"))
    return ["Sandbox", "info"] if local else ["Live providers", "warning"]


NAVIGATION = [
    {"items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Campaigns",
        "items": [
            _entry("Campaigns", "confirmation_number", "campaigns.campaign"),
            _entry("Registration files", "how_to_reg", "campaigns.registrationimport"),
            _entry("Score files", "leaderboard", "campaigns.scorefile"),
            _entry("Fan lists", "format_list_numbered", "campaigns.fanlist"),
            _entry("List entries", "block", "campaigns.listentry"),
        ],
    },
    {
        "title": "Messaging",
        "items": [
            _entry("Waves", "waves", "waves.wave"),
            _entry("Access codes", "key", "waves.code"),
            _entry("Members", "group", "waves.member"),
            _entry("Selections", "verified", "waves.selection"),
            _entry("Messages", "sms", "waves.send"),
            _entry("Templates", "draft", "waves.template"),
            _entry("Suppressed contacts", "do_not_disturb_on", "waves.suppression")
            | {
                "link": reverse_lazy("suppressed"),
                "active": _at("suppressed", "suppressed-contact"),
            },
            {
                "title": "Find a fan",
                "icon": "person_search",
                "link": reverse_lazy("find"),
                "permission": lambda request: request.user.has_perm("campaigns.view_registrant"),
            },
            {
                "title": "Find a code",
                "icon": "manage_search",
                "link": reverse_lazy("find-code"),
                "permission": lambda request: request.user.has_perm("waves.view_member"),
            },
        ],
    },
    {
        "title": "Data",
        "items": [
            _entry("Lake", "water", "datalake.lakefile")
            | {"link": reverse_lazy("lake"), "active": _at("lake", "lake-period")},
            {
                "title": "Query the lake",
                "icon": "terminal",
                "link": reverse_lazy("query-lake"),
                "active": _at("query-lake", "lake-query"),
                "permission": lambda request: request.user.has_perm("datalake.query_lake"),
            },
            _entry("Lake files", "database", "datalake.lakefile"),
            _entry("Lake partitions", "calendar_month", "datalake.lakepartition"),
            _entry("Parity", "balance", "datalake.parityresult")
            | {"link": reverse_lazy("parity"), "active": _at("parity")},
            _entry("Merges", "merge", "datalake.merge"),
            _entry("Dead letters", "unsubscribe", "datalake.deadletter")
            | {"link": reverse_lazy("dead-letters"), "active": _at("dead-letters", "dead-letter")},
            _entry("Queue messages", "outbox", "datalake.queuemessage"),
        ],
    },
    {
        "title": "Demand",
        "items": [
            _entry("Demand archive", "monitoring", "demand.batch")
            | {
                "link": reverse_lazy("demand"),
                "active": _at("demand"),
            },
            _entry("Find a demand record", "search", "demand.currentrecord")
            | {
                "link": reverse_lazy("demand-find"),
                "active": _at("demand-find", "demand-record"),
            },
            _entry("Error files", "error", "demand.errorfile")
            | {
                "active": _at(
                    "demand_errorfile_changelist", "demand-error-file", "repair-demand-errors"
                )
            },
            _entry("Event uploads", "upload_file", "demand.eventupload")
            | {"active": _at("demand_eventupload_changelist", "demand-upload", "upload-demand")},
            _entry("Batches", "stacks", "demand.batch"),
            _entry("Selected events", "event_available", "demand.selectedevents"),
        ],
    },
    {
        "title": "System",
        "items": [
            _entry("Jobs", "settings", "operations.job"),
            _entry("Services", "monitor_heart", "operations.job")
            | {"link": reverse_lazy("services"), "active": _at("services")},
            _entry("Retention", "auto_delete", "operations.pruned")
            | {"link": reverse_lazy("retention"), "active": _at("retention")},
            _entry("Alerts", "notifications", "operations.alert"),
            _entry("Providers", "cell_tower", "waves.provideraccount")
            | {"link": reverse_lazy("providers")},
            {
                "title": "Success metrics",
                "icon": "speed",
                "link": reverse_lazy("success-metrics"),
                "permission": lambda request: request.user.has_perm("stats.view_metric"),
            },
            _entry("History", "history", "operations.statuschange"),
        ],
    },
    {
        "title": "People",
        "items": [
            _entry("Users", "person", "auth.user")
            | {"active": _at("auth_user_changelist", "user", "invite-user")},
            _entry("Roles", "badge", "auth.group")
            | {"link": reverse_lazy("roles"), "active": _at("roles")},
            _entry("Personal data log", "visibility", "console.personaldataaccess"),
            _entry("Erasures", "person_off", "console.erasure"),
        ],
    },
]

UNFOLD = {
    "LOGIN": {"form": "console.sign_in.forms.SignInForm"},
    "SITE_TITLE": "Fairwave",
    "SITE_HEADER": "Fairwave",
    "SITE_SUBHEADER": "Fair ticket presales",
    "SITE_SYMBOL": "waves",
    "SITE_URL": "/admin/",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("fairwave/icon.svg"),
        },
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "fairwave.theme.environment",
    "DASHBOARD_CALLBACK": "console.dashboard.add_dashboard",
    "STYLES": [lambda request: static("fairwave/console.css")],
    "SCRIPTS": [lambda request: static("fairwave/countdown.js")],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        # A calm teal: readable on white and on black, and not a colour that means a state.
        "primary": {
            "50": "oklch(98% .014 200)",
            "100": "oklch(95% .03 200)",
            "200": "oklch(90% .055 200)",
            "300": "oklch(83% .085 202)",
            "400": "oklch(74% .105 205)",
            "500": "oklch(63% .11 208)",
            "600": "oklch(51% .095 212)",
            "700": "oklch(44% .08 215)",
            "800": "oklch(38% .065 217)",
            "900": "oklch(33% .055 220)",
            "950": "oklch(24% .045 222)",
        },
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
