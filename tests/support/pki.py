"""Certificates for tests: an authority, a server on 127.0.0.1 and a client, as PEM files in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Papers:
    """Paths. `ca` signed the others; `stranger` is another authority."""

    ca: Path
    stranger: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make(folder: Path) -> Papers:
    authority, key = _authority("Lab authority")
    stranger, _ = _authority("Stranger")
    server, server_key = _signed("server", authority, key, ExtendedKeyUsageOID.SERVER_AUTH)
    client, client_key = _signed("upgrade", authority, key, ExtendedKeyUsageOID.CLIENT_AUTH)
    papers = Papers(*(folder / name for name in ("ca.pem", "stranger.pem", "s.pem", "s.key", "c.pem", "c.key")))
    for path, one in (
        (papers.ca, authority),
        (papers.stranger, stranger),
        (papers.server, server),
        (papers.client, client),
    ):
        path.write_bytes(one.public_bytes(serialization.Encoding.PEM))
    for path, secret in ((papers.server_key, server_key), (papers.client_key, client_key)):
        path.write_bytes(
            secret.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return papers


def _authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, name, key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(usage, critical=True).add_extension(identity, critical=False)
    return builder.sign(key, hashes.SHA256()), key


def _signed(
    name: str, authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey, use: x509.ObjectIdentifier
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = _builder(name, str(issuer), key).add_extension(names, critical=False)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(above, critical=False).add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return builder.sign(signer, hashes.SHA256()), key


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
