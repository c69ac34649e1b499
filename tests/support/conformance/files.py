"""Files and folders, through cmd.exe and xcopy, as actions use them."""

from __future__ import annotations

from functools import partial

from tests.support.conformance.case import Case, Differs, Gone, Look, Read, Write, ask, cmd

from handrail.probing import files

HERE = r"C:\conform"
TEXT = b"first line\r\nsecond line\r\n"
_SIGNS = ("one.txt", "two words.txt", "this & that.txt", "a&b^c.txt")
_XCOPY = ("/E", "/I", "/H", "/K", "/R", "/Y", "/Q")
_RMDIR = "its rmdir ends with 0 whatever happens"


def there(path: str, gives: bool = True) -> Look:
    return Look(partial(files.is_there, path=path), gives)


def folders(path: str, *gives: str) -> Look:
    return Look(partial(files.folders, folder=path), sorted(gives))


FILES = (
    Case(
        "a folder is made with those above it, and a second time refused",
        (
            cmd("mkdir", rf"{HERE}\made\below"),
            there(rf"{HERE}\made\below"),
            cmd("mkdir", rf"{HERE}\made\below", code=1),
        ),
    ),
    Case(
        "what is not there is told from what is",
        (
            there(rf"{HERE}\nothing", False),
            there("Q:\\", False),
            Write(rf"{HERE}\there.txt", TEXT),
            there(rf"{HERE}\there.txt"),
            there(rf"{HERE}\*.txt"),
            there(rf"{HERE}\*.none", False),
        ),
    ),
    Case(
        "what is written is read back as it was, byte by byte",
        (
            Write(rf"{HERE}\bytes.bin", bytes(range(256))),
            Read(rf"{HERE}\bytes.bin", bytes(range(256))),
            Write(rf"{HERE}\new folder\deeper\one.txt", TEXT),
            Read(rf"{HERE}\new folder\deeper\one.txt", TEXT),
            Write(rf"{HERE}\bytes.bin", b""),
            Read(rf"{HERE}\bytes.bin", b""),
            Gone(rf"{HERE}\none.bin"),
            Gone(rf"{HERE}\no such folder\none.bin"),
        ),
        road=True,
    ),
    Case(
        "a file is copied, over another one and into a folder",
        (
            Write(rf"{HERE}\from.txt", TEXT),
            Write(rf"{HERE}\to.txt", b"what was there"),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\to.txt"),
            Read(rf"{HERE}\to.txt", TEXT),
            Write(rf"{HERE}\into\other.txt", TEXT),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\into"),
            Read(rf"{HERE}\into\from.txt", TEXT),
        ),
    ),
    Case(
        "copying what is not there, or to where nothing is, fails and leaves nothing",
        (
            cmd("copy", "/y", rf"{HERE}\no such file", rf"{HERE}\copy.txt", code=1),
            Gone(rf"{HERE}\copy.txt"),
            Write(rf"{HERE}\from.txt", TEXT),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\no such folder\copy.txt", code=1),
            Gone(rf"{HERE}\no such folder\copy.txt"),
        ),
    ),
    Case(
        "copying nul makes an empty file, which is how a drive is tried",
        (
            cmd("copy", "/y", "nul", rf"{HERE}\probe"),
            Read(rf"{HERE}\probe", b""),
            cmd("del", rf"{HERE}\probe"),
            Gone(rf"{HERE}\probe"),
            cmd("copy", "/y", "nul", r"Q:\probe", code=1),
        ),
    ),
    Case(
        "type prints a file",
        (
            Write(rf"{HERE}\text.txt", TEXT),
            cmd("type", rf"{HERE}\text.txt", reads=str.splitlines, gives=["first line", "second line"]),
            cmd("type", rf"{HERE}\no such file", code=1),
        ),
    ),
    Case("deleting what is not there is no error", (cmd("del", rf"{HERE}\no such file"),)),
    Case(
        "several files are deleted in one command, with signs in their names",
        (
            *(Write(rf"{HERE}\signs\{name}", TEXT) for name in _SIGNS),
            cmd("del", "/f", "/q", "/a", *(rf"{HERE}\signs\{name}" for name in _SIGNS)),
            *(Gone(rf"{HERE}\signs\{name}") for name in _SIGNS),
        ),
    ),
    Case(
        "folders are listed at any depth, files are not",
        (
            Write(rf"{HERE}\tree\One\Two\file.txt", TEXT),
            Write(rf"{HERE}\tree\three words\file.txt", TEXT),
            folders(rf"{HERE}\tree", "one", r"one\two", "three words"),
            folders(rf"{HERE}\tree\One\Two"),
        ),
    ),
    Case(
        "a folder goes when it is empty, and with all in it when that is asked for",
        (
            Write(rf"{HERE}\goes\below\file.txt", TEXT),
            cmd("rmdir", rf"{HERE}\goes", code=145, wine=Differs(_RMDIR, 0)),
            Read(rf"{HERE}\goes\below\file.txt", TEXT),
            cmd("rmdir", "/s", "/q", rf"{HERE}\goes"),
            there(rf"{HERE}\goes", False),
            cmd("rmdir", rf"{HERE}\goes", code=2, wine=Differs(_RMDIR, 0)),
        ),
    ),
    Case(
        "a file is moved over another one",
        (
            Write(rf"{HERE}\half.tmp", TEXT),
            Write(rf"{HERE}\whole.txt", b"before"),
            cmd("move", "/y", rf"{HERE}\half.tmp", rf"{HERE}\whole.txt"),
            Read(rf"{HERE}\whole.txt", TEXT),
            Gone(rf"{HERE}\half.tmp"),
        ),
    ),
    Case(
        "xcopy copies a folder with all in it, and says when there is none",
        (
            Write(rf"{HERE}\source\one.txt", TEXT),
            Write(rf"{HERE}\source\below\two.txt", TEXT),
            ask("xcopy", rf"{HERE}\source", rf"{HERE}\copied", *_XCOPY),
            Read(rf"{HERE}\copied\one.txt", TEXT),
            Read(rf"{HERE}\copied\below\two.txt", TEXT),
            ask("xcopy", rf"{HERE}\none", rf"{HERE}\copied", *_XCOPY, code=4),
        ),
    ),
)
