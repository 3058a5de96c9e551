"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

PREPARE = ("waves.prepare_wave", "waves.view_wave")  # and a new notify date
UPLOAD = ("waves.upload_wave", "waves.view_wave")  # a list of fans as a wave
APPROVE = ("waves.approve_wave", "waves.view_wave")
# Both sides of an approval: who prepares a wave and who approves it.
PREFLIGHT = ("waves.prepare_wave or waves.approve_wave", "waves.view_wave")  # and rehearse it
SCHEDULE = ("waves.schedule_wave", "waves.view_wave")
SEND = ("waves.send_wave", "waves.view_wave")  # trigger, pause, resume and cancel too
# Any wave with waves.reset_wave; without it, only one whose second count differs.
RESET = ("waves.prepare_wave", "waves.view_wave")
STOP_ALL = ("waves.stop_all",)
RESUME_PROVIDER = ("waves.send_wave", "waves.view_provideraccount")
SEE_SUPPRESSION = ("waves.view_suppression",)
SUPPRESS = ("waves.add_suppression", "waves.view_suppression")
LIFT_SUPPRESSION = ("waves.change_suppression", "waves.view_suppression")
IMPORT_CODES = ("waves.import_codes", "campaigns.view_campaign")
FIND_FAN = ("campaigns.view_registrant", "waves.view_member")
RESEND = ("waves.resend_code", *FIND_FAN)
SEE_MESSAGES = ("waves.view_wave", "waves.view_send", *FIND_FAN)  # and find a fan's
SEE_WAITING_LIST = ("waves.view_wave", *FIND_FAN)  # and find a fan on it
EXPORT_WAITING_LIST = (*SEE_WAITING_LIST, "campaigns.export_personal_data")
# A campaign file holds what the site has a form each for.
LOAD_CAMPAIGN = (
    *("campaigns.add_campaign", "campaigns.change_campaign"),
    *("campaigns.add_market", "campaigns.change_market"),
    *("campaigns.add_listentry", "campaigns.delete_listentry"),
    *("waves.add_template", "waves.change_template", "waves.delete_template"),
)
