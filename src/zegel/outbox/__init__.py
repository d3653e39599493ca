"""The courier's hand (inside zone): says things to readers over mail and SMS. ``journeys.announce`` says what and when.

``notifier``   picks the drivers that the configuration names
``notice``     writes the notice: plain and HTML, Dutch or English, nothing of the content
``mail``       hands a mail to a server over SMTP, or puts it into a Maildir
``sms``        hands an SMS to a supplier's HTTP interface, or appends it to a file
``backoff``    when to try again (pure)

What can never work is a Mistake, what may work later is Unavailable. Answers of foreign servers are never passed on in
words: they may quote what was sent, and a notice holds the link secret.
"""
