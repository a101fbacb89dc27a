"""What a run has stored of shades, for the tests of `shade`."""

from typing import NoReturn

import pandas as pd

from mining.run_folder import RunFolder


def stored(run: RunFolder) -> pd.DataFrame:
    """All of them; there must be some."""
    shades = run.shading()
    assert shades is not None
    return shades


def keys_of(rows: pd.DataFrame) -> set[tuple[int, int]]:
    """(layer, key) of rows."""
    return set(rows[["layer", "key"]].itertuples(index=False, name=None))


def never() -> NoReturn:
    """In place of what loads a model, where none may be needed."""
    raise AssertionError("The model was loaded for nothing.")
