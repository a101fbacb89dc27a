"""Made-up agreement and answers as the CSV files that charts are drawn from."""

import math
from pathlib import Path

import pandas as pd
from labelled_data import statistics_of, write_statistics

MEASURES = [
    "omega", "alpha_masi", "alpha_jaccard", "alpha_nominal", "cohen_kappa", "fleiss_kappa", "ac1",
    "pattern_precision", "pattern_recall", "pattern_f1", "type_kappa", "bcubed_f",
]  # fmt: skip


def agreement_of(layers: int, *, keys: int = 4) -> pd.DataFrame:
    """Values differ by measure and scope; kappa of types is undefined, patterns have a baseline."""
    rows = []
    for place, scope in enumerate(["all", *(f"layer {layer}" for layer in range(layers))]):
        for number, measure in enumerate(MEASURES):
            value = round(0.2 + number / 20 + place % 10 / 200, 3)
            value = math.nan if measure == "type_kappa" else value
            low, high = (value - 0.1, value + 0.1) if keys > 1 else (math.nan, math.nan)
            baseline = 0.05 if measure.startswith(("pattern", "bcubed")) else math.nan
            note = "all matched patterns are of one type" if math.isnan(value) else ""
            rows.append((scope, measure, value, low, high, keys, 3, note, baseline))
    columns = ["scope", "measure", "value", "ci_low", "ci_high", "keys", "annotators", "note"]
    return pd.DataFrame(rows, columns=[*columns, "baseline"])


def answers_of(layers: int, *, keys: int = 4) -> dict[str, pd.DataFrame]:
    """Ada finds two shallow patterns and one semantic one in each key, Bob none, a machine nine.

    Ada takes a minute, Bob two, gold an hour, the machine no time.
    """
    everybody = {"Ada": (60.0, 3), "Bob": (120.0, 0), "Bot": (0.0, 9)}
    places = [
        (layer, key, person)
        for layer in range(layers)
        for key in range(keys)
        for person in everybody
    ]
    submissions = [
        (*place, "submitted" if everybody[place[2]][1] else "no pattern", everybody[place[2]][0])
        for place in places
    ]
    patterns = [
        (*place, number, "semantic" if number == 3 else "shallow")
        for place in places
        for number in range(1, everybody[place[2]][1] + 1)
    ]
    whose = ["layer", "key", "annotator"]
    return {
        "submissions": pd.DataFrame(submissions, columns=[*whose, "status", "seconds"]),
        "patterns": pd.DataFrame(patterns, columns=[*whose, "pattern", "type"]),
        "annotators": pd.DataFrame(
            [("Ada", "human"), ("Bob", "human"), ("Bot", "machine")], columns=["annotator", "kind"]
        ),
    }


def write_chart_data(folder: Path, layers: int, *, keys: int = 4) -> Path:
    """A dataset folder with every file that some chart needs."""
    write_statistics(folder, statistics_of(layers, keys=keys))
    agreement_of(layers, keys=keys).to_csv(folder / "agreement.csv", index=False)
    for name, table in answers_of(layers, keys=keys).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder
