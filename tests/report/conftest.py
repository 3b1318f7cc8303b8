"""Run folders made up for the report's tests: the contract's files with invented numbers. Nothing was trained."""

import gzip
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from research.report import write_report
from tests.report.browser import CHROMEDRIVER, CHROMIUM, Browser

SENTENCES = [
    ("the teacher reads a book", "선생님은 책을 읽는다", "선생님은 책을 읽는다"),
    ("the student who met the doctor drinks water", "의사를 만난 학생은 물을 마신다", "의사를 본 학생은 물을 마신다"),
    ("the cat sees the river near the bank", "고양이는 둑 옆의 강을 본다", "고양이는 은행 옆의 강을 본다"),
    (
        "a friend says that the singer buys the pear",
        "친구는 가수가 배를 산다고 말한다",
        "친구는 가수가 배를 산다고 말한다",
    ),
    ("the dog eats bread & rice", "개는 빵과 밥을 먹는다", "개는 빵과 빵을 먹는다"),
]
MODELS: dict[str, dict[str, Any]] = {
    "none": {"decoder": "recurrent", "reader": "none", "score": "general"},
    "luong": {"decoder": "recurrent", "reader": "luong", "score": "general"},
    "bahdanau": {"decoder": "recurrent", "reader": "bahdanau", "score": "concat"},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "heads": 8},
}
LEVELS = {"none": (31.0, 5.2), "luong": (66.0, 2.2), "bahdanau": (64.0, 2.0), "transformer": (71.0, 1.2)}
SIGNATURES = (
    "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
    "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|version:2.6.0",
    "nrefs:1|case:lc|tok:tercom|version:2.6.0",
)
BINS = [("1-5", 61), ("6-10", 283), ("11-15", 347), ("16-20", 211), ("21-30", 85), ("31+", 13)]


def config(name: str, languages: tuple[str, str] = ("en", "ko")) -> dict[str, Any]:
    """The fields of config.json that the report reads, and a few that it does not."""
    shape = {"width": 256, "encoder_layers": 1, "decoder_layers": 1, "cell": "lstm", "direction": "bi"}
    shape |= {"encoder": "recurrent", "window": "global", "normaliser": "softmax", "coverage": "none"}
    return {
        "seed": 0,
        "model": shape | {"input_feeding": False} | MODELS.get(name, MODELS["luong"]),
        "data": {"source": "embedded", "languages": list(languages), "lowercase": False},
    }


def attention(sentence: tuple[str, str, str], shift: float) -> dict[str, Any]:
    """A soft map whose rows sum to 1, its peaks running against the diagonal as verb-final order would have it."""
    source = [f"\u2581{word}" for word in sentence[0].split()] + ["</s>"]
    target = [f"\u2581{word}" for word in sentence[2].split()]
    target = [piece for word in target for piece in ([word[:-1], word[-1]] if len(word) > 3 else [word])] + ["</s>"]
    rows = []
    for row in range(len(target)):
        last = row == len(target) - 1
        peak = len(source) - 1 if last else (row * 2.3 + 1.0) % (len(source) - 1)
        scores = [math.exp(-((column - peak) ** 2) / (0.4 + shift)) + 0.01 for column in range(len(source))]
        rows.append([round(score / sum(scores), 4) for score in scores])
    return {"source_tokens": source, "target_tokens": target, "weights": rows}


def fabricate_split(name: str, hypotheses: dict[int, str] | None = None) -> dict[str, Any]:
    """One split of result.json."""
    level, slope = LEVELS.get(name, LEVELS["luong"])
    lengths = [(words, n, round(level + 6 - slope * 1.4 * i - 0.3 * i * i, 3)) for i, (words, n) in enumerate(BINS)]
    searches = {
        f"beam{width}": {
            "command": f"python run.py evaluate --workdir=runs/{name} --split=test",
            "bleu": {"score": level - 3 + gain, "signature": SIGNATURES[0]},
            "bleu_lowercased": {"score": level - 3 + gain, "signature": SIGNATURES[0].replace("mixed", "lc")},
            "chrf": {"score": level + 4.25 + gain, "signature": SIGNATURES[1]},
            "ter": {"score": 96.5 - level - gain, "signature": SIGNATURES[2]},
            "sentences_per_second": 311.5 / width,
            "bleu_by_length": [
                {"words": w, "sentences": n, "bleu": max(0.5, bleu - 1 + gain)} for w, n, bleu in lengths
            ],
        }
        for width, gain in ((1, 0.0), (5, 1.375))
    }
    worse = {"none": lambda text: text.replace("을", "이").replace("의사", "가수")}.get(name, str)
    attentive = name != "none"
    return {
        "sentences": 1000,
        "token_accuracy": round(level / 100 + 0.0931, 4),
        "perplexity": round(250 / level, 4),
        "seconds": 12.25,
        "searches": searches,
        "alignment": {"error": round(0.9 - level / 100, 4), "precision": 0.7, "recall": 0.8, "layer": "layer_0"}
        if attentive
        else None,
        "samples": [
            {"source": source, "reference": reference, "hypothesis": (hypotheses or {}).get(index, worse(text))}
            for index, (source, reference, text) in enumerate(SENTENCES)
        ],
        "attention": [attention(each, level / 150 - 0.2) for each in SENTENCES[:4]] if attentive else [],
    }


