"""Part of the Benchmarks page: misread test images, and whether two networks really differ."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from mnistcmp.analysis.comparisons import ENOUGH_RUNS, Evidence, Gap
from mnistcmp.analysis.statistics import confusion, paired
from mnistcmp.analysis.text import listed, named, points
from mnistcmp.app import cached_records, pictures
from mnistcmp.app.benchmarks import mistake_charts as charts
from mnistcmp.app.benchmarks.section import NUMBER, Shown, chart, table, title, view
from mnistcmp.app.plain_text import plain
from mnistcmp.data.sample_pack import Samples, SamplesError

GALLERY = 40
PICTURE_PX = 84
MOST_NAMED = 2  # more names do not fit below a picture
ERROR = "error"  # the misread images that are shown: (digit, read as)

RUN_COLUMNS = {name: NUMBER(f"{name}, %", format="%.2f") for name in ("mean", "lowest", "highest")}

Read = Mapping[str, np.ndarray]  # the labels that each network's run with seed 0 predicted


@st.fragment
def show(shown: Shown) -> None:
    """The section: one network's mistakes, or the images that most networks misread."""
    try:
        pack = cached_records.sample_pack("mnist")
    except SamplesError as error:
        st.warning(plain(error))
        return
    found, problems = cached_records.readings(shown.runs, len(pack.labels))
    for problem in problems:
        st.warning(plain(problem))
    read = {model: found[model] for model in shown.models if model in found}
    if read:
        view("mistakes", {"One network": _one_network, "The hardest digits": _hardest})(
            read, pack, shown.highlight
        )


def _one_network(read: Read, pack: Samples, highlight: str | None) -> None:
    models = list(read)
    above, beside = st.columns(2)
    model = above.selectbox(
        "Network",
        models,
        index=models.index(highlight) if highlight in models else 0,
        format_func=title,
        key=f"mistakes_of_{highlight}",
    )
    matrix = confusion(read[model], pack.labels)
    with beside:
        error = _choose_error(matrix)
    st.markdown(_summary(model, matrix))
    left, right = st.columns([3, 2], gap="large")
    with left:
        key = f"confusion of {model}"
        chart(
            charts.confusions,
            _cells(matrix),
            key=key,
            on_select=lambda: _take_error(key),
            selection_mode="cell",
        )
    with right:
        chart(charts.misread_by_digit, _by_digit(matrix))
    st.caption(
        "The cells count how many images of each digit are read as which. Colour marks errors; the "
        "diagonal, without colour, is right. Click a cell to see its images. The bars show what "
        "percentage of each digit is misread."
    )
    if error:
        chosen = np.flatnonzero((pack.labels == error[0]) & (read[model] == error[1]))
        _gallery(pack, chosen, lambda number: f"no. {number}")
    table("mistakes", lambda: _by_digit(matrix), {"misread, %": NUMBER(format="%.2f")})


def _choose_error(matrix: np.ndarray) -> tuple[int, int] | None:
    """The choice of an error, which a click on its cell also makes -> (digit, read as)."""
    wrong = _cells(matrix).query("digit != `read as` and images > 0")
    wrong = wrong.sort_values("images", ascending=False, kind="stable")
    counts = {(digit, read_as): count for digit, read_as, count in wrong.to_numpy().tolist()}
    if st.session_state.get(ERROR) not in counts:
        st.session_state[ERROR] = None
    return st.selectbox(
        "Misread images",
        list(counts),
        index=None,
        format_func=lambda error: f"{error[0]} read as {error[1]}: {counts[error]}",
        key=ERROR,
        placeholder="choose an error to see them",
    )


def _summary(model: str, matrix: np.ndarray) -> str:
    """How many images are misread, and which error is the most frequent, if there is one."""
    wrong = matrix - np.diag(matrix.diagonal())
    text = f"{named(model)} misreads **{wrong.sum()} of {matrix.sum():,} test digits**"
    worst = np.argwhere(wrong == wrong.max())
    if wrong.sum() and len(worst) == 1:
        digit, read_as = worst[0]
        text += f", and most often takes **{_a(digit)} for {_a(read_as)}**"
    return f"{text}. This is the run with seed 0."


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


def _cells(matrix: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        [(was, read_as, int(n)) for (was, read_as), n in np.ndenumerate(matrix)],
        columns=["digit", "read as", "images"],
    )


def _by_digit(matrix: np.ndarray) -> pd.DataFrame:
    images, right = matrix.sum(axis=1), matrix.diagonal()
    return pd.DataFrame(
        {
            "digit": range(len(matrix)),
            "images": images,
            "misread": images - right,
            "misread, %": 100 * (1 - right / images),
        }
    )


