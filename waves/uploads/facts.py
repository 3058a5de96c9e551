"""What is known of the rows of an uploaded list before they are judged: who was erased, other
waves, held codes, whose the given codes are, and whether the given contacts are suppressed. [W-3,
K-6, N-8, X-11]
"""

from __future__ import annotations

import polars as pl
from django.db import transaction

from campaigns.contacts.emails import check_emails
from campaigns.contacts.phones import check_phones
from datalake.erased.fans import known
from operations.database.copying import copy_nullable, nullable_frame_of
from operations.database.statements import run
from waves.models import Wave
from waves.selection.past_holders import past_holders
from waves.suppression.contacts import NO_LISTS
from waves.suppression.hashing import hashed
from waves.uploads.rows import FACTS

_STAGE = """
CREATE TEMPORARY TABLE wave_list
    (line bigint, fan text, market text, code text, email text, phone text) ON COMMIT DROP
"""
_SUPPRESSED = """EXISTS (
    SELECT FROM waves_suppression listed
    WHERE listed.contact = encode({hashed}, 'hex')::uuid AND listed.lifted_at IS NULL
        AND (listed.campaign_id IS NULL OR listed.campaign_id = %(campaign)s))"""
# A code that is reserved for this very wave is one that an earlier attempt took.
_FACTS = f"""
SELECT staged.line, (fan.id IS NOT NULL)::text, coalesce(fan.phone, ''),
    coalesce(fan.phone_confirmed, false)::text,
    (taken.id IS NOT NULL)::text, (held.id IS NOT NULL)::text,
    CASE WHEN code.id IS NULL THEN ''
        WHEN code.campaign_id <> %(campaign)s THEN 'other_campaign'
        WHEN code.only_market_id <> market.id THEN 'other_market'
        WHEN code.state = 'available' OR code.state = 'reserved' AND code.wave_id = %(wave)s
            THEN 'free'
        ELSE 'taken' END,
    {_SUPPRESSED.format(hashed=hashed("'email'", "staged.email"))}::text,
    {_SUPPRESSED.format(hashed=hashed("'sms'", "staged.phone"))}::text,
    (extract(epoch FROM fan.changed_at) * 1000000)::bigint
FROM wave_list AS staged
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = staged.fan
LEFT JOIN waves_member AS taken ON taken.campaign_id = %(campaign)s AND taken.wave_live
    AND taken.reassigned_id IS NULL
    AND taken.global_user_id = staged.fan AND taken.wave_id <> %(wave)s
LEFT JOIN waves_assignment AS held
    ON held.campaign_id = %(campaign)s AND held.global_user_id = staged.fan
LEFT JOIN campaigns_market AS market
    ON market.campaign_id = %(campaign)s AND market.market_id = staged.market
LEFT JOIN waves_code AS code ON staged.code <> '' AND upper(code.code) = upper(staged.code)
"""  # noqa: S608 the parts are constants
_TEXTS = {
    name: pl.String if kind == pl.Boolean else kind
    for name, kind in FACTS.items()
    if name != "erased"
} | {"changed_us": pl.Int64}


@transaction.atomic
def facts_of(wave: Wave, rows: pl.DataFrame) -> pl.DataFrame:
    """FACTS of these rows of the wave's list. The caller holds the campaign's selection, so no
    other wave takes their fans meanwhile.
    """
    run(_STAGE)
    home = wave.campaign.home_countries[0]
    staged = rows.select(
        "line",
        pl.col("global_user_id").alias("fan"),
        pl.col("market_id").alias("market"),
        "code",
        check_emails(rows["email"], NO_LISTS)["email"],
        check_phones(
            rows["phone"], pl.Series([home] * len(rows), dtype=pl.String), default_region=home
        )["phone"],
    )
    copy_nullable("wave_list", staged)
    run("ANALYZE wave_list")
    found = nullable_frame_of(_FACTS, _TEXTS, campaign=wave.campaign_id, wave=wave.pk)
    run("DROP TABLE wave_list")
    flags = [name for name, kind in FACTS.items() if kind == pl.Boolean and name != "erased"]
    found = found.with_columns(
        pl.col(flags) == "true", pl.col("known_phone", "standing").fill_null("")
    )
    return _with_erased(wave, rows.select("line", "global_user_id").join(found, on="line"))


def _with_erased(wave: Wave, found: pl.DataFrame) -> pl.DataFrame:
    """Who was erased, and has not registered again; and of who has, what they had before. [X-11]"""
    erased = known()
    changed = pl.from_epoch(found["changed_us"].fill_null(0), time_unit="us")
    gone = erased.since(found["global_user_id"], changed.dt.replace_time_zone("UTC"))
    past = past_holders(wave.campaign, erased, wave_id=wave.pk)
    return past.counted(found.with_columns(gone)).select(*FACTS)
