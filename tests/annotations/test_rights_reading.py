"""Rights, by reading: whoever may not know of others' answers finds no word of them anywhere."""

import io
import zipfile

import pytest
from door import do
from rights import ANYBODY, OWN_READ, RIGHTS, VIEWER
from scene import SECRETS, WRONG_VIEWERS, Scene

from annotations import adjudication, blind, queries, queue, search, team
from annotations.frames import dataset_frames
from annotations.search import Wanted, find_keys
from exports.dataset import dataset_zip
from mining.errors import AnnotationError


def of_frames(scene: Scene, viewer: int) -> str:
    how = {"run_id": scene.desk.run_id, "viewer_id": viewer}
    found = [do(scene.desk.engine, dataset_frames, **how, status=s) for s in ("submitted", "all")]
    return "".join(frame.to_csv() for frames in found for frame in frames.values())


def of_zip(scene: Scene, viewer: int, *, names: bool = False) -> str:
    how = {"run_id": scene.desk.run_id, "viewer_id": viewer, "names": names}
    with zipfile.ZipFile(io.BytesIO(do(scene.desk.engine, dataset_zip, **how))) as packed:
        return "".join(packed.read(name).decode() for name in packed.namelist())


def of_search(scene: Scene, viewer: int) -> str:
    """What is shown of all keys, and the words that find one."""
    how = {"run_id": scene.desk.run_id, "viewer_id": viewer}
    shown = repr(do(scene.desk.engine, find_keys, **how, wanted=Wanted()))
    for word in SECRETS:
        if do(scene.desk.engine, find_keys, **how, wanted=Wanted(pattern=word))[0]:
            shown += word
    return shown


def of_each_key(read):
    """A read of one key, of all of them; where it is refused, nothing is shown."""

    def reading(scene: Scene, viewer: int) -> str:
        shown = ""
        for key in scene.desk.keys:
            try:
                shown += repr(read(scene, viewer, key))
            except AnnotationError as refused:
                shown += str(refused)
        return shown

    return reading


def call(read, *parameters: str):
    """A read with these arguments, for whoever reads."""

    def reading(scene: Scene, viewer: int, key: int = 0) -> str:
        desk = scene.desk
        known = {"run_id": desk.run_id, "annotator_id": viewer, "viewer_id": viewer}
        known |= {"name": None, "key_id": key or desk.keys[0]}
        return repr(do(desk.engine, read, **{name: known[name] for name in parameters}))

    return reading


READS = {
    "frames.dataset_frames": of_frames,
    "dataset.dataset_zip": of_zip,
    "search.find_keys": of_search,
    "adjudication.submitted_answers": of_each_key(
        call(adjudication.submitted_answers, "viewer_id", "key_id")
    ),
    "blind.sees_all": call(blind.sees_all, "viewer_id", "run_id"),
    "blind.is_disclosed": call(blind.is_disclosed, "annotator_id", "run_id"),
    "queries.progress": call(queries.progress, "run_id", "annotator_id"),
    "queries.answers_of": call(queries.answers_of, "run_id", "annotator_id"),
    "queries.stored_answer": of_each_key(call(queries.stored_answer, "annotator_id", "key_id")),
    "queue.next_key": call(queue.next_key, "run_id", "annotator_id"),
    "queries.runs": call(queries.runs),
    "queries.run_named": call(queries.run_named, "name"),
    "queries.annotators": call(queries.annotators),
    "queries.layers": call(queries.layers, "run_id"),
    "queries.key_page": of_each_key(call(queries.key_page, "key_id")),
    "search.has_value_tokens": call(search.has_value_tokens, "run_id"),
}


def words_in(scene: Scene, name: str, viewer: int) -> set[str]:
    """Which of Bob's words somebody finds in what they are shown."""
    try:
        shown = READS[name](scene, viewer)
    except AnnotationError as refused:
        shown = str(refused)
    return {word for word in SECRETS if word in shown}


def test_every_function_that_reads_for_a_page_is_tried_here() -> None:
    reads = [name for right in (VIEWER, OWN_READ, ANYBODY) for name in RIGHTS[right].split()]
    assert sorted(READS) == sorted(reads)


@pytest.mark.parametrize("name", READS)
def test_whoever_may_not_finds_no_word_of_others(scene: Scene, name: str) -> None:
    for wrong in WRONG_VIEWERS:
        assert words_in(scene, name, scene.people[wrong]) == set(), wrong


@pytest.mark.parametrize("name", RIGHTS[VIEWER].split())
def test_whoever_may_finds_what_was_submitted_and_nothing_else(scene: Scene, name: str) -> None:
    found = words_in(scene, name, scene.people["disclosed lead"])
    assert found == ({"ships"} if name != "blind.sees_all" else set())
    assert words_in(scene, name, scene.people["Cyd"]) == found


def test_leads_read_what_was_written_to_them_and_no_note(scene: Scene) -> None:
    how = {"run_id": scene.desk.run_id, "lead_id": scene.people["lead"]}
    reads = (team.remarks, team.workers, team.coverage, adjudication.cases)
    shown = "".join(repr(do(scene.desk.engine, read, **how)) for read in reads)
    assert {word for word in SECRETS if word in shown} == {"masts", "keels"}


def test_a_download_is_under_pseudonyms_and_a_lead_alone_gets_names(scene: Scene) -> None:
    people = scene.people
    for who in ("Cyd", "disclosed lead"):
        shown = of_zip(scene, people[who])
        assert not [name for name in ("Bob", "Cyd", "Sam", "Mia") if name in shown]
        assert "annotator-2" in shown
    assert "Bob" in of_zip(scene, people["disclosed lead"], names=True)
    for who in ("Cyd", "former lead", "lead who left", "machine", "gold", "nobody"):
        with pytest.raises(AnnotationError, match=r"no lead|was deactivated"):
            of_zip(scene, people[who], names=True)
    for who in ("somebody who left", "lead who left", "nobody"):
        with pytest.raises(AnnotationError, match=r"was deactivated|no annotator"):
            of_zip(scene, people[who])


def test_somebody_who_left_or_is_nobody_is_found_under_no_name(scene: Scene) -> None:
    found = {
        name: do(scene.desk.engine, queries.annotator_named, name=name)
        for name in ("Sam", "Lou", "bot", "gold", "Bob")
    }
    assert [name for name, person in found.items() if person is not None] == ["Bob"]
