"""What is no bundle, or is made to harm who checks it: one sentence, exit 1, nothing run or written.
[S-10]
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from console.proof import verify_draw
from console.proof.bundle import CHECKER
from tests.console.proof.bundle_cases import make_bundle
from tests.faults.test_proof_mutations import Files, files_of, packed


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Files:
    target = tmp_path_factory.mktemp("bad") / "sound.zip"
    make_bundle(target, 20)
    return files_of(target)


def said(content: bytes, folder: Path, *arguments: str) -> list[str]:
    """What the checker says is wrong, in this process, which it must not end."""
    bundle = folder / "b.zip"
    bundle.write_bytes(content)
    before = sorted(folder.iterdir())
    found = verify_draw.check(str(bundle), verify_draw.options_of([str(bundle), *arguments]))
    assert sorted(folder.iterdir()) == before
    return found.problems


JSONS = {
    "a key twice": (b'{"scheme": 2, "scheme": 2}', "names 'scheme' twice"),
    "not a number": (b'{"scheme": NaN}', "holds NaN, which is no number"),
    "infinity": (b'{"scheme": -Infinity}', "holds -Infinity"),
    "too large a number": (b'{"scheme": 1e999}', "which is no number"),
    "a number of a million digits": (b'{"scheme": ' + b"9" * 1_000_000 + b"}", "is no number"),
    "a number as text": (b'{"scheme": "2"}', "is of another scheme"),
    "true for one": (b'{"scheme": true}', "is of another scheme"),
    "nested a million times": (b"[" * 1_000_000, "is nested too deeply"),
    "cut": (b'{"scheme": 2', "is not JSON"),
    "UTF-16": ('{"scheme": 2}'.encode("utf-16"), "is not text in UTF-8"),
    "a byte order mark": (b'\xef\xbb\xbf{"scheme": 2}', "is not JSON"),
    "half a surrogate": (b'{"scheme": 2, "name": "\\ud800"}', "draw.json"),
    "no object": (b"[1, 2]", "is no object"),
    "nothing": (b"", "is not JSON"),
    "a colour for a terminal": (b'{"scheme": 2, "\\u001b[31m": 1}', "'\\x1b[31m'"),
}


@pytest.mark.parametrize("kind", JSONS)
def test_s10_json_that_is_none_is_one_sentence(sound: Files, tmp_path: Path, kind: str) -> None:
    """In the bundle, and as the page that was saved."""
    content, expected = JSONS[kind]
    problems = said(packed(sound | {"draw.json": content}), tmp_path)
    assert len(problems) == 1
    if kind != "a colour for a terminal":
        assert expected in problems[0]
    assert all(mark.isprintable() for mark in problems[0])
    saved = tmp_path / "draw.json"
    saved.write_bytes(content)
    problems = said(packed(sound), tmp_path, "--published", str(saved))
    assert len([each for each in problems if "draw.json" in each]) == 1


def test_s10_what_unpacks_to_more_than_it_says_or_may_is_not_unpacked(
    sound: Files, tmp_path: Path
) -> None:
    """A bomb: 80 megabytes of zeros in a file of 80 kilobytes."""
    honest = packed(sound | {"README.txt": bytes(80 << 20)})
    assert said(honest, tmp_path) == [
        "The zip says that it unpacks to more than any bundle of its size does."
    ]
    lying = resized(packed(sound | {"README.txt": bytes(10 << 20)}), "README.txt", 1_000)
    assert said(lying, tmp_path) == ["README.txt unpacks to more than the zip says."]
    large = packed(sound | {"draw.json": b" " * (33 << 20)})
    assert said(large, tmp_path) == ["draw.json is larger than any bundle's is."]


def test_s10_a_line_without_end_is_not_kept_in_memory(sound: Files, tmp_path: Path) -> None:
    header = sound["fans-1.tsv"].split(b"\n")[0] + b"\n"
    endless = packed(sound | {"fans-1.tsv": header + b"a" * (3 << 20)})
    assert said(endless, tmp_path)[-1] == "fans-1.tsv has a line that is longer than any bundle's."


def resized(content: bytes, name: str, size: int) -> bytes:
    """The zip with another size of one file written in both its headers."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo(name)
    old = struct.pack("<3L", entry.CRC, entry.compress_size, entry.file_size)
    assert content.count(old) == 2
    return content.replace(old, struct.pack("<3L", entry.CRC, entry.compress_size, size))


def test_s10_bytes_hidden_behind_a_files_end_are_found(sound: Files, tmp_path: Path) -> None:
    """In the packed bytes, behind the end of what they unpack to."""
    content = packed(sound)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo("manifest.sha256")
    sizes = struct.pack("<3L", entry.CRC, entry.compress_size, entry.file_size)
    longer = struct.pack("<3L", entry.CRC, entry.compress_size + 6, entry.file_size)
    end = entry.header_offset + 30 + len(entry.filename) + entry.compress_size
    hidden = content[:end] + b"hidden" + content[end:]
    start = struct.unpack_from("<L", content, len(content) - 6)[0]
    hidden = hidden[:-6] + struct.pack("<LH", start + 6, 0)
    assert said(hidden.replace(sizes, longer), tmp_path) == [
        "manifest.sha256 is not what the zip says of it: the zip was changed or cut."
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\5\6" + bytes(18), b"hello" * 100, bytes(30), b"PK\5\6" + b"\xff" * 18],
)
def test_s10_what_is_no_zip_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    assert len(said(content, tmp_path)) == 1


def test_s10_a_zip_of_a_zip_and_names_that_leave_the_folder_are_refused(
    sound: Files, tmp_path: Path
) -> None:
    inner = packed(sound)
    assert len(said(packed(sound | {"more.zip": inner}), tmp_path)) == 1
    for name in ("../escaped.txt", "/etc/passwd", "waves/é.tsv", "a" * 200):
        assert len(said(packed(sound | {name: b"x"}), tmp_path)) == 1, name


def test_s10_a_bundle_of_version_1_is_sent_to_its_own_checker(sound: Files, tmp_path: Path) -> None:
    first = {"format": "fairwave-proof", "version": 1, "commitment": "00" * 32, "files": {}}
    problems = said(packed(sound | {"manifest.json": json.dumps(first).encode()}), tmp_path)
    assert problems == ["This is version 1 of a proof: check it with the verify_draw.py inside it."]


def test_s10_nothing_in_the_bundle_is_run(sound: Files, tmp_path: Path) -> None:
    """As a fan would check it: in a process of its own, which says one sentence and ends with 1."""
    trap = f"open({str(tmp_path / 'run')!r}, 'w')\n".encode()
    changed = sound | {"verify_draw.py": trap, "draw.json": b"{"}
    (tmp_path / "b.zip").write_bytes(packed(changed))
    command = [sys.executable, "-I", "-S", str(CHECKER), "b.zip"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert len([line for line in run.stdout.splitlines() if line.startswith("WRONG")]) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["b.zip"]
