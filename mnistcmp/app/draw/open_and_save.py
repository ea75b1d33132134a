"""Ways to open and save a drawing: test images, photos, links and PNG files."""

import io
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from mnistcmp.app import cached_records, links, session
from mnistcmp.app.draw import stages
from mnistcmp.app.plain_text import plain
from mnistcmp.data.sample_pack import SamplesError
from mnistcmp.drawing import canvas, photo
from mnistcmp.drawing.canvas import Drawing, Picture

# A setting's name in a link -> its key in the session.
SETTINGS = {"recipe": session.RECIPE, "order": session.ORDER, "way": session.WAY}


class Uploaded(NamedTuple):
    """A photo that was put on the canvas.

    png: its picture there.
    html: what was read and what was left out.
    warning: what else may be a digit; None if nothing is.
    """

    png: bytes
    html: str
    warning: str | None


def from_link(choices: dict[str, list[str]]) -> None:
    """Apply the drawing and settings in the URL, the first time that the page is shown.

    `choices`: the valid values of each setting, by its name in a link; others are ignored.
    """
    if session.LINKED in st.session_state:
        return
    st.session_state[session.LINKED] = True
    for name, key in SETTINGS.items():
        value = st.query_params.get(name)
        if value in choices[name]:
            st.session_state[key] = value
    if problem := links.take_drawing():
        st.session_state[session.LINK_PROBLEM] = problem


def show_problems() -> None:
    """Show what was wrong with a link, and what else may be a digit in a photo."""
    if problem := st.session_state.pop(session.LINK_PROBLEM, None):
        st.warning(problem)
    if (photo := uploaded()) and photo.warning:
        st.warning(photo.warning)


def show_ways_in() -> None:
    """Show test images and upload."""
    _samples()
    _upload()


def show_ways_out() -> None:
    """Show link and download; they change with every stroke.

    They wait until the canvas has reported every stroke of the picture that is read.
    """
    drawing = session.drawing()
    waiting = st.session_state.get(session.WAITING, False)
    if waiting:
        st.caption("Waiting for the end of the stroke …")
    elif drawing:
        st.markdown("A link that opens this drawing with these settings:")
        links.show({name: st.session_state.get(key) for name, key in SETTINGS.items()})
    st.download_button(
        "Download as PNG",
        partial(_png, drawing),  # made on request, outside the session
        "digit.png",
        "image/png",
        on_click="ignore",
        disabled=waiting or not drawing,
    )


def _samples() -> None:
    try:
        pack = cached_records.sample_pack("mnist")
    except SamplesError as error:
        st.warning(plain(error))
        return
    st.markdown("Start from a test image")
    hard = st.toggle("Hard ones", help="The test images that are misread most often")
    digits = st.container(horizontal=True, gap="small")
    for digit in range(10):
        places = pack.hard(digit) if hard else pack.easy(digit)
        digits.button(
            str(digit),
            key=f"sample_{digit}",
            on_click=_next,
            args=(digit, hard),
            disabled=not places,
        )
    if (chosen := st.session_state.get(session.SAMPLE)) is not None:
        number = int(pack.index[chosen])
        st.caption(
            f"Test image {number}, a {pack.labels[number]}; misread by {pack.misread[chosen]} of "
            f"{pack.runs} training runs. Press the same button for another one."
        )


def _next(digit: int, hard: bool) -> None:
    """Put the next test image of this digit on the canvas."""
    pack = cached_records.sample_pack("mnist")
    places = pack.hard(digit) if hard else pack.easy(digit)
    before = st.session_state.get(session.SAMPLE)
    at = (places.index(before) + 1) % len(places) if before in places else 0
    st.session_state[session.SAMPLE] = places[at]
    session.put([canvas.put(pack.images[places[at]] / np.float32(255))])


def _upload() -> None:
    st.file_uploader(
        "A photo or scan of one digit, dark on light or light on dark",
        # An iPhone's HEIC is taken too, so that the message can say what to do.
        type=[*(name.lower() for name in photo.FORMATS), "jpg", "tif", "heic", "heif"],
        key=session.UPLOAD,
        on_change=_take_upload,
    )
    if problem := st.session_state.get(session.UPLOAD_PROBLEM):
        st.error(plain(problem))


def _take_upload() -> None:
    st.session_state[session.UPLOAD_PROBLEM] = None
    if (file := st.session_state[session.UPLOAD]) is None:
        return
    try:
        read = photo.read(file.getvalue())
    except photo.PhotoError as error:
        st.session_state[session.UPLOAD_PROBLEM] = str(error)
        return
    picture, warning = canvas.put(read.ink), None
    if read.rivals:
        warning = (
            f"This photo has {1 + read.rivals} marks that may be a digit. The networks read the "
            "most prominent one, which is shown without stripes below “What the networks see”. "
            "To read another one, cut it out of the photo."
        )
    session.put([picture])
    st.session_state[session.PHOTO] = Uploaded(picture.png, stages.of_photo(read), warning)


def uploaded() -> Uploaded | None:
    """The last uploaded photo, while its digit is on the canvas."""
    last: Uploaded | None = st.session_state.get(session.PHOTO)
    pictures = [part.png for part in session.drawing() if isinstance(part, Picture)] if last else []
    return last if last and last.png in pictures else None


def _png(drawing: Drawing) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(canvas.render(drawing)).save(buffer, "PNG")
    return buffer.getvalue()
