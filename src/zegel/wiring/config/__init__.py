"""The configuration, and what may stand in it.

``file``       the whole of ``zegel.toml``, read and checked
``doors``      who the organisation is, and the doors to it
``ways``       how mails, notices and codes leave
``policy``     rules for mail, and the archive
``patches``    where sealed bytes lie
``part``       what all tables have in common
"""
