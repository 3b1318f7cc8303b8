"""TensorFlow Datasets without TensorFlow: a local folder, a genuine builder, and the errors offline."""

import pickle
import subprocess
import sys

import pytest
import tensorflow_datasets as tfds

from research.data import chunked_text, prepare
from research.data.pairs import Pair
from research.data.translation_datasets import LOCAL, LocalTranslation, read_splits

# In a process of its own, for two questions: does it work, and was TensorFlow imported on the way?
LOCAL_PROGRAM = """
import sys
from configs.command_line import load, override
from research import data

config, _ = override(load("configs/tfds.py:luong"), sys.argv[1:])
corpus = data.build(config.data)
assert "tensorflow" not in sys.modules
for name, split in corpus.splits.items():
    print(name, [tuple(pair[:2]) for pair in split])
"""

# The genuine TED builder of TFDS on raw files in its layout: only the download is replaced.
TED_PROGRAM = """
import sys
from tensorflow_datasets import download
from research.data import chunked_text, prepare
from research.data.translation_datasets import read_splits

raw, prepared = sys.argv[1:]
download.DownloadManager.download_and_extract = lambda self, url: __import__("etils.epath").epath.Path(raw)
prepare._require_network = lambda *_: None
assert prepare.main(["ted_hrlr_translate/pt_to_en", f"--builder_dir={prepared}"]) == 0
splits = read_splits("ted_hrlr_translate/pt_to_en", languages=("en", "pt"),
                     splits=("train[:3]", "validation", "test"), builder_dir=prepared, root="")
assert "tensorflow" not in sys.modules
print({name: sorted(split) for name, split in splits.items()})
"""


def run(program, root, *arguments):
    # TFDS's dependencies warn of their own deprecations; what counts here is ours.
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for split, count in (("train", 13), ("dev", 3), ("test.one", 2)):
        for language, word in (("en", "word"), ("ko", "낱말")):
            lines = [f"{word} {split} {i}" if i != 1 else "" for i in range(count)]
            (corpus / f"{split}.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return corpus


def local(folder, tmp_path, **fields):
    fields = {"languages": ("ko", "en"), "splits": ("train", "dev", "test_one")} | fields
    return read_splits(LOCAL, builder_dir=str(tmp_path / "prepared"), root=str(folder), **fields)


def test_a_local_folder_through_tfds_in_order_and_without_tensorflow(folder, tmp_path, root):
    printed = run(
        LOCAL_PROGRAM,
        root,
        "--config.data.builder=local_translation",
        f"--config.data.root={folder}",
        f"--config.data.builder_dir={tmp_path / 'prepared'}",
        "--config.data.languages=('ko', 'en')",
        "--config.data.splits=('train', 'dev', 'test_one')",
    )
    train = [(f"낱말 train {i}", f"word train {i}") for i in range(13) if i != 1]
    dev = [("낱말 dev 0", "word dev 0"), ("", ""), ("낱말 dev 2", "word dev 2")]
    test = [("낱말 test.one 0", "word test.one 0"), ("", "")]
    assert printed == f"train {train}\nvalidation {dev}\ntest_one {test}\n"


def test_either_direction_and_a_slice(folder, tmp_path):
    there = local(folder, tmp_path)
    back = local(folder, tmp_path, languages=("en", "ko"), splits=("train[:5]", "dev"))
    assert [Pair(p.target, p.source) for p in back["train"]] == there["train"][:5]
    assert list(back) == ["train", "validation"]


def test_a_changed_folder_is_prepared_again(folder, tmp_path):
    before = local(folder, tmp_path)["validation"]
    assert local(folder, tmp_path)["validation"] == before
    assert len(list((tmp_path / "prepared").iterdir())) == 1
    (folder / "dev.ko").write_text("새 낱말\n\n\n", encoding="utf-8")
    assert local(folder, tmp_path)["validation"][0] == Pair("새 낱말", "word dev 0")
    assert len(list((tmp_path / "prepared").iterdir())) == 2


def test_a_genuine_builder_is_prepared_and_read_without_tensorflow(tmp_path, root):
    raw = tmp_path / "raw" / "datasets" / "pt_to_en"
    raw.mkdir(parents=True)
    for split, count in (("train", 5), ("dev", 2), ("test", 3)):
        for language in ("pt", "en"):
            text = "".join(f"{language} é {split} {i}\n" for i in range(count))
            (raw / f"{language}.{split}").write_text(text, encoding="utf-8")
            (raw / f"pt_to_en.{split}.{language}").write_text(text, encoding="utf-8")
    printed = run(TED_PROGRAM, root, str(tmp_path / "raw"), str(tmp_path / "prepared")).splitlines()
    splits = eval(printed[-1], {"Pair": Pair})
    assert {name: len(split) for name, split in splits.items()} == {"train": 3, "validation": 2, "test": 3}
    assert splits["validation"] == [Pair(f"en é dev {i}", f"pt é dev {i}") for i in range(2)]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "wmt14_translate/de-en",
            r"is not prepared in .*de-en/1.0.0: run `python -m research.data.prepare wmt14_translate/de-en "
            r"--builder_dir=.*` with a network, which downloads .*europarl-v7.tgz \(627.17 MiB\).*copy the folder",
        ),
        ("ted_hrlr_translate/pt_to_en", r"qi18naacl-dataset.tar.gz \(124.94 MiB\)"),
        ("wmt14_translat/de-en", "did you mean wmt14_translate"),
        ("wmt14_translate/de-xx", r"did you mean wmt14_translate/de-en\?"),
    ],
)
def test_unprepared_data_is_named_at_once(tmp_path, name, complaint):
    with pytest.raises((FileNotFoundError, ValueError), match=complaint):
        read_splits(name, languages=("de", "en"), splits=("train", "test"), builder_dir=str(tmp_path), root="")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"languages": ("ko", "fr")}, r"no pair of files such as train.ko.gz and train.fr.gz"),
        ({"languages": ("ko",)}, "needs two languages"),
        (
            {"splits": ("train", "test_one", "validation")},
            "names a test split 'validation', and there is another split",
        ),
        ({"splits": ("train[:50%]", "dev", "train")}, r"data.splits=\('train\[:50%\]'.* names a test split 'train'"),
        ({"splits": ("train", "dev", "test_one", "test_one")}, "names a test split 'test_one', and there is another"),
        ({"splits": ("train", "test")}, r"no split 'test'; data.splits may name dev, test_one, train"),
        ({"folder": "nowhere"}, "no folder nowhere; set --config.data.root"),
    ],
)
def test_errors_of_a_local_folder(folder, tmp_path, fields, complaint):
    fields = {"folder": folder} | fields
    with pytest.raises((FileNotFoundError, ValueError), match=complaint):
        local(tmp_path=tmp_path, **fields)


