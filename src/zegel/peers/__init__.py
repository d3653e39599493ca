"""Other Zegel servers, over HTTP: what a sender's or reader's own machine needs of them.

``server``  deposit and collect at one server
"""
