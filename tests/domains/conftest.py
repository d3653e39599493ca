"""One DNS for the whole room: domains of every kind, below a private root."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ground.dns import Dns, running_dns
from tests.ground.policy_server import PolicyHost, policy_server
from tests.transport.made import Made, make
from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver

DIGEST = "ab" * 32
_NTA = "v=NTA7516-1;startdate=2024-01;enddate=2030-12;provider=Example"

TEST = f"""
good.test. IN MX 20 mx2.good.test.
good.test. IN MX 10 mx1.good.test.
mx1.good.test. IN A 127.0.0.2
mx2.good.test. IN AAAA ::1
_25._tcp.mx1.good.test. IN TLSA 3 1 1 {DIGEST}
_25._tcp.mx1.good.test. IN TLSA 2 0 1 {DIGEST}
bare.test. IN A 127.0.0.2
_25._tcp.bare.test. IN TLSA 3 1 1 {DIGEST}
null.test. IN MX 0 .
nearly-null.test. IN MX 0 .
nearly-null.test. IN MX 10 mx1.good.test.
empty.test. IN TXT "nothing here"
to-plain.test. IN MX 10 mx.some.plain.
to-bogus.test. IN MX 10 mx.some.bogus.
half.test. IN MX 10 mx.half.test.
mx.half.test. IN A 127.0.0.2
_25._tcp.mx.half.test. IN CNAME tlsa.some.bogus.
alias.test. IN MX 10 mx.alias.test.
mx.alias.test. IN CNAME real.good.test.
real.good.test. IN A 127.0.0.2
_25._tcp.real.good.test. IN TLSA 3 1 1 {DIGEST}
alias2.test. IN MX 10 mx.alias2.test.
mx.alias2.test. IN CNAME untold.good.test.
untold.good.test. IN A 127.0.0.2
_25._tcp.mx.alias2.test. IN TLSA 3 1 1 {DIGEST}
alias3.test. IN MX 10 mx.alias3.test.
mx.alias3.test. IN CNAME mx.some.plain.
_25._tcp.mx.alias3.test. IN TLSA 3 1 1 {DIGEST}
whole-alias.test. IN CNAME good.test.
xn--grn-ioa.test. IN MX 10 mx1.good.test.
sts.test. IN MX 10 mx.some.plain.
_mta-sts.sts.test. IN TXT "v=STSv1; " "id=1;"
mta-sts.sts.test. IN A 127.0.0.1
twice.test. IN MX 10 mx.some.plain.
_mta-sts.twice.test. IN TXT "v=STSv1; id=1;"
_mta-sts.twice.test. IN TXT "v=STSv1; id=2;"
other-name.test. IN MX 10 mx.some.plain.
_mta-sts.other-name.test. IN TXT "v=STSv1; id=1;"
mta-sts.other-name.test. IN A 127.0.0.1
nta.test. IN MX 10 mx.some.plain.
nta.test. IN TXT "v=spf1 -all"
nta.test. IN TXT "{_NTA};ntamx=10 mx1.good.test"
nta-bad.test. IN MX 10 mx.some.plain.
nta-bad.test. IN TXT "v=NTA7516-1;startdate=soon"
""" + "\n".join(f"many.test. IN MX {n} mx{n}.many.test." for n in range(1, 40))

PLAIN = f"""
some.plain. IN MX 10 mx.some.plain.
mx.some.plain. IN A 127.0.0.3
_25._tcp.mx.some.plain. IN TLSA 3 1 1 {DIGEST}
to-good.plain. IN MX 10 mx1.good.test.
nta.plain. IN MX 10 mx1.good.test.
nta.plain. IN TXT "{_NTA};ntamx=10 mx1.good.test"
"""

BOGUS = f"""
some.bogus. IN MX 10 mx1.good.test.
mx.some.bogus. IN A 127.0.0.3
tlsa.some.bogus. IN TLSA 3 1 1 {DIGEST}
"""


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dns]:
    with running_dns(tmp_path_factory.mktemp("dns"), {"test": TEST, "plain": PLAIN, "bogus": BOGUS}) as found:
        yield found


@pytest.fixture(scope="session")
def authority() -> Made:
    return make(authority=True, common_name="root", start=datetime.now(UTC) - timedelta(days=1))


@pytest.fixture(scope="session")
def authorities(authority: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "root.pem"
    path.write_bytes(authority.pem)
    return path


@pytest.fixture
def policies(authority: Made, tmp_path: Path) -> Iterator[PolicyHost]:
    leaf = make(("mta-sts.sts.test", "mta-sts.twice.test"), by=authority, start=datetime.now(UTC) - timedelta(days=1))
    (tmp_path / "sts.pem").write_bytes(leaf.pem + authority.pem)
    (tmp_path / "sts.key").write_bytes(leaf.key_pem)
    with policy_server(tmp_path / "sts.pem", tmp_path / "sts.key") as found:
        yield found


@pytest.fixture
def domains(names: Dns) -> Domains:
    """Without MTA-STS: nothing listens where policies would be."""
    return Domains(Resolver([names.resolver]), PolicyServers(port=1))
