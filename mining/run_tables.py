"""The columns of every table of a run folder, and which table each analysis writes.

Sorted by layer, key, (sign,) rank, (removed), or by layer, sample; sentences by id; predictive
values by their probability.
"""

import pyarrow as pa

TOP_TOKENS = 10  # kept of each value's distribution
PARTS = {
    "values": ("values", "predictive_values"),
    "removal": ("removal",),
    "composition": ("composition",),
}
REMOVED = ("first", "last", "random")
CATEGORIES = ("agreement", "residual", "ffn", "composition")

SCHEMAS = {
    "sentences": pa.schema(
        [
            ("sentence_id", pa.int64()),
            ("document_id", pa.int64()),
            ("text", pa.string()),
            ("token_ids", pa.list_(pa.int32())),
            ("token_ends", pa.list_(pa.int32())),
        ]
    ),
    "triggers": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("rank", pa.int16()),
            ("coefficient", pa.float32()),
            ("sentence_id", pa.int64()),
            ("position", pa.int32()),
            ("next_token_id", pa.int32()),
            ("prefix", pa.string()),
            ("next_token", pa.string()),
            ("sign", pa.int8()),
        ]
    ),
    "keys": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("triggers", pa.int32()),
            ("active_share", pa.float32()),
            ("mean", pa.float32()),
            ("max", pa.float32()),
            ("min", pa.float32()),
        ]
    ),
    # Optional, of sampled keys only, and added to when more are sampled (mining/shade.py).
    "shading": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("rank", pa.int16()),
            ("coefficients", pa.list_(pa.float32())),
        ]
    ),
    # Optional from here on: what `python -m mining analyse` adds.
    # Figures 4 and 5: what each value pushes towards, and where the next token of its key's best
    # trigger stands in that.
    "values": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("top_token_ids", pa.list_(pa.int32())),
            ("top_tokens", pa.list_(pa.string())),
            ("top_probabilities", pa.list_(pa.float32())),
            ("next_token_rank", pa.int32()),
            ("agrees", pa.bool_()),
            ("agrees_any", pa.bool_()),  # with the next token of any positive trigger
            ("max_probability", pa.float32()),
        ]
    ),
    # Table 3.
    "predictive_values": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("top_token", pa.string()),
            ("max_probability", pa.float32()),
            ("matching_share", pa.float32()),
            ("triggers", pa.int32()),
            ("top_token_id", pa.int32()),
        ]
    ),
    # Figure 3.
    "removal": pa.schema(
        [
            ("layer", pa.int16()),
            ("key", pa.int32()),
            ("rank", pa.int16()),
            ("removed", pa.string()),
            ("coefficient", pa.float32()),
            ("coefficient_after", pa.float32()),
        ]
    ),
    # Figures 6 to 10.
    "composition": pa.schema(
        [
            ("layer", pa.int16()),
            ("sample", pa.int32()),
            ("sentence_id", pa.int64()),
            ("position", pa.int32()),
            ("active_share", pa.float32()),
            ("zero_agreement", pa.bool_()),
            ("residual_matches", pa.bool_()),
            ("residual_probability", pa.float32()),
            ("category", pa.string()),
        ]
    ),
}
