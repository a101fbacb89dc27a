"""The model's figures as CSV files: in a dataset where its run is at hand, and from a run alone."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import datasets as hub
import mlcroissant
import pandas as pd
import pytest
from finished_analyses import AWKWARD_TOKENS, analysed_run, damaged, opened, other_run
from sqlmodel import Session

from annotations.database import make_engine, migrate
from annotations.database import session as open_session
from annotations.dataset_files import open_dataset
from annotations.dataset_import import import_dataset
from annotations.importer import import_run
from annotations.queries import run_named
from exports.columns import ALL_FILES
from exports.dataset import dataset_zip, write_dataset
from exports.model_columns import MODEL_FILES
from exports.model_figures import NAMES, figures_of, read_figures, write_figures
from exports.selection import Selection
from mining.errors import DatasetError, RunFolderError

Spoil = Callable[[Path], Path]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return analysed_run(tmp_path / "run")


@pytest.fixture
def run_id(session: Session, run: Path) -> int:
    return import_run(opened(run), session=session).run_id


def below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_dataset_holds_every_figure_with_its_sum_and_every_column_explained(
    session: Session, run_id: int, tmp_path: Path
) -> None:
    report = write_dataset(tmp_path / "out", session=session, run_id=run_id)
    files = below(tmp_path / "out")
    assert MODEL_FILES.keys() <= files.keys()
    assert report.figures_notice is None
    listed = {one["name"]: one["sha256"] for one in json.loads(files["manifest.json"])["files"]}
    explained = pd.read_csv(tmp_path / "out" / "data_dictionary.csv", keep_default_na=False)
    for name in MODEL_FILES:
        assert listed[name] == hashlib.sha256(files[name]).hexdigest()
        header = next(csv.reader(io.StringIO(files[name].decode(), newline="")))
        assert explained.loc[explained["file"] == name, "column"].tolist() == header
        assert f"`{name}`" in files["README.md"].decode()


def test_it_is_the_same_to_the_byte_each_time_and_from_the_run_alone(
    session: Session, run_id: int, run: Path, tmp_path: Path
) -> None:
    for out in ("once", "twice"):
        write_dataset(tmp_path / out, session=session, run_id=run_id)
    assert below(tmp_path / "once") == below(tmp_path / "twice")
    paths = write_figures(run, tmp_path / "alone")
    assert [path.name for path in paths] == [Path(name).name for name in MODEL_FILES]
    assert below(tmp_path / "alone") == below(tmp_path / "once" / "figures")


def test_numbers_are_those_that_were_stored(run: Path, tmp_path: Path) -> None:
    write_figures(run, tmp_path)
    found = read_figures(tmp_path)
    removed = found["figure3"].set_index(["layer", "removed"])["value"]
    assert removed[1].to_dict() == {"first": -0.25, "last": -1.0, "random": -0.5}
    agreed = found["figure4"].set_index(["trigger", "layer"])["value"]
    assert agreed["top_1"].to_dict() == {0: 1 / 8, 1: 2 / 8}
    assert agreed["any"].to_dict() == {0: 3 / 8, 1: 4 / 8}
    assert found["figure5"].query("layer == 0 and quantile == 0.5")["value"].item() == 4.5
    shares = found["figure10"].query("layer == 0").set_index("category")["value"]
    assert shares.to_dict() == {
        "agreement": 0.125, "residual": 0.5, "ffn": 0.125, "composition": 0.25,
    }  # fmt: skip
    for name, rows in figures_of(run).items():
        pd.testing.assert_frame_equal(found[name], rows, check_dtype=False, check_exact=True)


def test_a_token_of_any_text_survives(run: Path, tmp_path: Path) -> None:
    write_figures(run, tmp_path)
    expected = [token.replace("\0", "␀") for token in AWKWARD_TOKENS]
    # pandas takes CR LF within a cell for what it is.
    assert read_figures(tmp_path)["table3"]["top_token"].tolist() == expected


def test_others_loaders_read_the_figures(
    session: Session, run_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    out = tmp_path / "out"
    write_dataset(out, session=session, run_id=run_id)
    rows = hub.load_dataset(str(out), "table3", split="train")
    assert rows["top_token"][0] == AWKWARD_TOKENS[0]
    assert rows.column_names == [column.name for column in ALL_FILES["figures/table3.csv"].columns]
    described = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    assert len(list(described.records("figure10"))) == 2 * 4


def test_layers_leave_out_the_rows_of_others(session: Session, run_id: int, tmp_path: Path) -> None:
    write_dataset(tmp_path / "out", session=session, run_id=run_id, selection=Selection(layers=[1]))
    assert {
        layer for rows in read_figures(tmp_path / "out").values() for layer in rows["layer"]
    } == {1}


def test_a_download_holds_them_too(session: Session, run_id: int) -> None:
    packed = dataset_zip(session=session, run_id=run_id)
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist().count("figures/figure10.csv") == 1
    assert packed == dataset_zip(session=session, run_id=run_id)


@pytest.mark.parametrize(
    ("spoil", "notice"),
    [
        (lambda run: run.rename(run.with_name("moved")), "is not there; import the run"),
        (damaged, "removal.parquet cannot be read"),
        (other_run, "holds another run by now"),
    ],
    ids=["moved", "damaged", "another run"],
)
def test_without_a_usable_run_folder_the_labels_are_exported_with_a_notice(
    session: Session, run_id: int, run: Path, tmp_path: Path, spoil: Spoil, notice: str
) -> None:
    write_dataset(tmp_path / "out", session=session, run_id=run_id)
    spoil(run)
    report = write_dataset(tmp_path / "out", session=session, run_id=run_id)
    assert report.figures_notice is not None
    assert notice in report.figures_notice
    assert not (tmp_path / "out" / "figures").exists()  # those of before are outdated
    assert report.rows["keys.csv"] == 16
    open_dataset(tmp_path / "out")


def test_an_import_leaves_the_figures_out_and_keeps_all_else(
    session: Session, run_id: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "out", session=session, run_id=run_id)
    elsewhere = make_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    migrate(elsewhere)
    with open_session(elsewhere) as other:
        import_dataset(tmp_path / "out", session=other)
        again = run_named(session=other, name=None).id
        assert again is not None
        report = write_dataset(tmp_path / "again", session=other, run_id=again)
    elsewhere.dispose()
    assert "is not there" in str(report.figures_notice)
    before, after = below(tmp_path / "out"), below(tmp_path / "again")
    assert before.keys() - after.keys() == MODEL_FILES.keys()
    about = {"manifest.json", "README.md", "croissant.json", "data_dictionary.csv"}
    assert {name for name in after if after[name] != before[name]} == about


def test_a_run_without_analyses_says_what_to_type(session: Session, tmp_path: Path) -> None:
    bare = analysed_run(tmp_path / "bare", parts="")
    run_id = import_run(opened(bare), session=session).run_id
    report = write_dataset(tmp_path / "out", session=session, run_id=run_id)
    assert f"python -m mining analyse {bare}" in str(report.figures_notice)
    with pytest.raises(DatasetError, match=f"run `python -m mining analyse {bare}`"):
        write_figures(bare, tmp_path / "figures")
    with pytest.raises(RunFolderError):
        write_figures(tmp_path, tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


def test_a_figure_that_is_no_longer_analysed_goes(run: Path, tmp_path: Path) -> None:
    write_figures(run, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").touch()
    write_figures(analysed_run(tmp_path / "less", parts="removal"), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"figure3.csv", "notes.txt"}


def test_a_spreadsheet_copy_guards_tokens(session: Session, run_id: int, tmp_path: Path) -> None:
    write_dataset(tmp_path / "out", session=session, run_id=run_id, spreadsheet=True)
    copy = tmp_path / "out" / "figures" / "table3_spreadsheet.csv"
    assert b"'=1+1" in copy.read_bytes()
    write_dataset(tmp_path / "out", session=session, run_id=run_id)
    assert not copy.exists()


@pytest.mark.parametrize(
    ("figure", "before", "after", "complaint"),
    [
        ("figure7", "value", "valeu", "no column value"),
        ("figure3", "last", "middle", "row 2, column removed: 'middle' is none of first, last"),
        ("figure7", "0,0.75", "0,7.5", "row 1, column value: '7.5' is not a number from 0 to 1"),
        ("figure7", "0,0.75", "x,0.75", "row 1, column layer: 'x' is not a whole number"),
        ("figure7", "\r\n1,", "\r\n0,", "row 2: there twice"),
        ("figure5", "0,0.5,", "0,0.6,", "column quantile: '0.6' is none of 0.05"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(
    run: Path, tmp_path: Path, figure: str, before: str, after: str, complaint: str
) -> None:
    write_figures(run, tmp_path)
    path = tmp_path / f"{figure}.csv"
    text = path.read_bytes().decode()
    assert before in text
    path.write_bytes(text.replace(before, after, 1).encode())
    with pytest.raises(DatasetError, match=complaint):
        read_figures(tmp_path)


def test_names_are_in_the_papers_order() -> None:
    assert NAMES == (
        "figure3", "figure4", "figure5", "table3", "figure6", "figure7", "figure8", "figure9",
        "figure10",
    )  # fmt: skip
