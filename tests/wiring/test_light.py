"""What starting ``zegel`` costs, on every command and in every process of ``zegel serve``."""

import subprocess
import sys


def test_the_command_starts_without_what_only_some_commands_need() -> None:
    program = "import sys, zegel.wiring.command; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert not {"httpx", "dns", "OpenSSL", "django", "boto3", "granian"} & set(done.stdout.split())
