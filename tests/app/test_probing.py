"""The app asks a process of its own what keys make of texts.

A script stands in for the model's process, except once, where the bundled model answers.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stand_in import PATIENCE, processes, ready, wait_for

from app.probing import LONGEST_TEXT, Probed, Prober
from mining.errors import AnnotationError
from mining.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


# Starting.


def test_nothing_is_started_until_it_is_asked_for(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    asleep = prober()
    assert (asleep.state(), asleep.failure) == ("absent", "")
    with pytest.raises(AnnotationError, match="not loaded"):
        asleep.ask(0, 0, "text")
    assert processes(probed_run) == []


def test_it_loads_in_the_background_and_is_ready_then(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    (probed_run / "wait").touch()
    loading = prober()
    loading.start()
    wait_for(lambda: len(processes(probed_run)) == 1)
    assert loading.state() == "loading"
    (probed_run / "wait").unlink()
    wait_for(lambda: loading.state() == "ready")
    assert loading.failure == ""


def test_starting_again_and_again_starts_one_process(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    one = prober()
    with ThreadPoolExecutor(8) as crowd:
        for _ in range(8):
            crowd.submit(one.start)
    ready(one)
    one.start()
    assert one.ask(0, 0, "a").coefficients == (0.0,)
    assert len(processes(probed_run)) == 1


def test_the_place_of_a_model_that_has_moved_is_handed_on(prober: Callable[..., Prober]) -> None:
    with pytest.raises(AnnotationError, match=r"^--model elsewhere/it$"):
        ready(prober(model="elsewhere/it")).ask(0, 0, "arguments")


def test_a_command_that_cannot_be_started_is_said(probed_run: Path) -> None:
    nowhere = Prober(probed_run, command=(str(probed_run / "nowhere"),))
    nowhere.start()
    assert nowhere.state() == "failed" and "No such file" in nowhere.failure
    with pytest.raises(AnnotationError, match="No process can be started"):
        nowhere.ask(0, 0, "a")
    nowhere.stop()


# Asking.


def test_an_answer_has_the_tokens_the_coefficients_and_the_yardstick(
    prober: Callable[..., Prober],
) -> None:
    answering = ready(prober())
    assert answering.ask(3, 500, "abc") == Probed(
        (1, 2, 3), (3.5, 3.5, 3.5), 1.5, (True, True, True)
    )
    assert answering.ask(3, 0, "a").yardstick is None


@pytest.mark.parametrize("text", ["two\nlines", 'a "quote"', "日本 😀", "half \ud800", "\0", ""])
def test_any_text_arrives_whole(prober: Callable[..., Prober], text: str) -> None:
    assert len(ready(prober()).ask(0, 1, text).token_ends) == len(text)


def test_who_asks_while_it_loads_waits_for_it(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    (probed_run / "wait").touch()
    loading = prober()
    loading.start()
    with ThreadPoolExecutor(1) as elsewhere:
        answer = elsewhere.submit(loading.ask, 1, 0, "a", PATIENCE)
        time.sleep(0.1)
        assert not answer.done()
        (probed_run / "wait").unlink()
        assert answer.result(PATIENCE).coefficients == (1.0,)


def test_who_cannot_wait_for_it_is_told_that_it_loads(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    (probed_run / "wait").touch()
    loading = prober()
    loading.start()
    with pytest.raises(AnnotationError, match="still being loaded"):
        loading.ask(0, 0, "a", timeout=0.05)
    assert loading.state() == "loading"


def test_everybody_gets_their_own_answer(prober: Callable[..., Prober]) -> None:
    answering = ready(prober())
    with ThreadPoolExecutor(12) as crowd:
        answers = [
            crowd.submit(answering.ask, layer, key, "x" * (layer + key), PATIENCE)
            for layer in range(6) for key in range(10)
        ]  # fmt: skip
        for n, answer in enumerate(answers):
            layer, key = divmod(n, 10)
            assert answer.result().coefficients == (layer + key / 1000,) * (layer + key)


def test_answers_may_come_in_another_order(prober: Callable[..., Prober]) -> None:
    answering = ready(prober())
    with ThreadPoolExecutor(1) as elsewhere:
        held = elsewhere.submit(answering.ask, 0, 0, "hold", PATIENCE)
        while not held.done():
            assert answering.ask(0, 0, "ab").token_ends == (1, 2)
        assert held.result().token_ends == ()


def test_a_question_that_is_refused_is_told_and_others_are_answered(
    prober: Callable[..., Prober],
) -> None:
    answering = ready(prober(model="it"))
    with pytest.raises(AnnotationError, match="--model it"):
        answering.ask(0, 0, "arguments")
    assert answering.state() == "ready"
    assert answering.ask(0, 0, "a").token_ends == (1,)


def test_an_answer_that_does_not_come_is_not_waited_for_forever(
    prober: Callable[..., Prober],
) -> None:
    answering = ready(prober())
    begun = time.monotonic()
    with pytest.raises(AnnotationError, match="No answer came"):
        answering.ask(0, 0, "nothing", timeout=0.1)
    assert time.monotonic() - begun < 5
    assert answering.state() == "ready"
    assert answering.ask(0, 0, "a").token_ends == (1,)


def test_a_process_that_cannot_be_written_to_is_no_traceback(
    prober: Callable[..., Prober], probed_run: Path
) -> None:
    for how in ("shut", "deaf"):
        (probed_run / how).touch()
    shut = ready(prober())
    with pytest.raises(AnnotationError, match="No answer came"):
        shut.ask(0, 0, "a", timeout=0.3)


def test_a_late_answer_is_nobody_elses(prober: Callable[..., Prober]) -> None:
    answering = ready(prober())
    with pytest.raises(AnnotationError, match="No answer came"):
        answering.ask(0, 0, "hold", timeout=0.1)
    for length in (1, 2, 3):  # the held one is answered after the first of these
        assert len(answering.ask(0, 0, "x" * length).token_ends) == length


def test_a_text_that_is_far_too_long_is_refused_here(prober: Callable[..., Prober]) -> None:
    answering = ready(prober())
    assert len(answering.ask(0, 0, "\U0001f600" * LONGEST_TEXT).token_ends) == LONGEST_TEXT
    with pytest.raises(AnnotationError, match=f"5,001 characters.*{LONGEST_TEXT:,}"):
        answering.ask(0, 0, "x" * (LONGEST_TEXT + 1))


def test_the_app_does_not_wait_for_torch() -> None:
    code = (
        "import sys, app.probing;"
        "sys.exit(bool({'torch', 'transformers', 'mining.probe'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# The real one.


def test_the_bundled_model_answers_as_it_was_mined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so little work only waits for its threads
    from mining.corpus import open_corpus
    from mining.miner import MiningOptions, mine
    from mining.models import load_model

    text = tmp_path / "text.txt"
    text.write_text("Return the first pair.\nA pair of values is given.\nRaise an error.\n")
    demo = load_model("demo", device="cpu")
    mine(demo, open_corpus(str(text)), tmp_path / "run", MiningOptions(layers=[0]))
    run = RunFolder.open(tmp_path / "run")
    trigger = run.triggers(0).iloc[0]
    sentence = run.sentences().loc[trigger["sentence_id"]]
    prober = Prober(run.path)
    prober.start()
    try:
        probed = prober.ask(0, int(trigger["key"]), sentence["text"], timeout=PATIENCE)
        assert probed.token_ends == tuple(sentence["token_ends"])
        assert probed.coefficients[trigger["position"]] == pytest.approx(
            trigger["coefficient"], rel=1e-5
        )
        of_key = run.triggers(0, int(trigger["key"]))
        assert probed.yardstick == pytest.approx(of_key["coefficient"].min())
        with pytest.raises(AnnotationError, match=r"has \d+ tokens, and demo reads 127 at once"):
            prober.ask(0, 0, "a pair of " * 100)
    finally:
        prober.stop()
