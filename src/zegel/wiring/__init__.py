"""The only place that knows every room: reads the configuration, builds the house, runs it.

``config``   ``zegel.toml`` → checked values
``ground``   a data folder and its values: what every role starts from
``build``    values → hands, as many as its zone may have
``joining``  hands → journeys: a :class:`~zegel.journeys.house.House`
``web``      the two WSGI programs, outside and inside
``serve``    the process group of ``zegel serve``
``demo``     an organisation to try
``command``  ``zegel``: the command line with everything handed to it
"""
