"""The demo: ten short examples against a real Directus. The source that is shown of each is what runs."""

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

# --- the examples -----------------------------------------------------------------------------------------------


def get_and_count() -> None:
    """Get a row by its key, count rows, and get the first one."""
    print(Airline.objects.get(pk="B6"))
    print(Flight.objects.count(), "flights")
    print(Flight.objects.only("flight", "time_hour").first())


def filter_over_relations() -> None:
    """Filter over relations: the longest delays of JetBlue, without flights to Florida."""
    waits = Flight.objects.filter(carrier__name__startswith="JetBlue", dep_delay__gt=180)
    waits = waits.exclude(dest__in=["FLL", "MCO", "PBI", "TPA", "RSW", "JAX", "SRQ"])
    for to, minutes in waits.order_by("-dep_delay").values_list("dest__name", "dep_delay")[:4]:
        print(f"{minutes} minutes late to {to}")


def combine_conditions() -> None:
    """Combine conditions with & | ~. As in Django, exclude() keeps rows where the field is null."""
    hops = Flight.objects.filter(Q(origin="EWR") | Q(dest="BOS"), distance__lt=200)
    print(hops.filter(~Q(carrier="UA")).count(), "short hops")
    print(Flight.objects.exclude(dep_delay__lte=0).count(), "left late, or not at all")


def load_related_rows() -> None:
    """Load related rows in the same request: the five latest departures with airline and airport."""
    late = Flight.objects.filter(dep_delay__gt=60).order_by("-dep_delay")
    for flight in late.select_related("carrier", "dest")[:5]:
        print(f"{flight.dep_delay} minutes late with {flight.carrier.name} to {flight.dest.name}")


def load_lazily() -> None:
    """Or load them lazily: a relation loads for all flights at once, not flight by flight."""
    far = Flight.objects.order_by("-distance")[:100]
    names = [(flight.carrier.name, flight.origin.name, flight.dest.name) for flight in far]
    print("The last of 100:", *names[-1])


def read_every_row() -> None:
    """Loop over all rows; pages are fetched while the loop advances."""
    started = time.perf_counter()
    keys, rows = set(), 0
    for flight in Flight.objects.iterator():
        keys.add(flight.pk)
        rows += 1
    print(f"{rows} rows, {len(keys)} distinct, {time.perf_counter() - started:.1f} s")


def leave_a_loop() -> None:
    """Leave a loop after five rows: it has sent one request."""
    for flight in Flight.objects.all():
        if flight.id == 5:
            print(f"left at {flight.carrier.pk} {flight.flight} to {flight.dest.pk}")
            break


def save_a_change() -> None:
    """Save a change: only the changed field is sent, and nothing if nothing changed."""
    flight = Flight.objects.filter(tailnum=None)[0]
    flight.tailnum = Plane.objects.ref("N14228")
    flight.save()
    flight.save()
    print(flight.tailnum.manufacturer, flight.tailnum.model)


def misspell_a_name() -> None:
    """Misspell a name: an error, before anything is sent."""
    try:
        Flight.objects.filter(dep_dealy__gt=60)
    except FieldError as error:
        print(error)


def pass_a_wrong_value() -> None:
    """Pass a value of the wrong type: an error, too. A missing row raises its model's DoesNotExist."""
    try:
        Flight.objects.filter(dep_delay__gt="an hour")
    except QueryError as error:
        print(error)
    try:
        Airport.objects.get(pk="XXX")
    except Airport.DoesNotExist as error:
        print(error)


EXAMPLES = (
    get_and_count,
    filter_over_relations,
    combine_conditions,
    load_related_rows,
    load_lazily,
    read_every_row,
    leave_a_loop,
    save_a_change,
    misspell_a_name,
    pass_a_wrong_value,
)

# --- running them -------------------------------------------------------------------------------------------


@attrs.frozen
class Result:
    """What an example printed, and the requests that it sent."""

    printed: str
    sent: tuple[str, ...]


def run(example: Callable[[], None], session: Session) -> Result:
    """Show an example, run it, and show what it printed (>) and sent (<)."""
    _, title, body = inspect.getsource(example).split('"""')
    heading(title)
    print(textwrap.indent(textwrap.dedent(body).strip(), "    "), flush=True)
    started = time.perf_counter()
    with session.capture() as sent, redirect_stdout(io.StringIO()) as printed:
        example()
    seconds = time.perf_counter() - started
    print()
    for line in printed.getvalue().splitlines():
        show(line, "  > ")
    print(f"  {len(sent) or 'no'} request{'' if len(sent) == 1 else 's'}, {seconds:.2f} s")
    result = Result(printed.getvalue(), tuple(f"{entry.request} -> {entry.status}" for entry in sent))
    for line in shorten(result.sent):
        show(line, "  < ")
    return result


def shorten(sent: Sequence[str]) -> list[str]:
    """Return one line per request; if there are many, only the first two and the last."""
    # Each request names all fields of the model, which would hide the rest of it.
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
    started = time.perf_counter()
    print("Starting a Directus, and loading the flights that left New York in January 2013.", flush=True)
    with start() as server, Session(server.url, token=server.token) as session:
        print(
            f"Directus {server.version} at {server.url}, after {time.perf_counter() - started:.0f} s", flush=True
        )
        make_collections(session)
        loaded = load()
        print("Loaded", ", ".join(f"{n:,} {name}" for name, n in loaded.items()), end=" ")
        print(f"after {time.perf_counter() - started:.0f} s")
        show_models()
        for example in EXAMPLES:
            run(example, session)
    print(f"\nFinished after {time.perf_counter() - started:.0f} s; the server is stopped, and its data deleted.")


if __name__ == "__main__":
    main()
