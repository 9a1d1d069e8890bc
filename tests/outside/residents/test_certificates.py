"""Mutual TLS: at the hub itself, and before it at a proxy that tells whose certificate it saw (RFC 9440)."""

from __future__ import annotations

import datetime as dt
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.outside.served import READY_S_MAX, free_port, serving

BEGIN, END = dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


class Authority:
    """One that makes certificates."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name = directory, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = directory / f"{name}.pem"
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file.write_bytes(self._made(self._subject, self._key, ca=True).public_bytes(Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path, bytes]:
        """The files of a certificate and its key, and its DER."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._made(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, ca=False)
        certificate, secret = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        certificate.write_bytes(made.public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, secret, made.public_bytes(Encoding.DER)

    def _made(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(BEGIN).not_valid_after(END)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def test_a_proxy_that_is_trusted_tells_who_it_saw(tmp_path: Path) -> None:
    """The thumbprint is in the file; another certificate is nobody's."""
    _, _, known = Authority(tmp_path, "city").issue("bus")
    _, _, other = Authority(tmp_path, "elsewhere").issue("train")
    file = tmp_path / "access.toml"
    file.write_text(f'[keys.bus]\ncertificate = "sha256:{sha256(known).hexdigest()}"\n')
    header = {"Client-Cert": f":{b64encode(known).decode()}:"}
    with serving(tmp_path / "data", "--access", str(file), "--trusted-proxy", "127.0.0.0/8") as hub:
        assert hub.http.get("/types", headers=header).status_code == 200
        assert hub.http.get("/subscriptions", headers=header).status_code == 200  # at the other door
        assert hub.http.get("/types").status_code == 401
        assert hub.http.get("/types", headers={"Client-Cert": f":{b64encode(other).decode()}:"}).status_code == 401
    with serving(tmp_path / "other", "--access", str(file)) as hub:
        for path in ("/types", "/subscriptions"):
            for name in ("Client-Cert", "Client_Cert", "CLIENT_CERT"):  # anybody can send a header
                assert hub.http.get(path, headers={name: header["Client-Cert"]}).status_code == 401, name


def test_who_has_no_certificate_of_the_authority_does_not_get_to_the_hub(tmp_path: Path) -> None:
    """`--client-ca`: refused by TLS, before anything is asked."""
    city, elsewhere = Authority(tmp_path, "city"), Authority(tmp_path, "elsewhere")
    (certificate, key, _), port = city.issue("hub"), free_port()
    command = [sys.executable, "-m", "broker", "serve", "--data", str(tmp_path / "data"), "--port", f"{port}"]
    command += ["--tls-cert", str(certificate), "--tls-key", str(key), "--client-ca", str(city.file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"https://localhost:{port}/ready"
        assert answered(url, trusting(city, city.issue("bus"))) == 200
        for shown in (None, elsewhere.issue("train")):
            with pytest.raises(httpx.TransportError):
                httpx.get(url, verify=trusting(city, shown))
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https", "http"))
    finally:
        process.terminate()
        process.wait(20)


def trusting(authority: Authority, shown: tuple[Path, Path, bytes] | None) -> ssl.SSLContext:
    """A client that knows the authority, and shows a certificate or none."""
    found = ssl.create_default_context(cafile=str(authority.file))
    found.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if shown is not None:
        found.load_cert_chain(shown[0], shown[1])
    return found


def answered(url: str, context: ssl.SSLContext) -> int:
    """The status, once somebody answers."""
    end = time.monotonic() + READY_S_MAX
    while True:
        try:
            return httpx.get(url, verify=context).status_code
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.05)
