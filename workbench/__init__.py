"""A Jupyter-first dataset curation workbench for Physical AI.

Names load on first use, so ``import workbench`` is quick and brings nothing heavy. They are declared once, in
``__init__.pyi``, for this module and for type checkers and editors alike.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
