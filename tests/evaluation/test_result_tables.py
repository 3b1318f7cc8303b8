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
        "| greedy | 1,317 | 23.00 | 23.00 | 23.00 | 23.00 |",
        "|  | sentences | perplexity | sentences translated | BLEU greedy | chrF greedy | TER greedy "
        "| BLEU beam 11 | chrF beam 11 | TER beam 11 |",
        "| 1-5 | 1,300 | 3.00 | 1,300 | 23.00 | 11.12 | 13.50 | 29.00 | 11.12 | 13.50 |",
        "| 6+ | – | – | 17 | 23.00 | 11.12 | 13.50 | 29.00 | 11.12 | 13.50 |",
        "|  | AER % | precision % | recall % | entropy | coverage % | monotonicity % |",
        "| layer_0 * | 25.0 | 75.0 | 81.2 | 1.75 | 50.0 | 100.0 |",
        "| layer_0.head_0 | – | 75.0 | 81.2 | 1.75 | 50.0 | 100.0 |",
        "| all | 5 | 2.00 | 50.0 |",
        "- TER: ter v7",
    ]:
        assert lines.count(line) == 1, line
    assert lines.index("## test") < lines.index("## older")
    assert not any("By reordering" in line for line in lines)


def counts(title, measured, rows):
    """Return (bin, count, ...) of each row of a table, whose columns of counts are those that are named."""
    lines = in_markdown({"name": "", "splits": {"test": measured}}).splitlines()
    table = [line.split(" | ") for line in lines[lines.index(f"**{title}**") + 2 :]]
    head = [name.strip("| ") for name in table[0]]
    at = [index for index, name in enumerate(head) if name.split()[:1] in (["sentences"], ["words"])]
    return [head[index] for index in at], [(row[0].strip("| "), *(row[i] for i in at)) for row in table[2 : 2 + rows]]


def result_of(forced, searched, too_long):
    """Return a result whose bins have these numbers of sentences: those with a perplexity, and all."""
    search = scores(1.0) | {"by": {"source_length": [{"bin": b, "sentences": n, "bleu": 1.0} for b, n in searched]}}
    ours = [{"bin": b, "sentences": n, "perplexity": 2.0} for b, n in forced]
    return {
        "sentences": sum(n for _, n in searched), "too_long": too_long, "perplexity": 2.0, "token_accuracy": 0.5,
        "by": {"source_length": ours}, "searches": {"beam1": search, "beam2": search},
    }  # fmt: skip


def test_the_count_beside_a_score_is_of_the_sentences_that_it_is_of():
    """Perplexity is of the sentences that are not too long; BLEU of all."""
    title = "By source length, in words"
    every = result_of([("1-5", 7), ("6+", 20)], [("1-5", 7), ("6+", 20)], 0)
    assert counts(title, every, 2) == (["sentences"], [("1-5", "7"), ("6+", "20")])
    some = result_of([("1-5", 7), ("6+", 1)], [("1-5", 7), ("6+", 20)], 19)
    both = ["sentences", "sentences translated"]
    assert counts(title, some, 2) == (both, [("1-5", "7", "7"), ("6+", "1", "20")])
    none = result_of([("6+", 7)], [("1-5", 20), ("6+", 7)], 20)
    assert counts(title, none, 2) == (both, [("1-5", "–", "20"), ("6+", "7", "7")])  # in the order of the bins
    assert counts("Overall", some, 1) == (["sentences"], [("all", "8")])
    assert counts("Translations", some, 2) == (["sentences"], [("greedy", "27"), ("beam 2", "27")])


def test_tables_fit_a_terminal_of_80_columns():
    file = StringIO()
    Console(file=file, width=80).print(on_terminal(RESULT))
    lines = [line.split() for line in file.getvalue().splitlines()]
    assert ["1-5", "1,300", "3.00", "1,300", "29.00", "11.12", "13.50"] in lines
    assert ["layer_0", "*", "25.0", "75.0", "81.2", "1.75", "50.0", "100.0"] in lines
    assert "…" not in file.getvalue()