def _take_error(key: str) -> None:
    cells = st.session_state[key]["selection"]["cell"]
    cell = cells[0] if cells else None
    if cell and cell["digit"] != cell["read as"]:
        st.session_state[ERROR] = (cell["digit"], cell["read as"])
    else:
        st.session_state[ERROR] = None


def _hardest(read: Read, pack: Samples, highlight: str | None) -> None:
    models, read_as = np.array(list(read)), np.stack(list(read.values()))
    right = read_as == pack.labels
    hardest = np.argsort(right.sum(axis=0), kind="stable")[:GALLERY]
    st.markdown(
        f"The {len(hardest)} test digits that most of these {len(models)} networks misread (their "
        "runs with seed 0). Below each: what it is, what most of those that are wrong say, and who "
        "is right."
    )

    def caption(number: int) -> str:
        wrong = read_as[~right[:, number], number]
        names = [title(model) for model in models[right[:, number]]]
        few = listed(names) if names else "nobody"
        correct = few if len(names) <= MOST_NAMED else f"{len(names)} networks"
        mostly = f", read as {np.bincount(wrong).argmax()}" if len(wrong) else ""
        return f"{pack.labels[number]}{mostly}. Right: {correct}"

    _gallery(pack, hardest, caption)


def _gallery(pack: Samples, numbers: np.ndarray, caption: Callable[[int], str]) -> None:
    images = {number: pack.image(number) for number in numbers[:GALLERY].tolist()}
    st.html(
        pictures.row(
            [
                pictures.thumbnail(
                    image / 255, caption(number), f"test digit no. {number}", PICTURE_PX
                )
                for number, image in images.items()
                if image is not None
            ]
        )
    )


@st.fragment
def compare(shown: Shown) -> None:
    """The section: any two networks compared; at first, the two most accurate ones."""
    best_first = shown.summary.sort_values("test_accuracy", ascending=False, kind="stable")
    start = [shown.models.index(model) for model in best_first["model"][:2]]
    left, right = st.columns(2)
    first = left.selectbox("One network", shown.models, start[0], title, key="first")
    second = right.selectbox("Another", shown.models, start[-1], title, key="second")
    if first == second:
        st.info("Choose two different networks.")
        return
    evidence = _evidence(shown)
    gap = evidence.gap(first, second)
    st.markdown(f"{verdict(first, second, gap)} {_by_images(first, second, evidence)}")
    runs = shown.runs[shown.runs["model"].isin([first, second])]
    chart(charts.runs_of_two, runs)
    st.caption(
        f"Each mark is one run. Compared: {gap.grounds}. With at least {ENOUGH_RUNS} runs of each "
        "network, their accuracies are compared (Welch's t-test). With fewer, it is counted which "
        "test images only one of the two runs with seed 0 reads correctly (as in McNemar's test)."
    )
    table("two networks", lambda: _accuracies(runs), RUN_COLUMNS)


def _evidence(shown: Shown) -> Evidence:
    """The runs, and what the runs with seed 0 read, if that is on record."""
    try:
        labels = cached_records.sample_pack("mnist").labels
    except SamplesError:  # the section on mistakes says so
        return Evidence(shown.runs)
    return Evidence(shown.runs, cached_records.readings(shown.runs, len(labels))[0], labels)


def verdict(first: str, second: str, gap: Gap) -> str:
    """Whether one of the two networks is more accurate, and by how much."""
    (better, other), sign = ((second, first), 1) if gap.share >= 0 else ((first, second), -1)
    if math.isnan(gap.half):
        return "**There are too few runs to tell.**"
    low, high = sorted((sign * gap.low, sign * gap.high))
    by = f"{100 * abs(gap.share):.2f} points, 95 % interval {points(low)} to {points(high)}"
    if not gap.sure:
        return (
            f"**The difference may be due to chance**: {named(better)} is ahead of {named(other)} "
            f"by {by}."
        )
    if gap.over_runs:
        return f"**{named(better)} is more accurate than {named(other)}**, by {by}."
    return (
        f"**This run of {named(better)} is more accurate than this run of {named(other)}**, by "
        f"{by}; other seeds may differ."
    )


def _by_images(first: str, second: str, evidence: Evidence) -> str:
    """On how many test images only one of the runs with seed 0 is right."""
    if evidence.labels is None or not {first, second} <= evidence.read.keys():
        return ""
    only = paired(evidence.read[first], evidence.read[second], evidence.labels)
    return (
        f"Of {only.count:,} test images, {only.only_first} are read correctly by {named(first)} "
        f"alone, and {only.only_second} by {named(second)} alone, both with seed 0."
    )


def _accuracies(runs: pd.DataFrame) -> pd.DataFrame:
    groups = (100 * runs["test_accuracy"]).groupby(runs["model"])
    table = groups.agg(runs="size", mean="mean", lowest="min", highest="max")
    return table.rename_axis("network").reset_index()
