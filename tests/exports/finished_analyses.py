"""Analysed run folders by hand: tables as `analyse` would have stored them, few and countable."""

import json
from pathlib import Path

import pyarrow as pa
from runs import MinedKey, write_run

from mining.additions import account
from mining.run_folder import SCHEMAS, RunFolder, RunWriter

VOCABULARY = 100
AWKWARD_TOKENS = ("=1+1", 'a "b"\r\n', " NA", "\0", "", "é")


def analysed_run(
    folder: Path, layers: int = 2, *, parts: str = "values removal composition"
) -> Path:
    """A run of so many layers with 8 keys each, analysed for these parts."""
    keys = [MinedKey(layer, key) for layer in range(layers) for key in range(8)]
    write_run(folder, keys, model="analysed")
    tables = {
        "values": {"values": _values(layers), "predictive_values": _surest(layers)},
        "removal": {"removal": _removal(layers)},
        "composition": {"composition": _composition(layers)},
    }
    for part in parts.split():
        for name, rows in tables[part].items():
            schema = SCHEMAS[name]
            columns = {column: [row[column] for row in rows] for column in schema.names}
            RunWriter(folder).write(name, pa.table(columns, schema=schema))
        about = {"vocabulary": VOCABULARY, "settings": {"variant": "plain"}}
        account(folder, part, about | {"chance": 0.01, "chance_any": 0.05})
    return folder


def damaged(folder: Path) -> Path:
    """The same folder with a table that was cut off."""
    (folder / "removal.parquet").write_bytes(b"PAR1")
    return folder


def other_run(folder: Path) -> Path:
    """The same folder with the manifest of another run."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"seed": 99}))
    return folder


def opened(folder: Path) -> RunFolder:
    return RunFolder.open(folder)


def _values(layers: int) -> list[dict[str, object]]:
    """In layer l, l + 1 of the 8 keys agree; ranks are key + 1 otherwise."""
    return [
        {
            "layer": layer, "key": key, "top_token_ids": list(range(10)),
            "top_tokens": [f" t{n}" for n in range(10)],
            "top_probabilities": [0.5 / (n + 1) for n in range(10)],
            "next_token_rank": 1 if key <= layer else key + 1,
            "agrees": key <= layer, "agrees_any": key <= layer + 2, "max_probability": 0.5,
        }
        for layer in range(layers)
        for key in range(8)
    ]  # fmt: skip


def _surest(layers: int) -> list[dict[str, object]]:
    return [
        {
            "layer": n % layers, "key": n, "top_token": token, "max_probability": 0.5 / (n + 1),
            "matching_share": n / 10, "triggers": 10, "top_token_id": n,
        }
        for n, token in enumerate(AWKWARD_TOKENS)
    ]  # fmt: skip


def _removal(layers: int) -> list[dict[str, object]]:
    """Without the last token nothing is left, without the first three quarters."""
    left = {"first": 0.75, "last": 0.0, "random": 0.5}
    return [
        {
            "layer": layer, "key": key, "rank": rank, "removed": removed, "coefficient": 2.0,
            "coefficient_after": 2.0 * after,
        }
        for layer in range(layers)
        for key in range(3)
        for rank in (1, 2)
        for removed, after in left.items()
    ]  # fmt: skip


def _composition(layers: int) -> list[dict[str, object]]:
    """Of 8 prefixes 1 agrees, 4 are the residual's, 1 is the layer's, 2 are composed."""
    categories = ["agreement", *["residual"] * 4, "ffn", *["composition"] * 2]
    return [
        {
            "layer": layer, "sample": sample, "sentence_id": sample, "position": 1,
            "active_share": 0.25, "zero_agreement": sample < 6, "residual_matches": sample < layer,
            "residual_probability": 0.5, "category": category,
        }
        for layer in range(layers)
        for sample, category in enumerate(categories)
    ]  # fmt: skip
