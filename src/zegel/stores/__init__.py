"""Where sealed bytes lie. This room cannot open them and needs no key to prove that they are whole.

``placement``  which places a class may have: pure
``patchwork``  several patches as one store; ``reading``, ``writing``, ``outline`` and ``health`` are its parts
``drivers``    one per kind of storage
"""
