"""Accounts and their credentials: a password or a token → an actor.

``accounts``     :class:`~zegel.people.accounts.SqlPeople`, which fits ``journeys.ports.people.People``
``rights``       who may send as whom
``moving``       accounts out of one database and into another
``bearer``       a token of the organisation's OpenID provider → the account that it names
``credentials``  shapes of tokens and passwords
``models``       the tables; ``rows``: what is read of them
``border``       the database's errors → the five families

Readers are not here: they have no account.
"""
