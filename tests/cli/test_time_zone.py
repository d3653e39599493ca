"""A day that a sender names ends when it ends where the organisation is, whichever way she says it."""

import json
import smtplib
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.cli.conftest import SENDER, Zegel, make_zegel, wait_for

pytestmark = pytest.mark.slow

HELSINKI = ZoneInfo("Europe/Helsinki")
DAY = datetime.now(UTC).date() + timedelta(days=40)
END = datetime.combine(DAY, time(23, 59, 59), tzinfo=HELSINKI).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
LETTER = ("--to", "j.dejong@example.net", "--subject", "s", "--body", "b", "--proof", "mail", "--expires", str(DAY))


def settle(zegel: Zegel, zone: str) -> None:
    path = zegel.data / "zegel.toml"
    path.write_text(path.read_text().replace("[organisation]\n", f'[organisation]\ntime_zone = "{zone}"\n', 1))


def until(zegel: Zegel, parcel: str) -> str:
    return zegel.at_server("status", parcel).out.splitlines()[0].rpartition(" until ")[2]


def test_a_day_ends_in_the_organisations_own_time_zone(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    settle(zegel, "Europe/Helsinki")
    zegel.start()
    try:
        api = {"Authorization": f"Bearer {zegel.token}"}
        assert httpx.get(f"{zegel.url}/.well-known/zegel").json()["time_zone"] == "Europe/Helsinki"
        sealed_here = zegel.run("send", *LETTER, "--from", SENDER).out.strip()
        sealed_there = zegel.at_server("send", *LETTER).out.strip()
        letter = {"subject": "s", "text": "t", "expires": str(DAY)}
        letter["readers"] = [{"address": "j.dejong@example.net", "proof": "mail"}]  # type: ignore[assignment]
        inside = f"http://127.0.0.1:{zegel.port + 1}/inside/v1/parcels"
        submitted = httpx.post(inside, files={"parcel": (None, json.dumps(letter))}, headers=api, timeout=60).json()
        by_program = submitted["parcel"]
        for parcel in (sealed_here, sealed_there, by_program):
            assert until(zegel, parcel) == END
            assert zegel.at_server("expiry", parcel, "7d").code == 0
            assert until(zegel, parcel) != END
        assert zegel.at_server("expiry", sealed_here, str(DAY)).code == 0
        assert zegel.run("expiry", sealed_there, str(DAY), "--from", SENDER).code == 0
        assert [until(zegel, parcel) for parcel in (sealed_here, sealed_there)] == [END, END]
        mails = len(zegel.mails())
        with smtplib.SMTP("127.0.0.1", zegel.port + 2) as client:
            client.login(SENDER, zegel.token)
            head = f"From: {SENDER}\r\nTo: j@example.net\r\nZegel-Proof: mail\r\nZegel-Expires: {DAY}\r\n"
            client.sendmail(SENDER, ["j@example.net"], head + "Subject: s\r\n\r\nt\r\n")
        wait_for(lambda: len(zegel.mails()) > mails)
        assert zegel.at_server("status").out.splitlines()[0].endswith(f" until {END}")
        assert "23:59" in zegel.mails()[-1]
    finally:
        zegel.stop()


def test_a_time_zone_that_is_none_is_said_so(tmp_path: Path) -> None:
    zegel = make_zegel(tmp_path)
    settle(zegel, "Europe/Den Haag")
    done = zegel.run("user", "list")
    assert done.code == 1
    assert "time_zone" in done.err
    assert "Europe/Amsterdam" in done.err
