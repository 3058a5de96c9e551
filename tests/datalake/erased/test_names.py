"""Names of erased fans by campaign. [X-11, S-8]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.draw import Draw, fan_refs
from datalake.erased.fans import mark
from datalake.erased.names import name_of
from tests.support.campaigns import SALT, SEED, make_campaign

pytestmark = pytest.mark.django_db


def test_x11_in_a_campaign_the_name_has_the_reference_of_its_proof_and_elsewhere_a_keyed_hash():
    mark("fan-7")
    campaign = make_campaign()
    draw = Draw(campaign.campaign_id, SEED, SALT)
    assert name_of(campaign.campaign_id, "fan-7", 2) == f"erased:{draw.fan_ref('fan-7')}.2"
    # a campaign that is not open has no salt: nobody may make its name from ids either
    draft = make_campaign(opened=False).campaign_id
    elsewhere = {name_of(each, "fan-7", 1) for each in ("elsewhere", "nowhere", draft)}
    assert len(elsewhere) == 3
    (guessed,) = fan_refs(b"", pl.Series(["fan-7"]))
    assert f"erased:{guessed}.1" not in elsewhere
    assert name_of("elsewhere", "fan-7", 1) in elsewhere
