"""Frames: whole or refused, in time or late."""

import socket
import struct
import threading

import numpy as np
import pytest

from autograder.protocol import LENGTHS, MAX_TREE, Broken, Late, encode, receive, send


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    yield a, b
    a.close()
    b.close()


def test_values_arrive_whole(pair):
    """Large arrays come through although no socket buffer holds them."""
    value = {"x": np.arange(500_000.0).reshape(1000, 500), "n": 3, "t": (1, [2.5, None])}
    thread = threading.Thread(target=send, args=(pair[0], value))
    thread.start()
    np.testing.assert_equal(receive(pair[1], 10), value)
    thread.join()


def test_silence_is_late(pair):
    """Nothing, and half a frame, are both late."""
    with pytest.raises(Late):
        receive(pair[1], 0.05)
    pair[0].sendall(encode(1.0)[:-1])
    with pytest.raises(Late):
        receive(pair[1], 0.05)


@pytest.mark.parametrize(
    "frame",
    [
        LENGTHS.pack(MAX_TREE + 1, 0),
        LENGTHS.pack(4, 0) + b"[1,2",
        LENGTHS.pack(2, 0) + b"{}",
        LENGTHS.pack(20, 0) + b'[["array","<f8",[1],0',
        LENGTHS.pack(37, 8) + b'[["array","<f8",[2],0],[["<f8", 2]]  ' + b"\0" * 8,
        LENGTHS.pack(100_000, 0) + b"[" * 100_000,
    ],
)
def test_what_is_no_frame_breaks_the_channel(pair, frame):
    """Too large, cut off, malformed, lying about its arrays, nested without end."""
    pair[0].sendall(frame)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(Broken):
        receive(pair[1], 5)


def test_a_closed_channel_is_broken(pair):
    """The other side is gone."""
    pair[0].sendall(struct.pack("<I", 1))
    pair[0].close()
    with pytest.raises(Broken):
        receive(pair[1], 5)
