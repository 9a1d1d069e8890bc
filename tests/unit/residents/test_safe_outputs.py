"""Safe outputs: what is hidden in tables, which differences are refused, what noise costs, what views keep."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import Conflict
from broker.keeping import Db, KeptFile
from broker.model.values import Json
from services.room import BadCity
from services.safe.book import Answer, Of, SafeBook
from services.safe.cells import Contribution, Rules, tabulate
from services.safe.configured import read_datasets
from services.safe.differences import Told, name_of, near, packed, told_of, too_close, unpacked
from services.safe.noise import Bounds, count, mean, spent, total
from services.safe.views import Anonymity, Coarser, Row, anonymised, pseudonymised

RULES = Rules(k=3, share=0.8)
KEY = b"k" * 32
OF = Of("", "pulse", "urn:org:a")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SafeBook]:
    file = KeptFile(tmp_path / "services.sqlite", "services")
    yield SafeBook(file)
    file.close()


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


def over(*people: str, **changed: float) -> Told:
    return told_of([(one, changed.get(one, 60.0)) for one in people], KEY)


def test_what_differs_by_a_few_contributors_is_near() -> None:
    first = over(*"abcdefgh")
    assert near(first, over(*"abcdefghi"), 3)
    assert near(first, over(*"abcdefghi", a=1, b=2, c=3, d=4), 3)  # that so many changed hides nobody who came
    assert not near(first, over(*"abcdefghijk"), 3)
    assert not near(first, first, 3)
    assert too_close([first, over(*"abcdefg")], 3)
    assert unpacked(packed(first)) == first


def test_what_differs_by_a_few_values_is_near() -> None:
    first = over(*"abcdefgh")
    assert near(first, over(*"abcdefgh", a=61), 3)
    assert near(first, over(*"abcdefgh", a=61, b=61), 3)
    assert not near(first, over(*"abcdefgh", a=61, b=61, c=61), 3)
    assert not near(first, told_of([(one, None) for one in "abcdefgh"], KEY), 3)  # of which only a count was told


def test_a_household_is_one_contributor() -> None:
    assert near(over("a", "b", "c"), over("a", "b", "c", "d e f"), 3)
    assert not near(over("a", "b", "c"), over("a", "b", "c", "d e f", "g", "h"), 3)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 7), st.integers(60, 62)), max_size=3), max_size=12))
def test_no_two_answers_tell_of_fewer_than_k(steps: list[list[tuple[int, int]]]) -> None:
    """Whatever changes between questions, what is told differs by nobody, or by the values of k."""
    now, given = dict.fromkeys(range(8), 60), list[tuple[Told, dict[int, int]]]()
    for step in steps:
        now = {**now, **dict(step)}
        asked = told_of([(str(who), value) for who, value in now.items()], KEY)
        if not any(near(asked, before, 3) for before, _ in given):
            given.append((asked, now))
    for (_, one), (_, other) in combinations(given, 2):
        assert sum(one[who] != other[who] for who in one) not in (1, 2)


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


def test_what_was_answered_is_answered_until_enough_changed(book: SafeBook) -> None:
    def asked(sets: list[Told], total: int, question: str = "sum") -> Json:
        found = book.answered(OF, Answer(question, total, sets, {"sum": total}), 3)
        return None if found is None else found.body["sum"]

    assert asked([over(*"abcde")], 1) == 1
    assert asked([over(*"abcde")], 2) == 1
    assert asked([over(*"abcde", a=99)], 3) == 1
    assert asked([over(*"abcdef")], 4) == 1
    assert asked([over(*"abcdef")], 5, "by town") is None
    assert asked([over(*"abcde", a=99, b=99, c=99)], 6) == 6
    assert asked([over(*"abcde", a=98, b=99, c=99)], 7) == 6
    assert asked([over(*"abcde")], 8) == 1
    assert book.answered(Of("", "pulse", "urn:org:b"), Answer("sum", 9, [over(*"abcdef")], {"sum": 9}), 3) is not None


def test_a_table_is_new_as_a_whole_or_not_at_all(book: SafeBook) -> None:
    def table(east: Told, west: Told) -> list[Told]:
        return [east, west, east | west]

    first = Answer("by town", 1, table(over(*"abcd"), over(*"efgh")), {})
    assert book.answered(OF, first, 3) == first
    later = table(over(*"abcd", a=99), over(*"efgh", e=1, f=1, g=1, h=1))  # the west and both, less the east of before
    assert book.answered(OF, Answer("by town", 2, later, {}), 3) == first


def test_what_is_hidden_of_a_line_is_told_by_the_rest_of_it() -> None:
    given = [*many("east", 2), *many("south", 2), *many("north", 9)]
    table = tabulate(given, ("town",), RULES)
    assert {key[0] for key in table.shown()} == {"north", "*"}
    assert sorted(cell.people for cell in table.told()) == [4, 9, 13]


def test_who_is_forgotten_leaves_the_sets_as_large_as_they_were(book: SafeBook, tmp_path: Path) -> None:
    people = told_of([(one, 1.0) for one in ("a", "b c", "d", "e")], book.key)
    book.answered(OF, Answer("sum", 1, [people], {}), 3)
    forgotten = name_of("b", book.key)
    assert (book.forget("", forgotten), book.forget("", forgotten)) == (1, 0)
    [(kept,)] = KeptFile(tmp_path / "services.sqlite", "services").read("SELECT members FROM safe_answer_set")
    left = unpacked(bytes(kept))  # type: ignore[arg-type]
    assert (len(left), len({entry[8:16] for entry in left})) == (5, 4)
    assert len(people & left) == 3
    assert book.answered(OF, Answer("sum", 2, [people], {"new": 1}), 3) == Answer("sum", 1, [left], {})


def test_what_is_paid_and_what_is_spent_is_one_act(book: SafeBook) -> None:
    def pay(db: Db, left: int) -> None:
        book.keep_noisy(db, OF, "k", ("a", {"left": left}))
        if left == 200_000:
            raise Conflict("not enough", pointer="", remedy="more")

    with pytest.raises(Conflict):
        book.spend(OF, 800_000, 1_000_000, (1, "mean"), pay)
    assert (book.spent(OF), book.noisy(OF, "k", "a")) == (0, None)
    assert book.spend(OF, 700_000, 1_000_000, (1, "mean"), pay)
    assert book.noisy(OF, "k", "a") == {"left": 300_000}
    with pytest.raises(Conflict):
        book.noisy(OF, "k", "b")
    with pytest.raises(Conflict):
        book.spend(OF, 100_000, 1_000_000, (1, "mean"), pay)
    assert book.spent(OF) == 700_000


def test_anonymised_rows_are_never_alone_nor_all_alike() -> None:
    rows = [Row(f"p{n}", 60.0 + n % 3, {"born": str(1950 + n), "town": "east"}) for n in range(12)]
    rows += [Row("x", 99.0, {"born": "1930", "town": "west"})]
    view = anonymised(rows, {"born": Coarser("width", 10), "town": Coarser("drop")}, Anonymity(k=3, diverse=2))
    assert view.left_out == 3
    assert {row["born"] for row in view.rows} == {"1950-1959"}
    assert all(row["town"] == "*" and "who" not in row for row in view.rows)
    assert view.method == {
        "method": "generalised and suppressed", "k": 3, "l": 2, "bands": [], "born": "width 10", "town": "drop",
    }  # fmt: skip
    alike = anonymised([Row(f"p{n}", 1.0) for n in range(9)], {}, Anonymity(k=3, diverse=2))
    assert (alike.rows, alike.left_out) == ([], 9)


def test_rows_tell_bands_or_are_never_all_alike() -> None:
    alike = [Row(f"p{n}", 61.0) for n in range(3)]
    assert anonymised(alike, {}, Anonymity(k=3)).rows == []
    assert [row["value"] for row in anonymised(alike, {}, Anonymity(3, 1, (30, 60, 90))).rows] == [[60, 90]] * 3
    assert anonymised(alike, {}, Anonymity(3, 2, (30, 60, 90))).rows == []
    bands = Anonymity(edges=(30, 60, 90))
    assert [bands.told(one) for one in (-5, 30, 59.9, 60, 90, 900)] == [[30, 60]] * 3 + [[60, 90]] * 3


def test_bands_are_never_as_narrow_as_the_value() -> None:
    def bands(**more: Json) -> tuple[float, ...]:
        given: Json = {"item": "A/b", "bounds": [30, 220], **more}
        return read_datasets({"safe": {"datasets": {"x": given}}})["x"].anonymity.edges

    assert bands() == tuple(range(30, 221, 19))
    assert bands(bounds=[0, 1]) == (0, 1)
    assert bands(bounds=[0, 9]) == (0, 2.25, 4.5, 6.75, 9)
    assert bands(bands=[30, 60, 220]) == (30, 60, 220)
    assert bands(bands=[], diverse=2) == ()


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
        {"item": "A/b", "bounds": [1, 30], "bands": []}, {"item": "A/b", "bounds": [1, 30], "bands": [1, 2, 30]},
        {"item": "A/b", "bounds": [1, 30], "bands": [30, 1]}, {"item": "A/b", "bounds": [1, 30], "bands": [30]},
        {"item": "A/b", "bounds": [1, 30], "bands": "ab"}, {"item": "A/b", "bounds": [1, 30], "priced": 1},
    ],
)  # fmt: skip
def test_a_section_that_is_not_in_order_is_refused(given: object) -> None:
    with pytest.raises(BadCity, match="safe"):
        read_datasets({"safe": {"datasets": {"x": given}}})  # type: ignore[dict-item]
