"""Hostile messages: whatever a sender writes, nothing runs, nothing is fetched, nothing leaves its frame."""

import re
from typing import Any

import pytest

from tests.browser.reading import attachment, open_by_mail

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6364f8cf500f0003860180"
    "5a347d6b0000000049454e44ae426082"
)

HOSTILE = {
    "script": "<script>top.beaten = 1</script><p>hallo</p>",
    "event handler": '<img src=x onerror="top.beaten=1"><svg onload="top.beaten=1"><p>hallo</p>',
    "javascript link": '<a href="javascript:top.beaten=1">hallo</a><a href=" java&#9;script:top.beaten=1">x</a>',
    "form": '<form action="https://elders.example/"><input name=q><button>hallo</button></form>hallo',
    "frame": '<iframe src="https://elders.example/"></iframe><object data="https://elders.example/"></object><p>hallo',
    "meta refresh": '<meta http-equiv="refresh" content="0;url=https://elders.example/"><p>hallo</p>',
    "base": '<base href="https://elders.example/"><p>hallo</p><img src="pixel.gif">',
    "style that loads": (
        '<style>@import "https://elders.example/a.css"; p{background:url(https://elders.example/b)}</style>'
        '<p style="background:url(https://elders.example/c);color:red;position:fixed;top:0">hallo</p>'
        '<p style="list-style-image:url(https://elders.example/d)}body{background:url(https://elders.example/e)">x</p>'
    ),
    "mutation": (
        "<p>hallo</p><math><mtext><table><mglyph><style><!--</style>"
        '<img title="--&gt;&lt;img src=1 onerror=top.beaten=1&gt;">'
    ),
    "clobbering": '<p id="collect">hallo</p><a id="screen" name="screen" href="//elders.example">x</a><img name=body>',
    "sources": (
        '<img srcset="https://elders.example/a 2x" src="https://elders.example/b">'
        '<picture><source srcset="//elders.example/c"></picture><video poster="//elders.example/d"></video>'
        '<table background="//elders.example/e"><tr><td>hallo</table>'
        '<link rel=prefetch href="//elders.example/f"><input type=image src="//elders.example/g">'
    ),
    "template": '<template><img src="https://elders.example/a"></template><p>hallo</p>',
    "deep": "<div>" * 3000 + "hallo" + "</div>" * 3000,
    "broken": "<p>hallo<b><i></p><table><tr><td><p></table></b>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_html(page: Any, house: Any, name: str) -> None:
    elsewhere: list[str] = []
    page.context.on("request", lambda request: elsewhere.append(request.url) if "elders" in request.url else None)
    open_by_mail(page, house.send(text="hallo", html=HOSTILE[name])["links"][0])
    frame = page.frame_locator("iframe.zegel-frame")
    frame.get_by_text("hallo").first.wait_for()
    assert page.evaluate("window.beaten") is None
    inside = page.evaluate("document.querySelector('iframe.zegel-frame').contentDocument.documentElement.outerHTML")
    body = inside.partition("<body")[2]
    assert not re.search(r"<(script|iframe|object|form|input|style|link|meta|base|svg|math|template|video)\b", body)
    assert not re.search(r"\son\w+=|javascript:", body)
    assert page.locator("#collect").count() == 1
    assert elsewhere == []
    # While the sanitiser reads it, the browser already says what its policy refuses; nothing else may be said.
    assert not [said for said in page.complaints if "Content Security Policy" not in said]


def test_the_frame_is_shut(page: Any, house: Any) -> None:
    open_by_mail(page, house.send(text="hallo", html="<p>hallo</p>")["links"][0])
    frame = page.locator("iframe.zegel-frame")
    frame.wait_for()
    assert frame.get_attribute("sandbox") == "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    page.frame_locator("iframe.zegel-frame").get_by_text("hallo").wait_for()
    # What a hole in the sanitiser would let in still does not run: no scripts in the sandbox, none in the policy.
    page.evaluate(
        "() => { const d = document.querySelector('iframe.zegel-frame').contentDocument;"
        " const s = d.createElement('script'); s.onload = () => { window.beaten = 1 };"
        " try { s.src = '/static/0/dist/page.js' } catch (refused) { window.refused = refused.name }"
        " d.body.append(s);"
        " const i = d.createElement('img'); i.src = 'https://elders.example/pixel.gif'; d.body.append(i); }"
    )
    page.wait_for_function("() => document.querySelector('iframe.zegel-frame').contentDocument.images[0].complete")
    assert page.evaluate("[window.beaten, window.refused]") == [None, "TypeError"], "not even a trusted type"


def test_links_open_elsewhere_and_tell_nothing(page: Any, house: Any) -> None:
    html = '<p><a href="https://example.org/a" target="_top" rel="opener">ver</a> <a href="/login">hier</a></p>'
    open_by_mail(page, house.send(text="x", html=html)["links"][0])
    frame = page.frame_locator("iframe.zegel-frame")
    far = frame.get_by_text("ver")
    assert [far.get_attribute(name) for name in ("target", "rel")] == ["_blank", "noopener noreferrer"]
    assert frame.get_by_text("hier").get_attribute("href") is None
    page.context.route("https://example.org/**", lambda route: route.fulfill(body="ver", content_type="text/plain"))
    with page.context.expect_page() as opened, page.context.expect_event("request") as asked:
        far.click()
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("[window.opener, document.referrer]") == [None, ""]
    assert not asked.value.headers.get("referer")


def test_pictures_that_came_along_are_shown(page: Any, house: Any) -> None:
    html = '<p>hallo <img src="cid:logo%40x" alt="logo" width="40" height="40"> <img src="cid:no-such" alt="weg"></p>'
    items = [
        attachment("logo.png", PNG, "image/png", "logo@x"),
        attachment("los.png", PNG, "image/png", "los@x"),
        attachment("tekening.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "svg@x"),
    ]
    open_by_mail(page, house.send(text="x", html=html, attachments=items)["links"][0])
    page.wait_for_function(
        "() => { const i = document.querySelector('iframe.zegel-frame')?.contentDocument?.images[0];"
        " return i?.src.startsWith('blob:') && i.complete && i.naturalWidth === 1 }"
    )
    assert page.locator(".zegel-file__name").all_inner_texts() == ["los.png", "tekening.svg"]


def test_styles_of_a_letter_stay(page: Any, house: Any) -> None:
    html = '<p style="color:#a3161f;text-align:right;font-weight:bold;position:absolute">rood</p>'
    open_by_mail(page, house.send(text="x", html=html)["links"][0])
    page.frame_locator("iframe.zegel-frame").get_by_text("rood").wait_for()
    found = page.evaluate(
        "() => { const p = document.querySelector('iframe.zegel-frame').contentDocument.querySelector('p');"
        " const s = p.ownerDocument.defaultView.getComputedStyle(p);"
        " return [s.color, s.textAlign, s.fontWeight, s.position] }"
    )
    assert found == ["rgb(163, 22, 31)", "right", "700", "static"]


def test_the_policy_of_every_answer(page: Any, house: Any) -> None:
    policies: dict[str, str] = {}
    page.on("response", lambda answer: policies.update({answer.url: answer.headers.get("content-security-policy", "")}))
    open_by_mail(page, house.send(text="x", html="<p>x</p>", attachments=[attachment("a", b"a")])["links"][0])
    with page.expect_download():
        page.get_by_role("button", name="Download a").click()
    assert len(policies) > 8
    for url, policy in policies.items():
        assert "default-src 'none'" in policy, url
        assert "unsafe" not in policy, url
    [reader] = [policy for url, policy in policies.items() if "/o/" in url]
    assert "require-trusted-types-for 'script'" in reader
    assert page.complaints == []
