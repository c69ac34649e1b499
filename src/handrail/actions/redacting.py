"""Hiding secrets by value, in whatever is about to be written.

Every sink of ours (journal, console, report, error, details of a fault, transcript) passes what it writes through one
`Redactor`, which knows all secrets that this process has looked up, in all forms of `secret_forms.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, TypeVar

from handrail.actions.secret_forms import Form, all_forms, either

T = TypeVar("T")

HIDDEN = "***"
SHORTEST = 3
"""Characters. Anything shorter stands in too many texts to be hidden by value, and is no secret."""
LINE = 6
"""Characters of a line of a secret with many lines from which on it is hidden by itself: texts are taken apart."""

_MEMORY = 512 * 1024 * 1024
"""Bytes that the patterns may take at most; 50 secrets need some twenty million."""
_LINE_END = b"\n"
"""Between texts that are searched together: those of a list may be the lines of one."""


class Redactor:
    """Hides every value that it was told. Safe to use from several threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, Form] = {}
        self._pattern: Any = None  # of the forms, made when it is first needed
        for one in secrets:
            self.hide(one)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} secrets)"

    def hide(self, secret: str) -> None:
        """From now on. What is shorter than SHORTEST cannot be hidden."""
        lines = secret.splitlines()
        told = [secret, *(one for one in lines if len(lines) > 1 and len(one) >= LINE)]
        new = [one for one in told if len(one) >= SHORTEST and one not in self._forms]
        if new:
            with self._lock:
                # Anew, not added to: another thread may be reading.
                self._forms = {**self._forms, **{one: all_forms(one) for one in new}}
                self._pattern = None

    @property
    def longest(self) -> int:
        """Bytes that a form of any of the secrets can have; 0 when there are none."""
        return max((one.longest for one in self._forms.values()), default=0)

    def finds(self, what: str | bytes) -> bool:
        """Whether a secret stands in it, in any form."""
        return bool(self._forms) and self._compiled().search(_bytes(what)) is not None

    def redact(self, what: T) -> T:
        """The same texts, bytes, lists and mappings (keys too) with every secret replaced by ***. Numbers stay."""
        if not self._forms:
            return what
        found: list[bytes] = []
        _collect(what, found)
        # One search through all of it: nearly always there is nothing to hide.
        return self._redacted(what) if found and self.finds(_LINE_END.join(found)) else what

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand in `data`: begin and end, in order, never overlapping."""
        return [match.span() for match in self._compiled().finditer(data)] if self._forms else []

    def _redacted(self, what: Any) -> Any:
        if isinstance(what, str):
            data = _bytes(what)
            made = self._compiled().sub(HIDDEN.encode(), data)
            return what if made == data else made.decode("utf-8", "replace")
        if isinstance(what, bytes | bytearray):
            return self._compiled().sub(HIDDEN.encode(), bytes(what))
        if isinstance(what, Mapping):
            return {self._redacted(key): self._redacted(value) for key, value in what.items()}
        if isinstance(what, list | tuple | set | frozenset):
            made = [self._redacted(one) for one in what]
            return type(what)(self._across(made) if isinstance(what, list | tuple) else made)
        return what

    def _across(self, lines: list[Any]) -> list[Any]:
        """Texts that follow each other, without what stands in several of them: they may be the lines of one."""
        parts = [_bytes(one) if isinstance(one, str | bytes) else b"\0\0\0" for one in lines]
        ends = list(accumulate(len(one) + len(_LINE_END) for one in parts))
        begins = [end - len(one) - len(_LINE_END) for end, one in zip(ends, parts, strict=True)]
        whole = _LINE_END.join(parts)
        for begin, over in reversed(self.spans(whole)):
            for number, one in enumerate(lines):
                first, last = max(begin, begins[number]), min(over, ends[number] - len(_LINE_END))
                if first < last and isinstance(one, str | bytes):
                    data = _bytes(one)
                    data = data[: first - begins[number]] + HIDDEN.encode() + data[last - begins[number] :]
                    lines[number] = data.decode("utf-8", "replace") if isinstance(one, str) else data
        return lines

    def _compiled(self) -> Any:
        pattern = self._pattern
        if pattern is None:
            with self._lock:
                pattern = self._pattern = self._pattern or _compile(either(self._forms.values()).pattern)
        return pattern


class RedactingStream:
    """Redacts what comes in pieces, cut anywhere: holds back as much as the beginning of a secret may need."""

    def __init__(self, redactor: Redactor, write: Callable[[bytes], object]) -> None:
        self._redactor = redactor
        self._write = write
        self._held = b""

    def feed(self, piece: bytes) -> None:
        self._held += piece
        self._let_go(len(self._held) - self._redactor.longest)

    def close(self) -> None:
        """Write what was held back."""
        self._let_go(len(self._held))

    def _let_go(self, end: int) -> None:
        """Write everything up to `end`, and the whole of a secret that begins before it."""
        if end <= 0:
            return
        parts, done = [], 0
        for begin, over in self._redactor.spans(self._held):
            if begin >= end:
                break
            parts += [self._held[done:begin], HIDDEN.encode()]
            done = over
        parts.append(self._held[done:end])
        self._held = self._held[max(done, end) :]
        self._write(b"".join(parts))


def has_hidden(what: Any) -> bool:
    """Whether a secret was taken out of it: a path with a hole in it may be somebody else's."""
    if isinstance(what, Mapping):
        return any(has_hidden(one) for pair in what.items() for one in pair)
    if isinstance(what, list | tuple):
        return any(map(has_hidden, what))
    return isinstance(what, str) and HIDDEN in what


def redacted(what: T, secrets: Iterable[str]) -> T:
    """For once, without a redactor that lasts."""
    return Redactor(secrets).redact(what)


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _collect(what: Any, found: list[bytes]) -> None:
    if isinstance(what, str):
        found.append(_bytes(what))
    elif isinstance(what, bytes | bytearray):
        found.append(bytes(what))
    elif isinstance(what, Mapping):
        for key, value in what.items():
            _collect(key, found)
            _collect(value, found)
    elif isinstance(what, list | tuple | set | frozenset):
        for one in what:
            _collect(one, found)


def _compile(pattern: bytes) -> Any:
    import re2  # late: without secrets there is nothing to look for

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)
