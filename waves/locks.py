"""The second step of the one order of locks, campaign → wave → rows by primary key: see
`campaigns.locks`.
"""

from __future__ import annotations

from campaigns.locks import lock_campaign
from waves.models import Wave


def lock_wave(wave_pk: int) -> Wave:
    """The wave as it is now, with its campaign, both locked until the transaction ends: first the
    campaign, then the wave. Who locks members, messages or codes as well does so after this, in the
    order of their keys.
    """
    campaign_pk = Wave.objects.values_list("campaign_id", flat=True).get(pk=wave_pk)
    campaign = lock_campaign(campaign_pk)
    wave = Wave.objects.select_for_update(no_key=True).get(pk=wave_pk)
    wave.campaign = campaign
    return wave
