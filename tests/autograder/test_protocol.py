"""Frames: whole or refused, in time or late."""

import socket
import struct
import threading

import numpy as np
import pytest

from autograder.protocol import LENGTHS, MAX_TREE, TICKET, Broken, Gone, Late, Parcel, Reader, encode, send


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    yield a, b
    a.close()
    b.close()


def test_values_arrive_whole(pair):
    """Large arrays come through although no socket buffer holds them."""
    value = {"x": np.arange(500_000.0).reshape(1000, 500), "n": 3, "t": (1, [2.5, None])}
    thread = threading.Thread(target=send, args=(pair[0], encode(value), 7))
    thread.start()
    frame = Reader(pair[1]).frame(10)
    np.testing.assert_equal(frame.value(), value)
    assert frame.ticket == 7
    thread.join()


def test_a_parcel_holds_what_values_were_when_they_were_added(pair):
    """Several values in one frame, in their order; what is written into one afterwards does not travel."""
    parcel, array = Parcel(), np.arange(3.0)
    for _ in range(3):
        parcel.add({"array": array, "none": None})
        array += 1
    send(pair[0], parcel.encoded())
    frame = Reader(pair[1]).frame(5)
    assert [list(each["array"]) for each in frame.values()] == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    with pytest.raises(Broken):
        frame.value()


def test_frames_that_arrive_together_are_read_one_by_one(pair):
    """A reader takes in what is there and gives out frame after frame."""
    pair[0].sendall(b"".join(TICKET.pack(n) + encode(n) for n in range(5)))
    reader = Reader(pair[1])
    frames = [reader.frame(1) for _ in range(5)]
    assert [(frame.ticket, frame.value()) for frame in frames] == [(n, n) for n in range(5)]
    assert not reader.waiting


def test_silence_is_late(pair):
    """Nothing, and half a frame, are both late."""
    reader = Reader(pair[1])
    with pytest.raises(Late):
        reader.frame(0.05)
    pair[0].sendall(TICKET.pack(1) + encode(1.0)[:-1])
    with pytest.raises(Late):
        reader.frame(0.05)


@pytest.mark.parametrize(
    "frame",
    [
        LENGTHS.pack(MAX_TREE + 1, 0),
        LENGTHS.pack(4, 0) + b"[1,2",
        LENGTHS.pack(2, 0) + b"{}",
        LENGTHS.pack(22, 0) + b'[[["array","<f8",[1],0',
        LENGTHS.pack(38, 8) + b'[[["array","<f8",[2],0],[["<f8", 2]]]]' + b"\0" * 8,
        LENGTHS.pack(38, 8) + b'[[["array","<f8",[3],0],[["<f8", 1]]]]' + b"\0" * 8,
        LENGTHS.pack(41, 8) + b'[[["array","<f8",["1"],0],[["<f8", 1]] ]]' + b"\0" * 8,
        LENGTHS.pack(40, 8) + b'[[["array","<f8",[-1],0],[["<f8", 1]] ]]' + b"\0" * 8,
        LENGTHS.pack(38, 8) + b'[[["array","O",[1],0],[["O", 1]]    ]]' + b"\0" * 8,
        LENGTHS.pack(100_000, 0) + b"[" * 100_000,
    ],
)
def test_what_is_no_frame_breaks_the_channel(pair, frame):
    """Too large, cut off, malformed, lying about its arrays, nested without end."""
    pair[0].sendall(TICKET.pack(1) + frame)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(Broken):
        Reader(pair[1]).frame(5).value()


def test_a_closed_channel_is_broken(pair):
    """The other side is gone."""
    pair[0].sendall(struct.pack("<I", 1))
    pair[0].close()
    with pytest.raises(Gone):
        Reader(pair[1]).frame(5)
    with pytest.raises(Gone):
        send(pair[1], encode(1))
