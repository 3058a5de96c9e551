"""Files of ranks, uploaded and translated."""

from __future__ import annotations

import json

from campaigns.models import Campaign, ScoreFile
from campaigns.ranks import rank_files
from campaigns.scoring import score_files
from campaigns.scoring.reception import Received
from tests.support.campaigns import in_memory
from tests.support.people import why_late
from tests.support.score_files import read

MANIFEST = "fanlist/uploaded/club/manifest.json"


def ranks_of(count: int, *more: str) -> bytes:
    """Fans 1 to `count` with their own numbers as ranks, and lines as they are."""
    rows = [f'{n},fan-{n},"fan{n}@mail.example"' for n in range(1, count + 1)]
    return "".join(f"{line}\n" for line in ["rank,global_user_id,email", *rows, *more]).encode()


def receive_ranks(
    campaign: Campaign, content: bytes, *, name: str = "ranks.csv", fanlist_id: str = "club"
) -> Received:
    return rank_files.receive(campaign, fanlist_id, name, in_memory(content), **why_late(campaign))


def process_ranks(campaign: Campaign, content: bytes, **options: str) -> ScoreFile:
    received = receive_ranks(campaign, content, **options)
    return score_files.process(score_files.open_job(received.score_file, by=None).pk)


def manifest() -> dict:
    return json.loads(read(MANIFEST))
