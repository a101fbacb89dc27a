"""From a run folder to rows: a seeded sample of its keys, the same number from every layer.

Idempotent: what is there already stays as it is. With the same seed a larger sample contains every
smaller one, so a run can be extended while people are labelling it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import bindparam
from sqlalchemy import select as wide  # SQLModel's own is typed for four columns
from sqlmodel import Session, col, func, insert, select, update

from annotations.database import shut_out_others
from annotations.queue import CLOSED
from annotations.tables import Key, Layer, Prefix, Run
from mining.additions import fingerprint
from mining.errors import AnnotationError, RunFolderError
from mining.run_folder import RunFolder
from mining.sampled_keys import FEWEST_TRIGGERS, sampled_keys

LONGEST_NAME = 80  # characters
# PostgreSQL cannot store NUL. Its picture has the same length, so offsets stay right.
_NUL, _PICTURE_OF_NUL = "\0", "␀"


@dataclass(frozen=True)
class ImportReport:
    """What an import did; `dead_keys` and `short_keys` were passed over."""

    run_id: int
    name: str
    added_keys: int
    present_keys: int  # chosen now, and in the database before
    dead_keys: int  # without a trigger prefix
    short_keys: int  # with too few for any pattern
    layers: int  # with at least one key in the sample


def import_run(
    folder: RunFolder,
    *,
    session: Session,
    keys_per_layer: int = 10,
    seed: int = 0,
    name: str | None = None,
) -> ImportReport:
    """Put a sample of a run's keys before the annotators.

    Keys are drawn from those with at least 3 triggers, the fewest a pattern can have. `name` is the
    run's name in the database, by default its folder's. Raises AnnotationError for an impossible
    sample or a name that another run has, RunFolderError for a damaged folder.
    """
    if keys_per_layer < 1:
        raise AnnotationError(f"{keys_per_layer} keys a layer is no sample; ask for 1 or more.")
    if seed < 0:
        raise AnnotationError(f"The seed {seed} is negative; take 0 or more.")
    keys, triggers = _draw(folder, keys_per_layer, seed)
    drawn = keys[keys["turn"].notna()].astype({"turn": "int64"})
    shut_out_others(session=session)
    run = _own_run(folder, name, session=session)
    assert run.id is not None
    there = select(Key.layer, Key.key).where(Key.run_id == run.id)
    present = {tuple(row) for row in session.exec(there)}
    places = zip(drawn["layer"].tolist(), drawn["key"].tolist(), strict=True)
    new = drawn[[place not in present for place in places]]
    if len(new):
        _add_keys(new, triggers, folder, run.id, session=session)
        count_keys(run.id, session=session)
    _add_shadings(folder, run.id, session=session)
    _add_value_tokens(folder, run.id, session=session)
    return ImportReport(
        run_id=run.id,
        name=run.name,
        added_keys=len(new),
        present_keys=len(drawn) - len(new),
        dead_keys=int((keys["triggers"] == 0).sum()),
        short_keys=int(keys["triggers"].between(1, FEWEST_TRIGGERS - 1).sum()),
        layers=drawn["layer"].nunique(),
    )


def _draw(folder: RunFolder, keys_per_layer: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All keys with their `triggers` and `turn` (NaN: not drawn), and the drawn ones' triggers.

    Every layer's first key comes first, then every layer's second, and so on: wherever the work
    stops, the layers are about equally far. A layer's draw depends on the seed and on that layer
    alone, and a larger draw only goes on where a smaller one ended.
    """
    every_key = folder.keys()
    layers = sorted(every_key["layer"].unique().tolist())
    if not layers:
        raise RunFolderError(f"{folder.path} holds no key; mine again.")
    keys, rows = [], []
    for place, layer in enumerate(layers):
        triggers = folder.triggers(layer)
        triggers = triggers[triggers["sign"] > 0]
        own = every_key[every_key["layer"] == layer].sort_values("key").set_index("key")
        own["triggers"] = triggers.groupby("key").size().reindex(own.index, fill_value=0)
        candidates = own.index[own["triggers"] >= FEWEST_TRIGGERS].to_numpy()
        order = sampled_keys(candidates, layer, seed)[:keys_per_layer]
        own["turn"] = pd.Series(np.arange(len(order)) * len(layers) + place, index=order)
        keys.append(own.reset_index())
        rows.append(triggers[triggers["key"].isin(order)])
    return pd.concat(keys, ignore_index=True), pd.concat(rows, ignore_index=True)


def _own_run(folder: RunFolder, name: str | None, *, session: Session) -> Run:
    """The run's row: the one that its manifest's fingerprint names, or a new one."""
    own = fingerprint(folder.path)
    path = folder.path.resolve()
    present = session.exec(select(Run).where(Run.fingerprint == own)).first()
    if present is not None:
        if name not in (None, present.name):
            raise AnnotationError(
                f"This run is in the database already, as {present.name}; leave --name out."
            )
        present.folder = str(path)  # it may have been moved
        session.add(present)
        return present
    name = path.name if name is None else name
    check_run_name(name, session=session)
    manifest = folder.manifest
    run = Run(
        name=name,
        fingerprint=own,
        folder=str(path),
        model=manifest.model,
        corpus=manifest.corpus,
        layers=manifest.layers,
        d_ff=manifest.d_ff,
        top_k=manifest.top_k,
    )
    session.add(run)
    session.flush()
    return run


