"""Django's ORM on the database that Directus serves: what a query means is what it says there.

Django sees the tables through views that live in its own connection. They have the tables' names and show three
things as Django knows them: moments and dates, which Directus keeps on SQLite as milliseconds; junctions without
the rows that a removed link leaves behind; and, of a many-to-any, one key for each collection it leads to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from django.apps import AppConfig
from django.conf import settings
from django.db import connections, models

from directus_orm.testing import DirectusServer


class _App(AppConfig):
    """This module, as the app of its models: of others Django does not look for relations back."""

    label = "oracle"


class _Router:
    """Sends every query to the database that `reading` names, so that querysets read as everywhere."""

    alias = "default"

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return self.alias


_router = _Router()

if not settings.configured:
    settings.configure(
        USE_TZ=True,
        TIME_ZONE="UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {}},
        INSTALLED_APPS=[_App(__name__, sys.modules[__name__])],
        DATABASE_ROUTERS=[_router],
    )
    django.setup()


class NaiveDateTimeField(models.DateTimeField):
    """A Directus ``dateTime``: a time by the calendar and the clock, without a zone."""

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value and value.replace(tzinfo=None)


def text() -> Any:
    return models.CharField(max_length=255, null=True)


def many_to_one(model: str, reverse: str = "+", column: str | None = None) -> Any:
    return models.ForeignKey(model, models.DO_NOTHING, null=True, related_name=reverse, db_column=column)


# Null is allowed wherever the tables allow it. Of a field that forbids it Django assumes, below two negations,
# that a missing related row cannot occur either, and loses such rows.


class Airline(models.Model):
    carrier = models.CharField(primary_key=True, max_length=255)
    name = text()
    country = text()

    class Meta:
        app_label, managed, db_table = "oracle", False, "airlines"


class Plane(models.Model):
    tailnum = models.CharField(primary_key=True, max_length=255)
    maker = text()
    owner = many_to_one("Airline", column="owner")

    class Meta:
        app_label, managed, db_table = "oracle", False, "planes"


class Flight(models.Model):
    id = models.IntegerField(primary_key=True)
    carrier = many_to_one("Airline", "flights", "carrier")
    plane = many_to_one("Plane", column="plane")
    dep_delay = models.IntegerField(null=True)
    distance = models.FloatField(null=True)
    time_hour = models.DateTimeField(null=True)
    note = text()
    diverted = models.BooleanField(null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "flights"


class Author(models.Model):
    id = models.IntegerField(primary_key=True)
    name = text()
    born = models.DateField(null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "authors"


class Category(models.Model):
    id = models.IntegerField(primary_key=True)
    name = text()
    parent = many_to_one("Category", "children", "parent")

    class Meta:
        app_label, managed, db_table = "oracle", False, "categories"


class Article(models.Model):
    id = models.IntegerField(primary_key=True)
    title = text()
    body = models.TextField(null=True)
    author = many_to_one("Author", "articles", "author")
    category = many_to_one("Category", "articles", "category")
    published = models.DateTimeField(null=True)
    edited = NaiveDateTimeField(null=True)
    day = models.DateField(null=True)
    at = models.TimeField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    views = models.IntegerField(null=True)
    score = models.FloatField(null=True)
    open = models.BooleanField(null=True)
    tags = models.ManyToManyField("Tag", related_name="articles", through="ArticleTag")

    class Meta:
        app_label, managed, db_table = "oracle", False, "articles"


class Comment(models.Model):
    id = models.IntegerField(primary_key=True)
    article = many_to_one("Article", "comments", "article")
    author = many_to_one("Author", "comments", "author")
    text = text()
    likes = models.IntegerField(null=True)
    written = models.DateTimeField(null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "comments"


class Tag(models.Model):
    id = models.IntegerField(primary_key=True)
    name = text()

    class Meta:
        app_label, managed, db_table = "oracle", False, "tags"


class ArticleTag(models.Model):
    id = models.IntegerField(primary_key=True)
    article = many_to_one("Article", column="articles_id")
    tag = many_to_one("Tag", column="tags_id")

    class Meta:
        app_label, managed, db_table = "oracle", False, "articles_tags"


class Hero(models.Model):
    id = models.IntegerField(primary_key=True)
    title = text()

    class Meta:
        app_label, managed, db_table = "oracle", False, "heroes"


class Text(models.Model):
    id = models.IntegerField(primary_key=True)
    content = models.TextField(null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "texts"


class Page(models.Model):
    id = models.IntegerField(primary_key=True)
    title = text()

    class Meta:
        app_label, managed, db_table = "oracle", False, "pages"


class Block(models.Model):
    """A row of the junction, with a key for each collection: so ``blocks__hero__title`` is a path here, too."""

    id = models.IntegerField(primary_key=True)
    page = many_to_one("Page", "blocks", "pages_id")
    hero = many_to_one("Hero", column="hero")
    text = many_to_one("Text", column="text")

    class Meta:
        app_label, managed, db_table = "oracle", False, "pages_blocks"


MODELS: dict[str, type[models.Model]] = {
    model.__name__: model
    for model in (Airline, Plane, Flight, Author, Category, Article, Comment, Tag, Hero, Text, Page)
}


# --- views --------------------------------------------------------------------------------------------------

_MOMENT = (
    "strftime('%Y-%m-%d %H:%M:%S', ({0} - (({0} % 1000) + 1000) % 1000) / 1000, 'unixepoch')"
    " || CASE WHEN {0} % 1000 THEN printf('.%03d000', (({0} % 1000) + 1000) % 1000) ELSE '' END"
)
# How Django keeps on SQLite what Directus keeps there as milliseconds.
_AS_TEXT: dict[type[models.Field], str] = {
    models.DateTimeField: _MOMENT,
    NaiveDateTimeField: _MOMENT,
    models.DateField: "strftime('%Y-%m-%d', {0} / 1000, 'unixepoch')",
}
_JUNCTIONS = {
    "articles_tags": "SELECT * FROM {0}.articles_tags WHERE articles_id IS NOT NULL AND tags_id IS NOT NULL",
    "pages_blocks": "SELECT id, pages_id,"
    " CASE WHEN collection = 'heroes' THEN CAST(item AS INTEGER) END AS hero,"
    " CASE WHEN collection = 'texts' THEN CAST(item AS INTEGER) END AS text"
    " FROM {0}.pages_blocks WHERE pages_id IS NOT NULL",
}
_SCHEMAS = {"sqlite": "main", "postgresql": "public"}


def connect(server: DirectusServer) -> str:
    """Let Django read a server's database, where both worlds are built; return the alias for ``using()``."""
    alias = f"{server.database.vendor}_{server.port}"
    if alias not in connections.settings:
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: _options(server)})[
            alias
        ]
        _make_views(connections[alias])
    return alias


@contextmanager
def reading(server: DirectusServer) -> Iterator[None]:
    """Send the queries of these models to a server's database, without ``using()``."""
    before, _router.alias = _router.alias, connect(server)
    try:
        yield
    finally:
        _router.alias = before


def _make_views(connection: Any) -> None:
    selects = {name: select.format(_SCHEMAS[connection.vendor]) for name, select in _JUNCTIONS.items()}
    if connection.vendor == "sqlite":
        selects |= {model._meta.db_table: _readable(model) for model in MODELS.values()}
    with connection.cursor() as cursor:
        for name, select in selects.items():
            cursor.execute(f"CREATE TEMPORARY VIEW {name} AS {select}")


def _readable(model: type[models.Model]) -> str:
    columns = [
        _AS_TEXT.get(type(field), "{0}").format(field.column) + f" AS {field.column}"
        for field in model._meta.concrete_fields
    ]
    return f"SELECT {', '.join(columns)} FROM main.{model._meta.db_table}"


def _options(server: DirectusServer) -> dict[str, Any]:
    database = server.database
    if database.path is not None:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database.path)}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "HOST": database.host,
        "PORT": database.port,
        "USER": database.user,
        "PASSWORD": database.password,
    }
