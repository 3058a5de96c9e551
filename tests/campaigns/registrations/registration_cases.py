"""Registration files received and imported, and what came of them."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from campaigns.models import Campaign, Registrant, RegistrationImport
from campaigns.registrations import imports
from datalake import streams
from datalake.choices import StreamName
from datalake.streams.batches import unpack_records
from tests.support.campaigns import in_memory


def at(day: int) -> str:
    return f"2026-01-{day:02d}T10:00:00Z"


def receive(campaign: Campaign, content: bytes) -> RegistrationImport:
    return imports.receive(campaign, "registrations", in_memory(content), by=None)


def process(found: RegistrationImport) -> RegistrationImport:
    return imports.process(imports.open_job(found, by=None).pk)


def published() -> list[dict]:
    batches = streams.read(StreamName.INPUT, 1, 10_000)
    return [record for batch in batches for record in unpack_records(batch.payload)]


def reasons(found: RegistrationImport) -> list[tuple[int, str]]:
    return list(found.rejected_rows.order_by("line").values_list("line", "reason"))


def from_elsewhere(campaign: Campaign, number: int = 1, **changes) -> dict:
    return {
        "type": "registration",
        "date": {"created": "2026-01-06T10:00:00.000Z"},
        "campaignId": campaign.campaign_id,
        "globalUserId": f"fan-{number}",
        "marketId": "east",
        "email": f"fan{number}@mail.example",
        "phone": "+12065550100",
        "tags": [],
    } | changes


def unpublished(campaign: Campaign) -> QuerySet[Registrant]:
    """Registrants whose records are not on the stream yet, and did not come from it."""
    behind = Q(id__gt=F("published_by__published_to"))
    return Registrant.objects.filter(behind, campaign=campaign)
