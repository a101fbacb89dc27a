"""The paper's analyses of a complete run, part by part: values, removal, composition.

A part writes its tables whole and is then entered in the manifest, so that an interrupted analysis
goes on with the parts that are missing. What triggers both values and removal need beyond those of
the run are mined in one further pass.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from mining import composition, removal, values
from mining.activity import slower
from mining.additions import account, account_of, alone_in
from mining.corpus import Corpus, open_corpus
from mining.errors import Interrupted, KeyholeError
from mining.interrupts import StopRequests, stop_requests
from mining.models import LoadedModel
from mining.more_triggers import Keys, Triggers, check_same_text, more_triggers, read_limit
from mining.probe import check_model_of_run
from mining.readout import VARIANTS
from mining.run_folder import RunFolder, RunWriter
from mining.run_tables import PARTS

Progress = Callable[[str, int, int], None]  # (what is being done, how far, of how much or 0)


@dataclass(frozen=True)
class AnalyseOptions:
    """What to analyse; the defaults are the paper's."""

    only: tuple[str, ...] = tuple(PARTS)
    variant: str = "plain"  # plain | folded
    seed: int = 0
    prefixes: int = 4000
    keys_per_layer: int = 100
    again: bool = False  # also what is there with the same settings

    def check(self) -> None:
        """Raise a KeyholeError that names the option that does not fit."""
        for part in self.only or ("",):
            if part not in PARTS:
                raise KeyholeError(f"--only {part!r} is not known; choose from {', '.join(PARTS)}.")
        if self.variant not in VARIANTS:
            raise KeyholeError(f"--variant {self.variant} is not known; use plain or folded.")
        if self.seed < 0:
            raise KeyholeError(f"--seed {self.seed} is negative; give 0 or more.")
        for name, number in (
            ("--prefixes", self.prefixes), ("--keys-per-layer", self.keys_per_layer),
        ):  # fmt: skip
            if number < 1:
                raise KeyholeError(f"{name} {number} is no sample; give at least 1.")


@dataclass(frozen=True)
class AnalyseReport:
    """Which parts were done now, and which had been before, with the same settings."""

    done: dict[str, float]  # part → seconds
    present: list[str]


def analyse(  # noqa: PLR0913 (the command's options)
    run: RunFolder,
    loaded: LoadedModel | Callable[[], LoadedModel],
    *,
    only: tuple[str, ...] = tuple(PARTS),
    variant: str = "plain",
    seed: int = 0,
    prefixes: int = 4000,
    keys_per_layer: int = 100,
    again: bool = False,
    corpus: Corpus | None = None,
    progress: Progress = lambda _what, _done, _expected: None,
    notice: Callable[[str], None] = lambda _line: None,
) -> AnalyseReport:
    """Add the tables of figures 3 to 10 and table 3 to a run; see `run_tables.SCHEMAS`.

    `loaded` has a readout, or is what loads it: that is not called if there is nothing to do.
    `corpus`: where composition draws its prefixes from, if not from the run's own text. Raises
    KeyholeError for impossible options, CorpusError if the run's text has changed, ModelError for
    another model than the run's, Interrupted with what is finished kept.
    """
    options = AnalyseOptions(only, variant, seed, prefixes, keys_per_layer, again)
    options.check()
    with alone_in(run.path):
        work = _Analysis(run, options, corpus, progress, notice)
        missing = work.missing()
        present = [part for part in options.only if part not in missing]
        for part in present:
            notice(f"{part} is there already, with the same settings; --again does it anew.")
        if missing:
            work.loaded = loaded if isinstance(loaded, LoadedModel) else loaded()
            check_model_of_run(run, work.loaded)
            if line := slower("Analysing", work.loaded.device, "mining.one_reading"):
                notice(line)
            with stop_requests() as stops:
                work.run_parts(missing, stops)
    return AnalyseReport(work.seconds, present)


