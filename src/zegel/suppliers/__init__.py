"""Whom we depend on, who controls them, and what a class of mail may therefore touch. Rules only.

``countries``  which countries count as European here
``supplier``   a supplier, its owners in time, and who controls it on a day
``exposure``   which foreign laws reach it, and why
``policy``     ``eligible(class, facts)``: the named rules, and all that fired
``register``   reading and spelling supplier files (TOML)
``plan``       what officers asked of patches, and what came of it
``gone``       ``what_if_gone``: what would be lost, out of reach or short of copies

Facts that nobody filled in count against the supplier, everywhere: a register that is kept badly must refuse.
"""
