"""What the registrants among some fans said, fetched by the ten thousand. [C-4]"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from psycopg import sql

from campaigns.models import Campaign, Registrant
from operations.database.copying import frame_of

# fans; asked for many more, PostgreSQL reads all registrants instead of the few
ASKED_AT_ONCE = 10_000
QUERY = """SELECT global_user_id, {} FROM campaigns_registrant
           WHERE campaign_id = {} AND global_user_id = ANY(%(ids)s)"""


def registrants_of(
    campaign: Campaign, ids: pl.Series, columns: Mapping[str, sql.SQL]
) -> pl.DataFrame:
    """Those of these fans who registered: `global_user_id` and these columns (name → SQL), all
    String.
    """
    schema = dict.fromkeys(("global_user_id", *columns), pl.String)
    found = [pl.DataFrame(schema=schema)]
    if Registrant.objects.filter(campaign=campaign).exists():
        query = sql.SQL(QUERY).format(sql.SQL(", ").join(columns.values()), campaign.pk)
        found += [
            frame_of(query, schema, ids=some.to_series().to_list())
            for some in ids.unique().to_frame().iter_slices(ASKED_AT_ONCE)
        ]
    return pl.concat(found)
