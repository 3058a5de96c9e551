"""What sends as fast as a library can on uvloop and notes nothing: aiohttp for SMS and for e-mails
over a REST API, aiosmtplib for e-mails over SMTP.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import aiohttp
import uvloop


def sms_seconds(url: str, token: str, *, count: int, connections: int) -> float:
    """Seconds in which so many workers post so many messages."""
    return uvloop.run(_post(url, token, count, connections))


def email_seconds(port: int, *, count: int, connections: int, text: str, html: str) -> float:
    """Seconds in which so many connections, opened before, hand over so many e-mails, each made for
    its fan.
    """
    return uvloop.run(_mail(port, count, connections, text, html))


def rest_email_seconds(url: str, *, count: int, connections: int, text: str, html: str) -> float:
    """Seconds in which so many workers hand so many e-mails to Marketing Cloud's API."""
    return uvloop.run(_post_emails(url, count, connections, text, html))


async def _post_emails(url: str, count: int, connections: int, text: str, html: str) -> float:
    numbers = iter(range(count))
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        who = {"client_id": "bench", "client_secret": "sandbox", "grant_type": "client_credentials"}
        async with session.post(f"{url}/v2/token", json=who) as response:
            token = (await response.json())["access_token"]

        async def work() -> None:
            for number in numbers:
                to = f"fan{number}@example.com"
                attributes = {"Subject": "Spring Tour", "Text": text, "Html": html}
                recipient = {"contactKey": to, "to": to, "attributes": attributes}
                async with session.post(
                    f"{url}/messaging/v1/email/messages/{uuid.uuid4()}",
                    json={"definitionKey": "bench", "recipient": recipient},
                    headers={"Authorization": f"Bearer {token}"},
                ) as response:
                    await response.read()

        started = time.monotonic()
        await asyncio.gather(*(work() for _ in range(connections)))
        return time.monotonic() - started


async def _post(url: str, token: str, count: int, connections: int) -> float:
    numbers = iter(range(count))
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for number in numbers:
                body: dict[str, Any] = {
                    "to": f"+1206{number:07d}",
                    "body": "Spring Tour: your code is ABCDEFGHJK",
                    "reference": str(number),
                }
                async with session.post(
                    f"{url}/sms", json=body, headers={"Idempotency-Key": str(uuid.uuid4())}
                ) as response:
                    await response.read()

        started = time.monotonic()
        await asyncio.gather(*(work() for _ in range(connections)))
        return time.monotonic() - started


async def _mail(port: int, count: int, connections: int, text: str, html: str) -> float:
    import aiosmtplib

    numbers = iter(range(count))

    async def work(client: aiosmtplib.SMTP, left: Iterator[int]) -> None:
        for number in left:
            message = EmailMessage()
            message["From"], message["To"] = "presale@localhost", f"fan{number}@example.com"
            message["Subject"], message["Message-ID"] = "Spring Tour", f"<{uuid.uuid4()}@localhost>"
            message.set_content(text)
            message.add_alternative(html, subtype="html")
            await client.send_message(message)

    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.connect() for client in clients))
    started = time.monotonic()
    await asyncio.gather(*(work(client, numbers) for client in clients))
    seconds = time.monotonic() - started
    await asyncio.gather(*(client.quit() for client in clients))
    return seconds
