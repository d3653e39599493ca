"""What a parcel is, and what may be done with it: pure rules, no disk, network, clock or database.

A parcel (zending) is one message with its attachments, from one sender, to one or more readers. Its content lies in
*blobs*, sealed to a key made for this parcel alone; each reader gets that key in a *slip* sealed for her. The
byte-exact account is ``docs/format.md``; this room holds its rules in code:

``identifiers``   how parcels, blobs and slips are named
``manifest``      what a reader sees and its spelling; ``names``, ``pieces``: attachments
``signature``     the organisation's signature over it
``claim``         the link, and the identity that follows from link secret and release share
``proofs``        how a reader shows who she is
``release``       what she may know before the proof, and what she gets after it
``deposit``       the sealed parcel as the outside zone gets it
``ways``          how it travels to one reader
``states``        where a parcel and its readers are, and which steps are allowed; ``spelling``: in JSON
``notify``        what the sender wants to hear of one reader
``outbox_words``  what the courier alone may read of an outbox row
``arrivals``      a sealed parcel from another organisation; ``origin``: whose it was, noted for the reader
``copies``        where a blob lies
``vouchers``      what the server tells itself through the caller
``addresses``     mail addresses and names of people
``expiry``        until when, as senders write it
``strict``        JSON and base64, read strictly
``limits``        how much a stranger may ask of us
"""
