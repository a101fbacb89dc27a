"""What a person can do wrong, one class a kind. A message says what is wrong and how to mend it.

    KeyholeError (a ValueError)
    ├── CorpusError        text that cannot be read, or holds no sentence
    ├── ModelError         a checkpoint that cannot be loaded, or whose memories we cannot find
    ├── RunFolderError     a run folder that is missing, incomplete, occupied or of another schema
    ├── AnnotationError    a label, an annotator or a database that does not fit
    │   ├── StaleDraftError    another window has changed the same answer since it was read
    │   └── ClaimedError       a key has as many annotators as it wants
    ├── DatasetError       a dataset folder that cannot be written, read or drawn
    └── Interrupted        no mistake: somebody asked the program to stop

Mistakes of ours are assertions, not members of this family.
"""

import signal


class KeyholeError(ValueError):
    """A mistake the user can mend; shown as one line, without a traceback."""

    exit_code = 2


class CorpusError(KeyholeError):
    """Text that cannot be read, or holds no sentence."""


class ModelError(KeyholeError):
    """A checkpoint that cannot be loaded, or whose memories cannot be found."""


class RunFolderError(KeyholeError):
    """A run folder that is missing, incomplete, occupied or of another schema."""


class AnnotationError(KeyholeError):
    """A label, an annotator or a database that does not fit."""


class StaleDraftError(AnnotationError):
    """Another window has changed the same answer since it was read."""


class ClaimedError(AnnotationError):
    """A key has as many annotators as it wants."""


class DatasetError(KeyholeError):
    """A dataset folder that cannot be written, read or drawn."""


class Interrupted(KeyholeError):  # noqa: N818 (no mistake)
    """Somebody asked the program to stop, by Ctrl-C or SIGTERM."""

    def __init__(self, asked: signal.Signals, advice: str = "") -> None:
        super().__init__(f"interrupted{advice}")
        self.asked = asked
        self.exit_code = 128 + asked
