"""Rows of erased fans do not stay in the registration file that they came in. [X-11, C-4]"""

from __future__ import annotations

import logging
from functools import partial

import polars as pl

from campaigns.formats.fan_lines import fans_in, without_fans
from campaigns.models import RegistrationImport
from datalake.avro import container
from datalake.erased.fans import known
from datalake.erased.names import name_of
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.rewriting import rewrite_lines
from datalake.storage.unpacking import unpacked

logger = logging.getLogger(__name__)
EVERY_LINE = range(1, 1 << 62)


def forget_erased(found: RegistrationImport) -> None:
    """Take them out of the file of a finished import whose rejected rows are written: nothing reads
    it any more. An Avro file, which only its sender can write, is deleted. Raises OSError while the
    bucket is down.
    """
    erased = known()
    # of their rows the ledger has kept nothing, and so it has of blank lines
    numbers = {*found.rejected_rows.filter(raw="").values_list("line", flat=True)}
    if erased.fans.is_empty() or not numbers:
        return
    bucket = buckets.scoring()
    try:
        with bucket.open(found.key) as source:
            is_avro = source.read(len(container.MAGIC)) == container.MAGIC
            # the lines of a corrected file are numbered otherwise
            lines = EVERY_LINE if found.corrects_id else numbers
            ids = [] if is_avro else sorted({fan for _, fan in fans_in(unpacked(source), lines)})
    except NoSuchObject:  # deleted before a kill
        return
    if is_avro:
        bucket.delete(found.key)
        return
    fans = pl.Series(ids, dtype=pl.String)
    names = {
        fan: name_of(found.campaign.campaign_id, fan, 0)
        for fan in fans.filter(erased.erased_at(fans).is_not_null())
    }
    changed = rewrite_lines(found.key, partial(without_fans, names=names, numbers=lines))
    logger.info("erased fans taken out", extra={"registration_import": found.pk, "rows": changed})
