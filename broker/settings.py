"""Settings: one table of options, MISONO_* variables and members of a TOML file.

An option on the command line wins over its variable, that over the file, that over the default. `misono serve --help`
and docs/settings.md are made from the table. Only `wiring` and the commands read Settings.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PORT_MAX = 65535
_WORKERS_MAX = 64
_STORE_SCHEMES = ("mongodb://", "mongodb+srv://")
_ALIAS = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")


class SettingError(Exception):
    """A setting that cannot be: names the option, and says what would do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `misono serve` was told, checked; each field is a row of TABLE."""

    host: str
    port: int
    data: Path
    store: str
    workers: int
    public_url: str
    alias: str
    contexts: Path | None
    temporal_page: int
    retention: Path | None
    sweep_s: float
    entity_map_s: float
    snapshot_s: float
    erasures: Path | None
    catalogue: Path | None
    models: Path | None
    gate: str
    convert_units: bool
    access: Path | None
    adapters: Path | None
    forward_timeout_s: float
    forward_bytes: int
    pass_tenant: bool
    source_certificates: Path | None
    notify_timeout_s: float
    notify_attempts: int
    notify_backoff_s: float
    notify_backoff_max_s: float
    notify_key: Path | None
    notify_key_id: str
    notify_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    client_ca: Path | None
    trusted_proxy: tuple[str, ...]
    allow_private: bool
    insecure: bool
    read_only: bool
    log_level: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: `read(text)` gives the value or raises ValueError saying what is wanted; a flag has no metavar."""

    name: str
    metavar: str
    default: Any
    read: Callable[[str], Any]
    about: str

    @property
    def option(self) -> str:
        """`--temporal-page`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """`MISONO_TEMPORAL_PAGE`."""
        return "MISONO_" + self.name.upper()


def _host(text: str) -> str:
    if not text:
        raise ValueError("an address or a host name")
    return text


def _port(text: str) -> int:
    return _between(1, _PORT_MAX)(text)


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    wanted = ValueError("seconds, more than 0")
    try:
        seconds = float(text)
    except ValueError as error:
        raise wanted from error
    if not 0 < seconds < float("inf"):
        raise wanted
    return seconds


def _store(text: str) -> str:
    if is_url(text):
        if not _names_server(text):
            raise ValueError("mongodb://[USER:PASSWORD@]HOST[:PORT],…/DATABASE")
    elif text not in ("sqlite", "memory"):
        raise ValueError("sqlite, memory or mongodb://HOST/DATABASE")
    return text


def is_url(store: str) -> bool:
    """Whether the store is a server, named by a URL."""
    return store.startswith(_STORE_SCHEMES)


def _names_server(url: str) -> bool:
    hosts = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return bool(hosts.strip(",:"))


def without_secrets(text: str) -> str:
    """A URL without user, password and options: `mongodb://db1,db2/misono`; other text as it is."""
    scheme, colon, rest = text.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}" if colon else text


def _url(text: str) -> str:
    if text:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("http://HOST[:PORT][/PATH] or https://…")
    return text.rstrip("/")


def _alias(text: str) -> str:
    if not _ALIAS.fullmatch(text):
        raise ValueError("up to 64 letters, digits and !#$%&'*+.^_`|~- (a pseudonym of the header Via)")
    return text


def _place(text: str) -> Path | None:
    return Path(text) if text else None


def _file(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"a file that is there; {text} is none")
    return path


def _directory(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text)
    if not path.is_dir():
        raise ValueError(f"a directory that is there; {text} is none")
    return path


def _networks(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("networks such as 10.0.0.0/8, with a comma between") from error


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("true or false")
    return text.lower() in ("true", "1")


def _gate(text: str) -> str:
    if text not in ("off", "warn", "reject"):
        raise ValueError("off, warn or reject")
    return text


def _level(text: str) -> str:
    if text not in ("debug", "info", "warning", "error"):
        raise ValueError("debug, info, warning or error")
    return text


TABLE: tuple[Setting, ...] = (
    Setting("host", "ADDRESS", "127.0.0.1", _host, "address to listen on; not loopback only with access or --insecure"),
    Setting("port", "N", "1026", _port, "port to listen on"),
    Setting("data", "DIR", "var", Path, "directory of the store; made where it is missing"),
    Setting("store", "ENGINE", "sqlite", _store, "`sqlite` (durable), `memory` (gone at the end) or `mongodb://…`"),
    Setting("workers", "N", "1", _between(1, _WORKERS_MAX), "processes that share the store; `memory` takes one only"),
    Setting("public_url", "URL", "", _url, "how peers reach this broker; empty: http://HOST:PORT"),
    Setting("alias", "NAME", "misono", _alias, "how this broker names itself to peers (header Via)"),
    Setting("contexts", "MAP.tsv", "", _file, "local copies of @contexts: lines of URL, tab, file"),
    Setting("temporal_page", "N", "1000", _between(1, 100_000), "instances of an attribute in one temporal answer"),
    Setting("retention", "TOML", "", _file, "how long history is kept, by tenant and type: rules [[history]]"),
    Setting("sweep_s", "SECONDS", "60", _seconds, "how often expired entities are removed"),
    Setting("entity_map_s", "SECONDS", "3600", _seconds, "how long an entity map is kept at most, and if nobody says"),
    Setting("snapshot_s", "SECONDS", "604800", _seconds, "how long a snapshot is kept at most, and if nobody says"),
    Setting("erasures", "FILE", "", _place, "ledger of erasures, for restores; empty: erasures.ndjson in --data"),
    Setting("catalogue", "TOML", "", _file, "publisher, licence, descriptions of /catalogue; see docs/federation.md"),
    Setting("models", "DIR", "", _place, "data models beside those of Misono's own: see `misono models install`"),
    Setting("gate", "MODE", "off", _gate, "what is done about entities that break their model: off, warn or reject"),
    Setting(
        "convert_units", "", "false", _flag, "bring values into their model's own units, where the gate is not off"
    ),
    Setting("access", "TOML", "", _file, "who may see and do what, and the services for residents: see docs/access.md"),
    Setting("adapters", "DIR", "", _directory, "adapters to run in this process, a file each; see docs/devices.md"),
    Setting("forward_timeout_s", "SECONDS", "8", _seconds, "how long a context source may take to answer"),
    Setting("forward_bytes", "N", "16777216", _between(1024, 2**30), "largest answer taken from a context source"),
    Setting("pass_tenant", "", "false", _flag, "pass a request's tenant on to sources registered without one: agents"),
    Setting("source_certificates", "DIR", "", _directory, "NAME.crt and NAME.key for sources with mutual TLS; ca.pem"),
    Setting("notify_timeout_s", "SECONDS", "8", _seconds, "how long a receiver of notifications may take to answer"),
    Setting("notify_attempts", "N", "12", _between(1, 1000), "attempts at a notification before it is a dead letter"),
    Setting("notify_backoff_s", "SECONDS", "1", _seconds, "pause after the first failed attempt; it doubles each time"),
    Setting("notify_backoff_max_s", "SECONDS", "300", _seconds, "longest pause between two attempts"),
    Setting("notify_key", "PEM", "", _file, "private key (Ed25519, ECDSA, RSA) that signs notifications by RFC 9421"),
    Setting("notify_key_id", "NAME", "misono", _alias, "how receivers know that key: `keyid` of the signature"),
    Setting("notify_ca", "PEM", "", _file, "authorities that receivers' certificates may come from, beside the known"),
    Setting("tls_cert", "PEM", "", _file, "certificate chain of this server; with --tls-key it speaks HTTPS"),
    Setting("tls_key", "PEM", "", _file, "private key of that certificate"),
    Setting("client_ca", "PEM", "", _file, "authority that clients' certificates must come from"),
    Setting("trusted_proxy", "CIDR", "", _networks, "networks whose Client-Cert (RFC 9440) is believed, comma between"),
    Setting("allow_private", "", "false", _flag, "let @contexts, notifications and sources be on private addresses"),
    Setting("insecure", "", "false", _flag, "listen beyond loopback although nothing restricts access"),
    Setting("read_only", "", "false", _flag, "refuse every write; reads and deliveries go on: see docs/deploy.md"),
    Setting("log_level", "LEVEL", "info", _level, "what goes to the log on stderr: debug, info, warning, error"),
)


def add_options(parser: ArgumentParser) -> None:
    """An option for each row, and `--config`."""
    parser.add_argument("--config", metavar="TOML", default="", help="file of settings; MISONO_CONFIG")
    for row in TABLE:
        text = f"{row.about.replace('%', '%%')}; {row.variable}" + (f" (default {row.default})" if row.metavar else "")
        if row.metavar:
            parser.add_argument(row.option, metavar=row.metavar, default=SUPPRESS, help=text)
        else:
            parser.add_argument(row.option, action="store_const", const="true", default=SUPPRESS, help=text)


def read_settings(arguments: Namespace, environment: Mapping[str, str]) -> Settings:
    """The settings of one start. Raises SettingError."""
    file = _read_file(arguments.config or environment.get("MISONO_CONFIG", ""))
    values = {row.name: _value(row, arguments, environment, file) for row in TABLE}
    settings = Settings(**values)
    _check_together(settings)
    return settings


def _value(row: Setting, arguments: Namespace, environment: Mapping[str, str], file: Mapping[str, str]) -> Any:  # noqa: ANN401  each row's own type
    given = getattr(arguments, row.name, None)
    if given is None:
        given = environment.get(row.variable)
    if given is None:
        given = file.get(row.name, row.default)
    try:
        return row.read(given)
    except ValueError as error:
        raise SettingError(f"{row.option} ({row.variable}) is '{without_secrets(given)}', wanted: {error}") from error


def _read_file(name: str) -> Mapping[str, str]:
    if not name:
        return {}
    try:
        members = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"--config {name} cannot be read: {error}") from error
    known = {row.name for row in TABLE}
    if unknown := sorted(set(members) - known):
        raise SettingError(f"--config {name} holds {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return {key: _toml_text(value) for key, value in members.items()}


def _toml_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _check_together(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingError("--tls-cert and --tls-key go together: give both or neither")
    if settings.client_ca is not None and settings.tls_cert is None:
        raise SettingError("--client-ca needs --tls-cert and --tls-key: without TLS nobody shows a certificate")
    if settings.store == "memory" and settings.workers > 1:
        raise SettingError("--store memory lives in one process: take --workers 1, or --store sqlite")
    if settings.adapters is not None and settings.workers > 1:
        raise SettingError("--adapters runs in one process: take --workers 1, or `misono adapter run` beside this one")
    if settings.adapters is not None and settings.read_only:
        raise SettingError("--adapters writes what devices say, which --read-only refuses: leave one of them out")
    if settings.access is None and not settings.insecure and not is_loopback(settings.host):
        raise SettingError(
            f"--host {settings.host} can be reached from other machines, and no access is configured: everybody there "
            "could read, change and delete everything. Listen on 127.0.0.1, give --access, or say --insecure"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def markdown() -> str:
    """The table of docs/settings.md."""
    lines = ["| Option | Variable | Default | Meaning |", "|---|---|---|---|"]
    for row in TABLE:
        option = f"`{row.option} {row.metavar}`" if row.metavar else f"`{row.option}`"
        default = f"`{row.default}`" if row.default else "none"
        lines.append(f"| {option} | `{row.variable}` | {default} | {row.about} |")
    return "\n".join(lines) + "\n"


def of_environment(arguments: Namespace) -> Settings:
    """The settings of this process."""
    return read_settings(arguments, os.environ)
