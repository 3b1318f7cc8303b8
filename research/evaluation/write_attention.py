"""What was read while lines were translated, as files: the weights, a picture a line, one page to look at all."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from research.data.examples import Examples, Sentences, encode_texts
from research.evaluation.attention import END, MEAN, read
from research.evaluation.trained import Trained

Draw = Callable[[Sequence[str], Sequence[str], Sequence[Sequence[float]]], bytes]
"""(source tokens, target tokens, weights_TS) as a PNG."""
Page = Callable[[Sequence[Path], str, Sequence[str]], str]
"""(.npz files as written here, name of the model, its languages) as HTML."""
PAGE = "index.html"


def write_attention(
    run: Trained,
    sources: Sequence[str],
    translations: Sequence[str],
    targets: Sequence[Sequence[int]],
    folder: Path,
    *,
    draw: Draw | None,
    page: Page | None,
    console: Console,
) -> None:
    """Into `folder`: NNNN.npz and, with `draw`, NNNN.png for line NNNN of `sources`, from 1; with `page`, index.html.

    targets: the ids of each translation, without end marks; the weights are those of writing exactly these.
    Each .npz holds source and target (the two texts), source_tokens and target_tokens (subwords, with their end marks),
    weights_LHTS (every layer and head, float32; a recurrent reader is one layer of one head) and weights, their mean.
    Files of an earlier call, which has left its page there, are removed. Empty lines have no files. For a model that
    does not attend nothing is written, and `console` says so.
    """
    if (folder / PAGE).is_file():  # an earlier call's: its lines beside these would be of another model
        for stale in folder.glob("[0-9]*.*"):
            if stale.stem.isdecimal() and stale.suffix in (".npz", ".png"):
                stale.unlink()
    encoded = encode_texts(list(sources), run.vocabularies.source).cut_to(run.config.data.max_tokens - 1)
    lines = [line for line, length in enumerate(encoded.lengths) if length]
    examples = Examples(Sentences(encoded[line] for line in lines), Sentences(targets[line] for line in lines))
    readings = read(
        run.translator,
        run.params,
        examples,
        devices=run.devices,
        batch_sentences=run.config.evaluation.batch_sentences,
    )
    files: dict[int, Path] = {}
    for reading in track(readings, "maps", total=len(lines), console=console, transient=True):
        if not reading.layers:
            break
        line = lines[reading.sentence]
        source_tokens = [*run.vocabularies.source.pieces(encoded[line].tolist()), END]
        target_tokens = [*run.vocabularies.target.pieces(targets[line]), END]
        weights_TS = reading.weights_TS(MEAN).astype(np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        files[line] = folder / f"{line + 1:04d}.npz"
        np.savez_compressed(
            files[line],
            source=np.array(sources[line]),
            target=np.array(translations[line]),
            source_tokens=np.array(source_tokens),
            target_tokens=np.array(target_tokens),
            weights_LHTS=np.stack(list(reading.layers.values())).astype(np.float32),
            weights=weights_TS,
        )
        if draw:
            files[line].with_suffix(".png").write_bytes(draw(source_tokens, target_tokens, weights_TS.tolist()))
    if not files:
        why = "this model does not attend (model.reader=none)" if lines else "there is no text"
        console.print(f"note: nothing to draw: {why}", soft_wrap=True)
    elif page:  # last: when it is there, all is
        html = page([files[line] for line in sorted(files)], run.folder.path.name, run.config.data.languages)
        (folder / PAGE).write_text(html, "utf-8")
