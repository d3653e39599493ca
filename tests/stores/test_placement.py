"""Placement: the rules about sets, and properties that hold for any patches."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.suppliers.made import AMERICAN, DAY, make_supplier
from zegel.stores.placement import PatchFacts, Placement, Refusal, Spread, place
from zegel.suppliers.policy import Policy, eligible
from zegel.suppliers.supplier import OWN, Supplier

POLICY = Policy()
HOME = PatchFacts("home", OWN)
AMS = PatchFacts("ams", make_supplier("ams-cloud"))
PAR = PatchFacts("par", make_supplier("par-cloud", seat="FR", hosting=("FR",)))
SOLD = PatchFacts("sold", make_supplier("sold-cloud", owner=(AMERICAN,)))


def places(class_: int, *patches: PatchFacts, copies: int = 2, least: int = 1, **wish: object) -> tuple[str, ...]:
    found = place(class_, patches, Spread(copies, least), POLICY, DAY, **wish)  # type: ignore[arg-type]
    assert isinstance(found, Placement), found
    return found.places


def refused(class_: int, *patches: PatchFacts, copies: int = 2, least: int = 1) -> Refusal:
    found = place(class_, patches, Spread(copies, least), POLICY, DAY)
    assert isinstance(found, Refusal), found
    return found


def test_copies_lie_with_different_suppliers() -> None:
    assert set(places(2, AMS, replace(AMS, name="ams2"), PAR)) & {"par"}
    assert len(places(2, AMS, replace(AMS, name="ams2"))) == 1


def test_two_suppliers_of_one_owner_count_as_one() -> None:
    same = (AMERICAN,)
    one, two = (PatchFacts(name, make_supplier(name, owner=same)) for name in ("one", "two"))
    assert len(places(0, one, two)) == 1
    assert refused(0, one, two, least=2).rules[0].startswith("too-few-suppliers")


def test_two_patches_of_our_own_are_two_places() -> None:
    assert places(4, HOME, replace(HOME, name="cellar")) in (("home", "cellar"), ("cellar", "home"))


def test_class_2_is_never_in_the_sole_custody_of_a_supplier_under_foreign_control() -> None:
    assert places(1, SOLD) == ("sold",)
    assert refused(2, SOLD, copies=1).rules == ("sole-custody (all that are left are under non-European control)",)
    assert set(places(2, SOLD, AMS)) == {"sold", "ams"}
    assert places(2, replace(SOLD, rank=-1), AMS, copies=1) == ("ams",)


def test_class_3_touches_no_supplier_under_foreign_control() -> None:
    assert places(3, SOLD, AMS) == ("ams",)
    assert "foreign-control" in str(refused(3, SOLD).error())


def test_class_4_stays_at_home_and_the_refusal_names_every_patch() -> None:
    assert places(4, HOME, AMS, SOLD) == ("home",)
    text = str(refused(4, AMS, SOLD).error())
    assert "ams: own-or-government-only" in text
    assert "sold: foreign-control" in text
    assert "too-few-places (0 of 1" in text


@pytest.mark.parametrize("state", ["leaving", "cut", "read-only"])
def test_a_patch_that_is_not_open_takes_nothing_new(state: str) -> None:
    assert places(2, replace(AMS, state=state), PAR) == ("par",)  # type: ignore[arg-type]
    kept = places(2, replace(AMS, state=state), PAR, keep=("ams",))  # type: ignore[arg-type]
    assert set(kept) == ({"ams", "par"} if state == "read-only" else {"par"})


def test_what_has_a_copy_keeps_it_and_rank_decides_among_the_rest() -> None:
    assert places(2, replace(AMS, rank=1), PAR, replace(HOME, rank=2)) == ("par", "ams")
    assert places(2, replace(AMS, rank=1), PAR, replace(HOME, rank=2), keep=("home",)) == ("home", "par")


def test_equals_share_the_blobs_and_a_blob_always_goes_to_the_same() -> None:
    first = [places(2, AMS, PAR, copies=1, blob=str(number)) for number in range(200)]
    assert first == [places(2, PAR, AMS, copies=1, blob=str(number)) for number in range(200)]
    assert 60 < first.count(("ams",)) < 140


def test_too_few_copies_is_told_and_fewer_than_least_is_refused() -> None:
    found = place(2, [HOME], Spread(3, 1), POLICY, DAY)
    assert isinstance(found, Placement)
    assert found.short == 2
    assert refused(2, HOME, copies=3, least=2).rules == ("too-few-places (1 of 2 that are needed at least)",)


# Shares ---------------------------------------------------------------------------------------------------------------

DELFT = PatchFacts("delft", make_supplier("delft-cloud"))


def dealt(class_: int, *patches: PatchFacts, spread: Spread, **wish: object) -> Placement | Refusal:
    return place(class_, patches, spread, POLICY, DAY, **wish)  # type: ignore[arg-type]


def test_shares_go_to_suppliers_that_share_no_owner_one_each() -> None:
    found = dealt(3, HOME, AMS, PAR, replace(AMS, name="ams2"), spread=Spread(4, 3, 2))
    assert isinstance(found, Placement)
    assert {"home", "par"} < set(found.places)
    assert (len(found.places), found.short, found.needed) == (3, 1, 2)
    few = dealt(3, AMS, PAR, replace(AMS, name="ams2"), spread=Spread(3, 3, 2))
    assert isinstance(few, Refusal)
    assert few.rules[0].startswith("too-few-suppliers")


def test_those_under_foreign_control_together_can_neither_make_it_nor_withhold_it() -> None:
    other = PatchFacts("sold2", make_supplier("sold2-cloud", owner=(replace(AMERICAN, name="Other Capital LLC"),)))
    two = dealt(2, SOLD, other, AMS, PAR, spread=Spread(4, 3, 2))
    assert isinstance(two, Placement)
    assert len({"sold", "sold2"} & set(two.places)) == 1
    withheld = dealt(2, SOLD, AMS, spread=Spread(3, 2, 2))
    assert isinstance(withheld, Refusal)
    assert withheld.rules == ("sole-custody (2 shares make it, and only 1 can lie under European control)",)
    assert isinstance(dealt(1, SOLD, AMS, spread=Spread(3, 2, 2)), Placement), "below class 2 they count as any other"
    secret = dealt(3, SOLD, AMS, PAR, HOME, spread=Spread(3, 3, 2))
    assert isinstance(secret, Placement)
    assert "sold" not in secret.places


def test_a_supplier_that_holds_a_share_which_it_could_not_delete_gets_no_other() -> None:
    ams2 = replace(AMS, name="ams2")
    found = dealt(3, HOME, AMS, ams2, PAR, DELFT, spread=Spread(4, 3, 2), burden=("ams",))
    assert isinstance(found, Placement)
    assert set(found.places) == {"home", "par", "delft"}
    assert "holds-a-share" in {one.patch: one.reasons for one in found.judged}["ams"][0]


def test_unknown_facts_get_no_share() -> None:
    nobody = PatchFacts("nobody", None)
    unknown = PatchFacts("unknown", make_supplier("unknown-cloud", seat=None, owner=()))
    found = dealt(3, HOME, PAR, nobody, unknown, spread=Spread(3, 3, 2))
    assert isinstance(found, Refusal)
    assert {one.patch for one in found.judged if one.reasons} == {"nobody", "unknown"}
    assert "too-few-places (2 of 3" in str(found.error())


_SUPPLIERS = st.builds(
    make_supplier,
    st.sampled_from(["a", "b", "c"]),
    seat=st.sampled_from(["NL", "US", None]),
    assurance=st.sampled_from([3, None]),
    owner=st.sampled_from([make_supplier("a").owner, (AMERICAN,), ()]),
)
_PATCHES = st.lists(
    st.builds(
        PatchFacts,
        st.uuids().map(str),
        st.one_of(st.none(), st.just(OWN), _SUPPLIERS),
        st.sampled_from(["open", "open", "open", "read-only", "leaving", "cut"]),
        st.integers(0, 2),
    ),
    max_size=6,
)


@given(st.integers(0, 5), _PATCHES, st.integers(1, 3), st.integers(1, 3))
def test_whatever_the_patches_a_placement_breaks_no_rule_and_a_refusal_had_no_choice(
    class_: int, patches: list[PatchFacts], copies: int, least: int
) -> None:
    spread = Spread(max(copies, least), least)
    found = place(class_, patches, spread, POLICY, DAY, blob="x")
    able = {one.name: one for one in patches if one.state == "open" and _verdict(class_, one.supplier).allowed}
    if isinstance(found, Placement):
        chosen = [able[name] for name in found.places]
        assert least <= len(chosen) <= spread.copies
        assert len(chosen) + found.short == spread.copies
        assert _fits(class_, chosen)
    else:
        assert not any(_fits(class_, list(chosen)) for chosen in combinations(able.values(), least))
    assert {one.patch for one in found.judged} == {one.name for one in patches}
    assert all(bool(one.reasons) != (one.patch in able) for one in found.judged)


@given(st.integers(0, 4), _PATCHES, st.integers(2, 3), st.integers(1, 2), st.integers(0, 5))
def test_whatever_the_patches_nobody_outside_could_make_the_message(
    class_: int, patches: list[PatchFacts], needed: int, margin: int, burdened: int
) -> None:
    burden = [one.name for one in patches[:burdened]]
    found = place(class_, patches, Spread(needed + margin, needed + 1, needed), POLICY, DAY, "x", burden=burden)
    if isinstance(found, Refusal):
        return
    chosen = [one for one in patches if one.name in found.places]
    holders = [one for one in patches if one.name in (*found.places, *burden)]
    for one in holders:
        if one in chosen and one.supplier is not None and one.supplier is not OWN:
            near = [
                two for two in holders if two.supplier and one.supplier.controllers(DAY) & two.supplier.controllers(DAY)
            ]
            assert len(near) == 1
    foreign = [one for one in chosen if not _verdict(class_, one.supplier).custody]
    assert len(foreign) < needed
    assert len(chosen) - len(foreign) >= needed


def _verdict(class_: int, supplier: Supplier | None):  # type: ignore[no-untyped-def]
    return eligible(class_, supplier, DAY, POLICY)


def _fits(class_: int, chosen: list[PatchFacts]) -> bool:
    named = [patch.supplier.controllers(DAY) for patch in chosen if patch.supplier and patch.supplier is not OWN]
    apart = sum(map(len, named)) == len(frozenset().union(*named))
    return apart and any(_verdict(class_, patch.supplier).custody for patch in chosen)
