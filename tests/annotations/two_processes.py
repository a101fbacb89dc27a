"""What a second process does in test_two_processes.py: add patterns, or make the tables.

python two_processes.py ADDRESS ANNOTATOR KEY WRITER CHANGES
python two_processes.py ADDRESS
"""

import sys
import time

from annotations.answers import Answer, PatternAnswer
from annotations.claims import open_key
from annotations.database import make_engine, migrate, session
from annotations.queries import stored_answer
from annotations.store import save_draft
from mining.errors import StaleDraftError


def add_patterns(address: str, annotator_id: int, key_id: int, writer: str, changes: int) -> None:
    """Append one pattern a change to an answer that others change too, as an honest window does."""
    engine = make_engine(address)
    whose = {"annotator_id": annotator_id, "key_id": key_id}
    with session(engine) as s:
        seen = open_key(session=s, **whose)
    sequence = 0
    while sequence < changes:
        mine = PatternAnswer("shallow", f"{writer} {sequence}", (1, 2, 3))
        try:
            with session(engine) as s:
                seen = save_draft(
                    session=s,
                    **whose,
                    answer=Answer((*seen.answer.patterns, mine)),
                    writer=writer,
                    sequence=sequence,
                    base_revision=seen.revision,
                )
            sequence += 1
            time.sleep(0.005)  # give the other process its turn
        except StaleDraftError:
            with session(engine, read_only=True) as s:
                seen = stored_answer(session=s, **whose)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        migrate(make_engine(sys.argv[1]))
    else:
        address, annotator, key, writer, changes = sys.argv[1:]
        add_patterns(address, int(annotator), int(key), writer, int(changes))
