"""The driver of a run on a cluster, with tasks that run here: what it hands out, keeps, refuses."""

import json
import os
import platform
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from checkpoints import IGNORED, Constant, Fires, planted_checkpoint
from interrupted_runs import OPTIONS, begin, contents
from tasks_at_hand import Lost, TasksAtHand

from mining.cluster import mine_on_cluster
from mining.corpus import open_corpus
from mining.errors import CorpusError, Interrupted, KeyholeError, RunFolderError
from mining.miner import MiningOptions, asked_of, mine
from mining.models import LoadedModel, load_model
from mining.run_folder import MANIFEST, SHARDS
from mining.shards import ABOUT, Order, Refused, Shard, mine_shard

Loaded = Callable[[str], LoadedModel]
SHARD_OF = 12  # sentences


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mining.reading.WINDOW", SHARD_OF)


def on_cluster(
    loaded: LoadedModel, source: Path, out: Path, tasks: TasksAtHand,
    options: MiningOptions = OPTIONS, progress: Callable[[int, int], None] = lambda _m, _e: None,
) -> dict[str, bytes]:  # fmt: skip
    corpus = open_corpus(str(source))
    mine_on_cluster(loaded, corpus, out, options, "auto", progress, connect=tasks.connect)
    return contents(out)


@pytest.mark.parametrize("workers", [1, 5, 100])
@pytest.mark.parametrize(
    "options",
    [OPTIONS, replace(OPTIONS, per_sentence="all", max_sentences=100, layers=[1, 2], top_k=2)],
)
def test_in_whatever_order_shards_end_the_run_is_one_processs(
    loaded: Loaded, source: Path, tmp_path: Path, workers: int, options: MiningOptions
) -> None:
    model, tasks = loaded("random-gelu"), TasksAtHand(workers, seed=workers)
    mine(model, open_corpus(str(source)), tmp_path / "alone", options)
    found = on_cluster(model, source, tmp_path / "run", tasks, options)

    assert found == contents(tmp_path / "alone")
    assert tasks.done.count("mine_shard") > 8
    assert tasks.done.count("merge_parts") >= 3


def test_a_driver_that_was_lost_again_and_again_mines_nothing_twice(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, done = loaded("random-relu"), []
    whole = TasksAtHand()
    wanted = on_cluster(model, source, tmp_path / "alone", whole)
    for number in range(3):
        tasks = TasksAtHand(seed=number, lost_after=4)
        with pytest.raises(Lost):
            on_cluster(model, source, tmp_path / "run", tasks)
        assert {path.name for path in (tmp_path / "run").iterdir()} == {SHARDS}
        done += tasks.done
    last = TasksAtHand()
    assert on_cluster(model, source, tmp_path / "run", last) == wanted
    assert (done + last.done).count("mine_shard") == whole.done.count("mine_shard")


def test_a_driver_lost_before_anything_is_finished_leaves_nothing(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(Lost):
        on_cluster(loaded("random-relu"), source, tmp_path / "run", TasksAtHand(lost_after=0))
    assert not (tmp_path / "run").exists()


def test_ctrl_c_keeps_finished_shards_and_says_how_to_go_on(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, out = loaded("random-relu"), tmp_path / "run"

    pressed: list[int] = []

    def press(mined: int, _expected: int) -> None:
        if mined > 200 and not pressed:
            pressed.append(mined)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="--resume") as stopped:
        on_cluster(model, source, out, TasksAtHand(), progress=press)
    assert stopped.value.exit_code == 130
    assert {path.name for path in out.iterdir()} == {SHARDS}
    with pytest.raises(RunFolderError, match="go on with --resume"):
        on_cluster(model, source, out, TasksAtHand(), replace(OPTIONS, resume=False))
    alone = on_cluster(model, source, tmp_path / "alone", TasksAtHand())
    assert on_cluster(model, source, out, TasksAtHand()) == alone


def lost(loaded: LoadedModel, source: Path, out: Path, answers: int = 5) -> None:
    """A run whose driver was lost after so many tasks."""
    with pytest.raises(Lost):
        on_cluster(loaded, source, out, TasksAtHand(lost_after=answers))


@pytest.mark.parametrize(
    ("change", "named"),
    [({"top_k": 6}, "--top-k"), ({"sign": "positive"}, "--sign"), ({"layers": [0]}, "--layers")],
)
def test_going_on_with_another_option_is_refused_by_name(
    loaded: Loaded, source: Path, tmp_path: Path, change: dict[str, object], named: str
) -> None:
    model, out = loaded("random-relu"), tmp_path / "run"
    lost(model, source, out)
    before = {path.name: path.read_bytes() for path in (out / SHARDS).iterdir()}
    with pytest.raises(RunFolderError, match=named):
        on_cluster(model, source, out, TasksAtHand(), replace(OPTIONS, **change))  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in (out / SHARDS).iterdir()} == before
    on_cluster(model, source, out, TasksAtHand())
    with pytest.raises(RunFolderError, match=named):  # of a complete run too
        on_cluster(model, source, out, TasksAtHand(), replace(OPTIONS, **change))  # type: ignore[arg-type]


def test_going_on_with_another_model_or_corpus_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "run", source.with_name("other.txt")
    lost(loaded("random-relu"), source, out)
    other.write_bytes(source.read_bytes())
    with pytest.raises(RunFolderError, match="another model"):
        on_cluster(loaded("planted-relu"), source, out, TasksAtHand())
    with pytest.raises(RunFolderError, match=r"another corpus .*other\.txt"):
        on_cluster(loaded("random-relu"), other, out, TasksAtHand())


@pytest.mark.parametrize("change", ["first", "shorter"])
def test_going_on_over_changed_text_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path, change: str
) -> None:
    model, out, text = loaded("random-relu"), tmp_path / "run", source.read_text(encoding="utf-8")
    lost(model, source, out, answers=9)
    whole_shards = [one.text for one in islice(open_corpus(str(source)), 2 * SHARD_OF)]
    source.write_text("a cat" + text if change == "first" else "\n".join(whole_shards))
    with pytest.raises(CorpusError, match="is not what this run began with"):
        on_cluster(model, source, out, TasksAtHand())


