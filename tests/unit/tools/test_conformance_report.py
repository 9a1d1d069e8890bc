"""The conformance page: what fails keeps its reason by name, and later resources explain themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import conformance
from tools.conformance import (
    AREAS,
    FOLDERS,
    UNEXPLAINED,
    Result,
    explain,
    kept_reasons,
    needs,
    render,
    report,
    sections,
)

FAILED = [
    Result("TP/NGSI-LD/jsonldContext/a.robot", "A", "FAIL", "201 != 501"),
    Result("TP/NGSI-LD/jsonldContext/b.robot", "B", "FAIL", "no"),
    Result("TP/NGSI-LD/jsonldContext/b.robot", "C", "FAIL", "no"),
]
PASSED = Result("TP/NGSI-LD/CommonBehaviours/c.robot", "D", "PASS", "")
OUTPUT = """<robot><suite>
<kw><msg>POST Response : url=http://localhost:9090/ngsi-ld/v1/csourceRegistrations/ \n status=501, </msg></kw>
<test name="A"><kw><msg>GET Response : url=http://localhost:9090/ngsi-ld/v1/entities \n status=200, </msg></kw></test>
</suite></robot>"""


def test_a_later_resource_that_a_set_up_met_is_what_the_test_needs(tmp_path: Path) -> None:
    (tmp_path / "output.xml").write_text(OUTPUT)
    assert needs(tmp_path) == {"A": {"registrations"}}


def test_a_written_reason_stays_and_nothing_else_is_made_up() -> None:
    kept = {"B": "the text says otherwise", "A": "needs temporal", "C": "needs temporal"}
    assert explain(FAILED, {"A": {"registrations"}}, kept) == {
        "A": "needs registrations",
        "B": "the text says otherwise",
        "C": UNEXPLAINED,
    }


def test_the_page_gives_its_reasons_back(tmp_path: Path) -> None:
    reasons = {"A": "needs registrations", "B": "the text says otherwise", "C": UNEXPLAINED}
    page = tmp_path / "page.md"
    page.write_text(render("broker", [*FAILED, PASSED], reasons))
    assert kept_reasons(page) == reasons
    assert "| **all** | **4** | **1** (25.0 %) |" in page.read_text()


def test_every_folder_belongs_to_one_area() -> None:
    history = Result("TP/NGSI-LD/ContextInformation/Provision/TemporalEntity/x.robot", "E", "PASS", "")
    assert (history.folder, history.area) == ("ContextInformation/Provision/TemporalEntity", "history")
    assert PASSED.area == "broker"
    assert len(FOLDERS) == sum(len(area.folders) for area in AREAS.values())


def test_a_section_that_did_not_run_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(conformance, "PAGE", page)
    monkeypatch.setattr(conformance, "FIGURES", tmp_path / "figures")
    page.write_text("# Page\n\n## broker\n\n| `X` | f | because |\n\n## history\n\nold\n")
    row = "ContextInformation/Snapshot/a.robot,F,PASS,"
    (tmp_path / "tests.csv").write_text(f"file,test,status,message\n{row}\n")
    assert report(tmp_path, page=True) == 0
    assert sections(page.read_text())["broker"] == "## broker\n\n| `X` | f | because |\n"
    assert "| **all** | **1** | **1** (100.0 %) |" in sections(page.read_text())["history"]
