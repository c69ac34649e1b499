"""Records apart by their keys, in temporary files: what belongs together comes together, a small part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

COUNT = 128
"""A power of two. A million records make parts of eight thousand."""
KEY = 16
_FLUSH = 1 << 15


class Record(NamedTuple):
    """One object of an export: digests of its name and its content, and where it stands. `line` is 0 where it follows
    from the place."""

    key: bytes
    digest: bytes
    marks: bytes
    at: int
    length: int
    line: int


def key_of(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY).digest()


class Partitions:
    """Records of one export. `marks` is the length of that field in bytes."""

    def __init__(self, folder: Path, name: str, marks: int) -> None:
        self._struct = Struct(f"<{KEY}s16s{marks}sQQI")
        self._pack = self._struct.pack
        self._buffers = [bytearray() for _ in range(COUNT)]
        self._folder = folder
        self._name = name
        self._files: list[BinaryIO | None] = [None] * COUNT

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in self._files:
            if file is not None:
                file.close()

    def clear(self) -> None:
        for number in range(COUNT):
            self._buffers[number].clear()
            if file := self._files[number]:
                file.seek(0)
                file.truncate()

    def add(self, key: bytes, digest: bytes, marks: bytes, at: int, length: int, line: int) -> None:
        number = key[0] % COUNT
        buffer = self._buffers[number]
        buffer += self._pack(key, digest, marks, at, length, line)
        if len(buffer) >= _FLUSH:
            self._flush(number)

    def part(self, number: int) -> Iterator[Record]:
        """All records of one part, in the order in which they were added."""
        file = self._files[number]
        if file is None:
            whole = bytes(self._buffers[number])  # too little to have been written down
        else:
            self._flush(number)
            file.seek(0)
            whole = file.read()
        yield from map(Record._make, self._struct.iter_unpack(whole))

    def _flush(self, number: int) -> None:
        if self._buffers[number]:
            file = self._files[number]
            if file is None:
                file = self._files[number] = (self._folder / f"{self._name}-{number}").open("w+b", buffering=0)
            file.write(self._buffers[number])
            self._buffers[number].clear()
