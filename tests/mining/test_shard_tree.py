"""Files of shards are put together, each once and with its neighbours, whatever gets done first."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.shard_tree import ARITY, Node, ShardTree, hash_of, span

ASKED = hash_of({"top k": 3})


class Files:
    """A run whose files hold the numbers of their shards, made in a random order."""

    def __init__(self, folder: Path, shards: int, draw: random.Random) -> None:
        self.tree = ShardTree(folder, ASKED)
        self.tree.find()
        self.shards, self.draw = shards, draw
        self.waiting = [
            (Node(0, shard), []) for shard in range(shards) if not self.tree.covers(shard)
        ]
        self.waiting += self.tree.due()
        self.mined: list[int] = []

    def step(self) -> None:
        """Finish one file."""
        node, parts = self.waiting.pop(self.draw.randrange(len(self.waiting)))
        if not parts:
            self.mined.append(node.first)
        texts = [self.tree.path(part).read_text() for part in parts] or [f"{node.first} "]
        self.tree.path(node).write_text("".join(texts))
        self.tree.add(node)
        self.waiting += self.tree.due()

    def end(self) -> None:
        """The whole corpus has been read."""
        self.tree.shards = self.shards
        self.waiting += self.tree.due()


@settings(max_examples=60, deadline=None)
@given(
    shards=st.integers(1, 3 * ARITY * ARITY), known_after=st.integers(0, 100),
    restarts=st.integers(0, 3), draw=st.randoms(use_true_random=False),
)  # fmt: skip
def test_in_the_end_one_file_holds_every_shard_in_order(
    shards: int, known_after: int, restarts: int, draw: random.Random
) -> None:
    with TemporaryDirectory() as folder:
        mined: list[int] = []
        for _ in range(restarts):
            files = Files(Path(folder), shards, draw)
            for _ in range(draw.randrange(1 + len(files.waiting))):
                files.step()
            mined += files.mined
        files = Files(Path(folder), shards, draw)
        for _ in range(min(known_after, len(files.waiting))):
            files.step()
        files.end()
        while files.waiting:
            files.step()
        mined += files.mined

        root = files.tree.root()
        assert root is not None
        assert files.tree.path(root).read_text().split() == [str(at) for at in range(shards)]
        assert sorted(mined) == [*range(shards)]  # none was mined twice
        assert [*Path(folder).iterdir()] == [files.tree.path(root)]


def test_a_restart_finds_what_was_made_of_the_files_beside_it(tmp_path: Path) -> None:
    tree = ShardTree(tmp_path, ASKED)
    names = [tree.path(node) for node in (Node(1, 0), Node(0, 3), Node(0, ARITY))]
    for path in (*names, tmp_path / "0-00000009-other.npz", tmp_path / "half.partial"):
        path.write_text("")
    assert tree.find() == [Node(0, ARITY), Node(1, 0)]
    assert tree.covers(3) == Node(1, 0)
    assert tree.covers(ARITY + 1) is None
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {names[0].name, names[2].name, "0-00000009-other.npz"}


@pytest.mark.parametrize("shards", [1, ARITY, ARITY + 1])
def test_there_is_no_root_before_the_corpus_has_been_read(tmp_path: Path, shards: int) -> None:
    files = Files(tmp_path, shards, random.Random(0))
    while files.waiting:
        files.step()
    assert files.tree.root() is None


def test_what_was_asked_differently_has_another_name() -> None:
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1}) != hash_of({"a": 1, "b": 3})
    assert span(2) == ARITY * ARITY
