"""What crosses a process border: frames of plain data, each with a size that is checked before it is read.

A frame is a ticket, two lengths, a JSON tree of one value or several, and the raw bytes of their arrays. An
order bears a number as its ticket, and so does every answer to it. Nothing is ever pickled.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.plain import Budget, dtype_of, pack, unpack

TICKET = struct.Struct("<I")
LENGTHS = struct.Struct("<II")
HEAD = TICKET.size + LENGTHS.size
MAX_TREE = 16 * 2**20
MAX_ARRAYS = 64 * 2**20
CHUNK = 2**16


class Broken(ConnectionError):
    """What the other side sent is no frame, or it cannot be reached."""


class Gone(Broken):
    """The other side has closed the channel: it has ended, or is about to."""


class Late(TimeoutError):
    """No whole frame came before the deadline."""


@dataclass(frozen=True)
class Frame:
    """What arrived: the ticket, the text of the tree, the bytes of the arrays."""

    ticket: int
    text: bytes
    raw: bytes

    def values(self) -> list[Any]:
        """Build the values; ``Broken`` where the frame does not hold together."""
        return decode(self.text, self.raw)

    def value(self) -> Any:
        """Build the only value."""
        values = self.values()
        if len(values) != 1:
            raise Broken(f"a frame of {len(values)} values where one is due")
        return values[0]


class Parcel:
    """Values that travel in one frame, each taken apart when it is added: who made it may change it then."""

    def __init__(self) -> None:
        self.trees: list[Any] = []
        self.raw: list[bytes] = []
        self.weight = 0

    def add(self, value: Any, budget: Budget | None = None) -> None:
        """Add a value; ``weight`` grows by about its bytes."""
        budget = budget or Budget(size=MAX_ARRAYS, items=2_000_000)
        before = budget.size
        tree, arrays = pack(value, budget)
        self.trees.append([tree, [[array.dtype.str, array.size] for array in arrays]])
        self.raw += [array.tobytes() for array in arrays]
        self.weight += before - budget.size

    def encoded(self) -> bytes:
        """Return the frame, all but its ticket."""
        text = json.dumps(self.trees, separators=(",", ":")).encode()
        raw = b"".join(self.raw)
        return LENGTHS.pack(len(text), len(raw)) + text + raw


def encode(value: Any) -> bytes:
    """Turn one plain value into a frame, all but its ticket."""
    parcel = Parcel()
    parcel.add(value)
    return parcel.encoded()


def decode(text: bytes, raw: bytes) -> list[Any]:
    """Build the values of a frame; ``Broken`` where it does not hold together."""
    try:
        values, start = [], 0
        for tree, described in json.loads(text):
            arrays = []
            for code, size in described:
                dtype = dtype_of(code)
                if dtype.hasobject or size < 0 or start + size * dtype.itemsize > len(raw):
                    raise ValueError("an array longer than its frame")
                arrays.append(np.frombuffer(raw, dtype, size, start))
                start += size * dtype.itemsize
            values.append(unpack(tree, arrays))
        return values
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Broken(f"unreadable frame: {error}") from None


def send(channel: socket.socket, frame: bytes, ticket: int = 0) -> None:
    """Send what was encoded; ``Gone`` if nobody reads it any more."""
    try:
        channel.sendall(TICKET.pack(ticket) + frame)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Gone(str(error)) from None
    except OSError as error:
        raise Broken(str(error)) from None


class Reader:
    """Reads frames from a channel, as many at a time as have arrived."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.waiting = bytearray()

    def frame(
        self, seconds: float | None = None, *, most_tree: int = MAX_TREE, most_arrays: int = MAX_ARRAYS
    ) -> Frame:
        """Return the next frame, of no more bytes than stated; ``Late`` if it does not come in time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self._fill(HEAD, deadline)
        (ticket,) = TICKET.unpack_from(self.waiting)
        tree_size, raw_size = LENGTHS.unpack_from(self.waiting, TICKET.size)
        if tree_size > most_tree or raw_size > most_arrays:
            raise Broken("a frame larger than any that is read")
        middle, end = HEAD + tree_size, HEAD + tree_size + raw_size
        self._fill(end, deadline)
        found = Frame(ticket, bytes(self.waiting[HEAD:middle]), bytes(self.waiting[middle:end]))
        del self.waiting[:end]
        return found

    def _fill(self, size: int, deadline: float | None) -> None:
        """Wait until so many bytes have arrived."""
        while len(self.waiting) < size:
            most = min(max(CHUNK, size - len(self.waiting)), 2**20)
            try:
                left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
                self.channel.settimeout(left)
                part = self.channel.recv(most)
            except TimeoutError:
                raise Late from None
            except ConnectionResetError as error:
                raise Gone(str(error)) from None
            except OSError as error:
                raise Broken(str(error)) from None
            if not part:
                raise Gone("the other side is gone")
            self.waiting += part
            if deadline is not None and time.monotonic() > deadline and len(self.waiting) < size:
                raise Late
