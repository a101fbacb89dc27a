"""Parts of a corpus put together hold what one pass over all of it holds, to the bit."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from prefix_models import Causal, brute_force, corpora, held, new_memory
from token_batches import CPU, Ids, batches_of

from mining.batches import PlacedBatch
from mining.corpus import Sentence
from mining.layer_memory import LayerMemory
from mining.merging import Part, merge_files
from mining.reading import Counts
from mining.winning_sentences import ReadSentence, WinningSentences


def seen(
    model: Causal, windows: Sequence[Sequence[Ids]], first: int, places: int, every: bool
) -> LayerMemory:
    """Windows mined from the one of number `first` on, with ids from 0."""
    memory, sentences = new_memory(places, every), 0
    memory.activity.begin(first)
    for number, window in enumerate(windows, start=first):
        for batch in batches_of(window, 20, first=sentences):
            placed = replace(PlacedBatch.of(batch, CPU), window=number)
            memory.see(model.of_batch(batch), placed)
            assert memory.commit()
        sentences += len(window)
    memory.activity.close(first + len(windows))
    return memory


class Steep(Causal):
    """Coefficients of such different sizes that another order of addition shows."""

    def coefficients(self, prefix: Ids) -> list[float]:
        steep = 7.0 ** (5 * len(prefix))
        return [float(np.float32(value * steep)) for value in super().coefficients(prefix)]


@settings(max_examples=60, deadline=None)
@given(
    sentences=corpora(), seed=st.integers(0, 1000), levels=st.sampled_from([1, 4, 1000]),
    places=st.integers(1, 5), every=st.booleans(), size=st.integers(1, 9),
    draw=st.randoms(use_true_random=False),
)  # fmt: skip
def test_any_cut_put_together_in_any_order_is_one_pass(
    sentences: list[Ids], seed: int, levels: int, places: int, every: bool, size: int,
    draw: random.Random,
) -> None:  # fmt: skip
    model = Steep(seed, levels)
    windows = [sentences[start : start + size] for start in range(0, len(sentences), size)]
    whole = seen(model, windows, 0, places, every)
    cuts = draw.sample(range(1, len(windows)), k=draw.randrange(len(windows)))
    edges = [0, *sorted(cuts), len(windows)]
    parts = [
        (seen(model, windows[start:end], start, places, every), sum(map(len, windows[start:end])))
        for start, end in pairwise(edges)
    ]
    while len(parts) > 1:
        at = draw.randrange(len(parts) - 1)
        (left, of_left), (right, of_right) = parts[at : at + 2]
        left.append(right, of_left)
        parts[at : at + 2] = [(left, of_left + of_right)]
    ((merged, _),) = parts

    for sign in (1, -1):
        assert held(merged, sign) == brute_force(model, sentences, places, sign, every)
        columns = whole.best[sign].result().columns(), merged.best[sign].result().columns()
        assert all(map(torch.equal, *columns))
    activity = merged.activity.tensors()
    assert activity.keys() == whole.activity.tensors().keys()
    for name, tensor in whole.activity.tensors().items():
        assert torch.equal(activity[name], tensor), name


def part(memory: LayerMemory, texts: Sequence[str]) -> Part:
    sentences = WinningSentences()
    for number, text in enumerate(texts):
        ids = np.arange(len(text), dtype=np.int32)
        sentences.add(ReadSentence(Sentence(number, 7, text), ids, ids + 1))
    counts = Counts(len(texts), len(texts), sum(map(len, texts)), 1, 2, 3)
    return Part({0: memory}, counts, sentences)


def two_parts() -> tuple[Part, Part]:
    model, windows = Causal(3, 1000), [[(1, 2), (3,)], [(2, 2), (1, 1)]]
    first, second = (seen(model, [window], at, 1, False) for at, window in enumerate(windows))
    return part(first, ["a", "é and more"]), part(second, ["", "last"])


def test_a_part_is_the_same_once_stored_and_read(tmp_path: Path) -> None:
    before, _ = two_parts()
    before.save(tmp_path / "part.npz", {})
    after = Part.load(tmp_path / "part.npz")

    assert after.counts == before.counts
    assert [after.sentences[at].sentence for at in after.sentences] == [
        before.sentences[at].sentence for at in before.sentences
    ]
    assert after.sentences[1].token_ends.tolist() == [*range(1, 11)]
    stored, kept = after.memory[0].tensors(), before.memory[0].tensors()
    assert stored.keys() == kept.keys()
    assert all(torch.equal(stored[name], kept[name]) for name in kept)
    assert [path.name for path in tmp_path.iterdir()] == ["part.npz"]


def test_sentences_that_hold_no_place_any_more_are_let_go(tmp_path: Path) -> None:
    first, second = two_parts()
    for at, one in enumerate((first, second)):
        one.save(tmp_path / f"{at}.npz", {})
    holding = {at for sign in (1, -1) for at in seen_ids(first, sign)}
    merge_files([tmp_path / "0.npz", tmp_path / "1.npz"], tmp_path / "both.npz", {})
    first = Part.load(tmp_path / "both.npz")
    holding_now = {at for sign in (1, -1) for at in seen_ids(first, sign)}

    assert {*first.sentences} == holding_now
    assert holding_now != holding
    assert first.counts == Counts(4, 4, 15, 2, 4, 6)
    assert {at: first.sentences[at].sentence.text for at in holding_now & {3}} == {3: "last"}


def seen_ids(of: Part, sign: int) -> list[int]:
    return of.memory[0].best[sign].result().sentence_N.tolist()
