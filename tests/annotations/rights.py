"""Who may call what: every function of annotations/ and exports/ that takes a session or an engine.

A function that is not in this table fails `test_rights.py`, which then tries each as everybody who
may not, and `test_rights_of_pages.py` looks at how pages call them.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType

from sqlalchemy import Engine
from sqlmodel import Session

import annotations
import exports

LEADS = "leads"  # by `lead_id`; where it may be left out, the command line asks
OWN_WRITE = "their own, to change"  # by `annotator_id`, whom a page takes from the visit alone
OWN_READ = "their own, to read"
VIEWER = "what others answered"  # by `viewer_id`, under the rules of blind.py
DOOR = "the door"  # whoever comes: a password, a token or a provider's word decides
ANYBODY = "anybody inside"  # runs, keys, names; no answer and nothing made of one
CHECK = "a check of rights itself"
DATABASE = "the database itself"
INSIDE = "a step of functions that have asked before"  # no page calls it
COMMAND_LINE = "the command line"  # whoever holds the database; no page calls it

RIGHTS = {
    LEADS: """
        accounts.listing accounts.set_active accounts.sign_out_everywhere
        adjudication.cases adjudication.open_gold adjudication.save_gold adjudication.add_to_gold
        adjudication.submit_gold adjudication.reopen_gold
        blind.disclose identities.set_identity invitations.invite
        people.add_annotator people.set_role queue.assign queue.open_to_everybody
        team.coverage team.workers team.remarks""",
    OWN_WRITE: """
        claims.open_key claims.claim_next queue.let_go people.set_shading
        remarks.set_flag remarks.set_note
        store.save_draft store.submit store.reopen store.skip passwords.change_password""",
    OWN_READ: """
        queries.progress queries.answers_of queries.stored_answer queue.next_key
        blind.is_disclosed""",
    VIEWER: """
        adjudication.submitted_answers blind.sees_all frames.dataset_frames search.find_keys
        dataset.dataset_zip""",
    DOOR: """
        identities.person_of invitations.invited passwords.accept passwords.sign_in
        sign_ins.signed_in sign_ins.sign_out queries.annotator_named""",
    ANYBODY: """
        queries.runs queries.run_named queries.annotators queries.layers queries.key_page
        search.has_value_tokens""",
    CHECK: "blind.check_active blind.check_lead blind.check_may_see people.check_lead_remains",
    DATABASE: """
        database.migrate database.revision_of database.reading database.session
        database.shut_out_others mendable.mendable mendable.place_of""",
    INSIDE: """
        attempts.begin_attempt attempts.forget_attempt
        audit.record audit.record_answer audit.name_of
        claims.locked_answer claims.stored claims.check_room
        frames.frame_blocks frames.key_ranges
        dataset_upsert.upsert importer.check_run_name importer.wanted_of_new_keys
        importer.count_keys invitations.use_invitation invitations.end_invitations
        people.somebody queue.claims_since queue.has_room
        accounts.sign_everybody_out
        sign_ins.begin_sign_in sign_ins.end_sign_ins selection.Selection.checked""",
    COMMAND_LINE: """
        agreement_report.report_agreement audit.entries backups.backup backups.restore
        bench_run.add_run
        dataset_import.import_dataset importer.import_run dataset.write_dataset""",
}
BY_NAME = {name: right for right, names in RIGHTS.items() for name in names.split()}


def everything_with_a_session() -> dict[str, Callable]:
    """module.function (or module.Class.method) → what takes a session or an engine, public."""
    found = {}
    for module in _modules():
        for name, function in _public(module):
            parameters = inspect.signature(function).parameters.values()
            if any(p.annotation in (Session, Engine) or p.name == "session" for p in parameters):
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = function
    return found


def parameters_of(function: Callable) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def _modules() -> Iterator[ModuleType]:
    for room in (annotations, exports):
        for module in pkgutil.iter_modules(room.__path__):
            if not module.ispkg and module.name != "__main__":
                yield importlib.import_module(f"{room.__name__}.{module.name}")


def _public(module: ModuleType) -> Iterator[tuple[str, Callable]]:
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield name, thing
        if inspect.isclass(thing):
            for inner, method in vars(thing).items():
                method = getattr(method, "__func__", method)  # noqa: PLW2901 (a class method's)
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{name}.{inner}", method
