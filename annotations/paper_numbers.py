"""What the paper reports of its own annotation, to be read beside ours. For reference only: no
statistic of ours is computed from it.

Geva, Schuster, Berant and Levy (2021), "Transformer Feed-Forward Layers Are Key-Value Memories",
EMNLP 2021, arXiv 2012.14913. Its layers count from 1, ours from 0: its layers 1–9 are our 0–8.
"""

from dataclasses import dataclass

PAPER = "Geva et al. 2021"


@dataclass(frozen=True)
class PaperNumber:
    """A number of the paper, or a range: `low` and `high` are equal where it gives one number.

    `measure` is that of `label_statistics` where there is one. Shares lie between 0 and 1.
    """

    measure: str
    low: float
    high: float
    words: str
    source: str


PAPER_NUMBERS = (
    PaperNumber("layers", 16, 16, "16 layers of 4,096 keys", "section 3"),
    PaperNumber("keys", 160, 160, "160 keys, 10 drawn from each layer", "section 3.1"),
    PaperNumber("prefixes_per_key", 25, 25, "the 25 top trigger examples of a key", "section 3.1"),
    PaperNumber("keys_with_pattern", 1, 1, "every key has a pattern", "section 3.2"),
    PaperNumber("patterns_per_key", 3.6, 3.6, "3.6 patterns per key", "section 3.2"),
    PaperNumber("coverage", 0.65, 0.8, "65 to 80 % of prefixes are in a pattern", "section 3.2"),
    PaperNumber("shallow_layers", 1, 9, "layers 1–9 of 16 are mostly shallow", "figure 2"),
    PaperNumber("semantic_layers", 10, 16, "layers 10–16 are more semantic", "figure 2"),
)


def paper_number(measure: str) -> PaperNumber | None:
    """The paper's number for a measure; None where it gives none."""
    return next((number for number in PAPER_NUMBERS if number.measure == measure), None)
