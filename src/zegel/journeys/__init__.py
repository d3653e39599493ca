"""What users want done, start to end: the order of the steps, and nothing else.

A journey is handed everything it touches (``ports``) by the wiring; it knows rules, and no hand by name. The order of
writing holds at any moment, also in the middle of a crash:

* sending: blobs → one transaction {parcel, slips, audit entries, outbox rows} → answer the sender → notices
* ending: record first (slips gone, audit entry), blobs after
"""
