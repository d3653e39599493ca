"""Where sealed bytes lie. This room cannot open them and needs no key to prove that they are whole.

``local``  a folder on a disk of our own: every blob fsynced, renamed into place, never overwritten
"""
