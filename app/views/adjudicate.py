"""Adjudicate, for leads: keys that several have answered, their patterns side by side, the gold."""

import streamlit as st

from annotations import adjudication, blind
from annotations.adjudication import Case
from annotations.alignment import PatternGroup, align, merged
from annotations.answers import Answer, PatternAnswer, StoredAnswer
from annotations.database import session
from annotations.queries import KeyPage
from annotations.tables import DRAFT, SUBMITTED, Annotator, Run
from app import visit
from app.components.grid import DraftEvent, GridData, labelling_grid
from app.pending import store_pending
from app.plain import plain
from exports.palette import TYPE_LETTERS
from mining.errors import AnnotationError

Place = st.delta_generator.DeltaGenerator
_CASE = "case"
_SHOWN = 30


def page() -> None:
    """The list of cases, or the one that was opened."""
    run, person = visit.here()
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        cases = adjudication.cases(session=opened, run_id=run.id, lead_id=person.id)
        sees_all = blind.is_disclosed(session=opened, annotator_id=person.id, run_id=run.id)
    chosen = next((case for case in cases if case.key_id == st.session_state.get(_CASE)), None)
    if chosen is not None:
        _decide(person, chosen)
        return
    st.title("Adjudicate")
    if not sees_all:
        _offer_disclosure(run, person)
    if not cases:
        st.info("No key has two submitted answers that you may see.", icon=":material/gavel:")
        return
    st.caption("Most disagreement first; what is decided comes last.")
    for case in cases[:_SHOWN]:
        _row(case)
    if len(cases) > _SHOWN:
        st.caption(f"and {len(cases) - _SHOWN} more, once these are decided.")


def _offer_disclosure(run: Run, person: Annotator) -> None:
    with st.container(border=True):
        st.write(
            "You see the keys that you have submitted yourself. To decide over all others, say that"
            " you label no more in this run: who has seen others' answers is not blind to them."
        )
        st.button(
            "Show me everybody's answers", icon=":material/visibility:",
            on_click=_disclose, args=(run, person),
        )  # fmt: skip


def _disclose(run: Run, person: Annotator) -> None:
    assert run.id is not None and person.id is not None
    with session(visit.engine()) as opened:
        blind.disclose(session=opened, lead_id=person.id, run_id=run.id)


def _row(case: Case) -> None:
    icons = {None: ":material/gavel:", DRAFT: ":material/edit:", SUBMITTED: ":material/check:"}
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            f"Layer {case.layer}, key {case.key}", key=f"case {case.key_id}", width=220,
            icon=icons[case.gold], on_click=_open, args=(case.key_id,),
        )  # fmt: skip
        decided = {None: "", DRAFT: " · begun", SUBMITTED: " · decided"}[case.gold]
        st.markdown(f"{case.annotators} answers · {case.disagreement:.0%} apart{decided}")


def _open(key_id: int | None) -> None:
    st.session_state[_CASE] = key_id


