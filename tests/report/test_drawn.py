"""Reports of many runs: what is drawn of them, what is said about the others, and how large the page becomes."""

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from research.report import run_charts, write_report
from research.report.charts import LINE
from research.report.drawn import MOST_DRAWN, drawn_groups, drawn_runs
from research.report.run_section import run_section
from research.report.runs import read_runs, run_groups
from tests.report.conftest import fabricate_run, fabricate_split

Fabricate = Callable[..., Path]


def made(folder: Path, count: int) -> list[Path]:
    """Write runs of Luong's model, the later the better, and one run each of two other models, worse than they are."""
    paths = []
    for place, name in enumerate(["none", "transformer", *["luong"] * (count - 2)]):
        measured = fabricate_split(name)
        for search in measured["searches"].values():
            search["bleu"]["score"] = place / 10
        paths.append(fabricate_run(folder / f"run{place:03d}", name, splits={"test": measured}))
    return paths


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty runs: for reading only."""
    return made(tmp_path_factory.mktemp("many"), 20)


def test_all_of_a_few_runs_are_drawn(many: list[Path]) -> None:
    runs, _ = read_runs(many[:MOST_DRAWN])
    assert drawn_runs(runs) == runs
    assert drawn_groups(run_groups(runs), runs) == run_groups(runs)
    assert not any("show" in str(note) for note in run_section(runs, [], Path("report"))["notes"])


def test_of_many_the_best_of_each_architecture_are_drawn_in_their_order(many: list[Path]) -> None:
    runs, _ = read_runs(many)
    best = ["run000", *(f"run{place:03d}" for place in range(7, 20)), "run001"]  # Luong's 13 best, between the others
    assert [run.name for run in drawn_runs(runs)] == best
    (group,) = drawn_groups(run_groups(runs), drawn_runs(runs))
    assert [run.name for run in group.runs] == best


def test_runs_without_a_score_are_drawn_last(many: list[Path], fabricate: Fabricate) -> None:
    later = [fabricate("luong", folder=f"later{place}", evaluated=False) for place in range(2)]
    runs, _ = read_runs([*later, *many[:14]])
    assert [run.name for run in drawn_runs(runs)].count("later0") == 1
    assert "later1" not in {run.name for run in drawn_runs(runs)}


def test_the_page_draws_no_more_and_names_what_it_draws(many: list[Path]) -> None:
    runs, _ = read_runs(many)
    shown = run_section(runs, [], Path("report"))
    drawn = {run.title for run in drawn_runs(runs)}
    for panel in (*shown["length"], *shown["curves"]):
        assert set(panel["panel"].names) == drawn
    (maps,) = shown["attention"]
    assert {len(sentence) for sentence in maps["sentences"]} == {MOST_DRAWN - 1}  # without attention there is no map
    (samples,) = shown["samples"]
    assert {len(sample["hypotheses"]) for sample in samples["sentences"]} == {MOST_DRAWN}
    [note] = shown["notes"]
    assert f"show {MOST_DRAWN} of the 20 runs" in str(note)
    assert ", ".join(run.title for run in drawn_runs(runs)) in str(note)
    assert len(shown["rows"]) == len(shown["costs"]) == len(shown["provenance"]) == 20
    dots = {row["run"]["title"]: row["run"]["css"] for row in shown["rows"]}
    assert {title for title, css in dots.items() if css} == drawn


def test_as_many_names_are_drawn_as_fit_beside_a_chart() -> None:
    assert MOST_DRAWN * LINE <= run_charts.LOW


def test_maps_of_many_runs_stand_in_rows(many: list[Path], tmp_path: Path) -> None:
    few, more = (write_report(paths, tmp_path / str(len(paths))).parent for paths in (many[1:5], many))
    (across, down), (most_across, most_down) = (png_size(each / "attention.png") for each in (few, more))
    assert most_across <= 1.05 * across
    assert 3.9 * down < most_down < 4.3 * down  # 14 maps, four in a row
    for name in ("index.html", "results.md"):
        assert f"show {MOST_DRAWN} of the 20 runs" in (more / name).read_text("utf-8")
    assert f"실행 20개 가운데 구조마다 BLEU가 가장 높은 것으로 {MOST_DRAWN}개를" in (more / "index.html").read_text(
        "utf-8"
    )


def png_size(file: Path) -> tuple[int, int]:
    """Return width and height, which the first chunk of a PNG has."""
    across, down = struct.unpack(">II", file.read_bytes()[16:24])
    return across, down


@pytest.mark.slow
def test_two_hundred_runs_are_a_page_that_opens(tmp_path: Path) -> None:
    """Runs of 100 validations each. Real ones, of 10, took 23 s of a busy core, and 3.1 MB."""
    paths = made(tmp_path / "runs", 200)
    for path in paths:
        rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        more = [{**row, "step": row["step"] + 2000 * turn} for turn in range(12) for row in rows]
        (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in more))
    began = time.process_time()
    page = write_report(paths, tmp_path / "report")
    assert time.process_time() - began < 60  # twice the promise: the core may be busy
    assert page.stat().st_size < 5_000_000