def test_one_process_and_a_cluster_do_not_go_on_with_each_others_runs(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model = loaded("random-relu")
    lost(model, source, tmp_path / "cluster")
    begin(model, source, tmp_path / "one")
    with pytest.raises(RunFolderError, match="begun with --cluster"):
        mine(model, open_corpus(str(source)), tmp_path / "cluster", OPTIONS)
    with pytest.raises(RunFolderError, match="begun without --cluster"):
        on_cluster(model, source, tmp_path / "one", TasksAtHand())
    on_cluster(model, source, tmp_path / "cluster", TasksAtHand())  # neither was harmed
    mine(model, open_corpus(str(source)), tmp_path / "one", OPTIONS)


def test_text_without_a_token_is_refused_as_by_one_process(loaded: Loaded, tmp_path: Path) -> None:
    for text in ("", f"{IGNORED}\n" * 30):
        source = tmp_path / "empty.txt"
        source.write_text(text, encoding="utf-8")
        with pytest.raises(CorpusError) as alone:
            mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "alone", OPTIONS)
        with pytest.raises(CorpusError) as mistake:
            on_cluster(loaded("random-relu"), source, tmp_path / "run", TasksAtHand())
        assert str(mistake.value) == str(alone.value)


def test_progress_ends_with_every_token(loaded: Loaded, source: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    on_cluster(
        loaded("random-relu"), source, tmp_path / "run", TasksAtHand(),
        progress=lambda *counts: told.append(counts),
    )  # fmt: skip
    tokens = json.loads((tmp_path / "run" / MANIFEST).read_text())["tokens"]
    assert told[-1] == (tokens, tokens)
    assert [mined for mined, _ in told] == sorted(mined for mined, _ in told)
    assert all(abs(expected - tokens) < tokens for mined, expected in told[3:])


def test_a_coefficient_that_is_no_number_is_told_with_its_sentences(
    source: Path, tmp_path: Path
) -> None:
    plan = ((Fires({"cat": float("inf")}), Constant(1.0)),)
    model = load_model(str(planted_checkpoint(tmp_path / "damaged", plan).folder), device="cpu")
    with pytest.raises(KeyholeError) as mistake:
        on_cluster(model, source, tmp_path / "run", TasksAtHand(workers=1))
    told = str(mistake.value)
    assert told.startswith("Among sentences 0 to 11, counted from there: Layer 0, key ")
    assert platform.node() in told and "\n" not in told


def task(loaded: LoadedModel, source: Path, folder: Path) -> tuple[Order, Shard, Path]:
    """What a worker is given."""
    corpus = open_corpus(str(source))
    asked = asked_of(loaded, corpus, [0, 1], OPTIONS)
    folder.mkdir()
    (folder / ABOUT).write_text("{}")
    order = Order(loaded.name, loaded.dtype, "cpu", 1, OPTIONS, asked, folder)
    shard = Shard(0, 0, SHARD_OF, corpus.name, ["the cat sat"], np.zeros(1, np.int64), "")
    return order, shard, folder / "part.npz"


def test_a_worker_that_sees_something_else_says_what_and_where(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    order, shard, target = task(loaded("random-relu"), source, tmp_path / "shards")
    versions = order.asked["library versions"] | {"torch": "1.0"}
    wrong = [
        (replace(order, folder=tmp_path / "elsewhere"), "elsewhere is not there"),
        (replace(order, model=str(tmp_path / "nowhere")), "No checkpoint folder"),
        (replace(order, model=loaded("planted-relu").name), "not the model that the run"),
        (replace(order, asked=order.asked | {"library versions": versions}), "torch "),
    ]
    for other, said in wrong:
        answer = mine_shard(other, shard, target)
        assert isinstance(answer, Refused)
        assert said in answer.mistake and platform.node() in answer.mistake
    full = mine_shard(order, shard, tmp_path / "no folder" / "part.npz")
    assert isinstance(full, Refused) and "No such file" in full.mistake
    assert not isinstance(mine_shard(order, shard, target), Refused)
