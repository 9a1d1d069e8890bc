"""The conformance page: what fails keeps its reason by name, and later resources explain themselves."""

from __future__ import annotations

from pathlib import Path

from tools.conformance import UNEXPLAINED, Result, explain, kept_reasons, needs, render

FAILED = [
    Result("TP/NGSI-LD/jsonldContext/a.robot", "A", "FAIL", "201 != 501"),
    Result("TP/NGSI-LD/jsonldContext/b.robot", "B", "FAIL", "no"),
    Result("TP/NGSI-LD/jsonldContext/b.robot", "C", "FAIL", "no"),
]
PASSED = Result("TP/NGSI-LD/CommonBehaviours/c.robot", "D", "PASS", "")
OUTPUT = """<robot><suite>
<kw><msg>POST Response : url=http://localhost:9090/ngsi-ld/v1/subscriptions/ \n status=501, </msg></kw>
<test name="A"><kw><msg>GET Response : url=http://localhost:9090/ngsi-ld/v1/entities \n status=200, </msg></kw></test>
</suite></robot>"""


def test_a_later_resource_that_a_set_up_met_is_what_the_test_needs(tmp_path: Path) -> None:
    (tmp_path / "output.xml").write_text(OUTPUT)
    assert needs(tmp_path) == {"A": {"subscriptions"}}


def test_a_written_reason_stays_and_nothing_else_is_made_up() -> None:
    kept = {"B": "the text says otherwise", "A": "needs temporal"}
    assert explain(FAILED, {"A": {"subscriptions"}}, kept) == {
        "A": "needs subscriptions",
        "B": "the text says otherwise",
        "C": UNEXPLAINED,
    }


def test_the_page_gives_its_reasons_back(tmp_path: Path) -> None:
    reasons = {"A": "needs subscriptions", "B": "the text says otherwise", "C": UNEXPLAINED}
    page = tmp_path / "page.md"
    page.write_text(render([*FAILED, PASSED], reasons))
    assert kept_reasons(page) == reasons
    assert "| **all** | **4** | **1** (25.0 %) |" in page.read_text()
