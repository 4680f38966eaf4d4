"""The formats of files of rows: each writes row after row, so that any number of them fits into memory."""

from __future__ import annotations

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args
from xml.sax.saxutils import escape, quoteattr

import attrs

from ...core.errors import ConfigurationError, ConversionError, QueryError, suggestion
from ...core.json_codec import compact_json
from ...core.request_response import Row

RowFormat = Literal["csv", "json", "jsonl", "xml", "yaml"]
"""The formats in which rows can be exported."""

# XML 1.0 has no place for these characters.
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_YAML_LINES = frozenset("\x85\u2028\u2029")
_XML_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


class RowWriter(ABC):
    """Turns rows into the text of a file: what comes first, each row, and what comes last."""

    def begin(self) -> str:
        """Return what the file begins with."""
        return ""

    @abstractmethod
    def row(self, row: Row) -> str:
        """Return the text of a row.

        Raises:
            ConversionError: the format has no place for a value.
        """

    def end(self) -> str:
        """Return what the file ends with."""
        return ""


class JsonLines(RowWriter):
    """One JSON object in each line."""

    def row(self, row: Row) -> str:
        """Return a line."""
        return compact_json(row) + "\n"


class JsonList(RowWriter):
    """One JSON list of objects, each in a line."""

    def __init__(self) -> None:
        self._before = "\n"

    def begin(self) -> str:
        """Return the bracket."""
        return "["

    def row(self, row: Row) -> str:
        """Return a line, after the comma of the one before."""
        before, self._before = self._before, ",\n"
        return before + compact_json(row)

    def end(self) -> str:
        """Return the other bracket."""
        return "\n]\n"


class Yaml(RowWriter):
    """A YAML list of mappings."""

    def __init__(self) -> None:
        try:
            import yaml  # noqa: PLC0415 - an extra
        except ImportError as error:
            msg = "The format yaml needs PyYAML, which is missing: pip install 'directus_orm[yaml]'."
            raise ConfigurationError(msg) from error
        self._dump = yaml.safe_dump
        self._is_empty = True

    def row(self, row: Row) -> str:
        """Return the lines of an entry."""
        self._is_empty = False
        # PyYAML loses these letters in names, unless it writes all that is not ASCII as escapes.
        is_plain = _YAML_LINES.isdisjoint(compact_json(row))
        text: str = self._dump([dict(row)], allow_unicode=is_plain, sort_keys=False)
        return text

    def end(self) -> str:
        """Return an empty list if there were no rows, which would be null."""
        return "[]\n" if self._is_empty else ""


class Csv(RowWriter):
    """Comma-separated values with a header, as RFC 4180 has them.

    A name such as ``author.name`` is a column of the value at that path. Lists and objects are JSON. Null is
    empty. Without names, the first row has them.
    """

    def __init__(self, columns: Sequence[str] | None) -> None:
        self._columns = columns
        self._is_named = columns is not None
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)

    def begin(self) -> str:
        """Return the header, if the names are known before the first row."""
        return "" if self._columns is None else self._line(self._columns)

    def row(self, row: Row) -> str:
        """Return a line."""
        header = ""
        if self._columns is None:
            self._columns = list(row)
            header = self._line(self._columns)
        if not self._is_named and (more := row.keys() - set(self._columns)):
            raise ConversionError(
                f"CSV has no column for {min(more)!r}, which the first row does not have. Name the fields=."
            )
        values = [_value_at(row, name) if self._is_named else row.get(name) for name in self._columns]
        return header + self._line([_cell(value) for value in values])

    def _line(self, cells: Sequence[str]) -> str:
        self._writer.writerow(cells)
        line = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return line


class Xml(RowWriter):
    """``<rows>`` of ``<row>`` elements, with an element for each field; lists have ``<item>`` elements.

    A field whose name XML does not take is a ``<field name="…">``. Null has the attribute ``null="true"``.
    """

    def begin(self) -> str:
        """Return the declaration and the opening tag."""
        return '<?xml version="1.0" encoding="utf-8"?>\n<rows>\n'

    def row(self, row: Row) -> str:
        """Return the element of a row."""
        return _element("row", row) + "\n"

    def end(self) -> str:
        """Return the closing tag."""
        return "</rows>\n"


def _element(name: str, value: Any) -> str:
    is_name = _XML_NAME.fullmatch(name) is not None
    tag, attributes = (name, "") if is_name else ("field", f" name={quoteattr(_xml_text(name))}")
    if value is None:
        return f'<{tag}{attributes} null="true"/>'
    return f"<{tag}{attributes}>{_xml_content(value)}</{tag}>"


def _xml_content(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(_element(name, each) for name, each in value.items())
    if isinstance(value, list):
        return "".join(_element("item", each) for each in value)
    # A parser would read a carriage return as a new line.
    return escape(_xml_text(_cell(value)), {"\r": "&#13;"})


def _xml_text(text: str) -> str:
    if (match := _NOT_IN_XML.search(text)) is not None:
        raise ConversionError(f"XML has no place for the character {match[0]!r}. The other formats have.")
    return text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else compact_json(value)


def _value_at(value: Any, path: str) -> Any:
    """Return the value at a path such as ``author.name``; of a list of rows, the list of these values."""
    name, _, rest = path.partition(".")
    found = value.get(name)
    if not rest or found is None:
        return found
    if isinstance(found, list):
        return [_value_at(each, rest) if isinstance(each, Mapping) else each for each in found]
    return _value_at(found, rest) if isinstance(found, Mapping) else found


@attrs.frozen
class _Format:
    suffixes: tuple[str, ...]
    make: Callable[[Sequence[str] | None], RowWriter]


_FORMATS: Mapping[str, _Format] = {
    "csv": _Format((".csv",), Csv),
    "json": _Format((".json",), lambda _: JsonList()),
    "jsonl": _Format((".jsonl", ".ndjson"), lambda _: JsonLines()),
    "xml": _Format((".xml",), lambda _: Xml()),
    "yaml": _Format((".yaml", ".yml"), lambda _: Yaml()),
}


def row_writer(name: str, columns: Sequence[str] | None) -> RowWriter:
    """Return the writer of a format; ``columns`` are the names of the header, if they are known.

    Raises:
        QueryError: there is no such format.
        ConfigurationError: its package is missing.
    """
    if name not in _FORMATS:
        raise QueryError(
            f"format={name!r} is none of {', '.join(get_args(RowFormat))}.{suggestion(name, _FORMATS)}"
        )
    return _FORMATS[name].make(columns)


def format_of_suffix(suffix: str) -> str | None:
    """Return the format that the suffix of a file stands for; None if there is none."""
    return next((name for name, each in _FORMATS.items() if suffix.lower() in each.suffixes), None)
