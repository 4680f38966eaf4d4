# Made by directus-orm from the models, for type checkers and editors. Do not edit.
# fmt: off
# ruff: noqa: I001

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, Unpack
from directus_orm import Q, Rows
from directus_orm.query.lookups.server_values import ServerValue
from tests.typing.lookups import Glider, GliderPilot, Hangar, Wing

_T = TypeVar("_T")
_In: TypeAlias = Iterable[_T] | Rows[Any]
_Range: TypeAlias = tuple[_T, _T] | list[_T]

class _Lookups(TypedDict, total=False):
    id: Glider | int | None
    id__between: _Range[Glider | int]
    id__exact: Glider | int
    id__gt: Glider | int
    id__gte: Glider | int
    id__in: _In[Glider | int]
    id__isnull: bool
    id__lt: Glider | int
    id__lte: Glider | int
    id__range: _Range[Glider | int]
    sign: str | None
    sign__contains: str
    sign__empty: bool
    sign__endswith: str
    sign__exact: str
    sign__icontains: str
    sign__iendswith: str
    sign__iexact: str
    sign__in: _In[str]
    sign__isnull: bool
    sign__istartswith: str
    sign__startswith: str
    hangar: Hangar | int | None
    hangar__between: _Range[Hangar | int]
    hangar__exact: Hangar | int
    hangar__gt: Hangar | int
    hangar__gte: Hangar | int
    hangar__in: _In[Hangar | int]
    hangar__isnull: bool
    hangar__lt: Hangar | int
    hangar__lte: Hangar | int
    hangar__range: _Range[Hangar | int]
    hangar__id: Hangar | int | None
    hangar__id__between: _Range[Hangar | int]
    hangar__id__exact: Hangar | int
    hangar__id__gt: Hangar | int
    hangar__id__gte: Hangar | int
    hangar__id__in: _In[Hangar | int]
    hangar__id__isnull: bool
    hangar__id__lt: Hangar | int
    hangar__id__lte: Hangar | int
    hangar__id__range: _Range[Hangar | int]
    hangar__name: str | None
    hangar__name__contains: str
    hangar__name__empty: bool
    hangar__name__endswith: str
    hangar__name__exact: str
    hangar__name__icontains: str
    hangar__name__iendswith: str
    hangar__name__iexact: str
    hangar__name__in: _In[str]
    hangar__name__isnull: bool
    hangar__name__istartswith: str
    hangar__name__startswith: str
    hangar__pk: Hangar | int | None
    hangar__pk__between: _Range[Hangar | int]
    hangar__pk__exact: Hangar | int
    hangar__pk__gt: Hangar | int
    hangar__pk__gte: Hangar | int
    hangar__pk__in: _In[Hangar | int]
    hangar__pk__isnull: bool
    hangar__pk__lt: Hangar | int
    hangar__pk__lte: Hangar | int
    hangar__pk__range: _Range[Hangar | int]
    hangar__gliders__isnull: bool
    hangar__gliders__count: int
    hangar__gliders__count__exact: int
    hangar__gliders__count__in: _In[int]
    hangar__gliders__count__gt: int
    hangar__gliders__count__gte: int
    hangar__gliders__count__lt: int
    hangar__gliders__count__lte: int
    hangar__gliders__count__range: _Range[int]
    hangar__gliders: Glider | int
    hangar__gliders__in: _In[Glider | int]
    hangar__gliders__some: Q
    hangar__gliders__none: Q
    price: Decimal | int | None
    price__between: _Range[Decimal | int]
    price__exact: Decimal | int
    price__gt: Decimal | int
    price__gte: Decimal | int
    price__in: _In[Decimal | int]
    price__isnull: bool
    price__lt: Decimal | int
    price__lte: Decimal | int
    price__range: _Range[Decimal | int]
    wing: Wing | None
    wing__contains: str
    wing__empty: bool
    wing__endswith: str
    wing__exact: Wing
    wing__icontains: str
    wing__iendswith: str
    wing__iexact: str
    wing__in: _In[Wing]
    wing__isnull: bool
    wing__istartswith: str
    wing__startswith: str
    status: Literal["ready", "broken"] | None
    status__contains: str
    status__empty: bool
    status__endswith: str
    status__exact: Literal["ready", "broken"]
    status__icontains: str
    status__iendswith: str
    status__iexact: str
    status__in: _In[Literal["ready", "broken"]]
    status__isnull: bool
    status__istartswith: str
    status__startswith: str
    built: date | ServerValue | None
    built__between: _Range[date | ServerValue]
    built__exact: date | ServerValue
    built__gt: date | ServerValue
    built__gte: date | ServerValue
    built__in: _In[date | ServerValue]
    built__isnull: bool
    built__lt: date | ServerValue
    built__lte: date | ServerValue
    built__range: _Range[date | ServerValue]
    built__year: int
    built__year__exact: int
    built__year__gt: int
    built__year__gte: int
    built__year__lt: int
    built__year__lte: int
    built__year__in: _In[int]
    built__year__range: _Range[int]
    built__iso_year: int
    built__iso_year__exact: int
    built__iso_year__gt: int
    built__iso_year__gte: int
    built__iso_year__lt: int
    built__iso_year__lte: int
    built__iso_year__in: _In[int]
    built__iso_year__range: _Range[int]
    built__quarter: int
    built__quarter__exact: int
    built__quarter__gt: int
    built__quarter__gte: int
    built__quarter__lt: int
    built__quarter__lte: int
    built__quarter__in: _In[int]
    built__quarter__range: _Range[int]
    built__month: int
    built__month__exact: int
    built__month__gt: int
    built__month__gte: int
    built__month__lt: int
    built__month__lte: int
    built__month__in: _In[int]
    built__month__range: _Range[int]
    built__day: int
    built__day__exact: int
    built__day__gt: int
    built__day__gte: int
    built__day__lt: int
    built__day__lte: int
    built__day__in: _In[int]
    built__day__range: _Range[int]
    built__week: int
    built__week__exact: int
    built__week__gt: int
    built__week__gte: int
    built__week__lt: int
    built__week__lte: int
    built__week__in: _In[int]
    built__week__range: _Range[int]
    built__week_day: int
    built__week_day__exact: int
    built__week_day__gt: int
    built__week_day__gte: int
    built__week_day__lt: int
    built__week_day__lte: int
    built__week_day__in: _In[int]
    built__week_day__range: _Range[int]
    built__iso_week_day: int
    built__iso_week_day__exact: int
    built__iso_week_day__gt: int
    built__iso_week_day__gte: int
    built__iso_week_day__lt: int
    built__iso_week_day__lte: int
    built__iso_week_day__in: _In[int]
    built__iso_week_day__range: _Range[int]
    flown: datetime | ServerValue | None
    flown__between: _Range[datetime | ServerValue]
    flown__exact: datetime | ServerValue
    flown__gt: datetime | ServerValue
    flown__gte: datetime | ServerValue
    flown__in: _In[datetime | ServerValue]
    flown__isnull: bool
    flown__lt: datetime | ServerValue
    flown__lte: datetime | ServerValue
    flown__range: _Range[datetime | ServerValue]
    flown__date: date
    flown__date__exact: date
    flown__date__gt: date
    flown__date__gte: date
    flown__date__lt: date
    flown__date__lte: date
    flown__date__in: _In[date]
    flown__date__range: _Range[date]
    flown__year: int
    flown__year__exact: int
    flown__year__gt: int
    flown__year__gte: int
    flown__year__lt: int
    flown__year__lte: int
    flown__year__in: _In[int]
    flown__year__range: _Range[int]
    flown__iso_year: int
    flown__iso_year__exact: int
    flown__iso_year__gt: int
    flown__iso_year__gte: int
    flown__iso_year__lt: int
    flown__iso_year__lte: int
    flown__iso_year__in: _In[int]
    flown__iso_year__range: _Range[int]
    flown__quarter: int
    flown__quarter__exact: int
    flown__quarter__gt: int
    flown__quarter__gte: int
    flown__quarter__lt: int
    flown__quarter__lte: int
    flown__quarter__in: _In[int]
    flown__quarter__range: _Range[int]
    flown__month: int
    flown__month__exact: int
    flown__month__gt: int
    flown__month__gte: int
    flown__month__lt: int
    flown__month__lte: int
    flown__month__in: _In[int]
    flown__month__range: _Range[int]
    flown__day: int
    flown__day__exact: int
    flown__day__gt: int
    flown__day__gte: int
    flown__day__lt: int
    flown__day__lte: int
    flown__day__in: _In[int]
    flown__day__range: _Range[int]
    flown__week: int
    flown__week__exact: int
    flown__week__gt: int
    flown__week__gte: int
    flown__week__lt: int
    flown__week__lte: int
    flown__week__in: _In[int]
    flown__week__range: _Range[int]
    flown__week_day: int
    flown__week_day__exact: int
    flown__week_day__gt: int
    flown__week_day__gte: int
    flown__week_day__lt: int
    flown__week_day__lte: int
    flown__week_day__in: _In[int]
    flown__week_day__range: _Range[int]
    flown__iso_week_day: int
    flown__iso_week_day__exact: int
    flown__iso_week_day__gt: int
    flown__iso_week_day__gte: int
    flown__iso_week_day__lt: int
    flown__iso_week_day__lte: int
    flown__iso_week_day__in: _In[int]
    flown__iso_week_day__range: _Range[int]
    flown__hour: int
    flown__hour__exact: int
    flown__hour__gt: int
    flown__hour__gte: int
    flown__hour__lt: int
    flown__hour__lte: int
    flown__hour__in: _In[int]
    flown__hour__range: _Range[int]
    flown__minute: int
    flown__minute__exact: int
    flown__minute__gt: int
    flown__minute__gte: int
    flown__minute__lt: int
    flown__minute__lte: int
    flown__minute__in: _In[int]
    flown__minute__range: _Range[int]
    flown__second: int
    flown__second__exact: int
    flown__second__gt: int
    flown__second__gte: int
    flown__second__lt: int
    flown__second__lte: int
    flown__second__in: _In[int]
    flown__second__range: _Range[int]
    papers: Any
    papers__isnull: bool
    papers__has_key: Any
    papers__has_keys: Any
    papers__has_any_keys: Any
    colours: Any
    colours__empty: bool
    colours__isnull: bool
    colours__contains: Iterable[Any]
    colours__overlap: Iterable[Any]
    colours__contained_by: Iterable[Any]
    pk: Glider | int | None
    pk__between: _Range[Glider | int]
    pk__exact: Glider | int
    pk__gt: Glider | int
    pk__gte: Glider | int
    pk__in: _In[Glider | int]
    pk__isnull: bool
    pk__lt: Glider | int
    pk__lte: Glider | int
    pk__range: _Range[Glider | int]
    pilots__isnull: bool
    pilots__count: int
    pilots__count__exact: int
    pilots__count__in: _In[int]
    pilots__count__gt: int
    pilots__count__gte: int
    pilots__count__lt: int
    pilots__count__lte: int
    pilots__count__range: _Range[int]
    pilots: GliderPilot | int
    pilots__in: _In[GliderPilot | int]
    pilots__some: Q
    pilots__none: Q
    pilots__id: GliderPilot | int | None
    pilots__id__between: _Range[GliderPilot | int]
    pilots__id__exact: GliderPilot | int
    pilots__id__gt: GliderPilot | int
    pilots__id__gte: GliderPilot | int
    pilots__id__in: _In[GliderPilot | int]
    pilots__id__isnull: bool
    pilots__id__lt: GliderPilot | int
    pilots__id__lte: GliderPilot | int
    pilots__id__range: _Range[GliderPilot | int]
    pilots__name: str | None
    pilots__name__contains: str
    pilots__name__empty: bool
    pilots__name__endswith: str
    pilots__name__exact: str
    pilots__name__icontains: str
    pilots__name__iendswith: str
    pilots__name__iexact: str
    pilots__name__in: _In[str]
    pilots__name__isnull: bool
    pilots__name__istartswith: str
    pilots__name__startswith: str
    pilots__pk: GliderPilot | int | None
    pilots__pk__between: _Range[GliderPilot | int]
    pilots__pk__exact: GliderPilot | int
    pilots__pk__gt: GliderPilot | int
    pilots__pk__gte: GliderPilot | int
    pilots__pk__in: _In[GliderPilot | int]
    pilots__pk__isnull: bool
    pilots__pk__lt: GliderPilot | int
    pilots__pk__lte: GliderPilot | int
    pilots__pk__range: _Range[GliderPilot | int]

def lookups(*conditions: Q, **lookups: Unpack[_Lookups]) -> None: ...
