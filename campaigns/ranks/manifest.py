"""The manifest beside a fan list's uploaded files: what each was, and the score file it became.
[S-15]
"""

from __future__ import annotations

import json
from typing import Any, cast

from campaigns.models import FanList, RankFile, ScoreFile
from datalake.storage import buckets
from operations import instants

FOLDER, NAME = "fanlist/uploaded/", "manifest.json"


def key_of(fanlist: FanList) -> str:
    return f"{FOLDER}{fanlist.fanlist_id}/{NAME}"


def of(fanlist: FanList) -> bytes:
    """Each translated file of the list, newest last, as JSON; the same bytes while nothing changes.
    [S-15]
    """
    files = (
        RankFile.objects.filter(fanlist=fanlist, score_file__isnull=False)
        .select_related("score_file")
        .order_by("id")
    )
    content = {
        "fanlist_id": fanlist.fanlist_id,
        "campaign_id": fanlist.campaign.campaign_id,
        "files": [
            _entry(rank_file, cast("ScoreFile", rank_file.score_file)) for rank_file in files
        ],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _entry(rank_file: RankFile, score_file: ScoreFile) -> dict[str, Any]:
    return {
        "file": rank_file.key,
        "name": rank_file.name,
        "sha256": rank_file.sha256,
        "bytes": rank_file.bytes,
        "received": instants.stamp(rank_file.created_at),
        "formula": rank_file.formula,
        "counts": rank_file.counts,
        "score_file": {
            "number": score_file.pk,
            "attempt": score_file.attempt,
            "key": score_file.key,
            "sha256": score_file.sha256,
        },
    }


def write(fanlist: FanList) -> None:
    """Put the list's manifest into the bucket. Another file of the list may come through meanwhile:
    whoever writes last looks again, so what stands there at the end is whole.
    """
    written = b""
    while written != (content := of(fanlist)):
        buckets.scoring().put(key_of(fanlist), content)
        written = content
