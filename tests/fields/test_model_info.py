"""Declaring models: names, keys, inheritance, and annotations that are resolved at first use."""

from __future__ import annotations

import inspect
import pydoc
import sys
import types
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from directus_orm import ConfigurationError, Model, field, generated
from tests.worlds.flights import Airline, Flight, Note

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers


def test_the_collection_is_named_after_the_class() -> None:
    class BlogPost(Model):
        id: int

    class HTTPLog(Model, collection="log"):
        id: int

    assert Airline.directus.collection == "airlines"
    assert BlogPost.directus.collection == "blog_posts"
    assert HTTPLog.directus.collection == "log"


class TestInheritance:
    def test_a_child_of_an_abstract_model_has_its_own_collection(self) -> None:
        class Base(Model, abstract=True, ordering=("-created",)):
            id: int = field(default=generated, primary_key=True)
            created: datetime | None = None

        class Article(Base):
            title: str

        class Page(Base, collection="site_pages", ordering=("title",)):
            title: str

        assert Article.directus.collection == "articles"
        assert Page.directus.collection == "site_pages"
        assert list(Article.directus.fields) == ["id", "created", "title"]
        assert Article.directus.options.ordering == ("-created",)
        assert Page.directus.options.ordering == ("title",)
        assert not Article.directus.options.abstract

    def test_an_abstract_model_has_no_rows(self) -> None:
        class Base(Model, abstract=True):
            created: datetime | None = None

        for use in (lambda: Base.objects, lambda: Base(), lambda: Model.objects):
            with pytest.raises(ConfigurationError, match="is abstract"):
                use()

    def test_tools_look_at_an_abstract_model_without_an_error(self) -> None:
        """They take an attribute that raises anything but AttributeError for a broken class."""

        class Base(Model, abstract=True):
            id: int = field(default=generated, primary_key=True)

        class Child(Base):
            title: str | None = None

        for model in (Model, Base, Child):
            assert inspect.getmembers(model)
            assert model.__name__ in pydoc.render_doc(model)
        assert [hasattr(each, "directus") for each in (Model, Base, Child)] == [False, False, True]

    def test_a_child_of_a_concrete_model_shares_its_collection(self) -> None:
        class Loud(Airline):
            @property
            def shout(self) -> str:
                return self.name.upper()

        class Other(Airline, collection="other_airlines"):
            extra: int | None = None

        assert Loud.directus.collection == "airlines"
        assert Loud(carrier="x", name="abc").shout == "ABC"
        assert Other.directus.collection == "other_airlines"
        assert list(Other.directus.fields) == ["carrier", "name", "country", "extra"]
        assert list(Airline.directus.fields) == ["carrier", "name", "country"]
        assert issubclass(Loud.DoesNotExist, Airline.DoesNotExist)

    def test_singleton_is_not_inherited(self) -> None:
        class One(Model, singleton=True):
            id: int

        class Many(One, collection="many"):
            pass

        assert One.directus.options.singleton
        assert not Many.directus.options.singleton

    def test_ordering_comes_from_the_nearest_base_that_has_one(self) -> None:
        class Stamped(Model, abstract=True):
            created: datetime | None = None

        class Ordered(Model, abstract=True, ordering=("-created",)):
            pass

        class Item(Stamped, Ordered):
            id: int

        class Loose(Item, ordering=()):
            pass

        assert Item.directus.options.ordering == ("-created",)
        assert Loose.directus.options.ordering == ()
        assert Loose.directus.collection == "items"

    def test_a_concrete_parent_gives_the_collection_wherever_it_stands(self) -> None:
        class Stamped(Model, abstract=True):
            created: datetime | None = None

        class First(Stamped, Airline):
            pass

        class Last(Airline, Stamped):
            pass

        assert First.directus.collection == Last.directus.collection == "airlines"

    def test_fields_of_a_class_that_is_no_model_are_refused(self) -> None:
        class Mixin:
            note: str

        with pytest.raises(ConfigurationError, match=r"Mixed\.note: fields are taken from models: make Mixin one"):

            class Mixed(Mixin, Model):
                id: int

    def test_hiding_a_field_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"Hiding\.name: it hides the field of Airline"):

            class Hiding(Airline):
                @property  # type: ignore[misc]
                def name(self) -> str:  # type: ignore[override]
                    return "x"


