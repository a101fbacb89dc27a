"""A dataset's manifest: the run, the filters used, how intervals were drawn, and every file's sum.

An import makes the run's row of it, so it holds all of that row that is not this database's own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from annotations.dataset_columns import FORMAT, SCHEMA
from annotations.tables import Run
from exports.derived import BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED
from mining import __version__


@dataclass(frozen=True)
class WrittenFile:
    """A file of the dataset as it was written; `rows` is None where it is no table."""

    name: str
    rows: int | None
    sha256: str


def render_manifest(run: Run, filters: Mapping[str, object], files: Sequence[WrittenFile]) -> bytes:
    """The manifest of a dataset with these files, itself excluded."""
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "software": {"name": "keyhole", "version": __version__},
        "run": {
            "name": run.name,
            "model": run.model,
            "corpus": run.corpus,
            "fingerprint": run.fingerprint,
            "layers": run.layers,
            "d_ff": run.d_ff,
            "top_k": run.top_k,
        },
        "filters": dict(filters),
        "bootstrap": {"rounds": BOOTSTRAP_ROUNDS, "seed": BOOTSTRAP_SEED, "confidence": 0.95},
        "files": [asdict(file) for file in files],
    }
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
