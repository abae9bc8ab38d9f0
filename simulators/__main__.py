"""The command line: `python -m simulators --mqtt HOST:PORT --http URL --devices FILE --scenario NAME`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

from simulators.citizens import FEED as CITIZEN_FEED
from simulators.citizens import Citizens
from simulators.feeds import make_generator
from simulators.feeds.citizen_report import CitizenReport
from simulators.fleet import Fleet
from simulators.history import History, read_heard
from simulators.link import Address
from simulators.offices import Offices
from simulators.reading_id import ReadingIds
from simulators.roster import Roster, RosterError, read_roster
from simulators.scenario import ScenarioError, read_scenario, scenario_names
from simulators.world import LOCAL_OFFSET, World

EXIT_USAGE = 2
SPEED_MIN, SPEED_MAX = 0.01, 100.0
PORT_MAX = 65_535
CITIZEN_CHANNEL = "app-cong-dan"
"""The source that reports name: the citizens' app, which need not be registered."""


def _address(text: str) -> Address:
    """Read HOST:PORT.

    Raises:
        argparse.ArgumentTypeError: it is no such thing.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, not {text!r}")
    return Address(host=host.strip("[]"), port=int(port))


def _speed(text: str) -> float:
    """Read a speed within its bounds.

    Raises:
        argparse.ArgumentTypeError: it is no number or out of bounds.
    """
    try:
        speed = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"no number: {text!r}") from None
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"speed must be {SPEED_MIN} to {SPEED_MAX}")
    return speed


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Play the city's devices.")
    parser.add_argument("--mqtt", type=_address, required=True, metavar="HOST:PORT", help="the MQTT door")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="who signed the certificate of an https URL")
    parser.add_argument("--http", metavar="URL", help="the HTTP door, for citizen reports; unset: none are sent")
    parser.add_argument("--devices", type=Path, required=True, metavar="FILE", help="devices and keys (README.md)")
    parser.add_argument("--history", type=Path, metavar="FILE", help="send yesterday once; FILE says that it was sent")
    parser.add_argument("--heard", type=Path, metavar="FILE", help="what of yesterday the log has already (README.md)")
    parser.add_argument("--scenario", default="calm", help=f"one of: {', '.join(scenario_names())}")
    parser.add_argument("--seed", type=int, default=2017, help="the same seed gives the same day")
    parser.add_argument("--speed", type=_speed, default=1.0, help="scenario seconds in a second of the wall")
    return parser


def _citizens(
    roster: Roster, *, world: World, url: str | None, ids: ReadingIds, authority: Path | None = None
) -> Citizens | None:
    """Return the citizens, or None where no door or no feed key was given for them."""
    key = roster.feed_keys.get(CITIZEN_FEED)
    if url is None or key is None:
        return None
    channel = next((device.id for device in roster.devices if device.feed == CITIZEN_FEED), CITIZEN_CHANNEL)
    generator = CitizenReport(roster.devices, world)
    return Citizens(generator, url=url, key=key, device=channel, ids=ids, authority=authority)


def _offices(
    roster: Roster, *, world: World, url: str | None, ids: ReadingIds, authority: Path | None = None
) -> Offices | None:  # fmt: skip
    """Return the sources that are no devices, or None where there are none or no door for them."""
    played = [(source, make_generator(source, world, roster.plays)) for source in roster.sources()]
    sources = [(source, generator) for source, generator in played if generator is not None]
    if url is None or not sources:
        return None
    return Offices(sources, url=url, keys=roster.feed_keys, ids=ids, authority=authority)


def _history(
    roster: Roster, *, seed: int, url: str | None, sent_file: Path | None, authority: Path | None = None,
    heard: Path | None = None,
) -> History | None:  # fmt: skip
    """Return yesterday, or None where none is asked for."""
    if url is None or sent_file is None:
        return None
    calm = World(scenario=read_scenario("calm"), devices=roster.devices, seed=seed + 1)
    return History(
        [*roster.devices, *roster.sources()], world=calm, url=url, keys=roster.feed_keys, sent_file=sent_file,
        authority=authority, heard=[] if heard is None else read_heard(heard), plays=roster.plays,
    )  # fmt: skip


def _summary(fleet: Fleet, citizens: Citizens | None, history: History | None, offices: Offices | None = None) -> str:
    """Return the one line that is printed at the end."""
    tally = fleet.tally
    line = (
        f"simulators: {fleet.size} devices, sent {tally.sent}, acked {tally.acknowledged}, refused {tally.refused}, "
        f"dropped {tally.dropped}, connections {tally.connections}, cuts {tally.cuts}, denied {tally.denied}"
    )
    if citizens is not None:
        told = citizens.tally
        line += f"; reports sent {told.sent}, accepted {told.accepted}, refused {told.refused}, dropped {told.dropped}"
        if told.last_refusal:
            line += f" ({told.last_refusal})"
    if offices is not None:
        spoke = offices.tally
        line += f"; offices sent {spoke.sent}, accepted {spoke.accepted}, refused {spoke.refused}"
        if spoke.last_refusal:
            line += f" ({spoke.last_refusal})"
    if history is not None and history.tally.devices:
        past = history.tally
        line += f"; yesterday: {past.devices} devices, accepted {past.accepted}, refused {past.refused}"
    return line


def main(arguments: list[str] | None = None) -> int:
    """Play until SIGTERM or Ctrl-C; return the exit code (0 ok, 2 usage)."""
    options = make_parser().parse_args(arguments)
    try:
        roster = read_roster(options.devices)
        scenario = read_scenario(options.scenario)
    except (RosterError, ScenarioError) as error:
        sys.stderr.write(f"simulators: {error}\n")
        return EXIT_USAGE
    world = World(scenario=scenario, devices=roster.devices, seed=options.seed)
    ids = ReadingIds(options.seed)
    fleet = Fleet(
        roster.devices, world=world, address=options.mqtt, ids=ids, speed=options.speed,
        plays=roster.plays,
    )  # fmt: skip
    offices = _offices(roster, world=world, url=options.http, ids=ids, authority=options.ca)
    citizens = _citizens(roster, world=world, url=options.http, ids=ids, authority=options.ca)
    history = _history(
        roster, seed=options.seed, url=options.http, sent_file=options.history, authority=options.ca,
        heard=options.heard,
    )  # fmt: skip
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    if citizens is not None:
        citizens.start(fleet.seconds)
    if offices is not None:
        offices.start(fleet.seconds)
    if history is not None:
        history.start(datetime.now(LOCAL_OFFSET))
    fleet.run(stop.is_set)
    if citizens is not None:
        citizens.close()
    if offices is not None:
        offices.close()
    if history is not None:
        history.close()
    sys.stdout.write(_summary(fleet, citizens, history, offices) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
