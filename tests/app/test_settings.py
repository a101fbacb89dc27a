"""What the app may be started with: nobody gets in without a sign-in."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit import net_util
from streamlit.web.server.server_util import is_url_from_allowed_origins

from app.server import make_app
from app.settings import Settings, check_provider
from mining.errors import KeyholeError

ROOT = Path(__file__).parents[2]
AUTH = {
    "redirect_uri": "http://127.0.0.1:1/oauth2callback",
    "cookie_secret": "a secret of more than thirty-two letters",
    "client_id": "keyhole",
    "client_secret": "known to both",
    "server_metadata_url": "http://127.0.0.1:1/.well-known/openid-configuration",
}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org", "127.0.0.1.example"])
def test_without_a_sign_in_only_this_machine_is_answered(host: str) -> None:
    with pytest.raises(KeyholeError, match="--sign-in oidc or --sign-in passwords"):
        Settings(host, 1, "none").check()


def test_with_passwords_others_are_answered_and_told_that_they_can_be_overheard() -> None:
    with pytest.raises(KeyholeError, match="--port 0"):  # the last thing that is checked
        Settings("0.0.0.0", 0, "passwords").check()
    assert Settings("0.0.0.0", 1, "passwords").in_the_clear
    assert not Settings("0.0.0.0", 1, "passwords", "https://keyhole.example.org").in_the_clear
    assert not Settings("127.0.0.1", 1, "passwords").in_the_clear


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_loopback_needs_no_sign_in(host: str) -> None:
    with pytest.raises(KeyholeError, match="--port 0"):
        Settings(host, 0, "none").check()


def test_another_way_to_sign_in_is_not_known() -> None:
    with pytest.raises(KeyholeError, match="choose none, oidc or passwords"):
        Settings("127.0.0.1", 1, "ldap").check()


@pytest.mark.parametrize(
    "url",
    ["keyhole.example.org", "ftp://example.org", "https://", "https://a.example/keyhole",
     "https://a.example?x", "https://ada@a.example", "javascript://a"],
)  # fmt: skip
def test_an_address_that_people_cannot_open_is_refused(url: str) -> None:
    with pytest.raises(KeyholeError, match="--url"):
        Settings("127.0.0.1", 1, "passwords", url).check()


def test_streamlits_own_protections_stay_on_and_names_of_others_are_not_answered_to() -> None:
    alone = Settings("127.0.0.1", 1, "none").streamlit
    assert alone["server.enableCORS"] and alone["server.enableXsrfProtection"]
    assert set(alone["server.allowedHosts"]) == {"localhost", "127.0.0.1", "::1"}
    team = Settings("0.0.0.0", 1, "passwords", "https://keyhole.example.org").streamlit
    assert team["server.enableCORS"] and team["server.enableXsrfProtection"]
    assert team["server.corsAllowedOrigins"] == ["https://keyhole.example.org"]


def test_no_site_is_asked_for_this_machines_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> None:
        raise AssertionError("a site was asked")

    monkeypatch.setattr(net_util, "get_external_ip", ask)
    make_app()
    assert not is_url_from_allowed_origins("https://another.example")
    assert Settings("0.0.0.0", 1, "passwords").streamlit["logger.hideWelcomeMessage"]


@pytest.mark.parametrize(
    ("changed", "url", "said"),
    [
        ({"client_id": "", "redirect_uri": ""}, "", "redirect_uri, client_id are missing"),
        ({"server_metadata_url": ""}, "", "server_metadata_url is missing"),
        ({"redirect_uri": "http://127.0.0.1:1/"}, "", "must end with /oauth2callback"),
        ({"cookie_secret": "short"}, "", "cookie_secret in .auth. is shorter than 32"),
        ({}, "https://a.example", "would need https://a.example/oauth2callback"),
    ],
)
def test_an_identity_provider_must_be_described_as_a_whole(
    changed: dict[str, str], url: str, said: str
) -> None:
    check_provider(AUTH, "http://127.0.0.1:1")
    with pytest.raises(KeyholeError, match=said):
        check_provider(AUTH | changed, url)


@pytest.mark.parametrize(
    ("auth", "said"), [(AUTH, "--port 0"), (AUTH | {"client_id": ""}, "client_id is missing")]
)
def test_it_is_described_where_streamlit_reads_it(
    tmp_path: Path, auth: dict[str, str], said: str
) -> None:
    (tmp_path / ".streamlit").mkdir()
    lines = [f'{name} = "{value}"' for name, value in auth.items()]
    (tmp_path / ".streamlit" / "secrets.toml").write_text("\n".join(["[auth]", *lines]))
    done = subprocess.run(
        [sys.executable, "-m", "app", "--sign-in", "oidc", "--port", "0", "--host", "0.0.0.0"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert "known to both" not in done.stderr
