"""Who is it? A mail program has one field for a secret: it holds the account's password, or one of its tokens."""

from zegel.errors import Denied
from zegel.journeys.ports.people import Actor, People


class Logins:
    """Asks ``people``; safe for several threads at once if they are."""

    def __init__(self, people: People):
        self._people = people

    def __call__(self, address: str, secret: str) -> Actor:
        """Raises Denied; the same for an unknown address, a wrong secret and a token of another account."""
        try:
            actor = self._people.by_token(secret)
        except Denied:
            return self._people.by_password(address, secret)
        if actor.address.lower() != address.lower():
            raise Denied("Address or password is wrong.", code="bad-login")
        return actor
