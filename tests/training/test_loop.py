"""The training loop, on toy images: the position of a bright patch is the label."""

import math
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnistcmp import machine
from mnistcmp.catalogue.recipes import recipe_for
from mnistcmp.catalogue.settings import Affine, NoiseAndContrast, Recipe
from mnistcmp.models import build
from mnistcmp.training import evaluate as evaluate_module
from mnistcmp.training import loop
from mnistcmp.training.evaluate import Images, as_input, evaluate, milliseconds_per_image
from mnistcmp.training.loop import Diverged, pixel_statistics, probe, train

CONSTANT = Recipe("toy", learning_rate=3e-3, epochs=2, batch_size=50)
ONE_CYCLE = replace(CONSTANT, schedule="one_cycle", normalise=True, augmentation=Affine())
PRECISIONS = ("fp32", "bf16")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def toy(count: int, *, channels: int = 1, seed: int = 0) -> Images:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, channels, 28, 28), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        row, column = divmod(int(label), 5)
        image[:, 4 + 12 * row : 10 + 12 * row, 2 + 5 * column : 7 + 5 * column] += 180
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels))


TRAINING, HELDOUT = toy(640), toy(200, seed=1)  # 640 = 12 batches of 50 and one of 40


def same(a: nn.Module, b: nn.Module) -> bool:
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Watch:
    """Keeps the batches that the trained model reads, and its logits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[bool, torch.Tensor, torch.Tensor]] = []

        def watched_build(*arguments):
            model = build(*arguments)
            model.register_forward_hook(self._keep)
            return model

        monkeypatch.setattr(loop, "build", watched_build)

    def _keep(self, model, inputs, logits):
        self.seen.append((model.training, inputs[0].detach().clone(), logits.detach()))


@pytest.mark.parametrize("recipe", [CONSTANT, ONE_CYCLE], ids=["constant", "one_cycle"])
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_train_learns_to_distinguish_the_patches(name, recipe):
    trained = train(name, replace(recipe, epochs=3), 0, TRAINING, HELDOUT)
    assert trained.epochs[-1].heldout_accuracy > 0.9  # chance is 0.1
    assert trained.epochs[-1].heldout_loss < trained.epochs[0].heldout_loss


# The first has dropout, the second batch normalisation and augmentation.
@pytest.mark.parametrize("name, recipe", [("strong_cnn", CONSTANT), ("conv_batchnorm", ONE_CYCLE)])
def test_train_gives_the_same_weights_only_for_the_same_seed(name, recipe):
    few = toy(120)
    first = train(name, recipe, 7, few, HELDOUT).model
    torch.rand(5)  # the state of the global generator must not matter
    again = train(name, recipe, 7, few, HELDOUT).model
    other = train(name, recipe, 8, few, HELDOUT).model
    assert same(first, again)
    assert not same(first, other)


def test_train_changes_every_parameter_and_no_image():
    images = toy(120)
    before = images.pixels.clone()
    model = train("cnn", ONE_CYCLE, 3, images, HELDOUT).model
    torch.manual_seed(3)
    start = dict(build("cnn").named_parameters())
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, start[name]), name
    assert torch.equal(images.pixels, before)


@pytest.mark.parametrize("batch_size", [50, 4, 640])  # 4: several chunks of batches
def test_train_reports_every_step(batch_size):
    reported = []
    recipe = replace(CONSTANT, batch_size=batch_size)
    train("mlp", recipe, 0, TRAINING, HELDOUT, on_steps=reported.append)
    assert min(reported) > 0
    assert sum(reported) == 2 * math.ceil(640 / batch_size)


def test_train_uses_every_image_once_per_epoch_in_a_new_order(monkeypatch):
    watch = Watch(monkeypatch)
    images = toy(640)
    images.pixels[:, 0, 0, 0] = (
        torch.arange(640) // 256
    )  # the first two pixels encode the image's number
    images.pixels[:, 0, 0, 1] = torch.arange(640) % 256
    train("mlp", replace(CONSTANT, batch_size=9), 0, images, HELDOUT)
    batches = [pixels for in_training, pixels, _ in watch.seen if in_training]
    assert [len(batch) for batch in batches] == 2 * ([9] * 71 + [1])
    numbers = (torch.cat(batches)[:, 0, 0, :2] * 255).round() @ torch.tensor([256.0, 1.0])
    first, second = numbers.view(2, 640).int().tolist()
    assert sorted(first) == sorted(second) == list(range(640))
    assert first not in (second, sorted(first))


def rates_and_betas(monkeypatch, recipe: Recipe) -> tuple[list[float], set[tuple[float, float]]]:
    """Adam's learning rate at every step of a training, and its betas."""
    groups = []

    class WatchedAdam(torch.optim.Adam):
        def step(self, *arguments, **keywords):
            groups.append(dict(self.param_groups[0]))
            return super().step(*arguments, **keywords)

    monkeypatch.setattr(torch.optim, "Adam", WatchedAdam)
    train("mlp", recipe, 0, TRAINING, HELDOUT)
    return [group["lr"] for group in groups], {group["betas"] for group in groups}


