"""How much each answer counts where several people answered a key: the policy of every statistic.

A key counts once, whatever the policy. Drafts never count.
    gold         the gold answer alone where there is one, else all answers with equal weights
    annotators   gold is ignored: all annotators' answers with equal weights
    gold-only    keys with a gold answer, and that answer alone
"""

from typing import Literal, get_args

import pandas as pd

from annotations.categories import ANSWER, submitted
from annotations.tables import GOLD

Policy = Literal["gold", "annotators", "gold-only"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
KEY = ["layer", "key"]  # the columns that name a key


def counted_answers(submissions: pd.DataFrame, policy: Policy = "gold") -> pd.DataFrame:
    """The answers that count: columns layer, key, annotator, weight, sorted so.

    The weights of one key's answers add up to 1.
    """
    assert policy in POLICIES, policy
    answers = submitted(submissions)[ANSWER].sort_values(ANSWER, ignore_index=True)
    gold = answers["annotator"] == GOLD
    if policy == "gold":
        settled = pd.MultiIndex.from_frame(answers.loc[gold, KEY])
        answers = answers[gold | ~pd.MultiIndex.from_frame(answers[KEY]).isin(settled)]
    else:
        answers = answers[gold if policy == "gold-only" else ~gold]
    shared_by = answers.groupby(KEY)["annotator"].transform("size").astype("float64")
    return answers.assign(weight=1 / shared_by).reset_index(drop=True)
