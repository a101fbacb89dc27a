"""The rules of ranking, each in a corpus small enough to see the right answer by eye."""

from collections.abc import Callable

from corpora import mixed_lines

from mining.run_folder import RunFolder

Mined = Callable[..., RunFolder]


def test_hundreds_of_repetitions_do_not_push_out_what_comes_after(mined: Mined) -> None:
    # "cat" moves key 0 most, but each of the 300 sentences offers the same prefix; only the first
    # of them stays, and the weaker words behind it must still be found.
    lines = ["bird cat"] * 300 + ["the dog", "a dog", "old cat"] + ["bird cat"] * 300
    run = mined("planted-relu", lines, top_k=3, per_sentence="all", batch_tokens=64)
    rows = run.triggers(layer=0, key=1)  # cat and dog are an exact tie
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [
        (0, 1),
        (300, 1),
        (301, 1),
    ]
    rows = run.triggers(layer=0, key=2)  # the > bird > dog > cat
    assert list(rows["prefix"]) == ["the", "bird", "the dog"]


def test_a_sentence_whose_best_prefix_is_a_repetition_offers_nothing_else(mined: Mined) -> None:
    lines = ["the cat", "the dog", "the", "bird the"]
    run = mined("planted-relu", lines, top_k=25, per_sentence="one")
    rows = run.triggers(layer=0, key=2)  # "the" moves it most: sentences 0, 1 and 2 offer "the"
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [(0, 0), (3, 1)]


def test_of_equal_prefixes_in_a_sentence_the_earliest_is_offered(mined: Mined) -> None:
    run = mined("planted-relu", ["old cat red cat", "dog old dog"], top_k=25)
    rows = run.triggers(layer=0, key=1)
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [(0, 1), (1, 0)]


def test_ties_are_settled_by_sentence_and_then_position(mined: Mined) -> None:
    lines = ["cat a dog", "one", "dog a cat", "two cat dog"]
    run = mined("planted-relu", lines, top_k=25, per_sentence="all")
    rows = run.triggers(layer=0, key=1)
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [
        (0, 0),
        (0, 2),
        (2, 0),
        (2, 2),
        (3, 1),
        (3, 2),
    ]
    assert rows["coefficient"].nunique() == 1


def test_dead_keys_have_no_rows_but_are_counted(mined: Mined) -> None:
    run = mined("planted-gelu", mixed_lines(), sign="both")
    for key in (5, 6, 9, 31):  # zero, minus zero, and keys that were never planted
        assert run.triggers(layer=0, key=key).empty
    keys = run.keys(layer=0).set_index("key")
    assert list(keys.loc[[5, 6, 9, 31], "triggers"]) == [0, 0, 0, 0]
    assert list(keys.loc[[5, 6, 9, 31], "active_share"]) == [0, 0, 0, 0]
    assert list(keys.loc[[5, 6, 9, 31], "max"]) == [0, 0, 0, 0]


def test_a_key_that_is_negative_everywhere_has_no_positive_row_and_a_negative_maximum(
    mined: Mined,
) -> None:
    run = mined("planted-gelu", mixed_lines(), sign="both")
    for key in (3, 4, 8):
        assert set(run.triggers(layer=0, key=key)["sign"]) == {-1}
        row = run.keys(layer=0).set_index("key").loc[key]
        assert row["max"] < 0 and row["active_share"] == 0 and row["triggers"] == 0
    alone = mined("planted-gelu", mixed_lines())  # sign "positive" is the default
    assert set(alone.triggers()["sign"]) == {1}
    assert alone.triggers(layer=0, key=3).empty


def test_the_most_negative_prefixes_follow_and_are_ranked_from_one(mined: Mined) -> None:
    run = mined("planted-gelu", ["cat", "dog", "the", "cat dog"], sign="both", per_sentence="all")
    rows = run.triggers(layer=0, key=4)
    assert list(rows["rank"]) == list(range(1, len(rows) + 1))
    assert list(rows["coefficient"]) == sorted(rows["coefficient"])
    both = run.triggers(layer=0, key=2)
    assert list(both["sign"]) == sorted(both["sign"], reverse=True)
    assert list(both["rank"]) == [
        *range(1, sum(both["sign"] == 1) + 1),
        *range(1, sum(both["sign"] == -1) + 1),
    ]


def test_special_tokens_never_trigger_but_are_part_of_prefixes(mined: Mined) -> None:
    lines = ["the unheard cat", "<s> cat", "<unk>", "<pad> dog </s>"]
    run = mined("planted-relu-begin", lines, per_sentence="all")
    assert run.triggers(layer=1, key=1).empty  # planted on <unk> and <s>
    assert list(run.triggers(layer=1, key=2)["prefix"]) == ["the"]
    cats = run.triggers(layer=0, key=0)
    assert list(cats["prefix"]) == ["the unheard cat", "<s> cat"]
    assert list(cats["position"]) == [2, 1]


def test_a_begin_token_is_fed_but_never_ranked_or_counted(mined: Mined) -> None:
    run = mined("planted-relu-begin", ["cat the", "dog"], per_sentence="all")
    assert run.manifest.bos is True
    assert list(run.triggers(layer=0, key=7)["position"]) == [0, 1, 0]
    sentences = run.sentences()
    vocabulary = {"cat": 5 + 1, "the": 4, "dog": 7}
    assert list(sentences.loc[0, "token_ids"]) == [vocabulary["cat"], vocabulary["the"]]
    assert mined("planted-relu", ["cat the"]).manifest.bos is False


def test_a_sentence_longer_than_the_context_is_split_and_all_of_it_is_ranked(mined: Mined) -> None:
    line = " ".join(["a"] * 31 + ["cat", "dog", "bird"])  # the context holds 32 tokens
    run = mined("planted-relu", [line, "old cat"], per_sentence="all")
    assert run.manifest.sentences == 3
    assert run.manifest.skipped["sentences_split"] == 1
    assert run.sentences().loc[1, "text"] == "dog bird"
    cats = run.triggers(layer=0, key=0)
    assert list(zip(cats["sentence_id"], cats["position"], strict=True)) == [(0, 31), (2, 1)]
    assert list(cats["next_token_id"]) == [-1, -1]  # a part ends where it was cut
    birds = run.triggers(layer=0, key=2)
    assert (1, 1) in set(zip(birds["sentence_id"], birds["position"], strict=True))
