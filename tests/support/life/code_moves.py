"""Every change of a code's row, noted by the database itself, and what K-5 has against it."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

CODE_MOVES = {
    "": "available reserved released",
    "available": "available reserved",
    "reserved": "reserved available released assigned",
    "released": "released reserved",
    "assigned": "assigned published",
    "published": "published",
}
# Every change of a code's row, also within a step.
NOTE_MOVES = """
CREATE TEMPORARY TABLE code_moves (number bigserial, before jsonb, after jsonb);
CREATE FUNCTION pg_temp.note_code_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO code_moves (before, after) VALUES (to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER note_code_move AFTER INSERT OR UPDATE OR DELETE ON waves_code
    FOR EACH ROW EXECUTE FUNCTION pg_temp.note_code_move();
"""
TAKE_MOVES = """
WITH taken AS (DELETE FROM code_moves RETURNING number, before, after)
SELECT before, after FROM taken ORDER BY number
"""


def note_moves() -> None:
    """From now on, until the caller's transaction is undone."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE_MOVES)


def problems_of_moves(*, may_assign: bool) -> list[str]:
    """Of the moves since the last time; `may_assign`: something was triggered meanwhile."""
    with connection.cursor() as cursor:
        texts = cursor.execute(TAKE_MOVES).fetchall()
    problems = []
    for before, after in ([text and json.loads(text) for text in move] for move in texts):
        problem = problem_of_move(before, after)
        if after and after["state"] == "assigned" and not may_assign:
            problem = "assigned without a trigger"
        problems += [f"K-5: {problem}: {before} → {after}"] if problem else []
    return problems


def problem_of_move(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    """What K-5 has against this change of a code's row; empty if nothing."""
    if after is None:
        return "a code is deleted"
    was = before["state"] if before else ""
    if after["state"] not in CODE_MOVES[was].split():
        return "no move of a code"
    if before is None:
        return ""
    if before["code"].upper() != after["code"].upper():
        return "another code"
    is_services = before["origin"] == "code service"
    freed = {"available": not is_services, "released": is_services}
    if was == "reserved" and not freed.get(after["state"], True):
        return "given back to somebody else"
    owner = ("campaign_id", "wave_id", "global_user_id")
    if was in ("assigned", "published") or after["state"] in ("assigned", "published"):
        owner = (*owner, "code", "market_id")
    kept = was in ("assigned", "published") or {was, after["state"]} in (
        {"reserved"},
        {"reserved", "assigned"},
    )
    if kept and any(before[name] != after[name] for name in owner):
        return "another owner"
    return ""
