"""The entity that tells of an installed package: which version, with which models, signed by whom (`CityPackage`)."""

from __future__ import annotations

from dataclasses import dataclass

from broker.decode.entity import decode_entity
from broker.ldcontext.compile import compile_context
from broker.model.entity import Document
from broker.model.values import Json
from datamodels.city.checking import Checked
from datamodels.contexts import context_of

_OF = "misono-city"
"""The package that has the model."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package came from: the signer's public key, the archive's SHA-256 (hex), when it was installed (ISO)."""

    signer: str
    sha256: str
    installed_at: str


def telling(one: Checked, origin: Origin) -> Document:
    """The entity, as the model of `CityPackage` says."""
    city = one.city
    names = compile_context(context_of(one.library.packages[_OF])["@context"], lambda _url: {})
    models: list[Json] = [f"{name} {version}" for name, version in one.versions.items()]
    title: dict[str, Json] = {"ja": city.title.ja, "en": city.title.en}
    described: dict[str, Json] = {"ja": city.description.ja, "en": city.description.en}
    body: dict[str, Json] = {
        "id": city.id,
        "type": "CityPackage",
        "name": {"type": "LanguageProperty", "languageMap": title},
        "description": {"type": "LanguageProperty", "languageMap": described},
        "packageVersion": _property(city.version),
        "packageState": {"type": "VocabProperty", "vocab": "packageInstalled"},
        "models": _property(models),
        "languages": _property(["ja", "en"]),
        "packageLicence": _property(city.licence),
        "signedBy": _property(origin.signer),
        "contentHash": _property(f"sha-256:{origin.sha256}"),
        "installedAt": _property({"@type": "DateTime", "@value": origin.installed_at}),
    }
    for member, folder in (("rules", "rules"), ("adapters", "adapters")):
        found: list[Json] = [path.stem for path in sorted((city.home / folder).glob("*.yaml"))]
        if found:
            body[member] = _property(found)
    return decode_entity(body, names)


def _property(value: Json) -> Json:
    return {"type": "Property", "value": value}
