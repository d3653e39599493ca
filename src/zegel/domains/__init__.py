"""What a mail domain offers: asks DNS and policy servers, and remembers for a while. ``transport`` judges.

``lookup``    from a domain's name to its offer
``zegels``    from a domain's name to the Zegel that it vouches for
``resolver``  one question to a validating resolver that we may believe
``policies``  fetches an MTA-STS policy
``fetching``  one small file over HTTPS
``memory``    answers kept for a bounded time, in bounded number
"""
