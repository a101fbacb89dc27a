"""The commands about people: who labels, in which role, and how they come in."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from annotations import accounts, identities, invitations, people
from annotations.accounts import Account
from annotations.database import database_url, make_engine, migrate, session
from annotations.tables import ANNOTATOR
from mining.command_line import new_app
from mining.errors import AnnotationError

app = new_app("Who labels, and how they come in.")
_Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("add")
def add_command(
    name: _Name,
    role: Annotated[str, typer.Option(help="annotator, lead or machine")] = ANNOTATOR,
    email: Annotated[
        str | None, typer.Option(help="Under which an identity provider knows them.")
    ] = None,
) -> None:
    """Add somebody who labels."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        added = people.add_annotator(session=writing, name=name, role=role)
        if email is not None:
            identities.set_identity(session=writing, name=added.name, email=email)
    typer.echo(f"{added.name} ({added.role}) can label now.")


@app.command("role")
def role_command(
    name: _Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="annotator or lead")],
) -> None:
    """Make an annotator a lead, or a lead an annotator."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        person = people.set_role(session=writing, name=name, role=role)
    typer.echo(f"{person.name} is {person.role} now.")


@app.command("email")
def email_command(
    name: _Name,
    email: Annotated[str | None, typer.Argument(metavar="E-MAIL")] = None,
    none: Annotated[bool, typer.Option("--none", help="Take it away.")] = False,
) -> None:
    """Say under which address an identity provider knows somebody."""
    if (email is None) != none:
        raise AnnotationError("Give an e-mail address, or --none to take it away.")
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        identities.set_identity(session=writing, name=name, email=email)
    typer.echo(f"{name} comes {'without an identity' if none else f'as {email}'} from now on.")


@app.command("invite")
def invite_command(
    name: _Name,
    url: Annotated[str, typer.Option(help="Where people open Keyhole.")] = "http://127.0.0.1:8501",
) -> None:
    """Make a link with which somebody sets a password, the first or a new one."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.netloc or place.query or place.fragment:
        raise AnnotationError(
            f"--url {url} is no address; write it like https://keyhole.example.org."
        )
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        token = invitations.invite(session=writing, name=name)
    typer.echo(f"{url.rstrip('/')}/invitation?token={token}")
    typer.echo(
        f"The link is for {name} alone, works once, and holds {invitations.INVITATION_DAYS} days."
    )


@app.command("deactivate")
def deactivate_command(name: _Name) -> None:
    """Let somebody in no more; their labels stay."""
    _set_active(name, False)
    typer.echo(f"{name} is signed out and cannot come back; what they labelled stays.")


@app.command("activate")
def activate_command(name: _Name) -> None:
    """Let somebody in again."""
    _set_active(name, True)
    typer.echo(f"{name} can sign in again.")


@app.command("sign-out")
def sign_out_command(name: _Name) -> None:
    """End everything that somebody is signed in to."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        person = people.somebody(session=writing, name=name)
        assert person.id is not None
        accounts.sign_out_everywhere(session=writing, annotator_id=person.id, by=None)
    typer.echo(f"{name} is signed out everywhere.")


@app.command("list")
def list_command() -> None:
    """Say who labels, in which role, and how they come in."""
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine, read_only=True) as reading:
        found = accounts.listing(session=reading)
    for account in found:
        typer.echo("\t".join([account.name, account.role, *_ways_in(account)]))


def _set_active(name: str, active: bool) -> None:
    engine = make_engine(database_url())
    migrate(engine)
    with session(engine) as writing:
        accounts.set_active(session=writing, name=name, active=active)


def _ways_in(account: Account) -> list[str]:
    found = [account.email] if account.email is not None else []
    if account.has_password:
        found.append("password")
    if account.invited_until is not None:
        found.append(f"invited until {account.invited_until:%Y-%m-%d %H:%M} UTC")
    return found if account.active else [*found, "deactivated"]
