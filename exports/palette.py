"""The one palette: Okabe and Ito's colours, told apart by colour-blind readers, light and dark.

The same category has the same colour on every page and in every chart. `.streamlit/config.toml`
repeats some of these values because Streamlit reads nothing else; a test holds the two together.
"""

from annotations.categories import CATEGORIES

__all__ = [
    "CATEGORIES", "CATEGORY_COLOURS", "CATEGORY_INKS", "MODEL_COLOURS", "MODEL_INK",
    "PRINT_COLOURS", "SERIES_COLOURS", "SERIES_SHAPES", "TYPE_LETTERS",
]  # fmt: skip

CATEGORY_COLOURS = {
    "shallow": "#E69F00",  # orange
    "semantic": "#0072B2",  # blue
    "shallow+semantic": "#009E73",  # bluish green
    "not covered": "#BBBBBB",
}
# In print, where there may be no colour, what is not covered is far lighter than the rest.
PRINT_COLOURS = CATEGORY_COLOURS | {"not covered": "#F0F0F0"}
# What is written on such a colour: each pair has a contrast of 4.5 or more (WCAG AA).
CATEGORY_INKS = {
    "shallow": "#1A1A1A",
    "semantic": "#FFFFFF",
    "shallow+semantic": "#1A1A1A",
    "not covered": "#1A1A1A",
}
# Never colour alone: each type also has a letter.
TYPE_LETTERS = {"shallow": "N", "semantic": "T"}  # n-gram, topic

# What the model's figures tell apart has the palette's other colours, which mean no category above.
MODEL_COLOURS = {
    "agreement": "#F0E442",  # yellow
    "residual": "#56B4E9",  # sky blue
    "ffn": "#D55E00",  # vermilion
    "composition": "#CC79A7",  # reddish purple
}
MODEL_INK = "#1A1A1A"  # on any of them, with a contrast of 4.5 or more
SERIES_COLOURS = ("#D55E00", "#56B4E9", "#CC79A7")
SERIES_SHAPES = ("circle", "triangle-up", "square")
