"""Every column of the files in a dataset's folder `figures`: the paper's figures of the model.

They are made of a run folder's analyses alone; nobody's labels are in them. `columns.py` joins
these files to the others.
"""

from annotations.dataset_columns import Column, DatasetFile

FOLDER = "figures"

_LAYER = Column("layer", "integer", "", "Feed-forward layer, counted from 0.")
_KEYS_BOOTSTRAP = "percentile bootstrap over keys"
_PREFIXES_BOOTSTRAP = "percentile bootstrap over prefixes"
_WILSON = "Wilson's interval"


def _estimate(meaning: str, unit: str, interval: str, counted: str) -> tuple[Column, ...]:
    """value, ci_low, ci_high, count; a value of which nothing was counted is empty."""
    return (
        Column("value", "float64", unit, f"{meaning}; empty where nothing was counted.", True),
        Column("ci_low", "float64", unit, f"Lower end of its 95 % interval ({interval}).", True),
        Column("ci_high", "float64", unit, "Upper end of that interval.", True),
        Column("count", "integer", counted, f"How many {counted} the value rests on."),
    )


def _chance(meaning: str, unit: str) -> Column:
    return Column("chance", "float64", unit, meaning, True)


_OF_PREFIXES = "share of prefixes"
_FIGURES = {
    "figure3": DatasetFile(
        "a layer × removed token: how coefficients change",
        (
            _LAYER,
            Column("removed", "string", "", "Which token was removed: `first`, `last`, `random`."),
            *_estimate(
                "Mean relative change of the memory coefficient of a key's trigger prefixes",
                "share of the coefficient", _KEYS_BOOTSTRAP, "trigger prefixes",
            ),
            Column("keys", "integer", "keys", "Keys that these prefixes trigger."),
        ),
    ),
    "figure4": DatasetFile(
        "a layer × kind of trigger: how often a value agrees with the next token",
        (
            _LAYER,
            Column(
                "trigger", "string", "",
                "`top_1`: the next token of the key's best trigger, as in the paper; `any`: that of"
                " any of its triggers.",
            ),
            *_estimate(
                "Share of keys whose value has that next token as its most probable one",
                "share of keys", _WILSON, "keys",
            ),
            _chance("The same for a token drawn at random from the vocabulary.", "share of keys"),
        ),
    ),
    "figure5": DatasetFile(
        "a layer × quantile: the next token's rank in the value's distribution",
        (
            _LAYER,
            Column("quantile", "float64", "", "Which quantile: 0.05, 0.25, 0.5, 0.75 or 0.95."),
            *_estimate(
                "That quantile, over keys, of the rank (from 1) of the best trigger's next token",
                "rank", "order statistics", "keys",
            ),
            _chance("That quantile of a rank drawn at random.", "rank"),
        ),
    ),
    "table3": DatasetFile(
        "one of the surest values",
        (
            Column("place", "integer", "", "Place among all values; 1 is the surest."),
            _LAYER,
            Column("key", "integer", "", "Key within the layer, counted from 0."),
            Column("top_token", "string", "", "The value's most probable token.", foreign=True),
            Column("max_probability", "float64", "probability", "Its probability."),
            *_estimate(
                "Share of the key's trigger prefixes that this token follows",
                _OF_PREFIXES, _WILSON, "trigger prefixes",
            ),
            _chance("The same for a token drawn at random from the vocabulary.", _OF_PREFIXES),
        ),
    ),
    "figure6": DatasetFile(
        "a layer: how many of its memories are active",
        (
            _LAYER,
            *_estimate(
                "Share of the layer's memories with a coefficient above 0, averaged over prefixes",
                "share of memories", _PREFIXES_BOOTSTRAP, "prefixes",
            ),
        ),
    ),
    "figure7": DatasetFile(
        "a layer: how often its output is no memory's own word",
        (
            _LAYER,
            *_estimate(
                "Share of prefixes at which the top word of the layer's output is the top word of"
                " none of its active memories",
                _OF_PREFIXES, _WILSON, "prefixes",
            ),
        ),
    ),
    "figure8": DatasetFile(
        "a layer: how often the residual stream already says the prediction",
        (
            _LAYER,
            *_estimate(
                "Share of prefixes at which the top word of the residual stream before the layer"
                " is the model's final prediction",
                _OF_PREFIXES, _WILSON, "prefixes",
            ),
        ),
    ),
    "figure9": DatasetFile(
        "a layer: how probable the residual stream finds the prediction",
        (
            _LAYER,
            *_estimate(
                "Probability that the residual stream before the layer gives to the model's final"
                " prediction, averaged over prefixes",
                "probability", _PREFIXES_BOOTSTRAP, "prefixes",
            ),
        ),
    ),
    "figure10": DatasetFile(
        "a layer × category: where the layer's top word comes from",
        (
            _LAYER,
            Column(
                "category", "string", "",
                "Of the top words of the residual stream before the layer, of the layer's output,"
                " and of both together: `agreement` (all the same), `residual` (together as"
                " before), `ffn` (together as the output), `composition` (a third word).",
            ),
            *_estimate("Share of prefixes in the category", _OF_PREFIXES, _WILSON, "prefixes"),
        ),
    ),
}  # fmt: skip
# The file in a dataset → what is in it, in the paper's order.
_ORDER = ("figure3", "figure4", "figure5", "table3", *(f"figure{n}" for n in range(6, 11)))
MODEL_FILES = {f"{FOLDER}/{name}.csv": _FIGURES[name] for name in _ORDER}


def file_of(figure: str) -> str:
    """The name of a figure's file in a dataset."""
    return f"{FOLDER}/{figure}.csv"
