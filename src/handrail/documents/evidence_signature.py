"""Signatures over files, as OpenSSH makes them (`ssh-keygen -Y sign`), with an Ed25519 key.

Whoever has the public key can check one without us: `ssh-keygen -Y verify` reads what `sign` wrote. A private key is
one line of text, so that it fits wherever a secret can be kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handrail.errors import BadInput

KIND = "ssh-ed25519"
NAMESPACE = "handrail-evidence"
"""What a signature is for: one made for something else with the same key is none of evidence."""

_SECRET = "ed25519:"
_MAGIC = b"SSHSIG"
_HASH = "sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`raw`: its 32 bytes."""

    raw: bytes

    @property
    def line(self) -> str:
        """As OpenSSH writes it: `ssh-ed25519 AAAA...`."""
        return f"{KIND} {base64.b64encode(self._blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it: `SHA256:...`."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self._blob).digest()).decode().rstrip("=")

    @property
    def _blob(self) -> bytes:
        return _string(KIND.encode()) + _string(self.raw)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. `of`: the object that signs; its bytes are shown nowhere."""

    of: Any
    public: PublicKey

    def sign(self, digest: bytes) -> str:
        """The signature file for a content with this SHA-512."""
        signature = _string(KIND.encode()) + _string(self.of.sign(_signed(digest)))
        public = _string(KIND.encode()) + _string(self.public.raw)
        blob = _MAGIC + struct.pack(">I", 1) + _string(public) + _string(NAMESPACE.encode()) + _string(b"")
        blob += _string(_HASH.encode()) + _string(signature)
        text = base64.b64encode(blob).decode()
        lines = (text[at : at + 70] for at in range(0, len(text), 70))
        return "\n".join((_BEGIN, *lines, _END)) + "\n"


def make_key() -> tuple[str, PublicKey]:
    """A new private key as the one line that holds it, and its public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = Ed25519PrivateKey.generate()
    return _SECRET + base64.b64encode(made.private_bytes_raw()).decode(), _public(made)


def read_key(line: str) -> SigningKey:
    """The key that a line holds. BadInput when it holds none; the line is never in the text."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        if not line.startswith(_SECRET):
            raise ValueError
        raw = base64.b64decode(line.removeprefix(_SECRET).strip(), validate=True)
        made = Ed25519PrivateKey.from_private_bytes(raw)
    except (ValueError, binascii.Error):
        raise BadInput(
            "What the configuration names as the key of evidence is no such key.",
            "Make one: handrail report --make-key FILE.",
        ) from None
    return SigningKey(made, _public(made))


def read_public(text: str) -> PublicKey:
    """The first Ed25519 key in a text as OpenSSH writes public keys. BadInput when there is none."""
    for line in text.splitlines():
        words = line.split()
        if KIND in words[:-1]:
            try:
                blob = base64.b64decode(words[words.index(KIND) + 1], validate=True)
                kind, raw = _strings(blob)
            except (ValueError, binascii.Error):
                continue
            if kind == KIND.encode() and len(raw) == 32:
                return PublicKey(raw)
    raise BadInput("This is no public key.", f"It is one line: {KIND} AAAA..., as `handrail report` shows it.")


def verify(signature: str, digest: bytes) -> PublicKey | None:
    """The key that signed a content with this SHA-512; None when the signature does not hold, or is none of ours."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    begin, _, rest = signature.partition("\n")
    body, _, end = rest.rstrip("\n").rpartition("\n")
    if begin != _BEGIN or end != _END or not signature.endswith("\n"):
        return None
    try:
        blob = base64.b64decode(body.replace("\n", ""), validate=True)
        if blob[:10] != _MAGIC + struct.pack(">I", 1):
            return None
        public, namespace, reserved, hashed, signed = _strings(blob[10:])
        kind, raw = _strings(public)
        signed_kind, bare = _strings(signed)
        if (kind, signed_kind, namespace, hashed, reserved) != (
            *(KIND.encode(), KIND.encode()),
            *(NAMESPACE.encode(), _HASH.encode(), b""),
        ):
            return None
        Ed25519PublicKey.from_public_bytes(raw).verify(bare, _signed(digest))
    except (ValueError, binascii.Error, InvalidSignature):
        return None
    return PublicKey(raw)


def _public(key: Any) -> PublicKey:
    return PublicKey(key.public_key().public_bytes_raw())


def _signed(digest: bytes) -> bytes:
    return _MAGIC + _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH.encode()) + _string(digest)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(blob: bytes) -> Iterator[bytes]:
    """The strings of which a blob consists, all of it. ValueError when it does not."""
    found = []
    while blob:
        if len(blob) < 4:
            raise ValueError("cut")
        size = struct.unpack(">I", blob[:4])[0]
        if size > len(blob) - 4:
            raise ValueError("cut")
        found.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return iter(found)
