"""Tables of result.json, also of an older result that holds less."""

from io import StringIO

from rich.console import Console

from research.evaluation.result_tables import in_markdown, on_terminal


def scores(bleu):
    signed = {name: {"score": bleu, "signature": f"{name} v7"} for name in ("bleu", "bleu_lowercased", "chrf", "ter")}
    lengths = [{"bin": "1-5", "sentences": 1300, "bleu": bleu, "chrf": 11.125, "ter": 13.5}]
    lengths.append({**lengths[0], "bin": "6+", "sentences": 17})
    return {**signed, "by": {"source_length": lengths}}


HEAD = {"error": 0.25, "precision": 0.75, "recall": 0.8125, "entropy": 1.75, "coverage": 0.5, "monotonicity": 1.0}
RESULT = {
    "name": "a|b",
    "splits": {
        "test": {
            "sentences": 1317,
            "perplexity": 23456.7,
            "word_perplexity": 19.0,
            "token_accuracy": 0.625,
            "by": {"source_length": [{"bin": "1-5", "sentences": 1300, "perplexity": 3.0}], "reordering": []},
            "searches": {"beam1": scores(23.0), "beam11": scores(29.0)},
            "alignment": {"layer": "layer_0", "by_head": {"layer_0": HEAD, "layer_0.head_0": {**HEAD, "error": None}}},
        },
        "older": {
            "sentences": 5, "perplexity": 2.0, "token_accuracy": 0.5, "alignment": None,
            "searches": {"beam1": {key: value for key, value in scores(7.0).items() if key != "by"}},
        },
    },
}  # fmt: skip


def test_markdown_has_every_measure():
    lines = in_markdown(RESULT).splitlines()
    assert lines[0] == "# a\\|b"
    for line in [
        "| all | 1,317 | 2.3e+04 | 19.00 | 62.5 |",
        "| greedy | 23.00 | 23.00 | 23.00 | 23.00 |",
        "|  | sentences | perplexity | BLEU greedy | chrF greedy | TER greedy "
        "| BLEU beam 11 | chrF beam 11 | TER beam 11 |",
        "| 1-5 | 1,300 | 3.00 | 23.00 | 11.12 | 13.50 | 29.00 | 11.12 | 13.50 |",
        "| 6+ | – | – | 23.00 | 11.12 | 13.50 | 29.00 | 11.12 | 13.50 |",
        "|  | AER % | precision % | recall % | entropy | coverage % | monotonicity % |",
        "| layer_0 * | 25.0 | 75.0 | 81.2 | 1.75 | 50.0 | 100.0 |",
        "| layer_0.head_0 | – | 75.0 | 81.2 | 1.75 | 50.0 | 100.0 |",
        "| all | 5 | 2.00 | 50.0 |",
        "- TER: ter v7",
    ]:
        assert lines.count(line) == 1, line
    assert lines.index("## test") < lines.index("## older")
    assert not any("By reordering" in line for line in lines)


def test_tables_fit_a_terminal_of_80_columns():
    file = StringIO()
    Console(file=file, width=80).print(on_terminal(RESULT))
    lines = [line.split() for line in file.getvalue().splitlines()]
    assert ["1-5", "1,300", "3.00", "29.00", "11.12", "13.50"] in lines
    assert ["layer_0", "*", "25.0", "75.0", "81.2", "1.75", "50.0", "100.0"] in lines
    assert "…" not in file.getvalue()
