"""What a parcel is, and what may be done with it: pure rules, no disk, network, clock or database.

A parcel (zending) is one message with its attachments, from one sender, to one or more readers. Its content lies in
*blobs*, sealed to a key made for this parcel alone; each reader gets that key in a *slip* sealed for her. The
byte-exact account is ``docs/format.md``; this room holds its rules in code:

``identifiers``  how parcels, blobs and slips are named
``manifest``     what a reader sees, its spelling, and what the organisation signs
``claim``        the link, and the identity that follows from link secret and release share
``proofs``       how a reader shows who she is
``deposit``      the sealed parcel as the outside zone gets it
``states``       where a parcel and its readers are, and which steps are allowed
``limits``       how much a stranger may ask of us
"""
