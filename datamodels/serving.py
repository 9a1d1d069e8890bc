"""Data models as the doors ask for them: lists, @contexts, policies, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json
from datamodels.at_need import AtNeed
from datamodels.gate import Counts
from datamodels.policies import MODES, HeldPolicies
from datamodels.source import Model, Package, Text

_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_NAME: Final = "misono_model_violations_total"


class Served:
    """What the doors know of models and of the gate: the port `broker.http.exchange.Models`."""

    def __init__(self, packages: AtNeed, policies: HeldPolicies, counts: Counts) -> None:
        self._packages, self._policies, self._counts = packages, policies, counts

    def listed(self) -> Json:
        """`[{"name": "misono-energy", "version": "1.0.0", "title": {…}, "context": URL, "models": […]}]`."""
        return [_package(one) for one in self._packages.now().packages.values()]

    def context(self, name: str) -> dict[str, Json] | None:
        """The @context of a package by the last part of its URL."""
        documents = self._packages.contexts().items()
        return next((document for url, document in documents if url.rpartition("/")[2] == name), None)

    def type_of(self, name: str, names: ActiveContext) -> str:
        """The IRI: the name itself where it is one, what the caller's @context says where a model has it, or a model's.

        Raises BadRequestData for a name that no model has, or several.
        """
        if ":" in name:
            return names.expand(name)
        library, expanded = self._packages.now(), names.expand(name)
        if library.model(expanded) is not None:
            return expanded
        found = [model.iri for _, model in library.named(name)]
        if len(found) == 1:
            return found[0]
        raise BadRequestData(
            f"{len(found) or 'no'} models have the name {name}", pointer="type",
            remedy=" or ".join(found) or "a name of GET /models, or an IRI",
        )  # fmt: skip

    def policies(self, tenant: str) -> Json:
        """`{"others": "off", "policies": [{"type": IRI, "model": "DigitalGridRouter 1.0.0", "mode": "reject"}]}`."""
        modes, library = self._policies.modes(tenant), self._packages.now()
        shown: list[Json] = []
        for iri, mode in sorted(modes.said.items()):
            found = library.model(iri)
            model = None if found is None else f"{found[1].name} {found[1].version}"
            shown.append({"type": iri, "model": model, "mode": mode})
        return {"others": modes.rest, "policies": shown}

    def say(self, tenant: str, iri: str, mode: Json) -> Future[bool]:
        """Do this about a type from now on; None forgets it. Raises BadRequestData for what is no mode."""
        if mode is not None and mode not in MODES:
            raise BadRequestData("the body says no mode", pointer="/mode", remedy='{"mode": "off"}, "warn" or "reject"')
        return self._policies.say(tenant, iri, mode)

    def metrics(self) -> str:
        """`misono_model_violations_total{model="DigitalGridRouter 1.0.0",outcome="refused"} 2`."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# HELP {_NAME} Writes of entities that broke their model, by what was done."
        yield f"# TYPE {_NAME} counter"
        for (model, outcome), count in sorted(self._counts.all().items()):
            yield f'{_NAME}{{model="{model.translate(_ESCAPED)}",outcome="{outcome}"}} {count}'


def _package(package: Package) -> Json:
    return {
        "name": package.name,
        "version": package.version,
        "title": _text(package.title),
        "description": _text(package.description),
        "licence": package.licence,
        "context": package.context,
        "models": [_model(one) for one in package.models.values()],
    }


def _model(model: Model) -> Json:
    return {
        "name": model.name,
        "type": model.iri,
        "version": model.version,
        "label": _text(model.label),
        "description": _text(model.description),
    }


def _text(text: Text) -> Json:
    return {"ja": text.ja, "en": text.en}