class TestInit:
    def test_an_init_of_ones_own_calls_the_one_that_attrs_makes(self) -> None:
        class Own(Airline):
            def __init__(self, code: str) -> None:
                self.__attrs_init__(carrier=code, name=code.lower())  # type: ignore[attr-defined]

        own = Own("XX")
        assert own.to_dict() == {"carrier": "XX", "name": "xx"}
        assert own.country is None

    def test_a_field_that_was_left_alone_is_absent_from_the_start(self) -> None:
        class Hooked(Airline):
            def __attrs_post_init__(self) -> None:
                assert self.country is None

        assert "country" not in vars(Hooked(carrier="XX", name="x"))


class TestDefaults:
    def test_a_default_that_all_would_share_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"Shared\.tags: .*field\(factory=list\)"):

            class Shared(Model):
                id: int
                tags: list[str] = []

    def test_a_readonly_field_has_no_default_to_send(self) -> None:
        with pytest.raises(ConfigurationError, match="never sent"):
            field(default=3, readonly=True)

    def test_a_field_without_an_annotation_says_so(self) -> None:
        with pytest.raises(ConfigurationError, match="needs an annotation"):

            class Bare(Model):
                id: int
                name = field()


class TestKeys:
    def test_no_key_is_an_error_at_class_creation(self) -> None:
        with pytest.raises(ConfigurationError, match="Keyless has no key"):

            class Keyless(Model):
                name: str

    def test_two_keys_are_an_error(self) -> None:
        with pytest.raises(ConfigurationError, match="marks 2 fields"):

            class Two(Model):
                a: int = field(primary_key=True)
                b: int = field(primary_key=True)


@pytest.mark.parametrize("name", ["save", "objects", "pk", "DoesNotExist", "asave", "directus", "a__b", "_hidden"])
def test_a_reserved_name_is_an_error_that_shows_the_way_out(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"field\(name='{name}'\)"):
        type("Bad", (Model,), {"__annotations__": {"id": int, name: int}, "__module__": __name__})


def test_a_reserved_name_of_the_server_can_be_declared_under_another() -> None:
    class Odd(Model):
        id: int
        class_: str = field(name="class")
        saved: bool = field(name="save")
        a_b: str | None = field(default=None, name="a__b")

    query = Odd.objects.filter(class___contains="x", saved=True).order_by("-class_").only("a_b")
    assert repr(query.explain()) == (
        'GET /items/odds fields=id,a__b,class filter={"_and":[{"class":{"_contains":"x"}},{"save":{"_eq":true}}]} '
        "sort=-class,id limit=100"
    )
    with pytest.raises(ValueError, match="The server's 'class' is 'class_' here"):
        Odd.objects.filter(class__contains="x")


def test_two_fields_of_one_column_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="both name the server's field 'a'"):

        class Twice(Model):
            id: int
            a: int
            b: int = field(name="a")


def test_in_paths_a_field_wins_over_a_lookup() -> None:
    class Range(Model):
        id: int
        range: int
        other: Range | None = None

    def sent(**lookups: Any) -> str:
        return repr(Range.objects.filter(**lookups).explain()).split("filter=")[1].split(" ")[0]

    assert sent(other__range=3) == '{"other":{"range":{"_eq":3}}}'
    assert sent(other__range__range=(3, 4)) == '{"other":{"range":{"_between":[3,4]}}}'


