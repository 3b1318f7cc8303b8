"""Run folders and answers in; tables, charts and one self-contained page out. Nothing but the folders is read.

write_report(["runs/none", "runs/luong"], "report/")     # the path of report/index.html
terminal_table(["runs/none", "runs/luong"])              # for rich.console.Console().print

write_report([], "report/", ["OUT/heads.json"])         # the answers of `ablate`: the path of report/index.html
answers_terminal(["OUT/heads.json"])                     # its verdicts, for the terminal
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import RenderableType

from research.files import own_files, refuse_others_files, refuse_unwritable, write_whole
from research.report import charts, explorer, ledger, page, run_charts, run_tables, seeds, style, verdicts
from research.report.answer_charts import answer_figure
from research.report.drawn import drawn_groups, drawn_runs
from research.report.maps import attention_maps, tokens
from research.report.runs import read_runs, run_groups
from research.results.answer_files import newest, read_answers


def terminal_table(run_paths: Iterable[Path | str]) -> RenderableType:
    """Return a row per run and split, with notes on what is missing below. Errors: as `write_report`."""
    return run_tables.terminal(*read_runs(run_paths))


def attention_png(source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]) -> bytes:
    """Return a PNG of one attention map, for `translate --attention`. Tokens are as the vocabulary has them."""
    return charts.png(charts.heatmap(tokens(source), tokens(target), weights, style.COLOURS[0]))


def attention_page(files: Sequence[Path], name: str, languages: Sequence[str]) -> str:
    """Return the HTML of the explorer, for `translate --attention`; see `explorer.write_explorer`."""
    return explorer.write_explorer(files, name, languages)


def answers_terminal(answers: Iterable[Path | str]) -> RenderableType:
    """Return all verdicts, a row for each answer file. Errors: as `write_report`."""
    return verdicts.terminal(newest(read_answers(answers)))


def write_report(run_paths: Iterable[Path | str], out: Path | str, answers: Iterable[Path | str] = ()) -> Path:
    """Write index.html, and beside it tables and the figures that there are numbers for. Equal input gives equal bytes.

    Args:
        run_paths: run folders. They give results.md, results.csv and overview, length, curves and attention.png; if a
            model was trained under several seeds, seeds.md as well.
        out: the folder of the report.
        answers: OUT/<question>.json, in the order to show. They give verdicts.md, ledger.md, tables/*.csv and
            figures/<corpus>.<question>.png. The page says which of their run folders are gone. Of several versions
            of an answer the last is shown, and ledger.md has all.

    Returns:
        The path of index.html.

    Raises:
        FileNotFoundError: a path is not there.
        ValueError: a file is damaged or incomplete, or no path is a run folder or an answer.
        OSError: `out` cannot be written.
    """
    paths, answer_paths, out = list(run_paths), list(answers), Path(out)
    refuse_unwritable(out)
    refuse_others_files(out, ["index.html"], by="report")
    runs, others = read_runs(paths) if paths or not answer_paths else ([], [])
    versions = read_answers(answer_paths) if answer_paths else []
    found = newest(versions)
    written: dict[str, bytes] = {}
    if runs:
        drawn = drawn_runs(runs)
        groups = drawn_groups(run_groups(runs), drawn)
        parts = {
            "length.png": run_charts.length_panels(groups, drawn),
            "curves.png": run_charts.curve_panels(drawn),
        }
        for name, panels in parts.items():
            if panels:
                names = [each for panel in panels for each in panel.names]
                written[name] = charts.png(charts.below_each_other(panels, 760), names)
        if overview := run_charts.overview_figure(groups, drawn):
            written["overview.png"] = charts.png(*overview)
        if maps := next((sentences[0] for each in groups if (sentences := attention_maps(each))), []):
            written["attention.png"] = charts.png(run_charts.maps_figure(maps, drawn))
        if together := seeds.markdown(runs):
            written["seeds.md"] = together.encode()
        written["results.csv"] = run_tables.csv_file(runs).encode()
        written["results.md"] = run_tables.markdown(runs, others).encode()
    if found:
        written |= {f"tables/{name}": text.encode() for name, text in verdicts.csv_files(found).items()}
        for answer in found:
            if figure := answer_figure(answer):
                written[f"figures/{answer.name}.png"] = charts.png(*figure)
        written["verdicts.md"] = verdicts.markdown(found).encode()
        written["ledger.md"] = ledger.markdown(versions).encode()
    written["index.html"] = page.write_page(runs, others, found, out).encode()  # last: when it is there, all is
    with own_files(out, written, by="report"):  # what an earlier report left would show other runs or answers
        for name, content in written.items():
            write_whole(out / name, content)
    return out / "index.html"
