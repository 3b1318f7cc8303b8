"""Text is data: one corpus of what other programs would obey goes through all verbs, and nothing obeys it."""

import csv
import gzip
import html
import io
import json
import math
import re
import shutil
import sys
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import run
from research.data.vocabulary import Vocabularies
from research.report import attention_page
from research.report.page import write_page
from research.report.runs import read_runs
from tests.report.tags import Tags, ours

HOSTILE = [
    "{} {0} {0.__class__} {name!r:>{width}}",
    "%s %d %(name)s %",
    "[red]x[/red] [/] [link=file:///etc/passwd]y[/link]",
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "</td></tr></table> <!-- -->",
    "</script> ]]> &amp; &lt; &#0; \" ' `",
    "$x^2$ \\frac{1} \\n \\ $ \\begin{x}",
    "=1+1 is one",
    "@SUM(A1) is one",
    "+1 is one",
    "-1 is one",
    "a ||| b || c | d ```",
    "# heading * star _ line ~~ [a](b) ![c](d)",
    "tab\tinside",
    "return\rinside",
    "nul\x00inside",
    "escape\x1b[31m\x1b]0;title\x07inside",
    "form\x0cfeed \x0b \x1c \x1d \x1e \x1f",
    "delete\x7f \x80 \x9b31m \x85 next",
    "line\u2028separator \u2029 paragraph",
    "right \u202eto left \u2066 isolate",
    "joined \U0001f469\u200d\U0001f4bb \U0001f600 zero\u200bwidth",
    "e\u0301 a\u0300\u0301\u0302\u0303 \uac00\u1100\u1161",
    "\u2581piece\u2581 \u2585 reserved",
    "mark \ufeff inside",
    "<s> </s> <unk> <pad> <0x0A> @DATA@ {{ 7 * 7 }} {% raw %}",
    "w" * 300,
    "",
]
NAMES = ("[red]{}$x$", "=1+1", "@a|b<script>")
"""Names of run folders."""
FIGURES = ("attention", "curves", "length", "overview")
LEGAL_IN_JSON = {"\x7f", "\x80", "\x85", "\x9b", "\u2028", "\u2029"}


def written(folder: Path, names: tuple[str, str], lines: list[tuple[str, str]]) -> None:
    for name, side in zip(names, zip(*lines, strict=True), strict=True):
        (folder / name).write_bytes("".join(f"{line}\n" for line in side).encode())


def call(*arguments: str, given: bytes = b"") -> tuple[bytes, str]:
    """Run a verb as a person would; return what it wrote to stdout and to stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(given)), *streams
    try:
        code = run.main(list(arguments))
    except SystemExit as left:
        code = left.code
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
    out, said = (stream.buffer.getvalue() for stream in streams)
    assert code == 0, said.decode()
    return out, said.decode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The files and streams that all verbs leave of a tiny model of hostile text: for reading only."""
    root = tmp_path_factory.mktemp("hostile")
    turned = HOSTILE[7:] + HOSTILE[:7]
    pairs = list(zip(HOSTILE, turned, strict=True))
    files = {name: (f"{name}.en", f"{name}.de") for name in ("train", "validation", "test")}
    for name, both in files.items():
        written(root, both, pairs * (7 if name == "train" else 1))
    workdir = root / "runs" / NAMES[0]
    fields = {"root": root, "languages": ("en", "de"), "buckets": 1, "batch_tokens": 512, "max_tokens": 200}
    fields |= {"train": files["train"], "validation": files["validation"], "tests.test": files["test"]}
    fields |= {"vocabulary.size": 500, "vocabulary.byte_fallback": True}
    flags = [f"--config.data.{name}={value}" for name, value in fields.items()]
    flags += [f"--config.training.{name}=20" for name in ("steps", "validate_every_steps", "save_every_steps")]
    said = {}
    train = ("train", "--config=configs/text.py:1k:luong", "--config.model.width=16", *flags)
    said["train"] = call(*train, f"--workdir={workdir}")
    said["evaluate"] = call("evaluate", f"--workdir={workdir}", "--all", "--beam=2")
    text = (root / "test.en").read_bytes()

    def translate(*arguments: str) -> tuple[bytes, str]:
        return call("translate", f"--workdir={workdir}", *arguments, given=text)

    said["translate"] = translate()
    said["n_best"] = translate("--n_best=2", "--beam=2")
    said["sample"] = translate("--sample=20", "--temperature=3")
    said["score"] = translate(f"--score={root / 'test.de'}")
    said["attention"] = translate("--beam=1", f"--attention={root / 'maps'}")
    runs = [workdir, *(root / "runs" / name for name in NAMES[1:])]
    for other in runs[1:]:
        shutil.copytree(workdir, other)
    said["report"] = call("report", *map(str, runs), f"--out={root / 'report'}")
    return SimpleNamespace(root=root, runs=runs, said=said, lines=len(HOSTILE), report=root / "report")


