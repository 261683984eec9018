"""When a deployment is due: a cron line or an interval, read and computed without any clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger

from api.cron import WEEKDAYS, CronLine, ScheduleError, read_cron_line
from utils.suggest import did_you_mean

SHORTEST = timedelta(seconds=10)
LONGEST = timedelta(days=366)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY = re.compile(r"every\s+(\d{1,9})\s*([a-z]*)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_INSTANT = timedelta(microseconds=1)
_LONGEST_SHIFT = timedelta(hours=3)  # of a zone's clock at one go, in this century
_HOW_TO = "write 'every 15m' (s, m, h or d) or a cron line such as '0 6 * * mon-fri'"


@dataclass(frozen=True)
class Schedule:
    """Either an interval of elapsed time, or a cron line in a time zone."""

    interval: timedelta | None
    cron: CronLine | None
    zone: ZoneInfo


def read_schedule(text: str, timezone: str) -> Schedule:
    """Read a schedule; raises ScheduleError that names the part at fault and what to write."""
    zone = read_timezone(timezone)
    words = text.strip().lower()
    if words.startswith("every"):
        return Schedule(_read_interval(words), None, zone)
    return Schedule(None, read_cron_line(words), zone)


def read_timezone(name: str) -> ZoneInfo:
    """Read a time zone's name; raises ScheduleError with a did-you-mean."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ScheduleError(
            f"timezone {name!r} is unknown{did_you_mean(name, available_timezones())}",
            "use a name of the IANA database, such as Europe/Berlin or UTC",
            field="timezone",
        ) from error


def next_due(text: str, timezone: str, after: datetime, anchor: datetime = EPOCH) -> datetime:
    """Tell the first due time later than `after`, in UTC.

    Intervals are counted from `anchor`, the deployment's `created_at`: every scheduler then finds
    the same due times. A wall-clock time that daylight saving skips is due right after the gap;
    one that it repeats is due once, unless every hour is.
    """
    schedule = read_schedule(text, timezone)
    if schedule.interval is not None:
        return anchor + schedule.interval * ((after - anchor) // schedule.interval + 1)
    due = [time for trigger in _triggers(schedule) if (time := _next(trigger, schedule, after))]
    if not due:
        raise ScheduleError(
            f"schedule {text!r} is never due: no month has such a day",
            "correct its day and month fields",
        )
    return min(due)


def _read_interval(words: str) -> timedelta:
    match = _EVERY.fullmatch(words)
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None:
        raise ScheduleError(f"schedule {words!r} is not an interval", _HOW_TO)
    interval = timedelta(**{unit: min(int(match[1]), 10**8)})
    if not SHORTEST <= interval <= LONGEST:
        raise ScheduleError(
            f"schedule {words!r} is shorter than 10 s or longer than 366 days", _HOW_TO
        )
    return interval


def _triggers(schedule: Schedule) -> Iterator[CronTrigger]:
    line = schedule.cron
    if line is None:
        return
    days = ",".join(map(str, line.days))
    weekdays = ",".join(WEEKDAYS[day] for day in line.weekdays)
    choices = [(days, "*"), ("*", weekdays)] if line.either_day else [(days, weekdays)]
    for day, weekday in choices:
        yield CronTrigger(
            minute=",".join(map(str, line.minutes)),
            hour=",".join(map(str, line.hours)),
            day=day,
            month=",".join(map(str, line.months)),
            day_of_week=weekday,
            timezone=schedule.zone if line.every_hour else UTC,  # see _next_on_the_wall
        )


def _next(trigger: CronTrigger, schedule: Schedule, after: datetime) -> datetime | None:
    if schedule.cron is not None and schedule.cron.every_hour:
        time: datetime | None = trigger.get_next_fire_time(None, after + _INSTANT)
        return time.astimezone(UTC) if time else None
    return _next_on_the_wall(trigger, schedule.zone, after)


def _next_on_the_wall(trigger: CronTrigger, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Search in what clocks on the wall show, where no time is skipped or comes twice.

    A shift of the clock can turn the order of two wall times around, so the search looks a
    little before and beyond the first that fits.
    """
    start = after.astimezone(zone).replace(tzinfo=UTC) - _LONGEST_SHIFT
    due: datetime | None = None
    for wall in _fire_times(trigger, start):
        time = wall.replace(tzinfo=zone).astimezone(UTC)
        if due is not None and time > due + _LONGEST_SHIFT:
            break
        if time > after and (due is None or time < due):
            due = time
    return due


def _fire_times(trigger: CronTrigger, start: datetime) -> Iterator[datetime]:
    while time := trigger.get_next_fire_time(None, start):
        yield time
        start = time + _INSTANT
