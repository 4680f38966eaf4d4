"""Flights that left New York in 2013: four models, and the relations between them."""

from __future__ import annotations

from datetime import datetime

from directus_orm import Model, Related, field, generated, one_to_many


class Airline(Model, collection="airlines"):
    carrier: str = field(primary_key=True)
    name: str
    flights: Related[Flight] = one_to_many("carrier")


class Airport(Model, collection="airports"):
    faa: str = field(primary_key=True)
    name: str
    lat: float | None = None
    lon: float | None = None
    alt: int | None = None
    tz: int | None = None
    dst: str | None = None
    tzone: str | None = None


class Plane(Model, collection="planes"):
    tailnum: str = field(primary_key=True)
    year: int | None = None
    type: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    engines: int | None = None
    seats: int | None = None
    speed: int | None = None
    engine: str | None = None


class Flight(Model, collection="flights"):
    id: int = field(default=generated, primary_key=True)
    carrier: Airline
    origin: Airport
    dest: Airport
    tailnum: Plane | None = None
    year: int
    month: int
    day: int
    dep_time: int | None = None
    sched_dep_time: int
    dep_delay: int | None = None
    arr_time: int | None = None
    sched_arr_time: int
    arr_delay: int | None = None
    flight: int
    air_time: int | None = None
    distance: int
    hour: int
    minute: int
    time_hour: datetime
