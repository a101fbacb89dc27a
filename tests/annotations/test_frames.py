"""The tables of a dataset: columns, types, order, and which answers they hold."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from desk import NOON, Desk, answer, pattern
from runs import MinedKey, write_run
from sqlalchemy import event

from annotations.answers import Answer
from annotations.claims import open_key
from annotations.database import session
from annotations.frames import Asked, dataset_frames, frame_blocks, key_ranges, of_people
from annotations.importer import import_run
from annotations.label_statistics import label_statistics
from annotations.people import add_annotator
from annotations.queries import key_page
from annotations.store import reopen, submit

# The contract of the dataset.
COLUMNS = {
    "keys": "run, model, layer, key, active_share",
    "prefixes": (
        "layer, key, rank, coefficient, prefix, next_token, sentence_id, position, token_ends"
    ),
    "annotators": "annotator, kind",
    "submissions": "layer, key, annotator, status, submitted_at, seconds, guideline_version",
    "patterns": "layer, key, annotator, pattern, type, description",
    "labels": "layer, key, annotator, pattern, rank",
}


def frames(desk: Desk, **how: object) -> dict[str, pd.DataFrame]:
    with session(desk.engine, read_only=True) as s:
        return dataset_frames(session=s, run_id=desk.run_id, **how)


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


def place(desk: Desk, turn: int) -> tuple[int, int]:
    with session(desk.engine, read_only=True) as s:
        page = key_page(session=s, key_id=desk.keys[turn])
    return page.layer, page.key


def test_every_table_has_the_datasets_columns_and_the_same_types_with_and_without_rows(
    desk: Desk,
) -> None:
    empty = frames(desk)
    assert {name: ", ".join(frame.columns) for name, frame in empty.items()} == COLUMNS
    assert all(empty[name].empty for name in ("submissions", "patterns", "labels"))
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    full = frames(desk)
    for name, frame in full.items():
        assert len(frame) > 0
        assert frame.dtypes.to_dict() == empty[name].dtypes.to_dict()


def test_keys_and_prefixes_are_all_that_were_put_to_annotators_answered_or_not(desk: Desk) -> None:
    found = frames(desk)
    assert rows(found["keys"], "run", "model", "layer", "key") == [
        ("first run", "tiny", layer, key) for layer in (0, 1) for key in range(3)
    ]
    assert rows(found["prefixes"], "layer", "key", "rank") == [
        (layer, key, rank) for layer in (0, 1) for key in range(3) for rank in range(1, 6)
    ]
    with session(desk.engine, read_only=True) as s:
        page = key_page(session=s, key_id=desk.keys[0])
    own = found["prefixes"].query("layer == @page.layer and key == @page.key")
    columns = ["rank", "coefficient", "prefix", "next_token", "sentence_id", "position"]
    shown = ["rank", "coefficient", "text", "next_token", "sentence_id", "position"]
    assert rows(own, *columns) == [
        tuple(getattr(prefix, name) for name in shown) for prefix in page.prefixes
    ]


def test_an_answer_becomes_a_submission_its_patterns_and_its_ticks(desk: Desk) -> None:
    given = answer(
        pattern(1, 2, 5, description="ends in «a»"),
        pattern(2, 3, 4, kind="semantic", description="ships, at sea"),
    )
    desk.save(given, now=NOON)
    with session(desk.engine) as s:
        submit(
            session=s,
            annotator_id=desk.ada,
            key_id=desk.keys[0],
            now=NOON + timedelta(seconds=7.5),
        )
    found, where = frames(desk), place(desk, 0)
    assert rows(found["submissions"], *found["submissions"].columns) == [
        (*where, "Ada", "submitted", pd.Timestamp("2026-05-04 12:00:07.5Z"), 7.5, "1")
    ]
    assert rows(found["patterns"], *found["patterns"].columns) == [
        (*where, "Ada", 1, "shallow", "ends in «a»"),
        (*where, "Ada", 2, "semantic", "ships, at sea"),
    ]
    ticks = [(1, 1), (1, 2), (1, 5), (2, 2), (2, 3), (2, 4)]
    assert rows(found["labels"], *found["labels"].columns) == [
        (*where, "Ada", *tick) for tick in ticks
    ]


def test_no_pattern_found_is_a_status_of_its_own(desk: Desk) -> None:
    desk.hand_in(answer(), desk.ada, desk.keys[0])
    assert frames(desk)["submissions"]["status"].tolist() == ["no pattern"]


def test_drafts_are_left_out_unless_they_are_asked_for(desk: Desk) -> None:
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    desk.save(Answer((pattern(1),)), key_id=desk.keys[1])
    desk.save(Answer(no_pattern=True), key_id=desk.keys[2])
    with session(desk.engine) as s:
        open_key(session=s, annotator_id=desk.ada, key_id=desk.keys[3])  # only looked at
    assert [len(frames(desk)[name]) for name in ("submissions", "patterns", "labels")] == [1, 1, 3]
    everything = frames(desk, status="all")
    assert sorted(everything["submissions"]["status"]) == ["draft", "draft", "submitted"]
    assert [len(everything[name]) for name in ("patterns", "labels")] == [2, 4]
    drafts = everything["submissions"].query("status == 'draft'")
    assert drafts["submitted_at"].isna().all()
    counted = [label_statistics(tables, rounds=9) for tables in (everything, frames(desk))]
    pd.testing.assert_frame_equal(*counted)


def test_a_reopened_answer_is_a_draft_again(desk: Desk) -> None:
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    with session(desk.engine) as s:
        reopen(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
    assert frames(desk)["submissions"].empty
    assert frames(desk, status="all")["submissions"]["status"].tolist() == ["draft"]


def test_rows_are_in_the_same_order_whatever_the_database_sorts_by(desk: Desk) -> None:
    with session(desk.engine) as s:
        names = ["zoe", "Émile", "ada2", "Zed", "_x"]
        people = [add_annotator(session=s, name=name).id for name in names]
    for person in people:
        for key in (desk.keys[3], desk.keys[0]):
            desk.hand_in(answer(pattern(1, 2, 3), pattern(2, 3, 4)), person, key)
    found = frames(desk)
    for name, order in {
        "submissions": ["layer", "key", "annotator"],
        "patterns": ["layer", "key", "annotator", "pattern"],
        "labels": ["layer", "key", "annotator", "pattern", "rank"],
    }.items():
        listed = rows(found[name], *order)
        assert listed == sorted(listed)


def test_a_machines_answers_are_told_from_peoples_and_can_be_left_out(desk: Desk) -> None:
    with session(desk.engine) as s:
        robot = add_annotator(session=s, name="robot", role="machine").id
    for annotator in (desk.ada, robot):
        desk.hand_in(answer(pattern(1, 2, 3)), annotator, desk.keys[0])
    found = frames(desk)
    assert dict(rows(found["annotators"], "annotator", "kind"))["robot"] == "machine"
    people = of_people(found)
    for name in ("annotators", "submissions", "patterns", "labels"):
        assert "robot" in set(found[name]["annotator"])
        assert set(people[name]["annotator"]) == {"Ada"}
    assert len(people["keys"]) == len(found["keys"])


def test_another_runs_answers_stay_out(desk: Desk, tmp_path: Path) -> None:
    run = write_run(tmp_path / "second", [MinedKey(0, 0)], model="another")
    with session(desk.engine) as s:
        other = import_run(run, session=s).run_id
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    with session(desk.engine, read_only=True) as s:
        found = dataset_frames(session=s, run_id=other)
    assert {name: len(frame) for name, frame in found.items()} == {
        "keys": 1,
        "prefixes": 5,
        "annotators": 0,
        "submissions": 0,
        "patterns": 0,
        "labels": 0,
    }
    assert found["keys"]["run"].tolist() == ["second"]


def test_what_mining_computed_prints_as_the_32_bit_number_it_is(desk: Desk) -> None:
    found = frames(desk)
    text = found["prefixes"].query("rank == 3")[["coefficient"]].to_csv(index=False)
    assert set(text.splitlines()) == {"coefficient", "10.333333"}
    assert set(found["keys"]["active_share"].astype(str)) == {"0.71428573"}


def test_what_is_read_block_by_block_is_one_state_of_the_database(desk: Desk) -> None:
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[0])
    asked = Asked(desk.run_id)
    with session(desk.engine, read_only=True) as reading:
        ranges = key_ranges(asked, session=reading)
        desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, desk.keys[1])
        found = list(frame_blocks("submissions", asked, ranges, session=reading))
    assert sum(map(len, found)) == 1
    assert len(frames(desk)["submissions"]) == 2


def test_the_number_of_statements_does_not_grow_with_the_answers(desk: Desk) -> None:
    statements = []
    event.listen(desk.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    for key in desk.keys:
        desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, key)
        statements.clear()
        frames(desk)
        assert sum(statement.startswith("SELECT") for statement in statements) == 6


@pytest.mark.parametrize("name", ["NA", "null", "007"])
def test_a_name_that_looks_like_something_else_stays_a_name(desk: Desk, name: str) -> None:
    with session(desk.engine) as s:
        person = add_annotator(session=s, name=name).id
    desk.hand_in(answer(), person, desk.keys[0])
    assert frames(desk)["submissions"]["annotator"].tolist() == [name]
