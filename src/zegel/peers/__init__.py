"""Other Zegel servers, over HTTP: what a sender's or reader's own machine, or another organisation, needs of them.

``server``    deposit and collect at one server
``arrivals``  hands a sealed parcel to another organisation's
"""
