"""Where sealed bytes lie. This room cannot open them and needs no key to prove that they are whole.

``placement``  which places a class may have: pure
``patchwork``  several patches as one store; ``choosing``, ``reading``, ``writing``, ``outline``, ``health``: its parts
``sharing``    a blob as shares; ``share_writing``, ``share_reading``, ``share_settling``, ``in_turn``: its parts
``drivers``    one per kind of storage
"""
