"""Take the README's pictures from the demo: `make screenshots`.

A database of its own is filled through the app as a person would, so no label of yours is touched.
The labels are the script's: the word that ends most prefixes of a key, as a shallow pattern. They
show what the pages look like, not what the model knows.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from annotations import queries
from annotations.database import make_engine, session
from annotations.queries import PrefixView

ROOT = Path(__file__).parents[2]
SIZES = {"": (1366, 768), "-narrow": (420, 860)}
KEYS = 16  # how many are labelled before the pictures of the figures


@contextmanager
def running_app(database: str, port: int) -> Iterator[str]:
    """The app over this database, until the end of the block."""
    environment = os.environ | {"DATABASE_URL": database}
    command = [sys.executable, "-m", "app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def last_word(prefix: PrefixView) -> str:
    """The word that the trigger token ends, without what surrounds it."""
    words = prefix.text.split()
    return words[-1].strip("\"'(),.:;").lower() if words else ""


def shallow_words(page: Page, database: str) -> str | None:
    """The word that ends at least 3 of the prefixes on the page, if there is one."""
    key_id = int(page.url.partition("key=")[2].partition("&")[0])
    with session(make_engine(database), read_only=True) as opened:
        key = queries.key_page(session=opened, key_id=key_id)
    (word, count), *_ = Counter(map(last_word, key.prefixes)).most_common(1)
    return word if count >= 3 and word else None


def find(page: Page, words: str) -> None:
    """Make a shallow pattern of the prefixes that contain these words."""
    page.locator("tbody tr").first.locator("td.context").click(position={"x": 4, "y": 4})
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.locator("[data-status]")).to_have_text("Saved")


def label(page: Page, database: str) -> None:
    """Answer the key on the page and go on to the next one."""
    title = page.get_by_role("heading", name="Layer").inner_text()
    words = shallow_words(page, database)
    if words is not None:
        find(page, words)
    if words is None or page.get_by_role("button", name="Submit").is_disabled():
        while page.locator("th.pattern").count():
            page.keyboard.press("Control+z")
        page.get_by_role("button", name="No pattern found").click()
        expect(page.locator("[data-status]")).to_have_text("Saved")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name=title)).to_have_count(0)


def take(page: Page, out: Path, name: str) -> None:
    """One page at every size."""
    for suffix, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(1500)  # for charts and fonts, which announce nothing
        page.screenshot(path=out / f"{name}{suffix}.png")
    page.set_viewport_size({"width": 1366, "height": 768})


def take_all(page: Page, url: str, database: str, out: Path, scheme: str) -> None:
    """Every page, empty and then full, in one colour scheme."""
    suffix = "" if scheme == "light" else f"-{scheme}"
    page.goto(url)
    expect(page.get_by_role("heading", name="Who is labelling?")).to_be_visible()
    take(page, out, f"who{suffix}")
    name = "Ada" if scheme == "light" else "Grace"
    page.get_by_label("Your name").or_(page.get_by_label("Somebody new")).fill(name)
    page.get_by_role("button", name="Start labelling").click()
    expect(page.get_by_role("heading", name="Layer")).to_be_visible()
    take(page, out, f"label-empty{suffix}")
    for page_name, file in (("My keys", "keys-empty"), ("Figures", "figures-empty")):
        page.get_by_role("link", name=page_name).click()
        expect(page.get_by_role("heading", name=page_name)).to_be_visible()
        take(page, out, f"{file}{suffix}")
    page.get_by_role("link", name="Label").click()
    expect(page.get_by_role("heading", name="Layer")).to_be_visible()
    words = shallow_words(page, database)
    if words is not None:
        find(page, words)
    page.keyboard.press("n")
    page.keyboard.type("words for kinds of data")
    page.keyboard.press("Enter")
    for key in ("t", "2", "j", "2", "j", "j", "2"):
        page.keyboard.press(key)
    expect(page.locator("[data-status]")).to_have_text("Saved")
    take(page, out, f"label{suffix}")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("1 of ")).to_be_visible()
    for _ in range(KEYS - 1):
        label(page, database)
    for page_name, file in (("My keys", "keys"), ("Figures", "figures")):
        page.get_by_role("link", name=page_name).click()
        expect(page.get_by_role("heading", name=page_name)).to_be_visible()
        take(page, out, f"{file}{suffix}")


def main() -> None:
    """Fill a database of its own and take every picture."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--run", type=Path, default=Path("data/runs/demo"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--port", type=int, default=8599)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=30_000)
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        database = f"sqlite:///{folder}/keyhole.db"
        subprocess.run(
            [sys.executable, "-m", "annotations", "import", str(arguments.run), "--name", "demo"],
            cwd=ROOT, env=os.environ | {"DATABASE_URL": database}, check=True,
        )  # fmt: skip
        chromium = playwright.chromium.launch(executable_path=arguments.chromium, args=switches)
        with running_app(database, arguments.port) as url:
            for scheme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": 1366, "height": 768}, color_scheme=scheme
                )
                take_all(context.new_page(), url, database, arguments.out, scheme)
        chromium.close()


if __name__ == "__main__":
    main()
