"""Sections of a panel that is too large for one module; each has a script of its name in ``front/``."""
