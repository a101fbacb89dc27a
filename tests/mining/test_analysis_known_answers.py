"""The analyses of a model whose every answer was planted by hand (planted_values.py)."""

import math
from collections import defaultdict

import pandas as pd
import pytest
from analysed_runs import Mined, mined_at, table
from planted_values import BIAS, KEYS, PLAN, RING, SECOND, THIRD_TOKEN, Planted, planted_values

WORDS_KEYS = {n: word for n, word in enumerate(RING) if PLAN[word].values} | {SECOND: "elk"}
FIRING = [*WORDS_KEYS, THIRD_TOKEN]
ALL = 10_000


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return planted_values(tmp_path_factory.mktemp("planted-values") / "model")


@pytest.fixture(scope="module")
def mined_ring(planted: Planted) -> Mined:
    home = planted.checkpoint.folder.parent
    return mined_at(home, planted.checkpoint, planted.lines, per_sentence="all")


def of(mined_ring: Mined, name: str) -> pd.DataFrame:
    return table(mined_ring.analysed(prefixes=ALL, keys_per_layer=ALL), name)


def value_of(key: int) -> dict[str, float]:
    """The scores that a key's value gives to words; 0 to every other."""
    if key not in WORDS_KEYS:
        return {}
    return dict(PLAN[WORDS_KEYS[key]].values[key == SECOND])


def triggers(lines: list[str]) -> dict[int, list[tuple[int, str]]]:
    """key of layer 0 → (length of the prefix, next word or "") of its triggers, all a tie."""
    found = defaultdict(list)
    for line in lines:
        words = line.split()
        for at, word in enumerate(words):
            after = words[at + 1] if at + 1 < len(words) else ""
            for key, fires_on in WORDS_KEYS.items():
                if fires_on == word:
                    found[key].append((at + 1, after))
            if at == 2:
                found[THIRD_TOKEN].append((at + 1, after))
    return found


def test_the_planted_model_is_the_one_meant(mined_ring: Mined, planted: Planted) -> None:
    # The model itself, run by transformers: each word predicts what the plan says.
    oracle = mined_ring.oracle()
    for word, plan in PLAN.items():
        state = oracle.state((planted.words[word],))
        assert state.logits.argmax() == planted.words[plan.predicts]
        fires = [key for key, on in WORDS_KEYS.items() if on == word]
        assert state.coefficients[0][fires] == pytest.approx(1.0, abs=1e-5)
        assert (state.coefficients > 0).sum() == len(fires)


def test_each_planted_value_agrees_with_the_word_that_follows(
    mined_ring: Mined, planted: Planted
) -> None:
    rows = of(mined_ring, "values").set_index(["layer", "key"])
    for key in set(WORDS_KEYS) - {SECOND}:
        row = rows.loc[0, key]
        follower = RING[(RING.index(WORDS_KEYS[key]) + 1) % 8]
        assert row["top_tokens"][0] == follower
        assert row["top_token_ids"][0] == planted.words[follower]
        assert row["next_token_rank"] == 1
        assert row["agrees"]
        assert row["agrees_any"]
    assert rows.loc[(0, SECOND), "top_tokens"][0] == "bee"  # which never follows an elk
    assert not rows.loc[(0, SECOND), ["agrees", "agrees_any"]].any()
    # fox, which does, is one of ten words with a score of 0: the third score from above.
    zeros = [i for w, i in planted.words.items() if w not in value_of(SECOND)]
    before = sum(word < planted.words["fox"] for word in zeros)
    assert rows.loc[(0, SECOND), "next_token_rank"] == 2 + before + 1


def test_a_value_of_zero_ranks_words_by_their_ids(mined_ring: Mined, planted: Planted) -> None:
    rows = of(mined_ring, "values").set_index(["layer", "key"])
    vocabulary = len(planted.words)
    third = rows.loc[0, THIRD_TOKEN]
    assert third["top_token_ids"].tolist() == [*range(10)]
    assert third["top_probabilities"] == pytest.approx([1 / vocabulary] * 10)
    follower = triggers(planted.lines)[THIRD_TOKEN][0][1]
    assert third["next_token_rank"] == planted.words[follower] + 1
    for layer, key in [(0, 15), (1, 0), (1, 15)]:  # keys that never fire
        dead = rows.loc[layer, key]
        assert dead["next_token_rank"] == -1
        assert not dead[["agrees", "agrees_any"]].any()
        assert dead["max_probability"] == pytest.approx(1 / vocabulary)


def test_probabilities_are_the_softmax_of_planted_scores(
    mined_ring: Mined, planted: Planted
) -> None:
    rows = of(mined_ring, "values").set_index(["layer", "key"])
    for key in WORDS_KEYS:
        scores = sorted(value_of(key).values(), reverse=True)
        whole = sum(map(math.exp, scores)) + len(planted.words) - len(scores)
        chances = [math.exp(score) / whole for score in scores]
        found = rows.loc[0, key]
        assert found["top_probabilities"][: len(scores)] == pytest.approx(chances, rel=1e-5)
        assert found["top_probabilities"][len(scores) :] == pytest.approx(1 / whole, rel=1e-5)
        assert found["max_probability"] == pytest.approx(chances[0], rel=1e-5)


