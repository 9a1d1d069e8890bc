"""The conformance page: what fails keeps its reason by name."""

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


def test_a_written_reason_stays_and_nothing_else_is_made_up() -> None:
    kept = {"B": "the text says otherwise"}
    assert explain(FAILED, kept) == {"A": UNEXPLAINED, "B": "the text says otherwise", "C": UNEXPLAINED}


def test_the_page_gives_its_reasons_back(tmp_path: Path) -> None:
    reasons = {"A": "a defect of ours", "B": "the text says otherwise", "C": UNEXPLAINED}
    page = tmp_path / "page.md"
    page.write_text(render("broker", [*FAILED, PASSED], reasons))
    assert kept_reasons(page) == reasons
    assert "| **all** | **4** | **1** (25.0 %) |" in page.read_text()


def test_every_folder_belongs_to_one_area() -> None:
    history = Result("TP/NGSI-LD/ContextInformation/Provision/TemporalEntity/x.robot", "E", "PASS", "")
    assert (history.folder, history.area) == ("ContextInformation/Provision/TemporalEntity", "history")
    between = Result("IOP_TP/NGSI-LD/Interoperability/Subscription/x.robot", "F", "PASS", "")
    assert (between.folder, between.area) == ("IOP_TP", "federation")
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


@pytest.mark.parametrize(("failing", "code"), [(24, 0), (25, 1)])
def test_the_whole_suite_has_a_bar_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, code: int
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(conformance, "PAGE", page)
    monkeypatch.setattr(conformance, "FIGURES", tmp_path / "figures")
    page.write_text("".join(f"| `T{number}` | IOP_TP | because |\n" for number in range(failing)))
    rows = [f"IOP_TP/a.robot,T{number},{'FAIL' if number < failing else 'PASS'}," for number in range(1777)]
    rows += ["jsonldContext/a.robot,A,PASS,", "ContextInformation/Snapshot/a.robot,B,PASS,"]
    (tmp_path / "tests.csv").write_text("\n".join(["file,test,status,message", *rows]))
    assert report(tmp_path, page=True) == code
    assert (tmp_path / "figures/conformance_all.json").exists()


def test_another_engine_has_a_section_of_its_own_that_names_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, out = tmp_path / "page.md", tmp_path / "out"
    monkeypatch.setattr(conformance, "PAGE", page)
    monkeypatch.setattr(conformance, "FIGURES", tmp_path / "figures")
    page.write_text("# head\n\n" + render("broker", [FAILED[0], PASSED], {"A": "a defect of ours"}))
    out.mkdir()
    text = "".join(f"{one.file},{one.test},{one.status},{one.message}\n" for one in (FAILED[1], PASSED))
    (out / "tests.csv").write_text("file,test,status,message\n" + text)
    assert report(out, page=True, store="mongodb") == 1
    told = sections(page.read_text())
    assert list(told) == ["broker", "broker on mongodb"]
    assert "`B` fails here, not on SQLite" in told["broker on mongodb"]
    assert "`A` passes here, not on SQLite" in told["broker on mongodb"]
    assert "`A` | jsonldContext | a defect of ours" in told["broker"]
