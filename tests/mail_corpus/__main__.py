"""Write the corpus as .eml files into the folder given."""

import sys
from pathlib import Path

from tests.mail_corpus import made, nasty, tricks

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for case in (*made.cases(), *nasty.cases(), *tricks.cases()):
    (folder / f"{case.name}.eml").write_bytes(case.raw)
