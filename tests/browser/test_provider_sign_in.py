"""Signing in with an identity provider: a real one, on this machine, that believes everybody."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from accounts import new_browser
from app_driver import AppWindow, Site
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Browser, expect
from servers import ROOT
from sqlmodel import select

from annotations import accounts, identities
from annotations.database import session
from annotations.tables import Identity


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider that knows three people."""
    with run_server_in_thread() as server:
        url = f"http://localhost:{server.server_port}"
        for subject in ("ada-7", "lea-8", "eve-9"):
            email = f"{subject.partition('-')[0].title()}@Example.org"
            claims = {"email": email, "email_verified": True}
            assert httpx.put(f"{url}/users/{subject}", json=claims).is_success
        yield url


@pytest.fixture(scope="module")
def settings_folder(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Path:
    """A folder with the project's settings, and secrets beside them."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").symlink_to(ROOT / ".streamlit" / "config.toml")
    (folder / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "a secret of more than thirty-two letters"
client_id = "keyhole"
client_secret = "known to both"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""
    )
    return folder


@pytest.fixture(scope="module")
def app_options() -> tuple[str, ...]:
    return ("--sign-in", "oidc")


@pytest.fixture(scope="module")
def known(site: Site) -> Site:
    """A site that knows Ada and Lea by their addresses."""
    site.work.add("Ada")
    site.work.add("Lea", role="lead")
    with session(site.work.engine) as s:
        for name in ("Ada", "Lea"):
            identities.set_identity(session=s, name=name, email=f"{name}@example.org")
    return site


@pytest.fixture
def window(known: Site, browser: Browser) -> Iterator[AppWindow]:
    with new_browser(browser, known) as opened:
        yield opened


def come_as(window: AppWindow, subject: str) -> None:
    """Go to the provider and back."""
    window.click("Sign in")
    window.page.get_by_placeholder("sub").fill(subject)
    window.click("Authorize")


def leave(window: AppWindow, known: Site) -> None:
    """Sign out here, and at the provider."""
    window.click("Sign out")
    window.click("End session")
    expect(window.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert window.page.url.rstrip("/") == known.server.url
    assert not [
        cookie["name"] for cookie in window.page.context.cookies(known.server.url)
        if cookie["name"].startswith("_streamlit_user")
    ]  # fmt: skip


def test_somebody_known_comes_in_and_goes(known: Site, window: AppWindow) -> None:
    window.visit("Lea", "team")
    window.shows("Sign in to Keyhole")
    assert not window.knows("Lea")
    come_as(window, "ada-7")
    title = known.work.title(known.work.keys[0])
    window.on(title)
    expect(window.page.get_by_test_id("stSidebar")).to_contain_text("Ada")
    with session(known.work.engine, read_only=True) as s:
        bound = s.exec(select(Identity).where(Identity.email == "ada@example.org")).one()
    assert bound.subject == "ada-7" and bound.issuer.startswith("http://localhost:")

    window.visit("Lea")  # the provider alone says who it is
    window.on(title)
    expect(window.page.get_by_test_id("stSidebar")).to_contain_text("Ada")
    expect(window.page.get_by_test_id("stSidebar")).not_to_contain_text("Lea")
    assert "annotator" not in window.page.url
    leave(window, known)


def test_who_signs_in_comes_back_to_the_page_that_was_asked_for(
    known: Site, window: AppWindow
) -> None:
    key = known.work.keys[1]
    for page, shown in (("figures", "Figures"), (f"?key={key}", known.work.title(key))):
        window.page.goto(f"{known.server.url}/{page}")
        come_as(window, "ada-7")
        heading = window.page.get_by_role("heading", name=shown, exact=True)
        expect(heading.first).to_be_visible()
        assert all(part in window.page.url for part in page.split("?"))
        cookies = [one["name"] for one in window.page.context.cookies(known.server.url)]
        assert "keyhole_way_back" not in cookies
        leave(window, known)


def test_somebody_unknown_is_told_why_and_can_come_as_somebody_else(
    known: Site, window: AppWindow
) -> None:
    window.page.goto(known.server.url)
    come_as(window, "eve-9")
    window.shows("You are not let in")
    window.shows("You came as Eve@Example.org.")
    window.shows("Nobody here has the address eve@example.org; ask a lead to add you.")
    assert not any(window.knows(name) for name in ("Ada", "Lea"))
    window.page.reload()
    window.shows("You are not let in")
    leave(window, known)
    come_as(window, "lea-8")
    expect(window.page.get_by_test_id("stSidebar")).to_contain_text("Lea")

    window.go("Users")
    window.page.get_by_label("Name").fill("Eve")
    window.page.get_by_label("E-mail address").fill("eve@example.org")
    window.click("Add")
    window.shows("Eve is added.")
    leave(window, known)
    come_as(window, "eve-9")
    expect(window.page.get_by_test_id("stSidebar")).to_contain_text("Eve")


def test_a_window_ends_when_its_person_is_deactivated(known: Site, window: AppWindow) -> None:
    window.page.goto(known.server.url)
    come_as(window, "ada-7")
    expect(window.status).to_be_visible()
    with session(known.work.engine) as s:
        accounts.set_active(session=s, name="Ada", active=False)
    window.page.wait_for_timeout(5_500)  # longer than anything is remembered
    window.enter()
    window.press("n")
    window.shows("Ada was deactivated and can do nothing here; a lead can change that.")
    expect(window.page.locator("td.context")).to_have_count(0)
    stored = known.work.stored("Ada", known.work.keys[0])
    assert stored is not None and not stored.answer.patterns
