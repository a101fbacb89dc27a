"""What `screenshots.py` takes pictures of: each scene brings one page into one state.

Scenes need nothing of each other, but for the answers of Ada and Bob that they start from.
"""

import re
from collections.abc import Callable

from playwright.sync_api import expect
from studio import ANSWERED, Studio, ending_alike

from annotations import blind, queue, remarks, store
from annotations.answers import PatternAnswer
from annotations.database import session

Scene = Callable[[Studio], None]


def who(studio: Studio) -> None:
    studio.page.goto(studio.url)
    studio.window.shows("Who is labelling?")
    studio.take("who", narrow=True)


def first_key(studio: Studio) -> None:
    studio.window.visit("Cyd")
    expect(studio.window.status).to_be_visible()
    studio.take("label-empty", narrow=True)
    studio.window.press("?")
    studio.take("label-help")
    studio.window.press("Escape")


def two_patterns(studio: Studio) -> None:
    """The README's first picture."""
    key = next(
        turn for turn in range(ANSWERED, len(studio.work.keys))
        if len(ending_alike(studio.work.key(studio.work.keys[turn]))) > 1
    )  # fmt: skip
    words = ending_alike(studio.open("Ada", key))[0].description
    window = studio.window
    window.enter()
    window.press("/")
    window.type(words)
    window.press("Enter", "n")
    window.type("words for kinds of data")
    window.press("Enter", "t", "2", "j", "2", "j", "j", "2")
    window.saved()
    studio.take("label", narrow=True)
    window.press("s")
    studio.page.wait_for_timeout(500)
    studio.take("label-shaded", narrow=True)
    window.press("s")
    window.saved()


def nine_patterns(studio: Studio) -> None:
    key = studio.work.keys[ANSWERED + 2]
    nine = [
        PatternAnswer(
            "semantic" if number % 3 else "shallow",
            ("a", "of the", "a rather long description of what these prefixes share")[number % 3],
            tuple(range(1 + number % 4, 25, 2 + number)),
        )
        for number in range(9)
    ]
    studio.work.draft("Ada", key, *nine)
    studio.open("Ada", ANSWERED + 2)
    studio.take("label-nine-patterns", narrow=True)


def long_prefixes(studio: Studio) -> None:
    texts = {
        turn: sum(len(prefix.text) > 150 for prefix in studio.work.key(key_id).prefixes)
        for turn, key_id in enumerate(studio.work.keys)
        if turn >= ANSWERED
    }
    key = studio.open("Ada", max(texts, key=lambda turn: texts[turn]))
    longest = max(key.prefixes, key=lambda prefix: len(prefix.text))
    studio.take("label-long-prefixes", narrow=True)
    studio.window.enter()
    studio.window.press(*["j"] * (longest.rank - 1), "Enter")
    studio.take("label-long-prefix-shown", narrow=True)


def conflict(studio: Studio) -> None:
    key = studio.open("Ada", ANSWERED + 4)
    studio.work.draft("Ada", key.id, *ending_alike(key))
    studio.window.enter()
    studio.window.press("n")
    expect(studio.window.notice).to_be_visible()
    studio.take("label-conflict", narrow=True)


def skipping(studio: Studio) -> None:
    key = studio.open("Bob", ANSWERED + 5)
    studio.page.get_by_text("Flag, note, skip", exact=True).click()
    studio.page.get_by_role("tab", name="Skip").click()
    studio.page.get_by_label("Why can this key not be labelled?").fill("tables without a sentence")
    studio.take("label-skip")
    studio.window.click("Skip this key")
    expect(studio.page.get_by_role("heading", name=f"key {key.key}", exact=False)).to_have_count(0)
    studio.open("Bob", ANSWERED + 5)
    studio.take("label-skipped")


def submitted(studio: Studio) -> None:
    studio.open("Ada", 0)
    studio.take("label-submitted", narrow=True)


def keys(studio: Studio) -> None:
    window = studio.window
    window.visit("Ada", "keys")
    window.rest()
    studio.take("keys", narrow=True)
    field = studio.page.get_by_role("textbox", name="In a trigger")
    field.fill("the")
    field.press("Enter")
    window.rest()
    studio.take("keys-found", narrow=True)
    field.fill("no such words")
    field.press("Enter")
    window.shows("No key fits.")
    studio.take("keys-none")