class TestAnnotations:
    def test_models_may_name_one_another_before_they_exist(self) -> None:
        class Left(Model):
            id: int
            right: Right | None = None

        class Right(Model):
            id: int
            left: Left | None = None

        assert Left.directus.fields["right"].target is Right
        assert Right.directus.fields["left"].target is Left
        assert repr(Left.objects.filter(right__left__right=3).explain()).count("right") == 3

    def test_a_model_may_name_itself(self) -> None:
        class Category(Model):
            id: int
            parent: Category | None = None

        assert Category.directus.fields["parent"].target is Category

    def test_a_name_that_nobody_knows_is_an_error_at_first_use(self) -> None:
        class Lost(Model):
            id: int
            price: OnlyForCheckers

        with pytest.raises(ConfigurationError, match=r"Lost\.price: .*'OnlyForCheckers'"):
            Lost.objects.all()

    def test_a_type_without_meaning_is_an_error_at_first_use(self) -> None:
        class Strange(Model):
            id: int
            when: complex

        with pytest.raises(ConfigurationError, match=r"Strange\.when: complex is no type this library knows"):
            Strange.objects.all()

    def test_models_of_other_modules_are_found_by_class_name(self) -> None:
        module = types.ModuleType("elsewhere_one")
        sys.modules[module.__name__] = module
        far = type("FarAway", (Model,), {"__annotations__": {"id": int}, "__module__": module.__name__})

        class Near(Model):
            id: int
            far: FarAway | None = None  # type: ignore[name-defined]  # noqa: F821

        assert Near.directus.fields["far"].target is far

    def test_a_name_of_two_models_is_ambiguous(self) -> None:
        made = []
        for name in ("elsewhere_two", "elsewhere_three"):
            sys.modules[name] = types.ModuleType(name)
            made.append(type("Twin", (Model,), {"__annotations__": {"id": int}, "__module__": name}))

        class Unsure(Model):
            id: int
            twin: Twin | None = None  # type: ignore[name-defined]  # noqa: F821

        with pytest.raises(
            ConfigurationError, match=r"Unsure\.twin: .*elsewhere_three\.Twin, elsewhere_two\.Twin"
        ):
            Unsure.objects.all()

    def test_a_model_defined_again_replaces_the_former(self) -> None:
        def cell(extra: dict[str, Any]) -> Any:
            annotations = {"id": int, **extra}
            return type("Cell", (Model,), {"__annotations__": annotations, "__module__": __name__})

        first = cell({})

        class Holder(Model):
            id: int
            cell: Cell | None = None  # type: ignore[name-defined]  # noqa: F821

        assert Holder.directus.fields["cell"].target is first
        second = cell({"more": int})
        assert Holder.directus.fields["cell"].target is second
        Holder(id=1, cell=second(id=2, more=3))


def test_querysets_outlive_the_redefinition_of_a_model() -> None:
    kept = Flight.objects.filter(carrier__name="JetBlue").order_by("-id")
    for _ in range(2):
        type("Cell", (Model,), {"__annotations__": {"id": int}, "__module__": __name__})
    assert kept.query == Flight.objects.filter(carrier__name="JetBlue").order_by("-id").query
    assert "sort=-id limit" in repr(kept.explain())
    assert "fields=id,carrier__key,plane," in str(kept.select_related("carrier").explain())
    assert "fields=id,carrier,plane,dep_delay" in str(kept.defer("note").explain())


def test_a_model_may_be_ordered_by_itself() -> None:
    class Node(Model, ordering=("parent", "id")):
        id: int
        parent: Node | None = None

    assert "sort=parent,id " in repr(Node.objects.explain())


def test_ordering_of_the_model_is_taken_unless_another_is_given() -> None:
    assert "sort=title,id" in repr(Note.objects.explain())
    assert "sort=id" in repr(Note.objects.order_by().explain())
    assert not Note.objects.order_by().ordered
    with pytest.raises(ConfigurationError, match="not the string 'title'"):

        class Wrong(Model, ordering="title"):
            id: int


def test_ordering_by_a_relation_is_ordering_by_its_models_ordering() -> None:
    class Named(Model, ordering=("-name",)):
        id: int
        name: str

    class Holder(Model):
        id: int
        named: Named | None = None

    assert "sort=named.name,id" in str(Holder.objects.order_by("-named").explain())
    assert "sort=-carrier,id" in str(Flight.objects.order_by("-carrier").explain())


def test_relations_take_no_type_of_their_own() -> None:
    class Typed(Model):
        id: int
        airline: Airline = field(type="string")

    with pytest.raises(ConfigurationError, match=r"Typed\.airline is a relation"):
        Typed.objects.all()
