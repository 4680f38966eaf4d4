"""An ORM over the Directus REST API: typed models, lazy querysets as in Django, and sessions that send requests.

Import everything from here. README.md is a tour, and docs/ has a page on each subject.

Example:
    >>> with Session("http://localhost:8055", token="…"):  # doctest: +SKIP
    ...     for flight in Flight.objects.filter(dep_delay__gt=60).select_related("carrier"):
    ...         print(flight.id, flight.carrier.name)
"""

from inspect import isfunction, unwrap

from .core.deferred_import import DeferredModule
from .core.errors import (
    AuthenticationError,
    BulkFailure,
    ConfigurationError,
    ConversionError,
    DefaultLimitWarning,
    DirectusError,
    DoesNotExist,
    FailedValidation,
    FieldError,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    IterationLost,
    MultipleObjectsReturned,
    NotNullViolation,
    NotVisibleWarning,
    OutcomeUnknown,
    Protected,
    QueryError,
    RateLimited,
    RecordNotUnique,
    RoundedWarning,
    ServerError,
    StaleObject,
    TransportError,
    Unavailable,
    UnsupportedQuery,
    ValueOutOfRange,
    ValueTooLong,
)
from .fields.annotation_types import register_type
from .fields.declarations.generated import generated
from .fields.field import field
from .fields.to_many_declaration import many_to_any, many_to_many, one_to_many
from .models.check_models import check_models
from .models.model import Model
from .models.typed_lookups import TypedManager
from .query.expressions import Avg, Count, F, Max, Min, Sum
from .query.lookups.custom_lookups import register_lookup
from .query.lookups.server_values import current_role, current_user, now
from .query.q import Q
from .querysets.base_queryset import Rows
from .querysets.prefetching import Prefetch
from .querysets.queryset import QuerySet
from .querysets.related import Related
from .querysets.result_shapes import Page as Page
from .querysets.results import Results
from .querysets.typed_conditions import Column, RelatedColumn, col, via
from .querysets.writable_rows import WritableRows
from .session.current import connect, current_session
from .session.http.retry import Retry
from .session.items.whole_lists import register_reader
from .session.permissions.permissions import ActionPermission, Allowed, Permissions
from .session.session import Session

__version__ = "0.1.0"

# `Items.read_all` pages as models do. The module that it needs is imported at the first call.
_plain_rows = DeferredModule(".models.plain_rows", __name__)
register_reader(lambda *arguments: _plain_rows.read_pages(*arguments))  # noqa: PLW0108 - naming it would import it

# `Page` is missing: after `from directus_orm import *` it would hide a model of that name, a common one.
__all__ = [
    "ActionPermission",
    "Allowed",
    "AuthenticationError",
    "Avg",
    "BulkFailure",
    "Column",
    "ConfigurationError",
    "ConversionError",
    "Count",
    "DefaultLimitWarning",
    "DirectusError",
    "DoesNotExist",
    "F",
    "FailedValidation",
    "FieldError",
    "Forbidden",
    "InvalidForeignKey",
    "InvalidRequest",
    "IterationLost",
    "Max",
    "Min",
    "Model",
    "MultipleObjectsReturned",
    "NotNullViolation",
    "NotVisibleWarning",
    "OutcomeUnknown",
    "Permissions",
    "Prefetch",
    "Protected",
    "Q",
    "QueryError",
    "QuerySet",
    "RateLimited",
    "RecordNotUnique",
    "Related",
    "RelatedColumn",
    "Retry",
    "RoundedWarning",
    "Rows",
    "ServerError",
    "Session",
    "StaleObject",
    "Sum",
    "TransportError",
    "TypedManager",
    "Unavailable",
    "UnsupportedQuery",
    "ValueOutOfRange",
    "ValueTooLong",
    "check_models",
    "col",
    "connect",
    "current_role",
    "current_session",
    "current_user",
    "field",
    "generated",
    "many_to_any",
    "many_to_many",
    "now",
    "one_to_many",
    "register_lookup",
    "register_type",
    "via",
]

# Tracebacks, pickles and reprs show these names as users import them, not where the code lives.
for _value in [globals()[_name] for _name in [*__all__, "Page"]]:
    if callable(_value):
        _value.__module__ = __name__
# A TypeError for a wrong argument shows the public class that has a method, not the base that defines it.
for _base, _class in ((Results, Rows), (WritableRows, QuerySet)):
    for _method in filter(isfunction, vars(_base).values()):
        for _function in (_method, unwrap(_method)):  # an async twin wraps another method
            if _function.__name__ == _method.__name__:
                _function.__module__, _function.__qualname__ = __name__, f"{_class.__name__}.{_method.__name__}"
