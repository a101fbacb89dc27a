"""People with passwords, and what a person does at the door, for the tests of signing in."""

from collections.abc import Iterator
from contextlib import contextmanager

from app_driver import LAPTOP, AppWindow, Site
from argon2 import PasswordHasher
from playwright.sync_api import Browser
from workplace import Workplace

from annotations import invitations, passwords
from annotations.database import session

PASSWORD = "a pair of values"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def invitation(work: Workplace, name: str) -> str:
    """A token with which somebody may choose a password."""
    with session(work.engine) as s:
        return invitations.invite(session=s, name=name)


def give_passwords(work: Workplace, *names: str) -> None:
    """Everybody has the same one, hashed quickly."""
    for name in names:
        passwords.accept(
            engine=work.engine, token=invitation(work, name), password=PASSWORD, hasher=_CHEAP
        )


def enter(window: AppWindow, name: str, password: str = PASSWORD) -> None:
    """Fill in the form at the door, and send it."""
    window.page.get_by_label("Name").fill(name)
    window.page.get_by_label("Password").fill(password)
    window.click("Sign in")


@contextmanager
def new_browser(browser: Browser, site: Site, scheme: str = "light") -> Iterator[AppWindow]:
    """A window of a browser that has no cookie."""
    context = browser.new_context(viewport=LAPTOP, color_scheme=scheme)
    yield AppWindow(context.new_page(), site.server.url)
    context.close()
