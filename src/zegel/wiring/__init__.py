"""The only place that knows every room: reads the configuration, builds the house, runs it.

``config``    ``zegel.toml`` → checked values; ``policy``: its rules for mail
``ground``    a data folder and its values: what every role starts from
``build``     values → hands, as many as its zone may have; ``patches``, ``direct``, ``ways``: from one part of the file
``joining``   hands → journeys: a :class:`~zegel.journeys.house.House`
``web``       the two WSGI programs, outside and inside; ``smtp``: the SMTP door
``serve``     the process group of ``zegel serve``
``founding``  ``zegel init``
``demo``      an organisation to try
``command``   ``zegel``: the command line with everything handed to it; ``judging``: the rules for mail by themselves
"""
