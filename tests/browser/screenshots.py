"""Take the README's pictures from the demo, or with --all one of every state: `make screenshots`.

A database of its own is filled for each colour scheme, so no label of yours is touched. The labels
are the script's: the word that ends most prefixes of a key, as a shallow pattern. They show what
the pages look like, not what the model knows.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / room) for room in ("browser", "annotations")]  # as pytest does


def main() -> None:
    """Start a browser, and for each colour scheme the app, and take the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--run", type=Path, default=Path("data/runs/demo"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--all", action="store_true", help="every state, and not the README's two")
    parser.add_argument("--only", default="", help="scenes by name, with commas between")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=30_000)
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=arguments.chromium, args=switches)
        for scheme in ("light", "dark"):
            _take(chromium, scheme, arguments)
        chromium.close()


def _take(chromium: Browser, scheme: str, arguments: argparse.Namespace) -> None:
    """The pictures in one colour scheme."""
    from scenes import README_SCENES, SCENES
    from servers import ROOT, start_server, wait_until_healthy
    from studio import Studio
    from workplace import workplace_over

    from mining.run_folder import RunFolder

    scenes = SCENES if arguments.all else README_SCENES[scheme]
    if arguments.only:
        scenes = [scene for scene in SCENES if scene.__name__ in arguments.only.split(",")]
    with TemporaryDirectory() as folder:
        work = workplace_over(RunFolder.open(arguments.run), Path(folder))
        command = [sys.executable, "-m", "app", "--port", "{port}"]
        server = start_server(command, {"DATABASE_URL": work.address}, Path(folder), at=ROOT)
        try:
            wait_until_healthy(server)
            context = chromium.new_context(color_scheme=scheme)
            studio = Studio(work, context.new_page(), server.url, arguments.out, scheme)
            for scene in scenes:
                scene(studio)
            context.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
