"""The page of answers in a browser: languages, light and dark, narrow screens, the keyboard, the explorer."""

from pathlib import Path

import pytest

from tests.report.browser import Browser

pytestmark = pytest.mark.browser


def shown(browser: Browser, css: str) -> str:
    """The text that is seen, not what is hidden."""
    return " ".join(browser.find(css).text.split())


def click(browser: Browser, css: str) -> None:
    """At once, where the page scrolls smoothly for people."""
    browser.run("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", browser.find(css))
    browser.find(css).click()


def paper(browser: Browser) -> str:
    return browser.run("return getComputedStyle(document.body).backgroundColor")


WHITE, BLACK = "rgb(255, 255, 255)", "rgb(21, 24, 27)"


@pytest.fixture
def fresh(browser: Browser, answers_page: Path) -> Browser:
    """Nobody has chosen anything yet."""
    browser.open(answers_page)
    browser.run("localStorage.clear()")
    browser.open(answers_page)
    return browser


def test_a_switch_changes_the_language_and_is_remembered(fresh: Browser, answers_page: Path) -> None:
    assert shown(fresh, "h1") == "Questions about attention, and what the runs say"
    assert "refuted" in shown(fresh, ".glance")
    fresh.find("#language").click()
    assert fresh.run("return document.documentElement.lang") == "ko"
    assert shown(fresh, "h1") == "어텐션에 관한 질문과 실험의 답"
    assert fresh.driver.title == "Lookback: 어텐션에 관한 질문과 실험의 답"
    assert "반박됨" in shown(fresh, ".glance")
    assert "refuted" not in shown(fresh, ".glance")
    fresh.open(answers_page)
    assert shown(fresh, "#language") == "English"
    assert shown(fresh, "#embedded-recurrent_depth h2") == "여섯 층은 그만한 가치가 있다."
    fresh.find("#language").click()
    assert shown(fresh, "h1").startswith("Questions")


def test_light_and_dark_follow_the_browser_until_somebody_chooses(fresh: Browser, answers_page: Path) -> None:
    assert paper(fresh) == WHITE
    fresh.prefer("dark")
    assert paper(fresh) == BLACK
    fresh.find("#theme").click()
    assert paper(fresh) == WHITE
    assert fresh.find("#theme").get_attribute("aria-pressed") == "false"
    fresh.open(answers_page, scheme="dark")
    assert paper(fresh) == WHITE  # remembered
    fresh.find("#theme").click()
    fresh.prefer("light")
    assert paper(fresh) == BLACK


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_fits_the_screen(fresh: Browser, answers_page: Path, width: int, language: str) -> None:
    fresh.open(answers_page, width=width)
    if language == "ko":
        fresh.find("#language").click()
    fresh.run("for (const each of document.querySelectorAll('details')) each.open = true")
    fresh.run("""for (const each of document.querySelectorAll('.effect > span:not(.hidden), .measured b'))
        each.textContent = '−0.1131 [−0.1209, −0.1053]'""")  # as long as any
    fresh.wait_for("#multi30k-attention_or_not .literature svg")
    fresh.wait_for("#embedded-heads figure:last-of-type svg")
    assert fresh.run("return document.documentElement.scrollWidth") <= width
    # Type in pictures is not shrunk until it cannot be read.
    sizes = fresh.run("""return [...document.querySelectorAll(".chart svg text")]
        .filter(each => each.getClientRects().length)
        .map(each => parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().d)""")
    assert min(sizes) > 10
    # What is read first of an arm needs no scrolling: its name, score and interval.
    ends = fresh.run("""return [...document.querySelectorAll(".arms tbody tr")]
        .map(row => row.cells[2].getBoundingClientRect().right)""")
    assert max(ends) <= width
    # A number stands below the name of its column.
    columns = fresh.run("""return [...document.querySelectorAll(".arms, .others")].flatMap(table =>
        [...table.rows[0].cells].map((head, place) => [head, table.rows[1].cells[place]])
        .map(pair => pair.map(each => Math.round(each.getBoundingClientRect().right))))""")
    assert all(head == cell for head, cell in columns)


def test_the_keyboard_reaches_everything(fresh: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    def focused() -> str:
        return fresh.run("return document.activeElement.id || document.activeElement.textContent.trim()")

    fresh.press(Keys.TAB)
    assert "Skip to the verdicts" in focused()
    assert fresh.run("return document.activeElement.getBoundingClientRect().width") > 50
    fresh.press(Keys.TAB, Keys.TAB)
    assert focused() == "language"
    fresh.press(Keys.ENTER, Keys.TAB)
    assert fresh.run("return document.documentElement.lang") == "ko"
    assert focused() == "theme"
    fresh.press(Keys.SPACE, Keys.TAB)
    assert paper(fresh) == BLACK
    assert focused() == "attention_or_not"
    fresh.press(Keys.ENTER)
    assert fresh.run("return location.hash") == "#embedded-attention_or_not"
    fresh.run("return new Promise(done => setTimeout(done, 700))")  # it scrolls smoothly
    top = fresh.run("return document.querySelector('#embedded-attention_or_not .kicker').getBoundingClientRect().top")
    assert 46 < top < 200  # below the bar, which stays
    summary = fresh.find("#embedded-attention_or_not details:not([open]) summary")
    fresh.run("arguments[0].focus()", summary)
    fresh.press(Keys.ENTER)
    assert fresh.run("return arguments[0].parentElement.open", summary)


def test_the_explorer_is_made_when_it_is_opened_and_speaks_the_language(fresh: Browser) -> None:
    def inside(script: str) -> object:
        """Return what `script` finds in the frame, once there is something in it."""
        return fresh.run(
            """const [script] = arguments, find = new Function("inside", script);
            return new Promise(done => {
              const look = () => {
                const inside = document.querySelector("iframe")?.contentDocument;
                if (inside?.querySelector(".cell")) done(find(inside)); else setTimeout(look, 50);
              };
              look();
            })""",
            script,
        )

    assert fresh.run("return document.querySelectorAll('iframe').length") == 0
    click(fresh, "#embedded-attention_or_not .look summary")
    assert inside("return inside.querySelector('.lines h2').firstChild.textContent.trim()") == "Words"
    assert inside("return [...inside.querySelectorAll('#source .token')].map(each => each.textContent).join(' ')") == (
        "the teacher reads a book ⟨end⟩"
    )
    weights = inside("return [...inside.querySelectorAll('.cell')].map(each => +each.getAttribute('fill-opacity'))")
    assert isinstance(weights, list)
    assert sum(weights) == pytest.approx(6, abs=0.01)  # a row sums to 1
    assert inside("return inside.defaultView.getComputedStyle(inside.body).backgroundColor") == WHITE
    fresh.find("#theme").click()
    assert inside("return inside.defaultView.getComputedStyle(inside.body).backgroundColor") == BLACK
    fresh.find("#language").click()
    assert inside("return inside.querySelector('.lines h2').firstChild.textContent.trim()") == "단어"
    assert fresh.run("return document.querySelectorAll('iframe').length") == 1
    height = fresh.run("return document.querySelector('iframe').clientHeight")
    assert height == pytest.approx(inside("return inside.body.getBoundingClientRect().height"), abs=2)
    click(fresh, "#embedded-attention_or_not .look summary")
    fresh.run("return new Promise(done => setTimeout(done, 100))")
    assert fresh.run("return document.querySelectorAll('iframe').length") == 0
