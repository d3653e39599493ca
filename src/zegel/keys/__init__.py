"""Custody: the only room with private keys, and only in the inside zone.

``custody``    makes, keeps and uses the organisation's signing key and the courier's identity, in a folder of files
``mailboxes``  identities of own mailboxes that are read in the portal
``arrivals``   the identity for what comes sealed from other organisations
``dkim``       the keys that sign outgoing mail
``files``      how a private key is written
"""