@pytest.fixture
def fabricate(tmp_path: Path) -> Callable[..., Path]:
    """`fabricate(name, ...)` writes a run folder below a temporary folder and returns its path."""

    def write(name: str, **parts: Any) -> Path:
        return fabricate_run(tmp_path / "runs" / parts.pop("folder", name), name, **parts)

    return write


@pytest.fixture(scope="session")
def all_four(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The four architectures, evaluated: for reading only."""
    folder = tmp_path_factory.mktemp("four") / "runs"
    return [fabricate_run(folder / name, name) for name in MODELS]


@pytest.fixture(scope="session")
def answer_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six answers, five questions on one corpus and the first of them on another: for reading only."""
    from tests.report.made_up_answers import write_all

    return write_all(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="session")
def answers_page(answer_files: list[Path]) -> Path:
    """index.html of `answer_files`: for reading only."""
    return write_report([], answer_files[0].parent.parent / "report", answer_files)


@pytest.fixture
def split() -> Callable[..., dict[str, Any]]:
    """`split(name, {index: hypothesis})` is one split of a result.json, to change."""
    return fabricate_split


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("no chromium or no chromedriver on this machine; Debian has them as chromium and chromium-driver")
    started = Browser()
    yield started
    started.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Whatever a test does in it: only the page is asked for, and nothing goes wrong on the console."""
    chromium.asked()
    yield chromium
    asked = chromium.asked()
    assert asked
    assert all(address.startswith("file:///") and address.endswith("/index.html") for address in asked)
    assert chromium.complaints() == []


def fabricate_run(
    folder: Path,
    name: str,
    splits: dict[str, Any] | None = None,
    evaluated: bool = True,
    languages: tuple[str, str] = ("en", "ko"),
    provenance: dict[str, Any] | None = None,
) -> Path:
    """Write the files that the report reads. `splits` replaces those of result.json."""
    level, _ = LEVELS.get(name, LEVELS["luong"])
    (folder / "splits").mkdir(parents=True)
    for held in ("validation", "test"):
        (folder / "splits" / f"{held}.jsonl.gz").write_bytes(gzip.compress(b"", mtime=0))
    (folder / "config.json").write_text(json.dumps(config(name, languages)))
    rows = []
    for step in range(250, 2001, 250):
        rows.append({"step": step, "seconds": step * level / 900, "train/loss": 3.0, "train/tokens_per_second": 9e3})
        done = 1 - math.exp(-step / 700)
        perplexity = 250 / level + 60 * (1 - done) ** 2
        rows.append({"step": step, "validation/perplexity": perplexity, "validation/bleu": level * done})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = {
        "command": f"python run.py train --config=configs/embedded.py:{name} --workdir=runs/{folder.name}",
        "commit": "0123abcd",
        "device": {"kind": "cpu", "count": 1},
        "versions": {"jax": "0.10.2", "flax": "0.12.8"},
        "digests": {"train": "sha256:" + "ab" * 32},
    }
    (folder / "provenance.json").write_text(json.dumps(provenance or made))
    if evaluated:
        result = {
            "name": name,
            "config": config(name, languages),
            "steps": 2000,
            "seconds": level * 2000 / 900,
            "parameters": int(1_237_411 + 1e4 * level),
            "flops_per_token": 7_340_000,
            "splits": {"test": fabricate_split(name)} if splits is None else splits,
        }
        (folder / "result.json").write_text(json.dumps(result))
    return folder
