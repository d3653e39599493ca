"""Copies, outlines, patches and suppliers, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.ground.databases import Database
from tests.ground.deposits import NOW
from zegel.errors import Unavailable
from zegel.parcels.copies import Copy, Outline
from zegel.parcels.identifiers import new_identifier
from zegel.records.sql import SqlRecords

pytestmark = pytest.mark.usefixtures("database")


def make_copy(patch: str = "ams", blob: str = "", state: str = "whole", class_: int = 2, **facts: object) -> Copy:
    made = {"size": 100, "sha256": "0" * 64, **facts}
    return Copy(blob or new_identifier(), patch, state, class_, **made)  # type: ignore[arg-type]


def add(records: SqlRecords, *copies: Copy) -> list[Copy]:
    with records.transaction():
        records.add_copies(copies, NOW)
    return [copy for one in copies for copy in records.copies_of([one.blob])[one.blob] if copy.patch == one.patch]


def test_copies_come_back_by_blob_and_by_patch() -> None:
    records, blob = SqlRecords(), new_identifier()
    add(records, make_copy("ams", blob), make_copy("par", blob, "wanted"), make_copy("par"))
    assert {(copy.patch, copy.state) for copy in records.copies_of([blob])[blob]} == {
        ("ams", "whole"),
        ("par", "wanted"),
    }
    assert records.copies_of([new_identifier()]) == {}
    assert len(records.copies_at("par")) == 1
    assert len(records.copies_at("par", ("whole", "wanted"))) == 2
    assert [copy.state for copy in records.copies_to_do("wanted", ["ams", "par"])] == ["wanted"]


def test_a_copy_has_one_row_per_patch_and_takes_the_newest_state() -> None:
    records, blob = SqlRecords(), new_identifier()
    add(records, make_copy("ams", blob, "wanted"))
    (copy,) = add(records, make_copy("ams", blob, "whole", size=7))
    assert (copy.state, copy.size) == ("whole", 7)


def test_a_state_changes_only_when_nobody_changed_it_meanwhile() -> None:
    records = SqlRecords()
    (copy,) = add(records, make_copy())
    with records.transaction():
        assert records.set_copies([copy], "doomed", NOW) == 1
    with records.transaction():
        assert records.lock_copies([copy]) == set()
        assert records.set_copies([copy], "broken", NOW) == 0
        records.forget_copies([copy])
    assert records.copies_of([copy.blob])[copy.blob][0].state == "doomed"


def test_the_patrol_gets_first_what_was_never_checked_then_the_oldest() -> None:
    records = SqlRecords()
    copies = add(records, *(make_copy() for _ in range(3)), make_copy("par"), make_copy(state="broken"))
    with records.transaction():
        records.check_copies([copies[0]], NOW)
        records.check_copies([copies[1]], NOW - timedelta(days=1))
    assert [copy.row for copy in records.copies_to_check("ams", NOW)] == [copies[2].row, copies[1].row]
    assert [copy.row for copy in records.copies_to_check("ams", NOW, limit=1)] == [copies[2].row]


def test_dooming_a_blob_dooms_all_its_copies_and_forgets_its_outline() -> None:
    records, blob = SqlRecords(), new_identifier()
    outline = Outline(blob, 2_000_000, "1" * 64, (b"a" * 32, b"b" * 32))
    with records.transaction():
        records.add_copies([make_copy("ams", blob), make_copy("par", blob, "wanted")], NOW)
        records.add_outline(outline, NOW)
        records.add_outline(outline, NOW)
    assert records.outline(blob) == outline
    with records.transaction():
        assert {copy.state for copy in records.doom([blob], NOW)} == {"doomed"}
    assert records.outline(blob) is None


def test_outlines_of_blobs_that_never_got_a_parcel_are_swept() -> None:
    records, kept, orphan, young = SqlRecords(), new_identifier(), new_identifier(), new_identifier()
    with records.transaction():
        for blob, moment in ((kept, NOW), (orphan, NOW), (young, NOW + timedelta(days=2))):
            records.add_outline(Outline(blob, 1, "1" * 64, (b"a" * 32,)), moment)
        records.add_copies([make_copy("ams", kept)], NOW)
        assert records.sweep_outlines(NOW + timedelta(days=1)) == 1
    assert [records.outline(blob) is None for blob in (kept, orphan, young)] == [False, True, False]


def test_names_of_shares_are_known_by_their_share() -> None:
    records, blob, whole = SqlRecords(), new_identifier(), new_identifier()
    add(records, make_copy("ams", blob, share=3, needed=2), make_copy("ams", whole), make_copy("par", blob, share=4))
    names = [f"{blob}-02-03", f"{blob}-02-04", f"{blob}-03-03", blob, whole]
    assert records.known_names("ams", names) == {f"{blob}-02-03", whole}


def test_a_patch_has_one_share_of_a_blob_and_never_gets_another() -> None:
    records, blob = SqlRecords(), new_identifier()
    add(
        records,
        make_copy("ams", blob, share=0, needed=2),
        make_copy("ams", blob),
        make_copy("ams", blob, share=1, needed=3),
    )
    add(records, make_copy("ams", blob, "doomed", share=0, needed=2))
    with pytest.raises(Unavailable, match="another share"):
        add(records, make_copy("ams", blob, share=1, needed=2))
    assert sorted((copy.needed, copy.share, copy.state) for copy in records.copies_of([blob])[blob]) == [
        (1, -1, "whole"),
        (2, 0, "doomed"),
        (3, 1, "whole"),
    ]


def test_blobs_that_are_short_of_shares_are_found_whatever_else_they_have() -> None:
    records, copies, shares = SqlRecords(), new_identifier(), new_identifier()
    add(records, make_copy("ams", copies), make_copy("par", copies))
    assert records.in_other_shapes(2, 1) == []
    add(records, *(make_copy(patch, shares, share=number, needed=2) for number, patch in enumerate(("ams", "par"))))
    assert records.in_other_shapes(2, 1) == [shares]
    assert records.short_of_copies(2, 2) == [shares]
    assert records.short_of_copies(2, 2, needed=2) == [copies]
    assert records.short_of_copies(2, 3, needed=2) == sorted([copies, shares])


def test_totals_and_groups_add_up(database: Database) -> None:
    records, both = SqlRecords(), new_identifier()
    add(records, make_copy("ams", both), make_copy("par", both), make_copy("par"), make_copy("par", state="wanted"))
    add(records, make_copy("par", class_=3, share=1, needed=2))
    assert records.copy_totals() == {
        ("ams", "whole"): (1, 100),
        ("par", "whole"): (3, 300),
        ("par", "wanted"): (1, 100),
    }
    assert sorted(records.copy_groups(), key=str) == [
        (2, frozenset({"ams", "par"}), 1, 100, 1),
        (2, frozenset({"par"}), 1, 100, 1),
        (3, frozenset({"par"}), 1, 100, 2),
    ]


def test_counting_groups_looks_at_an_index_and_at_no_row(database: Database) -> None:
    if database.kind != "sqlite":
        return  # PostgreSQL reads small tables whole, and says nothing of large ones here.
    records, seen = SqlRecords(), []
    add(records, make_copy(), make_copy("par"))

    def watch(run: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        seen.append((sql, values))
        return run(sql, values, many, context)

    with connection.execute_wrapper(watch):
        records.copy_groups()
    for sql, values in seen:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            looks = [row[3] for row in cursor.fetchall() if "blob_copy" in row[3]]
        assert looks, sql
        assert all("COVERING INDEX" in look for look in looks), looks


def test_patches_and_suppliers_are_kept() -> None:
    records = SqlRecords()
    with records.transaction():
        records.set_patch("ams", NOW, state="cut", reason="sold")
        records.set_patch("ams", NOW + timedelta(days=1), looked=5)
        records.put_suppliers({"x": "{}"}, NOW)
        records.put_suppliers({"x": '{"a": 1}'}, NOW)
    row = records.patch_rows()["ams"]
    assert (row["state"], row["reason"], row["since"], row["looked"]) == ("cut", "sold", NOW, 5)
    assert records.suppliers() == {"x": '{"a": 1}'}
