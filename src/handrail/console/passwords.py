"""Which passwords are refused: by length and by what is guessed first, never by which characters they are made of."""

from __future__ import annotations

import re
import unicodedata

from handrail.errors import BadInput

SHORTEST = 12
LONGEST = 128

_GUESSED = """
password passwort motdepasse passphrase letmein welcome willkommen qwerty qwertyuiop qwertz azerty asdfgh asdfghjkl
zxcvbnm administrator admin root changeme default secret iloveyou princess sunshine football baseball superman batman
starwars dragon monkey master shadow trustno abc abcd handrail upgrade identity manager microsoft windows server contoso
fabrikam forefront miis mim fim vmm sync service console summer winter spring autumn sommer herbst monday freitag login
access hello computer internet michael jennifer test testing temp guest user system oracle postgres company example
"""
"""What stands at the top of lists of leaked passwords, and what this program's own users would think of."""
_WORDS = frozenset(_GUESSED.split())
_LEET = str.maketrans("013457@$!8", "oieastasib")
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm")


def refuse_weak(password: str, name: str = "") -> None:
    """BadInput when `password` cannot be one for the account `name`; says why."""
    password = unicodedata.normalize("NFKC", password)
    if len(re.sub(r"\s+", " ", password.strip())) < SHORTEST:
        raise BadInput(f"The password is too short: it needs {SHORTEST} characters.", "A few words in a row are good.")
    if len(password) > LONGEST:
        raise BadInput(f"The password is longer than {LONGEST} characters.", "Choose a shorter one.")
    if is_common(password, name):
        raise BadInput(
            "The password is one of those that are guessed first.",
            "Leave out names, the program's name, rows of the keyboard, repetitions; a few unrelated words are good.",
        )


def is_common(password: str, name: str = "") -> bool:
    """Whether hardly anything is left of it once common words, the account's name, rows of the keyboard, repetitions
    and digits at its end are taken away."""
    folded = password.casefold()
    parts = {one for one in re.split(r"[\W_]+", name.casefold()) if len(one) >= 3}
    known = sorted(_WORDS | parts | {name.casefold()} - {""}, key=len, reverse=True)
    return min(_left(folded, known), _left(folded.translate(_LEET), known)) < 6


def _left(text: str, known: list[str]) -> int:
    """How many different characters are left."""
    for one in known:
        text = text.replace(one, " ")
    for run in _RUNS:
        for row in (run, run[::-1]):
            for length in range(len(row), 3, -1):
                for begin in range(len(row) - length + 1):
                    text = text.replace(row[begin : begin + length], " ")
    text = re.sub(r"(.{1,8}?)\1{2,}", r"\1", text)  # the same again and again
    text = re.sub(r"[!-/:-@\[-`{-~ ]*[0-9]{0,4}[!-/:-@\[-`{-~ ]*$", "", text)  # as in Word2026!
    return len(set(text) - {" "})
