"""The pages: what they show and to whom, their headers and cookies, and forms that are not ours."""

import re
from typing import Any

import httpx
import pytest

from tests.ground.house import SENDER
from tests.web.ground import URL, Web, opened
from zegel.doors.web import assets
from zegel.doors.web.middleware import POLICY
from zegel.parcels.identifiers import new_identifier

PUBLIC = ["/", "/o/" + "a" * 26, "/o/kort", "/login", "/keys", "/accessibility", "/privacy", "/nergens"]


def token_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def post_form(web: Web, path: str, page: str, **fields: str) -> httpx.Response:
    token = token_in(web.get(page))
    return web.post(path, data={"csrfmiddlewaretoken": token, **fields})


def log_in(web: Web, **fields: str) -> httpx.Response:
    facts = {"address": SENDER, "password": web.ground.password, **fields}
    return post_form(web, "/login", "/login", **facts)


@pytest.mark.parametrize("path", PUBLIC)
def test_every_page_has_the_headers_and_gives_no_cookie(quick: Web, path: str) -> None:
    page = quick.get(path)
    headers = page.headers
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "trusted-types" in POLICY
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Cache-Control"] == "no-store"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    if path != "/login":
        assert "Set-Cookie" not in headers
    # Nothing is inline and nothing is from elsewhere, or the policy would break the page.
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)|<style|\sstyle=|\son\w+=", page.text)
    assert not re.search(r"(?:src|action)=\"(?:https?:)?//|<link[^>]*href=\"(?:https?:)?//", page.text)


def test_statuses_of_public_pages(quick: Web) -> None:
    assert [quick.get(path).status_code for path in PUBLIC] == [200, 200, 404, 200, 200, 200, 200, 404]


def test_over_https_cookies_are_secure_and_browsers_stay_there(quick: Web) -> None:
    with opened(quick.ground, url="https://post.voorbeeld.example") as web:
        page = web.client.get("https://post.voorbeeld.example/login")
        assert page.headers["Strict-Transport-Security"].startswith("max-age=63072000")
        cookies = page.headers.get_list("Set-Cookie")
        assert cookies
        for cookie in map(str.strip, cookies):
            assert cookie.startswith("__Host-")
            assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        fields = {"address": SENDER, "password": web.ground.password, "csrfmiddlewaretoken": token_in(page)}
        origin = {"Origin": "https://post.voorbeeld.example"}
        answer = web.client.post("https://post.voorbeeld.example/login", data=fields, headers=origin)
        (session,) = [item for item in answer.headers.get_list("Set-Cookie") if "session" in item]
        session = session.strip()
        assert session.startswith("__Host-zegel_session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"} <= set(session.split("; "))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "127.0.0.1:x"])
def test_another_host_is_not_answered(quick: Web, host: str) -> None:
    page = quick.get("/", headers={"Host": host})
    assert page.status_code == 400
    assert "evil" not in page.text


def test_a_known_and_an_unknown_slip_have_the_same_page(web: Web) -> None:
    known = web.ground.send_and_link().slip
    unknown = new_identifier()
    pages = [web.get(f"/o/{slip}").text.replace(slip, "SLIP") for slip in (known, unknown)]
    assert pages[0] == pages[1]


# Logging in -----------------------------------------------------------------------------------------------------------


def test_logging_in_and_out(web: Web) -> None:
    assert web.get("/sent").headers["Location"] == "/login?next=%2Fsent"
    answer = log_in(web, next="/sent?before=x")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sent?before=x")
    page = web.get("/sent")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert web.get("/login").headers["Location"] == "/sent"
    kept = dict(web.client.cookies)
    out = post_form(web, "/logout", "/sent")
    assert out.headers["Location"] == "/"
    web.client.cookies.update(kept)
    assert web.get("/sent").status_code == 302, "the session ended on the server, not only in the browser"


def test_a_session_planted_before_is_worth_nothing_after(web: Web) -> None:
    planted = "a" * 32
    web.client.cookies.set("zegel_session", planted, domain="127.0.0.1")
    log_in(web)
    assert web.client.cookies["zegel_session"] != planted
    with httpx.Client(transport=web.client._transport) as other:
        other.cookies.set("zegel_session", planted, domain="127.0.0.1")
        assert other.get(URL + "/sent").status_code == 302


