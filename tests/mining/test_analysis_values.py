"""Figures 4 and 5 and table 3 against plain loops: what each value predicts, and whether it comes.

p_i = softmax(v_i · E), E the output embedding (tied in one model, not in the other); in the variant
"folded" the model's final norm stands between.
"""

from collections.abc import Callable

import numpy as np
import pytest
from analysed_runs import MODELS, Mined, table
from analysis_oracle import rank_of

from mining.run_folder import RunFolder

Analyses = Callable[[str], Mined]
PLACES, TRIGGERS, SUREST = 10, 50, 100  # the paper's and the design's numbers
APART = 1e-6  # scores nearer than this are a tie to float32

both = pytest.mark.parametrize("name", MODELS)
variants = pytest.mark.parametrize("variant", ["plain", "folded"])


def analysed(one: Mined, variant: str) -> RunFolder:
    return one.analysed(only=("values",), variant=variant)


@both
@variants
def test_the_ten_best_words_of_each_value(analyses: Analyses, name: str, variant: str) -> None:
    one = analyses(name)
    oracle = one.oracle(variant)
    rows = table(analysed(one, variant), "values")
    assert list(zip(rows["layer"], rows["key"], strict=True)) == one.places
    words = {i: word for word, i in one.loaded.tokenizer.get_vocab().items()}
    exact = 0
    for row in rows.itertuples():
        scores = oracle.scores(oracle.value(row.layer, row.key))
        chances = oracle.probabilities(oracle.value(row.layer, row.key))
        wanted = sorted(range(len(scores)), key=lambda word, s=scores: (-s[word], word))
        found = row.top_token_ids.tolist()
        assert len(found) == len(set(found)) == PLACES
        np.testing.assert_allclose(scores[found], scores[wanted[:PLACES]], atol=1e-5)
        if np.diff(scores[wanted[: PLACES + 1]]).max() < -APART:
            assert found == wanted[:PLACES]
            exact += 1
        np.testing.assert_allclose(row.top_probabilities, chances[found], rtol=1e-4, atol=1e-6)
        assert row.max_probability == pytest.approx(chances.max(), rel=1e-4)
        assert row.top_tokens.tolist() == [words[word] for word in found]
    assert exact > 0.95 * len(rows)


@both
@variants
def test_the_rank_of_the_word_that_follows_the_first_trigger(
    analyses: Analyses, name: str, variant: str
) -> None:
    one = analyses(name)
    oracle = one.oracle(variant)
    rows = table(analysed(one, variant), "values")
    without = agreeing = exact = 0
    for row in rows.itertuples():
        triggers = one.triggers(row.layer, row.key, one.options.top_k)
        following = triggers[0].next_token_id if triggers else -1
        if following == -1:
            assert row.next_token_rank == -1
            assert not row.agrees
            without += 1
            continue
        scores = oracle.scores(oracle.value(row.layer, row.key))
        others = np.delete(scores, following)
        first = 1 + int((others > scores[following] + APART).sum())
        last = 1 + int((others > scores[following] - APART).sum())
        assert first <= row.next_token_rank <= last
        exact += row.next_token_rank == rank_of(scores, following)
        assert row.agrees == (row.next_token_rank == 1)
        agreeing += row.agrees
    assert without and exact > 0.95 * (len(rows) - without)  # both kinds of key are there
    assert rows["next_token_rank"].max() > PLACES  # and not only among the words that are stored


@both
@variants
def test_agreement_with_any_trigger(analyses: Analyses, name: str, variant: str) -> None:
    one = analyses(name)
    rows = table(analysed(one, variant), "values")
    for row in rows.itertuples():
        triggers = one.triggers(row.layer, row.key, one.options.top_k)
        assert row.agrees_any == (row.top_token_ids[0] in {t.next_token_id for t in triggers})
        assert row.agrees_any >= row.agrees
    assert 0 < rows["agrees_any"].sum() < len(rows)
    assert rows["agrees"].sum() < rows["agrees_any"].sum()


@both
@variants
def test_the_surest_values_and_how_often_their_word_follows(
    analyses: Analyses, name: str, variant: str
) -> None:
    one = analyses(name)
    oracle = one.oracle(variant)
    rows = table(analysed(one, variant), "predictive_values")
    chances = {place: oracle.probabilities(oracle.value(*place)) for place in one.places}
    order = sorted(one.places, key=lambda place: (-chances[place].max(), place))
    wanted = order[:SUREST]
    assert list(zip(rows["layer"], rows["key"], strict=True)) == wanted
    words = one.loaded.tokenizer.get_vocab()
    fractions = set()
    for row in rows.itertuples():
        best = int(chances[row.layer, row.key].argmax())
        assert row.top_token_id == best == words[row.top_token]
        assert row.max_probability == pytest.approx(chances[row.layer, row.key].max(), rel=1e-4)
        triggers = one.triggers(row.layer, row.key, TRIGGERS)
        assert row.triggers == len(triggers)
        if triggers:
            matching = sum(t.next_token_id == best for t in triggers)
            assert row.matching_share == pytest.approx(matching / len(triggers))
            fractions.add(row.matching_share)
        else:
            assert np.isnan(row.matching_share)  # of no trigger there is no share
    assert len(fractions) > 2
    assert rows["triggers"].max() > one.options.top_k  # more than the run itself has kept


def test_the_models_differ_in_what_their_variants_say(analyses: Analyses) -> None:
    # If folding did nothing here, the tests of the folded variant would be those of the plain one.
    for name in MODELS:
        one = analyses(name)
        plain, folded = (
            table(analysed(one, variant), "values")["top_token_ids"].map(lambda ids: ids[0])
            for variant in ("plain", "folded")
        )
        assert (plain != folded).any()
