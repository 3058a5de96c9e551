"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

from operations.job_kinds import ADMINISTRATORS_RIGHT

SAVE = (ADMINISTRATORS_RIGHT,)  # and report to Slack: what the schedule does without a person
SEE = ("campaigns.view_campaign", "stats.view_snapshot")
SEE_METRICS = ("stats.view_metric",)