def _decide(lead: Annotator, case: Case) -> None:
    assert lead.id is not None
    about = {"lead_id": lead.id, "key_id": case.key_id}
    with session(visit.engine()) as opened:
        answers = adjudication.submitted_answers(
            session=opened, viewer_id=lead.id, key_id=case.key_id
        )
        gold = adjudication.open_gold(session=opened, **about)
    key = visit.key_page(case.key_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All cases", icon=":material/arrow_back:", on_click=_open, args=(None,))
        st.subheader(f"Layer {key.layer}, key {key.key}: what they said", anchor=False)
        if gold.status == SUBMITTED:
            st.button("Reopen", icon=":material/lock_open:", on_click=_reopen, args=(lead, key))
    _side_by_side(lead, key, answers, gold)
    labelling_grid(
        key=_grid_of(key),
        data=GridData(
            page=key, title="The gold answer", stored=gold, locked=gold.status != DRAFT,
            notice=visit.take_notice(), shading_on=lead.shading,
        ),
        on_draft=lambda event: _save(lead, event),
        on_submit=lambda event: _submit(lead, event),
        on_shading=lambda on: visit.set_shading(lead, on),
    )  # fmt: skip


def _side_by_side(
    lead: Annotator, key: KeyPage, answers: dict[str, Answer], gold: StoredAnswer
) -> None:
    """A row a group of patterns that match, a column an annotator, disagreements first."""
    names = sorted(answers)
    widths = [*[2] * len(names), 1.2]
    for column, name in zip(st.columns(widths), names, strict=False):
        found = "" if answers[name].patterns else " · found no pattern"
        column.markdown(f"**{plain(name)}**{found}")
    for number, group in enumerate(align(answers)):
        members = {name: answers[name].patterns[at] for name, at in group.members.items()}
        *cells, actions = st.columns(widths, border=True, vertical_alignment="center")
        for cell, name in zip(cells, names, strict=True):
            if name in members:
                line = cell.container(horizontal=True, vertical_alignment="center")
                _take_button(line, f"take {number} {name}", "Take", lead, key, members[name], gold)
                _pattern(line, name, members[name], group)
            else:
                cell.caption("–")
        actions = actions.container(horizontal=True, vertical_alignment="center")
        if len(members) > 1:
            whole = merged([members[name] for name in sorted(members)])
            _take_button(actions, f"merge {number}", "Merge", lead, key, whole, gold)
        actions.caption(_how_alike(group, len(names)))


def _pattern(cell: Place, name: str, pattern: PatternAnswer, group: PatternGroup) -> None:
    ranks = ", ".join(
        f"**{rank}**" if rank in group.disputed_ranks else str(rank) for rank in pattern.ranks
    )
    cell.markdown(
        f"`{TYPE_LETTERS[pattern.type]}` {plain(pattern.description)}  \n"
        f":small[{plain(name)}, prefixes {ranks}]"
    )


def _how_alike(group: PatternGroup, annotators: int) -> str:
    said = [f"{len(group.members)} of {annotators}"]
    if group.similarity is not None:
        said.append(f"{group.similarity:.0%} alike")
    if group.types_differ:
        said.append("types differ")
    return ", ".join(said)


def _take_button(
    place: Place, name: str, title: str, lead: Annotator,
    key: KeyPage, pattern: PatternAnswer, gold: StoredAnswer,
) -> None:  # fmt: skip
    there = pattern in gold.answer.patterns
    place.button(
        "In gold" if there else title, key=f"{name} {key.id}", on_click=_take,
        disabled=there or gold.status != DRAFT, args=(lead, key, pattern),
        help="One pattern of all these ticks" if title == "Merge" else None,
    )  # fmt: skip


def _grid_of(key: KeyPage) -> str:
    return f"gold {key.id}"


def _take(lead: Annotator, key: KeyPage, pattern: PatternAnswer) -> None:
    assert lead.id is not None
    store_pending(_grid_of(key), lambda event: _store(lead, event))
    try:
        with session(visit.engine()) as opened:
            adjudication.add_to_gold(
                session=opened, lead_id=lead.id, key_id=key.id, pattern=pattern
            )
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))


def _store(lead: Annotator, event: DraftEvent) -> None:
    assert lead.id is not None
    with session(visit.engine()) as opened:
        adjudication.save_gold(
            session=opened, lead_id=lead.id, key_id=event.key_id, answer=event.answer,
            writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
        )  # fmt: skip


def _save(lead: Annotator, event: DraftEvent) -> None:
    try:
        _store(lead, event)
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))


def _submit(lead: Annotator, event: DraftEvent) -> None:
    assert lead.id is not None
    try:
        with session(visit.engine()) as opened:
            adjudication.save_gold(
                session=opened, lead_id=lead.id, key_id=event.key_id, answer=event.answer,
                writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
            )  # fmt: skip
            adjudication.submit_gold(session=opened, lead_id=lead.id, key_id=event.key_id)
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
        return
    _open(None)
    visit.leave_toast("The gold answer is decided.", "gavel")


def _reopen(lead: Annotator, key: KeyPage) -> None:
    assert lead.id is not None
    try:
        with session(visit.engine()) as opened:
            adjudication.reopen_gold(session=opened, lead_id=lead.id, key_id=key.id)
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
