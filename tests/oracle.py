"""Django's ORM on the database that Directus serves: what a query means is what it says there."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.db import connections, models

from directus_orm.testing import DirectusServer

if not settings.configured:
    settings.configure(
        USE_TZ=True, TIME_ZONE="UTC", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", DATABASES={"default": {}}
    )
    django.setup()


# Null is allowed wherever the tables allow it. Of a field that forbids it Django assumes, below two negations,
# that a missing related row cannot occur either, and loses such rows.


class Airline(models.Model):
    carrier = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255, null=True)
    country = models.CharField(max_length=255, null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "airlines"


class Plane(models.Model):
    tailnum = models.CharField(primary_key=True, max_length=255)
    maker = models.CharField(max_length=255, null=True)
    owner = models.ForeignKey(Airline, models.DO_NOTHING, null=True, db_column="owner")

    class Meta:
        app_label, managed, db_table = "oracle", False, "planes"


class Flight(models.Model):
    id = models.IntegerField(primary_key=True)
    carrier = models.ForeignKey(Airline, models.DO_NOTHING, null=True, db_column="carrier")
    plane = models.ForeignKey(Plane, models.DO_NOTHING, null=True, db_column="plane")
    dep_delay = models.IntegerField(null=True)
    distance = models.FloatField(null=True)
    time_hour = models.DateTimeField(null=True)
    note = models.CharField(max_length=255, null=True)
    diverted = models.BooleanField(null=True)

    class Meta:
        app_label, managed, db_table = "oracle", False, "flights"


MODELS: dict[str, type[models.Model]] = {"Airline": Airline, "Plane": Plane, "Flight": Flight}


def connect(server: DirectusServer) -> str:
    """Let Django read a server's database, and return the alias for ``using()``."""
    alias = f"{server.database.vendor}_{server.port}"
    if alias not in connections.settings:
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: _options(server)})[
            alias
        ]
    return alias


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
