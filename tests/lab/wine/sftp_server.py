"""SFTP (version 3) into a Wine prefix, with paths as OpenSSH for Windows has them: /C:/folder/file, in any case.

A program of the lab, started by sshd for its subsystem: bytes on standard input and output. It sees drive letters as
the machine's programs do, mapped ones too. It looks at files from outside Wine: that a program of the machine keeps
one open does not keep anybody from replacing it here, as it would on Windows.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = (
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
)
EXTENDED = 200
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 101, 102, 103, 104, 105, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
WANTS_READ, WANTS_WRITE, APPENDS, CREATES, TRUNCATES, EXCLUDES = 1, 2, 4, 8, 16, 32
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES, HAS_MORE = 1, 2, 4, 8, 0x80000000
_FORBIDDEN = '<>:"|?*\0\\'

EXTENSIONS = ("posix-rename@openssh.com", "fsync@openssh.com", "statvfs@openssh.com")


class Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Packet:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> int:
        value = struct.unpack_from(">" + form, self.data, self.at)[0]
        self.at += struct.calcsize(">" + form)
        return int(value)

    def string(self) -> bytes:
        size = self.take("I")
        value = self.data[self.at : self.at + size]
        self.at += size
        return value

    def attributes(self) -> dict[str, int]:
        flags, found = self.take("I"), {}
        if flags & HAS_SIZE:
            found["size"] = self.take("Q")
        if flags & HAS_OWNER:
            self.take("I"), self.take("I")
        if flags & HAS_MODE:
            found["mode"] = self.take("I")
        if flags & HAS_TIMES:
            found["atime"], found["mtime"] = self.take("I"), self.take("I")
        return found


def string(value: bytes | str) -> bytes:
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack(">I", len(raw)) + raw


def attributes(one: os.stat_result) -> bytes:
    flags = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES
    # Windows has no owners that are numbers; OpenSSH for Windows says 0.
    return struct.pack(">IQIIIII", flags, one.st_size, 0, 0, one.st_mode, int(one.st_atime), int(one.st_mtime))


class Drives:
    """From paths of SFTP to paths of the machine that the lab runs on."""

    def __init__(self, prefix: str, home: Path) -> None:
        self.letters = Path(prefix, "dosdevices")
        drive_c = Path(prefix, "drive_c")
        self.home = ["C:", *home.relative_to(drive_c).parts]

    def words(self, raw: bytes) -> list[str]:
        """The path's parts, drive first; none for the root above all drives."""
        text = raw.decode("utf-8", "surrogateescape").replace("\\", "/")
        parts = [one for one in text.split("/") if one not in ("", ".")]
        anchored = text.startswith("/") or (parts and parts[0][1:] == ":")
        words: list[str] = [] if anchored else list(self.home)
        for one in parts:
            if one == "..":
                words = words[:-1]
            else:
                words.append(one)
        if words:
            words[0] = words[0].upper()
            if len(words[0]) != 2 or words[0][1] != ":":
                raise Refused(NO_SUCH_FILE, "The system cannot find the path specified.")
        if any(sign in one for one in words[1:] for sign in _FORBIDDEN):
            raise Refused(FAILURE, "The filename, directory name, or volume label syntax is incorrect.")
        return words

    def place(self, raw: bytes) -> Path:
        words = self.words(raw)
        if not words:
            raise Refused(PERMISSION_DENIED, "That is no folder but the list of drives.")
        place = self.letters / words[0].lower()
        if not place.exists():
            raise Refused(NO_SUCH_FILE, "The system cannot find the drive specified.")
        for one in words[1:]:
            place = self._child(place, one)
        return place

    @staticmethod
    def _child(folder: Path, name: str) -> Path:
        exact = folder / name
        if exact.exists():
            return exact
        try:
            names = [one.name for one in folder.iterdir()]
        except OSError:
            return exact
        return next((folder / one for one in names if one.casefold() == name.casefold()), exact)


