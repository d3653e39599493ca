"""Who only reads offers and choices does not pay for the library that judges certificates."""

import subprocess
import sys


def test_the_words_of_transport_load_no_openssl() -> None:
    program = (
        "import sys, zegel.journeys.ports.outbox, zegel.journeys.mail_check, zegel.doors.cli.mail;"
        "print(sorted({'OpenSSL', 'dns', 'httpcore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
