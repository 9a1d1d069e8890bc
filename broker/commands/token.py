"""Print a token of the local issuer: `misono token --access FILE --role resident --subject urn:misono:subject:hana`.

For development: whoever can read the data directory is whoever they want. The hub believes it where the file of
--access has [issuers.local]. With --key NAME: a new key for a device instead, and the lines of the file for it.

    curl -H "Authorization: Bearer $(misono token --access FILE --role operator)" http://127.0.0.1:1026/ngsi-ld/v1/types
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import uuid
from argparse import ArgumentParser, Namespace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from broker.access.claimed import DETAIL_TYPE
from broker.access.configured import LIFETIME_S, LOCAL, SUBJECT_PREFIX, Issuer, read_configured
from broker.access.section import BadSection
from broker.admitting import BadAccess, local_keys, read_city
from broker.ports import ROLES

_WRONG: Final = 2
_LIFETIME_S: Final = 3600
_KEY_BYTES: Final = 32


def add_arguments(parser: ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--access", metavar="TOML", type=Path, help="the file of the hub; MISONO_ACCESS")
    parser.add_argument("--data", metavar="DIR", type=Path, help="directory of the hub; MISONO_DATA (default var)")
    parser.add_argument("--role", metavar="ROLE", action="append", default=[], help=f"of {', '.join(sorted(ROLES))}")
    parser.add_argument("--name", metavar="TEXT", default="", help="who it is (sub); by default the role")
    parser.add_argument("--subject", metavar="URN", default="", help=f"{SUBJECT_PREFIX}…, for a resident")
    parser.add_argument("--recipient", metavar="URI", default="", help="the organisation, for a recipient")
    parser.add_argument("--purpose", metavar="NAME", action="append", default=[], help="what for: WatchOver, an IRI")
    parser.add_argument("--tenant", metavar="NAME", action="append", default=[], help="by default all of the issuer's")
    parser.add_argument("--seconds", metavar="N", type=int, default=_LIFETIME_S, help=f"default {_LIFETIME_S}")
    parser.add_argument("--key", metavar="NAME", default="", help="print a new key of a device instead")


def run(arguments: Namespace) -> int:
    """Print it; 2 where it cannot be made."""
    if arguments.key:
        print(_key(arguments.key, arguments.tenant))
        return 0
    try:
        issuer = _local(arguments.access or Path(os.environ.get("MISONO_ACCESS", "")))
        claims = _claims(arguments, issuer)
    except (BadAccess, BadSection) as refusal:
        print(f"misono token: {refusal}", file=sys.stderr)
        return _WRONG
    data = arguments.data or Path(os.environ.get("MISONO_DATA", "var"))
    print(local_keys(data).sign(claims, "at+jwt"))
    return 0


def _local(path: Path) -> Issuer:
    if not path.is_file():
        raise BadAccess("--access names the file of the hub, which has [issuers.local]")
    found = read_configured(read_city(path)).issuers.get(LOCAL)
    if found is None:
        raise BadAccess(f"{path} has no [issuers.local]: the hub would not believe a token of this machine")
    return found


def _claims(arguments: Namespace, issuer: Issuer) -> dict[str, Any]:
    roles = arguments.role or ["operator"]
    if bad := sorted({*roles} - issuer.may.roles):
        raise BadAccess(f"--role {bad[0]}: the local issuer may give {', '.join(sorted(issuer.may.roles))}")
    for role, needed in (("resident", "subject"), ("recipient", "recipient")):
        if (role in roles) != bool(getattr(arguments, needed)):
            raise BadAccess(f"--role {role} and --{needed} go together: give both or neither")
    if not 0 < arguments.seconds <= LIFETIME_S:
        raise BadAccess(f"--seconds {arguments.seconds}: from 1 to {LIFETIME_S} are wanted")
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer.url, "aud": min(issuer.audiences), "sub": arguments.name or roles[0], "roles": roles,
        "iat": now, "exp": now + arguments.seconds, "jti": uuid.uuid4().hex,
    }  # fmt: skip
    claims |= {name: getattr(arguments, name) for name in ("subject", "recipient") if getattr(arguments, name)}
    if arguments.tenant:
        claims["tenants"] = arguments.tenant
    if arguments.purpose:
        claims["authorization_details"] = [{"type": DETAIL_TYPE, "purposes": arguments.purpose}]
    return claims


def _key(name: str, tenants: list[str]) -> str:
    """A key, and what the file says of it: the key itself is nowhere but here."""
    key = f"mk_{secrets.token_urlsafe(_KEY_BYTES)}"
    listed = ", ".join(f'"{one}"' for one in tenants or [""])
    return (
        f"X-API-Key: {key}\n\n[keys.{name}]\n"
        f'digest = "sha256:{sha256(key.encode()).hexdigest()}"\nroles = ["device"]\ntenants = [{listed}]'
    )
