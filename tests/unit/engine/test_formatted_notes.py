"""Notes as they may be shown: plain text, or HTML of which nothing but harmless formatting is left."""

import pytest
from calsync_core.domain.appointments import Notes
from calsync_core.domain.notes import LONGEST_NOTES
from calsync_core.engine.notes import LONGEST_HTML, formatted


def html(text: str) -> Notes:
    return Notes(text, is_html=True)


@pytest.mark.rule("R103")
@pytest.mark.parametrize(
    ("notes", "wish", "lines", "expected"),
    [
        (None, "text", [], None),
        (None, "html", ["a", "b"], Notes("a\nb")),
        (Notes(" \n "), "text", [], None),
        (Notes(" \n "), "text", ["a"], Notes("a")),
        (Notes("x < y"), "text", ["a", "b"], Notes("a\nb\n\nx < y")),
        (Notes("x < y & <b>z</b>"), "html", [], Notes("x < y & <b>z</b>")),
        (html("<b>x</b>"), "text", [], Notes("x")),
        (html("<b>x</b>"), "text", ["a"], Notes("a\n\nx")),
        (html("<b>x</b>"), "html", [], html("<b>x</b>")),
        (html("<b>x</b>"), "html", ["a & b", "<i>"], html("a&#32;&amp;&#32;b<br>&lt;i&gt;<br><br><b>x</b>")),
        (html("x"), "html", [], html("x")),
        (html("<p> </p>"), "html", [], None),
        (html("<img src='x'>"), "html", [], None),
        (html("<img src='x'>"), "text", [], None),
    ],
)
def test_the_wished_format_with_lines_above(
    notes: Notes | None, wish: str, lines: list[str], expected: Notes | None
) -> None:
    assert formatted(notes, wish, lines) == expected


@pytest.mark.rule("R103")
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>a<br>b</p><ul><li>c</li></ul><ol><li>d</li></ol>", "<p>a<br>b</p><ul><li>c</li></ul><ol><li>d</li></ol>"),
        (
            "<b>a</b><i>b</i><u>c</u><strong>d</strong><em>e</em>",
            "<b>a</b><i>b</i><u>c</u><strong>d</strong><em>e</em>",
        ),
        (
            "<a href='https://e.example' class='t' hreflang='de' onclick='x()'>a</a><ol start='3'></ol>",
            '<a href="https://e.example" rel="noopener noreferrer nofollow">a</a><ol></ol>',
        ),
        ("<a href='mailto:a@b.example'>a</a>", '<a href="mailto:a@b.example" rel="noopener noreferrer nofollow">a</a>'),
        ("<a href='http://e.example'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        ("<a href='tel:1'>a</a>", '<a rel="noopener noreferrer nofollow">a</a>'),
        ("a<script>s</script><style>t</style><title>u</title>", "a"),
        ("<h1 style='x'>a</h1><font color='red'>b</font>", "ab"),
        ("<html><head><style>p{}</style></head><BODY lang='x'><p>a</p></BODY></html>", "<p>a</p>"),
        ("before <body>a <code>&lt;body</code> b</body>", "a &lt;body b"),
        ("<body>a</body><body>b</body>", "ab"),
        ("x \ud83d y", "x ? y"),
        ("  <p>a</p>  ", "<p>a</p>"),
    ],
)
def test_of_html_an_allow_list_is_left(given: str, kept: str) -> None:
    assert formatted(html(given), "html", []) == html(kept)


@pytest.mark.rule("R103")
def test_what_is_too_long_becomes_text_and_is_cut() -> None:
    fits = "<b>" + "x" * (LONGEST_NOTES - 7) + "</b>"
    assert formatted(html(fits), "html", []) == html(fits)
    assert formatted(html(fits.replace("x", "xx", 1)), "html", []) == Notes("x" * (LONGEST_NOTES - 6))
    umlauts = "<b>" + "ä" * (LONGEST_NOTES // 2) + "</b>"
    assert formatted(html(umlauts), "html", []) == Notes("ä" * (LONGEST_NOTES // 2)), "counted in bytes"
    wide = "<b>x</b>" + " " * (LONGEST_HTML - 8)
    assert formatted(html(wide), "html", []) == html("<b>x</b>")
    assert formatted(html(f"{wide} "), "html", []) == Notes("x"), "cleaning what is too long would take too long"
    assert formatted(Notes("x" * 40_000), "text", ["a"]) == Notes(("a\n\n" + "x" * 40_000)[:LONGEST_NOTES])
    assert formatted(None, "text", ["x" * 40_000]) == Notes("x" * LONGEST_NOTES)
