"""The network out of its package: read without PyTorch, built as a graph, right about known photos."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from workbench.base.errors import InputError
from workbench.core.embeddings.extract import LENGTH, PictureNetwork, network, prepared
from workbench.core.embeddings.weights import MAGIC, read_weights

ESPRESSO, EGYPTIAN_CAT, TRIPOD = 967, 285, 872  # ImageNet's numbers


def jpeg(pixels: np.ndarray, quality: int = 92) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("photo", "number"), [("coffee", ESPRESSO), ("chelsea", EGYPTIAN_CAT), ("camera", TRIPOD)], ids=str
)
def test_known_photos_are_named_rightly(photo: str, number: int) -> None:
    pixels = getattr(skimage.data, photo)()
    logits = PictureNetwork(classify=True).vectors(prepared(jpeg(pixels))[None])[0].astype(float)
    assert logits.argmax() == number


def test_vectors_do_not_depend_on_the_batch_or_on_the_file() -> None:
    photo = skimage.data.astronaut()
    one, other = prepared(jpeg(photo)), prepared(jpeg(skimage.data.rocket()))
    together = network().vectors(np.stack([one, other]))
    assert together.shape == (2, LENGTH) and together.dtype == np.float16
    np.testing.assert_allclose(together[0].astype(float), network().vectors(one[None])[0].astype(float), atol=2e-3)
    again = network().vectors(prepared(jpeg(cv2.resize(photo, (1536, 1536)), 85))[None])[0].astype(float)
    cosine = again @ together[0].astype(float) / np.linalg.norm(again) / np.linalg.norm(together[0].astype(float))
    assert cosine > 0.98  # decoded at a quarter of the size


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"not a picture", b"\xff\xd8\xff\xe0\x00\x00"])
def test_broken_files_are_named(data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        prepared(data)


def test_weights_run_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (print, ("run",))

    path = tmp_path / "evil.pth"
    path.write_bytes(b"".join(pickle.dumps(one, 2) for one in (MAGIC, 1001, {}, Evil())))
    with pytest.raises(InputError, match=r"evil\.pth: Cannot read .*\.print is not allowed in a file of tensors"):
        read_weights(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps(7, 2), pickle.dumps(MAGIC, 2)])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"other\.pth: Cannot read the weights of the network: "):
        read_weights(path)
