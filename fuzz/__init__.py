"""Fuzzing: one target per parser in ``targets``, saved inputs in ``corpus``, started by ``run.py``."""
