"""Which records took effect already: what turns delivery at least once into effect once. [T-1]

One row of some 60 bytes and one index entry a record, entered by COPY. A claim's records are
entered before its work, under the claim's number: a repeat of the same claim finds its own rows and
comes to the same answer, another claim finds duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
from django.db import IntegrityError, connection, transaction

from datalake.models import SeenRecord
from operations.database.copying import copy_pieces
from operations.database.statements import looking_up, unhurried

# a uuid holds 128 bits; the last ones, in which hashes differ that other services number by hand
_DIGEST_DIGITS = 32


def digest_of(dedupe_hash: str) -> str:
    """The part of a dedupeHash that is kept, as hex digits."""
    return dedupe_hash[-_DIGEST_DIGITS:]


def mark(consumer: str, hashes: pl.Series, claim: int) -> pl.Series:
    """Enter the dedupeHashes for the claim. Returns a mask, in their order: true where the record
    takes effect with this claim.

    False: it did with another claim, or is earlier in `hashes`.
    """
    digests = hashes.str.slice(-_DIGEST_DIGITS).alias("digest")
    mask = digests.is_first_distinct()
    # one order for all: no deadlocks, and neighbours share index pages
    distinct = digests.filter(mask).sort()
    others = _enter(consumer, distinct, claim)
    return mask & ~digests.is_in(others) if others else mask


def of_claim(consumer: str, hashes: pl.Series, claim: int) -> pl.Series:
    """What `mark` answered for these dedupeHashes; of identities that are kept no more, it is taken
    that they were the claim's.
    """
    digests = hashes.str.slice(-_DIGEST_DIGITS).alias("digest")
    mask = digests.is_first_distinct()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM datalake_seenrecord WHERE consumer = %s AND claim <> %s"
            " AND digest = ANY(%s::uuid[])",
            [consumer, claim, digests.filter(mask).sort().to_list()],
        )
        others = [digest.hex for (digest,) in cursor.fetchall()]
    return mask & ~digests.is_in(others)


def entered_beside(consumer: str, hashes: Iterable[pl.Series], claim: int) -> list[str]:
    """The digests that were entered for the claim and are of none of these dedupeHashes. All rows
    are read, however long that takes: the records that they came with are not to be looked at
    again, and an index of claims would make entering each record half as slow again.
    """
    kept = {digest_of(each) for series in hashes for each in series}
    entered = SeenRecord.objects.filter(consumer=consumer, claim=claim)
    with unhurried():
        digests = list(entered.values_list("digest", flat=True))
    return [each.hex for each in digests if each.hex not in kept]


def unmark(consumer: str, hashes: list[str], claim: int) -> None:
    """Take back records that the claim entered and then rejected, so that a corrected one can take
    effect.
    """
    digests = [digest_of(each) for each in hashes]
    SeenRecord.objects.filter(consumer=consumer, digest__in=digests, claim=claim).delete()


def _enter(consumer: str, digests: pl.Series, claim: int) -> list[str]:
    """Returns the digests that belong to other claims."""
    try:
        # nearly always nothing is there yet, and plain COPY is the fastest way in
        with transaction.atomic():
            _copy("datalake_seenrecord", digests, {"consumer": consumer, "claim": claim})
            return []
    except IntegrityError:
        return _enter_beside_others(consumer, digests, claim)


def _enter_beside_others(consumer: str, digests: pl.Series, claim: int) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE incoming (digest uuid) ON COMMIT DROP")
        _copy("incoming", digests, {})
        cursor.execute(
            "INSERT INTO datalake_seenrecord (consumer, digest, claim) SELECT %s, digest, %s FROM"
            " incoming ORDER BY digest ON CONFLICT DO NOTHING",
            [consumer, claim],
        )
        with looking_up():  # else the planner reads all identities for some thousand of them
            cursor.execute(
                "SELECT digest FROM incoming JOIN datalake_seenrecord USING (digest) WHERE consumer"
                " = %s AND claim <> %s",
                [consumer, claim],
            )
        others = [digest.hex for (digest,) in cursor.fetchall()]
        cursor.execute("DROP TABLE incoming")
    return others


def _copy(table: str, digests: pl.Series, fixed: dict[str, str | int]) -> None:
    """The fixed columns, then the digest, none of which needs an escape."""
    rows = pl.DataFrame(digests).select(
        *[pl.lit(value).alias(name) for name, value in fixed.items()], pl.col("digest")
    )
    text = rows.write_csv(separator="\t", include_header=False, quote_style="never")
    copy_pieces(table, rows.columns, [text])
