"""A module that is imported when something of it is used."""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class StandIn(ModuleType):
    """Stands in sys.modules for a module until an attribute of it is asked for, which then is that of the module."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        # what `inspect` looks at in every module must not import it
        self.__spec__, self.__file__, self.__loader__ = spec, spec.origin, spec.loader

    @property
    def in_place(self) -> bool:
        """Whether the module has not been imported yet."""
        return sys.modules.get(self.__name__) is self

    def real(self) -> ModuleType:
        """The module, imported in this one's place."""
        if self.in_place:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.real(), name)
