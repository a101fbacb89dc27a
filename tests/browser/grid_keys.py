"""Keys for the grid's tests: prefixes whose patterns are known, and prefixes that are odd."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import col, func, select

from annotations.answers import Answer, StoredAnswer
from annotations.database import make_engine, migrate, session
from annotations.queries import stored_answer
from annotations.store import save_draft
from annotations.tables import Annotator, Key, Prefix, Run

CAN_PASS = (1, 2, 4, 7, 10, 11, 16, 22)
DISHWASHER = (3, 5, 8, 13, 19, 25)
ON_MONDAY = (6, 9, 14, 20)

# Each "can pass", "dishwasher" and "on Monday" is in the prefixes above and in no other, as words.
PLAIN = [
    "The number of rows that the caller can pass",
    "If no mapping is given, one Can pass",
    "She put the plates back into the Dishwasher",
    "To silence the warning, callers can pass",
    "A cheaper dishwasher",
    "The committee met again on Monday",
    "Instead of a path you can pass",
    "It hums louder than the old dishwasher",
    "Nothing had been delivered on monday",
    "For a one-off conversion, which is rare, users who know the encoding in advance and do not "
    "want the library to guess it from the first few kilobytes of the file can pass",
    "Where a list is wanted you CAN pass",
    "They dishwashered and dried for hours on mondays",
    "Salt for the dishwasher",
    "The library opens late on Monday",
    "An array of",
    "A default that every subclass can pass",
    "There are two kinds of",
    "Passengers who cannot pass",
    "He repaired the dishwasher",
    "Trains run every hour except on Monday",
    "In the winter of",
    "Functions to which one can pass",
    "The index of the first",
    "Decision",
    "Nobody unloads the dishwasher",
]
NEXT = ["a", "to", ".", ",", "is", "and", "an", "in", "", "None"]

# A token's coefficient beside its trigger's, by the distance between them; then from the first on.
SHARES = (1.0, 0.62, 0.3, -0.2, 0.02, 0.45)
LARGEST = 4.2  # the first prefix's coefficient

# From a trigger's coefficient and a number of tokens to the coefficients of these tokens.
Shading = Callable[[float, int], list[float]]

# Text that a careless page would break on, with the words that its last token shows.
ODD = {
    "<img src=x onerror=\"document.title='broken'\"> <b>bold</b>": "<b>bold</b>",
    "</span></td><script>document.title = 'broken'</script> end": "end",
    "ذهب الولد إلى المدرسة": "المدرسة",
    "הילדים הלכו לבית הספר": "הספר",
    "彼は毎朝電車で会社に行く": "行く",
    "I love pizza 🍕 and my family 👨‍👩‍👧‍👦": "👨‍👩‍👧‍👦",  # its tokens are bytes
    "🍕🍕🍕 Cafe\u0301 s'il vous plai\u0302t": "plai\u0302t",
    "Prices rose & fell &lt;again&gt;": "&lt;again&gt;",
    "He said שלום עולם": "עולם",
    "tab\there and a line\nbreak": "break",
    "=1+1 as a formula": "formula",
    "plain words": "words",
}


@dataclass
class GridDatabase:
    """A database with one run and one annotator; keys are added as tests need them."""

    address: str

    def add_key(self, texts: Iterable[str], shading: Shading | None = None) -> int:
        """A new key with these prefixes, best first, shaded if it is said how; its id."""
        with session(make_engine(self.address)) as transaction:
            number = transaction.exec(select(func.count(col(Key.id)))).one()
            key = Key(run_id=1, layer=3, key=120 + number, active_share=0.01, turn=number)
            transaction.add(key)
            transaction.flush()
            assert key.id is not None
            for rank, text in enumerate(texts, start=1):
                transaction.add(_prefix(key.id, rank, text, shading))
            return key.id

    def number(self, key_id: int) -> int:
        """The key's number in its layer."""
        with session(make_engine(self.address)) as transaction:
            return transaction.exec(select(Key.key).where(Key.id == key_id)).one()

    def stored(self, key_id: int) -> StoredAnswer:
        """What the server has stored for the annotator."""
        with session(make_engine(self.address)) as transaction:
            found = stored_answer(session=transaction, annotator_id=1, key_id=key_id)
        assert found is not None
        return found

    def switch(self, on: bool | None = None) -> bool:
        """Whether the annotator wants shading, after setting it if a value is given."""
        with session(make_engine(self.address)) as transaction:
            annotator = transaction.get_one(Annotator, 1)
            if on is not None:
                annotator.shading = on
            return annotator.shading

    def save(self, key_id: int, answer: Answer) -> None:
        """Change the answer behind the window's back."""
        base = self.stored(key_id).revision
        with session(make_engine(self.address)) as transaction:
            save_draft(
                session=transaction,
                annotator_id=1,
                key_id=key_id,
                answer=answer,
                writer=f"somebody else {base}",
                sequence=1,
                base_revision=base,
            )


def grid_database(folder: Path) -> GridDatabase:
    """A new database in the folder."""
    address = f"sqlite:///{folder / 'grid.db'}"
    engine = make_engine(address)
    migrate(engine)
    with session(engine) as transaction:
        run = Run(
            name="run",
            fingerprint="0",
            folder="",
            model="model",
            corpus="corpus",
            layers=8,
            d_ff=640,
            top_k=25,
        )
        transaction.add_all([run, Annotator(name="Ada")])
    return GridDatabase(address)


def _prefix(key_id: int, rank: int, text: str, shading: Shading | None) -> Prefix:
    coefficient, ends = round(LARGEST * 0.95 ** (rank - 1), 4), token_ends(text)
    return Prefix(
        key_id=key_id,
        rank=rank,
        coefficient=coefficient,
        text=text,
        token_ends=ends,
        next_token=NEXT[rank % len(NEXT)],
        sentence_id=rank,
        position=len(ends) - 1,
        shading=shading(coefficient, len(ends)) if shading else None,
    )


def by_distance(coefficient: float, tokens: int) -> list[float]:
    """Shading by a token's distance from the trigger alone."""
    shares = [SHARES[distance % len(SHARES)] for distance in reversed(range(tokens))]
    return [round(coefficient * share, 4) for share in shares]


def token_ends(text: str) -> list[int]:
    """Character offsets after each token: words with the space before them, as in GPT-2.

    Two Han or Kana characters are a token; so is each code point of an emoji, and its last one is
    three, of which two end where the one before ended, as bytes of one character do.
    """
    ends = []
    for token in re.finditer(
        r"\s*(?:[\u3040-\u9fff]{1,2}|[\U0001f000-\U0001ffff\u200d]|[^\s\u200d"
        r"\u3040-\u9fff\U0001f000-\U0001ffff]+)",
        text,
    ):
        ends += [token.end()] * (3 if ord(token.group()[-1]) > 0x1F000 else 1)
    return ends
