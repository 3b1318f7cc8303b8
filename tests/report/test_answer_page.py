"""The page of answers: whole, in one file, escaped, with its numbers in two languages; and its short forms."""

import csv
import io
import json
import os
import re
import shutil
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from research.report import answers_terminal, write_report
from research.report.look import look_into
from research.report.page import write_page
from research.report.verdicts import csv_files, markdown
from research.results.answer_files import read_answers
from tests.report.made_up_answers import (
    AFTER_ATTENTION,
    attention_or_not,
    heads,
    learning_to_attend,
    message,
    pair,
    write,
)
from tests.report.test_page import Tags, ours

NUMBER = re.compile(r"\d[\d,.]*\d|\d")


@pytest.fixture(scope="module")
def text(answers_page: Path) -> str:
    return ours(answers_page.read_text("utf-8"))


def part(text: str, name: str) -> str:
    """The HTML of one section."""
    (found,) = re.findall(rf'<section[^>]* id="{name}">(.*?)</section>', text, re.S)
    return found


def words(html: str) -> str:
    """Return the text of HTML, in both languages."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_all_files_are_there(answers_page: Path, answer_files: list[Path]) -> None:
    names = [f"{file.parent.name}.{file.stem}.png" for file in answer_files]
    assert sorted(os.listdir(answers_page.parent)) == [
        ".lookback-report",
        "figures",
        "index.html",
        "ledger.md",
        "tables",
        "verdicts.md",
    ]
    assert sorted(os.listdir(answers_page.parent / "figures")) == sorted(names)
    tables = ["arms.csv", "comparisons.csv", "hypotheses.csv", "runs.csv"]
    assert sorted(os.listdir(answers_page.parent / "tables")) == tables


def test_the_page_stands_alone_and_is_well_formed(text: str) -> None:
    tags = Tags(text)
    assert tags.open == []
    assert not {"link", "img", "iframe", "object", "embed"} & {tag for tag, _ in tags.seen}
    for _, attributes in tags.seen:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a.get("href") or a.get("xlink:href") for _, a in tags.seen} - {None}
    named = {name for _, a in tags.seen for name in (a.get("aria-labelledby") or "").split()}
    assert {str(target).removeprefix("#") for target in targets} | named <= set(ids)
    pictures = [attributes for tag, attributes in tags.seen if tag == "svg"]
    assert all(a.get("aria-hidden") == "true" or a.get("aria-labelledby") for a in pictures)
    levels = [int(tag[1]) for tag, _ in tags.seen if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_all_verdicts_at_a_glance_link_to_their_sections(text: str, answer_files: list[Path]) -> None:
    rows = re.findall(r"<tr>\n<th scope=\"row\"><a href=\"#([^\"]+)\">(.*?)</tr>", part(text, "verdicts"), re.S)
    # Answers to one question stand beside each other, whatever corpora they are of.
    order = [answer_files[0], answer_files[5], *answer_files[1:5]]
    assert [name for name, _ in rows] == [f"{file.parent.name}-{file.stem}" for file in order]
    said = {name: words(row) for name, row in rows}
    assert "refuted 반박됨" in said["embedded-recurrent_depth"]
    for effect in ("+2.1 [0.9, 3.2]", "−1.0 [−2.3, 0.2]", "−3.4 [−4.8, −2.1]"):
        assert effect in said["embedded-recurrent_depth"]
    assert said["embedded-recurrent_depth"].endswith("1 h 7 min 1시간 7분")
    assert "on the embedded corpus, after 1.23M target tokens, 3 seeds" in said["embedded-recurrent_depth"]
    assert "내장 말뭉치에서" in said["embedded-recurrent_depth"]
    assert said["embedded-heads"].endswith("no effect could be estimated 효과를 추정할 수 없음 1 min 36 s 1분 36초")
    shapes = {name: set(re.findall(r'<use href="#([\w-]+)"', row)) for name, row in rows}
    assert shapes["multi30k-attention_or_not"] == {"supported"}
    assert shapes["embedded-recurrent_depth"] == {"supported", "refuted", "inconclusive"}
    assert "5 questions, 6 answers on the embedded corpus and Multi30k: 3 supported, 1 refuted" in text
    assert "110 runs, 1 h 36 min of training" in text


def test_a_section_has_what_was_asked_found_paid_and_run(text: str) -> None:
    found = words(part(text, "embedded-attention_or_not"))
    for expected in (
        AFTER_ATTENTION,
        "어텐션 없는 RNN 번역기는 쓸 수 없는 수준이고",
        "Britz et al. 2017, table 3",
        "margin 5",
        "p to support < 0.001",
        "p to refute > 0.999",
        "none has 2 seeds; a verdict needs 3 none: 시드 2개, 판정에는 3개가 필요하다",
        "In the mean over seeds, none and luong do not cross. 시드 평균에서 none의 선과 luong의 선은 만나지 않는다.",
        "BLEU, higher is better · test, greedy search",
        "In the literature: BLEU",
        "luong model.reader luong model.score general 40.8 [38.2, 43.4] 40.6 42.0 39.9 792k 3.33M 1,200 1.23M 42 s",
        "none 10.3 [8.0, 12.5] 9.6 10.9 10.2",  # its name says what it is
        "luong − bahdanau +4.0 [2.6, 5.4] 0.031 0.093",
        "none 14.63 – 24.75 9.98 17.82 14",
        "python run.py ablate attention_or_not --seeds=0,1,2",
        "commit 0123abcd, finished 2026-11-24 20:00 UTC",
        "Attention of luong.0",
    ):
        assert expected in found
    found = words(part(text, "embedded-recurrent_depth"))
    assert "changed after results had been seen: the margin was 2 결과를 본 뒤 바뀐 것: 여유는 2였다" in found
    assert "Without residual connections the deep stacks are undertrained. 깊은 층은 덜 학습되었다." in found
    assert "alignment error rate, lower is better" in words(part(text, "embedded-learning_to_attend"))
    failed = words(part(text, "embedded-heads"))
    assert "heads=16 – – seed 0 failed 시드 0 실패 seed 1 failed" in failed
    assert "the loss is nan at step 351 <b>&</b>" in failed
    assert "whole log: logs/heads-16.1.log" in failed
    assert "heads=32 – – – 25.4" in failed  # the literature has it, we have not


def test_both_languages_have_the_same_numbers(text: str) -> None:
    pairs = re.findall(r'<span class="en" lang="en">(.*?)</span><span class="ko" lang="ko">(.*?)</span>', text)
    assert len(pairs) > 200
    for english, korean in pairs:
        assert re.search("[가-힣]", korean), english
        # "one pair" and "fewer than three" are words in one of the two.
        assert sorted(NUMBER.findall(korean)) == sorted(NUMBER.findall(english)) or re.match(r"one |A width", english)
    assert "<h2>A width of 512 is done as 8 heads of 64.</h2>" in text  # nobody said it in Korean


def test_everything_is_escaped(tmp_path: Path) -> None:
    bad = '</script><b onclick="x">&'
    made = heads()
    made |= {"question": "bad", "source": bad, "command": bad, "split": bad, "factors": [bad]}
    made |= {"asked": message(bad), "claim": message("{text}", text=bad), "warnings": [message(bad)]}
    made["axis"] |= {"title": message(bad)}
    made["arms"][0] |= {"name": bad, "fields": {bad: bad}, "group": bad, "means": {bad: 1.0}}
    made["literature"][0] |= {"source": bad, "measure": bad}
    made["hypotheses"][0] |= {"statement": message(bad)}
    file = write(tmp_path, made)
    note = f"en = '{bad}'\nko = '{bad}!'\n"
    file.with_suffix(".note.toml").write_text(f"[found]\n{note}[revised]\n{note}", "utf-8")
    text = ours(write_page(answers=read_answers([file])))
    assert "<b " not in text
    charts = text.count('class="chart"')
    assert charts > 0
    assert text.count("<script") == text.count("</script>") == 2 + charts  # the page's own, and how charts look
    assert Tags(text).open == []


def test_a_run_folder_that_is_gone_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    file = write(tmp_path, attention_or_not())
    shutil.rmtree(tmp_path / "trained" / "none.1")
    shutil.rmtree(tmp_path / "trained" / "luong.0")
    answers = read_answers([file])
    text = ours(write_page(answers=answers))
    said = "These run folders are gone; their scores are those that the answer kept: trained/none.1, trained/luong.0."
    assert said in text
    assert "The attention of luong.0 cannot be shown: its folder or its result.json is gone." in text
    assert "9.6 10.9 10.2" in words(text)
    runs = list(csv.DictReader(io.StringIO(csv_files(answers)["runs.csv"])))
    assert [run["status"] for run in runs].count("folder gone") == 2


def test_an_answer_without_its_runs_says_so_once(tmp_path: Path) -> None:
    file = write(tmp_path, attention_or_not())
    shutil.rmtree(tmp_path / "trained")
    text = write_page(answers=read_answers([file]))
    assert text.count("The run folders are not here: these are the scores that the answer kept") == 1
    assert "trained/none.1" not in text
    assert "cannot be shown" not in text


def test_an_attention_that_cannot_be_shown_is_said(tmp_path: Path) -> None:
    file = write(tmp_path, attention_or_not())
    result = tmp_path / "trained" / "luong.0" / "result.json"
    whole = json.loads(result.read_text("utf-8"))
    for change, why in (
        (lambda split: split.update(attention=[]), "holds no attention"),
        (lambda split: split["attention"][0]["weights"].pop(), "is damaged"),
    ):
        made = json.loads(json.dumps(whole))
        change(made["splits"]["test"])
        result.write_text(json.dumps(made), "utf-8")
        found = look_into(read_answers([file])[0])
        assert found.sentences == []
        assert found.trouble is not None
        assert why in str(found.trouble)


def test_csv_has_the_numbers_of_the_answers(answers_page: Path, answer_files: list[Path]) -> None:
    made = [json.loads(file.read_text("utf-8")) for file in answer_files]
    tables = {}
    for path in (answers_page.parent / "tables").iterdir():
        tables[path.stem] = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    arms = [arm for each in made for arm in each["arms"]]
    assert len(tables["arms"]) == len(arms)
    for row, arm in zip(tables["arms"], arms, strict=True):
        assert row["arm"] == arm["name"]
        assert row["score"] == ("" if arm["score"] is None else str(arm["score"]))
        assert json.loads(row["fields"]) == arm["fields"]
        assert float(row["parameters"]) == arm["costs"]["parameters"]
        assert row["mean_aer"] == ("" if arm["means"].get("aer") is None else str(arm["means"]["aer"]))
    runs = [run for arm in arms for run in arm["runs"]]
    done = [row for row in tables["runs"] if row["status"] == "done"]
    assert [row["bleu"] for row in done] == [str(run["scores"].get("bleu", "")) for run in runs]
    assert [row["status"] for row in tables["runs"]].count("failed") == 2
    pairs = [pair for each in made for pair in each["comparisons"]]
    assert [float(row["p_holm"]) for row in tables["comparisons"]] == [pair["p_holm"] for pair in pairs]
    assert [row["verdict"] for row in tables["hypotheses"]] == [h["verdict"] for m in made for h in m["hypotheses"]]


def test_verdicts_md_has_the_table_and_a_part_for_each(answers_page: Path, answer_files: list[Path]) -> None:
    text = (answers_page.parent / "verdicts.md").read_text("utf-8")
    assert "| [heads](#heads-embedded) | embedded | ○ **not enough seeds** | – | 0–2 | 1 min 36 s |" in text
    assert len(re.findall("^## ", text, re.M)) == len(answer_files)
    assert f"**Claim.** {AFTER_ATTENTION}" in text
    assert "- Found out: In the mean over seeds, none and luong do not cross." in text
    assert "| luong | 40.8 | [38.2, 43.4] | 40.6 42.0 39.9 | 792k | 3.33M | 1,200 | 1.23M | 42 s | 3 | 0.002 |" in text
    assert "| heads=16 | – | – | failed failed |" in text
    assert "- Warning: none has 2 seeds; a verdict needs 3" in text
    assert "- Warning: changed after results had been seen: the margin was 2" in text
    assert "\nWithout residual connections the deep stacks are undertrained.\n" in text
    assert "```sh\npython run.py ablate heads --seeds=0,1,2\n```" in text
    assert not re.search("[가-힣]", text)


def test_many_comparisons_are_left_to_the_tables(tmp_path: Path) -> None:
    made = heads()
    made["comparisons"] = [pair("heads=8", f"heads={n}", n / 3, 0.01) for n in (1, 2, 4)] * 4
    (answer,) = read_answers([write(tmp_path, made)])
    assert "12 comparisons are in tables/comparisons.csv." in markdown([answer])
    assert "heads=8 − heads=1" not in markdown([answer])
    assert "heads=8 − heads=1" in write_page(answers=[answer])


def test_the_terminal_table_fits_80_columns(answer_files: list[Path]) -> None:
    console = Console(width=80, record=True, file=io.StringIO(), color_system=None)
    console.print(answers_terminal(answer_files))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    for expected in (
        r"attention_or_not +● supported +● \+30.6 \[28.5, 32.5\] +3 +6 min 52 s",
        r"recurrent_depth +✕ refuted +● \+2.1 \[0.9, 3.2\] +3 +1 h 7 min",
        r"heads +○ not enough seeds +– +0–2 +1 min 36 s",
        r"attention_or_not: supported on the embedded corpus, after 1.23M target tokens, 3\s+seeds",
        r"note heads: heads=16, seed 0 failed; see logs/heads-16.0.log",
    ):
        assert re.search(expected, text), expected


def test_the_same_answers_give_the_same_bytes_and_old_figures_go(tmp_path: Path) -> None:
    file = write(tmp_path, learning_to_attend())
    figures = tmp_path / "report" / "figures"
    figures.mkdir(parents=True)
    earlier, others = figures / "embedded.heads.png", figures / "2024.png"
    for picture in (earlier, others):
        picture.write_bytes(b"a picture")
    listed = "figures/embedded.heads.png\n../../outside.png\n"  # ours, and one that cannot be
    (tmp_path / "report" / ".lookback-report").write_text(listed)
    outside = tmp_path.parent / "outside.png"
    outside.write_bytes(b"a picture")
    names = ["figures/embedded.learning_to_attend.png", "index.html", "verdicts.md", "tables/runs.csv"]
    written = []
    for folder in ("report", "again"):
        write_report([], tmp_path / folder, [file])
        written.append([(tmp_path / folder / name).read_bytes() for name in names])
    assert written[0] == written[1]
    assert not earlier.exists()
    for one in (others, outside):  # a person's own
        assert one.read_bytes() == b"a picture"


def luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance of #rrggbb."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_type_and_marks_stand_out_from_the_paper(text: str, scheme: str) -> None:
    """4.5 to 1 for type and 3 to 1 for marks, as WCAG 2.2 asks."""
    style = text[text.index("<style>") : text.index("</style>")]
    colours: dict[str, str] = {}
    for block in re.findall(r"(@media screen[^{]*\{\s*)?:root \{([^}]*)\}", style):
        if scheme == "dark" or not block[0]:
            colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[1]))
    type_on_paper = dict.fromkeys(("soft", "accent", "supported", "refuted", "inconclusive", "no-verdict"), 4.5)
    for name, least in {"ink": 7, **type_on_paper, **{f"c{index}": 3 for index in range(8)}}.items():
        light, dark = sorted((luminance(colours[name]), luminance(colours["paper"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, name
