"""What a mail domain offers: asks DNS and policy servers, and remembers for a while. ``transport`` judges.

``lookup``    from a domain's name to its offer
``resolver``  one question to a validating resolver that we may believe
``policies``  fetches an MTA-STS policy
``memory``    answers kept for a bounded time, in bounded number
"""
