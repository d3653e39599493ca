"""SQL: parcels, slips, outbox rows and audit entries; one transaction for all that belongs together.

``connect``   a database URL → what Django needs; ``migrate``
``models``    the tables
``sql``       :class:`~zegel.records.sql.SqlRecords`, which fits ``journeys.ports.records.Records``
``border``    the database's errors → the five families

The same code runs on SQLite (one file, one machine) and on PostgreSQL. The outside zone's database sees envelopes and
ciphertext only (design, *Two zones*).
"""
