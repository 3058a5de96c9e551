"""The second step of the one order of locks, campaign → wave → rows by primary key: see
`campaigns.locks`.
"""

from __future__ import annotations

from campaigns.locks import lock_campaign
from campaigns.models import Campaign
from operations.database.locks import lock_in_transaction
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


def try_lock_wave(wave: Wave) -> Wave | None:
    """As `lock_wave`, but None at once where somebody else holds the campaign or the wave: a wave
    that is due does not wait behind another one's.
    """
    campaigns = Campaign.objects.select_for_update(no_key=True, skip_locked=True)
    campaign = campaigns.filter(pk=wave.campaign_id).first()
    if campaign is None:
        return None
    waves = Wave.objects.select_for_update(no_key=True, skip_locked=True)
    locked = waves.filter(pk=wave.pk).first()
    if locked is not None:
        locked.campaign = campaign
    return locked


def lock_selections() -> None:
    """Nobody else passes on or saves selections until the transaction ends. Who erases a fan takes
    it before any row of the fan's, and then finds all that was saved of them. [T-4, X-11]
    """
    lock_in_transaction("selections")