def test_the_surest_values_are_the_strongest_ones(mined_ring: Mined, planted: Planted) -> None:
    rows = of(mined_ring, "predictive_values")
    assert len(rows) == 2 * KEYS  # fewer than a hundred: all
    vocabulary = len(planted.words)

    def sureness(key: int) -> float:
        weights = [math.exp(score) for score in value_of(key).values()]
        return max(weights) / (sum(weights) + vocabulary - len(weights))

    sure = sorted(WORDS_KEYS, key=lambda key: -sureness(key))
    unsure = [(layer, key) for layer in (0, 1) for key in range(KEYS) if (layer, key) not in
              {(0, key) for key in sure}]  # fmt: skip
    wanted = [*((0, key) for key in sure), *unsure]
    assert [*zip(rows["layer"], rows["key"], strict=True)] == wanted
    found = triggers(planted.lines)
    for row in rows[: len(sure)].itertuples():
        best = max(value_of(row.key), key=value_of(row.key).get)
        after = [following for _, following in found[row.key]]
        assert row.top_token == best
        assert row.triggers == len(after)
        assert row.matching_share == pytest.approx(after.count(best) / len(after))
        assert (row.matching_share == 0) == (row.key == SECOND)


def test_a_key_that_reads_its_last_token_loses_nothing_but_by_that(
    mined_ring: Mined, planted: Planted
) -> None:
    rows = of(mined_ring, "removal")
    assert set(rows["layer"]) == {0}  # layer 1 never fires
    assert set(rows["key"]) == set(FIRING)
    rows = rows[rows["key"] != THIRD_TOKEN]
    assert rows["coefficient"].to_numpy() == pytest.approx(1.0, abs=1e-5)
    after = {removed: found["coefficient_after"] for removed, found in rows.groupby("removed")}
    assert after["first"].to_numpy() == pytest.approx(1.0, abs=1e-5)
    assert after["last"].to_numpy() == pytest.approx(0.0, abs=1e-5)
    killed = after["random"] < 0.5
    assert (killed | (after["random"] > 1 - 1e-5)).all()
    assert 0.1 < killed.mean() < 0.5  # one token in two to nine is the last
    for key, found in triggers(planted.lines).items():
        if key != THIRD_TOKEN:
            long_enough = sum(length > 1 for length, _ in found)
            assert (rows["key"] == key).sum() == 3 * long_enough


def test_a_key_that_reads_a_position_loses_all_by_any_removal(mined_ring: Mined) -> None:
    # The rest of the prefix is fed as a sentence of its own, so every position moves.
    rows = of(mined_ring, "removal").query(f"key == {THIRD_TOKEN}")
    assert len(rows) == 3 * 8  # the third token of each line
    assert rows["coefficient"].to_numpy() == pytest.approx(1.0, abs=1e-5)
    assert (rows["coefficient_after"] == 0).all()


def composed(mined_ring: Mined, planted: Planted, layer: int) -> pd.DataFrame:
    rows = of(mined_ring, "composition").query(f"layer == {layer}")
    assert len(rows) == sum(len(line.split()) for line in planted.lines)
    words = [
        planted.lines[sentence].split()[position]
        for sentence, position in zip(rows["sentence_id"], rows["position"], strict=True)
    ]
    assert set(words) == set(RING)
    return rows.assign(word=words)


def test_the_planted_compositions_of_the_first_layer(mined_ring: Mined, planted: Planted) -> None:
    for row in composed(mined_ring, planted, 0).itertuples():
        plan = PLAN[row.word]
        assert row.category == plan.category, row.word
        assert row.zero_agreement == plan.zero_agreement, row.word
        fires = len(plan.values) + (row.position == 2)
        assert row.active_share == pytest.approx(fires / KEYS)
        best = max(plan.direct, key=plan.direct.get)
        assert row.residual_matches == (best == plan.predicts), row.word
        whole = sum(map(math.exp, plan.direct.values())) + len(planted.words) - len(plan.direct)
        chance = math.exp(plan.direct.get(plan.predicts, 0.0)) / whole
        assert row.residual_probability == pytest.approx(chance, rel=1e-5), row.word


def test_a_layer_that_never_fires_adds_its_bias_only(mined_ring: Mined, planted: Planted) -> None:
    for row in composed(mined_ring, planted, 1).itertuples():
        plan = PLAN[row.word]
        assert row.active_share == 0
        assert row.zero_agreement  # no memory is active, so none agrees
        assert row.residual_matches  # the small bias overrules nothing
        assert row.category == ("agreement" if plan.predicts == BIAS[0] else "residual")
        scores = defaultdict(float, plan.direct)
        for value in (*plan.values, dict([BIAS])):
            for word, score in value.items():
                scores[word] += score
        whole = sum(map(math.exp, scores.values())) + len(planted.words) - len(scores)
        chance = math.exp(scores[plan.predicts]) / whole
        assert row.residual_probability == pytest.approx(chance, rel=1e-5), row.word


def test_the_final_norm_turns_no_answer_of_this_model(mined_ring: Mined) -> None:
    # Every hidden vector has mean 0, so folding only scales its scores: the words stay.
    plain = of(mined_ring, "values")
    folded = table(mined_ring.analysed(only=("values",), variant="folded"), "values")
    live = plain["max_probability"] > 1 / 12 + 1e-3
    tops = [frame.loc[live, "top_tokens"].map(lambda words: words[0]) for frame in (plain, folded)]
    assert (tops[0] == tops[1]).all()
    assert (plain.loc[live, "max_probability"] != folded.loc[live, "max_probability"]).all()
