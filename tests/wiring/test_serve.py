"""How a role ends."""

import subprocess
import sys

import pytest

CHILD = """
import os, signal, threading
from zegel.wiring.serve import _rounds
rounds = 0
def once():
    global rounds
    rounds += 1
    return 0
def tell():
    while rounds < 1000:
        pass
    os.kill(os.getpid(), signal.SIGTERM)  # wherever the main thread is now
threading.Thread(target=tell).start()
_rounds(once, 0)
"""


@pytest.mark.parametrize("number", range(6))
def test_a_role_that_does_nothing_but_wait_hears_that_it_must_stop(number: int) -> None:
    """One in three of these hung while the handler itself set the event that the main thread waited for."""
    with subprocess.Popen([sys.executable, "-c", CHILD]) as child:
        try:
            assert child.wait(60) == 0
        finally:
            child.kill()
