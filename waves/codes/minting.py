"""Own codes: minted, and stored by the million. [K-1]

What costs beside the codes themselves, measured in bare COPYs of as many under the same unique
index: foreign keys 1.7 (there are none), INSERT of arrays instead of COPY 1, codes that are not in
the order of the index 0.5, one more index of each campaign's codes 0.3 (there is none).
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import polars as pl
from django.db import IntegrityError, transaction
from psycopg import sql

from campaigns.models import Campaign
from operations.database.copying import copy_plain
from operations.database.statements import run
from waves.models import Code

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

# The largest multiple of the alphabet's size below 256: larger bytes are thrown away, so that every
# sign is as likely.
_FAIR_BYTES: Final = 256 - 256 % len(ALPHABET)
_SIGNS: Final = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
_TABLE: Final = Code._meta.db_table
_BESIDE: Final = "minted_codes"


def mint(count: int, *, prefix: str, length: int) -> list[str]:
    """`count` different codes: the prefix and `length` signs, from the system's cryptographic
    generator. [K-1]
    """
    minted: dict[str, None] = {}  # in the order of minting, whatever the hashes are
    while len(minted) < count:
        signs = np.empty(0, dtype=np.uint8)
        wanted = (count - len(minted)) * length
        while len(signs) < wanted:
            noise = np.frombuffer(secrets.token_bytes(wanted + wanted // 8 + 64), dtype=np.uint8)
            signs = np.concatenate([signs, noise[noise < _FAIR_BYTES]])
        text = _SIGNS[signs[:wanted] % len(ALPHABET)].tobytes().decode()
        minted |= dict.fromkeys(
            prefix + text[start : start + length] for start in range(0, wanted, length)
        )
    return list(minted)


def make(campaign: Campaign, rows: pl.DataFrame) -> int:
    """Mint a code for each row and store it with the row's columns (those of the code's table; what
    is left out has its default: an own code that is available); how many are stored. A code that
    exists already, or whose fan holds one of the wave, is left out. In the caller's transaction.
    [K-1, K-5]
    """
    minted = mint(rows.height, prefix=campaign.code_prefix, length=campaign.code_length)
    made = rows.with_columns(
        pl.Series("code", minted, dtype=pl.String),
        pl.lit(campaign.pk, dtype=pl.Int64).alias("campaign_id"),
    ).sort("code")  # neighbours share pages of the index, and nobody waits for two others in turn
    try:
        # nearly always none of them is there yet, and plain COPY is the fastest way in
        with transaction.atomic():
            copy_plain(_TABLE, made.columns, made)
        return made.height
    except IntegrityError:
        return _make_beside_others(made)


def _make_beside_others(made: pl.DataFrame) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, made.columns))
    names = {"columns": columns, "table": sql.Identifier(_TABLE), "beside": sql.Identifier(_BESIDE)}
    run(
        sql.SQL(
            "CREATE TEMPORARY TABLE {beside} ON COMMIT DROP AS SELECT {columns} FROM {table}"
            " WHERE false"
        ).format(**names)
    )
    copy_plain(_BESIDE, made.columns, made)
    stored = run(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {beside} ORDER BY upper(code)"
            " ON CONFLICT DO NOTHING"
        ).format(**names)
    )
    run(sql.SQL("DROP TABLE {beside}").format(**names))
    return stored
