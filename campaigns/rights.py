"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

from collections.abc import Mapping

OPEN_AND_CLOSE = ("campaigns.change_campaign",)
DELETE_DRAFT = ("campaigns.delete_campaign",)
PROVE = ("campaigns.change_campaign", "campaigns.view_campaign")
ENTER_ENTROPY = ("campaigns.enter_entropy",)
MOVE_SOURCE = ("campaigns.move_entropy_source",)
IMPORT_REGISTRATIONS = ("campaigns.import_registrations", "campaigns.view_campaign")
# ranks, supplements and what others put into the bucket too
PROCESS_SCORES = ("campaigns.process_scores", "campaigns.view_campaign")
# of each LateKind: what doing it after luck could be known needs beside the right to do it [S-8]
LATE: Mapping[str, str] = {
    "score_file": "campaigns.late_scores",
    "activation": "campaigns.late_activation",
    "lists": "campaigns.late_lists",
    "registrations": "campaigns.late_registrations",
    "wave_rules": "waves.late_wave_rules",
}
TAKE_LATE_REGISTRATIONS = (*IMPORT_REGISTRATIONS, LATE["registrations"])
TAKE_LATE_LISTS = ("campaigns.change_listentry", LATE["lists"])
TAKE_LATE_SCORES = (*PROCESS_SCORES, LATE["score_file"])
ACTIVATE_SCORES = ("campaigns.activate_scores",)
MAKE_FAIRNESS_REPORT = ("campaigns.process_scores",)
FIND_SUSPICIOUS_GROUPS = ("campaigns.process_scores",)
LIST_SUSPICIOUS_GROUP = ("campaigns.add_listentry", "campaigns.view_scorefile")
SEE_RECEIPT = ("campaigns.view_personal_data", "campaigns.view_registrant")
EXPORT_RECEIPTS = (*SEE_RECEIPT, "campaigns.export_personal_data")
