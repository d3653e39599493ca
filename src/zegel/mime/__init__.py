"""Reading mail as it is written (RFC 5322, 2045–2047, 2231, 6532): pure rules, below the rooms that decide about mail.

``walker``    finds the parts of a MIME entity while it streams past
``top``       the top headers alone: as the walker reads them, or only where nobody could read them otherwise
``onward``    the mail as it travels on: without Bcc and Zegel headers, with a trace field
``headers``   header fields: parameters, encoded words, addresses
``decoders``  transfer encodings, streaming
``texts``     character sets, flowed text
``limits``    how far a mail may go

Nothing here fails on what strangers write: it is read as well as it can be, or refused by name for its size.
"""
