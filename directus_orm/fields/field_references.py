"""`FieldReference`: the value of ``Model.field`` on the class, which `col` and `via` take."""

from __future__ import annotations

from typing import Any, NoReturn

import attrs

_OWN_ATTRIBUTES = frozenset({"root", "names", "to_many"})


@attrs.frozen
class FieldReference:
    """A field, or with ``to_many`` a relation to many, reached from the model ``root`` by the names of fields."""

    root: type[Any]
    names: tuple[str, ...]
    to_many: bool = attrs.field(default=False, eq=False)

    @property
    def path(self) -> str:
        """The path to the field, as lookups write it."""
        return "__".join(self.names)

    def __str__(self) -> str:
        text = f"{self.root.__name__}.{self.names[0]}"
        for name in self.names[1:]:
            text = f"via({text}).{name}"
        return text

    def __repr__(self) -> str:
        return f"<field {self}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or name in _OWN_ATTRIBUTES:  # copy and pickle ask an instance without attributes
            raise AttributeError(name)
        msg = (
            f"{self} is the field itself and has no {name!r}: write conditions with col({self}), and reach "
            f"the fields of a related model by via({self})."
        )
        raise AttributeError(msg)

    def _refuse(self, _: object) -> NoReturn:
        msg = f"{self} is the field itself, which cannot be compared: write col({self}) > …"
        raise TypeError(msg)

    __lt__ = __le__ = __gt__ = __ge__ = _refuse
