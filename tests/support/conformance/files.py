"""Files and folders, through cmd.exe and xcopy, as actions use them."""

from __future__ import annotations

from functools import partial

from tests.support.conformance.case import Case, Differs, Look, Read, Write, ask, cmd

from handrail.probing import files

HERE = r"C:\conform"
_SIGNS = ("one.txt", "two words.txt", "50%.txt", "a&b.txt")
TEXT = b"first line\r\nsecond line\r\n"


def there(path: str, gives: bool = True) -> Look:
    return Look(partial(files.is_there, path=path), gives)


def folders(path: str, *gives: str) -> Look:
    return Look(partial(files.folders, folder=path), sorted(gives))


FILES = (
    Case(
        "a folder is made with those above it, and a second time refused",
        (
            cmd("mkdir", rf"{HERE}\made\below"),
            there(rf"{HERE}\made"),
            there(rf"{HERE}\made\below"),
            cmd("mkdir", rf"{HERE}\made\below", code=1),
            there(rf"{HERE}\made\below"),
        ),
    ),
    Case(
        "what is not there is told from what is",
        (
            there(rf"{HERE}\nothing", False),
            there(r"Q:" + "\\", False),
            there("C:\\"),
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
        ),
    ),
    Case(
        "a file is copied, over another one too",
        (
            Write(rf"{HERE}\from.txt", TEXT),
            Write(rf"{HERE}\to.txt", b"what was there"),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\to.txt"),
            Read(rf"{HERE}\to.txt", TEXT),
            cmd("mkdir", rf"{HERE}\into"),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\into"),
            Read(rf"{HERE}\into\from.txt", TEXT),
        ),
    ),
    Case(
        "copying what is not there, or to where nothing is, fails and leaves nothing",
        (
            cmd("copy", "/y", rf"{HERE}\no such file", rf"{HERE}\copy.txt", code=1),
            there(rf"{HERE}\copy.txt", False),
            Write(rf"{HERE}\from.txt", TEXT),
            cmd("copy", "/y", rf"{HERE}\from.txt", rf"{HERE}\no such folder\copy.txt", code=1),
            there(rf"{HERE}\no such folder", False),
            cmd("copy", "/y", rf"{HERE}\from.txt", r"Q:\copy.txt", code=1),
        ),
    ),
    Case(
        "copying nul makes an empty file, which is how a drive is tried",
        (
            cmd("copy", "/y", "nul", rf"{HERE}\probe"),
            Read(rf"{HERE}\probe", b""),
            cmd("del", rf"{HERE}\probe"),
            there(rf"{HERE}\probe", False),
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
    Case(
        "deleting what is not there is no error",
        (cmd("del", rf"{HERE}\no such file"), cmd("del", "/f", "/q", "/a", rf"{HERE}\no such file")),
    ),
    Case(
        "several files are deleted in one command, with signs in their names",
        (
            *(Write(rf"{HERE}\signs\{name}", TEXT) for name in _SIGNS),
            cmd("del", "/f", "/q", "/a", *(rf"{HERE}\signs\{name}" for name in _SIGNS)),
            there(rf"{HERE}\signs\*.txt", False),
        ),
    ),
    Case(
        "folders are listed at any depth, files are not",
        (
            cmd("mkdir", rf"{HERE}\tree\One\Two"),
            cmd("mkdir", rf"{HERE}\tree\three words"),
            Write(rf"{HERE}\tree\One\file.txt", TEXT),
            folders(rf"{HERE}\tree", "one", r"one\two", "three words"),
            folders(rf"{HERE}\tree\One\Two"),
        ),
    ),
    Case(
        "a folder goes when it is empty, and with all in it when that is asked for",
        (
            Write(rf"{HERE}\goes\below\file.txt", TEXT),
            cmd("rmdir", rf"{HERE}\goes", code=145, wine=Differs("its rmdir ends with 0 whatever happens", 0)),
            there(rf"{HERE}\goes\below\file.txt"),
            cmd("rmdir", "/s", "/q", rf"{HERE}\goes"),
            there(rf"{HERE}\goes", False),
            cmd("rmdir", rf"{HERE}\goes", code=2, wine=Differs("its rmdir ends with 0 whatever happens", 0)),
        ),
    ),
    Case(
        "a file is moved over another one",
        (
            Write(rf"{HERE}\half.tmp", TEXT),
            Write(rf"{HERE}\whole.txt", b"before"),
            cmd("move", "/y", rf"{HERE}\half.tmp", rf"{HERE}\whole.txt"),
            Read(rf"{HERE}\whole.txt", TEXT),
            there(rf"{HERE}\half.tmp", False),
        ),
    ),
    Case(
        "xcopy copies a folder with all in it, and says when there is none",
        (
            Write(rf"{HERE}\source\one.txt", TEXT),
            Write(rf"{HERE}\source\below\two.txt", TEXT),
            cmd("mkdir", rf"{HERE}\source\empty"),
            ask("xcopy", rf"{HERE}\source", rf"{HERE}\copied", "/E", "/I", "/H", "/K", "/R", "/Y", "/Q"),
            Read(rf"{HERE}\copied\one.txt", TEXT),
            Read(rf"{HERE}\copied\below\two.txt", TEXT),
            there(rf"{HERE}\copied\empty"),
            ask("xcopy", rf"{HERE}\none", rf"{HERE}\copied", "/E", "/I", "/H", "/K", "/R", "/Y", "/Q", code=4),
        ),
    ),
)
