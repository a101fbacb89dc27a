"""Chance-corrected agreement from counts that were added up before. No labels, no frames.

Every function takes sums in any number of leading dimensions X, so that a table's value and its
bootstrap rounds go through the same lines. A coefficient that does not exist is NaN here;
`annotations.measures` and `annotations.agreement_table` put the reason into words.

Denominators are whole numbers wherever the counts are, so that "chance alone agrees fully" is
seen exactly and not within a tolerance. C is the number of categories.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ratio(part_X: Floats, whole_X: Floats) -> Floats:
    """part / whole, and NaN where whole is 0."""
    part_X, whole_X = np.broadcast_arrays(part_X, whole_X)
    divided_X = np.full(part_X.shape, np.nan)
    np.divide(part_X, whole_X, out=divided_X, where=whole_X != 0)
    return divided_X


def kappa_of(confusion_XCC: Floats) -> Floats:
    """Cohen's kappa (1960) from how often the two chose each pair of categories."""
    total_X = confusion_XCC.sum(axis=(-2, -1))
    agreed_X = np.trace(confusion_XCC, axis1=-2, axis2=-1)
    by_chance_X = (confusion_XCC.sum(axis=-1) * confusion_XCC.sum(axis=-2)).sum(axis=-1)
    return ratio(total_X * agreed_X - by_chance_X, total_X**2 - by_chance_X)


def alpha_of(coincidences_XCC: Floats, distance_CC: Floats) -> Floats:
    """Krippendorff's alpha (2011) from coincidences, symmetric, and a distance of categories.

    A unit with m labels adds 1 / (m − 1) for each ordered pair of its labels. Undefined where all
    labels are alike, or nearly: at distance 0.
    """
    labels_XC = coincidences_XCC.sum(axis=-1)
    total_X = labels_XC.sum(axis=-1)
    observed_X = (coincidences_XCC * distance_CC).sum(axis=(-2, -1))
    expected_X = ((labels_XC @ distance_CC) * labels_XC).sum(axis=-1)
    return 1 - ratio((total_X - 1) * observed_X, expected_X)


def fleiss_of(agreed_X: Floats, units_X: Floats, labels_XC: Floats, raters: int) -> Floats:
    """Fleiss' kappa (1971) from pairs of raters that agreed, units, labels of each category."""
    all_labels_X = units_X * raters
    square_X = all_labels_X**2
    by_chance_X = (labels_XC**2).sum(axis=-1)
    observed_X = ratio(agreed_X, units_X * (raters * (raters - 1) / 2))
    return ratio(observed_X * square_X - by_chance_X, square_X - by_chance_X)


def ac1_of(agreement_X: Floats, compared_X: Floats, shares_XC: Floats, units_X: Floats) -> Floats:
    """Gwet's AC1 (2008): the sum of units' agreement over `compared` units with two or more labels,
    and of categories' shares over `units` with any. Defined wherever anything was compared.
    """
    categories = shares_XC.shape[-1]
    prevalence_XC = ratio(shares_XC, units_X[..., None])
    by_chance_X = (prevalence_XC * (1 - prevalence_XC)).sum(axis=-1) / (categories - 1)
    return ratio(ratio(agreement_X, compared_X) - by_chance_X, 1 - by_chance_X)
