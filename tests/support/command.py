"""Calls the command line as a user would, in this process (fast) or in one of its own (real)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from handrail.cli.main import main
from handrail.guides import catalogue

ESTATES = Path(__file__).parents[2] / "src" / "handrail" / "products" / "mim" / "estates"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def handrail(*arguments: object, home: Path, **environment: str) -> Said:
    """`handrail ARGUMENTS` in this process, with `home` as the home folder."""
    out, err = _stream(), _stream()
    with (
        _environment(home, environment),
        mock.patch.object(catalogue, "open_guide", _open_guide),
        mock.patch.object(sys, "stdout", out),
        mock.patch.object(sys, "stderr", err),
    ):
        code = main([str(one) for one in arguments])
    return Said(code, _text(out), _text(err))


_open = catalogue.open_guide
_shipped = cache(_open)


def _open_guide(path: Path, **more: Any) -> catalogue.CompiledGuide:
    """Shipped guides do not change while tests run: each is read once for all of them."""
    return _shipped(path) if not more and path.is_relative_to(catalogue.SHIPPED) else _open(path, **more)


def start(*arguments: object, home: Path, python: tuple[str, ...] = (), **more: Any) -> subprocess.Popen[bytes]:
    """The same in a process of its own; `more` goes to Popen."""
    environment = {**os.environ, "HANDRAIL_HOME": str(home), **more.pop("environment", {})}
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
    command = [sys.executable, *python, "-m", "handrail.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, **more)


def real(*arguments: object, home: Path, **more: Any) -> Said:
    process = start(*arguments, home=home, **more)
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, (out or b"").decode("utf-8", "replace"), (err or b"").decode("utf-8", "replace"))


def assert_clean(said: Said) -> None:
    """No traceback, an exit code of the contract, and a failure says why on standard error."""
    assert "Traceback" not in said.err + said.out
    assert "fault of Handrail" not in said.err
    assert said.code in range(6)
    if said.code in (1, 2):
        assert said.err.strip(), "it failed and did not say why"


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")


def _text(stream: io.TextIOWrapper) -> str:
    if stream.closed:
        return ""
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")


@contextmanager
def _environment(home: Path, more: dict[str, str]) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"HANDRAIL_HOME": str(home), **more}):
        yield