def test_logging_in_again_changes_the_key(web: Web) -> None:
    log_in(web)
    first = web.client.cookies["zegel_session"]
    page = web.get("/sent")
    web.post("/login", data={"address": SENDER, "password": web.ground.password,
                             "csrfmiddlewaretoken": token_in(page)})  # fmt: skip
    assert web.client.cookies["zegel_session"] != first
    with httpx.Client(transport=web.client._transport) as other:
        other.cookies.set("zegel_session", first, domain="127.0.0.1")
        assert other.get(URL + "/sent").status_code == 302


def test_the_table_of_sessions_opens_nothing(web: Web) -> None:
    from django.contrib.sessions.models import Session

    log_in(web)
    (row,) = Session.objects.all()
    assert row.session_key != web.client.cookies["zegel_session"]
    with httpx.Client(transport=web.client._transport) as thief:
        thief.cookies.set("zegel_session", row.session_key, domain="127.0.0.1")
        assert thief.get(URL + "/sent").status_code == 302


def test_rows_of_ended_sessions_go(web: Web) -> None:
    from datetime import UTC, datetime

    from django.contrib.sessions.models import Session

    Session.objects.create(session_key="oud", session_data="x", expire_date=datetime(2020, 1, 1, tzinfo=UTC))
    log_in(web)
    assert [row.session_key == "oud" for row in Session.objects.all()] == [False]


def test_a_new_password_and_a_closed_account_end_sessions(web: Web) -> None:
    house = web.ground.house
    people: Any = house.people
    log_in(web)
    with house.records.transaction():
        people.set_password(SENDER, "een-heel-ander-wachtwoord")
    assert web.get("/sent").status_code == 302
    assert log_in(web, password="een-heel-ander-wachtwoord").status_code == 302
    assert web.get("/sent").status_code == 200
    with house.records.transaction():
        people.deactivate(SENDER)
    assert web.get("/sent").status_code == 302


def test_a_wrong_password_and_an_unknown_address_are_one_answer(web: Web) -> None:
    answers = [log_in(web, password="fout-fout-fout"), log_in(web, address="niemand@voorbeeld.example")]
    assert [answer.status_code for answer in answers] == [401, 401]
    texts = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert texts[0] == texts[1]
    assert web.ground.password not in answers[1].text


def test_an_empty_form(quick: Web) -> None:
    answer = log_in(quick, address="", password="")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "sent", "/" + "x" * 300,
     "http:///evil.example", "/%0d%0aSet-Cookie:x", "\r\nSet-Cookie: x=y", "///evil.example"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(quick: Web, wanted: str) -> None:
    for answer in (log_in(quick, next=wanted[:200]), quick.post("/language", data={"language": "en", "next": wanted})):
        location = answer.headers["Location"]
        assert location in ("/sent", "/", wanted[:200])
        assert httpx.URL(URL + "/login").join(location).host == "127.0.0.1"
        assert "\n" not in location
        quick.client.cookies.clear()


