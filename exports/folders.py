"""Folders of finished files: files appear under their own names only once all of them are whole."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from annotations.dataset_columns import FORMAT, MANIFEST
from mining.errors import DatasetError

_TEMPORARY = ".partial"


def write_files(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Write files into a folder, made if absent; all are whole before the first gets its name.

    They are renamed in the order given. If writing fails, what was there before is untouched.
    """
    with new_files(folder) as create:
        for name, content in files.items():
            with create(name) as file:
                file.write(content)
    return [folder / name for name in files]


@contextmanager
def new_files(
    folder: Path, *, outdated: Collection[str] = ()
) -> Iterator[Callable[[str], BinaryIO]]:
    """Hands over a function that creates a file by name; at the end all get their own names.

    A name may be in a folder, as `figures/figure3.csv`.

    They are renamed in the order in which they were created. Then those files of `outdated` that
    were not created anew are removed. If the block fails, what was there before is untouched.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    partial: dict[str, Path] = {}

    def create(name: str) -> BinaryIO:
        partial[name] = folder / (name + _TEMPORARY)
        if not partial[name].parent.exists():
            partial[name].parent.mkdir()
            made.insert(0, partial[name].parent)
        return partial[name].open("wb")

    try:
        yield create
        for name, path in partial.items():
            path.replace(folder / name)
    except BaseException:
        for path in partial.values():
            if path.is_file():
                path.unlink()
        for place in made:  # innermost first; only folders that we made and that are empty go
            if not any(place.iterdir()):
                place.rmdir()
        raise
    for name in set(outdated) - partial.keys():
        (folder / name).unlink(missing_ok=True)
        below = (folder / name).parent
        if below != folder and below.is_dir() and not any(below.iterdir()):
            below.rmdir()


def check_dataset_folder(folder: Path, names: Collection[str]) -> None:
    """Refuse a folder that holds something else than a dataset made of the files called `names`.

    Absent, empty, and a dataset whose writing was interrupted are all fine. Raises DatasetError.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DatasetError(f"{folder} is a file, not a folder; choose another --out.")
    found = {entry.name for entry in folder.iterdir()}
    if not found or _is_dataset(folder / MANIFEST):
        return
    names = {name.split("/")[0] for name in names}
    partial = {name + _TEMPORARY for name in names}
    # The manifest gets its name last, so an interrupted export has left a partial file of ours.
    interrupted = found <= partial.union(names) and found & partial
    if not interrupted:
        raise DatasetError(
            f"{folder} is not empty and holds no Keyhole dataset; choose another --out."
        )


def _is_dataset(manifest: Path) -> bool:
    if not manifest.is_file():
        return False
    try:
        stored = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:  # not UTF-8, or not JSON
        return False
    return isinstance(stored, dict) and stored.get("format") == FORMAT
