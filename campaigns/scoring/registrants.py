"""What the registrants among some fans said, fetched by the ten thousand. [C-4]"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from django.db import connection
from psycopg import sql

from campaigns.models import Campaign, Registrant
from operations.database.copying import raw_connection

# fans; asked for many more, PostgreSQL reads all registrants instead of the few
ASKED_AT_ONCE = 10_000
QUERY = """COPY (SELECT global_user_id, {} FROM campaigns_registrant
                 WHERE campaign_id = {} AND global_user_id = ANY(%s)) TO STDOUT (FORMAT csv)"""


def registrants_of(
    campaign: Campaign, ids: pl.Series, columns: Mapping[str, sql.SQL]
) -> pl.DataFrame:
    """Those of these fans who registered: `global_user_id` and these columns (name → SQL), all
    String.
    """
    names = ("global_user_id", *columns)
    found = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
    if Registrant.objects.filter(campaign=campaign).exists():
        query = sql.SQL(QUERY).format(sql.SQL(", ").join(columns.values()), campaign.pk)
        for some in ids.unique().to_frame().iter_slices(ASKED_AT_ONCE):
            if answer := _copied(query, some.to_series().to_list()):
                people = pl.read_csv(
                    answer, has_header=False, infer_schema=False, empty_string_is_null=False
                )
                found.append(people.rename(dict(zip(people.columns, names, strict=True))))
    return pl.concat(found)


def _copied(query: sql.Composed, ids: list[str]) -> bytes:
    with (
        connection.wrap_database_errors,
        raw_connection().cursor() as cursor,
        cursor.copy(query, [ids]) as answer,
    ):
        return b"".join(bytes(piece) for piece in answer)
