"""What the database keeps of archived records: the current state of each, and where its snapshots
stand. [D-6, BR-020]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from demand.archiving.rows import Key, State
from demand.models import Snapshot
from operations.database.copying import copy_pieces
from operations.database.statements import run

COMMON = ("record_type", "reference_id", "changed_at", "sequence", "deleted")  # of rows.common_of
SNAPSHOT = ("file_id", "number", *COMMON)
STATE = (*COMMON, "fan_id", "event_id", "sale_id", "record")
STAGE = "demand_current_stage"

# The stage is this connection's own; a transaction that rolled back, or a test's that goes on, may
# have left rows in it.
_CLEAR_STAGE = sql.SQL("""CREATE TEMP TABLE IF NOT EXISTS demand_current_stage (
           reference_id text, record_type text, fan_id text, event_id text, sale_id text,
           changed_at timestamptz, sequence numeric, deleted boolean, record jsonb
       ) ON COMMIT DELETE ROWS;
       DELETE FROM demand_current_stage""")
# In the order in which they were copied, which is that of the key: two workers never wait for each
# other in a circle.
_MERGE = sql.SQL(
    """INSERT INTO demand_currentrecord AS known ({columns})
       SELECT {columns} FROM demand_current_stage
       ON CONFLICT (reference_id, record_type) DO UPDATE SET
           fan_id = excluded.fan_id, event_id = excluded.event_id, sale_id = excluded.sale_id,
           changed_at = excluded.changed_at, sequence = excluded.sequence, deleted =
               excluded.deleted, record = excluded.record
       WHERE (excluded.changed_at, excluded.sequence) >= (known.changed_at, known.sequence)"""
).format(columns=sql.SQL(", ").join(map(sql.Identifier, STATE)))


def enter_snapshots(snapshots: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Snapshots of batches.DataFile by the number of their LakeFile. In the batch's transaction.
    [BR-020]
    """
    text = "".join(
        f"{file_id}\t" + f"{file_id}\t".join(rows) for file_id, rows in snapshots if rows
    )
    copy_pieces(Snapshot._meta.db_table, SNAPSHOT, [text])


def enter_states(states: Mapping[Key, State]) -> None:
    """Make these the current states, those aside of which a newer one is known. In the batch's
    transaction. [D-6]

    Of two states of unknown age, the one that is archived later stays.
    """
    if not states:
        return
    run(_CLEAR_STAGE)
    copy_pieces(STAGE, STATE, ["".join(states[key][2] for key in sorted(states))])
    run(_MERGE)
