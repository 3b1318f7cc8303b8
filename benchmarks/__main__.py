"""Measure our speed beside PyTorch's, in one run: `python -m benchmarks`, or `make bench`."""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import bleu, rounds, sentences
from benchmarks.door import run
from benchmarks.families import BATCH_TOKENS, FAMILIES
from benchmarks.table import caption, markdown, rich_tables
from benchmarks.workload import Workload
from research.models import build
from research.models.flops import training_flops_per_token
from research.training.provenance import commit

DATA = Path(os.environ.get("LOOKBACK_DATA", rounds.ROOT.parent / "shared" / "data")) / "multi30k"
BUSY = 0.5  # load average of a machine that does something else


def main(arguments: Sequence[str]) -> int:
    """Measure what the flags ask for, and return the exit code."""
    flags = parser().parse_args(arguments)
    console = Console(stderr=True)
    if importlib.util.find_spec("torch") is None:
        console.print('PyTorch is not installed: run `make bench`, or `pip install -e ".[bench]"` first')
        return 1
    has_text = (flags.data / "train.en.gz").exists()
    if not flags.families and not (flags.bleu and has_text):
        console.print(f"nothing to measure: no family is named, and no BLEU over time without Multi30k in {flags.data}")
        return 1
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"[bold]this machine is busy (load {load:.1f}): the numbers will not be worth keeping[/bold]")
    results: dict[str, Any] = {
        "machine": machine(),
        "load_before": load,
        "threads": flags.threads,
        "versions": {name: version(name) for name in ("jax", "flax", "torch", "numpy")},
        "commit": commit(),
    }
    if flags.families:
        compare(flags, flags.data if has_text else None, results, console)
    if flags.bleu and has_text:
        with tempfile.TemporaryDirectory() as folder:
            results["bleu"] = bleu.over_time(flags.data, Path(folder) / "tiny", flags.minutes, flags.override)
        write(flags.out, results)
    elif flags.bleu:
        console.print(f"no Multi30k in {flags.data}, so no BLEU over time: name its folder with --data")
    for table in rich_tables(results):
        Console().print(table)
    Console().print(caption(results))
    console.print(f"written to {flags.out}/")
    return 0


def compare(flags: argparse.Namespace, data: Path | None, results: dict[str, Any], console: Console) -> None:
    """Measure every family of `flags.families`, ours and theirs in turn, and write the results after each one."""
    with tempfile.TemporaryDirectory() as folder:
        file, cache = Path(folder) / "workload.npz", Path(folder) / "compiled"
        config = FAMILIES[flags.families[0]].config()
        workload = sentences.build(data, config, flags.batches, flags.sentences)
        workload.save(file)
        results |= {
            "rounds": flags.rounds,
            "seconds": flags.seconds,
            "workload": {
                "origin": workload.origin,
                "batches": len(workload.training),
                "batch_tokens": BATCH_TOKENS,
                "fill": workload.fill,
                "vocabulary": workload.vocabulary,
                "sentences": workload.sentences,
            },
            "families": {},
        }
        for name in flags.families:
            console.print(f"{FAMILIES[name].title} …")
            matmul = rounds.matmul(flags.threads, cache)
            measured = rounds.in_turn(name, file, flags.rounds, flags.seconds, flags.beams, flags.threads, cache)
            found = results["families"][name] = summed_up(name, workload, matmul, measured, flags.beams)
            ratios = {what: f"{measure['ratio']:.2f}" for what, measure in found["measures"].items()}
            console.print(f"  ours / PyTorch: {', '.join(f'{what} {ratio}' for what, ratio in ratios.items())}")
            write(flags.out, results)


def write(folder: Path, results: dict[str, Any]) -> None:
    """Write results.json and results.md with everything measured so far."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (folder / "results.md").write_text(markdown(results), "utf-8")


def summed_up(
    name: str, workload: Workload, matmul: dict[str, dict[str, float]], measured: list[Any], beams: Sequence[int]
) -> dict[str, Any]:
    """Return one family's part of the results: rates, and the share of the matmul rate that training reached."""
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
    """Return the processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text("utf-8").splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
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
    run(main, "the benchmark")
