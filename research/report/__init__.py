"""Run folders in; tables, figures and one self-contained page out. Nothing but the folders is read.

write_report(["runs/none", "runs/luong"], "report/")     # the path of report/index.html
terminal_table(["runs/none", "runs/luong"])              # for rich.console.Console().print

write_answers(["OUT/heads.json"], "report/")             # what `ablate` found: the path of report/index.html
answers_terminal(["OUT/heads.json"])                     # its verdicts, for the terminal
"""

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import RenderableType

from research.report import explorer, figures, maps, page, question_page, question_table, seeds, table, verdicts
from research.report.question_figures import whole_figure
from research.report.runs import comparisons, read_runs
from research.results.answers import read_answers


def terminal_table(run_paths: Iterable[Path | str]) -> RenderableType:
    """One row per run and split, with what is missing below. Errors: as `write_report`."""
    return table.terminal(*read_runs(run_paths))


def attention_png(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]) -> bytes:
    """A PNG of one attention map, for `translate --attention`. Tokens are as the vocabulary has them."""
    return figures.png(figures.map_figure(source, target, weights))


def attention_page(files: Sequence[Path], name: str, languages: Sequence[str]) -> str:
    """The HTML to point at words in, for `translate --attention`; see `explorer.write_explorer`."""
    return explorer.write_explorer(files, name, languages)


def answers_terminal(answers: Iterable[Path | str]) -> RenderableType:
    """All verdicts, a row for each answer file. Errors: as `write_answers`."""
    return verdicts.terminal(read_answers(answers))


def write_answers(answers: Iterable[Path | str], out: Path | str) -> Path:
    """Write the page of what `ablate` found, of one corpus or several; returns the path of its index.html.

    answers: OUT/<question>.json, in the order to show. Beside the page: verdicts.md, figures/<corpus>.<question>.png,
    and arms, runs, comparisons and hypotheses in tables/*.csv. A run folder that is gone is said on the page. Raises
    FileNotFoundError for a file that is not there, ValueError for one that is damaged or incomplete, OSError when `out`
    cannot be written; each says what to do.
    """
    found = read_answers(answers)
    written = {f"tables/{name}": text.encode() for name, text in question_table.csv_files(found).items()}
    for answer in found:
        figure = whole_figure(answer)
        if figure is not None:
            written[f"figures/{answer.name}.png"] = figures.png(figure)
    written["verdicts.md"] = (verdicts.markdown(found) + "\n").encode()
    written["index.html"] = question_page.write_page(found).encode()  # last: when it is there, all is
    out = Path(out)
    for folder in (out, out / "figures", out / "tables"):
        folder.mkdir(parents=True, exist_ok=True)
    for earlier in set((out / "figures").glob("*.png")) - {out / name for name in written}:
        earlier.unlink()  # of an earlier report: it would show other answers
    for name, content in written.items():
        _write(out / name, content)
    return out / "index.html"


def write_report(run_paths: Iterable[Path | str], out: Path | str) -> Path:
    """Write index.html, results.md, results.csv and the figures that there are numbers for; returns index.html's path.

    Where a model was trained under several seeds there is seeds.md, with means and intervals.

    The same folders give the same bytes. Raises FileNotFoundError for a path that is not there, ValueError for a
    broken file or when no path is a run folder, OSError when `out` cannot be written; each says what to do.
    """
    runs, others = read_runs(run_paths)
    compared = comparisons(runs)
    panels = next((sentences[0] for each in compared if (sentences := maps.maps(each))), [])
    drawn = {
        "overview.png": figures.overview_figure(compared, runs),
        "length.png": figures.length_figure(compared, runs, 7.2),
        "curves.png": figures.curves_figure(runs, 11),
        "attention.png": figures.maps_figure(panels, runs) if panels else None,
    }
    written = {name: figures.png(figure) for name, figure in drawn.items() if figure is not None}
    if together := seeds.markdown(runs):
        written["seeds.md"] = together.encode()
    written["results.csv"] = table.comma_separated(runs).encode()
    written["results.md"] = table.markdown(runs, others).encode()
    written["index.html"] = page.write_page(runs, others, Path(out)).encode()  # last: when it is there, all is
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for name in {*drawn, "seeds.md"} - written.keys():
        (out / name).unlink(missing_ok=True)  # of an earlier report: it would show other runs
    for name, content in written.items():
        _write(out / name, content)
    return out / "index.html"


def _write(path: Path, content: bytes) -> None:
    """The whole file or, when something stops it, the file that was there before."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's files are private; a report is for others
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
