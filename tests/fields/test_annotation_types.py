"""What annotations mean, and what values become on the way to the server and back; no server is needed here."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directus_orm import ConfigurationError, ConversionError, Model, field, register_type
from directus_orm.fields.annotation_types import field_type, unregister_type
from directus_orm.fields.registry import registered_types
from directus_orm.fields.type_table import JunctionKey
from tests.fields.round_trip import (
    AWARE,
    DATES,
    DECIMALS,
    FLOATS,
    NAIVE,
    SAFE_INTS,
    TEXTS,
    Movie,
    Point,
    round_trip,
)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 3


class Tone(enum.StrEnum):
    LOUD = "loud"
    SOFT = "soft"


class Unknown:
    pass


class Note(Model):
    id: int = field(primary_key=True)
    text: str | None = None
    secret: str | None = field(default=None, type="hash")
    amount: Decimal | None = None


@pytest.fixture
def _no_registered_types() -> Iterator[None]:
    before = set(registered_types())
    yield
    for registered in set(registered_types()) - before:
        unregister_type(registered.python)


# --- annotations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "declared", "kind"),
    [
        (str, None, "string"),
        (str, "text", "text"),
        (str, "hash", "hash"),
        (str, "uuid", "uuid"),
        (int, None, "integer"),
        (int, "bigInteger", "bigInteger"),
        (float, None, "float"),
        (float, "decimal", "decimal"),
        (Decimal, None, "decimal"),
        (bool, None, "boolean"),
        (datetime, None, "timestamp"),
        (datetime, "dateTime", "dateTime"),
        (date, None, "date"),
        (time, None, "time"),
        (UUID, None, "uuid"),
        (Color, None, "string"),
        (Color, "text", "text"),
        (Size, None, "integer"),
        (Literal["a", "b"], None, "string"),
        (Literal[1, 2], None, "integer"),
        (list, None, "json"),
        (dict, None, "json"),
        (list[int], None, "json"),
        (dict[str, Point], None, "json"),
        (Point, None, "json"),
        (Movie, None, "json"),
        (int | str, None, "json"),
        (object, None, "json"),
        (list, "csv", "csv"),
        (list[str], "csv", "csv"),
        (dict, "geometry.Point", "geometry.Point"),
    ],
)
def test_every_annotation_means_a_directus_type(annotation: Any, declared: str | None, kind: str) -> None:
    assert field_type(annotation, declared).kind == kind


@pytest.mark.parametrize(
    ("annotation", "declared", "message"),
    [
        (Unknown, None, "Unknown is no type this library knows.*register_type"),
        (bytes, None, "bytes is no type this library knows"),
        (list[Unknown], None, r"list\[.*Unknown\].*register_type"),
        (dict[str, Unknown], None, r"dict\[.*Unknown\].*register_type"),
        (list[Note], None, r"list\[.*Note\].*is no type this library knows"),
        (int, "timestamp", "int cannot be stored as 'timestamp'; choices: integer, bigInteger"),
        (list[int], "csv", r"list\[int\] cannot be stored as 'csv'; choices: json"),
        (Color, "json", "cannot be stored as 'json'"),
        (Literal["a", 1], None, "mixes values of"),
    ],
)
def test_an_annotation_without_meaning_is_refused_with_the_choices(
    annotation: Any, declared: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        field_type(annotation, declared)


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (7, 7),
        ("9007199254740993", 9007199254740993),  # bigInteger, from PostgreSQL
        ("5f0c6a52-5a2e-4a8e-9f0b-2f8f5b1f0a11", UUID("5f0c6a52-5a2e-4a8e-9f0b-2f8f5b1f0a11")),
        ("5F0C6A52-5A2E-4A8E-9F0B-2F8F5B1F0A11", "5F0C6A52-5A2E-4A8E-9F0B-2F8F5B1F0A11"),
        ("007", "007"),
        ("en-US", "en-US"),
    ],
)
def test_a_key_whose_type_is_not_declared_is_sent_as_it_was_read(raw: Any, key: Any) -> None:
    kind = field_type(JunctionKey, None)
    assert kind.load(raw) == key
    assert type(kind.load(raw)) is type(key)
    assert kind.dump(key) == raw


@pytest.mark.parametrize("value", [True, 1.5, None, [1]])
def test_what_is_no_key_is_refused(value: Any) -> None:
    kind = field_type(JunctionKey, None)
    for convert in (kind.load, kind.dump):
        with pytest.raises(TypeError):
            convert(value)


def test_a_model_with_an_unknown_annotation_names_the_field() -> None:
    class Broken(Model):
        id: int
        what: Unknown

    with pytest.raises(ConfigurationError, match=r"Broken\.what: Unknown is no type"):
        Broken.directus.fields


# --- round trips --------------------------------------------------------------------------------------------


@given(TEXTS)
def test_text_survives(text: str) -> None:
    assert round_trip(str, text) == text


@given(SAFE_INTS)
def test_integers_survive(number: int) -> None:
    assert round_trip(int, number) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_g32_integers_of_64_bits_travel_as_digits_where_a_number_would_be_rounded(number: int) -> None:
    sent = field_type(int, "bigInteger").dump(number)
    assert int(sent) == number
    assert isinstance(sent, int if abs(number) < 2**53 else str)
    assert field_type(int, "bigInteger").load(str(number)) == number  # as PostgreSQL answers


@given(FLOATS)
def test_floats_survive(number: float) -> None:
    assert round_trip(float, number) == number


@given(DECIMALS)
def test_decimals_travel_as_text_with_all_their_digits(number: Decimal) -> None:
    sent = field_type(Decimal, None).dump(number)
    assert isinstance(sent, str)
    assert "E" not in sent
    assert round_trip(Decimal, number) == number


@given(AWARE)
def test_g30_timestamps_survive_to_the_millisecond(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert round_trip(datetime, moment) == cut
    assert round_trip(datetime, moment).tzinfo == UTC


@given(NAIVE)
def test_g30_datetimes_without_offset_survive_to_the_second(moment: datetime) -> None:
    assert round_trip(datetime, moment, "dateTime") == moment.replace(microsecond=0)


@given(DATES)
def test_dates_survive(day: date) -> None:
    assert round_trip(date, day) == day


@given(st.times())
def test_times_of_whole_seconds_survive(moment: time) -> None:
    moment = moment.replace(microsecond=0)
    assert round_trip(time, moment) == moment


@given(st.uuids())
def test_uuids_survive_and_travel_in_lower_case(value: UUID) -> None:
    assert round_trip(UUID, value) == value
    assert round_trip(UUID, str(value).upper()) == value
    assert field_type(str, "uuid").dump(str(value).upper()) == str(value)


@given(st.lists(TEXTS.filter(lambda text: "," not in text)).filter(lambda items: items != [""]))
def test_csv_lists_survive(items: list[str]) -> None:
    assert round_trip(list[str], items, "csv") == items


@pytest.mark.parametrize(
    ("annotation", "value", "sent"),
    [
        (bool, True, True),
        (Color, Color.RED, "red"),
        (Size, Size.LARGE, 3),
        (Tone, Tone.SOFT, "soft"),
        (Literal["a", "b"], "b", "b"),
        (Literal[1, 2], 2, 2),
        (Literal[True], True, True),
        (Literal[Color.RED], Color.RED, "red"),
        (Movie, {"title": "Alien", "year": 1979}, {"title": "Alien", "year": 1979}),
        (list[int | None], [1, None], [1, None]),
        (list[int | str], [1, "1"], [1, "1"]),
        (int | str, 5, 5),
        (int | str, "five", '"five"'),
        (bool | str, True, "true"),
        (object, "", '""'),
        (object, False, "false"),
        (list[Decimal], [Decimal("1.10")], ["1.10"]),
        (list[UUID], [UUID(int=1)], [str(UUID(int=1))]),
        (list[date], [date(2024, 2, 29)], ["2024-02-29"]),
        (list[Color], [Color.RED], ["red"]),
        (list[Size], [Size.LARGE], [3]),
        (list[Tone | None], [Tone.SOFT, None], ["soft", None]),
        (dict[Color, int], {Color.RED: 1}, {"red": 1}),
        (Point | Movie, Point(1.0, 2.0), {"x": 1.0, "y": 2.0, "name": None}),
        (dict[str, Literal["a"]], {"k": "a"}, {"k": "a"}),
        (list[dict[str, list[int]]], [{"a": [1]}], [{"a": [1]}]),
        (list[float], [1.0, 1e20], [1.0, 1e20]),
    ],
)
def test_a_value_is_sent_in_its_form_and_comes_back_equal(annotation: Any, value: Any, sent: Any) -> None:
    assert field_type(annotation, None).dump(value) == sent
    assert type(field_type(annotation, None).dump(value)) is type(sent)
    back = round_trip(annotation, value)
    assert back == value
    assert type(back) is type(value)


def test_a_choice_may_be_given_as_its_value() -> None:
    assert field_type(Color, None).dump("red") == "red"
    assert field_type(Size, None).dump(3) == 3


# --- what servers answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "kind", "raw", "value"),
    [
        pytest.param(int, "bigInteger", "9007199254740993", 2**53 + 1, id="PostgreSQL writes bigInteger as text"),
        pytest.param(bool, None, 1, True, id="G46 a boolean without cast-boolean"),
        pytest.param(float, None, 5, 5.0, id="a whole float"),
        pytest.param(float, "decimal", "1.10000", 1.1, id="a decimal as float"),
        pytest.param(Decimal, None, "1.10000", Decimal("1.1"), id="a decimal padded to its scale"),
        pytest.param(Decimal, None, 1.1, Decimal("1.1"), id="G46 a decimal of SQLite"),
        pytest.param(Decimal, None, 10**20, Decimal(10**20), id="a large decimal of SQLite"),
        pytest.param(date, None, 0, date(1970, 1, 1), id="SQLite's epoch, date"),
        pytest.param(datetime, "dateTime", 0, datetime(1970, 1, 1), id="SQLite's epoch, dateTime"),
        pytest.param(datetime, None, 0, datetime(1970, 1, 1, tzinfo=UTC), id="SQLite's epoch, timestamp"),
        pytest.param(date, None, "424-05-16", date(424, 5, 16), id="a year of Directus 10"),
        pytest.param(list[float], None, [1, 10**20], [1.0, 1e20], id="JavaScript's whole floats"),
        pytest.param(Point, None, {"x": 1, "y": 2}, Point(1.0, 2.0), id="defaults fill in"),
        pytest.param(Movie, None, {"title": "A", "more": 1}, {"title": "A", "more": 1}, id="TypedDict keeps all"),
    ],
)
def test_the_forms_of_different_databases_are_read_alike(
    annotation: Any, kind: str | None, raw: Any, value: Any
) -> None:
    assert field_type(annotation, kind).load(raw) == value


@pytest.mark.parametrize(
    ("annotation", "kind", "raw", "message"),
    [
        (str, None, 5, "a string is expected, not 5"),
        (int, None, "abc", "invalid literal"),
        (int, None, 1.5, "an integer is expected"),
        (int, None, True, "an integer is expected"),
        (int, "bigInteger", 2**53 + 2, "the server rounds integers beyond"),
        (float, None, "much", "could not convert"),
        (Decimal, None, 12345678901234567000, "more than 15 digits"),
        (Decimal, None, 0.12345678901234567, "more than 15 digits"),
        (bool, None, 2, "true or false is expected"),
        (bool, None, "true", "true or false is expected"),
        (datetime, None, "2024-01-01T00:00:00", "type='dateTime'"),
        (datetime, "dateTime", "2024-01-01T00:00:00Z", "a dateTime with an offset"),
        (date, None, "soon", "soon"),
        (UUID, None, "nope", "badly formed"),
        (Color, None, "green", "'green' is none of"),
        (Literal[1, 2], None, 3, "3 is none of"),
        (list, None, {"a": 1}, "a list is expected"),
        (dict, None, [1], "an object is expected"),
        (list[int], None, [1.5], "an integer is expected"),
        (list[int], None, [2**53 + 2], "an integer is expected"),
        (list[int], None, ["1"], "an integer is expected"),
        (list[str], None, "abc", "a list is expected"),
        (list[str], None, {"a": 1}, "a list is expected"),
        (list[bool], None, ["false"], "true or false is expected"),
        (list[str], None, [5], "a string is expected"),
        (dict[str, int], None, [1], "an object is expected"),
        (Point, None, {"x": 1}, "y"),
        (Point, None, [1, 2], "Point"),
        (Point, None, {"x": 1, "y": 2, "z": 3}, "extra fields found .*z"),
        (Movie, None, {"year": "1979"}, "an integer is expected"),
        (int | str, None, 1.5, "1.5"),
        (list[Color], None, ["green"], "green"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_bent(
    annotation: Any, kind: str | None, raw: Any, message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        field_type(annotation, kind).load(raw)


def test_a_decimal_of_doubtful_digits_is_refused_whatever_the_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 5
        with pytest.raises(ValueError, match="more than 15 digits"):
            field_type(Decimal, None).load(0.12345678901234567)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "kind", "value", "message"),
    [
        (str, None, 5, r"a string is expected, not 5 \(int\)"),
        (str, None, "a\x00b", "NUL"),
        (str, None, "a\ud800", "surrogate"),
        (str, None, "**********", "instead of a secret"),
        (str, "hash", "**********", "instead of a secret"),
        (str, "uuid", "nope", "badly formed"),
        (int, None, True, r"an int is expected, not True \(bool\)"),
        (int, None, 1.0, "an int is expected"),
        (int, None, "5", "an int is expected"),
        (int, None, 2**63, "64 bits"),
        (float, None, math.nan, "NaN"),
        (float, None, math.inf, "infinity"),
        (float, None, "5", "a float is expected"),
        (float, None, 10**400, "too large"),
        (Decimal, None, 1.1, r"Decimal\(str\(x\)\)"),
        (Decimal, None, Decimal("NaN"), "NaN"),
        (Decimal, None, Decimal("1E+309"), "infinity"),
        (Decimal, None, Decimal("-1E+999999"), "infinity"),
        (Decimal, None, 10**309, "infinity"),
        (bool, None, 1, "True or False is expected"),
        (datetime, None, datetime(2024, 1, 1), "no tzinfo"),
        (datetime, None, date(2024, 1, 1), "a datetime is expected"),
        (datetime, None, datetime(99, 1, 1, tzinfo=UTC), "years before 100"),
        (datetime, None, datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "out of range"),
        (datetime, "dateTime", datetime(2024, 1, 1, tzinfo=UTC), "has a tzinfo"),
        (datetime, "dateTime", datetime(1, 1, 1), "years before 100"),
        (date, None, datetime(2024, 1, 1), r"value.date\(\)"),
        (date, None, date(99, 12, 31), "years before 100"),
        (time, None, time(1, 2, 3, 4), "whole seconds"),
        (time, None, time(1, tzinfo=UTC), "whole seconds"),
        (UUID, None, 5, "a UUID"),
        (Color, None, "green", "none of"),
        (Color, None, Size.SMALL, "a string is expected"),
        (Literal["a"], None, "b", "none of"),
        (list[str], "csv", ["a,b"], "comma"),
        (list[str], "csv", [""], "single empty"),
        (list[str], "csv", [1], "a string is expected"),
        (list[str], "csv", "abc", "a list of strings"),
        (list, None, {"a": 1}, "a list is expected"),
        (dict, None, [1], "an object is expected"),
        (dict, None, {1: "a"}, "every key"),
        (dict, None, {"__proto__": 1}, "__proto__"),
        (dict, None, {"a": {1, 2}}, "JSON has no set"),
        (dict, None, {"a": 2**53 + 1}, "rounded"),
        (dict, None, {"a": [math.nan]}, "NaN"),
        (list, None, ["a\x00"], "NUL"),
        (list, None, [date(2024, 1, 1)], "JSON has no date"),
        (object, None, "123", "parse the string"),
        (object, None, "null", "parse the string"),
        (object, None, " {} ", "parse the string"),
        (object, None, "9" * 5000, "parse the string"),
        (list[int], None, [1.5], r"list\[int\]"),
        (list[int], None, [True], r"list\[int\]"),
        (Point, None, {"x": 1.0, "y": 2.0}, "Point"),
        (Point, None, Point("1", 2), "Point"),  # type: ignore[arg-type]
        (list[Point], None, [{"x": 1.0, "y": 2.0, "name": None}], "Point"),
        (Movie, None, {"year": "1979"}, "Movie"),
        (int | str, None, 1.5, "1.5"),
    ],
)
def test_what_would_not_survive_is_refused_with_the_reason(
    annotation: Any, kind: str | None, value: Any, message: str
) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError), match=message):
        field_type(annotation, kind).dump(value)


def test_a_refusal_names_the_model_the_key_and_the_field() -> None:
    with pytest.raises(ConversionError) as caught:
        Note.directus.fields["amount"].dump(1.5, key=7)
    assert str(caught.value).startswith("Note.amount (key 7): 1.5 does not fit Decimal:")
    assert (caught.value.model, caught.value.key, caught.value.field) == ("Note", 7, "amount")


@pytest.mark.parametrize("secret", [b"hunter2", ["hunter2"], "hunter2\x00", "hunter2\ud800"])
def test_what_goes_into_a_hash_field_is_in_no_message(secret: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        Note.directus.fields["secret"].dump(secret)
    assert "hunter2" not in str(caught.value)


def test_a_message_does_not_repeat_a_large_value() -> None:
    with pytest.raises(ConversionError) as caught:
        Note.directus.fields["text"].dump(["x" * 100_000])
    assert len(str(caught.value)) < 500


def test_none_is_refused_where_the_annotation_forbids_it() -> None:
    with pytest.raises(ConversionError, match=r"no '\| None'"):
        Note.directus.fields["id"].dump(None)
    assert Note.directus.fields["text"].dump(None) is None


# --- own types ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_registered_types")
class TestRegisterType:
    def test_an_own_type_travels_by_its_two_functions(self) -> None:
        register_type(Fraction, load=Fraction, dump=str, type="string")
        assert field_type(Fraction, None).kind == "string"
        assert round_trip(Fraction, Fraction(1, 3)) == Fraction(1, 3)

    def test_field_type_says_where_it_is_stored(self) -> None:
        register_type(Fraction, load=Fraction, dump=str, type="string")
        assert field_type(Fraction, "text").kind == "text"

    def test_an_own_type_works_inside_json(self) -> None:
        field_type(list[int], None).load([1])  # what was used before must not matter
        register_type(Fraction, load=Fraction, dump=str, type="string")
        assert round_trip(list[Fraction], [Fraction(1, 3)]) == [Fraction(1, 3)]
        assert round_trip(dict[str, Fraction | None], {"a": None}) == {"a": None}

    def test_a_refusal_of_its_functions_names_the_field(self) -> None:
        register_type(Fraction, load=Fraction, dump=str, type="string")

        class Share(Model):
            id: int
            part: Fraction

        with pytest.raises(ConversionError, match=r"Share\.part.*'much'.*Fraction"):
            Share.directus.fields["part"].load("much")


class Mood(enum.StrEnum):
    CALM = "calm"
    WILD = "wild"


class Grade(enum.IntEnum):
    GOOD = 1


class TestOpenChoices:
    def test_a_literal_or_its_type_is_that_type_with_named_values(self) -> None:
        for annotation, kind, choices in (
            (Literal["a", "b"] | str, "string", ("a", "b")),
            (str | Literal["a"] | Literal["b"], "string", ("a", "b")),
            (Literal[1, 2] | int, "integer", (1, 2)),
        ):
            it = field_type(annotation, None)
            assert (it.kind, it.choices, it.is_open) == (kind, choices, True)

    def test_a_closed_choice_says_its_values(self) -> None:
        for annotation, choices in ((Literal["a", "b"], ("a", "b")), (Color, ("red", "blue"))):
            it = field_type(annotation, None)
            assert (it.choices, it.is_open) == (choices, False)

    def test_the_type_of_the_column_may_be_said(self) -> None:
        assert field_type(Literal["a"] | str, "text").kind == "text"
        assert field_type(Literal["a"] | str, "json").kind == "json"

    def test_a_literal_or_another_type_is_json(self) -> None:
        assert field_type(Literal["a"] | int, None).kind == "json"

    def test_any_value_of_the_type_is_taken_and_no_other(self) -> None:
        it = field_type(Literal["a"] | str, None)
        assert (it.load("z"), it.dump("z")) == ("z", "z")
        with pytest.raises(TypeError):
            it.dump(1)

    def test_an_enum_or_its_type_reads_what_it_names_as_its_members_and_takes_the_rest(self) -> None:
        for annotation, kind in ((Mood | str, "string"), (str | Mood, "string"), (Grade | int, "integer")):
            it = field_type(annotation, None)
            assert (it.kind, it.is_open) == (kind, True)
        it = field_type(Mood | str, "text")
        assert (it.kind, it.choices) == ("text", ("calm", "wild"))
        assert (it.load("wild"), it.load("glad")) == (Mood.WILD, "glad")
        assert type(it.load("wild")) is Mood
        assert [it.dump(each) for each in (Mood.WILD, "wild", "glad")] == ["wild", "wild", "glad"]
        assert all(type(it.dump(each)) is str for each in (Mood.WILD, "wild"))
        for wrong in (1, Color.RED):
            with pytest.raises(TypeError):
                it.dump(wrong)
        assert field_type(Color | int, None).kind == "json"
