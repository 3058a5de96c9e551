"""Foreign keys of several columns: what a member says of its wave and of its code holds. [K-6]"""

from __future__ import annotations

# A member carries whether its wave lives, and whether it selects, without any trigger. [S-13, X-8]
OF_ITS_WAVE = """
ALTER TABLE waves_member ADD CONSTRAINT member_of_wave
    FOREIGN KEY (wave_id, campaign_id, wave_live, wave_selects)
    REFERENCES waves_wave (id, campaign_id, live, selects) ON UPDATE CASCADE;
"""
# Who is reassigned holds this very code, in this campaign and for this market; an erasure renames
# the fan in both. [W-6, X-11]
HOLDS_THE_CODE = """
ALTER TABLE waves_member ADD CONSTRAINT member_reassigned_holds_the_code
    FOREIGN KEY (reassigned_id, campaign_id, global_user_id, market_id)
    REFERENCES waves_assignment (id, campaign_id, global_user_id, market_id) ON UPDATE CASCADE;
"""
OF_ANY_WAVE = """
ALTER TABLE waves_member DROP CONSTRAINT member_reassigned_holds_the_code,
    DROP CONSTRAINT member_of_wave;
"""
