"""The page: whole, alone, escaped, and what a browser makes of it."""

import html
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research.report import write_report
from tests.report.browser import Browser
from tests.report.tags import Tags, ours

Fabricate = Callable[..., Path]
ALL = ("none", "luong", "bahdanau", "transformer")
FILES = [
    ".lookback-report",
    "attention.png",
    "curves.png",
    "index.html",
    "length.png",
    "overview.png",
    "results.csv",
    "results.md",
]


@pytest.fixture(scope="module")
def shared(all_four: list[Path]) -> Path:
    """A report for the tests that only read it."""
    return write_report(all_four, all_four[0].parent.parent / "report")


@pytest.fixture
def report(shared: Path, all_four: list[Path], tmp_path: Path) -> Path:
    """A copy that a test may change, beside a copy of its run folders."""
    shutil.copytree(all_four[0].parent, tmp_path / "runs")
    return Path(shutil.copytree(shared.parent, tmp_path / "report")) / "index.html"


def test_all_files_are_there_and_nothing_else(shared: Path) -> None:
    assert shared.name == "index.html"
    assert sorted(os.listdir(shared.parent)) == FILES


def test_the_same_folders_give_the_same_bytes(shared: Path, all_four: list[Path]) -> None:
    first = {name: (shared.parent / name).read_bytes() for name in FILES}
    write_report(reversed(all_four), shared.parent)
    assert {name: (shared.parent / name).read_bytes() for name in FILES} == first


def test_the_page_stands_alone_and_is_well_formed(shared: Path) -> None:
    text = ours(shared.read_text(encoding="utf-8"))
    tags = Tags(text)
    assert tags.open == []
    assert not {"link", "img", "iframe", "object", "embed"} & {tag for tag, _ in tags.seen}
    for _, attributes in tags.seen:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)", text))
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a.get("href") or a.get("xlink:href") for _, a in tags.seen if a.get("href") or a.get("xlink:href")]
    assert {target.removeprefix("#") for target in targets if target} <= set(ids)


def test_what_was_measured_is_on_the_page(shared: Path) -> None:
    text = html.unescape(shared.read_text(encoding="utf-8"))
    for expected in ("선생님은 책을 읽는다", "친구", "69.4", "1.95M", "bread & rice", "0123abcd", "sha256:abab"):
        assert expected in text
    assert "python run.py train --config=configs/embedded.py:luong --workdir=runs/luong" in text
    assert f"--out={shared.parent}" in text


def test_the_page_says_what_to_see(shared: Path) -> None:
    """By hand from conftest.py: 71 + 6 - 1.2 · 1.4 · 4 - 0.3 · 16 + 0.375 in the fifth bin (the sixth is too small),
    and 31 with a slope of 5.2; a rise of 71 (e^-2.5 - e^-2.857).
    """
    text = ours(shared.read_text("utf-8"))
    assert "On sentences of 21-30 words: BLEU 65.9 for Transformer, 3.5 for No attention." in text
    assert "In the last 250 steps validation BLEU rose by at most 1.8, for Transformer." in text
    assert "마지막 250단계 동안" in text


def test_all_text_is_escaped(fabricate: Fabricate, split: Callable, tmp_path: Path) -> None:
    bad = '<script>alert("x")</script>'
    measured = split("luong", {0: bad})
    measured["samples"][1] |= {"source": bad, "reference": bad}
    measured["attention"][0]["target_tokens"][0] = bad
    parts = {"splits": {bad: measured}, "provenance": {bad: bad, "command": bad}, "languages": ("en", bad)}
    path = fabricate(bad, folder="bad", **parts)
    (path / "metrics.jsonl").unlink()  # no curves: a test needs no picture twice
    text = write_report([path], tmp_path / "report").read_text(encoding="utf-8")
    assert ours(text).count("<script>") == 1  # the page's own
    assert "alert(" in text
    assert Tags(text).open == []


def test_words_that_the_reference_lacks_are_marked(fabricate: Fabricate, split: Callable, tmp_path: Path) -> None:
    measured = split("luong", {0: "선생님은 책을 책을"})
    text = write_report([fabricate("luong", splits={"test": measured})], tmp_path / "report").read_text(
        encoding="utf-8"
    )
    assert "선생님은 책을 <u>책을</u>" in text


def test_a_report_of_runs_that_were_not_evaluated(fabricate: Fabricate, tmp_path: Path, report: Path) -> None:
    path = fabricate("later", evaluated=False)
    for missing in ("metrics.jsonl", "provenance.json"):
        (path / missing).unlink()
    text = write_report([path], report.parent).read_text(encoding="utf-8")
    assert f"later is not evaluated; to do it: python run.py evaluate --workdir={path} --split=test" in text
    # The figures of the earlier report showed other runs.
    assert sorted(os.listdir(report.parent)) == [".lookback-report", "index.html", "results.csv", "results.md"]


def test_a_broken_run_leaves_the_earlier_report_as_it_was(report: Path, tmp_path: Path) -> None:
    before = {name: (report.parent / name).read_bytes() for name in FILES}
    (tmp_path / "runs" / "luong" / "result.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        write_report([tmp_path / "runs" / name for name in ALL], report.parent)
    assert {name: (report.parent / name).read_bytes() for name in FILES} == before


def test_a_page_may_show_runs_and_answers(all_four: list[Path], answer_files: list[Path], tmp_path: Path) -> None:
    text = write_report(all_four[:1], tmp_path / "both", answer_files[4:5]).read_text(encoding="utf-8")
    assert Tags(text).open == []
    sections = re.findall(r'<section[^>]* id="([\w-]+)"', text)
    assert sections == ["verdicts", "embedded-heads", "results", "length", "learning", "translations", "costs", "again"]
    names = sorted(os.listdir(tmp_path / "both"))
    assert names == sorted({*FILES, "figures", "tables", "verdicts.md", "ledger.md"} - {"attention.png"})


def specs(text: str) -> list[dict[str, Any]]:
    """Return what the charts of the page are drawn from."""
    return [
        json.loads(each) for each in re.findall(r'aria-labelledby="[^"]+"><script type="application/json">(.*?)<', text)
    ]


def test_charts_have_the_colours_of_the_page_in_light_and_dark(shared: Path) -> None:
    text = shared.read_text(encoding="utf-8")
    charts = json.dumps([specs(text), re.findall(r'id="config">(.*?)<', text)])
    assert len(specs(text)) == 1 + 4 + 4 * 3
    assert re.findall("#[0-9a-f]{6}", charts) == []
    declared = set(re.findall(r"--([\w-]+): #", text))
    assert set(re.findall(r"var\(--([\w-]+)\)", charts)) <= declared


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_all_fits_the_screen_and_cells_answer(browser: Browser, shared: Path, width: int) -> None:
    browser.open(shared, width=width)
    browser.wait_for("#learning figure:last-child svg")
    browser.wait_for(".maps:last-child figure:last-child svg")
    browser.run("document.querySelector('.maps svg').scrollIntoView({behavior: 'instant', block: 'center'})")
    browser.wait_for(".maps .mark-rect path")
    browser.point(".maps .mark-rect path")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert re.fullmatch(r"친구 ← a +0\.\d\d", browser.texts(".maps output")[0])
    charts = browser.run("""return [...document.querySelectorAll(".chart svg")].filter(each => each.checkVisibility())
        .map(each => each.getBoundingClientRect()).map(box => [box.left, box.right, box.height])""")
    assert len(charts) == 1 + 4 + 3  # the other sentences are not open
    assert all(left >= 0 and right <= width and height > 150 for left, right, height in charts)
