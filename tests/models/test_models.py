"""The same tests for every network."""

import pytest
import safetensors.torch
import torch

from mnistcmp.catalogue.studies import STUDIES
from mnistcmp.models import MODELS, build

every_model = pytest.mark.parametrize("name", MODELS)


def random_pixels(count: int, shape: tuple[int, int, int] = (1, 28, 28)) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def fixed_weights():
    torch.manual_seed(0)


@every_model
@pytest.mark.parametrize("batch", [1, 7])
def test_model_gives_finite_logits_for_any_batch(name, batch):
    model = build(name).train()
    logits = model(random_pixels(batch))
    assert logits.shape == (batch, 10)
    assert logits.isfinite().all()


@every_model
def test_model_has_the_number_of_parameters_in_the_catalogue(name):
    assert sum(parameter.numel() for parameter in build(name).parameters()) == MODELS[name].params


# Published, or derived exactly from the published architecture (PUBLISHED.md). Repeated here, so
# that a change in the catalogue alone fails.
@pytest.mark.parametrize(
    "name, params",
    [
        ("mlp", 25_450),
        ("tiny_cnn", 4_266),
        ("cnn", 26_698),
        ("strong_cnn", 467_818),
        ("mlp_100", 79_510),
        ("conv_maxpool", 85_526),
        ("conv_batchnorm", 77_918),
        ("fcn", 567_434),
        ("simple_cnn", 421_642),
        ("residual_cnn", 513_994),
    ],
)
def test_catalogue_has_the_published_parameter_counts(name, params):
    assert MODELS[name].params == params


@every_model
def test_model_gives_every_parameter_a_gradient(name):
    model = build(name).train()
    # The square gives every logit a gradient. Many images, because a ReLU that is 0 for all of them
    # passes none.
    (model(random_pixels(64)) ** 2).sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@every_model
def test_logits_of_a_batch_equal_those_of_single_images(name):
    model = build(name).train()
    pixels = random_pixels(7)
    model(pixels)  # updates the running statistics of batch normalisation
    model.eval()
    with torch.inference_mode():
        alone = torch.cat([model(image) for image in pixels.split(1)])
        torch.testing.assert_close(model(pixels), alone, rtol=1e-4, atol=1e-5)


@every_model
def test_model_gives_equal_logits_after_save_and_load(name):
    model = build(name)
    model.normalise.set([0.13], [0.3])
    model.eval()
    copy = build(name)
    copy.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
    copy.eval()
    with torch.inference_mode():
        assert torch.equal(copy(random_pixels(3)), model(random_pixels(3)))


@every_model
@pytest.mark.parametrize("in_shape, classes", [((3, 32, 32), 10), ((1, 20, 24), 3)])
def test_model_supports_other_image_shapes_and_numbers_of_classes(name, in_shape, classes):
    logits = build(name, in_shape, classes)(random_pixels(2, in_shape))
    assert logits.shape == (2, classes)


def test_build_raises_if_the_image_is_too_small():
    with pytest.raises(ValueError, match="'conv_maxpool'.*4×4 px.*halved 3 times.*8 px"):
        build("conv_maxpool", (1, 4, 4))


def test_build_suggests_the_nearest_name():
    with pytest.raises(ValueError, match="'smple_cnn'.*did you mean 'simple_cnn'"):
        build("smple_cnn")


def test_build_lists_all_models_if_no_name_is_near():
    with pytest.raises(ValueError, match="'transformer'.*choose from mlp, .*residual_cnn"):
        build("transformer")


def test_normalise_works_per_channel_and_is_saved():
    model = build("mlp", (2, 4, 4))
    model.normalise.set([0.5, 0.1], [0.25, 2.0])
    normalised = model.normalise(torch.full((1, 2, 4, 4), 0.5))
    torch.testing.assert_close(normalised[0, :, 0, 0], torch.tensor([0.0, 0.2]))
    assert {"normalise.mean", "normalise.std"} <= model.state_dict().keys()


def test_residual_cnn_without_its_blocks_is_simple_cnn():
    residual, simple = build("residual_cnn").network, build("simple_cnn").network
    convolutions = [0, 4], [0, 3]
    for target, source in zip(*convolutions, strict=True):
        residual.features[target].load_state_dict(simple.features[source].state_dict())
    residual.head.load_state_dict(simple.head.state_dict())
    for block in (residual.features[2], residual.features[6]):
        torch.nn.init.zeros_(block.conv2.weight)
        torch.nn.init.zeros_(block.conv2.bias)
    pixels = random_pixels(3)
    torch.testing.assert_close(residual(pixels), simple(pixels))


def test_every_model_is_in_a_study():
    assert {name for study in STUDIES.values() for name in study.models} == set(MODELS)
