"""Measure our speed beside PyTorch's, in one run: `python -m benchmarks`, or `make bench`."""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import bleu, rounds, sentences
from benchmarks.families import BATCH_TOKENS, FAMILIES
from benchmarks.table import caption, markdown, rich_tables
from benchmarks.workload import Workload
from research.models import build
from research.models.flops import training_flops_per_token

DATA = Path(os.environ.get("LOOKBACK_DATA", rounds.ROOT.parent / "shared" / "data")) / "multi30k"
BUSY = 0.5  # load average of a machine that does something else


def main(arguments: Sequence[str]) -> int:
    """Run what the flags ask for; the exit code."""
    flags = parser().parse_args(arguments)
    console = Console(stderr=True)
    if importlib.util.find_spec("torch") is None:
        console.print('PyTorch is not installed: run `make bench`, or `pip install -e ".[bench]"` first')
        return 1
    flags.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    if flags.families:
        results = compare(flags, console)
        (flags.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        (flags.out / "results.md").write_text(markdown(results), "utf-8")
        for table in rich_tables(results):
            Console().print(table)
        Console().print(caption(results))
    if flags.bleu:
        if not (flags.data / "train.en.gz").exists():
            console.print(f"no Multi30k in {flags.data}, so no BLEU over time: name its folder with --data")
            return 0 if flags.families else 1
        with tempfile.TemporaryDirectory() as folder:
            scores = bleu.over_time(flags.data, Path(folder) / "tiny", flags.minutes, flags.override)
        (flags.out / "bleu.json").write_text(json.dumps(scores, indent=1) + "\n", "utf-8")
        for score in scores:
            Console().print(
                f"{bleu.CONFIG}, {score['minutes']:g} minutes, step {score['step']:,}: BLEU {score['bleu']:.1f}"
            )
    console.print(f"written to {flags.out}/")
    return 0


def compare(flags: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Every family of `flags.families`, ours and theirs in turn."""
    root = flags.data if (flags.data / "train.en.gz").exists() else None
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"[bold]this machine is busy (load {load:.1f}): the numbers will not be worth keeping[/bold]")
    with tempfile.TemporaryDirectory() as folder:
        file, cache = Path(folder) / "workload.npz", Path(folder) / "compiled"
        config = FAMILIES[flags.families[0]].config()
        workload = sentences.build(root, config, flags.batches, flags.sentences)
        workload.save(file)
        families = {}
        for name in flags.families:
            console.print(f"{FAMILIES[name].title} …")
            matmul = rounds.matmul(flags.threads, cache)
            measured = rounds.in_turn(name, file, flags.rounds, flags.seconds, flags.beams, flags.threads, cache)
            families[name] = summed_up(name, workload, matmul, measured, flags.beams)
            ratios = {what: f"{found['ratio']:.2f}" for what, found in families[name]["measures"].items()}
            console.print(f"  ours / PyTorch: {', '.join(f'{what} {ratio}' for what, ratio in ratios.items())}")
    return {
        "machine": machine(),
        "load_before": load,
        "threads": flags.threads,
        "rounds": flags.rounds,
        "seconds": flags.seconds,
        "versions": {name: version(name) for name in ("jax", "flax", "torch", "numpy")},
        "workload": {
            "origin": workload.origin,
            "batches": len(workload.training),
            "batch_tokens": BATCH_TOKENS,
            "fill": workload.fill,
            "vocabulary": workload.vocabulary,
            "sentences": workload.sentences,
        },
        "families": families,
    }


def summed_up(
    name: str, workload: Workload, matmul: dict[str, dict[str, float]], measured: list[Any], beams: Sequence[int]
) -> dict[str, Any]:
    """One family's part of the results: measures, and the share of the matmul rate that training reached."""
    family, pairs = FAMILIES[name], workload.training_pairs
    translator = build(
        family.config().model, source_vocabulary=workload.vocabulary, target_vocabulary=workload.vocabulary
    )
    flops = training_flops_per_token(translator, workload.source_tokens / pairs, workload.target_tokens / pairs)
    whats = ["train", *("greedy" if beam == 1 else f"beam{beam}" for beam in beams)]
    measures = {what: rounds.summary(measured, what) for what in whats}
    fastest = max(rates["square"] for rates in matmul.values())
    return {
        "title": family.title,
        "parameters": statistics.median_low(each["ours"]["parameters"] for each in measured),
        "flops_per_token": flops,
        "matmul_gflops": matmul,
        "matmul_share": {side: measures["train"][side] * flops / (fastest * 1e9) for side in ("ours", "theirs")},
        "measures": measures,
        "rounds": measured,
    }


def machine() -> str:
    """The processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text("utf-8").splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    flags.add_argument("--families", nargs="*", choices=FAMILIES, default=list(FAMILIES), metavar="FAMILY",
                       help=f"which of {', '.join(FAMILIES)}; none of them to measure BLEU alone")  # fmt: skip
    flags.add_argument("--rounds", type=int, default=2, help="times that ours and theirs take turns")
    flags.add_argument("--seconds", type=float, default=20, help="least seconds of each timing (decoding: a quarter)")
    flags.add_argument("--batches", type=int, default=16, help="training batches in a pass")
    flags.add_argument("--sentences", type=int, default=1_000, help="sentences to translate")
    flags.add_argument("--beams", type=int, nargs="*", default=[1, 5], help="beams to decode with; 1 is greedy")
    flags.add_argument("--threads", type=int, default=2, help="CPUs of either side")
    flags.add_argument("--data", type=Path, default=DATA, help="folder of Multi30k's files; made-up text without")
    flags.add_argument("--bleu", action="store_true", help="train Transformer-Tiny too, and score it on the way")
    flags.add_argument("--minutes", type=float, nargs="+", default=[5, 10], help="of training, at which to score")
    flags.add_argument("--override", action="append", default=[], metavar="--config.FIELD=VALUE",
                       help="for the run that is scored; may be repeated")  # fmt: skip
    flags.add_argument("--out", type=Path, default=Path("runs/bench"), help="where results.json and results.md go")
    return flags


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
