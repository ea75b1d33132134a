"""One colour a family of networks, the same on every page.

The colours are Okabe and Ito's, which colour-blind eyes tell apart (2008, "Color universal
design"); those here stand out from white and from black paper alike. Members of one family share
it, because the family is what a colour can say: which member it is, a label says.
"""

# The families are the files of mnistcmp/models/, which this page must not import: torch would
# take seconds. A test compares the two.
FAMILIES = {
    "perceptrons": ("mlp", "mlp_100", "fcn"),
    "convnets": (
        "tiny_cnn",
        "cnn",
        "strong_cnn",
        "conv_maxpool",
        "conv_batchnorm",
        "conv1_fc1",
        "conv1_fc2",
        "conv2_fc1",
        "conv2_fc2",
        "conv3_fc2",
        "simple_cnn",
    ),
    "residual": ("residual_cnn",),
}
COLOURS = {"perceptrons": "#E69F00", "convnets": "#0090D0", "residual": "#D55E00"}

FAMILY_OF = {model: family for family, models in FAMILIES.items() for model in models}
