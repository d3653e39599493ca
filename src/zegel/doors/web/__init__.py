"""The web door: HTTP in, a journey on the House, and errors out as replies. Thin: it decides nothing.

``installed``   the one holder of this process's House
``settings``    what Django needs, per zone
``middleware``  headers on every answer, limits on every body, errors as pages or problems
``problems``    the five families → HTTP, in the caller's language
``api``         outside zone, ``/api/v1``: ``uploads_api``, ``parcels_api``, ``reader_api``, ``arrivals_api``
``inside``      inside zone, ``/inside/v1``: signatures, and parcels from programs that cannot seal (``submission``)
``schemas``     what the parts of both APIs have in common; what one of them takes and gives stands beside it
``published``   ``/.well-known/zegel``
``bodies``      what comes in: streamed, or strict JSON; ``lanes``: how much of it at once; ``ranges``: what goes out
``portal``      the pages; ``account``, ``sent``, ``fill_in`` and ``received`` (inside) are some of them
``patchwork``   pages of officers; ``rules_said``, ``pictures``, ``plan_b``

The outside half of this door sees ciphertext and envelopes; no plaintext, link secret or parcel key passes here.
"""
