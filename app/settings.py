"""What `python -m app` is started with: checked before a server is, told to it by environment.

Whoever reaches a server without sign-in can be anybody, so only this machine may reach it.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mining.errors import KeyholeError

NONE, OIDC, PASSWORDS = "none", "oidc", "passwords"
MODES = (NONE, OIDC, PASSWORDS)  # how people sign in
MODE, URL = "KEYHOLE_SIGN_IN", "KEYHOLE_URL"  # in the environment
_ASKED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_SHORTEST_SECRET = 32  # characters; it signs the cookies
_CALLBACK = "/oauth2callback"


@dataclass(frozen=True)
class Settings:
    """Where the server listens, how people sign in, and the address that they open."""

    host: str
    port: int
    sign_in: str
    url: str = ""

    def check(self) -> None:
        """KeyholeError for what cannot be, or would let anybody in."""
        if self.sign_in not in MODES:
            raise KeyholeError(
                f"--sign-in {self.sign_in} is no way to sign in; choose {', '.join(MODES[:-1])}"
                f" or {MODES[-1]}."
            )
        if self.sign_in == NONE and not self.is_loopback:
            raise KeyholeError(
                f"--host {self.host} would let others in, and there is no sign-in; choose one with"
                " --sign-in oidc or --sign-in passwords, or use 127.0.0.1 through an SSH tunnel."
            )
        _check_url(self.url)
        if self.sign_in == OIDC:
            check_provider(_auth_section(self.streamlit), self.url)
        _check_free(self.host, self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine reaches the server."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def environment(self) -> dict[str, str]:
        """What `sign_in` reads."""
        return {MODE: self.sign_in, URL: self.url}

    @property
    def streamlit(self) -> dict[str, Any]:
        """What Streamlit is told beside `.streamlit/config.toml`."""
        told: dict[str, Any] = {
            "server.address": self.host,
            "server.port": self.port,
            "server.enableCORS": True,
            "server.enableXsrfProtection": True,
            "logger.level": "warning",
            "logger.hideWelcomeMessage": True,  # ours says where, and looks up no address for it
        }
        if self.url:
            told["server.corsAllowedOrigins"] = [self.url]
        if self.sign_in == NONE:
            # Another site's name can be made to lead to this machine; it is not answered to.
            told["server.allowedHosts"] = ["localhost", "127.0.0.1", "::1", self.host]
            told["server.allowedHosts"] += [urlsplit(self.url).hostname] if self.url else []
        return told

    @property
    def in_the_clear(self) -> bool:
        """Whether what people type travels unencrypted, as far as can be told from here."""
        return not self.is_loopback and not self.url.startswith("https://")


def _check_url(url: str) -> None:
    if not url:
        return
    place = urlsplit(url)
    whole = place.scheme in ("http", "https") and bool(place.hostname)
    if not whole or url != f"{place.scheme}://{place.netloc}" or "@" in place.netloc:
        raise KeyholeError(
            f"--url {url} is no address of a site; write it like https://keyhole.example.org,"
            " without a path."
        )


def _auth_section(told: dict[str, Any]) -> Mapping[str, Any]:
    """`[auth]` of Streamlit's secrets; empty where there is none."""
    # Not at the top: only this way of signing in needs Streamlit before the server is made.
    from streamlit import config
    from streamlit.runtime.secrets import secrets_singleton

    # Where secrets are is a setting; all are read as they will be, or a change would be announced.
    config.get_config_options(force_reparse=True, options_from_flags=told)
    if not secrets_singleton.load_if_toml_exists():
        return {}
    found = secrets_singleton.get("auth")
    return found if isinstance(found, Mapping) else {}


def check_provider(section: Mapping[str, Any], url: str) -> None:
    """KeyholeError unless [auth] says all that Streamlit needs to ask an identity provider."""
    lacking = [name for name in _ASKED if not section.get(name)]
    if lacking:
        raise KeyholeError(
            f"--sign-in oidc needs [auth] in .streamlit/secrets.toml; {', '.join(lacking)}"
            f" {'is' if len(lacking) == 1 else 'are'} missing there."
        )
    back = str(section["redirect_uri"])
    if not back.endswith(_CALLBACK):
        raise KeyholeError(
            f"redirect_uri in [auth] must end with {_CALLBACK}, and is {back}; correct it there and"
            " at the identity provider."
        )
    if url and back != url + _CALLBACK:
        raise KeyholeError(
            f"redirect_uri in [auth] is {back}, but --url {url} would need {url}{_CALLBACK}; make"
            " them one."
        )
    if len(str(section["cookie_secret"])) < _SHORTEST_SECRET:
        raise KeyholeError(
            f"cookie_secret in [auth] is shorter than {_SHORTEST_SECRET} characters; make one with"
            " `python -c 'import secrets; print(secrets.token_urlsafe(32))'`."
        )


def _check_free(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise KeyholeError(f"--port {port} is no port; choose one from 1 to 65535.")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as mistake:
        raise KeyholeError(
            f"--host {host} is no address of this machine ({mistake.strerror}); try 0.0.0.0."
        ) from None
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as mistake:
            raise KeyholeError(
                f"Port {port} cannot be used ({mistake.strerror}); choose another with --port."
            ) from None
