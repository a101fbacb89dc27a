"""Texts that tokenizers stumble over, drawn a few times for each of them."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# Words the tokenizers know, others, and what tokenizers stumble over: compositions and their parts,
# compatibility characters, lower case that is longer, joined emoji, right-to-left and odd spaces.
PIECES = [
    "the", " cat", " sat", " on", "Zürich", "İstanbul", "STRASSE", "ﬁ", "㎢", "Ａ", "ｆｕｌｌ", "½",
    "日本語", "東京の川", " 東京の川", "の", "e\u0301", "é", "n\u0303a", "\u1112\u1161\u11ab",
    "한국", "שלום", "مرحبا", "\u200f", "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "😀", "  ", "\t", " ",
    "\u00a0", "\u3000", "\u200b", "'s", "…", "x", "@-@", "<unk>", " <mask>", "<s>",
    "<|endoftext|>", "▁", "Ġ", "<0x41>", "\u00ad",
]  # fmt: skip
TEXT = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9)
    .map(lambda pieces: "".join(pieces).strip())
    .filter(bool)
)
FEW = settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
