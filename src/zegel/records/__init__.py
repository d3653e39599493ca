"""SQL: parcels, slips, outbox rows and audit entries; one transaction for all that belongs together.

``sql``           :class:`~zegel.records.sql.SqlRecords`, which fits ``journeys.ports.records.Records``; its parts:
``parcels``       deposit, status, destruction; ``repeats``: mails that were taken before
``tries``         codes and tries
``outbox``        what is to be sent
``arrivals``      what comes from other organisations
``chain``         the audit chain
``places``        copies, patches and suppliers; ``plans``: what officers asked for
``moving``        whole parcels out of one database and into another
``transactions``  all or nothing; ``border``: the database's errors → the five families
``connect``       a database URL → what Django needs; ``migrate``
``models``        the tables; ``rows``: what is read of them; ``statements``: what is written most

The same code runs on SQLite (one file, one machine) and on PostgreSQL. The outside zone's database sees envelopes and
ciphertext only (design, *Two zones*).
"""
