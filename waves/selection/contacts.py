"""Where a fan is reached: the newest registrant's contact, the score row's where there is none, as
today's lists and options judge it, and where it is not suppressed. [W-5, N-8]

All fans are judged by their contacts and few are selected, so contacts are not kept in memory but
read again for the selected, in the same snapshot.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from campaigns.models import ScoreFile
from campaigns.scoring.outcomes import Rules, judge_contacts
from operations.database.copying import nullable_frame_of
from operations.database.statements import looking_up
from waves.suppression.contacts import FANS_CONTACT, without_suppressed
from waves.suppression.hashing import hashed

_CONTACT: Final = """
    its.email, its.phone, its.confirmed, no_email.contact IS NOT NULL, no_sms.contact IS NOT NULL
"""
# Of the few who are selected each is looked up: they are read in parts, and every part would read
# the whole list. One entry of several is enough; and LIMIT keeps the planner from reading the whole
# list at once instead of asking the index for each fan.
_ON_THE_LIST = """
LEFT JOIN LATERAL (
    SELECT listed.contact FROM waves_suppression listed
    WHERE listed.contact = encode({hashed}, 'hex')::uuid AND listed.lifted_at IS NULL
        AND (listed.campaign_id IS NULL OR listed.campaign_id = %(campaign)s)
    LIMIT 1
) AS {name} ON true
"""
_ASKED = "".join(
    _ON_THE_LIST.format(name=name, hashed=hashed(channel, contact))
    for name, channel, contact in (
        ("no_email", "'email'", "its.email"),
        ("no_sms", "'sms'", "its.phone"),
    )
)
_SELECTED = """
SELECT score.global_user_id, score.band_score, COALESCE(NULLIF(fan.member_id, ''), score.member_id),
    fan.language,
"""
_FROM = """
FROM unnest(%(fans)s::text[]) AS selected (fan)
JOIN campaigns_fanscore AS score ON score.score_file_id = %(score_file)s
    AND score.global_user_id = selected.fan
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = selected.fan
"""
CONTACTS = "".join((_SELECTED, _CONTACT, _FROM, FANS_CONTACT, _ASKED))
_SCHEMA: Final[dict[str, Any]] = {
    "global_user_id": pl.String,
    "band_score": pl.Float64,
    "member_id": pl.String,
    "language": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "confirmed": pl.String,
    "email_suppressed": pl.String,
    "phone_suppressed": pl.String,
}
AT_ONCE = 10_000
_ANSWERS = ("confirmed", "email_suppressed", "phone_suppressed")


def contacts_of(score_file: ScoreFile, rules: Rules, fans: pl.Series) -> pl.DataFrame:
    """`global_user_id`, `band_score`, `member_id`, `language`, `email` and `phone` of these fans of
    the score file, in no order. The last four are empty where unknown, not usable or suppressed.
    """
    numbers = {"campaign": score_file.campaign_id, "score_file": score_file.pk}
    ordered = fans.sort()  # neighbours share pages of the indexes
    parts = (ordered[at : at + AT_ONCE] for at in range(0, max(len(fans), 1), AT_ONCE))
    # else PostgreSQL may read all fans for each part: 9 times the work, with 500,000 of them
    with looking_up():
        found = [nullable_frame_of(CONTACTS, _SCHEMA, fans=p.to_list(), **numbers) for p in parts]
    return judged_as_stored(pl.concat(found).with_columns(pl.col(_ANSWERS) == "t"), rules).select(
        "global_user_id",
        "band_score",
        pl.col("member_id", "language", "email").fill_null(""),
        pl.when("usable_phone").then("phone").otherwise(pl.lit("")).alias("phone"),
    )


def judged_as_stored(fans: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What `judge_contacts` says of contacts that are stored: `email`, `phone`, and as Boolean
    `confirmed`, `email_suppressed`, `phone_suppressed`. A suppressed one is null or not usable, and
    who has no other has that reason. [N-8]
    """
    judged = judge_contacts(
        fans.with_columns(
            # Phones are stored in E.164, so the country they are read with does not matter.
            pl.lit(rules.home_countries[0]).alias("country"),
            pl.lit(None, pl.String).alias("known_phone"),
        ),
        rules,
    )
    return without_suppressed(judged)
