"""Safe outputs: what is hidden in tables, which differences are refused, what noise costs, what views keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.keeping import KeptFile
from services.room import BadCity
from services.safe.book import Of, SafeBook
from services.safe.cells import Contribution, Rules, tabulate
from services.safe.configured import read_datasets
from services.safe.differences import members_of, packed, too_close, unpacked
from services.safe.noise import Bounds, count, mean, spent, total
from services.safe.views import Anonymity, Coarser, Row, anonymised, pseudonymised

RULES = Rules(k=3, share=0.8)


def many(town: str, people: int, value: float = 10.0, **more: str) -> list[Contribution]:
    return [Contribution(f"{town}{number}{more}", value, {"town": town, **more}) for number in range(people)]


def test_few_contributors_are_hidden_and_cannot_be_worked_out() -> None:
    table = tabulate([*many("east", 2), *many("west", 5), *many("north", 9)], ("town",), RULES)
    assert {key[0]: cell.hidden for key, cell in table.cells.items()} == {
        "east": "few", "west": "complement", "north": "",
    }  # fmt: skip
    assert (table.total.people, table.total.hidden) == (16, "")


def test_one_that_makes_most_of_a_total_is_hidden() -> None:
    table = tabulate([*many("east", 5), Contribution("factory", 1_000.0, {"town": "east"})], ("town",), RULES)
    assert table.cells[("east",)].hidden == "dominated"
    assert table.total.hidden == "dominated"


def test_where_only_one_cell_is_left_the_total_is_hidden_too() -> None:
    table = tabulate([*many("east", 2)], (), RULES)
    assert table.total.hidden == "few"
    table = tabulate([*many("east", 2), *many("west", 1)], ("town",), RULES)
    assert table.shown() == {("*",): table.total} or table.total.hidden


def test_margins_of_two_groups_give_nothing_away() -> None:
    given = [
        *many("east", 2, age="20-29"), *many("east", 6, age="30-39"), *many("west", 7, age="20-29"),
        *many("west", 8, age="30-39"),
    ]  # fmt: skip
    table = tabulate(given, ("town", "age"), RULES)
    hidden = {key for key, cell in table.cells.items() if cell.hidden}
    assert len(hidden) == 4  # one hidden cell in a row and in a column would be the row's total less the others
    assert not table.margins[("east", "*")].hidden


def test_totals_that_differ_by_a_few_are_refused_and_equal_ones_are_not() -> None:
    key = b"k" * 32
    first, more = (members_of([f"p{number}" for number in range(people)], key) for people in (10, 12))
    other = members_of([f"q{number}" for number in range(10)], key)
    assert too_close([more], [first], 3)
    assert not too_close([first, more | other], [first, other], 3)
    assert too_close([first, more], [], 3)
    assert unpacked(packed(first)) == first


def test_noise_costs_no_more_than_it_says_and_is_about_right() -> None:
    bounds = Bounds(30.0, 220.0, 0.5)
    for epsilon in (0.1, 0.5, 1.0, 3.0):
        assert all(one <= epsilon for one in spent(*bounds.steps, epsilon))
    values = [70.0] * 5_000
    assert abs(count(5_000, 1.0) - 5_000) < 100
    assert abs(total(values, bounds, 1.0) - 350_000) < 20_000
    assert abs(mean(values, bounds, 1.0) - 70) < 5
    assert bounds.step(9_999.0) == 440
    assert 30 <= mean([], bounds, 1.0) <= 220
    assert len({count(100, 0.5) for _ in range(50)}) > 5


def test_a_budget_is_spent_once_and_for_all(tmp_path: Path) -> None:
    file = KeptFile(tmp_path / "services.sqlite", "services")
    book, of = SafeBook(file), Of("", "pulse", "urn:org:a")
    assert book.spend(of, 700_000, 1_000_000, (1, "mean"))
    assert not book.spend(of, 400_000, 1_000_000, (2, "mean"))
    assert book.spend(Of("", "pulse", "urn:org:b"), 400_000, 1_000_000, (2, "mean"))
    assert book.spent(of) == 700_000
    with pytest.raises(Exception, match="what is spent is spent"):
        file.write(lambda db: db.execute("DELETE FROM safe_spent")).result()
    assert SafeBook(file).key == book.key
    file.close()


def test_who_is_forgotten_leaves_the_sets_as_large_as_they_were(tmp_path: Path) -> None:
    file = KeptFile(tmp_path / "services.sqlite", "services")
    book, of = SafeBook(file), Of("", "pulse", "urn:org:a")
    people = members_of(["a", "b", "c", "d", "e"], book.key)
    assert book.admit(of, [people], 3)
    assert not book.admit(of, [people - members_of(["a"], book.key)], 3)
    assert (book.forget("", members_of(["a"], book.key)), book.forget("", members_of(["a"], book.key))) == (1, 0)
    [row] = file.read("SELECT length(members) FROM safe_set")
    assert row == (40,)
    file.close()


def test_anonymised_rows_are_never_alone_nor_all_alike() -> None:
    rows = [Row(f"p{n}", 60.0 + n % 3, {"born": str(1950 + n), "town": "east"}) for n in range(12)]
    rows += [Row("x", 99.0, {"born": "1930", "town": "west"})]
    view = anonymised(rows, {"born": Coarser("width", 10), "town": Coarser("drop")}, Anonymity(k=3, diverse=2))
    assert view.left_out == 3
    assert {row["born"] for row in view.rows} == {"1950-1959"}
    assert all(row["town"] == "*" and "who" not in row for row in view.rows)
    assert view.method == {"method": "generalised and suppressed", "k": 3, "l": 2, "born": "width 10", "town": "drop"}
    alike = anonymised([Row(f"p{n}", 1.0) for n in range(9)], {}, Anonymity(k=3, diverse=2))
    assert (alike.rows, alike.left_out) == ([], 9)


def test_pseudonyms_are_the_same_for_a_key_and_others_for_another() -> None:
    rows = [Row("p1", 1.0, {"at": "2026-01-02T03:04:05Z"})]
    one, same, other = (pseudonymised(rows, {"at": Coarser("day")}, key) for key in (b"a", b"a", b"b"))
    assert one.rows == same.rows
    assert one.rows[0]["pseudonym"] != other.rows[0]["pseudonym"]
    assert one.rows[0]["at"] == "2026-01-02"
    assert one.method["provision"] == "inside only"


@pytest.mark.parametrize(
    "given",
    [
        {"item": "A/b"}, {"item": "A/b", "bounds": [3, 1]}, {"item": "A/b", "bounds": [1, 3], "k": 2},
        {"item": "A/b", "bounds": [1, 3], "quasi": {"x": "width"}}, {"item": "Ab", "bounds": [1, 3]},
        {"item": "A/b", "bounds": [1, 3], "other": 1}, {"item": "A/b", "bounds": [1, 3], "dominance_percent": 100}, 7,
    ],
)  # fmt: skip
def test_a_section_that_is_not_in_order_is_refused(given: object) -> None:
    with pytest.raises(BadCity, match="safe"):
        read_datasets({"safe": {"datasets": {"x": given}}})  # type: ignore[dict-item]
