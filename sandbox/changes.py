"""Change events as a DynamoDB table of demands, notifications, events and sales makes them. Same
seed, same bytes. [D-1]

A demand is made, triggered, notified, sometimes withdrawn; some events are bad, in each of the ways
an archive has to bear.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGINS = datetime(2026, 1, 20, 18, tzinfo=UTC)
KINDS = {"demand": 80, "notification": 16, "sale": 2, "event": 2}
TOURING = 40  # events at once
FIRST_SEQUENCE = 7_000_000_000_000_000_000_000

Image = dict[str, Any]


def make(count: int, *, seed: int = 1, bad: float = 0.0, carried: float = 0.0) -> Iterator[bytes]:
    """So many events, each as one line of JSON without its end; `bad` is the share of those that
    cannot be archived, `carried` of those that come as Kinesis carries them, in base64.
    """
    rng, living = random.Random(seed), list[Image]()
    for number in range(count):
        line = json.dumps(_event(rng, number, living), separators=(",", ":")).encode()
        if bad and rng.random() < bad:
            line = _spoiled(rng, line)
        elif carried and rng.random() < carried:
            line = in_kinesis(line, str(FIRST_SEQUENCE + number))
        yield line


def write(path: Path, count: int, *, seed: int = 1, bad: float = 0.0, carried: float = 0.0) -> None:
    """As JSON lines into a file."""
    with path.open("wb") as file:
        for line in make(count, seed=seed, bad=bad, carried=carried):
            file.write(line + b"\n")


def in_kinesis(line: bytes, sequence: str) -> bytes:
    """The event as Lambda gets it from Kinesis."""
    record = {
        "kinesis": {"data": base64.b64encode(line).decode(), "sequenceNumber": sequence},
        "eventSource": "aws:kinesis",
    }
    return json.dumps(record).encode()


def change(name: str, image: Image, number: int = 0, *, at: datetime = BEGINS) -> dict[str, Any]:
    """A stream record of an INSERT, MODIFY or REMOVE with this image."""
    held = "OldImage" if name == "REMOVE" else "NewImage"
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(at.timestamp()),
            "Keys": {"pk": {"S": f"{number:x}"}},
            held: image,
            "SequenceNumber": str(FIRST_SEQUENCE + number),
            "SizeBytes": 640,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def text(value: str) -> dict[str, str]:
    return {"S": value}


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def demand(fan: str, event: str, sale: str, *, at: datetime = BEGINS, **more: Any) -> Image:
    """A demand's image; `more` takes the place of fields, in wire form."""
    return {
        "type": text("demand"),
        "fanId": text(fan),
        "eventId": text(event),
        "saleId": text(sale),
        "artistId": text("K8vZ9171K37"),
        "artistName": text("The Band"),
        "eventName": text("The Band: Spring Tour"),
        "saleName": text("Presale"),
        "requestedDateTime": text(stamp(at)),
        "phoneNumber": text("+12065550142"),
        "email": text(f"{fan}@example.com"),
        "contactMethod": text("sms"),
        "demandType": text("remind"),
        "date": {"M": {"requested": text(stamp(at))}},
        "systemUserId": text(f"tm.us.{fan}"),
    } | more


def notification(fan: str, event: str, sale: str, *, at: datetime = BEGINS, **more: Any) -> Image:
    return {
        "type": text("notification"),
        "fanId": text(fan),
        "eventId": text(event),
        "saleId": text(sale),
        "saleName": text("Presale"),
        "messageBody": text(
            "The Band: the presale begins in one hour. Your code waits in the app."
        ),
        "phoneNumber": text("+12065550142"),
        "email": text(f"{fan}@example.com"),
        "date": {"M": {"created": text(stamp(at))}},
    } | more


def event(number: str, *, at: datetime = BEGINS, **more: Any) -> Image:
    start = {
        "M": {
            "dateTime": text(stamp(at + timedelta(days=90))),
            "localDate": text(f"{at + timedelta(days=90):%Y-%m-%d}"),
        }
    }
    return {
        "type": text("event"),
        "id": text(number),
        "name": text("The Band: Spring Tour"),
        "eventDate": {"M": {"start": start}},
        "date": {"M": {"firstSeen": text(stamp(at)), "updated": text(stamp(at))}},
    } | more


def sale(number: str, event_id: str, *, at: datetime = BEGINS, **more: Any) -> Image:
    return {
        "type": text("sale"),
        "id": text(number),
        "eventId": text(event_id),
        "name": text("Presale"),
        "saleStartDateTime": text(stamp(at + timedelta(days=3))),
    } | more


def _event(rng: random.Random, number: int, living: list[Image]) -> dict[str, Any]:
    """A new record, or in a third of all cases a change of one that was made before."""
    at = BEGINS + timedelta(milliseconds=20 * number)
    if living and rng.random() < 0.35:
        image = living.pop(rng.randrange(len(living)))
        if rng.random() < 0.25:
            return change("REMOVE", image, number, at=at)
        return change("MODIFY", _went_on(image, at), number, at=at)
    image = _new(rng, number, at)
    if len(living) < 5_000:
        living.append(image)
    return change("INSERT", image, number, at=at)


def _new(rng: random.Random, number: int, at: datetime) -> Image:
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    fan, event_id = f"{rng.getrandbits(64):016x}", f"vvG1zZ{rng.randrange(TOURING):06d}"
    sale_id = f"presale-{rng.randrange(3)}"
    if kind == "demand":
        return demand(fan, event_id, sale_id, at=at)
    if kind == "notification":
        return notification(fan, event_id, sale_id, at=at)
    return (
        event(f"vvG1zZ{number:06d}", at=at)
        if kind == "event"
        else sale(f"presale-{number}", event_id, at=at)
    )


def _went_on(image: Image, at: datetime) -> Image:
    dates = dict(image.get("date", {"M": {}})["M"])
    for name in {
        "demand": ("triggered", "notified"),
        "notification": ("updated",),
        "event": ("updated",),
    }.get(image["type"]["S"], ()):
        if name not in dates or name == "updated":
            dates[name] = text(stamp(at))
            break
    return image | ({"date": {"M": dates}} if dates else {})


def _spoiled(rng: random.Random, line: bytes) -> bytes:
    """Bad in one of the ways of the archive's error types."""
    return rng.choice(
        [
            line[: len(line) // 2],
            line.replace(b"The Band", b"The \xff Band", 1),
            b'{"Records":[' + line + b"]}",
            line.replace(b'"NewImage"', b'"Image"').replace(b'"OldImage"', b'"Image"'),
            line.replace(b'"type":{"S":"', b'"type":{"S":"old-', 1),
            line.replace(b'"date":{"M"', b'"date":{"L"', 1).replace(
                b'"saleStartDateTime":{"S"', b'"saleStartDateTime":{"N"', 1
            ),
            line.replace(b'"ApproximateCreationDateTime":', b'"ApproximateCreationDateTime":-', 1),
        ]
    )
