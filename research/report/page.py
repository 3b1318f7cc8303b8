"""The report as one page that needs no other file and no network, in English and Korean, light and dark, on paper too.

`page.html` is its frame; `runs.html` and `answers.html` are its sections.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup

from research.report import style
from research.report.answer_section import answer_section, css_class
from research.report.answer_tables import counted, discoveries
from research.report.charts import CONFIG
from research.report.explorer import explorer_frame
from research.report.run_section import run_section
from research.report.runs import LANGUAGES, Run
from research.report.templates import COLOURS, VARIABLES, as_json, environment
from research.report.words import MEANINGS, VERDICT_TITLES
from research.results.answers import FiledAnswer
from research.results.message import Message, listed, verbatim

DRAWING = "window.vegaEmbed = vegaEmbed;"


def write_page(
    runs: Sequence[Run] = (),
    others: Sequence[Path] = (),
    answers: Sequence[FiledAnswer] = (),
    out: Path = Path("report"),
) -> str:
    """Return the HTML of the page.

    Args:
        runs: shown in their order.
        others: paths that were given and are not run folders.
        answers: shown in their order, those to one question beside each other.
        out: the folder of the page, for the command that makes it again.
    """
    order = list(dict.fromkeys(answer.question for answer in answers))
    shown = [answer_section(answer) for answer in sorted(answers, key=lambda answer: order.index(answer.question))]
    look_at = any(each["look"] for each in shown)
    said = {word for each in answers for word in (each.verdict, *(claim.verdict for claim in each.hypotheses))}
    return environment(None).get_template("page.html").render(
        runs=run_section(runs, others, out) if runs else None,
        questions=shown,
        title=_title(runs, order),
        count=counted(answers) if answers else None,
        together=discoveries(answers),
        verdicts=[(css_class(key), title, MEANINGS[key]) for key, title in VERDICT_TITLES.items() if key in said],
        colours=[(name, colour, style.DARK[colour]) for colour, name in COLOURS.items()],
        config=as_json(_in_variables(CONFIG)),
        drawing=_drawing(),
        explorer_title=Message("Attention explorer"),
        explorers=as_json({language: explorer_frame(language) for language in ("en", "ko")}) if look_at else "",
    )  # fmt: skip


@cache
def _drawing() -> Markup:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    return Markup(vl_convert.javascript_bundle(DRAWING).replace("</script", "<\\/script"))


def _in_variables(value: Any) -> Any:
    """Return a specification whose colours are the variables of page.css."""
    if isinstance(value, Mapping):
        return {name: _in_variables(each) for name, each in value.items()}
    return VARIABLES.get(value, value) if isinstance(value, str) else value


def _title(runs: Sequence[Run], questions: Sequence[str]) -> Message:
    if not runs:
        if len(questions) == 1:
            return Message("A question about attention, and what the runs say")
        return Message("Questions about attention, and what the runs say")
    pairs = [Message("{source} to {target}", source=_language(source), target=_language(target))
             for source, target in dict.fromkeys(run.languages for run in runs)]  # fmt: skip
    count = Message("One translator") if len(runs) == 1 else Message("{n} translators", n=len(runs))
    return Message("{count}, {languages}", count=count, languages=listed(pairs, between=Message("{first} and {rest}")))


def _language(code: str) -> Message:
    return verbatim(LANGUAGES.get(code, code))
