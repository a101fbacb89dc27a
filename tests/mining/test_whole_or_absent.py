"""A run is complete or leaves nothing: whatever fails, and however late, no half of it stays."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from checkpoints import IGNORED
from corpora import mixed_lines

from mining.corpus import Corpus, Sentence, open_corpus
from mining.errors import CorpusError, KeyholeError, RunFolderError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import RunFolder, new_run_folder

Mined = Callable[..., RunFolder]
Loaded = Callable[[str], LoadedModel]


def test_a_failing_run_leaves_nothing_not_even_the_folders_above(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_run_folder(tmp_path / "a" / "b" / "run") as writer:
        writer.write("keys", pa.table({"layer": [1]}))
        (writer.path / "scratch").mkdir()
        (writer.path / "scratch" / "slots").write_bytes(b"1")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_there_before_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ZeroDivisionError), new_run_folder(tmp_path / "mine") as writer:
        writer.write("keys", pa.table({"layer": [1]}))
        raise ZeroDivisionError
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


def test_a_table_that_cannot_be_written_leaves_no_run(tmp_path: Path) -> None:
    def rows() -> Iterator[object]:
        yield pa.table({"layer": [1]})
        yield "no table"

    with pytest.raises(AttributeError), new_run_folder(tmp_path / "run") as writer:
        for table, one in zip(("keys", "triggers"), rows(), strict=True):
            writer.write(table, one)  # type: ignore[arg-type]
            assert not (tmp_path / "run" / "manifest.json").exists()
    assert not (tmp_path / "run").exists()


def test_tables_appear_under_their_names_only_once_they_are_whole(tmp_path: Path) -> None:
    with pytest.raises(AttributeError), new_run_folder(tmp_path / "run") as writer:
        try:
            writer.write("keys", "no table")  # type: ignore[arg-type]
        finally:
            assert not (tmp_path / "run" / "keys.parquet").exists()


def test_a_folder_that_holds_a_run_is_never_written_to(mined: Mined) -> None:
    run = mined("planted-relu", ["the cat"])
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    with pytest.raises(RunFolderError, match="already holds a run"), new_run_folder(run.path):
        raise AssertionError("the folder was given away")
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


def test_a_folder_with_other_files_or_a_file_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "full", tmp_path / "file"):
        with pytest.raises(RunFolderError, match=path.name), new_run_folder(path):
            raise AssertionError("the folder was given away")
    assert (tmp_path / "full" / "thesis.txt").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "not a folder"


def test_an_out_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises((KeyholeError, OSError)), new_run_folder(tmp_path / "file" / "run"):
        raise AssertionError("the folder was given away")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class BreaksOff(Corpus):
    """A corpus whose reading fails after some sentences, as a lost network disk does."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__("breaks-off", [], Path())
        self._failure = failure

    def __iter__(self) -> Iterator[Sentence]:
        for number in range(40):
            yield Sentence(number, number, "the cat sat on mat")
        raise self._failure


@pytest.mark.parametrize(
    "failure", [OSError("disk gone"), KeyboardInterrupt(), CorpusError("bad"), MemoryError()]
)
def test_a_run_that_breaks_off_while_reading_leaves_nothing(
    loaded: Loaded, tmp_path: Path, failure: BaseException
) -> None:
    options = MiningOptions(batch_tokens=16)
    with pytest.raises(type(failure)):
        mine(loaded("planted-relu"), BreaksOff(failure), tmp_path / "deep" / "run", options)
    assert list(tmp_path.iterdir()) == []


def test_after_a_run_that_broke_off_the_same_model_mines_as_before(
    mined: Mined, loaded: Loaded, tmp_path: Path
) -> None:
    before = mined("random-relu", mixed_lines())
    with pytest.raises(OSError, match="disk gone"):
        mine(
            loaded("random-relu"), BreaksOff(OSError("disk gone")), tmp_path / "no", MiningOptions()
        )
    hooks = [len(one._forward_hooks) + len(one._forward_pre_hooks) for one in modules(loaded)]
    assert sum(hooks) == 0
    pd.testing.assert_frame_equal(mined("random-relu", mixed_lines()).triggers(), before.triggers())


def modules(loaded: Loaded) -> list[object]:
    return list(loaded("random-relu").model.modules())


@pytest.mark.parametrize("content", ["", "\n \n\t\n", IGNORED, f"{IGNORED}\n{IGNORED} {IGNORED}"])
def test_a_corpus_without_a_token_is_refused_and_leaves_nothing(
    loaded: Loaded, tmp_path: Path, content: str
) -> None:
    source = tmp_path / "empty.txt"
    source.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"empty\.txt"):
        mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", MiningOptions())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"top_k": 0},
        {"top_k": -3},
        {"layers": [2]},
        {"layers": [-1]},
        {"per_sentence": "two"},
        {"sign": "negative"},
        {"max_sentences": 0},
        {"batch_tokens": 0},
    ],
)
def test_impossible_options_are_refused_and_leave_nothing(
    loaded: Loaded, tmp_path: Path, options: dict[str, object]
) -> None:
    source = tmp_path / "corpus.txt"
    source.write_text("the cat", encoding="utf-8")
    with pytest.raises(KeyholeError):
        mine(
            loaded("random-relu"),  # two layers: 0 and 1
            open_corpus(str(source)),
            tmp_path / "run",
            MiningOptions(**options),  # type: ignore[arg-type]
        )
    assert not (tmp_path / "run").exists()
