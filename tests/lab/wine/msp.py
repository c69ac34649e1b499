"""Windows Installer patches (.msp), written byte by byte with Python's own library, and `gcab` for the cabinet.

Pieces, in this order: a compound-file (OLE) writer, MSI stream names, string pool and tables, summary information,
transforms, and the patch itself: two transforms, `LabOldToNew`, which changes the product's tables, and `#LabOldToNew`,
which adds the patch's own cabinet, media row and PatchPackage row.

Two traps: wixl writes Media.LastSequence and File.Sequence as columns of four bytes, and the transform must use the
same width; a file without a version needs a row in MsiFileHash, or the old file is kept.

Wine reads what this writes. Nobody has tried it on Windows.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# ---------------------------------------------------------------- compound file (version 3, 512-byte sectors)
END_OF_CHAIN, FREE_SECTOR, FAT_SECTOR, NO_STREAM = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
SECTOR, MINI_SECTOR, MINI_LIMIT = 512, 64, 4096
STORAGE, STREAM, ROOT = 1, 2, 5


class Storage(dict[str, Any]):
    """name -> bytes (a stream) or Storage"""

    def __init__(self, clsid: str | None = None) -> None:
        super().__init__()
        self.clsid = clsid


class Entry:
    """One directory entry."""

    def __init__(self, name: str, kind: int, obj: Any) -> None:
        self.name, self.kind = name, kind
        self.clsid: str | None = getattr(obj, "clsid", None)
        self.data: bytes = obj if kind == STREAM else b""
        self.left = self.right = self.child = NO_STREAM


def _chain(fat: list[int], count: int) -> int:
    """Append a chain of `count` sectors to an allocation table; return its first sector."""
    first = len(fat)
    fat += [*range(first + 1, first + count), END_OF_CHAIN]
    return first


def _directory(root: Storage) -> list[Entry]:
    entries: list[Entry] = []

    def add(name: str, kind: int, obj: Any) -> int:
        index = len(entries)
        entries.append(Entry(name, kind, obj))
        if kind != STREAM:
            children = sorted(obj.items(), key=lambda kv: (len(kv[0].encode("utf-16le")), kv[0].upper()))
            ids = [add(n, STORAGE if isinstance(o, Storage) else STREAM, o) for n, o in children]
            entries[index].child = balance(ids)
        return index

    def balance(ids: list[int]) -> int:
        if not ids:
            return NO_STREAM
        middle = len(ids) // 2
        entry = entries[ids[middle]]
        entry.left, entry.right = balance(ids[:middle]), balance(ids[middle + 1 :])
        return ids[middle]

    add("Root Entry", ROOT, root)
    return entries


def write_compound_file(path: Path, root: Storage) -> None:
    entries = _directory(root)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini_fat: list[int] = []
    start: dict[int, int] = {}
    mini = b""

    def put(data: bytes) -> int:
        if not data:
            return END_OF_CHAIN
        count = -(-len(data) // SECTOR)
        data = data.ljust(count * SECTOR, b"\0")
        sectors.extend(data[k * SECTOR : (k + 1) * SECTOR] for k in range(count))
        return _chain(fat, count)

    streams = [(i, e) for i, e in enumerate(entries) if e.kind == STREAM and e.data]
    for i, e in streams:
        if len(e.data) < MINI_LIMIT:
            count = -(-len(e.data) // MINI_SECTOR)
            start[i] = _chain(mini_fat, count)
            mini += e.data.ljust(count * MINI_SECTOR, b"\0")
    for i, e in streams:
        if i not in start:
            start[i] = put(e.data)
    mini_start = put(mini)
    packed = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    packed = packed.ljust(-(-len(packed) // SECTOR) * SECTOR, b"\xff")
    mini_fat_start, mini_fat_sectors = put(packed), len(packed) // SECTOR

    directory = b""
    for i, e in enumerate(entries):
        name = e.name.encode("utf-16le") + b"\0\0"
        assert len(name) <= 64, e.name
        first = start.get(i, END_OF_CHAIN if e.kind == STREAM else 0)
        size = len(e.data)
        if e.kind == ROOT:
            first, size = mini_start, len(mini)
        directory += name.ljust(64, b"\0")
        directory += struct.pack("<HBB3I", len(name), e.kind, 1, e.left, e.right, e.child)
        directory += uuid.UUID(e.clsid).bytes_le if e.clsid else bytes(16)
        directory += struct.pack("<IQQIQ", 0, 0, 0, first, size)
    while len(directory) % SECTOR:
        directory += bytes(64) + struct.pack("<HBB3I", 0, 0, 0, NO_STREAM, NO_STREAM, NO_STREAM) + bytes(48)
    directory_start = put(directory)

    per_sector = SECTOR // 4
    fat_sectors = 1
    while fat_sectors * per_sector < len(fat) + fat_sectors:
        fat_sectors += 1
    assert fat_sectors <= 109, "too big for the header's own FAT list"
    fat_start = len(sectors)
    fat += [FAT_SECTOR] * fat_sectors
    fat += [FREE_SECTOR] * (fat_sectors * per_sector - len(fat))
    packed = struct.pack(f"<{len(fat)}I", *fat)
    sectors.extend(packed[k * SECTOR : (k + 1) * SECTOR] for k in range(fat_sectors))

    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16)
    header += struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<4I", 0, fat_sectors, directory_start, 0)
    header += struct.pack("<3I", MINI_LIMIT, mini_fat_start if mini_fat_sectors else END_OF_CHAIN, mini_fat_sectors)
    header += struct.pack("<2I", END_OF_CHAIN, 0)
    header += struct.pack("<109I", *range(fat_start, fat_start + fat_sectors), *[FREE_SECTOR] * (109 - fat_sectors))
    path.write_bytes(header + b"".join(sectors))


# ---------------------------------------------------------------- MSI stream names, strings, tables
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"


def stream_name(name: str, table: bool) -> str:
    """MSI packs two characters of a name into one UTF-16 unit; table streams start with U+4840."""
    out, i = ("\u4840" if table else ""), 0
    while i < len(name):
        a = _ALPHABET.find(name[i])
        b = _ALPHABET.find(name[i + 1]) if i + 1 < len(name) else -1
        if a < 0:
            out += name[i]
        elif b < 0:
            out += chr(0x4800 + a)
        else:
            out += chr(0x3800 + a + (b << 6))
            i += 1
        i += 1
    return out


class StringPool:
    def __init__(self) -> None:
        self.strings, self.references = [""], [0]

    def id(self, value: str | None) -> int:
        if value in (None, ""):
            return 0
        if value not in self.strings:
            self.strings.append(value)
            self.references.append(0)
        k = self.strings.index(value)
        self.references[k] += 1
        return k

    def streams(self, codepage: int = 1252) -> dict[str, bytes]:
        pool, data = struct.pack("<I", codepage), b""
        for value, count in list(zip(self.strings, self.references, strict=True))[1:]:
            raw = value.encode("cp1252")
            pool += struct.pack("<HH", len(raw), count)
            data += raw
        return {stream_name("_StringPool", True): pool, stream_name("_StringData", True): data}


# Column types as Windows Installer writes them: s/S string, l/L localisable, i/I integer; capital = nullable;
# trailing k = part of the key.
COLUMN_CODE = {"s38k": 0x2D26, "s72k": 0x2D48, "S72k": 0x3D48, "l0": 0x0F00, "i2": 0x0502}


def storage_type(column: str) -> str:
    if "i4" in column.lower():
        return "i4"
    return "i2" if column[0] in "iI" else "s"


def cell(pool: StringPool, kind: str, value: Any) -> bytes:
    if kind == "s":
        return struct.pack("<H", pool.id(value))
    if kind == "i2":
        return struct.pack("<H", 0 if value is None else (value + 0x8000) & 0xFFFF)
    return struct.pack("<I", 0 if value is None else value ^ 0x80000000)


def database(storage: Storage, tables: Mapping[str, tuple[list[tuple[str, str]], list[list[Any]]]]) -> None:
    """Tables: name -> (columns with their types, rows); they are stored column by column."""
    pool = StringPool()
    ids = {name: pool.id(name) for name in sorted(tables)}
    columns = [
        (name, n + 1, column, COLUMN_CODE[kind])
        for name in sorted(tables, key=lambda one: ids[one])
        for n, (column, kind) in enumerate(tables[name][0])
    ]
    storage[stream_name("_Tables", True)] = b"".join(struct.pack("<H", i) for i in sorted(ids.values()))
    storage[stream_name("_Columns", True)] = b"".join(
        cell(pool, kind, row[k]) for k, kind in enumerate(("s", "i2", "s", "i2")) for row in columns
    )
    for name in sorted(tables):
        cols, rows = tables[name]
        if rows:
            storage[stream_name(name, True)] = b"".join(
                cell(pool, storage_type(kind), row[k]) for k, (_, kind) in enumerate(cols) for row in rows
            )
    storage.update(pool.streams())


# ---------------------------------------------------------------- summary information
FMTID_SUMMARY = uuid.UUID("f29f85e0-4ff9-1068-ab91-08002b27b3d9").bytes_le
CODEPAGE, TITLE, SUBJECT, TEMPLATE, LAST_AUTHOR, REVISION, WORDS, CHARS, APPLICATION, SECURITY = (
    1,
    2,
    3,
    7,
    8,
    9,
    15,
    16,
    18,
    19,
)
PAGES = 14


def summary_information(properties: Mapping[int, int | str]) -> bytes:
    """The stream of that name, by property id."""
    values: dict[int, bytes] = {}
    for pid, value in properties.items():
        if pid == CODEPAGE:
            values[pid] = struct.pack("<IhH", 2, int(value), 0)
        elif isinstance(value, int):
            values[pid] = struct.pack("<Ii", 3, value)
        else:
            raw = value.encode("cp1252") + b"\0"
            values[pid] = struct.pack("<II", 30, len(raw)) + raw + bytes(-len(raw) % 4)
    offset, index, body = 8 + 8 * len(values), b"", b""
    for pid, raw in values.items():
        index += struct.pack("<II", pid, offset + len(body))
        body += raw
    section = struct.pack("<II", offset + len(body), len(values)) + index + body
    head = struct.pack("<HHI", 0xFFFE, 0, 0x00020006) + bytes(16) + struct.pack("<I", 1)
    return head + FMTID_SUMMARY + struct.pack("<I", 48) + section


# ---------------------------------------------------------------- transforms
class Transform:
    def __init__(self) -> None:
        self.pool = StringPool()
        self.tables: dict[str, bytes] = {}

    def insert(self, table: str, columns: Sequence[str], values: Sequence[Any]) -> None:
        record = struct.pack("<H", 1 | len(columns) << 8)
        record += b"".join(cell(self.pool, storage_type(c), v) for c, v in zip(columns, values, strict=True))
        self.tables[table] = self.tables.get(table, b"") + record

    def update(self, table: str, columns: Sequence[str], values: Sequence[Any], changed: set[int]) -> None:
        """`changed`: numbers (from 0) of the columns present besides the key columns."""
        record = struct.pack("<H", sum(1 << n for n in changed))
        record += b"".join(
            cell(self.pool, storage_type(c), v)
            for n, (c, v) in enumerate(zip(columns, values, strict=True))
            if "k" in c or n in changed
        )
        self.tables[table] = self.tables.get(table, b"") + record

    def storage(self, patch: Patch) -> Storage:
        made = Storage("000C1082-0000-0000-C000-000000000046")
        made.update({stream_name(name, True): data for name, data in self.tables.items()})
        made.update(self.pool.streams())
        made["\x05SummaryInformation"] = summary_information({
            CODEPAGE: 1252, TITLE: "Transform", TEMPLATE: "x64;1033", LAST_AUTHOR: "x64;1033",
            REVISION: f"{patch.product}{patch.of};{patch.product}{patch.to};{patch.upgrade}",
            PAGES: 301, CHARS: patch.flags, APPLICATION: "msp.py", SECURITY: 4})  # fmt: skip
        return made


# ---------------------------------------------------------------- the patch
PRODUCT_AND_UPGRADE_CODE = 0x802
"""Validation flags: the patch fits this product and this upgrade code, of whatever version."""
SAME_VERSION_TOO = 0x812
"""And the version that it is made for, first two numbers. Wine then ends with 0 and does nothing; Windows with 1642."""

PROPERTY = ["s72k", "l0"]
REGISTRY = ["s72k", "i2", "l255", "L0", "L0", "s72"]
FILE = ["s72k", "s72", "l255", "i4", "S72", "S72", "I2", "i4"]
FILE_HASH = ["s72k", "i2", "i4", "i4", "i4", "i4"]
MEDIA = ["i2k", "i4", "L0", "S255", "S72", "S72"]
COLUMNS = ["s72k", "i2k", "s72", "i2"]
CABINET, FIRST_SEQUENCE, MEDIA_ID = "PCW_CAB_lab", 10000, 100
PATCH_ADDED_COMPRESSED = 0x0200 | 0x1000 | 0x4000
"""File.Attributes: vital, added by a patch, compressed."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`of` and `to` are the versions before and after; `files` are keys of the File table with the new file and its
    version (empty: it has none); `registry` are keys of the Registry table with the new value."""

    title: str
    product: str
    upgrade: str
    code: str
    of: str
    to: str
    files: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    registry: Mapping[str, str] = field(default_factory=dict)
    flags: int = PRODUCT_AND_UPGRADE_CODE


def write(path: Path, patch: Patch) -> None:
    """Write the patch to `path`. RuntimeError when gcab fails."""
    change, own = Transform(), Transform()
    change.update("Property", PROPERTY, ["ProductVersion", patch.to], {1})
    for key, value in patch.registry.items():
        change.update("Registry", REGISTRY, [key, None, None, None, value, None], {4})
    root = Storage("000C1086-0000-0000-C000-000000000046")
    with tempfile.TemporaryDirectory() as stage:
        for number, (key, (source, version)) in enumerate(patch.files.items()):
            shutil.copy(source, Path(stage, key))
            row = [key, None, None, source.stat().st_size, version or None, None, None, None]
            change.update("File", FILE, row, {3, 4} if version else {3})
            if not version:  # MD5 as four little-endian integers
                digest = struct.unpack("<4I", hashlib.md5(source.read_bytes()).digest())
                change.update("MsiFileHash", FILE_HASH, [key, None, *digest], {2, 3, 4, 5})
            row = [key, None, None, None, None, None, PATCH_ADDED_COMPRESSED, FIRST_SEQUENCE + number]
            own.update("File", FILE, row, {6, 7})
        last = FIRST_SEQUENCE + len(patch.files) - 1
        own.insert("Media", MEDIA, [MEDIA_ID, last, None, "#" + CABINET, None, "PATCHLabSrcProp"])
        done = subprocess.run(
            ["gcab", "-c", "-n", "-z", "c.cab", *patch.files], cwd=stage, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"gcab: {done.stderr.strip()}")
        root[stream_name(CABINET, False)] = Path(stage, "c.cab").read_bytes()

    # The PatchPackage table is new in the product.
    own.insert("_Tables", ["s72k"], ["PatchPackage"])
    own.insert("_Columns", COLUMNS, ["PatchPackage", 1, "PatchId", COLUMN_CODE["s38k"]])
    own.insert("_Columns", COLUMNS, ["PatchPackage", 2, "Media_", COLUMN_CODE["i2"]])
    own.insert("PatchPackage", ["s38k", "i2"], [patch.code, MEDIA_ID])

    root["LabOldToNew"] = change.storage(patch)
    root["#LabOldToNew"] = own.storage(patch)
    metadata = {"AllowRemoval": "0", "Classification": "Service Pack", "DisplayName": patch.title,
                "ManufacturerName": "Handrail's lab", "TargetProductName": patch.title}  # fmt: skip
    rows: list[list[Any]] = [[None, name, value] for name, value in metadata.items()]
    database(root, {"MsiPatchMetadata": ([("Company", "S72k"), ("Property", "s72k"), ("Value", "l0")], rows)})
    root["\x05SummaryInformation"] = summary_information({
        CODEPAGE: 1252, TITLE: "Patch", SUBJECT: patch.title, TEMPLATE: patch.product,
        LAST_AUTHOR: ":LabOldToNew;:#LabOldToNew", REVISION: patch.code, WORDS: 5, APPLICATION: "msp.py",
        SECURITY: 2})  # fmt: skip
    write_compound_file(path, root)