def test_forms_that_are_not_ours_do_nothing(web: Web) -> None:
    parcel = web.send()
    log_in(web)
    slip = web.peer().parcel(parcel)["readers"][0]["slip"]
    for path in (
        "/logout",
        f"/sent/{parcel}/revoke",
        f"/sent/{parcel}/readers/{slip}/revoke",
        f"/sent/{parcel}/expiry",
    ):
        for fields in ({}, {"csrfmiddlewaretoken": "x" * 64}):
            answer = web.post(path, data={"expires": "2026-12-01", **fields})
            assert answer.status_code == 403
            assert "<html" in answer.text
    page = web.get("/sent")
    answer = web.post(
        "/logout", data={"csrfmiddlewaretoken": token_in(page)}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert web.peer().parcel(parcel)["state"] == "live"
    assert web.get("/sent").status_code == 200


def test_a_session_is_no_token_for_the_api(web: Web) -> None:
    log_in(web)
    assert web.get("/api/v1/parcels").status_code == 401


# Sent -----------------------------------------------------------------------------------------------------------------


def test_a_sender_follows_and_withdraws(web: Web) -> None:
    parcel = web.send(to=("een@example.net", "twee@example.net"))
    log_in(web)
    assert f"/sent/{parcel}" in web.get("/sent").text
    page = web.get(f"/sent/{parcel}")
    assert page.status_code == 200
    assert "een@example.net" in page.text
    assert "Beschikking" not in page.text
    slip = web.peer().parcel(parcel)["readers"][0]["slip"]

    ask = f"/sent/{parcel}/readers/{slip}/revoke"
    assert "een@example.net" in web.get(ask).text
    assert web.peer().parcel(parcel)["readers"][0]["revoked"] is None, "asking is not doing"
    assert post_form(web, ask, ask).headers["Location"] == f"/sent/{parcel}?done=reader-revoked"
    assert web.peer().parcel(parcel)["readers"][0]["state"] == "revoked"
    assert web.get(f"/sent/{parcel}?done=reader-revoked").status_code == 200

    ask = f"/sent/{parcel}/revoke"
    assert web.get(ask).status_code == 200
    assert post_form(web, ask, ask).headers["Location"] == f"/sent/{parcel}?done=revoked"
    assert web.peer().parcel(parcel)["state"] in ("revoked", "gone")


def test_a_sender_changes_the_expiry(web: Web) -> None:
    parcel = web.send()
    log_in(web)
    page = f"/sent/{parcel}"
    answer = post_form(web, f"{page}/expiry", page, expires="2026-12-01")
    assert answer.headers["Location"] == f"{page}?done=expiry"
    assert web.peer().parcel(parcel)["expires"] == "2026-12-01T22:59:59Z"
    for expires in ("2026-11-01", "2099-01-01", "morgen", ""):
        answer = post_form(web, f"{page}/expiry", page, expires=expires)
        assert answer.status_code == 400
        assert "2026-12-01" in answer.text
    assert web.peer().parcel(parcel)["expires"] == "2026-12-01T22:59:59Z"


def test_the_parcels_of_others_do_not_exist(web: Web) -> None:
    parcel = web.send()
    web.ground.house.welcome.add("burgerzaken@voorbeeld.example", "Burgerzaken", "ook-niet-te-raden")
    log_in(web, address="burgerzaken@voorbeeld.example", password="ook-niet-te-raden")
    slip = web.peer().parcel(parcel)["readers"][0]["slip"]
    for path in (f"/sent/{parcel}", f"/sent/{parcel}/revoke", f"/sent/{parcel}/readers/{slip}/revoke"):
        unknown = web.get(path.replace(parcel, new_identifier()))
        assert (web.get(path).status_code, unknown.status_code) == (404, 404)
    token = token_in(web.get("/sent"))
    for path in (f"/sent/{parcel}/revoke", f"/sent/{parcel}/readers/{slip}/revoke", f"/sent/{parcel}/expiry"):
        answer = web.post(path, data={"csrfmiddlewaretoken": token, "expires": "2026-12-01"})
        assert answer.status_code == 404
    assert web.peer().parcel(parcel)["state"] == "live"
    assert web.get("/sent/geen-nummer").status_code == 404
    assert web.get("/sent?before=geen-nummer").status_code == 404


def test_pages_of_fifty(quick: Web) -> None:
    log_in(quick)
    for _ in range(51):
        quick.ground.send(attachments=[])
        quick.ground.clock.move(minutes=1)
    page = quick.get("/sent").text
    found = re.search(r"\?before=([a-z2-7]{26})", page)
    assert found
    second = quick.get(f"/sent?before={found[1]}").text
    shown = [re.findall(r'href="/sent/([a-z2-7]{26})"', text) for text in (page, second)]
    assert (len(set(shown[0])), len(set(shown[1]))) == (50, 1)
    assert "before=" not in second


# Languages, files, trial ----------------------------------------------------------------------------------------------


def test_languages(quick: Web) -> None:
    assert '<html lang="nl"' in quick.get("/login").text
    assert '<html lang="en"' in quick.get("/login", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert '<html lang="nl"' in quick.get("/login", headers={"Accept-Language": "fy"}).text
    answer = quick.post("/language", data={"language": "en", "next": "/keys"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/keys")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert '<html lang="en"' in quick.get("/keys", headers={"Accept-Language": "nl"}).text
    assert quick.post("/language", data={"language": "../../x"}).status_code == 400
    assert quick.get("/language").status_code == 405


def test_files_are_kept_for_ever_under_a_path_that_changes_with_them(quick: Web) -> None:
    page = quick.get("/").text
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(paths) >= 2
    for path in paths:
        assert path.startswith(f"/static/{assets.build()}/")
        answer = quick.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        again = quick.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = quick.get(path.replace(assets.build(), "0" * 16))
        assert (other.content, other.headers["Cache-Control"]) == (answer.content, "no-cache")


def test_types_of_files(quick: Web) -> None:
    kinds = {name.rsplit(".", 1)[1]: asset.type for name, asset in assets.assets().items()}
    assert kinds["js"].startswith("text/javascript")
    assert kinds["css"].startswith("text/css")
    assert kinds["woff2"] == "font/woff2"
    script = next(name for name in assets.assets() if name.endswith(".js"))
    plain = quick.get(f"/static/x/{script}", headers={"Accept-Encoding": "identity"})
    small = quick.get(f"/static/x/{script}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.content == plain.content
    assert "Accept-Encoding" in small.headers["Vary"]


@pytest.mark.parametrize(
    "path", ["../settings.py", "..%2fsettings.py", "dist/../../settings.py", "dist", "", "/etc/passwd", "dist/%00"]
)
def test_no_path_leads_out_of_the_files(quick: Web, path: str) -> None:
    answer = quick.get(f"/static/{assets.build()}/{path}")
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_the_catcher_is_for_trials_only(quick: Web) -> None:
    quick.ground.send_and_link()
    for path in ("/demo/catcher", "/demo/mail/0"):
        assert quick.get(path).status_code == 404
    folder = quick.ground.folder
    with opened(quick.ground, demo=True, demo_mail=folder / "mail", demo_sms=folder / "sms.jsonl") as web:
        link = web.ground.links()[0]
        page = web.get("/demo/catcher")
        assert page.status_code == 200
        assert f"/o/{link.slip}#" in page.text
        assert web.get("/demo/catcher").text == page.text, "the page looks for news by comparing itself"
        mail = web.get("/demo/mail/0")
        assert mail.status_code == 200
        policy = mail.headers["Content-Security-Policy"]
        assert "sandbox" in policy
        assert "script" not in policy.replace("default-src 'none'", "")
        assert f"/o/{link.slip}#" in mail.text
        assert web.get("/demo/mail/7").status_code == 404


def test_caught_texts(quick: Web) -> None:
    link = quick.ground.send_and_link(proof="sms:+31612345642")
    quick.post(f"/api/v1/reader/slips/{link.slip}/code")
    quick.ground.announce()
    folder = quick.ground.folder
    with opened(quick.ground, demo=True, demo_mail=folder / "mail", demo_sms=folder / "sms.jsonl") as web:
        assert quick.ground.codes()[0] in web.get("/demo/catcher").text


def test_small_things(quick: Web) -> None:
    assert quick.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert quick.get("/favicon.ico").status_code == 204
    assert quick.get("/healthz").text == "ok\n"
    assert quick.client.head(URL + "/").status_code == 200
    assert quick.client.request("TRACE", URL + "/").status_code == 405


def test_the_profile(quick: Web) -> None:
    answer = quick.get("/.well-known/zegel")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    members = answer.json()
    known = {"zegel", "organisation", "courier", "archive", "signing", "api", "inside", "time_zone", "limits"}
    assert set(members) == known
    assert members["organisation"] == {"name": "Gemeente Voorbeeld", "host": "post.voorbeeld.example"}
    assert members["api"] == "http://127.0.0.1:8025/api/v1"
    assert members["inside"] == "http://127.0.0.1:8026/inside/v1"
    assert quick.peer().profile().signing == quick.ground.house.profile.signing
