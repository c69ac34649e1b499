"""The file format of `reg export`: UTF-16, strings quoted, everything else as bytes in hexadecimal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from handrail.twin.mechanisms.registry import Value
from handrail.twin.things import Key

HEAD = "Windows Registry Editor Version 5.00"
_HEX = {
    "REG_EXPAND_SZ": "hex(2)",
    "REG_MULTI_SZ": "hex(7)",
    "REG_BINARY": "hex",
    "REG_NONE": "hex(0)",
    "REG_QWORD": "hex(b)",
}
_KINDS = {name: kind for kind, name in _HEX.items()}


def write(keys: Iterable[tuple[str, Key]]) -> bytes:
    lines = [HEAD, ""]
    for path, key in keys:
        lines.append(f"[{path}]")
        lines += [f"{_quoted(name) if name else '@'}={_written(value)}" for name, value in key.values.items()]
        lines.append("")
    return b"\xff\xfe" + ("\r\n".join(lines) + "\r\n").encode("utf-16-le")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _written(value: Value) -> str:
    kind, data = value
    if kind == "REG_SZ":
        return _quoted(data)
    if kind == "REG_DWORD":
        return f"dword:{int(data, 16):08x}"
    if kind in ("REG_EXPAND_SZ", "REG_MULTI_SZ"):
        ending = "\0\0" if kind == "REG_MULTI_SZ" else "\0"
        raw = (data.replace("\\0", "\0") if kind == "REG_MULTI_SZ" else data) + ending
        return f"{_HEX[kind]}:" + ",".join(f"{byte:02x}" for byte in raw.encode("utf-16-le"))
    if kind == "REG_QWORD":
        return "hex(b):" + ",".join(f"{byte:02x}" for byte in int(data, 16).to_bytes(8, "little"))
    return f"{_HEX[kind]}:" + ",".join(data[at : at + 2] for at in range(0, len(data), 2))


def read(data: bytes) -> list[tuple[str, dict[str, Value]]] | None:
    """Keys and their values; None when this is no such file."""
    text = data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8", "replace")
    lines = re.sub(r",\\\r?\n\s*", ",", text).replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() not in (HEAD, "REGEDIT4"):
        return None
    keys: list[tuple[str, dict[str, Value]]] = []
    for line in lines[1:]:
        if line.startswith("[") and line.rstrip().endswith("]"):
            keys.append((line.strip()[1:-1], {}))
        elif keys and (found := re.match(r'^(@|"(?:[^"\\]|\\.)*")=(.*)$', line.strip())):
            name = "" if found[1] == "@" else _plain(found[1])
            keys[-1][1][name] = _value(found[2])
    return keys


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])


def _value(text: str) -> Value:
    if text.startswith('"'):
        return ("REG_SZ", _plain(text))
    name, _, data = text.partition(":")
    if name == "dword":
        return ("REG_DWORD", hex(int(data, 16)))
    kind = _KINDS.get(name, "REG_BINARY")
    raw = bytes(int(one, 16) for one in data.split(",") if one.strip())
    if kind == "REG_EXPAND_SZ":
        return (kind, raw.decode("utf-16-le").rstrip("\0"))
    if kind == "REG_MULTI_SZ":
        return (kind, raw.decode("utf-16-le").removesuffix("\0\0").replace("\0", "\\0"))
    if kind == "REG_QWORD":
        return (kind, hex(int.from_bytes(raw, "little")))
    return (kind, raw.hex().upper())
