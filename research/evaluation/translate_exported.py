"""Translate lines of standard input by an exported model: python translate.py [SEARCH] < TEXT > TRANSLATION.

Needs jax, numpy, sentencepiece and flatbuffers alone. `python run.py export` has put it here: change it as you like.
"""

import io
import json
import sys
import unicodedata
from itertools import islice
from pathlib import Path

import jax
import numpy as np
import sentencepiece
from jax import export

FOLDER = Path(__file__).parent


def main(search: str) -> None:
    """Translate by one of the searches in export.json; "" is the first of them."""
    facts = json.loads((FOLDER / "export.json").read_text("utf-8"))
    search = search or facts["searches"][0]
    with np.load(FOLDER / "weights.npz") as stored:
        weights = jax.device_put(dict(stored))
    programs = {}
    for each in facts["batches"]:  # each program is compiled at its first call
        program = (FOLDER / f"{search}.{each['length']}.stablehlo").read_bytes()
        programs[each["length"]] = jax.jit(export.deserialize(bytearray(program)).call)
    source, target = (
        sentencepiece.SentencePieceProcessor(str(FOLDER / f"{side}.model")) for side in ("source", "target")
    )
    pad, eos = facts["marks"]["pad"], facts["marks"]["eos"]
    controls = {code: " " for code in range(0x2030) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")}
    text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="\n")
    while lines := list(islice(text, facts["lines_at_once"])):
        cased = [line.lower() if facts["lowercase"] else line for line in lines]
        encoded = source.encode([" ".join(line.replace("▁", "_").split()) for line in cased])
        ids = [each[: facts["max_tokens"] - 1] for each in encoded]  # of a line that is too long, the beginning
        translations = [""] * len(ids)
        left = sorted((line for line, each in enumerate(ids) if each), key=lambda line: len(ids[line]))
        while left:  # the longest first
            shape = next(each for each in facts["batches"] if each["length"] > len(ids[left[-1]]))
            left, chosen = left[: -shape["sentences"]], left[-shape["sentences"] :]
            batch = np.full((shape["sentences"], shape["length"]), pad, np.int32)
            for row, line in enumerate(chosen):
                batch[row, : len(ids[line]) + 1] = [*ids[line], eos]
            found = np.asarray(programs[shape["length"]](weights, batch))
            for row, line in enumerate(chosen):
                said = found[row][(found[row] != pad) & (found[row] != eos)].tolist()
                translations[line] = target.decode(said).translate(controls)
        sys.stdout.buffer.write("".join(f"{each}\n" for each in translations).encode())
        sys.stdout.flush()


if __name__ == "__main__":
    main("".join(sys.argv[1:]))
