"""What a pre-flight finds around a wave where nothing is wrong. [X-6]"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from operations.services import heartbeats
from operations.services.heartbeats import ServiceState
from waves.preflight.surroundings import Surroundings
from waves.providers.outcomes import Health

RUNNING = [ServiceState(name, living=1) for name in heartbeats.EXPECTED]
WELL = Health(is_well=True, detail="answers")


def found(**values: Any) -> Surroundings:
    """All is well but what `values` say."""
    well: dict[str, Any] = {
        "services": RUNNING,
        "health": {},
        "slack": True,
        "site_url": "https://presale.example",
    }
    return Surroundings(**well | values)


def all_well(channels: Sequence[str], *, partner_codes: bool) -> Surroundings:
    return found(health=dict.fromkeys(channels, WELL), code_service=WELL if partner_codes else None)