@dataclass
class _Analysis:
    """One analysis in progress."""

    run: RunFolder
    options: AnalyseOptions
    corpus: Corpus | None
    progress: Progress
    notice: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)
    loaded: LoadedModel = field(init=False)

    def settings(self, part: str) -> dict[str, Any]:
        """What decides a part's tables, beside the run itself."""
        options = self.options
        if part == "values":
            return {"variant": options.variant, "predictive_values": values.PREDICTIVE}
        if part == "removal":
            return {"seed": options.seed, "keys_per_layer": options.keys_per_layer}
        corpus = self.corpus.name if self.corpus is not None else self.run.manifest.corpus
        return {
            "variant": options.variant, "seed": options.seed, "prefixes": options.prefixes,
            "corpus": corpus,
        }  # fmt: skip

    def missing(self) -> list[str]:
        """The parts asked for that are not there with these settings, in their order."""
        accounts = account_of(self.run.path)
        return [
            part
            for part in PARTS
            if part in self.options.only
            and (
                self.options.again
                or accounts.get(part, {}).get("settings") != self.settings(part)
                or not all((self.run.path / f"{table}.parquet").exists() for table in PARTS[part])
            )
        ]

    def run_parts(self, missing: list[str], stops: StopRequests) -> None:
        """Do these parts; Interrupted where somebody asks for it."""
        try:
            wanted = self._keys_of_removal() if "removal" in missing else {}
            shared: Triggers | None = None
            if "values" in missing:
                shared = self._values(wanted, stops)
            if "removal" in missing:
                self._removal(wanted, shared, stops)
            if "composition" in missing:
                self._composition()
        except Interrupted as request:
            raise Interrupted(
                request.asked, "; the same command goes on with the parts that are missing"
            ) from None

    def _values(self, also: Keys, stops: StopRequests) -> Triggers:
        """Figures 4 and 5, table 3; the triggers found for it, of keys that others want `also`."""
        started = time.monotonic()
        table = values.value_table(
            self.run, self.loaded, variant=self.options.variant, progress=self._telling("values")
        )
        surest = values.predictive(table.rows.select(_SUREST).to_pandas())
        keys = values.keys_by_layer(surest)
        both = {
            layer: np.union1d(keys.get(layer, _NO_KEYS), also.get(layer, _NO_KEYS))
            for layer in sorted({*keys, *also})
        }
        triggers = self._triggers(both, stops)
        tables = {
            "values": table.rows,
            "predictive_values": values.predictive_table(surest, triggers.rows),
        }
        self._write("values", tables, started, counts=table.counts, **table.chance)
        return triggers

    def _keys_of_removal(self) -> Keys:
        return removal.keys_to_remove_from(self.run, self.options.keys_per_layer, self.options.seed)

    def _removal(self, keys: Keys, shared: Triggers | None, stops: StopRequests) -> None:
        """Figure 3."""
        started = time.monotonic()
        triggers = shared or self._triggers(keys, stops)
        wanted = pd.concat(
            [triggers.rows.head(0)]
            + [
                triggers.rows[(triggers.rows["layer"] == layer) & triggers.rows["key"].isin(own)]
                for layer, own in keys.items()
            ]
        )
        table = removal.removal_table(
            self.loaded, Triggers(wanted, triggers.token_ids), seed=self.options.seed,
            progress=self._telling("removal"),
        )  # fmt: skip
        self._write("removal", {"removal": table.rows}, started, counts=table.counts)

    def _composition(self) -> None:
        """Figures 6 to 10."""
        started = time.monotonic()
        layers, variant = self.run.manifest.mined_layers, self.options.variant
        own = self.corpus is None
        drawn = composition.sample_prefixes(
            self.loaded, self.corpus or self._own_corpus(), self.options.prefixes,
            self.options.seed, read_limit(self.run) if own else None,
            self._telling("drawing prefixes"),
        )  # fmt: skip
        if own:
            check_same_text(self.run, self._own_corpus(), drawn.digest)
        table = composition.composition_table(
            self.loaded, drawn, layers, self._top_of_values(), variant=variant,
            progress=self._telling("composition"),
        )  # fmt: skip
        counts = {"prefixes": len(drawn.position), "drawn_from": drawn.drawn_from}
        self._write(
            "composition", {"composition": table}, started, counts=counts,
            corpus_sha256=drawn.digest,
        )  # fmt: skip

    def _top_of_values(self) -> composition.TopWords:
        """top(v_i), from values.parquet if it was made in the same way."""
        layers, variant = self.run.manifest.mined_layers, self.options.variant
        known = account_of(self.run.path).get("values", {}).get("settings", {})
        stored = self.run.values() if known.get("variant") == variant else None
        if stored is None:
            return composition.top_of_values(
                self.loaded, layers, variant, self._telling("top words of values")
            )
        return {
            layer: torch.tensor([ids[0] for ids in own["top_token_ids"]], device=self.loaded.device)
            for layer, own in stored.groupby("layer")
        }

    def _triggers(self, keys: Keys, stops: StopRequests) -> Triggers:
        return more_triggers(
            self.run, self.loaded, self._own_corpus(), keys, removal.TRIGGERS, stops,
            progress=self._telling(f"top {removal.TRIGGERS}"), notice=self.notice,
        )  # fmt: skip

    def _own_corpus(self) -> Corpus:
        """The run's own text, opened again by its name."""
        asked = self.run.manifest.extra.get("asked", {})
        return open_corpus(self.run.manifest.corpus, asked.get("--text-column", "text"))

    def _telling(self, what: str) -> Callable[[int, int], None]:
        return lambda done, expected: self.progress(what, done, expected)

    def _write(
        self, part: str, tables: Mapping[str, pa.Table], started: float, **said: Any
    ) -> None:
        """Write a part's tables, then enter it in the manifest."""
        account(self.run.path, part, None)  # old settings must not stand beside new tables
        for name, rows in tables.items():
            RunWriter(self.run.path).write(name, rows)
        self.seconds[part] = round(time.monotonic() - started, 3)
        readout = self.loaded.readout
        assert readout is not None
        about = {
            "settings": self.settings(part), "seconds": self.seconds[part],
            "device": str(self.loaded.device), "vocabulary": readout.vocabulary,
        }  # fmt: skip
        if part != "removal":
            about["final_norm"] = readout.final_norm is not None
        account(self.run.path, part, about | said)


_SUREST = ["layer", "key", "top_token_ids", "top_tokens", "max_probability"]
_NO_KEYS = np.empty(0, dtype=np.int64)