def test_published_recipe_has_a_constant_learning_rate(monkeypatch):
    recipe = replace(recipe_for("published", "conv_maxpool"), epochs=2)
    rates, betas = rates_and_betas(monkeypatch, recipe)
    assert rates == [1e-2] * 20
    assert betas == {(0.9, 0.999)}


def test_one_cycle_rises_to_the_learning_rate_and_ends_low(monkeypatch):
    rates, betas = rates_and_betas(monkeypatch, replace(ONE_CYCLE, epochs=4))
    top = rates.index(max(rates))
    assert len(rates) == 52
    assert rates[0] == pytest.approx(3e-3 / 25)
    assert max(rates) == pytest.approx(3e-3)
    assert top == 12  # a quarter of the way
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(3e-3 / 25 / 1000)
    assert betas == {(0.9, 0.999)}


@pytest.mark.parametrize("batch_size", [640, 160])
def test_one_cycle_works_with_one_step_or_four(batch_size):
    recipe = replace(ONE_CYCLE, epochs=1, batch_size=batch_size)
    assert len(train("mlp", recipe, 0, TRAINING, HELDOUT).epochs) == 1


def test_weight_decay_shrinks_weights_without_a_gradient():
    images = toy(40)
    images.pixels[:, :, 0, 0] = 0  # so that the weights of this pixel get no gradient
    recipe = replace(CONSTANT, learning_rate=0.01, epochs=1, batch_size=10)
    bare, decayed = (
        train("mlp", replace(recipe, weight_decay=decay), 3, images, HELDOUT).model
        for decay in (0.0, 0.5)
    )
    weights, shrunk = (
        next(layer for layer in model.modules() if isinstance(layer, nn.Linear)).weight[:, 0]
        for model in (bare, decayed)
    )
    torch.testing.assert_close(shrunk, weights * 0.995**4)  # 1 - 0.01 · 0.5 at each of four steps


def test_epoch_loss_and_accuracy_are_means_over_all_images():
    # 60 images in batches of 50: a mean over batches would count the last ten five times.
    images, recipe = toy(60), replace(CONSTANT, learning_rate=0.0)
    trained = train("mlp", recipe, 0, images, HELDOUT)
    on_training, on_heldout = evaluate(trained.model, images), evaluate(trained.model, HELDOUT)
    assert [epoch.epoch for epoch in trained.epochs] == [1, 2]
    for epoch in trained.epochs:
        assert epoch.train_loss == pytest.approx(on_training.loss, abs=1e-5)
        assert epoch.train_accuracy == pytest.approx(on_training.accuracy)
        assert epoch.heldout_loss == on_heldout.loss
        assert epoch.heldout_accuracy == on_heldout.accuracy


