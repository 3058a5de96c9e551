"""Score files surveyed and read, without a database."""

from __future__ import annotations

import hashlib
import io

from campaigns.formats.score_bytes import chunks_of, survey
from campaigns.models import Campaign
from campaigns.scoring import judging
from tests.support.campaigns import SALT


def surveyed(content: bytes):
    return survey(io.BytesIO(content), hashlib.sha256(content).hexdigest())


def duplicate_lines(content: bytes) -> list[int]:
    file, campaign = io.BytesIO(content), Campaign(campaign_id="c", salt=SALT)
    found = [
        reading.lines.rows.filter(reading.are_repeated)["line"].to_list()
        for reading in judging.read(chunks_of(file), campaign, surveyed(content).lines)
    ]
    return [line for lines in found for line in lines]