def controls(text: str, but: str = "\n") -> set[str]:
    """Return the control characters and line breaks of a text, but for those that its format has."""
    return {each for each in text if unicodedata.category(each) in ("Cc", "Zl", "Zp")} - set(but)


def lines_of(content: bytes) -> list[str]:
    text = content.decode("utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


@pytest.mark.parametrize(
    ("verb", "each"), [("translate", 1), ("attention", 1), ("n_best", 2), ("sample", 20), ("score", 1)]
)
def test_there_are_as_many_lines_as_were_given(world: SimpleNamespace, verb: str, each: int) -> None:
    out, said = world.said[verb]
    assert len(lines_of(out)) == each * (world.lines - 1) + 1  # an empty line has one translation
    assert controls(out.decode(), "\n\t" if verb == "score" else "\n") == set()
    assert controls(said) == set()


@pytest.mark.parametrize("verb", ["n_best", "sample"])
def test_a_translation_stands_between_its_number_and_its_score(world: SimpleNamespace, verb: str) -> None:
    seen = Counter()
    for line in lines_of(world.said[verb][0]):
        number, text, score = line.split("|||")
        assert (number[-1], text[0], text[-1], score[0]) == (" ",) * 4
        text = text[1:-1]
        assert float(score) < 0 or not text
        seen[int(number)] += 1
    assert list(seen) == list(range(world.lines))
    assert set(seen.values()) == {seen[0], 1}  # an empty line has one translation


def test_a_sample_has_met_what_it_must_not_write(world: SimpleNamespace) -> None:
    """A vocabulary without these spellings would leave the tests above nothing to see."""
    target = Vocabularies.load(world.runs[0] / "vocabulary").target
    spelled = {target.pieces([piece])[0] for piece in range(len(target))}
    assert {"\x1b", "\x7f", "<0x00>", "<0x0A>", "<0x0D>"} <= spelled


def test_a_run_folder_holds_text_line_for_line(world: SimpleNamespace) -> None:
    for split in ("test", "validation"):
        texts = (world.runs[0] / "translations" / f"{split}.beam2.txt").read_bytes()
        assert len(lines_of(texts)) == world.lines
        assert controls(texts.decode()) == set()
        kept = gzip.decompress((world.runs[0] / "splits" / f"{split}.jsonl.gz").read_bytes())
        pairs = [json.loads(line) for line in lines_of(kept)]
        assert [pair["source"] for pair in pairs] == [line.removesuffix("\r") for line in HOSTILE]
    for name in ("result.md", "result.json", "config.json", "provenance.json", "metrics.jsonl"):
        held = controls((world.runs[0] / name).read_text("utf-8"))
        assert not held - LEGAL_IN_JSON if name == "result.json" else not held, name


def test_no_verb_says_a_control_character(world: SimpleNamespace) -> None:
    for verb in ("train", "evaluate", "report"):
        out, said = world.said[verb]
        assert controls(out.decode()) == controls(said) == set(), verb
    for name in NAMES:
        assert f"{name} " in world.said["report"][0].decode()


def tags_of(page: str) -> Counter[tuple[str, tuple[str, ...]]]:
    """Return how often a page has each tag with its attributes."""
    tags = Tags(page)
    assert tags.open == []
    return Counter((tag, tuple(sorted(attributes))) for tag, attributes in tags.seen)


def harmless(value: Any, words: dict[str, str]) -> Any:
    """Return JSON with another word for each word of its texts."""
    if isinstance(value, dict):
        return {name: harmless(each, words) for name, each in value.items()}
    if isinstance(value, list):
        return [harmless(each, words) for each in value]
    if isinstance(value, str):
        return " ".join(words.setdefault(word, f"w{len(words)}") for word in value.split())
    return value


def test_the_page_of_a_report_has_no_element_of_the_text(world: SimpleNamespace, tmp_path: Path) -> None:
    words: dict[str, str] = {}
    for number, path in enumerate(world.runs):
        other = shutil.copytree(path, tmp_path / f"run{number}")
        result = json.loads((other / "result.json").read_text("utf-8"))
        for split in result["splits"].values():
            split["samples"] = harmless(split["samples"], words)
            for shown in split["attention"]:
                for side in ("source_tokens", "target_tokens"):
                    shown[side] = harmless(shown[side], words)
        (other / "result.json").write_text(json.dumps(result), "utf-8")
    text = (world.report / "index.html").read_text("utf-8")
    assert controls(ours(text)) == set()
    plain = write_page(*read_runs(sorted(tmp_path.iterdir())))
    assert tags_of(text) == tags_of(plain)
    assert html.escape(HOSTILE[3]) in text
    for name in NAMES:
        assert f"<b>{html.escape(name)}</b>" in text


def test_the_page_of_maps_has_no_element_of_the_text(world: SimpleNamespace, tmp_path: Path) -> None:
    text = (world.root / "maps" / "index.html").read_text("utf-8")
    assert controls(ours(text)) == set()
    one = {"source": "a", "target": "b", "source_tokens": ["a"], "target_tokens": ["b"]}
    np.savez(tmp_path / "0001.npz", **one, weights_LHTS=np.ones((1, 1, 1, 1)))
    assert tags_of(text) == tags_of(attention_page([tmp_path / "0001.npz"], "run", ["en", "de"]))
    assert html.escape(NAMES[0]) in text


def test_every_line_with_text_has_its_map(world: SimpleNamespace) -> None:
    names = [f"{number:04d}" for number, line in enumerate(HOSTILE, 1) if line]
    maps = world.root / "maps"
    assert sorted(file.stem for file in maps.glob("*.npz")) == sorted(file.stem for file in maps.glob("*.png")) == names
    for file in [*maps.glob("*.png"), *world.report.glob("*.png")]:
        assert file.read_bytes().startswith(b"\x89PNG")
    assert {file.name for file in world.report.glob("*.png")} == {f"{name}.png" for name in FIGURES}
    for line, translated in zip(names, lines_of(world.said["attention"][0]), strict=False):
        with np.load(maps / f"{line}.npz") as arrays:
            assert str(arrays["source"]) == HOSTILE[int(line) - 1].rstrip("\x00\r")
            assert str(arrays["target"]) == translated.rstrip("\x00")


def test_no_cell_of_a_table_is_more_than_text(world: SimpleNamespace) -> None:
    table = (world.report / "results.csv").read_text("utf-8")
    assert controls(table) == set()
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert len({len(row) for row in rows}) == 1
    assert {row[0] for row in rows[1:]} == {NAMES[0], f"'{NAMES[1]}", f"'{NAMES[2]}"}
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "@", "+", "-")) or math.isfinite(float(cell))
    for file in (world.report / "results.md", world.report / "seeds.md", world.runs[0] / "result.md"):
        lines = file.read_text("utf-8").split("\n")
        assert controls("\n".join(lines)) == set()
        columns = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
        assert any(columns)
        assert all(0 in (a, b) or a == b for a, b in pairwise(columns)), file
