"""Answers made up for the report's tests, in the form that `ablate` writes: invented numbers. Nothing was trained."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.report.conftest import fabricate_run

Made = dict[str, Any]
AFTER_ATTENTION = "Without attention an RNN translator is unusable, and the gap is larger than one expects."


def message(text: str, /, **values: Any) -> Made:
    """A message as JSON has it; Korean where the catalogue has the text."""
    return {"text": text, "values": values}


def arm(name: str, fields: Made, scores: Sequence[float], x: float | None = None, group: str = "") -> Made:
    """An arm with a run for each of `scores` (BLEU), and costs that follow from its x."""
    runs = []
    for seed, score in enumerate(scores):
        folder = f"trained/{name.replace(' ', '-')}.{seed}"
        runs.append({"seed": seed, "folder": folder, "scores": {"bleu": score, "perplexity": 150 / score}})
    mean = float(np.mean(scores)) if scores else None
    spread = 1.6 + (max(scores) - min(scores)) / 2 if len(scores) > 1 else None
    costs = {"parameters": 791_552 + round(91e3 * (x or 0)), "flops_per_token": 3.335e6 + 2.1e5 * (x or 0), "trials": 3}
    ran = {"steps": 1200, "tokens": 1_228_800, "seconds": 41.5 + 9.3 * (x or 0)}
    means = {"bleu": mean, "perplexity": mean and 150 / mean, "aer": None if name == "none" else 0.3412}
    return {
        "name": name,
        "fields": fields,
        "x": x,
        "group": group,
        "runs": runs,
        "failed": [],
        "score": mean,
        "interval": None if mean is None or spread is None else [mean - spread, mean + spread],
        "means": means | {"chrf": mean and mean + 14.5},
        "costs": costs | (ran if scores else dict.fromkeys(ran)),
        "learning_rate": 0.002 if scores else None,
    }


def answer(question: str, claim: str, arms: list[Made], verdict: str, **others: Any) -> Made:
    """A whole answer; `others` replaces its fields."""
    made = {
        "question": question,
        "asked": message("How many layers does a Transformer need?"),
        "claim": message(claim),
        "source": "a lecture on attention",
        "corpus": "embedded",
        "command": f"python run.py ablate {question} --seeds=0,1,2",
        "commit": "0123abcd",
        "finished": "2026-11-24T20:00:00Z",
        "level": 0.95,
        "measure": "bleu",
        "measures": ["bleu", "perplexity", "aer", "chrf"],
        "split": "test",
        "search": "beam1",
        "factors": sorted({field for each in arms for field in each["fields"]}),
        "arms": arms,
        "verdict": verdict,
        "axis": None,
        "cost": None,
        "seconds": 412.5,
        "look": None,
        "missing": 0,
        "lock": {
            "file": f"{question}.embedded.json",
            "sha256": "5ea1" * 16,
            "commit": "10c4" * 10,
            "registered": "2026-11-24T10:00:00+00:00",
        },
        "request": {"search": "beam1", "arms": {each["name"]: "0123456789" for each in arms}},
    }
    lists = ("comparisons", "hypotheses", "warnings", "findings", "literature", "curves")
    return made | {name: [] for name in lists} | others


def pair(a: str, b: str, difference: float, p: float) -> Made:
    ends = [difference - 1.35, difference + 1.41]
    return {"a": a, "b": b, "difference": difference, "interval": ends, "p_value": p, "p_holm": min(1.0, 3 * p)}


def hypothesis(
    better: str, than: str, verdict: str, effect: float | None, reach: float, margin: float, measure: str = "bleu"
) -> Made:
    text = "{better} is better than {than} by more than {margin:g} {unit}"
    made: Made = {
        "statement": message(text, better=better, than=than, margin=margin, unit="BLEU"),
        "measure": measure,
        "verdict": verdict,
        "level": 0.95,
        "against": 0.0,
        "margin": margin,
    }
    if effect is None:
        return made | dict.fromkeys(("effect", "interval", "p_supports", "p_refutes"))
    supports, refutes = {"supported": (0.0002, 1.0), "refuted": (0.998, 0.0011)}.get(verdict, (0.21, 0.34))
    ends = [effect - reach, effect + 0.9 * reach]
    return made | {"effect": effect, "interval": ends, "p_supports": supports, "p_refutes": refutes}


def published(source: str, **values: float) -> Made:
    return {"source": source, "measure": "BLEU", "values": values}


def attention_or_not(corpus: str = "embedded") -> Made:
    """Categories, three sources of literature, a run to look into, a flag."""
    arms = [
        arm("none", {"model.reader": "none"}, [9.61, 10.93, 10.22]),
        arm("luong", {"model.reader": "luong", "model.score": "general"}, [40.62, 41.95, 39.9]),
        arm("bahdanau", {"model.reader": "bahdanau", "model.score": "concat"}, [36.4, 38.85, 35.2]),
    ]
    return answer(
        "attention_or_not",
        AFTER_ATTENTION,
        arms,
        "supported",
        corpus=corpus,
        source="Britz et al. 2017, table 3",
        hypotheses=[
            hypothesis("luong", "none", "supported", 30.6, 2.1, 5.0),
            hypothesis("bahdanau", "none", "supported", 26.6, 2.9, 5.0),
        ],
        comparisons=[
            pair("luong", "none", 30.6, 0.0001),
            pair("bahdanau", "none", 26.6, 0.0002),
            pair("luong", "bahdanau", 4.0, 0.031),
        ],
        warnings=[message("{arm} has {seeds} seeds; a verdict needs {needed}", arm="none", seeds=2, needed=3)],
        findings=[message("In the mean over seeds, {first} and {second} do not cross.", first="none", second="luong")],
        literature=[
            published("Britz et al. 2017", none=9.98, luong=21.78, bahdanau=22.47),
            published("Bahdanau et al. 2015", none=17.82, bahdanau=26.75),
            published("Luong et al. 2015", none=14.0, luong=16.8),
        ],
        look="trained/luong.0",
    )


def recurrent_depth() -> Made:
    """Lines over an axis in three groups, an equivalence, a refutation, an arm that is off the axis."""
    arms = []
    for group, lost in (("both", 1.1), ("encoder", 0.5), ("decoder", 0.2)):
        for layers in (1, 2, 3, 4, 5):
            level = 38 + 2.2 * (layers > 1) - lost * max(0, layers - 2) ** 1.3
            fields = {f"model.{group}_layers": layers}
            scores = [level, level + 0.9, level - 1.2]
            arms.append(arm(f"{group} layers={layers}", fields, scores, float(layers), group))
    arms.append(arm("transformer", {"model.decoder": "transformer"}, [34.0, 35.5, 33.9]))
    grown = {"times": 2.1, "least": "100", "least_arm": "both layers=1", "most": "210", "most_arm": "both layers=5"}
    costs = "{cost} differ up to {times:.2g} times: {least} ({least_arm}) to {most} ({most_arm})"
    return answer(
        "recurrent_depth",
        "Six layers are worth it.",
        arms,
        "refuted",
        axis={"title": message("layers of both sides"), "log": False},
        hypotheses=[
            hypothesis("both layers=2", "both layers=1", "supported", 2.1, 1.2, 0.5),
            hypothesis("both layers=4", "both layers=3", "inconclusive", -1.0, 1.3, 1.0),
            hypothesis("both layers=5", "both layers=3", "refuted", -3.4, 1.4, 1.0),
        ],
        comparisons=[pair(f"{g} layers={n}", f"{g} layers=3", 0.4 - n / 3, 0.2 / n)
                     for g in ("both", "encoder") for n in (1, 2, 4, 5)],
        warnings=[message(costs, cost=message("parameters"), **grown)],
        literature=[published("Britz et al. 2017", **{f"decoder layers={n}": b for n, b in
                                                      ((1, 21.76), (2, 21.78), (4, 22.37))})],
        seconds=4021.0,
    )  # fmt: skip


def data_size() -> Made:
    """A logarithmic axis, two groups, no literature."""
    arms = []
    for group, levels in (("luong", (2.1, 9.7, 24.3, 38.8)), ("transformer", (0.6, 5.2, 25.9, 43.1))):
        for pairs, level in zip((1000, 3000, 10000, 29000), levels, strict=True):
            made = arm(f"{group} {pairs}", {"data.subset": pairs}, [level, level * 1.04, level * 0.95], pairs, group)
            made["costs"] |= {"parameters": 1_237_411, "flops_per_token": 7.3e6, "seconds": 61.0}
            arms.append(made)
    return answer(
        "data_size",
        "With little data the large model is at a disadvantage, with much it wins.",
        arms,
        "inconclusive",
        axis={"title": message("sentence pairs"), "log": True},
        hypotheses=[hypothesis("luong 1000", "transformer 1000", "inconclusive", 0.9, 1.7, 0.5)],
        comparisons=[pair("transformer 1000", "luong 1000", -1.5, 0.04)],
    )


def learning_to_attend() -> Made:
    """Curves over steps; lower is better."""
    arms, curves = [], []
    for place, name in enumerate(("dot", "general", "concat", "location")):
        made = arm(name, {"model.score": name}, [base + 0.05 * place for base in (0.31, 0.3, 0.33)])
        for run in made["runs"]:
            score = run["scores"].pop("bleu")
            run["scores"] |= {"aer": score}
            slow = 200 + 90 * place + 30 * run["seed"]
            points = [[step, round(score + 0.6 * float(np.exp(-step / slow)), 4)] for step in range(100, 1300, 100)]
            curves.append({"arm": name, "seed": run["seed"], "measure": "aer", "points": points})
        made |= {"interval": [made["score"] - 0.021, made["score"] + 0.024]}
        made["means"] = {"aer": made["score"], "perplexity": 12.31}
        arms.append(made)
    return answer(
        "learning_to_attend",
        "Attention finds the right source word even when the order changes.",
        arms,
        "supported",
        measure="aer",
        hypotheses=[hypothesis("general", "location", "supported", -0.1, 0.03, 0.02, "aer")],
        curves=curves,
    )


def heads() -> Made:
    """Two seeds, failures, an arm without any run, an effect that could not be estimated, words without Korean."""
    arms = [arm(f"heads={n}", {"model.heads": n}, [30.1 + n / 9, 30.9 + n / 7], float(n)) for n in (1, 2, 4, 8)]
    arms.append(arm("heads=16", {"model.heads": 16}, [], 16.0))
    lines = ["step 350  loss 7.31", "FloatingPointError: the loss is nan at step 351 <b>&</b>"]
    arms[-1]["failed"] = [{"seed": seed, "last_lines": lines, "log": f"logs/heads-16.{seed}.log"} for seed in (0, 1)]
    known = {f"heads={n}": bleu for n, bleu in ((1, 24.9), (4, 25.5), (8, 25.8), (32, 25.4))}
    return answer(
        "heads",
        "A width of 512 is done as 8 heads of 64.",
        arms,
        "not enough seeds",
        axis={"title": message("heads"), "log": True},
        hypotheses=[hypothesis("heads=8", "heads=1", "not enough seeds", None, 0, 0.5)],
        literature=[published("Vaswani et al. 2017", **known)],
        seconds=96.0,
    )


NOTES = {
    "recurrent_depth": """[found]
en = "Without residual connections the deep stacks are undertrained."
ko = "깊은 층은 덜 학습되었다."
[revised]
en = "the margin was 2"
ko = "여유는 2였다"
"""
}
QUESTIONS: tuple[Callable[[], Made], ...] = (attention_or_not, recurrent_depth, data_size, learning_to_attend, heads)


def write(folder: Path, made: Made) -> Path:
    """The answer as a file, its run folders beside it: empty but for the one to look into."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in made["arms"]:
        for run in each["runs"]:
            (folder / run["folder"]).mkdir(parents=True, exist_ok=True)
    look = folder / (made["look"] or "none")
    if made["look"] and not (look / "result.json").exists():
        look.rmdir()
        fabricate_run(look, "luong")
    file = folder / f"{made['question']}.json"
    file.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    if note := NOTES.get(made["question"]):
        file.with_suffix(".note.toml").write_text(note, encoding="utf-8")
    return file


def write_all(folder: Path) -> list[Path]:
    """Five questions on the embedded corpus, and the first of them on Multi30k too."""
    found = [write(folder / "embedded", question()) for question in QUESTIONS]
    return [*found, write(folder / "multi30k", attention_or_not("multi30k"))]
