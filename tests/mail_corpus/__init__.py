"""Our own corpus of mails: what programs really send, and what breaks gateways.

``made``   well-formed mails in many encodings and shapes, built with Python's ``email`` or written out
``nasty``  malformed and hostile ones, written by hand

Every case says what its reader must find, from what was put in and never from what came out; or by which code the mail
must be refused. ``python -m tests.mail_corpus FOLDER`` writes all of them as .eml files, to try on other programs.
"""
