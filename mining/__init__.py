"""Mining: from a language model and a corpus to a run folder of trigger prefixes."""

__version__ = "0.1.0"
