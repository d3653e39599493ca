"""What happened, in a chain that cannot quietly change: pure rules, no database, no clock.

Every step of a journey leaves one *entry* in the same transaction as the step. Each entry holds the hash of the one
before it, so whoever kept one hash (the *head*) can tell whether anything before it was altered, dropped or reordered.

``events``  the words for what can happen
``entry``   an entry, its byte spelling and hash, and the check of a chain

``docs/reference/audit.md`` is enough to write another checker.
"""
