"""Prepare a TensorFlow Datasets translation builder for Lookback, once, with a network and without TensorFlow.

python -m research.data.prepare ted_hrlr_translate/pt_to_en --builder_dir=data
"""

import argparse
import socket
import sys
from urllib.parse import urlsplit

from tensorflow_datasets.core import DatasetBuilder

from research.data.translation_datasets import explain_unprepared, find_builder, is_prepared, prepare

TIMEOUT_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m research.data.prepare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("builder", help="for example wmt14_translate/de-en")
    parser.add_argument("--builder_dir", default="", help="the folder of prepared data (default: that of TFDS)")
    options = parser.parse_args(arguments)
    try:
        builder = find_builder(options.builder, options.builder_dir)
        if not is_prepared(builder):
            explanation = explain_unprepared(builder, options.builder, options.builder_dir)
            _require_network(list(builder.url_infos), explanation)
            _prepare(builder, explanation)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.builder} is prepared in {builder.data_dir}")
    return 0


def _prepare(builder: DatasetBuilder, explanation: str) -> None:
    try:
        prepare(builder)
    except Exception as error:  # TFDS's downloader, extractor and checksums each raise their own
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise OSError(f"{builder.info.full_name} could not be prepared ({reason}). {explanation}") from error


def _require_network(urls: list[str], explanation: str) -> None:
    """Raise OSError if a host cannot be reached; TFDS would try each download ten times, for minutes."""
    for url in urls:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT_SECONDS).close()
        except OSError as error:
            raise OSError(f"cannot reach {parts.hostname} ({error}). {explanation}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
