"""The accepted and the rejected rows of score files: a partition for each file. [S-13]

A file's number is the same in all rows of its partition, so an index that begins with it takes
twice as long to build: the indexes begin with what differs.
"""

from __future__ import annotations

SCORES = """
CREATE TABLE campaigns_fanscore (
    score_file_id bigint NOT NULL,
    global_user_id text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    row_id text NOT NULL,
    member_id text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    phone_region text NOT NULL,
    phone_confirmed boolean NOT NULL,
    country text NOT NULL,
    raw_text text NOT NULL,
    raw_score double precision NOT NULL,
    band text NOT NULL,
    band_score double precision,
    luck bigint,
    tags text NOT NULL,
    preferences text,
    CONSTRAINT fanscore_pkey PRIMARY KEY (global_user_id, score_file_id),
    CONSTRAINT fanscore_drawn CHECK ((band_score IS NULL) = (luck IS NULL))
) PARTITION BY LIST (score_file_id);
CREATE INDEX fanscore_in_order ON campaigns_fanscore (band_score DESC, luck DESC, global_user_id);
"""
# Each file's own table has indexes of its contacts and fields, made before it is attached
# (scoring/tables.py). The table of all has none: attaching a file would build them, while everybody
# waits.
REJECTED_ROWS = """
CREATE TABLE campaigns_rejectedrow (
    score_file_id bigint NOT NULL,
    line bigint NOT NULL,
    global_user_id text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    raw text NOT NULL,
    email text COLLATE "C",
    phone text COLLATE "C",
    member_id text COLLATE "C",
    CONSTRAINT rejectedrow_pkey PRIMARY KEY (line, score_file_id)
) PARTITION BY LIST (score_file_id);
CREATE UNIQUE INDEX rejectedrow_one_outcome ON campaigns_rejectedrow (global_user_id, score_file_id)
    WHERE reason NOT IN ('malformed_row', 'missing_user_id', 'duplicate');
"""
# An erasure takes a fan out of them; nothing changes then that the draw goes by.
SCORES_STAY = """
CREATE FUNCTION campaigns_scores_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fairwave.erasure', true) = 'on'
            AND (NEW.score_file_id, NEW.line, NEW.raw_text, NEW.raw_score, NEW.band, NEW.tags)
                IS NOT DISTINCT FROM
                (OLD.score_file_id, OLD.line, OLD.raw_text, OLD.raw_score, OLD.band, OLD.tags)
            AND (NEW.band_score, NEW.luck, NEW.preferences)
                IS NOT DISTINCT FROM (OLD.band_score, OLD.luck, OLD.preferences) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'scores are inserted, never updated' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER fanscore_is_never_updated BEFORE UPDATE ON campaigns_fanscore
    FOR EACH ROW EXECUTE FUNCTION campaigns_scores_stay();
"""
NO_SCORES = """
DROP TABLE campaigns_fanscore, campaigns_rejectedrow;
DROP FUNCTION campaigns_scores_stay();
"""
