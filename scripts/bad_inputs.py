"""Generated bad inputs for throw_bad_inputs.py: valid examples that were damaged.

Each function makes one input; those that need files write them to the folder.
"""

import base64
import hashlib
import io
import json
import random
import shutil
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import hostile_canvas
from PIL import Image, ImageDraw

from mnistcmp.data import image_folder
from mnistcmp.drawing import canvas, photo, share_link
from mnistcmp.drawing.canvas import Picture, Stroke
from mnistcmp.models import MODELS
from mnistcmp.records import default_folder

DEEP = "[" * 100_000 + "]" * 100_000
DIGIT = [Stroke([(80, 60), (190, 60), (160, 130), (130, 240)], 20)]
NETWORK = ("mnist", "tiny_cnn", "drawn")
SIDES = (28, 80, 200, 400, 900)
FORMATS = {  # of image files, with their modes
    "PNG": ("L", "RGB", "RGBA", "P", "LA", "1", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("P", "L"),
    "BMP": ("1", "RGB", "P"),
    "TIFF": ("1", "L", "RGB", "CMYK", "I;16", "F"),
    "WEBP": ("RGB", "RGBA"),
}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content cut off, with other bytes, or with a piece twice."""
    changed, at = bytearray(content), rng.randrange(len(content))
    match rng.randrange(5):
        case 0:
            return content[:at]
        case 1:  # most formats begin with their sizes
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(min(len(changed), 64))] = rng.randrange(256)
        case 2:
            for _ in range(rng.randint(1, 20)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        case 3:
            changed[at:at] = changed[at : at + 1000] * rng.randint(1, 20)
        case 4:
            changed[at:] = rng.randbytes(len(changed) - at)
    return bytes(changed)


def changed_json(value: Any, rng: random.Random, more: list) -> str:
    """The value as JSON, with some places changed."""
    changed = hostile_canvas.changed(value, rng, [*more, "DEEP"])
    return json.dumps(changed, default=str).replace('"DEEP"', DEEP)


@cache
def picture(kind: str = "PNG", mode: str = "L", side: int = 140, **options: Any) -> bytes:
    """A digit as an image file."""
    grey = Image.fromarray(canvas.render(DIGIT)).convert("L").resize((side, side))
    if mode == "I;16":
        grey = grey.convert("I")
    buffer = io.BytesIO()
    grey.convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def many_marks() -> bytes:
    """A small picture with 351 marks, each as long as the smallest digit."""
    page = Image.new("L", (560, 560), "white")
    pen = ImageDraw.Draw(page)
    for top in range(5, 535, 60):
        for left in range(5, 550, 14):
            pen.rectangle((left, top, left + 1, top + 21), "black")
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def large_uploads() -> list[bytes]:
    """Files that are as large as their formats may be, and larger, or costly in another way."""
    return [
        many_marks(),
        hostile_canvas.bomb(),
        hostile_canvas.bomb(5900),
        picture("PNG", "P", 5900),
        picture("PNG", "RGBA", 2950),
        picture("GIF", "P", 5900),
        picture("TIFF", "CMYK", 2100, compression="tiff_lzw"),
        picture("WEBP", "RGB", 1490),
        picture("JPEG", "RGB", 7000),
        picture("JPEG", "RGB", 2400, progressive=True, subsampling=0),
        bytes(photo.LARGEST_BYTES + 1),
    ]


def link(rng: random.Random, _: Path) -> str:
    """A link with other letters, or with another drawing in it."""
    parts = [*DIGIT, Picture(picture(side=28), 140, 140, 280, 280)]
    text = share_link.to_text(parts)
    if rng.random() < 0.3:
        return damaged(text.encode(), rng).decode("latin-1")
    content = zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if rng.random() < 0.1:
        content = content[:-1] + b"," * rng.randrange(30_000_000) + b"]"
    elif rng.random() < 0.8:
        content = changed_json(json.loads(content), rng, [[20] + [10_000] * 9, [1e9] * 40]).encode()
    else:
        content = damaged(content, rng)
    return base64.urlsafe_b64encode(zlib.compress(content)).decode().rstrip("=")


def canvas_state(rng: random.Random, _: Path) -> Any:
    """What the web canvas reports, changed or too much."""
    if rng.random() < 0.02:
        return rng.choice(list(hostile_canvas.too_much().values()))["drawing"]
    state = hostile_canvas.STATE["drawing"]
    return hostile_canvas.changed(state, rng, [state, hostile_canvas.PATH])


def live_picture(rng: random.Random, _: Path) -> Any:
    """The picture that arrives while the pen moves: another type, text, file or size."""
    others = [*hostile_canvas.OTHERS, *hostile_canvas.WRONG_NUMBERS, *hostile_canvas.PICTURES]
    if rng.random() < 0.2:
        return rng.choice(others)
    modes = FORMATS["PNG"]
    content = damaged(picture("PNG", rng.choice(modes), rng.choice([1, 28, 140, 280, 281])), rng)
    url = hostile_canvas.as_url(content)
    return damaged(url.encode(), rng).decode("latin-1") if rng.random() < 0.3 else url


def upload(rng: random.Random, _: Path) -> bytes:
    """An image file of any format, size and mode, damaged."""
    if rng.random() < 0.02:
        content = rng.choice(large_uploads())
        return content if rng.random() < 0.5 else damaged(content, rng)
    return image_file(rng)


def image_file(rng: random.Random) -> bytes:
    """A damaged image file of any format and mode and an ordinary size."""
    kind = rng.choice(list(FORMATS))
    options: dict = {"progressive": rng.random() < 0.5} if kind == "JPEG" else {}
    if kind == "TIFF":
        options = {"compression": rng.choice(["raw", "tiff_lzw", "tiff_adobe_deflate"])}
    return damaged(picture(kind, rng.choice(FORMATS[kind]), rng.choice(SIDES), **options), rng)


@cache
def shipped_lines() -> list[bytes]:
    with (default_folder() / "results" / "runs.jsonl").open("rb") as file:
        return [file.readline().rstrip() for _ in range(3)]


def record_lines(rng: random.Random, folder: Path) -> Path:
    """Three lines of runs.jsonl: one damaged, or changed with a checksum that fits."""
    lines = list(shipped_lines())
    if rng.random() < 0.3:
        lines[1] = damaged(lines[1], rng)
    else:
        entry = json.loads(lines[1])
        del entry["checksum"]
        content = changed_json(entry, rng, [entry]).encode()
        checksum = hashlib.sha256(content).hexdigest()
        lines[1] = content[:-1] + f', "checksum": "{checksum}"}}'.encode()
    (folder / "runs.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder


@cache
def shipped_network() -> tuple[dict, bytes]:
    """(entry of the manifest, weights) of one shipped network."""
    manifest = json.loads((default_folder() / "manifest.json").read_text())
    for entry in manifest["checkpoints"]:
        if (entry["dataset"], entry["model"], entry["recipe"]) == NETWORK:
            return entry, (default_folder() / entry["file"]).read_bytes()
    raise LookupError(f"the manifest has no {NETWORK}")


def manifest(rng: random.Random, folder: Path) -> Path:
    """A manifest of one network, damaged or changed, or its weights with a sha256 that fits."""
    entry, weights = shipped_network()
    entry = dict(entry)
    path = folder / entry["file"]
    path.parent.mkdir(parents=True)
    way = rng.random()
    if way < 0.3:
        weights = damaged(weights, rng)
        entry["sha256"] = hashlib.sha256(weights).hexdigest()
    path.write_bytes(weights)
    sizes = {"in_shape": [rng.choice([1, 3, 28, 32, 1024]) for _ in range(3)]}
    sizes |= {
        "model": rng.choice(list(MODELS)),
        "classes": rng.choice([1, 10, 256]),
        "params": rng.choice([0, 10**9]),
    }
    if 0.3 < way < 0.5:
        entry |= dict(rng.sample(list(sizes.items()), rng.randint(1, 3)))
    text = json.dumps({"checkpoints": [entry]})
    if 0.5 < way < 0.9:
        text = changed_json({"checkpoints": [entry]}, rng, [entry, *sizes.values()])
    content = damaged(text.encode(), rng) if way > 0.9 else text.encode()
    (folder / "manifest.json").write_bytes(content)
    return folder


def images(rng: random.Random, folder: Path) -> Path:
    """A folder of two classes in which a few files are damaged, missing or of another kind."""
    for part in image_folder.PARTS:
        for name in ("no", "yes"):
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(3):
                (place / f"{number}.png").write_bytes(picture("PNG", "L", 28))
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(sorted(folder.rglob("*")))
        match rng.randrange(5):
            case 0:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            case 1 if path.is_dir():
                (path / rng.choice(["a.png", "b.txt", "\udcff.gif"])).symlink_to("nowhere")
            case 2 if path.is_dir():
                (path / rng.choice(["[x].png", "labels.txt", "Thumbs.db"])).mkdir(exist_ok=True)
            case _ if path.is_file():
                suffix = rng.choice(["png", "gif", "tiff", "eps", "pdf", "ico", "psd", "wmf"])
                path.rename(path.with_suffix("." + suffix)).write_bytes(image_file(rng))
    return folder