def test_languages_that_the_builder_does_not_have(folder, tmp_path, monkeypatch):
    builder = LocalTranslation(root=folder, languages=("ko", "en"), data_dir=tmp_path / "prepared")
    builder.download_and_prepare(file_format="array_record")
    monkeypatch.setattr("research.data.translation_datasets.find_builder", lambda *_: builder)
    with pytest.raises(ValueError, match=r"has ko, en, not data.languages fr"):
        read_splits("other", languages=("ko", "fr"), splits=("train", "dev"), builder_dir="", root="")


def test_a_download_that_fails_is_one_sentence(tmp_path, monkeypatch, capsys):
    def failing(builder):
        raise tfds.download.DownloadError("404: the file has moved\nand more")

    monkeypatch.setattr(prepare, "_require_network", lambda *_: None)
    monkeypatch.setattr(prepare, "prepare", failing)
    assert prepare.main(["ted_hrlr_translate/pt_to_en", f"--builder_dir={tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert "could not be prepared (DownloadError: 404: the file has moved). ted_hrlr" in said
    assert said.count("\n") == 1


def test_preparing_offline_fails_at_once_with_one_sentence(tmp_path, monkeypatch, capsys):
    def unreachable(*_, **__):
        raise OSError("no network here")

    monkeypatch.setattr(prepare.socket, "create_connection", unreachable)
    assert prepare.main(["ted_hrlr_translate/pt_to_en", f"--builder_dir={tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: cannot reach www.phontron.com (no network here). ted_hrlr_translate/pt_to_en is not")
    assert said.count("\n") == 1


def test_a_large_split_is_read_in_chunks_by_whichever_process(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chunked_text, "CHUNK_PAIRS", 5)
    given = {"languages": ("en", "ko"), "builder_dir": str(tmp_path / "prepared"), "root": str(folder)}
    held = read_splits(LOCAL, splits=("train[1:]", "dev"), **given)
    streamed = read_splits(LOCAL, splits=("train[1:]", "dev"), streamed_from=12, **given)
    assert streamed["validation"] == held["validation"]
    chunks = [pickle.loads(pickle.dumps(chunk)) for chunk in streamed["train"].chunks()]
    assert [len(chunk(5)) for chunk in chunks] == [5, 5, 2]
    assert [pair for chunk in chunks for pair in chunk(5)] == held["train"]
    assert chunks[1](2) == held["train"][5:7]
    others = [
        read_splits(LOCAL, splits=(part, "dev"), streamed_from=3, **given)["train"] for part in ("train", "train[2:]")
    ]
    assert len({text.depends_on for text in (streamed["train"], *others)}) == 3
    assert isinstance(read_splits(LOCAL, splits=("train", "dev"), streamed_from=14, **given)["train"], list)
