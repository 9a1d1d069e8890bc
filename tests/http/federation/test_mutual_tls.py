"""Sources behind TLS: whom this hub trusts, and the certificates it shows, by name (mutual TLS)."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.registration import Registration
from federation.certificates import BadCertificate, Certificates
from federation.messages import Forward
from tests.fakes.remote_source import RemoteSource
from tests.fakes.source_asking import make_sources, triggering


def _openssl(*command: str) -> None:
    subprocess.run(["openssl", *command], check=True, capture_output=True)


def _key(directory: Path, name: str) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(directory / f"{name}.key"))


def _signed(directory: Path, name: str, extension: str) -> None:
    """NAME.crt and NAME.key, signed by the authority `ca.pem`."""
    _key(directory, name)
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    extensions.write_text(extension)
    key, chain = str(directory / f"{name}.key"), str(directory / f"{name}.crt")
    _openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", str(request))
    _openssl(
        "x509", "-req", "-in", str(request), "-CA", str(directory / "ca.pem"), "-CAkey", str(directory / "ca.key"),
        "-CAcreateserial", "-days", "2", "-out", chain, "-extfile", str(extensions),
    )  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server for localhost, and the client `aizu`."""
    directory = tmp_path_factory.mktemp("certificates")
    _key(directory, "ca")
    _openssl(
        "req", "-x509", "-key", str(directory / "ca.key"), "-out", str(directory / "ca.pem"), "-days", "2",
        "-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    _signed(directory, "server", "subjectAltName=DNS:localhost")
    _signed(directory, "aizu", "extendedKeyUsage=clientAuth")
    return directory


@pytest.fixture
def source(certificates: Path) -> Iterator[RemoteSource]:
    """A source that wants a certificate of the authority."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    trust.load_verify_locations(certificates / "ca.pem")
    trust.verify_mode = ssl.CERT_REQUIRED
    with RemoteSource(trust=trust) as one:
        yield one


def _asked(source: RemoteSource, directory: Path | None, credentials: Any) -> tuple[int, str]:
    registration = Registration("urn:r", source.url.replace("127.0.0.1", "localhost"), (), credentials=credentials)
    sources = make_sources(certificates=directory)
    (answered,) = sources.ask(triggering(), [Forward(registration, "queryEntity", "GET", "/entities")])
    sources.close()
    return answered.status, answered.detail


def test_the_certificate_of_the_registration_is_shown(source: RemoteSource, certificates: Path) -> None:
    assert _asked(source, certificates, {"kind": "mtls", "name": "aizu"}) == (200, "")


def test_without_it_the_source_does_not_answer(source: RemoteSource, certificates: Path) -> None:
    assert _asked(source, certificates, None)[0] == 0


def test_a_source_that_nobody_vouches_for_is_not_asked(source: RemoteSource) -> None:
    status, detail = _asked(source, None, None)
    assert status == 0
    assert "CERTIFICATE_VERIFY_FAILED" in detail
    assert source.asked == []


@pytest.mark.parametrize("name", ["busan", "../certificates/aizu", ".aizu", "a\0"])
def test_no_other_file_is_read(certificates: Path, name: str) -> None:
    with pytest.raises(BadCertificate):
        Certificates(certificates).load(name)


def test_a_context_is_made_once_and_anew_when_a_file_changes(certificates: Path) -> None:
    known = Certificates(certificates)
    first = known.load("aizu")
    assert known.load("aizu") is first
    (certificates / "aizu.key").touch()
    assert known.load("aizu") is not first
