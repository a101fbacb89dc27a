"""Pseudonyms: they never move, tell people from machines, and survive a journey."""

from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.frame_columns import frame_of, labels_of
from annotations.tables import Annotator
from exports.pseudonyms import pseudonyms

NAMES = st.one_of(
    st.builds("{}-{}".format, st.sampled_from(["annotator", "machine"]), st.integers(-1, 12)),
    st.sampled_from(["annotator-01", "annotator-9999999", "annotator-3 ", "Annotator-2", "zoe"]),
)
PEOPLE = st.lists(
    st.tuples(NAMES, st.sampled_from(["annotator", "lead", "machine"])),
    max_size=10, unique_by=lambda one: one[0],
)  # fmt: skip


def added(*people: tuple[str, str]) -> list[Annotator]:
    """Annotators with ids in this order, handed over in another."""
    rows = [Annotator(id=at, name=name, role=role) for at, (name, role) in enumerate(people, 1)]
    return rows[::-1]


def test_people_and_machines_are_numbered_apart_in_the_order_they_were_added() -> None:
    found = pseudonyms(
        added(("zoe", "lead"), ("bot", "machine"), ("gold", "gold"), ("ada", "annotator"))
    )
    assert found == {
        "zoe": "annotator-1", "ada": "annotator-2", "bot": "machine-1", "gold": "gold",
    }  # fmt: skip


def test_whoever_came_under_a_pseudonym_keeps_it_and_newcomers_follow() -> None:
    found = pseudonyms(
        added(("annotator-2", "annotator"), ("annotator-7", "annotator"), ("zoe", "annotator"))
    )
    assert list(found.values()) == ["annotator-2", "annotator-7", "annotator-8", "gold"]


def test_a_pseudonym_that_is_taken_is_not_given_twice() -> None:
    found = pseudonyms(added(("zoe", "annotator"), ("annotator-1", "annotator")))
    assert found == {"zoe": "annotator-1", "annotator-1": "annotator-2", "gold": "gold"}


@settings(max_examples=200, deadline=None)
@given(PEOPLE)
def test_no_two_share_a_pseudonym_and_nobody_new_changes_one(people: list[tuple[str, str]]) -> None:
    whole = pseudonyms(added(*people))
    assert len(set(whole.values())) == len(people) + 1
    for count in range(len(people)):
        some = pseudonyms(added(*people[:count]))
        assert some.items() <= whole.items()


@settings(max_examples=200, deadline=None)
@given(PEOPLE, st.sets(st.integers(0, 9)))
def test_those_who_are_imported_under_pseudonyms_are_exported_under_the_same(
    people: list[tuple[str, str]], exported: set[int]
) -> None:
    shown = pseudonyms(added(*people))
    roles = dict(people)
    travelling = [
        (shown[name], "machine" if roles[name] == "machine" else "annotator")
        for at, name in enumerate(n for n in shown if n != "gold")
        if at in exported
    ]
    again = pseudonyms(added(*travelling))
    assert all(again[name] == name for name, _ in travelling)


def test_rows_stand_in_the_order_of_pseudonyms_not_of_names() -> None:
    shown = {"zoe": "annotator-1", "ada": "annotator-2", "gold": "gold"}
    said = ("shallow", "")
    rows = [
        (0, 1, "ada", 1, *said, "7,12,3"), (0, 1, "gold", 1, *said, None),
        (0, 1, "zoe", 2, *said, "5"),
    ]  # fmt: skip
    found = labels_of(
        frame_of("patterns", [list(cells) for cells in zip(*rows, strict=True)], shown)
    )
    assert found.to_numpy().tolist() == [
        [0, 1, "annotator-1", 2, 5], *([0, 1, "annotator-2", 1, rank] for rank in (3, 7, 12)),
    ]  # fmt: skip
