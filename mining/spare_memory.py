"""Giving memory that was freed back to the system, where the allocator would keep it.

Batches have many sizes, and what is freed of them falls to pieces that fit no later one: left
alone, a process can grow for hours although it holds no more than at first.
"""

import ctypes
import sys


def give_back() -> None:
    """Let the system have what is free. It costs milliseconds; elsewhere than on glibc, nothing."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
