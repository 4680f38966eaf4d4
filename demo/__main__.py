"""The demo's story: each act is a function, and what is shown of it is what runs."""

from __future__ import annotations

import inspect
import io
import re
import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout

import attrs

from directus_orm import FieldError, Q, QueryError, Session
from directus_orm.testing import start

from .data import load, make_collections
from .models import Airline, Airport, Flight, Plane

WIDTH = 100

# --- the acts -----------------------------------------------------------------------------------------------


def look_around() -> None:
    """A row by its key, a number of rows, the first of them."""
    print(Airline.objects.get(pk="B6"))
    print(Flight.objects.count(), "flights")
    print(Flight.objects.only("flight", "time_hour").first())


def ask_across_relations() -> None:
    """A filter follows relations: JetBlue's long waits on the way to anywhere but Florida."""
    waits = Flight.objects.filter(carrier__name__startswith="JetBlue", dep_delay__gt=180)
    waits = waits.exclude(dest__in=["FLL", "MCO", "PBI", "TPA", "RSW", "JAX", "SRQ"])
    for to, minutes in waits.order_by("-dep_delay").values_list("dest__name", "dep_delay")[:4]:
        print(f"{minutes} minutes late to {to}")


def combine() -> None:
    """Conditions combine with & | ~; as in Django, rows where a field is null stay in what is excluded."""
    hops = Flight.objects.filter(Q(origin="EWR") | Q(dest="BOS"), distance__lt=200)
    print(hops.filter(~Q(carrier="UA")).count(), "short hops")
    print(Flight.objects.exclude(dep_delay__lte=0).count(), "left late, or not at all")


def bring_along() -> None:
    """The five latest departures; airline and airport come along in the same request."""
    late = Flight.objects.filter(dep_delay__gt=60).order_by("-dep_delay")
    for flight in late.select_related("carrier", "dest")[:5]:
        print(f"{flight.dep_delay} minutes late with {flight.carrier.name} to {flight.dest.name}")


def touch() -> None:
    """Or not: a relation that is touched loads for all flights at once, not flight by flight."""
    far = Flight.objects.order_by("-distance")[:100]
    names = [(flight.carrier.name, flight.origin.name, flight.dest.name) for flight in far]
    print("The last of 100:", *names[-1])


def read_every_row() -> None:
    """A loop over everything, page by page as it advances."""
    begun = time.perf_counter()
    keys, rows = set(), 0
    for flight in Flight.objects.iterator():
        keys.add(flight.pk)
        rows += 1
    print(f"{rows} rows, {len(keys)} distinct, {time.perf_counter() - begun:.1f} s")


def leave_early() -> None:
    """A loop that is left after five rows has asked once."""
    for flight in Flight.objects.all():
        if flight.id == 5:
            print(f"left at {flight.carrier.pk} {flight.flight} to {flight.dest.pk}")
            break


def change() -> None:
    """A save sends what changed, and nothing where nothing did."""
    flight = Flight.objects.filter(tailnum=None)[0]
    flight.tailnum = Plane.objects.ref("N14228")
    flight.save()
    flight.save()
    print(flight.tailnum.manufacturer, flight.tailnum.model)


def misspell() -> None:
    """A name that does not exist is an error before anything is sent."""
    try:
        Flight.objects.filter(dep_dealy__gt=60)
    except FieldError as error:
        print(error)


def mistake() -> None:
    """So is a value of the wrong type; and a row that is not there is its model's own error."""
    try:
        Flight.objects.filter(dep_delay__gt="an hour")
    except QueryError as error:
        print(error)
    try:
        Airport.objects.get(pk="XXX")
    except Airport.DoesNotExist as error:
        print(error)


ACTS = (
    look_around,
    ask_across_relations,
    combine,
    bring_along,
    touch,
    read_every_row,
    leave_early,
    change,
    misspell,
    mistake,
)

# --- telling them -------------------------------------------------------------------------------------------


@attrs.frozen
class Told:
    """What an act printed, and what it sent."""

    printed: str
    sent: tuple[str, ...]


def tell(act: Callable[[], None], session: Session) -> Told:
    """Show an act, run it, and show what it printed (>) and sent (<)."""
    _, title, body = inspect.getsource(act).split('"""')
    heading(title)
    print(textwrap.indent(textwrap.dedent(body).strip(), "    "), flush=True)
    begun = time.perf_counter()
    with session.capture() as sent, redirect_stdout(io.StringIO()) as printed:
        act()
    seconds = time.perf_counter() - begun
    print()
    for line in printed.getvalue().splitlines():
        show(line, "  > ")
    print(f"  {len(sent) or 'no'} request{'' if len(sent) == 1 else 's'}, {seconds:.2f} s")
    told = Told(printed.getvalue(), tuple(f"{entry.request} -> {entry.status}" for entry in sent))
    for line in in_short(told.sent):
        show(line, "  < ")
    return told


def in_short(sent: Sequence[str]) -> list[str]:
    """Return a line for each request; of many, for the first and the last ones."""
    # A model's fields are named in each request, and would hide the rest of it.
    lines = [re.sub(r"fields=(\w+),\S+", r"fields=\1,…", line) for line in sent]
    return lines if len(lines) <= 4 else [*lines[:2], f"… {len(lines) - 3} more …", lines[-1]]


def show(text: str, margin: str) -> None:
    wrapper = textwrap.TextWrapper(WIDTH, margin, " " * len(margin), break_on_hyphens=False)
    print(wrapper.fill(text))


def heading(title: str) -> None:
    print(f"\n{title}\n{'-' * min(len(title), WIDTH)}")


def show_models() -> None:
    heading("The models")
    print(textwrap.indent("\n".join(inspect.getsource(model) for model in (Airline, Flight)), "    "), end="")


def main() -> None:
    begun = time.perf_counter()
    print("Starting a Directus, and loading the flights that left New York in January 2013.", flush=True)
    with start() as server, Session(server.url, token=server.token) as session:
        print(f"Directus {server.version} at {server.url}, after {time.perf_counter() - begun:.0f} s", flush=True)
        make_collections(session)
        loaded = load()
        print("Loaded", ", ".join(f"{n:,} {name}" for name, n in loaded.items()), end=" ")
        print(f"after {time.perf_counter() - begun:.0f} s")
        show_models()
        for act in ACTS:
            tell(act, session)
    print(f"\nAll told after {time.perf_counter() - begun:.0f} s; the server is stopped, its rows are gone.")


if __name__ == "__main__":
    main()
