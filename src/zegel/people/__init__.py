"""Accounts and their credentials: a password or a token → an actor.

``models``    the tables
``rows``      what is read of them
``rights``    who may send as whom
``accounts``  :class:`~zegel.people.accounts.SqlPeople`, which fits ``journeys.ports.people.People``

Readers are not here: they have no account.
"""
