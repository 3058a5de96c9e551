"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

from collections.abc import Mapping

from operations.entry.alternatives import OR

OPEN_AND_CLOSE = ("campaigns.change_campaign",)
ARCHIVE = ("campaigns.archive_campaign", "campaigns.view_campaign")
DELETE_DRAFT = ("campaigns.delete_campaign",)
PROVE = ("campaigns.change_campaign", "campaigns.view_campaign")
ENTER_ENTROPY = ("campaigns.enter_entropy",)
MOVE_SOURCE = ("campaigns.move_entropy_source",)
# of each LateKind: what does it before luck could be known, and what after it; who has one of the
# two opens its pages, and `late_changes` judges which one counts now [S-8]
IN_TIME: Mapping[str, str] = {
    "score_file": "campaigns.process_scores",
    "activation": "campaigns.activate_scores",
    "lists": "campaigns.add_listentry",
    "registrations": "campaigns.import_registrations",
    "wave_rules": "waves.prepare_wave",
}
LATE: Mapping[str, str] = {
    "score_file": "campaigns.late_scores",
    "activation": "campaigns.late_activation",
    "lists": "campaigns.late_lists",
    "registrations": "campaigns.late_registrations",
    "wave_rules": "waves.late_wave_rules",
}
EITHER = {kind: f"{IN_TIME[kind]}{OR}{LATE[kind]}" for kind in LATE}
IMPORT_REGISTRATIONS = (EITHER["registrations"], "campaigns.view_campaign")
# ranks and supplements too
PROCESS_SCORES = (EITHER["score_file"], "campaigns.view_campaign")
# of what others put into the bucket, and to continue with what is there
TAKE_ARRIVALS = (IN_TIME["score_file"], "campaigns.view_campaign")
TAKE_LATE_REGISTRATIONS = (LATE["registrations"], "campaigns.view_campaign")
TAKE_LATE_LISTS = (LATE["lists"], "campaigns.view_campaign")
TAKE_LATE_SCORES = (LATE["score_file"], "campaigns.view_campaign")
NAME_SCORES = (IN_TIME["activation"],)
ACTIVATE_SCORES = (EITHER["activation"],)
MAKE_FAIRNESS_REPORT = ("campaigns.process_scores",)
FIND_SUSPICIOUS_GROUPS = ("campaigns.process_scores",)
LIST_SUSPICIOUS_GROUP = (EITHER["lists"], "campaigns.view_scorefile")
SEE_RECEIPT = ("campaigns.view_personal_data", "campaigns.view_registrant")
EXPORT_RECEIPTS = (*SEE_RECEIPT, "campaigns.export_personal_data")
