"""BLEU with another tokeniser, of translations that are there already: `run.py evaluate --tokenizer`."""

from pathlib import Path
from typing import Any

from rich.console import Console

from research.data.splits import read_split
from research.evaluation.quality import bleu, refuse_unusable, tokenizer
from research.evaluation.result_tables import in_markdown
from research.evaluation.translations import read_translations, refuse_stale
from research.files import refuse_unwritable
from research.results.run_folder import RunFolder, search_words


def score_again(workdir: Path | str, tokenize: str, *, command: str, split: str | None = None) -> dict[str, Any]:
    """Add BLEU with another tokeniser to result.json, as "bleu_by_tokenizer" of every search, and to result.md.

    Nothing is translated, and all other scores stay as they are.

    Args:
        workdir: the run folder.
        tokenize: sacreBLEU's tokeniser.
        command: the command line that does this again, kept with each score.
        split: the split; None is every split that was evaluated.

    Returns:
        The content of result.json.

    Raises:
        ValueError: the tokeniser cannot be used, or the translations are not those of result.json.
        OSError: there are no translations, or the folder cannot be written.
    """
    refuse_unusable(tokenize, "--tokenizer")
    folder = RunFolder.existing(workdir)
    refuse_unwritable(folder.path)
    folder.refuse_changed_files()
    result, config = folder.result(), folder.config()
    evaluated = result.get("splits", {})
    names = list(evaluated) if split is None else [split]
    if not names or names[0] not in evaluated:
        on, flag = (f" on {split}", f" --split={split}") if split else ("", "")
        raise ValueError(
            f"{workdir} was not evaluated{on}; do it with `python run.py evaluate --workdir={workdir}{flag}`"
        )
    own = tokenizer(config.evaluation.tokenize, config.data.languages[1])
    for name in names:
        references = [pair.target for pair in read_split(folder.split_file(name))]
        said = []
        for search, recorded in evaluated[name]["searches"].items():
            texts = read_translations(folder, name, search, sentences=len(references))
            before = bleu(texts, references, tokenize=own, lowercase=False)
            refuse_stale(str(workdir), name, search, "bleu", before, recorded)
            found = bleu(texts, references, tokenize=tokenize, lowercase=False)
            again = {"score": found.score, "signature": found.signature, "command": command}
            recorded["bleu_by_tokenizer"] = {**recorded.get("bleu_by_tokenizer", {}), tokenize: again}
            said.append(f"{search_words(search)} BLEU {found.score:.2f}")
        Console(stderr=True).print(
            f"{name}, tok:{tokenize}: {' · '.join(said)}", soft_wrap=True, markup=False, highlight=False
        )
    folder.write_json("result.json", result)
    folder.write_text("result.md", in_markdown(result))
    return result
