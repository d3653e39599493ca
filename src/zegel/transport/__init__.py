"""Does a receiving mail domain prove itself, and where would a mail for it go? Rules only: facts in, a choice out.

``offer``        the facts of one domain, as the ``domains`` hand found them
``delivery``     one mail on its way, and what became of it
``zegel``        the record by which a domain says that its organisation runs a Zegel
``way``          from an offer to a choice: the servers in order and what each has to show, with every reason
``tlsa``         DANE records (RFC 6698)
``dane``         what they match (RFC 7671, 7672)
``certificates`` chains, names and dates of certificates
``mta_sts``      the record and the policy of MTA-STS (RFC 8461)
``names``        names of hosts
``nta7516``      the record by which Dutch health care says where its safe mail goes

A proof is DANE, or else MTA-STS in mode *enforce*. Everything else is no proof: the reader gets a notice with a link,
which is the stronger protection. So no failure here can lower it.
"""
