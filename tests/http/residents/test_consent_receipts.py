"""What somebody holds of a consent: receipts and their verification, the status list, records for other systems."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.fakes.consent_city import ADVICE, CLINIC, ConsentCity, consent_city, for_

HEART = "HeartRateObservation/heartRate"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


def receipt(city: ConsentCity, record: str, form: str = "summary", **more: str) -> Any:
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return city.ask("hana", "GET", f"/records/{record}/receipt?form={form}{rest}")


def verdict(city: ConsentCity, token: str) -> Any:
    return city.ask("", "POST", "/verify", {"jws": token})


def test_a_receipt_is_verified_by_anybody_with_the_published_keys(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    found = receipt(city, record["id"])
    keys = city.ask("", "GET", "//.well-known/jwks.json")
    signed = jws.deserialize_compact(found["jws"], KeySet.import_key_set(keys), algorithms=["Ed25519"])
    said = json.loads(signed.payload)
    assert signed.headers()["alg"] == "Ed25519"
    assert (said["sub"], said["recipient"], said["consent"]) == ("urn:misono:subject:hana", CLINIC, record["id"])
    assert said["benefit"] == {"ja": "助言が届く", "en": "Advice"}
    assert "d" not in keys["keys"][0]


def test_the_same_consent_gives_the_same_receipt_and_the_hub_shows_its_hash(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    first, second = receipt(city, record["id"]), receipt(city, record["id"])
    assert first == second
    (entity,) = city.hub.query(city.tenant, "https://misono.example/def/ConsentReceipt")
    shown = city.entity(str(entity["id"]))
    assert (shown["receiptHash"], shown["consent"]) == (first["hash"], record["id"])
    assert shown["dataSubject"] == "urn:misono:subject:hana"


def test_three_forms_say_more_and_more_and_the_least_names_nobody(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    minimal, summary, full = (receipt(city, record["id"], form)["jws"] for form in ("minimal", "summary", "full"))
    assert len(minimal) < len(summary) < len(full)
    assert "urn:misono:subject" not in str(verdict(city, minimal)["receipt"])
    assert verdict(city, full)["receipt"]["record"]["@type"] == "dpv:ConsentRecord"
    receipt(city, record["id"], "huge")
    assert city.status == 400


def test_a_receipt_of_an_ended_consent_says_so(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    token = receipt(city, record["id"])["jws"]
    assert (verdict(city, token)["verdict"], verdict(city, token)["holds"]) == ("valid", True)
    city.withdraw("hana", all=True)
    assert verdict(city, token)["verdict"] == "ended"
    assert verdict(city, token)["receipt"]["stateNow"] == "ConsentWithdrawn"
    assert verdict(city, receipt(city, record["id"], version="1")["jws"])["verdict"] == "ended"
    receipt(city, record["id"], version="7")
    assert city.status == 404


def test_what_was_changed_or_signed_by_another_is_no_receipt(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    head, payload, seal = receipt(city, record["id"])["jws"].split(".")
    none = urlsafe(b'{"alg":"none","typ":"consent-receipt+jwt"}')
    for forged in (f"{head}.{payload[:-2]}AA.{seal}", f"{none}.{payload}.", "", "a.b.c", "x" * 90_000):
        assert verdict(city, forged)["verdict"] == "forged", forged[:80]
    other = city.room._ground.signer.sign({"consent": record["id"]}, "quote+jwt")
    assert verdict(city, other)["verdict"] == "forged"


def urlsafe(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize(("language", "words"), [("ja", "同意は今も有効です"), ("en", "the consent holds")])
def test_the_page_is_plain_and_speaks_both_languages(city: ConsentCity, language: str, words: str) -> None:
    terms = city.terms(benefit={"ja": "<script>alert(1)</script>", "en": "<script>alert(1)</script>"})
    record = city.give("hana", terms)
    token = receipt(city, record["id"])["jws"]
    page = city.ask("", "GET", f"/verify?jws={quote(token)}&language={language}", Accept="text/html")
    assert words in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert f'lang="{language}"' in page
    assert f"&amp;jws={quote(token)}" in page, "the other language is of the same receipt"
    assert "default-src 'none'" in city.headers["content-security-policy"]
    assert "QR" in city.ask("", "GET", "/verify", Accept="text/html")


def test_a_qr_code_leads_to_the_page(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    picture = city.ask("hana", "GET", f"/records/{record['id']}/receipt.svg")
    assert city.headers["content-type"] == "image/svg+xml"
    assert picture.startswith("<?xml")
    city.ask("taro", "GET", f"/records/{record['id']}/receipt.svg")
    assert city.status == 404


def holds(city: ConsentCity, token: str) -> bool:
    """As a verifier elsewhere finds it in the status list."""
    listed = city.ask("", "GET", "/status")
    said = json.loads(urlsafe_b64decode(listed.split(".")[1] + "=="))
    bits = zlib.decompress(urlsafe_b64decode(said["status_list"]["lst"] + "=="))
    place = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["status"]["status_list"]["idx"]
    return not bits[place >> 3] >> (place & 7) & 1


def test_the_status_list_says_which_consents_hold(city: ConsentCity) -> None:
    terms = city.terms()
    hana, taro = city.give("hana", terms), city.give("taro", terms, validUntil=city.in_days(3))
    tokens = [receipt(city, hana["id"])["jws"], city.ask("taro", "GET", f"/records/{taro['id']}/receipt")["jws"]]
    assert [holds(city, one) for one in tokens] == [True, True]
    city.withdraw("hana", all=True)
    assert [holds(city, one) for one in tokens] == [False, True]
    city.clock.advance(3 * 86_400)
    assert [holds(city, one) for one in tokens] == [False, False]
    assert city.headers["content-type"] == "application/statuslist+jwt"


def test_a_consent_as_the_record_of_iso_27560(city: ConsentCity) -> None:
    record = city.give("hana", city.terms(storageLocation="JP"))
    city.withdraw("hana", all=True)
    document = city.ask("hana", "GET", f"/records/{record['id']}/document?format=iso27560")
    assert document["dct:conformsTo"] == {"@id": "https://w3id.org/dpv/schema/iso-27560#record"}
    process = document["dpv:hasProcess"]
    assert process["dpv:hasPurpose"]["@id"] == ADVICE
    (item,) = process["dpv:hasPersonalData"]
    assert (item["@type"], item["dct:identifier"]) == ("dpv:SensitivePersonalData", f"{HEART}@raw")
    needed = {"dpv:hasDataController", "dpv:hasRecipientThirdParty", "dpv:hasStorageCondition", "dpv:hasConsentControl"}
    assert needed <= process.keys()
    states = [one["@type"] for one in document["dpv:hasConsentStatus"]]
    assert states == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]


def test_a_consent_as_kantaras_receipt(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())
    document = city.ask("hana", "GET", f"/records/{record['id']}/document?format=kantara")
    needed = {
        "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "language", "sensitive",
        "piiPrincipalId", "piiControllers", "policyUrl", "services", "spiCat",
    }  # fmt: skip
    assert document.keys() == needed
    assert (document["version"], document["sensitive"]) == ("KI-CR-v1.1.0", True)
    (purpose,) = document["services"][0]["purposes"]
    assert (purpose["consentType"], purpose["thirdPartyName"]) == ("EXPLICIT", "みどり医院")
    exported = city.ask("hana", "GET", "/export?format=kantara")["consents"]
    assert exported == [document]
    city.ask("hana", "GET", "/export?format=pdf")
    assert city.status == 400
    city.ask("taro", "GET", f"/export{for_('hana')}")
    assert city.status == 403
