"""Runs compared: with the brute force row by row, and with each other bit by bit."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from oracle import Oracle, Trigger

from mining.run_folder import RunFolder

ONE_SENTENCE_A_BATCH, A_FEW, EVERYTHING = 1, 37, 1_000_000
BATCHES = (ONE_SENTENCE_A_BATCH, A_FEW, EVERYTHING)  # tokens in a batch
ORDER = ["layer", "key", "sign", "rank", "sentence_id", "position", "next_token_id", "prefix"]


def expected_rows(
    oracle: Oracle, layers: Sequence[int] | None = None, **options: object
) -> list[Trigger]:
    chosen = range(oracle.layers) if layers is None else layers
    return [
        row
        for layer in chosen
        for key in range(oracle.keys)
        for row in oracle.triggers(layer, key, **options)  # type: ignore[arg-type]
    ]


def assert_same_triggers(
    run: RunFolder, oracle: Oracle, expected: list[Trigger], *, bitwise: bool
) -> None:
    found = run.triggers()
    wanted = pd.DataFrame(expected, columns=[*Trigger.__dataclass_fields__])
    rows = list(found[ORDER].itertuples(index=False, name=None))
    wanted_rows = list(wanted[ORDER].itertuples(index=False, name=None))
    wrong = [pair for pair in zip(rows, wanted_rows, strict=False) if pair[0] != pair[1]]
    assert rows == wanted_rows, f"{len(rows)} rows for {len(wanted_rows)}; first: {wrong[:1]}"
    mined = found["coefficient"].to_numpy()
    alone = wanted["coefficient"].to_numpy(np.float32)
    if bitwise:
        np.testing.assert_array_equal(mined, alone)
    else:
        # 1e-5 of the coefficient; but of one that is the small remainder of larger terms, float32
        # keeps only what it keeps of those.
        scale = np.array([oracle.scale[row.layer, row.key] for row in expected])
        assert (np.abs(mined - alone) <= np.maximum(1e-5 * np.abs(alone), 1e-6 * scale)).all()


def assert_same_statistics(
    run: RunFolder, oracle: Oracle, layers: Sequence[int] | None = None
) -> None:
    found = run.keys()
    chosen = range(oracle.layers) if layers is None else layers
    places = [(layer, key) for layer in chosen for key in range(oracle.keys)]
    assert list(zip(found["layer"], found["key"], strict=True)) == places
    triggers = run.triggers()
    positive = triggers[triggers["sign"] == 1].groupby(["layer", "key"]).size()
    for row, place in zip(found.itertuples(), places, strict=True):
        wanted = oracle.statistics(*place, triggers=int(positive.get(place, 0)))
        rounding = 1e-6 * float(oracle.scale[place])
        assert row.triggers == wanted.triggers, place
        assert row.active_share == pytest.approx(wanted.active_share, rel=1e-6), place
        assert row.mean == pytest.approx(wanted.mean, rel=1e-5, abs=rounding), place
        assert row.max == pytest.approx(wanted.max, rel=1e-5, abs=rounding), place
        assert row.min == pytest.approx(wanted.min, rel=1e-5, abs=rounding), place


def assert_all_the_same(runs: Sequence[RunFolder]) -> None:
    """To the last bit, however their sentences were batched."""
    for other in runs[1:]:
        pd.testing.assert_frame_equal(other.triggers(), runs[0].triggers())
