"""Start the app: check what can be checked, then serve it."""

import os
from typing import Annotated

import typer

from annotations.database import database_url, make_engine, migrate
from app.settings import MODE, NONE, URL, Settings
from mining.command_line import new_app, run

app = new_app("Open the labelling app in a browser.")


@app.command()
def start(
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback only with a sign-in")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8501,
    sign_in: Annotated[
        str,
        typer.Option(envvar=MODE, help="How people sign in: none, oidc or passwords"),
    ] = NONE,
    url: Annotated[
        str,
        typer.Option(
            envvar=URL, help="Address that people open, behind a proxy: https://keyhole.example.org"
        ),
    ] = "",
) -> None:
    """Open the labelling app in a browser."""
    settings = Settings(host, port, sign_in, url.rstrip("/"))
    settings.check()
    migrate(make_engine(database_url()))
    os.environ.update(settings.environment)
    place = f"[{host}]" if ":" in host else host
    typer.echo(f"Keyhole is at {settings.url or f'http://{place}:{port}'} (stop it with Ctrl+C).")
    if settings.in_the_clear:
        typer.echo(
            "What people send here can be read on its way; put a proxy with https before it and"
            " name its address with --url.",
            err=True,
        )
    # Not at the top: a mistake is told before Streamlit is loaded.
    from app.components import grid_script
    from app.server import make_app

    os.environ[grid_script.SERVED] = "yes"
    make_app().run(config=settings.streamlit)


if __name__ == "__main__":
    run(app, "python -m app")
