"""Attention weights of translated lines as files: the weights and a picture of each line, and a page of all lines."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from research.data.examples import Examples, Sentences, encode_texts
from research.evaluation.attention import MEAN, attention_weights, token_labels
from research.evaluation.loaded_run import LoadedRun
from research.files import own_files, refuse_others_files, refuse_unwritable, write_whole
from research.models import attends

Draw = Callable[[Sequence[str], Sequence[str], Sequence[Sequence[float]]], bytes]
"""(source tokens, target tokens, weights_TS) -> PNG."""
Page = Callable[[Sequence[Path], str, Sequence[str]], str]
"""(.npz files as written here, name of the model, its languages) -> HTML."""
PAGE = "index.html"


def refuse_folder(folder: Path, page: Page | None) -> None:
    """Raise ValueError or OSError where `write_attention` could not write, whatever the lines."""
    refuse_unwritable(folder)
    refuse_others_files(folder, [PAGE] if page else [], by="attention")


def write_attention(
    run: LoadedRun,
    sources: Sequence[str],
    translations: Sequence[str],
    targets: Sequence[Sequence[int]],
    folder: Path,
    *,
    draw: Draw | None,
    page: Page | None,
    console: Console,
) -> None:
    """Write NNNN.npz for line NNNN of `sources`, counted from 1, and with `draw` and `page` NNNN.png and index.html.

    Each .npz holds source and target (texts), source_tokens and target_tokens (subwords and the end-of-sentence token),
    weights_LHTS (every layer and head, float32; a recurrent reader is one layer of one head) and weights, their mean.
    Empty lines have no files. For a model without attention nothing is written, and `console` says so.

    Args:
        run: the model.
        sources: the lines.
        translations: the translation of each line.
        targets: the ids of each translation, without `eos`; the weights are those of forced decoding of these ids.
        folder: where to write. Files of an earlier call are gone afterwards; no others are touched.
        draw: makes the pictures; None makes none.
        page: makes the page; None makes none.
        console: for notes and the progress bar.
    """
    encoded = encode_texts(list(sources), run.vocabularies.source).cut_to(run.config.data.max_tokens - 1)
    lines = [line for line, length in enumerate(encoded.lengths) if length]
    examples = Examples(encoded, Sentences(targets)).only(lines)
    found = attention_weights(run.translator, run.params, examples, **run.batches)
    if not lines or not attends(run.config.model):
        why = "this model does not attend (model.reader=none)" if lines else "there is no text"
        console.print(f"note: nothing to draw: {why}", soft_wrap=True)
        with own_files(folder, [], by="attention"):
            return
    files = {line: folder / f"{line + 1:04d}.npz" for line in lines}
    names = [file.with_suffix(suffix).name for file in files.values() for suffix in (".npz", *([".png"] * bool(draw)))]
    names += [PAGE] if page else []
    with own_files(folder, names, by="attention"):  # files of an earlier call may be of another model
        for each in track(found, "maps", total=len(lines), console=console, transient=True):
            line = lines[each.sentence]
            source_tokens = token_labels(run.vocabularies.source, encoded[line])
            target_tokens = token_labels(run.vocabularies.target, targets[line])
            weights_TS = each.mean_TS(MEAN).astype(np.float32)
            whole = io.BytesIO()
            np.savez_compressed(
                whole,
                source=np.array(sources[line]),
                target=np.array(translations[line]),
                source_tokens=np.array(source_tokens),
                target_tokens=np.array(target_tokens),
                weights_LHTS=np.stack(list(each.layers.values())).astype(np.float32),
                weights=weights_TS,
            )
            write_whole(files[line], whole.getvalue())
            if draw:
                write_whole(files[line].with_suffix(".png"), draw(source_tokens, target_tokens, weights_TS.tolist()))
        if page:  # last, so that a folder with a page is complete
            html = page([files[line] for line in sorted(files)], run.folder.path.name, run.config.data.languages)
            write_whole(folder / PAGE, html.encode())
