"""The web door: HTTP in, a journey on the House, and errors out as replies. Thin: it decides nothing.

``installed``   the one holder of this process's House
``settings``    what Django needs, per zone
``middleware``  headers on every answer, limits on every body, errors as pages or problems
``problems``    the five families → HTTP, in the caller's language
``api``         outside zone, ``/api/v1``: uploads, deposits, what became of them, and what readers fetch
``inside``      inside zone, ``/inside/v1``: signatures, and parcels from programs that cannot seal
``schemas``     what the parts of both APIs have in common; what one of them takes and gives stands beside it
``published``   ``/.well-known/zegel``
``portal``      the pages

The outside half of this door sees ciphertext and envelopes; no plaintext, link secret or parcel key passes here.
"""
