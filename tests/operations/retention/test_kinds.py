"""Each app registers what it keeps for a time. [O-10]"""

from __future__ import annotations

from django.conf import settings

from operations.retention.kinds import registered


def test_o10_each_kind_has_a_setting_of_its_days():
    kinds = {kind.rows: kind.setting for kind in registered()}
    assert kinds == {
        "finished jobs": "RETENTION_JOB_DAYS",
        "alerts": "RETENTION_ALERT_DAYS",
        "results of the queue's tasks": "RETENTION_TASK_DAYS",
        "finished claims of consumers": "RETENTION_CLAIM_DAYS",
        "batches of the demand archive": "RETENTION_BATCH_DAYS",
        "score rows of archived campaigns": "RETENTION_SCORE_DAYS",
        "suspicious fans of archived campaigns": "RETENTION_SCORE_DAYS",
        "messages of archived campaigns": "RETENTION_MEMBER_DAYS",
        "resent messages of archived campaigns": "RETENTION_MEMBER_DAYS",
        "members of archived campaigns": "RETENTION_MEMBER_DAYS",
        "stream batches": "RETENTION_STREAM_DAYS",
        "identities of records": "RETENTION_IDENTITY_DAYS",
        "settled dead letters": "RETENTION_DEAD_LETTER_DAYS",
        "messages of queues": "RETENTION_STREAM_DAYS",
        "opt-out reports": "RETENTION_REPORT_DAYS",
    }
    at_once = {name for name in kinds.values() if not getattr(settings, name)}
    assert at_once == {"RETENTION_SCORE_DAYS"}
