"""The download path against a server on loopback: right, wrong, absent, cut off, silent."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from research.data.download import fetch, obtain

BODY = b"ein Satz\n" * 20_011
DIGEST = hashlib.sha256(BODY).hexdigest()


ASKED: list[str] = []


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        ASKED.append(self.path)
        if self.path == "/silent":
            RELEASE.wait(20)
            return
        if self.path == "/absent.gz":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/cut" else BODY)

    def log_message(self, *_):
        pass


RELEASE = threading.Event()


@pytest.fixture(scope="module")
def url():
    RELEASE.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        RELEASE.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def nothing_asked():
    ASKED.clear()


def test_a_missing_file_is_fetched_once(tmp_path, url):
    root = tmp_path / "new" / "folder"
    for _ in range(2):
        path, digest = obtain("tok/a b.de", root=root, url=f"{url}/data/", sha256=DIGEST, field="data.train")
        assert (path.read_bytes(), digest, path) == (BODY, DIGEST, root / "tok/a b.de")
    assert ASKED == ["/data/tok/a%20b.de"]
    assert [entry.name for entry in path.parent.iterdir()] == ["a b.de"]


@pytest.mark.parametrize(
    ("name", "sha256", "complaint"),
    [
        ("train.de.gz", "0" * 64, rf"has SHA-256 {DIGEST}, not the recorded 0000.*was not kept"),
        ("absent.gz", DIGEST, "answered 404 Not Found"),
        ("cut", DIGEST, "the connection closed after 90,049 of 180,099 bytes"),
        ("silent", DIGEST, "could not fetch .*timed out"),
    ],
)
def test_a_failed_download_leaves_nothing(tmp_path, url, name, sha256, complaint):
    with pytest.raises(OSError, match=complaint):
        obtain(name, root=tmp_path, url=url, sha256=sha256, field="data.train", timeout_seconds=0.5)
    assert list(tmp_path.iterdir()) == []


def test_the_offline_error_says_what_to_do(tmp_path):
    with pytest.raises(
        OSError, match=r"could not fetch http://127.0.0.1:9/a \(.*refused\); fetch it on a machine that"
    ):
        fetch("http://127.0.0.1:9/a", tmp_path / "new" / "a", sha256="")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, url):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"cannot write to .*set --config.data.root"):
        fetch(f"{url}/a", tmp_path / "file" / "a", sha256="")


def test_a_local_file_is_checked_not_fetched(tmp_path, url):
    (tmp_path / "a").write_bytes(BODY)
    assert obtain("a", root=tmp_path, url=url, sha256=DIGEST, field="data.train") == (tmp_path / "a", DIGEST)
    (tmp_path / "a").write_bytes(BODY[1:])
    with pytest.raises(OSError, match="damaged or another release; delete it"):
        obtain("a", root=tmp_path, url=url, sha256=DIGEST, field="data.train")
    assert (tmp_path / "a").exists()
    assert ASKED == []


def test_a_compressed_copy_stands_in_for_a_plain_file(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(BODY))
    found = obtain("a", root=tmp_path, url="", sha256=DIGEST, field="data.train")
    assert found == (tmp_path / "a.gz", DIGEST)
    (tmp_path / "a.gz").write_bytes(gzip.compress(BODY)[:-20])
    with pytest.raises(OSError, match="not a whole gzip file"):
        obtain("a", root=tmp_path, url="", sha256=DIGEST, field="data.train")


def test_without_a_url_a_missing_file_is_not_fetched(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"which data.tests.dev names"):
        obtain("a", root=tmp_path, url="", sha256="", field="data.tests.dev")
