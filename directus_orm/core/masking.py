"""Keeps secrets out of what is shown: values, JSON data, GraphQL and URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import is_not
from typing import Any, NoReturn, Self, overload

import attrs

MASK = "**********"
SECRET_NAMES = frozenset(
    {"access_token", "otp", "otpauth_url", "password", "refresh_token", "secret", "tfa_secret", "token"}
)
"""The names of fields, in lower case, whose values are never shown."""

_NAMES = "|".join(sorted(SECRET_NAMES))
# In GraphQL: an argument, or a field of an input, with such a name; its value is a variable, a text, or a list or
# an object of these.
_GRAPHQL_TEXT = r'"""(?:\\"""|.)*?"""|"(?:[^"\\]|\\.)*"'
_GRAPHQL_SECRET = re.compile(
    rf"(?P<name>\b(?:{_NAMES})\s*:\s*)"
    rf"(?P<value>\$\w+|{_GRAPHQL_TEXT}|\[(?:{_GRAPHQL_TEXT}|[^\[\]])*\]|\{{(?:{_GRAPHQL_TEXT}|[^{{}}])*\}})",
    re.IGNORECASE | re.DOTALL,
)
_TEXT = re.compile(_GRAPHQL_TEXT, re.DOTALL)
_VARIABLE = re.compile(r"\$(\w+)")
_USER_OF_URL = re.compile(r"//[^/?#\s]*@")
_PARAM_OF_URL = re.compile(rf"((?<=[?&])(?:{_NAMES})|\[(?:{_NAMES})\][^=&\s]*)=[^&\s'\"]*", re.IGNORECASE)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)


@attrs.frozen(repr=False, eq=False)
class Secret:
    """A text, such as a token, that nothing shows: no repr, no log, no traceback. `reveal` returns it.

    It equals its text, and cannot be pickled.

    Example:
        >>> token = Secret("a-token")
        >>> print(token, repr(token), f"{token}")
        ********** <Secret **********> **********
        >>> token.reveal()
        'a-token'
    """

    # Hidden also from tools that show the fields of a value instead of its repr.
    _text: str = attrs.field(repr=False, validator=attrs.validators.instance_of(str))

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def parts(self) -> set[str]:
        """Return the text, and those parts of it that are as secret."""
        return {self._text}

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {MASK}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Secret):
            return type(self) is type(other) and self._text == other.reveal()
        return self._text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} cannot be pickled: it would be readable in the pickle.")


@overload
def as_secret(text: str | Secret) -> Secret: ...
@overload
def as_secret(text: str | Secret | None) -> Secret | None: ...
def as_secret(text: str | Secret | None) -> Secret | None:
    """Return a text as a `Secret`; what is one already, and None, as they are."""
    return Secret(text) if isinstance(text, str) else text


def masked(value: Any, names: frozenset[str] = SECRET_NAMES) -> Any:
    """Return JSON data in which the values of secret names read ``**********``; the same object if it has none."""
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Mapping):
        copy = {
            k: MASK if str(k).lower() in names and v is not None else masked(v, names) for k, v in value.items()
        }
        return copy if any(map(is_not, copy.values(), value.values())) else value
    if isinstance(value, list | tuple):
        items = [masked(v, names) for v in value]
        return items if any(map(is_not, items, value)) else value
    return value


def secret_texts(value: Any, names: frozenset[str] = SECRET_NAMES, *, inside: bool = False) -> set[str]:
    """Return the texts and numbers that `masked` would mask; all of them ``inside`` of a secret."""
    if isinstance(value, Secret):
        return value.parts()
    if isinstance(value, Mapping):
        parts = [secret_texts(v, names, inside=inside or str(k).lower() in names) for k, v in value.items()]
        return set[str]().union(*parts)
    if isinstance(value, list | tuple):
        return set[str]().union(*(secret_texts(v, names, inside=inside) for v in value))
    is_text = isinstance(value, str | int) and not isinstance(value, bool)
    return {str(value)} if inside and is_text else set()


def secret_variables(query: str) -> frozenset[str]:
    """Return the lower-case names of the variables that a GraphQL query uses as secrets."""
    values = [match["value"] for match in _GRAPHQL_SECRET.finditer(query)]
    return frozenset(name.lower() for value in values for name in _VARIABLE.findall(value))


def secrets_of_query(query: str) -> set[str]:
    """Return the secrets that are written in a GraphQL query itself."""
    values = [match["value"] for match in _GRAPHQL_SECRET.finditer(query)]
    return {text.strip('"') for value in values for text in _TEXT.findall(value)}


def masked_query(query: str) -> str:
    """Return a GraphQL query without the secrets that are written in it."""
    return _GRAPHQL_SECRET.sub(lambda match: match["name"] + _TEXT.sub(f'"{MASK}"', match["value"]), query)


def masked_target(text: str) -> str:
    """Return path and query string, without the latter if it speaks of a secret."""
    path, mark, query = text.partition("?")
    return f"{path}?{MASK}" if mark and _SECRET_NAME.search(query) else text


def masked_url(text: str) -> str:
    """Return a text without the user, password and secret parameters of the URLs in it."""
    return _PARAM_OF_URL.sub(rf"\1={MASK}", _USER_OF_URL.sub(f"//{MASK}@", text))
