"""References: what ``Model.field`` on the class is, before `col` or `via` make something of it."""

from __future__ import annotations

from typing import Any, NoReturn

import attrs

_OWN = frozenset({"root", "names", "to_many"})


@attrs.frozen
class FieldReference:
    """A field as a model names it: ``root``, and the names that lead there from it.

    ``to_many`` says that it leads to many rows.
    """

    root: type[Any]
    names: tuple[str, ...]
    to_many: bool = attrs.field(default=False, eq=False)

    @property
    def path(self) -> str:
        """The names as lookups write them."""
        return "__".join(self.names)

    def __str__(self) -> str:
        written = f"{self.root.__name__}.{self.names[0]}"
        for name in self.names[1:]:
            written = f"via({written}).{name}"
        return written

    def __repr__(self) -> str:
        return f"<field {self}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or name in _OWN:  # asked by copy and pickle, of an empty one too
            raise AttributeError(name)
        msg = (
            f"{self} is the field itself and has no {name!r}: conditions are made of col({self}), and the fields "
            f"of a related model are reached by via({self})."
        )
        raise AttributeError(msg)

    def _refuse(self, _: object) -> NoReturn:
        msg = f"{self} is the field itself, which is neither more nor less than anything: write col({self}) > …"
        raise TypeError(msg)

    __lt__ = __le__ = __gt__ = __ge__ = _refuse
