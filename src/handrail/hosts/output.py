"""What a command prints: as much as is wanted of it, and never more in memory."""

from __future__ import annotations

from collections import deque


class Kept:
    """The end of a stream: of what was added, the last `most` bytes."""

    __slots__ = ("_chunks", "_most", "_size", "total")

    def __init__(self, most: int) -> None:
        self._most = most
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self.total = 0
        """Bytes that were added."""

    def add(self, data: bytes) -> None:
        if not data:
            return
        self._chunks.append(data)
        self._size += len(data)
        self.total += len(data)
        while self._size - len(self._chunks[0]) >= self._most:
            self._size -= len(self._chunks.popleft())

    def take(self) -> tuple[bytes, int]:
        """What was kept, and how many bytes were dropped before it."""
        whole = b"".join(self._chunks)
        kept = whole[len(whole) - self._most :] if len(whole) > self._most else whole
        return kept, self.total - len(kept)


class Framed:
    """A stream in which a command's output ends with a mark and a line of what is said about its end."""

    __slots__ = ("_mark", "_rest", "_tail", "kept", "said", "stray")

    def __init__(self, mark: bytes, most: int) -> None:
        self._mark = mark
        self._rest = b""
        self._tail: bytes | None = None
        self.kept = Kept(most)
        self.said: bytes | None = None
        """What stands behind the mark, once its line is complete."""
        self.stray = False
        """Something came behind that line, which nobody may send."""

    def feed(self, data: bytes) -> None:
        if self.said is not None:
            self.stray = True
        elif self._tail is not None:
            self._end(self._tail + data)
        else:
            rest = self._rest + data
            at = rest.find(self._mark)
            if at < 0:
                # The mark may be arriving in pieces.
                keep = len(rest) - len(self._mark) + 1
                if keep > 0:
                    self.kept.add(rest[:keep])
                    rest = rest[keep:]
                self._rest = rest
            else:
                self.kept.add(rest[:at])
                self._rest = b""
                self._end(rest[at + len(self._mark) :])

    def _end(self, tail: bytes) -> None:
        line, end, more = tail.partition(b"\n")
        if not end:
            self._tail = tail
            return
        self._tail, self.said, self.stray = None, line, bool(more)
