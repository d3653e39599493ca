"""The courier's hand (inside zone): notices and codes over mail and SMS, and the mail itself; journeys say what.

``notifier``   picks the drivers that the configuration names
``notice``     writes the notice: plain and HTML, Dutch or English, nothing of the content
``mail``       hands a notice to our server over SMTP, or puts it into a Maildir
``direct``     delivers the mail itself to whoever proves itself; ``session``, ``line``, ``wire``: its parts
``secret``     the password for a mail server, and who may hear it without TLS
``sms``        hands an SMS to a supplier's HTTP interface, or appends it to a file
``backoff``    when to try again (pure)

What can never work is a Mistake, what may work later is Unavailable. Answers of foreign servers are never passed on in
words: they may quote what was sent, and a notice holds the link secret.
"""
