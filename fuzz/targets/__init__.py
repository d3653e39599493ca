"""One module per parser, each with ``one(data)``: it may raise nothing, whatever the bytes.

A target is more than "does not crash": it states what must hold for every input (one spelling per value, the same
answer in one piece or many, only the errors of the layer) and asserts it.
"""
