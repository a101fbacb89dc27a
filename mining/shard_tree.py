"""Which files of a run on a cluster are there, and which of them can be put together next.

Shards are numbered in corpus order. Up to ARITY neighbours become one file of the next level, and
so on to the one file of all. A file's name says what it covers and, by a hash, what was asked; it
appears whole or not at all. So the folder alone tells a restarted driver what is left to do.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ARITY = 8  # files put together at once


@dataclass(frozen=True, order=True)
class Node:
    """Shards index · ARITY^level and those after it, up to ARITY^level of them."""

    level: int
    index: int

    @property
    def first(self) -> int:
        """Its first shard."""
        return self.index * span(self.level)

    @property
    def parent(self) -> "Node":
        """What it becomes a part of."""
        return Node(self.level + 1, self.index // ARITY)


@dataclass
class ShardTree:
    """The files of one run; knows nothing of what is in them."""

    folder: Path
    asked: str  # a hash
    shards: int | None = None  # how many there are, once the corpus has been read
    nodes: set[Node] = field(default_factory=set)  # that have their file, and no parent with one
    merging: set[Node] = field(default_factory=set)  # that are being made

    def path(self, node: Node) -> Path:
        """Where a node's file is, or will be."""
        return self.folder / f"{node.level}-{node.index:08d}-{self.asked}.npz"

    def find(self) -> list[Node]:
        """Take stock of the folder: the nodes to go on from. What they were made of is deleted."""
        found: set[Node] = set()
        for file in self.folder.glob(f"*-*-{self.asked}.npz"):
            level, index, _ = file.stem.split("-")
            found.add(Node(int(level), int(index)))
        for partial in self.folder.glob("*.partial"):
            partial.unlink()
        self.nodes = {node for node in found if self._cover(node.parent, found) is None}
        for node in found - self.nodes:
            self.path(node).unlink()
        return sorted(self.nodes)

    def covers(self, shard: int) -> Node | None:
        """The node that holds this shard, if one does."""
        return self._cover(Node(0, shard), self.nodes)

    def add(self, node: Node) -> None:
        """A node's file is there: what it was made of is not needed any more."""
        parts = self._parts(node)
        self.nodes.add(node)
        self.merging.discard(node)
        for part in parts:
            self.nodes.discard(part)
            self.path(part).unlink(missing_ok=True)

    def due(self) -> list[tuple[Node, list[Node]]]:
        """Nodes that can be made now, each with its parts in order; they count as being made."""
        ready = []
        for parent in sorted({node.parent for node in self.nodes} - self.merging):
            parts = self._parts(parent)
            if parts == self._expected(parent):
                self.merging.add(parent)
                ready.append((parent, parts))
        return ready

    def root(self) -> Node | None:
        """The node that holds every shard."""
        if self.shards is None or len(self.nodes) != 1:
            return None
        (node,) = self.nodes
        whole = node.first == 0 and span(node.level) >= self.shards
        return node if whole else None

    def _parts(self, parent: Node) -> list[Node]:
        return sorted(node for node in self.nodes if node.parent == parent)

    def _expected(self, parent: Node) -> list[Node]:
        level, first = parent.level - 1, parent.index * ARITY
        end = first + ARITY
        if self.shards is not None:
            of_level = -(-self.shards // span(level))
            if of_level == 1:
                return []  # the root has no parent
            end = min(end, of_level)
        return [Node(level, index) for index in range(first, end)]

    @staticmethod
    def _cover(node: Node, among: set[Node]) -> Node | None:
        """The node or the ancestor of it that is among these."""
        highest = max((one.level for one in among), default=-1)
        while node.level <= highest:
            if node in among:
                return node
            node = node.parent
        return None


def span(level: int) -> int:
    """How many shards a whole node of a level holds."""
    return int(ARITY**level)


def hash_of(asked: dict[str, Any]) -> str:
    """A short hash of what was asked for."""
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