@pytest.mark.parametrize("name", ["fcn", "conv_batchnorm", "residual_cnn"])
def test_gradient_norms_name_every_weight_layer(name):
    trained = train(name, replace(CONSTANT, batch_size=16), 0, toy(60), HELDOUT)
    layers = {
        layer
        for layer, module in trained.model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    for epoch in trained.epochs:
        assert epoch.gradient_norms.keys() == layers
        assert all(0 < norm < math.inf for norm in epoch.gradient_norms.values())


def test_gradient_norms_of_one_step_equal_those_of_plain_backward():
    images = toy(60)
    trained = train("cnn", replace(CONSTANT, epochs=1, batch_size=60), 5, images, HELDOUT)
    torch.manual_seed(5)
    model = build("cnn")
    F.cross_entropy(model(images.pixels.float() / 255), images.labels).backward()
    for layer, norm in trained.epochs[0].gradient_norms.items():
        expected = model.get_parameter(f"{layer}.weight").grad.norm().item()
        assert norm == pytest.approx(expected, rel=1e-3), layer


@pytest.mark.parametrize("steps", [1, 4, 33])  # of 33, every fourth is sampled
def test_gradient_norms_of_equal_steps_equal_those_of_one_step(steps):
    one, recipe = toy(1), replace(CONSTANT, learning_rate=0.0, epochs=1, batch_size=2)
    images = Images(one.pixels.repeat(2 * steps, 1, 1, 1), one.labels.repeat(2 * steps))
    trained = train("cnn", recipe, 5, images, HELDOUT)
    trained.model.zero_grad()
    F.cross_entropy(trained.model(one.pixels.float() / 255), one.labels).backward()
    for layer, norm in trained.epochs[0].gradient_norms.items():
        expected = trained.model.get_parameter(f"{layer}.weight").grad.norm().item()
        assert norm == pytest.approx(expected, rel=1e-3), layer


def test_gradient_norms_are_means_over_the_steps():
    images, recipe = toy(8), replace(CONSTANT, learning_rate=0.0, epochs=1, batch_size=1)
    trained = train("tiny_cnn", recipe, 5, images, HELDOUT)
    sums = dict.fromkeys(trained.epochs[0].gradient_norms, 0.0)
    for pixels, label in zip(images.pixels.float() / 255, images.labels, strict=True):
        trained.model.zero_grad()
        F.cross_entropy(trained.model(pixels[None]), label[None]).backward()
        for layer in sums:
            sums[layer] += trained.model.get_parameter(f"{layer}.weight").grad.norm().item()
    for layer, norm in trained.epochs[0].gradient_norms.items():
        assert 8 * norm == pytest.approx(sums[layer], rel=1e-3), layer


@pytest.mark.parametrize("name, count", [("strong_cnn", 60), ("conv_batchnorm", 60), ("mlp", 1037)])
def test_evaluation_equals_a_plain_computation(name, count):
    images, model = toy(count), build(name).train()  # with dropout still active
    measured = evaluate(model, images)
    with torch.no_grad():
        logits = model.eval()(images.pixels.float() / 255).double().numpy()
    labels = images.labels.numpy()
    log_sums = np.log(np.exp(logits).sum(axis=1))
    assert measured.loss == pytest.approx((log_sums - logits[np.arange(count), labels]).mean())
    assert measured.accuracy == (logits.argmax(axis=1) == labels).mean()
    assert measured.predictions.dtype == torch.uint8
    assert measured.predictions.tolist() == logits.argmax(axis=1).tolist()


def test_bf16_is_used_for_training_and_fp32_for_evaluation(monkeypatch):
    watch = Watch(monkeypatch)
    train("mlp", CONSTANT, 0, TRAINING, HELDOUT, precision="bf16")
    kinds = {(in_training, logits.dtype) for in_training, _, logits in watch.seen}
    assert kinds == {(True, torch.bfloat16), (False, torch.float32)}


def test_bf16_training_stays_close_to_fp32():
    full, half = (train("mlp", CONSTANT, 0, TRAINING, HELDOUT, precision=p) for p in PRECISIONS)
    assert not same(full.model, half.model)
    assert all(parameter.dtype == torch.float32 for parameter in half.model.parameters())
    for in_full, in_half in zip(full.epochs, half.epochs, strict=True):
        assert in_half.heldout_accuracy == pytest.approx(in_full.heldout_accuracy, abs=0.02)
        assert in_half.heldout_loss == pytest.approx(in_full.heldout_loss, rel=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixel_statistics_equal_those_of_numpy(channels):
    pixels = toy(1037, channels=channels).pixels
    pixels[:, -1] //= 2  # so that the channels differ
    plain = pixels.double().numpy() / 255
    means, stds = pixel_statistics(pixels)
    np.testing.assert_allclose(means, plain.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(stds, plain.std(axis=(0, 2, 3)))


def test_pixel_statistics_of_one_grey_level_have_no_zero_deviation():
    means, stds = pixel_statistics(torch.full((3, 1, 4, 4), 51, dtype=torch.uint8))
    assert (means, stds) == ([pytest.approx(0.2)], [pytest.approx(1 / 255)])


def test_normalise_uses_the_training_statistics_only_if_the_recipe_says_so():
    (mean,), (std,) = pixel_statistics(TRAINING.pixels)
    for normalise, expected in ((True, [mean, std]), (False, [0, 1])):
        recipe = replace(CONSTANT, normalise=normalise)
        layer = train("mlp", recipe, 0, TRAINING, HELDOUT).model.normalise
        assert [layer.mean.item(), layer.std.item()] == pytest.approx(expected)


def test_train_supports_colour_images_and_other_class_counts():
    images = toy(120, channels=3)
    images = Images(images.pixels[:, :, :20, :24], images.labels % 3)
    trained = train("tiny_cnn", ONE_CYCLE, 0, images, images, classes=3)
    assert trained.model(as_input(images.pixels)).shape == (120, 3)
    assert evaluate(trained.model, images).predictions.max() < 3


# With one batch per epoch, only the last step of the last epoch diverges.
@pytest.mark.parametrize("batch_size, epochs", [(50, 2), (640, 1)])
@pytest.mark.parametrize("learning_rate", [1e38, math.inf])
def test_divergence_is_detected_even_in_the_last_step(learning_rate, batch_size, epochs):
    recipe = replace(CONSTANT, learning_rate=learning_rate, batch_size=batch_size, epochs=epochs)
    with pytest.raises(Diverged, match=r"loss.*(inf|nan).*epoch 1\b"):
        train("mlp", recipe, 0, TRAINING, HELDOUT)


def test_divergence_error_names_the_epoch(monkeypatch):
    factors = iter([1, 1, math.nan])  # each epoch's pixels are multiplied by one
    monkeypatch.setattr(loop, "augment", lambda pixels, *_: pixels * next(factors))
    recipe = replace(CONSTANT, epochs=4, augmentation=Affine())
    with pytest.raises(Diverged, match=r"loss.*nan.*epoch 3\b"):
        train("mlp", recipe, 0, TRAINING, HELDOUT)


def test_noise_and_contrast_are_applied_after_the_augmentation(monkeypatch):
    monkeypatch.setattr(loop, "augment", lambda pixels, *_: torch.full_like(pixels, 0.5))
    watch = Watch(monkeypatch)
    faint = NoiseAndContrast(noise=0, contrast=0.2, share=0.5)
    recipe = replace(CONSTANT, augmentation=Affine(), noise_and_contrast=faint)
    train("mlp", recipe, 0, TRAINING, HELDOUT)
    batches = torch.cat([pixels for in_training, pixels, _ in watch.seen if in_training])
    values = batches.flatten(1).unique(dim=1)
    assert values.shape == (2 * len(TRAINING.labels), 1)  # of every image, in each epoch
    assert values.max() == 0.5
    assert 0.1 <= values.min() < 0.12


@pytest.fixture
def bf16(monkeypatch):
    """The processor computes in bf16."""
    monkeypatch.setattr(machine, "computes_in_bf16", lambda device: True)


def test_probe_times_both_precisions_without_side_effects(bf16):
    images = toy(120)
    before = images.pixels.clone()
    alone = train("strong_cnn", CONSTANT, 0, images, HELDOUT).model
    seconds = probe("strong_cnn", replace(ONE_CYCLE, batch_size=8), images)
    assert seconds.keys() == {"fp32", "bf16"}
    assert all(0 < value < math.inf for value in seconds.values())
    assert torch.equal(images.pixels, before)
    assert same(train("strong_cnn", CONSTANT, 0, images, HELDOUT).model, alone)


def clock(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *durations: float) -> None:
    """The timed intervals take these seconds in turn, with one second between them."""
    times = accumulate(chain.from_iterable((1, duration) for duration in durations))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=times.__next__))


class Pace:
    """A clock that only training steps move: by the next of `durations`, in seconds.

    `steps` lists each step's precision.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fp32: list[float], bf16: list[float]):
        self.now, self.steps = 0.0, []
        self._durations = {"fp32": iter(fp32), "bf16": iter(bf16)}
        monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(loop.F, "cross_entropy", self._step)

    def _step(self, logits, labels):
        precision = "fp32" if logits.dtype == torch.float32 else "bf16"
        self.steps.append(precision)
        self.now += next(self._durations[precision])
        return -F.log_softmax(logits.float(), dim=1).gather(1, labels[:, None]).mean()


def test_probe_returns_the_faster_of_two_trials_after_a_warm_up(bf16, monkeypatch):
    fast = [0.004] * 8, [0.002] * 8
    pace = Pace(monkeypatch, [0.04] * 8 + [0.008] * 8 + fast[0], [0.02] * 8 + fast[1] + [0.003] * 8)
    assert probe("mlp", CONSTANT, TRAINING) == pytest.approx({"fp32": 0.004, "bf16": 0.002})
    assert pace.steps == ["fp32"] * 8 + ["bf16"] * 8 + pace.steps[:16] + pace.steps[:16]


def test_probe_stops_a_trial_of_bf16_at_its_first_slow_step(bf16, monkeypatch):
    pace = Pace(monkeypatch, [0.04] * 24, [0.1, 0.03, 0.05, 0.06])
    assert probe("mlp", CONSTANT, TRAINING) == pytest.approx({"fp32": 0.04, "bf16": 0.04})
    assert pace.steps.count("bf16") == 4


def test_probe_of_slow_steps_ends_early(monkeypatch):
    monkeypatch.setattr(machine, "computes_in_bf16", lambda device: False)
    pace = Pace(monkeypatch, [3.0] + [0.15] * 3 + [5.0], [])
    assert probe("mlp", CONSTANT, TRAINING) == pytest.approx({"fp32": 0.15})
    assert pace.steps == ["fp32"] * 5


def test_probe_never_tries_bf16_where_it_is_emulated(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    pace = Pace(monkeypatch, [0.001] * 24, [])
    assert probe("mlp", CONSTANT, TRAINING) == pytest.approx({"fp32": 0.001})
    assert set(pace.steps) == {"fp32"}


def test_latency_is_the_median_in_milliseconds(monkeypatch):
    clock(monkeypatch, evaluate_module, 0.25, 0.5, 8)
    model = build("mlp")
    assert milliseconds_per_image(model, toy(3)) == 500


def test_seconds_of_an_epoch_exclude_evaluation(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def slow_evaluate(*arguments):
        now[0] += 100
        return evaluate(*arguments)

    def on_steps(steps: int) -> None:
        now[0] += steps

    monkeypatch.setattr(loop, "evaluate", slow_evaluate)
    trained = train("mlp", CONSTANT, 0, TRAINING, HELDOUT, on_steps=on_steps)
    assert [epoch.seconds for epoch in trained.epochs] == [13, 13]


def test_as_input_scales_bytes_to_the_unit_interval():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    scaled = as_input(pixels)
    assert scaled.dtype == torch.float32
    assert scaled.shape == pixels.shape
    torch.testing.assert_close(scaled.flatten(), torch.linspace(0, 1, 256))
    assert pixels.flatten()[-1] == 255  # untouched
    assert as_input(toy(4, channels=3).pixels).is_contiguous(memory_format=torch.channels_last)


def test_images_of_adds_a_missing_channel():
    labels = torch.zeros(5, dtype=torch.long)
    assert Images.of(torch.zeros(5, 28, 20), labels).pixels.shape == (5, 1, 28, 20)
    assert Images.of(torch.zeros(5, 3, 28, 20), labels).pixels.shape == (5, 3, 28, 20)


def test_latency_is_measured_on_single_images_in_evaluation_mode():
    calls = []

    class Reader(nn.Module):
        def forward(self, pixels):
            calls.append((self.training, tuple(pixels.shape)))
            return pixels.flatten(1)

    assert milliseconds_per_image(Reader().train(), toy(17)) > 0
    assert calls == [(False, (1, 1, 28, 28))] * 17


def test_on_epoch_gets_the_untrained_network_and_that_after_each_epoch():
    states = []

    def keep(model):
        states.append({name: values.clone() for name, values in model.state_dict().items()})

    recipe = replace(ONE_CYCLE, normalise=False, epochs=3)
    trained = train("conv_batchnorm", recipe, 0, TRAINING, HELDOUT, on_epoch=keep)
    before, *after = states
    torch.manual_seed(0)
    untrained = build("conv_batchnorm").state_dict()
    assert all(torch.equal(before[name], values) for name, values in untrained.items())
    assert len(after) == recipe.epochs
    for one, next_one in pairwise(states):
        assert not torch.equal(
            one["network.features.0.weight"], next_one["network.features.0.weight"]
        )
    last = trained.model.state_dict()
    assert all(torch.equal(after[-1][name], last[name]) for name in last)
    assert same(trained.model, train("conv_batchnorm", recipe, 0, TRAINING, HELDOUT).model)