def check_run_name(name: str, *, session: Session) -> None:
    """AnnotationError for a name that no new run can have."""
    if not (1 <= len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise AnnotationError(
            f"A run's name has 1 to {LONGEST_NAME} printable characters; give one with --name."
        )
    if session.exec(select(Run).where(Run.name == name)).first():
        raise AnnotationError(f"Another run is called {name}; give this one another --name.")


def _add_keys(
    new: pd.DataFrame,
    triggers: pd.DataFrame,
    folder: RunFolder,
    run_id: int,
    *,
    session: Session,
) -> None:
    wanted = wanted_of_new_keys(run_id, session=session)
    shared = {"run_id": run_id, "wanted": wanted, "value_tokens": ""}
    columns = ["layer", "key", "active_share", "turn"]
    session.execute(insert(Key), [shared | row for row in _records(new[columns])])
    stored = select(Key.layer, Key.key, Key.id).where(Key.run_id == run_id)
    ids = {(layer, key): key_id for layer, key, key_id in session.exec(stored)}
    wanted = triggers.merge(new[["layer", "key"]], on=["layer", "key"])
    sentences = folder.sentences()["token_ends"]
    missing = set(wanted["sentence_id"]) - set(sentences.index)
    if missing:
        raise RunFolderError(
            f"{folder.path} is damaged: it lacks sentence {min(missing)}, which a trigger uses; "
            "mine again."
        )
    prefixes = [
        {
            "key_id": ids[row["layer"], row["key"]],
            "rank": row["rank"],
            "coefficient": row["coefficient"],
            "text": row["prefix"].replace(_NUL, _PICTURE_OF_NUL),
            "token_ends": sentences.at[row["sentence_id"]][: row["position"] + 1].tolist(),
            "next_token": row["next_token"].replace(_NUL, _PICTURE_OF_NUL),
            "sentence_id": row["sentence_id"],
            "position": row["position"],
        }
        for row in _records(wanted)
    ]
    session.execute(insert(Prefix), prefixes)


def wanted_of_new_keys(run_id: int, *, session: Session) -> int | None:
    """How many annotators shall answer a key that is added now: nobody, once keys are assigned."""
    assigned = select(Key.id).where(Key.run_id == run_id, col(Key.wanted).is_not(None)).limit(1)
    return None if session.exec(assigned).first() is None else CLOSED


def count_keys(run_id: int, *, session: Session) -> None:
    """Store how many keys each layer has, which pages must not count each time."""
    of_run = select(Key.layer, func.count()).where(Key.run_id == run_id).group_by(col(Key.layer))
    for layer, keys in session.exec(of_run).all():
        session.merge(Layer(run_id=run_id, layer=layer, keys=keys))


def _add_shadings(folder: RunFolder, run_id: int, *, session: Session) -> None:
    """Coefficients at each token, where mining has stored them, for earlier imports too."""
    bare = (
        wide(*map(col, (Key.layer, Key.key, Prefix.rank, Prefix.id, Prefix.position)))
        .join(Prefix, col(Prefix.key_id) == col(Key.id))
        .where(col(Key.run_id) == run_id, col(Prefix.shading).is_(None))
    )
    columns = ["layer", "key", "rank", "prefix_id", "position"]
    prefixes = pd.DataFrame(session.execute(bare).all(), columns=columns)
    for layer, of_layer in prefixes.groupby("layer"):
        stored = folder.shading(layer)
        if stored is None:
            return
        both = of_layer.merge(stored, on=["layer", "key", "rank"])
        if not all(map(_fits, both["coefficients"], both["position"])):
            raise RunFolderError(
                f"{folder.path} is damaged: the shading of layer {layer} does not fit its prefixes;"
                " delete shading.parquet and run `python -m mining shade` again."
            )
        rows = [
            {"of": prefix, "numbers": coefficients.tolist()}
            for prefix, coefficients in zip(both["prefix_id"], both["coefficients"], strict=True)
        ]
        if rows:
            change = update(Prefix).where(col(Prefix.id) == bindparam("of"))
            session.connection().execute(change.values(shading=bindparam("numbers")), rows)


def _fits(coefficients: npt.NDArray[np.float32], position: int) -> bool:
    return len(coefficients) == position + 1 and bool(np.isfinite(coefficients).all())


def _add_value_tokens(folder: RunFolder, run_id: int, *, session: Session) -> None:
    """What each key's value pushes towards, as the last analysis says, for earlier imports too."""
    values = folder.values()
    if values is None:
        return
    there = select(Key.layer, Key.key, Key.id, Key.value_tokens).where(Key.run_id == run_id)
    columns = ["layer", "key", "of", "before"]
    both = pd.DataFrame(session.exec(there).all(), columns=columns).merge(
        values, on=["layer", "key"]
    )
    both["tokens"] = ["\n".join(map(_in_one_line, tokens)) for tokens in both["top_tokens"]]
    rows = _records(both.loc[both["tokens"] != both["before"], ["of", "tokens"]])
    if rows:
        change = update(Key).where(col(Key.id) == bindparam("of"))
        session.connection().execute(change.values(value_tokens=bindparam("tokens")), rows)


def _in_one_line(token: str) -> str:
    return token.replace("\n", "␊").replace(_NUL, _PICTURE_OF_NUL)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with Python's own numbers, which is what the drivers take."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
