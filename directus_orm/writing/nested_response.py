"""The response to a payload with nested instances: each instance takes the row that the server stored for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from ..core.request_response import Row
from ..fields.field import Field
from ..fields.registry import is_row_of
from ..fields.to_many import ToMany
from ..instances.state import RowIdentity, info_of, state_of
from ..reading.unknown_names import SentNames
from ..session.session import Session
from .nested_payload import ListEntry, NestedPayload
from .store_back import match_rows, store_row


def store_nested(session: Session, payload: NestedPayload, row: Row) -> list[Any]:
    """Store a row in the instance that was written, and its nested rows in the nested instances.

    Nested instances that are missing from the row, since this user does not see theirs, take the values that were
    sent; they are returned.
    """
    sent, stored = dict(payload.row), dict(row)
    unseen: list[Any] = []
    for name, related in payload.related.items():
        column, key = payload.info.fields[name].column, related.info.pk.column
        returned = row.get(column)
        nested_row = _related_row(related, returned)
        if returned is related.row or nested_row is not returned:
            unseen.append(related.instance)
        unseen += store_nested(session, related, nested_row)
        del sent[column]
        stored.pop(column, None)
        if nested_row.get(key) is not None:
            sent[column] = stored[column] = nested_row[key]
    for name, entries in payload.lists.items():
        relation = payload.info.relations[name]
        listed = payload.listed.get(name, frozenset())
        list_rows = stored.pop(relation.column, None)
        for entry_payload, entry_row in _match_entries(relation, entries, list_rows, listed):
            if entry_row is entry_payload.row:
                unseen.append(entry_payload.instance)
            unseen += store_nested(session, entry_payload, entry_row)
        del sent[relation.column]
    store_row(session, payload.instance, stored, sent)
    state = state_of(payload.instance)
    for name in payload.related:  # a relation whose key is unknown must not count as changed
        state.row.setdefault(payload.info.fields[name].column, None)
    state.pending.clear()
    for name, entries in payload.lists.items():
        for entry in entries:
            set_parent(entry.instance, payload.info.relations[name], payload.instance)
    return unseen


def _related_row(related: NestedPayload, returned: Any) -> Row:
    """Return the row of a many-to-one instance; a user who may not read it gets its key or nothing (G26)."""
    if isinstance(returned, dict):
        return returned
    return related.row if returned is None else {**related.row, related.info.pk.column: returned}


def missing_from_response(payload: NestedPayload, row: Any) -> Iterator[SentNames]:
    """Yield the names of lists, and of fields of their junctions, that were sent and are not in the response."""
    row = row if isinstance(row, dict) else {}
    for name, related in payload.related.items():
        yield from missing_from_response(related, row.get(payload.info.fields[name].column))
    for name, entries in payload.lists.items():
        names = payload.sent_names(name)
        if names.are_in(row):
            listed = payload.listed.get(name, frozenset())
            entry_rows: Iterable[tuple[NestedPayload, Row]] = _match_entries(
                names.relation, entries, row[names.relation.column], listed
            )
        else:
            yield names
            entry_rows = [(entry.payload, {}) for entry in entries if entry.payload is not None]
        for entry_payload, entry_row in entry_rows:
            yield from missing_from_response(entry_payload, entry_row)


def set_parent(child: Any, relation: ToMany, parent: Any) -> None:
    """Set the reverse relation of a child of a one-to-many; do nothing for other relations."""
    if relation.is_one_to_many:
        state_of(child).row[relation.reverse_field.column] = state_of(parent).row.get(info_of(parent).pk.column)
        child.__dict__[relation.reverse_field.name] = parent


def listed_rows(relation: ToMany, list_rows: Any) -> set[RowIdentity]:
    """Return what identifies the rows of a list in a response, or behind a list of its junction rows."""
    identities: set[RowIdentity] = set()
    for scope in relation.scopes:
        collection = scope.target.directus.collection
        identities |= {(collection, key) for key in related_rows(scope, list_rows)}
    return identities


def _match_entries(
    relation: ToMany, entries: Sequence[ListEntry], list_rows: Any, listed: Set[RowIdentity]
) -> Iterator[tuple[NestedPayload, Row]]:
    """Yield the payload of each new entry of a list with its row, or with the sent row if that is unclear.

    ``listed`` are the rows that the list held before.
    """
    for scope in relation.scopes:
        pk: Field = scope.target.directus.pk
        row_by_key = related_rows(scope, list_rows)
        in_scope = [entry for entry in entries if is_row_of(entry.instance, scope.target)]
        existing_keys = {entry.instance.pk for entry in in_scope if entry.payload is None}
        existing_keys |= {key for collection, key in listed if collection == scope.target.directus.collection}
        new_rows = {key: row for key, row in row_by_key.items() if key not in existing_keys}
        payloads = [entry.payload for entry in in_scope if entry.payload is not None]
        matches = match_rows(pk, [payload.row for payload in payloads], new_rows)
        for payload, row in zip(payloads, matches, strict=True):
            yield payload, payload.row if row is None else row


def related_rows(scope: ToMany, list_rows: Any) -> dict[Any, Row]:
    """Return the rows of one model behind the entries of a list, by key: those whose key this user sees."""
    pk: Field = scope.target.directus.pk
    return {
        pk.load(row[pk.column]): row for row in _rows_behind(scope, list_rows) if row.get(pk.column) is not None
    }


def _rows_behind(scope: ToMany, list_rows: Any) -> Iterator[Row]:
    for list_row in list_rows if isinstance(list_rows, list) else ():
        related_row = list_row
        if not isinstance(list_row, dict):
            continue
        if scope.has_junction:
            if scope.is_many_to_any and list_row.get(scope.collection_column) != scope.target.directus.collection:
                continue
            related_row = list_row.get(scope.target_column)
        if isinstance(related_row, dict):
            yield related_row
