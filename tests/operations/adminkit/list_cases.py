"""Lists of the admin and who may see them."""

from __future__ import annotations

import re

ALL_VIEWS = (
    "campaigns.view_registrant",
    "campaigns.view_campaign",
    "waves.view_code",
    "waves.view_member",
    "waves.view_send",
)


MORE = (
    "operations.view_job",
    "operations.view_alert",
    "operations.view_statuschange",
    "datalake.view_lakefile",
)


VIEWS = (*ALL_VIEWS, *MORE, "datalake.view_deadletter", "console.view_personaldataaccess")


REGISTRANTS = "/admin/campaigns/registrant/"


def fans_on(html: str) -> list[str]:
    return re.findall(r"fan-\d{6}", re.sub(r"<script.*?</script>", "", html, flags=re.S))
