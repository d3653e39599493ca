"""Accounts and their credentials: a password or a token → an actor.

``models``    the tables
``accounts``  :class:`~zegel.people.accounts.SqlPeople`, which fits ``journeys.ports.People``

Readers are not here: they have no account.
"""
