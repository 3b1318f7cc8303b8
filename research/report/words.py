"""The sentences that the page of answers says by itself; Korean is in the catalogue (see `language`)."""

import re

from research.results.answers import Verdict
from research.results.message import Message, verbatim

VERDICTS: dict[Verdict, Message] = {
    "supported": Message("supported"),
    "refuted": Message("refuted"),
    "inconclusive": Message("inconclusive"),
    "not enough seeds": Message("not enough seeds"),
}
MEANINGS: dict[Verdict, Message] = {
    "supported": Message("every hypothesis holds, by its margin"),
    "refuted": Message("at least one hypothesis certainly does not"),
    "inconclusive": Message("the intervals leave it open"),
    "not enough seeds": Message("fewer than three seeds, so no verdict"),
}
CORPORA = {"embedded": Message("embedded corpus"), "multi30k": Message("Multi30k")}
IN_A_SENTENCE = {"embedded": Message("the embedded corpus")}
SAID = {
    "kicker": Message("Lookback answers"),
    "title": Message("Questions about attention, and what the runs say"),
    "title_one": Message("A question about attention, and what the runs say"),
    "count": Message("{questions} on {corpora}: {verdicts}. {runs} runs, {seconds} of training in all."),
    "questions": Message("{n} questions"),
    "questions_one": Message("one question"),
    "verdicts": Message("All verdicts"),
    "question": Message("question"),
    "corpus": Message("corpus"),
    "verdict": Message("verdict"),
    "effect": Message("effect and its interval"),
    "seeds": Message("seeds"),
    "time": Message("time"),
    "claim": Message("Claim"),
    "source": Message("source of the claim"),
    "contents": Message("Questions"),
    "hypotheses": Message("Hypotheses"),
    "margin": Message("margin {value}"),
    "no_effect": Message("no effect could be estimated"),
    "p_supports": Message("p to support {value}"),
    "p_refutes": Message("p to refute {value}"),
    "strip": Message(
        "Grey band: the margin. Thin line: 0, or the level asked about. Dot and bar: the effect and its interval."
    ),
    "higher": Message("higher is better"),
    "lower": Message("lower is better"),
    "level": Message("{value} interval"),
    "greedy": Message("greedy search"),
    "beam": Message("beam {n}"),
    "ours": Message("Here"),
    "literature": Message("In the literature: {measure}"),
    "effort": Message("{seeds} seeds an arm, {time} of training"),
    "literature_note": Message("Other corpora and other sizes: the order compares, the numbers do not."),
    "same_scale": Message("A difference is as long as in our figure."),
    "over_steps": Message("{measure} over training steps"),
    "over_cost": Message("{measure} over what a run costs"),
    "front_note": Message("Line: the Pareto front, arms of which no other is both cheaper and better."),
    "curves_note": Message("A line for each seed."),
    "steps_axis": Message("training steps"),
    "figure_note": Message("Large mark and bar: mean over seeds and its interval. Small marks: each seed."),
    "log": Message("log scale"),
    "reference": Message("Dashed: an arm that has no place on the axis."),
    "by_ratio": Message("Scores on a log scale."),
    "off_axis": Message("Arms that have no place on the axis."),
    "nothing_drawn": Message("No arm has a score, so there is no figure."),
    "arms": Message("Arms"),
    "arm": Message("arm"),
    "interval": Message("interval"),
    "each_seed": Message("each seed"),
    "seed": Message("seed {n}: {value}"),
    "seed_failed": Message("seed {n} failed"),
    "no_runs": Message("no run"),
    "parameters": Message("parameters"),
    "flops_per_token": Message("FLOPs a token"),
    "steps": Message("steps"),
    "tokens": Message("tokens"),
    "seconds": Message("training"),
    "trials": Message("trials"),
    "learning_rate": Message("learning rate"),
    "arms_note": Message(
        "Arms differ in {factors}. Costs are of one run, the mean over seeds; trials are of tuning, "
        "and the learning rate is the best of them."
    ),
    "others": Message("Other measures"),
    "others_literature": Message("Other measures and the literature"),
    "others_note": Message("Means over seeds."),
    "comparisons": Message("Comparisons"),
    "pairs": Message("{n} pairs"),
    "pairs_one": Message("one pair"),
    "pair": Message("pair"),
    "difference": Message("difference"),
    "holm": Message("p, Holm"),
    "in_tables": Message("{n} comparisons are in tables/comparisons.csv."),
    "comparisons_note": Message(
        "The first minus the second, in {unit}. Holm: corrected for the number of comparisons of this question."
    ),
    "flags": Message("Flagged"),
    "failed": Message("What failed"),
    "failed_one": Message("{arm}, seed {seed}"),
    "log_file": Message("whole log: {path}"),
    "revised": Message("changed after results had been seen: {how}"),
    "note": Message("What was found out"),
    "again": Message("Make it again"),
    "provenance": Message("commit {commit}, finished {finished}"),
    "look": Message("Attention of {run}"),
    "look_note": Message("{n} sentences to point at words in"),
    "look_title": Message("Attention explorer"),
    "gone": Message("These run folders are gone; their scores are those that the answer kept: {folders}."),
    "all_gone": Message(
        "The run folders are not here: these are the scores that the answer kept, without attention to look into."
    ),
    "look_gone": Message("The attention of {run} cannot be shown: {why}."),
    "no_folder": Message("its folder or its result.json is gone"),
    "no_attention": Message("its result.json holds no attention"),
    "bad_result": Message("its result.json or config.json is damaged"),
    "files": Message(
        "tables/ has the numbers of this page as CSV, figures/ its figures as PNG; verdicts.md is the short form."
    ),
    "theme": Message("Dark or light"),
    "top": Message("all verdicts"),
    "skip": Message("Skip to the verdicts"),
    "more": Message("and {n} more"),
}
# Of the attention explorer, whose own page is in English.
EXPLORER = {
    "choose": Message("What is shown"),
    "before": Message("sentence before"),
    "after": Message("next sentence"),
    "sentence": Message("Sentence"),
    "layer": Message("Layer"),
    "head": Message("Head"),
    "the_sentence": Message("The sentence"),
    "words_read": Message("Words and what they read"),
    "words": Message("Words"),
    "heads": Message("Layers and heads"),
    "click": Message("click one to look through it"),
    "map": Message("Map"),
    "map_label": Message("Every weight: a row for each word written, a column for each word of the source"),
}


DURATIONS = (
    (re.compile(r"(?P<hours>.+) h (?P<minutes>.+) min"), Message("{hours} h {minutes} min")),
    (re.compile(r"(?P<minutes>.+) min (?P<seconds>.+) s"), Message("{minutes} min {seconds} s")),
    (re.compile(r"(?P<seconds>.+) s"), Message("{seconds} s")),
)


def duration_words(duration: str) -> Message:
    """Return what `numbers.duration` wrote as a message."""
    for pattern, message in DURATIONS:
        if found := pattern.fullmatch(duration):
            return message.of(**found.groupdict())
    return verbatim(duration)


def corpus_words(name: str) -> Message:
    """Return what people call the stem of a config file."""
    return CORPORA.get(name) or verbatim(name)


def search_said(search: str) -> Message | None:
    """Return what people call a search: `beam1` is greedy; None where nothing was searched."""
    width = search.removeprefix("beam")
    if width == "1":
        return SAID["greedy"]
    return SAID["beam"].of(n=width) if width.isdecimal() else verbatim(search) if search else None
