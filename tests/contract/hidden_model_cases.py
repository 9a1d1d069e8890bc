"""As hidden_cases, for the operations about data models: a policy for a hidden type says nothing of its entities."""

from __future__ import annotations

from tests.contract.hidden_seed import NEW, ONE, UPDATE, Case, entity, prop
from tests.fakes.hiding import HIDDEN_ENTITY, NS

_POLICY = f"/admin/models/policies/{NS}Hidden"

MODEL_CASES: dict[str, list[Case]] = {
    "list_models": [("GET /models", None)],
    "serve_package_context": [("GET /contexts/common-v1.jsonld", None)],
    "list_model_policies": [("GET /admin/models/policies", None)],
    "set_model_policy": [
        (f"PUT {_POLICY}", {"mode": "warn"}),
        ("GET /admin/models/policies", None),
        ("POST /entities", entity(NEW, speed=prop(1))),
        *((f"PATCH /entities/{one}/attrs", UPDATE) for one in (ONE, HIDDEN_ENTITY)),
    ],
    "forget_model_policy": [
        (f"DELETE {_POLICY}", None),
        (f"PUT {_POLICY}", {"mode": "off"}),
        (f"DELETE {_POLICY}", None),
    ],
}
