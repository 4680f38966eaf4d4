"""Python names for the server's: of classes for collections, and of attributes for fields. Nothing is sent."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

import inflection

from ..core.errors import ConfigurationError
from ..fields.field import RESERVED

# What a generated class body uses by these names, so that a field of that name would hide it.
_USED_IN_BODIES = frozenset(
    """
    str int float bool list dict bytes Any Decimal UUID Literal Related ClassVar dt system field generated
    one_to_many many_to_many many_to_any self
    """.split()
)
# What a generated module imports, and what Python itself calls by a name with a capital.
_RESERVED_CLASSES = (
    frozenset("Model Related Any Decimal UUID Literal ClassVar StrEnum".split())
    | {name for name in vars(builtins) if name[0].isupper()}
    | set(keyword.kwlist)
)
# Words that look like plurals to inflection, and are none; and two whose singular nobody uses.
_KEPT_WORDS = frozenset("alias atlas bias canvas data gas lens media".split())
_UNDERSCORES = re.compile(r"__+")


def class_names(
    collections: Iterable[str], given: Mapping[str, str] | None = None, *, taken: Collection[str] = ()
) -> dict[str, str]:
    """Return the names of the classes for collections: in the singular, in camel case, each of its own.

    A word stays as it is if it is no plural, such as ``status``, or if nobody uses its singular, such as ``data``.
    Of two collections with one name, that which is in the singular gets it, and the other keeps its plural.

    Args:
        collections: the server's names, in any order.
        given: the names that the user chose for some of them.
        taken: names that no collection gets, unless the user chose it.

    Raises:
        ConfigurationError: the user chose one name twice.

    Example:
        >>> class_names(["articles", "os_deals", "status", "post", "posts"])
        {'articles': 'Article', 'os_deals': 'OsDeal', 'post': 'Post', 'posts': 'Posts', 'status': 'Status'}
    """
    collections = set(collections)
    names = _chosen(given, collections)
    used = {*names.values(), *taken, *_RESERVED_CLASSES}
    left = sorted(collections - names.keys(), key=lambda name: (_class_name(name) != _camel(name), name))
    for name in left:
        names[name] = first_free([_class_name(name), _camel(name)], used)
        used.add(names[name])
    return dict(sorted(names.items()))


def field_names(
    fields: Iterable[str], given: Mapping[str, str] | None = None, *, taken: Collection[str] = ()
) -> dict[str, str]:
    """Return the names of attributes for the fields of a collection: the server's own wherever Python takes them.

    Args:
        fields: the server's names, in any order.
        given: the names that the user chose for some of them.
        taken: further names that no field may get, such as those of the classes in annotations.

    Raises:
        ConfigurationError: the user chose one name twice.

    Example:
        >>> field_names(["title", "class", "with-dash", "1st", "save"])
        {'1st': 'n1st', 'class': 'class_', 'save': 'save_', 'title': 'title', 'with-dash': 'with_dash'}
    """
    hidden = {*RESERVED, *_USED_IN_BODIES, *taken, *keyword.kwlist}
    fields = set(fields)
    names = _chosen(given, fields)
    used = set(names.values())
    for name in sorted(fields - names.keys(), key=lambda name: (_attribute(name, hidden) != name, name)):
        names[name] = first_free([_attribute(name, hidden)], used)
        used.add(names[name])
    return dict(sorted(names.items()))


def enum_name(class_name: str, field: str) -> str:
    """Return the name of the enum of a field's choices, such as ``ArticleStatus``."""
    return f"{class_name}{_camel(field)}"


def member_names(choices: Iterable[str]) -> dict[str, str]:
    """Return the names of an enum's members: in capitals, each of its own.

    Example:
        >>> member_names(["in review", "2nd", "", "In-Review"])
        {'in review': 'IN_REVIEW', '2nd': 'N2ND', '': 'EMPTY', 'In-Review': 'IN_REVIEW2'}
    """
    names: dict[str, str] = {}
    for choice in choices:
        word = _UNDERSCORES.sub("_", _plain(choice)).strip("_").upper() or "EMPTY"
        word = word if word[:1].isidentifier() else f"N{word}"
        names[choice] = first_free([word], names.values())
    return names


def _chosen(given: Mapping[str, str] | None, names: Collection[str]) -> dict[str, str]:
    """Return those of a user's names that are for these of the server's; each is for one of them."""
    chosen = {name: each for name, each in (given or {}).items() if name in names}
    owners: dict[str, str] = {}
    for name, each in sorted(chosen.items()):
        if each in owners:
            raise ConfigurationError(f"{owners[each]!r} and {name!r} are both to be called {each!r}.")
        owners[each] = name
    return chosen


def first_free(names: Iterable[str], used: Collection[str]) -> str:
    """Return the first name that is free; else the last one with a number."""
    number, name = 2, ""
    for name in names:
        if name not in used:
            return name
    while f"{name}{number}" in used:
        number += 1
    return f"{name}{number}"


def _class_name(collection: str) -> str:
    """Return the name of a class, in the singular where the plural leads back to the name."""
    head, separator, word = _plain(collection).rpartition("_")
    singular = str(inflection.singularize(word))
    is_plural = word.lower() not in _KEPT_WORDS and word in (inflection.pluralize(singular), f"{singular}es")
    return _camel(f"{head}{separator}{singular if is_plural else word}")


def _camel(name: str) -> str:
    camel = "".join(word[:1].upper() + word[1:] for word in _plain(name).split("_"))
    return camel if camel[:1].isidentifier() else f"C{camel}"


def _attribute(name: str, hidden: Collection[str]) -> str:
    attribute = _UNDERSCORES.sub("_", _plain(name)).lstrip("_")
    attribute = attribute if attribute[:1].isidentifier() else f"n{attribute}"
    return f"{attribute}_" if attribute in hidden else attribute


def _plain(name: str) -> str:
    """Return a name of letters, digits and underscores alone, in the form that Python reads names in."""
    # Some digits and signs that regular expressions take for letters are none of Python's names.
    return "".join(each if f"a{each}".isidentifier() else "_" for each in unicodedata.normalize("NFKC", name))
