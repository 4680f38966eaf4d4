"""Writing models as Python source: from the normal form of a schema to a module.

Imports only core to schema.
"""

from .modules import GeneratedModule, generate_module
from .options import GeneratorOptions

__all__ = ["GeneratedModule", "GeneratorOptions", "generate_module"]
