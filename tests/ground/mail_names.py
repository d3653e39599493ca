"""Mail domains of every kind, as zone text: signed below ``test``, not below ``plain``, wrongly below ``bogus``."""

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
odd.test. IN MX 10 mx\\032odd.odd.test.
odd.test. IN MX 20 mx\\000.odd.test.
odd.test. IN MX 30 MX1.Good.Test.
odd.test. IN TXT "v=NTA7516-1\\255x"
_mta-sts.odd.test. IN TXT "\\255\\254"
crowd.test. IN MX 10 mx.crowd.test.
mx.crowd.test. IN A 127.0.0.2
nta-bad.test. IN MX 10 mx.some.plain.
nta-bad.test. IN TXT "v=NTA7516-1;startdate=soon"
""" + "\n".join(f"many.test. IN MX {n} mx{n}.many.test." for n in range(1, 40))
TEST += "\n"
TEST += "".join(f"_25._tcp.mx.crowd.test. IN TLSA 3 1 1 {n:064x}\n" for n in range(60))
TEST += "".join(f'crowd.test. IN TXT "{n} {"x" * 200}"\n' for n in range(40))
TEST += f'crowd.test. IN TXT "{_NTA}"\n'

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

ZONES = {"test": TEST, "plain": PLAIN, "bogus": BOGUS}
