"""Files in the scoring bucket that an erasure passes over, by the keys that the rows of waves name:
an earlier attempt's, or a list that another has replaced, is looked into. [X-11, W-3, O-6]
"""

from __future__ import annotations

from collections.abc import Iterator

from datalake.erased.erasing import Sought
from waves.erasure.rows import is_new
from waves.models import Wave
from waves.naming import zip_key
from waves.preparation.wave_files import SmsWaveKeys

_NAMED = ("zip_key", "candidates_key", "waiting_key", "facts_key", "rejected_key", "upload__key")


def new_keys(sought: Sought) -> Iterator[str]:
    """Of waves that were prepared after the erasure was asked for: their files have the fan only if
    they had registered again.
    """
    waves = Wave.objects.filter(is_new(sought))
    named = waves.values_list("name", "campaign__campaign_id", "date_key", *_NAMED)
    for name, campaign_id, date_key, *keys in named:
        yield from filter(None, keys)
        yield zip_key(campaign_id, date_key)
        yield from (SmsWaveKeys(name).members, SmsWaveKeys(name).rejected)
