"""Lists that the server does not have as a field: their rows are found by the many-to-one that refers back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..core.request_response import Row
from ..fields.to_many import ToMany
from ..query.lookups.field_lookups import in_values
from ..query.lookups.ordering import list_queries
from ..query.query import Query
from ..reading.readable_fields import loadable_part
from ..reading.run_query import read_pages
from .hydration import RowLoader
from .state import PageBatch, key_of

# The keys of one request.
_MOST_KEYS = 1000


def load_lists(batch: PageBatch, instances: Sequence[Any], relation: ToMany) -> None:
    """Load the list of a relation for these instances of a batch, by one request for 1,000 of them."""
    parents = {key_of(instance): instance for instance in instances}
    lists: dict[Any, list[Any]] = {key: [] for key in parents}
    reverse, query = relation.reverse_field, list_queries(relation)[0]
    loader = RowLoader(query.model, query.paths, query.nested)
    children = batch.related_batch(query.model, relation.path_name, many=True)
    for row in _rows(batch, query, relation, list(parents)):
        key = reverse.load(row[reverse.column])
        child = loader.related_instance(row, children)
        child.__dict__[reverse.name] = parents[key]
        lists[key].append(child)
    for key, instance in parents.items():
        instance.__dict__[relation.name] = lists[key]


def _rows(batch: PageBatch, query: Query, relation: ToMany, keys: list[Any]) -> Iterator[Row]:
    for start in range(0, len(keys), _MOST_KEYS):
        refers = query.filtered(in_values((relation.reverse_field,), keys[start : start + _MOST_KEYS]))
        refers = loadable_part(batch.session, refers.evolve(readable=batch.readable or query.readable))
        for rows in read_pages(batch.session, refers):
            yield from rows
