"""The messages of a wave are counted by blocks, again only where some have changed. [N-7]"""

from __future__ import annotations

# 500 is waves.models.figures.BLOCK. Rows are only added, so no two senders wait for each other.
BLOCKS_ARE_MARKED = """
CREATE FUNCTION waves_send_marks_its_block() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO waves_figurechange (wave_id, block)
    SELECT DISTINCT wave_id, member_id / 500 FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER send_added_marks_its_block AFTER INSERT ON waves_send
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
CREATE TRIGGER send_changed_marks_its_block AFTER UPDATE ON waves_send
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
CREATE TRIGGER send_deleted_marks_its_block AFTER DELETE ON waves_send
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
"""
BLOCKS_ARE_NOT_MARKED = """
DROP TRIGGER send_added_marks_its_block ON waves_send;
DROP TRIGGER send_changed_marks_its_block ON waves_send;
DROP TRIGGER send_deleted_marks_its_block ON waves_send;
DROP FUNCTION waves_send_marks_its_block();
"""
