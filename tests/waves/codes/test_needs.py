"""Whether there are enough codes. [K-4]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, person, request
from tests.waves.codes.imported import imported
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview


@pytest.mark.django_db
def test_k4_without_a_service_too_few_imported_codes_are_refused_at_the_preview_already():
    campaign = campaign_with(30, {"east": 4, "west": 4}, code_source="partner")
    imported(campaign, "E1", "E2", market="east")
    imported(campaign, *(f"ANY{n}" for n in range(5)))
    said = str(preview(request(campaign), now=NOW).refusal)
    assert "market west: 4 codes are needed, and 3 found" in said
    assert "CODE_SERVICE_URL" in said
    imported(campaign, "W1", market="west")
    assert not preview(request(campaign), now=NOW).refusal
    assert prepare(request(campaign), by=person("ann"), now=NOW).codes["reserved"] == 8