class Server:
    def __init__(self, drives: Drives) -> None:
        self.drives = drives
        self.open: dict[bytes, int | list[tuple[str, os.stat_result]]] = {}
        self.next = 0
        self.answers: dict[int, Callable[[Packet], bytes]] = {
            OPEN: self._open, CLOSE: self._close, READ: self._read, WRITE: self._write, LSTAT: self._stat,
            STAT: self._stat, FSTAT: self._fstat, SETSTAT: self._setstat, FSETSTAT: self._fsetstat,
            OPENDIR: self._opendir, READDIR: self._readdir, REMOVE: self._remove, MKDIR: self._mkdir,
            RMDIR: self._rmdir, REALPATH: self._realpath, RENAME: self._rename, EXTENDED: self._extended,
        }  # fmt: skip

    def answer(self, data: bytes) -> bytes:
        packet = Packet(data)
        kind = packet.take("B")
        if kind == INIT:
            packet.take("I")
            return struct.pack(">BI", VERSION, 3) + b"".join(string(one) + string("1") for one in EXTENSIONS)
        number = packet.take("I")
        try:
            does = self.answers.get(kind)
            if does is None:
                raise Refused(UNSUPPORTED, "The lab's SFTP does not know that.")
            found = does(packet)
        except Refused as refused:
            found = _status(refused.code, str(refused))
        except OSError as error:
            codes = {errno.ENOENT: NO_SUCH_FILE, errno.EACCES: PERMISSION_DENIED, errno.EPERM: PERMISSION_DENIED}
            found = _status(codes.get(error.errno or 0, FAILURE), os.strerror(error.errno or errno.EIO))
        except struct.error:
            found = _status(BAD_MESSAGE, "The message is cut short.")
        return found[:1] + struct.pack(">I", number) + found[1:]

    def _keep(self, one: int | list[tuple[str, os.stat_result]]) -> bytes:
        self.next += 1
        name = str(self.next).encode()
        self.open[name] = one
        return struct.pack(">B", HANDLE) + string(name)

    def _file(self, packet: Packet) -> int:
        one = self.open.get(packet.string())
        if not isinstance(one, int):
            raise Refused(FAILURE, "There is no such handle.")
        return one

    def _open(self, packet: Packet) -> bytes:
        place, flags = self.drives.place(packet.string()), packet.take("I")
        if place.is_dir():
            raise Refused(PERMISSION_DENIED, "Access is denied.")
        how = os.O_RDWR if flags & WANTS_READ and flags & WANTS_WRITE else os.O_WRONLY if flags & WANTS_WRITE else 0
        how |= (os.O_CREAT if flags & CREATES else 0) | (os.O_TRUNC if flags & TRUNCATES else 0)
        how |= (os.O_EXCL if flags & EXCLUDES else 0) | (os.O_APPEND if flags & APPENDS else 0)
        return self._keep(os.open(place, how, 0o644))

    def _close(self, packet: Packet) -> bytes:
        one = self.open.pop(packet.string(), None)
        if isinstance(one, int):
            os.close(one)
        return _status(OK if one is not None else FAILURE)

    def _read(self, packet: Packet) -> bytes:
        file, at, size = self._file(packet), packet.take("Q"), packet.take("I")
        data = os.pread(file, min(size, 1 << 18), at)
        return struct.pack(">B", DATA) + string(data) if data else _status(EOF)

    def _write(self, packet: Packet) -> bytes:
        file, at, data = self._file(packet), packet.take("Q"), packet.string()
        while data:
            done = os.pwrite(file, data, at)
            data, at = data[done:], at + done
        return _status(OK)

    def _stat(self, packet: Packet) -> bytes:
        raw = packet.string()
        place = self.drives.place(raw) if self.drives.words(raw) else self.drives.letters
        return struct.pack(">B", ATTRS) + attributes(place.stat())

    def _fstat(self, packet: Packet) -> bytes:
        return struct.pack(">B", ATTRS) + attributes(os.fstat(self._file(packet)))

    def _setstat(self, packet: Packet) -> bytes:
        place, new = self.drives.place(packet.string()), packet.attributes()
        place.stat()
        if "size" in new:
            os.truncate(place, new["size"])
        if "mtime" in new:
            os.utime(place, (new["atime"], new["mtime"]))
        return _status(OK)

    def _fsetstat(self, packet: Packet) -> bytes:
        file, new = self._file(packet), packet.attributes()
        if "size" in new:
            os.ftruncate(file, new["size"])
        if "mtime" in new:
            os.utime(file, (new["atime"], new["mtime"]))
        return _status(OK)

    def _opendir(self, packet: Packet) -> bytes:
        raw = packet.string()
        if not self.drives.words(raw):
            found = [one for one in self.drives.letters.iterdir() if one.name[1:] == ":" and one.exists()]
            return self._keep([(one.name.upper(), one.stat()) for one in found])
        place = self.drives.place(raw)
        return self._keep([(one.name, one.stat()) for one in place.iterdir() if one.exists()])

    def _readdir(self, packet: Packet) -> bytes:
        name = packet.string()
        entries = self.open.get(name)
        if not isinstance(entries, list):
            raise Refused(FAILURE, "There is no such handle.")
        if not entries:
            return _status(EOF)
        now, self.open[name] = entries[:100], entries[100:]
        return struct.pack(">BI", NAME, len(now)) + b"".join(_entry(one, seen) for one, seen in now)

    def _remove(self, packet: Packet) -> bytes:
        self.drives.place(packet.string()).unlink()
        return _status(OK)

    def _mkdir(self, packet: Packet) -> bytes:
        self.drives.place(packet.string()).mkdir()
        return _status(OK)

    def _rmdir(self, packet: Packet) -> bytes:
        self.drives.place(packet.string()).rmdir()
        return _status(OK)

    def _realpath(self, packet: Packet) -> bytes:
        text = "/" + "/".join(self.drives.words(packet.string()))
        # A missing file has a real path too, as long as its syntax is one.
        return struct.pack(">BI", NAME, 1) + string(text) + string(text) + struct.pack(">I", 0)

    def _rename(self, packet: Packet) -> bytes:
        old, new = self.drives.place(packet.string()), self.drives.place(packet.string())
        if new.exists() and not (old.exists() and old.samefile(new)):
            raise Refused(FAILURE, "Cannot create a file when that file already exists.")
        old.rename(new)
        return _status(OK)

    def _extended(self, packet: Packet) -> bytes:
        what = packet.string()
        if what == b"posix-rename@openssh.com":
            self.drives.place(packet.string()).replace(self.drives.place(packet.string()))
            return _status(OK)
        if what == b"fsync@openssh.com":
            os.fsync(self._file(packet))
            return _status(OK)
        if what == b"statvfs@openssh.com":
            one = os.statvfs(self.drives.place(packet.string()))
            numbers = (one.f_bsize, one.f_frsize, one.f_blocks, one.f_bfree, one.f_bavail, one.f_files, one.f_ffree,
                       one.f_favail, 0, 0, one.f_namemax)  # fmt: skip
            return struct.pack(">B11Q", EXTENDED_REPLY, *numbers)
        raise Refused(UNSUPPORTED, "The lab's SFTP does not know that.")


def _entry(name: str, seen: os.stat_result) -> bytes:
    kind = "d" if stat.S_ISDIR(seen.st_mode) else "-"
    return string(name) + string(f"{kind}rw-rw-rw- 1 - - {seen.st_size} {name}") + attributes(seen)


def _status(code: int, text: str = "") -> bytes:
    return struct.pack(">BI", STATUS, code) + string(text) + string("")


def serve(prefix: str, home: Path) -> int:
    """Until the other side closes."""
    server = Server(Drives(prefix, home))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(4)) == 4:
        size = struct.unpack(">I", head)[0]
        data = source.read(size)
        if len(data) < size:
            break
        answer = server.answer(data)
        target.write(struct.pack(">I", len(answer)) + answer)
        target.flush()
    return 0
