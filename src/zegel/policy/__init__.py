"""What becomes of a mail, per recipient: sealed, passed on unsealed, or refused (docs/reference/policy.md).

``words``       class words of Dutch government, NATO, the EU and mail programs, as numbers
``labels``      sensitivity labels as Outlook and other programs write them into headers
``facts``       what a mail says of itself before anything of its body is read
``conditions``  one question about those facts: yes, no, or not known
``rules``       conditions and what follows from them
``ruleset``     an organisation's rules, labels and usual class
``verdict``     what was decided, and why, rule by rule
``judge``       facts and rules → verdict
``reach``       rules that can never decide anything

Pure rules: the same facts give the same verdict. What is not known counts against letting a mail go unsealed.
"""
