"""What a job has printed so far, as it may be written down while the job is at work: as the text that it is, and in
whole lines. Half a line could end in half of a secret, which nobody would know for one."""

from __future__ import annotations

from dataclasses import replace

from handrail.hosts import detached, windows_files, windows_jobs
from handrail.hosts.protocol import Exited


class SoFar:
    """Of the jobs of one host."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[int, bytes]] = {}

    def of(self, words: tuple[str, ...], answer: Exited) -> tuple[Exited, bool]:
        """The answer to be written down, and whether a job is at work that will print more. `words`: a command line, or
        the name of a reviewed script and its arguments."""
        answer = _readable(words, answer)
        if not detached.is_at_work(words, answer.out):
            return answer, False
        # What stands still is whole: a question that waits for an answer ends without a line end.
        key = words[:2] if words[0] == "read-part" else words
        now = (answer.cut + len(answer.out), answer.out[-100:])
        still = self._seen.get(key) == now
        self._seen[key] = now
        return answer if still else replace(answer, out=_lines(answer.out)), True


def _readable(words: tuple[str, ...], answer: Exited) -> Exited:
    """On Windows it travels as Base64, where a secret could stand in pieces."""
    part = windows_files.part_in(answer.out) if windows_jobs.asks_for_output(words) else None
    return replace(answer, out=part.data, cut=int(words[2])) if part is not None else answer


def _lines(out: bytes) -> bytes:
    end = max(out.rfind(b"\n"), out.rfind(b"\r")) + 1
    return out[: end + (out[end : end + 1] == b"\0")]  # a line end of UTF-16 has two bytes
