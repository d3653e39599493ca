"""Bytes of a mail into text: character sets as mail programs really use them, flowed text, and text out of HTML."""

import codecs
import html
import re

_LABELS = {
    # What programs write as ASCII or Latin-1 is Windows-1252 when it holds 0x80–0x9f (WHATWG Encoding).
    "us-ascii": ("utf-8", "cp1252"),
    "ascii": ("utf-8", "cp1252"),
    "ansi_x3.4-1968": ("utf-8", "cp1252"),
    "": ("utf-8", "cp1252"),
    "iso-8859-1": ("cp1252",),
    "latin1": ("cp1252",),
    "latin-1": ("cp1252",),
    "iso-8859-8-i": ("iso8859-8",),
    "gb2312": ("gb2312", "gb18030"),
    "gbk": ("gbk", "gb18030"),
    "ks_c_5601-1987": ("euc-kr", "cp949"),
    "euc-kr": ("euc-kr", "cp949"),
    "shift_jis": ("shift_jis", "cp932"),
    "iso-2022-jp": ("iso-2022-jp", "iso2022_jp_ext"),
    "big5": ("big5", "big5hkscs"),
    "x-sjis": ("cp932",),
    "x-gbk": ("gb18030",),
    "unicode-1-1-utf-7": ("utf-7",),
}
_NAMES = """
    ascii big5 big5hkscs cp037 cp273 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861
    cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp932 cp949 cp950 cp1026 cp1125 cp1140 cp1250 cp1251 cp1252 cp1253
    cp1254 cp1255 cp1256 cp1257 cp1258 euc_jp euc_jis_2004 euc_jisx0213 euc_kr gb2312 gbk gb18030 hz iso2022_jp
    iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr iso8859-1 iso8859-2 iso8859-3
    iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14
    iso8859-15 iso8859-16 johab koi8-r koi8-t koi8-u kz1048 mac-cyrillic mac-greek mac-iceland mac-latin2 mac-roman
    mac-turkish ptcp154 shift_jis shift_jis_2004 shift_jisx0213 tis-620 utf-7 utf-8 utf-8-sig utf-16 utf-16-be
    utf-16-le utf-32 utf-32-be utf-32-le
"""
_KNOWN = frozenset(_NAMES.split())
"""Codecs that turn bytes into text and nothing else: Python also has “zip”, “idna” and others under the same roof."""

_LONE = re.compile("[\ud800-\udfff\x00]")


def _one_by_one(error: UnicodeError) -> tuple[str, int]:
    """Decode what a charset cannot read as Windows-1252: nothing gets lost, and the rest stays as it is."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "zegel-latin1"), error.end


def _latin1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("zegel-latin1", _latin1)
codecs.register_error("zegel-cp1252", _one_by_one)


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError, UnicodeError):
        return None
    return name if name in _KNOWN else None


def decode(data: bytes, charset: str) -> str:
    """Decode as the charset says; never fails. Unknown charsets are tried as UTF-8, then read as Windows-1252."""
    label = charset.strip().strip("'\"").lower().partition("*")[0]
    known = _LABELS.get(label) or ((_codec(label),) if _codec(label) else _LABELS[""])
    text = None
    for codec in known:
        try:
            text = data.decode(codec or "utf-8")
            break
        except (UnicodeError, ValueError):
            continue
    if text is None:
        try:
            text = data.decode(known[-1] or "cp1252", "zegel-cp1252")
        except (UnicodeError, ValueError, TypeError):
            text = data.decode("cp1252", "zegel-latin1")
    if text.startswith("\ufeff"):
        text = text[1:]
    return _LONE.sub("\ufffd", text)


def read_html(data: bytes, charset: str) -> str:
    """HTML without a charset in its header may name one itself (HTML §4.2.5.4)."""
    if not charset:
        named = re.search(rb"<meta[^>]{0,200}charset=[\"']?([A-Za-z0-9_.:-]{1,40})", data[:2048], re.IGNORECASE)
        charset = named[1].decode("ascii") if named and not _is_utf8(data) else ""
    return decode(data, charset)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def normal_lines(text: str) -> str:
    """Line ends as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unflow(text: str, delete_space: bool) -> str:
    """Join the soft line breaks of ``format=flowed`` (RFC 3676 §4); ``text`` has LF line ends."""
    out: list[str] = []
    joining = False
    depth_before = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        signature = content == "-- "
        flowed = content.endswith(" ") and not signature
        if flowed and delete_space:
            content = content[:-1]
        if joining and depth == depth_before and not signature:
            out[-1] += content
        else:
            out.append(f"{'>' * depth}{' ' if depth and content else ''}{content}")
        joining, depth_before = flowed, depth
    return "\n".join(out)


_BREAKS = frozenset(
    ("p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr")
)
_HIDDEN = frozenset(("style", "script", "head", "title"))


def text_of_html(markup: str) -> str:
    """A plain reading of HTML, for programs that show no HTML. One pass, so that no input makes it slow."""
    out: list[str] = []
    hidden = ""
    for piece in re.sub(r"\s+", " ", markup).split("<"):
        tag, closed, text = piece.partition(">")
        if not closed:
            tag, text = "", piece
        words = tag.strip("/ ").split(None, 1)
        name = words[0].lower() if words else ""
        if hidden:
            hidden = "" if tag.startswith("/") and name == hidden else hidden
        elif name in _HIDDEN and not tag.startswith("/"):
            hidden = name
        if name in _BREAKS:
            out.append("\n")
        if not hidden:
            out.append(text)
    lines = (" ".join(line.split()) for line in html.unescape("".join(out)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
