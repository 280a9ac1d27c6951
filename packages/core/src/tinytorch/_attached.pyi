"""What all operations add to Tensor, for type checkers and editors: here, core's alone.

``python -m tinytorch stubs`` writes another one, with the methods of the plugins that are
installed, into a stub package that stands in for this module.
"""

from ._methods import CoreMethods

class AttachedMethods(CoreMethods): ...
