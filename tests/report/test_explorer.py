"""The page to look at attention in: all of it inside, every weight as in the .npz, and what a person does with it."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.report import attention_page, explorer
from tests.report.browser import Browser

LAYERS, HEADS = 2, 3
TOKENS = {
    "0001": ("▁The ▁teacher ▁read s ▁a ▁book . </s>", "▁선생님 은 ▁책을 ▁읽 는다 . </s>"),
    "0003": ("▁A ▁girl ▁cross es ▁the ▁street . </s>", "▁Ein ▁Mädchen ▁über quer t ▁die ▁Straße . </s>"),
    "0012": ("▁</script><b>x</b> ▁&amp; </s>", '▁<!--<script> ▁" </s>'),
}
TEXTS = {
    "0001": ("The teacher reads a book.", "선생님은 책을 읽는다."),
    "0003": ("A girl crosses the street.", "Ein Mädchen überquert die Straße."),
    "0012": ("</script><b>x</b> &amp;", '<!--<script> "'),
}


def invent(folder: Path, names: Any = TOKENS, layers: int = LAYERS, heads: int = HEADS) -> list[Path]:
    """Files as `translate --attention` writes them, of weights that no two places share."""
    random = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        source, target = (side.split() for side in TOKENS[name])
        weights_LHTS = random.dirichlet(np.full(len(source), 0.3), (layers, heads, len(target))).astype(np.float32)
        np.savez(
            folder / f"{name}.npz",
            source=np.array(TEXTS[name][0]),
            target=np.array(TEXTS[name][1]),
            source_tokens=np.array(source),
            target_tokens=np.array(target),
            weights_LHTS=weights_LHTS,
            weights=weights_LHTS.mean((0, 1)),
        )
    return [folder / f"{name}.npz" for name in names]


def held(html: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    return json.loads(text)


def test_every_weight_and_token_is_on_the_page(tmp_path: Path) -> None:
    files = invent(tmp_path)
    data = held(attention_page(files, "a run", ("en", "ko")))
    assert [sentence["line"] for sentence in data["sentences"]] == ["1", "3", "12"]
    for file, sentence in zip(files, data["sentences"], strict=True):
        with np.load(file) as arrays:
            weights_LHTS = arrays["weights_LHTS"]
        low_high = np.frombuffer(base64.b64decode(sentence["weights"]), np.uint8).reshape(*weights_LHTS.shape, 2)
        np.testing.assert_allclose(low_high @ [1e-4, 256e-4], weights_LHTS, atol=0.51e-4)  # four digits
        assert (sentence["source"], sentence["target"]) == TEXTS[file.stem]
    assert data["sentences"][0]["target_tokens"] == ["선생님", "-은", "책을", "읽", "-는다", ".", "⟨end⟩"]
    assert data["sentences"][2]["target_tokens"] == ["<!--<script>", '"', "⟨end⟩"]


def test_the_page_stands_alone_and_no_token_ends_its_script(tmp_path: Path) -> None:
    html = attention_page(invent(tmp_path), "<b>", ("en", "<i>"))
    assert html.count("<script") == html.count("</script>") == 2  # the data, and what reads it
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b|\bsrc=|\bhref=|url\(|@import|https?:|<b>|<i>", html)


def test_what_the_page_leaves_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = invent(tmp_path)
    assert "of 3 sentences" not in attention_page(files, "a run", ("en", "ko"))
    monkeypatch.setattr(explorer, "MOST_SENTENCES", 2)
    assert "the first 2 of 3 sentences" in attention_page(files, "a run", ("en", "ko"))
    monkeypatch.setattr(explorer, "MOST_BYTES", 1)
    html = attention_page(files, "a run", ("en", "ko"))
    assert "the first 1 of 3 sentences" in html
    assert len(held(html)["sentences"]) == 1


def test_files_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    files = invent(tmp_path, ["0001"]) + invent(tmp_path, ["0003"], heads=HEADS + 2)
    with pytest.raises(ValueError, match="one page shows one model, and these files are of 2"):
        attention_page(files, "a run", ("en", "ko"))
    with np.load(files[0]) as arrays:
        cut = {name: arrays[name][:-1] if name == "source_tokens" else arrays[name] for name in arrays}
    np.savez(files[0], **cut)
    with pytest.raises(ValueError, match=r"0001\.npz has weights that are not 7 target by 7 source tokens"):
        attention_page(files, "a run", ("en", "ko"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """index.html beside the .npz that it shows."""
    folder = tmp_path_factory.mktemp("maps")
    (folder / "index.html").write_text(attention_page(invent(folder), "a run", ("en", "ko")), "utf-8")
    return folder / "index.html"


def weights(page: Path, name: str) -> np.ndarray:
    with np.load(page.with_name(f"{name}.npz")) as arrays:
        return arrays["weights_LHTS"]


def beside(browser: Browser, side: str) -> list[float]:
    """The numbers beside the words of a side; there is none where less than 0.005 was read."""
    return [float(text or 0) for text in browser.texts(f"#{side} .weight")]


def thumbnail(browser: Browser, layer: int, head: int) -> np.ndarray:
    """The pixels_TSC of a map of the overview: red, green, blue and opacity of each, to 255."""
    css = f"#heads [data-layer='{layer}'][data-head='{head}'] canvas"
    script = """
    const shown = document.querySelector(arguments[0]);
    const pen = shown.cloneNode().getContext("2d", {willReadFrequently: true});  // or it complains of being read twice
    pen.drawImage(shown, 0, 0);
    return [...pen.getImageData(0, 0, shown.width, shown.height).data];"""
    return np.array(browser.run(script, css), float).reshape(7, 8, 4)


ROUNDED = 0.00506  # two digits of what has four


@pytest.mark.browser
def test_pointing_at_a_word_shows_what_was_read_by_layer_and_head(browser: Browser, page: Path) -> None:
    weights_LHTS = weights(page, "0001")
    browser.open(page)
    assert beside(browser, "source") == [0] * 8  # nothing is pointed at
    assert browser.run("return document.querySelectorAll('#lines path').length") > 8
    browser.point("#target [data-t='2']")
    np.testing.assert_allclose(beside(browser, "source"), weights_LHTS.mean((0, 1))[2], atol=ROUNDED)
    browser.choose("#layer", "layer 1")
    browser.point("#target [data-t='3']")
    np.testing.assert_allclose(beside(browser, "source"), weights_LHTS[1].mean(0)[3], atol=ROUNDED)
    browser.choose("#head", "head 2")
    browser.point("#target [data-t='3']")
    np.testing.assert_allclose(beside(browser, "source"), weights_LHTS[1, 2, 3], atol=ROUNDED)
    strongest = int(weights_LHTS[1, 2, 3].argmax())
    token = browser.texts("#source .token")[strongest]
    assert browser.texts("#said")[0].startswith(f"읽 ← {token} {weights_LHTS[1, 2, 3, strongest]:.2f}")
    shades = browser.run(
        "return Array.from(document.querySelectorAll('#source li'), li => +getComputedStyle(li, '::before').opacity)"
    )
    np.testing.assert_allclose(
        np.array(shades) / max(shades), weights_LHTS[1, 2, 3] / weights_LHTS[1, 2, 3].max(), atol=1e-3
    )
    assert (
        browser.run("return document.querySelectorAll('#lines path').length") == (weights_LHTS[1, 2, 3] > 0.005).sum()
    )
    browser.point("#source [data-s='1']")  # the other way: which words read this one
    np.testing.assert_allclose(beside(browser, "target"), weights_LHTS[1, 2, :, 1], atol=ROUNDED)
    assert beside(browser, "source") == [0] * 8
    browser.point("h1")
    assert browser.texts("#said") == [""]


@pytest.mark.browser
def test_the_overview_has_every_head_and_chooses_one(browser: Browser, page: Path) -> None:
    weights_LHTS = weights(page, "0001")
    browser.open(page)
    assert browser.run("return document.querySelectorAll('#heads canvas').length") == 1 + LAYERS * (1 + HEADS)
    pixels_TSC = thumbnail(browser, 1, 0)
    np.testing.assert_allclose(pixels_TSC[..., 3] / 255, weights_LHTS[1, 0], atol=0.003)  # half of 1/255, four digits
    browser.prefer("dark")
    strongest = np.unravel_index(weights_LHTS[1, 0].argmax(), (7, 8))
    light, dark = pixels_TSC[strongest][:3], thumbnail(browser, 1, 0)[strongest][:3]
    np.testing.assert_allclose([light, dark], [(0x0B, 0x6F, 0xB8), (0x5D, 0xB2, 0xF0)], atol=2)
    browser.find("#heads [data-layer='0'][data-head='1']").click()
    assert browser.run("return [...document.querySelectorAll('#layer, #head')].map(each => each.value)") == ["0", "1"]
    shown = browser.run(
        "return Array.from(document.querySelectorAll('.cell'), each => +each.getAttribute('fill-opacity'))"
    )
    np.testing.assert_allclose(np.reshape(shown, (7, 8)), weights_LHTS[0, 1], atol=0.51e-4)
    browser.point(".cell[data-t='4'][data-s='2']")
    assert browser.texts("#said") == [f"-는다 ← read {weights_LHTS[0, 1, 4, 2]:.2f}"]


@pytest.mark.browser
def test_the_keyboard_goes_from_word_to_word(browser: Browser, page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    weights_TS = weights(page, "0001").mean((0, 1))
    browser.open(page)
    browser.find("#target [data-t='0']").click()  # kept
    browser.point("h1")
    np.testing.assert_allclose(beside(browser, "source"), weights_TS[0], atol=ROUNDED)
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    np.testing.assert_allclose(beside(browser, "source"), weights_TS[2], atol=ROUNDED)
    browser.press(Keys.END)
    np.testing.assert_allclose(beside(browser, "source"), weights_TS[6], atol=ROUNDED)
    browser.press(Keys.ARROW_DOWN)  # there is none below
    assert browser.texts("#target .lit .token") == ["⟨end⟩"]
    browser.press(Keys.ESCAPE)
    assert browser.texts("#target .lit") == []
    browser.find("#heads [aria-pressed='true']").click()
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ENTER)
    assert browser.texts(".whose")[0] == "layer 0, head 0"


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_korean_and_german_are_intact_and_all_fits_the_screen(
    browser: Browser, page: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    browser.open(page, width=width, scheme=scheme)
    for (source, target), said in zip(TOKENS.values(), TEXTS.values(), strict=True):
        shown = [browser.texts(f"#{side} .token") for side in ("source", "target")]
        for tokens, side in zip(shown, (source, target), strict=True):
            assert [token.removeprefix("-") for token in tokens[:-1]] == side.replace("▁", "").split()[:-1]
        assert browser.texts(".text p") == list(said)
        browser.tap("#target [data-t='1']")
        assert browser.texts("#target .lit .token") == shown[1][1:2]
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert (
            browser.run(
                "return Math.min(...Array.from(document.querySelectorAll('.sides button'), e => e.clientWidth))"
            )
            > 30
        )
        browser.find("#after").click()
    assert not browser.find("#after").is_enabled()
    assert browser.run("return document.scripts.length") == 2  # a token is text, whatever it says
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 27)"}[scheme]
    assert browser.driver.save_screenshot(str(tmp_path / f"{width}-{scheme}.png"))


@pytest.mark.browser
def test_a_recurrent_reader_has_one_head_and_nothing_to_choose(browser: Browser, tmp_path: Path) -> None:
    html = attention_page(invent(tmp_path, ["0003"], layers=1, heads=1), "luong", ("en", "de"))
    (tmp_path / "index.html").write_text(html, "utf-8")
    browser.open(tmp_path / "index.html")
    for css in ("#layer", "#head", "#heads"):
        assert not browser.find(css).is_displayed()
    browser.point("#target [data-t='2']")
    np.testing.assert_allclose(
        beside(browser, "source"), weights(tmp_path / "index.html", "0003")[0, 0, 2], atol=ROUNDED
    )
