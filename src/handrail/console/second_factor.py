"""One-time codes after RFC 6238, as every authenticator app makes them: SHA-1, six digits, 30 seconds."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from urllib.parse import quote

STEP = 30
"""Seconds for which a code is shown."""
DIGITS = 6
DRIFT = 1
"""Steps by which two clocks may differ, either way."""


def new_secret() -> str:
    """160 random bits as base32: the length of SHA-1's key that RFC 4226 recommends."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def step_at(seconds: float) -> int:
    """The number of the time step that a moment (seconds since 1970) lies in."""
    return int(seconds // STEP)


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of a time step. `secret` is base32."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return str((number & 0x7FFFFFFF) % 10**digits).zfill(digits)


def accepted_step(secret: str, code: str, now: float, last: int = -1) -> int | None:
    """The time step that `code` is the code of, when it is at most `DRIFT` away from `now` and later than `last`, the
    one whose code was taken before: no code counts twice. Every step is compared, in constant time."""
    given = plain_digits(code).encode("utf-8", "replace")
    here, found = step_at(now), None
    for step in range(max(here - DRIFT, 0), here + DRIFT + 1):
        if hmac.compare_digest(given, code_at(secret, step).encode()) and step > last:
            found = step
    return found


def plain_digits(code: str) -> str:
    """A code as people may type it, without its spaces."""
    return "".join(code.split())


def grouped(secret: str) -> str:
    """A secret as it can be typed: in groups of four."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def link(secret: str, name: str) -> str:
    """What an app on the same device takes the secret from."""
    of = quote(f"Handrail:{name}", safe=":")
    return f"otpauth://totp/{of}?secret={secret}&issuer=Handrail&algorithm=SHA1&digits={DIGITS}&period={STEP}"