def figures(studio: Studio) -> None:
    """The README's second picture."""
    studio.window.visit("Cyd", "figures")
    studio.window.shows("Figures")
    studio.take("figures-empty")
    studio.window.visit("Ada", "figures")
    studio.window.shows("Figures")
    studio.window.rest()
    studio.take("figures", narrow=True)
    for section in (
        "Patterns per key",
        "Coverage",
        "Agreement",
        "Time",
        "Intervals",
        "The numbers",
    ):
        studio.page.get_by_role("radio", name=section).click()
        studio.window.rest()
        studio.take(f"figures-{section.lower().replace(' ', '-')}", narrow=True, tall=True)


def model(studio: Studio) -> None:
    """The page Model; full with `--run` on a run that was analysed."""
    studio.window.visit("Ada", "model")
    studio.window.shows("Model")
    studio.window.rest()
    studio.take("model", narrow=True)
    studio.take("model-tall", tall=True)
    studio.open("Ada", ANSWERED + 6)
    studio.page.get_by_text("Try the key").click()
    studio.page.get_by_role("tab", name="Value").click()
    studio.window.shows("A pattern is what the prefixes share")
    scroll_to_probe(studio)
    studio.take("value", narrow=True)


def team(studio: Studio) -> None:
    work = studio.work
    with session(work.engine) as s:
        for name, turn, reason in (("Ada", 7, "tables only"), ("Bob", 8, "cut in mid-word")):
            about = {"annotator_id": work.people[name], "key_id": work.keys[turn]}
            store.skip(session=s, **about, reason=reason)
            remarks.set_flag(session=s, **about, reason="Is rank 3 the same sentence twice?")
        queue.assign(session=s, run_id=work.run_id, overlap=2)
    studio.window.visit("Lea", "team")
    studio.window.shows("Flagged and skipped")
    studio.take("team", tall=True, narrow=True)


def users(studio: Studio) -> None:
    studio.window.visit("Lea", "users")
    studio.window.shows("Users")
    studio.window.rest()
    studio.take("users", narrow=True)


def cases(studio: Studio) -> None:
    window = studio.window
    window.visit("Lea", "adjudicate")
    window.shows("Show me everybody's answers")
    studio.take("cases-blind")
    with session(studio.work.engine) as s:
        blind.disclose(session=s, lead_id=studio.work.people["Lea"], run_id=studio.work.run_id)
    window.visit("Lea", "adjudicate")
    rows = studio.page.get_by_role("button", name=re.compile("^Layer"))
    expect(rows).to_have_count(ANSWERED)
    studio.take("cases", narrow=True)
    rows.first.click()
    window.shows("what they said")
    studio.page.get_by_role("button", name="Take").first.click()
    expect(studio.page.locator("th.pattern")).to_have_count(1)
    window.saved()
    studio.take("case", tall=True, narrow=True)
    studio.take("case-laptop")


def probe(studio: Studio) -> None:
    key = studio.open("Ada", ANSWERED + 6)
    studio.page.get_by_text("Try the key").click()
    studio.window.click("Load the model")
    studio.window.shows("The model is loading")
    scroll_to_probe(studio)
    studio.take("probe-loading")
    field = studio.page.get_by_role("textbox", name="A text")
    field.wait_for(timeout=120_000)
    field.fill(f"{key.prefixes[0].text} and so on, <b>or not</b>")
    field.press("Enter")
    expect(studio.page.locator(".kh-probe")).to_be_visible()
    scroll_to_probe(studio)
    studio.take("probe", narrow=True)


def scroll_to_probe(studio: Studio) -> None:
    studio.page.get_by_test_id("stExpander").last.scroll_into_view_if_needed()


def nothing_left(studio: Studio) -> None:
    """All keys of one layer are wanted once, and Ada has them."""
    work = studio.work
    layer = min(work.key(key_id).layer for key_id in work.keys)
    for key_id in work.keys[ANSWERED:]:
        if work.key(key_id).layer == layer:
            work.hand_in("Ada", key_id)
    with session(work.engine) as s:
        queue.open_to_everybody(session=s, run_id=work.run_id)
        queue.assign(session=s, run_id=work.run_id, overlap=1, layers=[layer])
    studio.window.visit("Dan")
    studio.window.shows("Nothing is left for you")
    studio.take("nothing-left", narrow=True)
    studio.window.visit("Dan", key=work.keys[0])
    studio.window.shows("as many annotators as it needs")
    studio.take("label-claimed")


SCENES: list[Scene] = [
    who, first_key, two_patterns, nine_patterns, long_prefixes, conflict, skipping, submitted, keys,
    figures, model, team, users, cases, probe, nothing_left,
]  # fmt: skip
README_SCENES: dict[str, list[Scene]] = {"light": [two_patterns], "dark": [figures]}
