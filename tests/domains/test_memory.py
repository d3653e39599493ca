"""Answers kept for a bounded time and in bounded number."""

from hypothesis import given
from hypothesis import strategies as st

from zegel.domains.memory import Memory


def test_what_was_used_longest_ago_makes_room() -> None:
    memory: Memory[int] = Memory(2, lambda: 0.0)
    memory.put("a", 1, 10)
    memory.put("b", 2, 10)
    assert memory.get("a") == 1
    memory.put("c", 3, 10)
    assert [memory.get(name) for name in "abc"] == [1, None, 3]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 5)), max_size=40), st.integers(1, 4))
def test_never_more_and_never_longer(steps: list[tuple[str, int]], most: int) -> None:
    now = [0.0]
    memory: Memory[float] = Memory(most, lambda: now[0])
    for name, seconds in steps:
        now[0] += 1
        memory.put(name, now[0] + seconds, seconds)
        kept = [value for other in "abcdef" if (value := memory.get(other)) is not None]
        assert len(kept) <= most
        assert all(ends > now[0] for ends in kept)
