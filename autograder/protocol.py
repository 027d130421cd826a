"""What crosses a process border: frames of plain data, each with a size that is checked before it is read.

A frame is two lengths, a JSON tree and the raw bytes of its arrays. Nothing is ever pickled.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

import numpy as np

from course_utils.plain import Budget, pack, unpack

LENGTHS = struct.Struct("<II")
MAX_TREE = 16 * 2**20
MAX_ARRAYS = 64 * 2**20
CHUNK = 2**16


class Broken(ConnectionError):
    """What the other side sent is no frame, or it cannot be reached."""


class Gone(Broken):
    """The other side has closed the channel: it has ended, or is about to."""


class Late(TimeoutError):
    """No whole frame came before the deadline."""


def encode(value: Any, budget: Budget | None = None) -> bytes:
    """Turn a plain value into one frame."""
    tree, arrays = pack(value, budget or Budget(size=MAX_ARRAYS, items=2_000_000))
    described = [[array.dtype.str, array.size] for array in arrays]
    text = json.dumps([tree, described], separators=(",", ":")).encode()
    raw = b"".join(array.tobytes() for array in arrays)
    return LENGTHS.pack(len(text), len(raw)) + text + raw


def decode(text: bytes, raw: bytes) -> Any:
    """Build the value of a frame; ``Broken`` where it does not hold together."""
    try:
        tree, described = json.loads(text)
        arrays, start = [], 0
        for code, size in described:
            dtype = np.dtype(code)
            if dtype.hasobject or size < 0 or start + size * dtype.itemsize > len(raw):
                raise ValueError("an array longer than its frame")
            arrays.append(np.frombuffer(raw, dtype, size, start))
            start += size * dtype.itemsize
        return unpack(tree, arrays)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Broken(f"unreadable frame: {error}") from None


def send(channel: socket.socket, value: Any, budget: Budget | None = None) -> None:
    """Send one value; ``Broken`` if nobody reads it."""
    send_frame(channel, encode(value, budget))


def send_frame(channel: socket.socket, frame: bytes) -> None:
    """Send what ``encode`` made; ``Broken`` if nobody reads it."""
    try:
        channel.sendall(frame)
    except OSError as error:
        raise Broken(str(error)) from None


class Reader:
    """Reads frames from a channel, as many at a time as have arrived."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.waiting = bytearray()

    def receive(self, seconds: float, *, most_tree: int = MAX_TREE, most_arrays: int = MAX_ARRAYS) -> Any:
        """Return the next value, as ``receive`` does."""
        deadline = time.monotonic() + seconds
        self._fill(LENGTHS.size, deadline)
        tree_size, raw_size = LENGTHS.unpack_from(self.waiting)
        if tree_size > most_tree or raw_size > most_arrays:
            raise Broken("a frame larger than any that is read")
        end = LENGTHS.size + tree_size + raw_size
        self._fill(end, deadline)
        frame = bytes(self.waiting[LENGTHS.size : end])
        del self.waiting[:end]
        return decode(frame[:tree_size], frame[tree_size:])

    def _fill(self, size: int, deadline: float) -> None:
        while len(self.waiting) < size:
            self.waiting += _part(self.channel, max(CHUNK, size - len(self.waiting)), deadline)
            if time.monotonic() > deadline and len(self.waiting) < size:
                raise Late


def receive(
    channel: socket.socket,
    seconds: float | None = None,
    *,
    most_tree: int = MAX_TREE,
    most_arrays: int = MAX_ARRAYS,
) -> Any:
    """Receive one value within ``seconds`` (for ever if None), of no more bytes than stated."""
    deadline = None if seconds is None else time.monotonic() + seconds
    tree_size, raw_size = LENGTHS.unpack(_read(channel, LENGTHS.size, deadline))
    if tree_size > most_tree or raw_size > most_arrays:
        raise Broken("a frame larger than any that is read")
    frame = _read(channel, tree_size + raw_size, deadline)
    return decode(frame[:tree_size], frame[tree_size:])


def _read(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        parts += _part(channel, size - len(parts), deadline)
        if deadline is not None and time.monotonic() > deadline and len(parts) < size:
            raise Late
    return bytes(parts)


def _part(channel: socket.socket, most: int, deadline: float | None) -> bytes:
    """Wait for some bytes, at most so many."""
    try:
        channel.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
        part = channel.recv(min(most, 2**20))
    except TimeoutError:
        raise Late from None
    except OSError as error:
        raise Broken(str(error)) from None
    if not part:
        raise Gone("the other side is gone")
    return part
