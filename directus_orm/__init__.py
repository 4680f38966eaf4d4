"""An ORM over the Directus REST API: models in, HTTP out.

See the README for a tour, and docs/ for the whole story.
"""

from .convert import register_type
from .errors import (
    AuthenticationError,
    BulkFailure,
    ConfigurationError,
    ConversionError,
    DirectusError,
    DoesNotExist,
    FailedValidation,
    FieldError,
    Forbidden,
    InvalidForeignKey,
    InvalidRequest,
    MultipleObjectsReturned,
    NotNullViolation,
    OutcomeUnknown,
    PlaceLost,
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
from .fields import field, generated
from .models import Model
from .query.columns import Column, RelatedColumn, col, via
from .query.custom import register_lookup
from .query.dynamic import current_role, current_user, now
from .query.expressions import Avg, Count, F, Max, Min, Sum
from .query.prefetching import Prefetch
from .query.q import Q
from .query.queryset import QuerySet
from .query.related import Related
from .query.results import Page
from .query.rows import Rows
from .relations import many_to_any, many_to_many, one_to_many
from .session import Retry, Session, connect, current_session

__version__ = "0.1.0"

__all__ = [
    "AuthenticationError",
    "Avg",
    "BulkFailure",
    "Column",
    "ConfigurationError",
    "ConversionError",
    "Count",
    "DirectusError",
    "DoesNotExist",
    "F",
    "FailedValidation",
    "FieldError",
    "Forbidden",
    "InvalidForeignKey",
    "InvalidRequest",
    "Max",
    "Min",
    "Model",
    "MultipleObjectsReturned",
    "NotNullViolation",
    "OutcomeUnknown",
    "Page",
    "PlaceLost",
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
    "Unavailable",
    "UnsupportedQuery",
    "ValueOutOfRange",
    "ValueTooLong",
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
