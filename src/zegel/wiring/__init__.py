"""The only place that knows every room: reads the configuration, builds the house, runs it.

``config``   ``zegel.toml`` → checked values
``build``    values → a :class:`~zegel.journeys.house.House`, with what its zone may have
``web``      the two WSGI programs, outside and inside
``serve``    the process group of ``zegel serve``
``demo``     an organisation to try
``command``  ``zegel``: the command line with everything handed to it
"""
