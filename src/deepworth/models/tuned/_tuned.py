"""Pretrained networks fine-tuned: a linear probe first, then the layers, slower towards the input."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.models._heads import LinearHead
from deepworth.models._media_inputs import Inputs
from deepworth.models._media_net import MediaNet
from deepworth.models.learner import Context
from deepworth.models.tuned._backbone import layers, rebuild, stages, wrap
from deepworth.nets.head import Headed
from deepworth.train.recipe import Group, groups_of, layerwise_groups
from deepworth.weights._networks import AudioNetwork, ImageNetwork, TextNetwork, load_network

PROBE_ROWS = 256  # features made between two looks at the clock
PROBE_SHARE = 0.4  # of the time left, at most, for the features of the probe
LATER = 0.25  # share of the training after which the lower half of the layers learns too, where it does


class Tuned(MediaNet):
    """Fine-tuning of the network that the frozen rung makes features with.

    Freeze, then unfreeze: the head is solved exactly on frozen features (LP-FT, Kumar et al. 2022, arXiv:2202.10054),
    then the upper half of the layers learns, then all (of images the upper half only), each at `decay` times the rate
    of the one above (Howard & Ruder 2018, arXiv:1801.06146), under warm-up and a cosine that ends where the time does.
    Weights that are no better than the probe on the validation rows are thrown away, so a fine-tuning cannot be worse
    than the frozen network there.
    """

    rate: float  # of the highest layers
    head_rate = 1e-3
    decay = 0.8
    weight_decay = 0.01
    starts_trained = True
    lower = True  # whether the lower half of the layers learns too

    def begin(self, train: Examples, context: Context) -> None:
        network = load_network(self.modality, context.weights)
        backbone, width, facts = wrap(network)
        self.module = Headed(backbone, width, self.outputs, self.dropout)
        self.facts = {"backbone": facts, "width": width} | self.sizes_of(network)
        context.notes.update(weights=network.name, licence=network.licence)

    def sizes_of(self, network: Any) -> dict[str, int]:
        """The facts of the view that the network dictates."""
        raise NotImplementedError

    def make(self) -> nn.Module:
        return Headed(rebuild(self.facts["backbone"]), self.facts["width"], self.outputs, self.dropout)

    def warm(self, inputs: tuple[Inputs, Inputs], labels: tuple[np.ndarray, np.ndarray], context: Context) -> None:
        """Solve the head on the features of the untouched backbone, of as many training rows as there is time for."""
        context.tell(0.0, "features for the head")
        chosen = np.random.default_rng(context.seed).permutation(len(inputs[0]))
        ends = time.monotonic() + PROBE_SHARE * max(context.remaining(), 0.0)
        blocks: list[np.ndarray] = []
        for start in range(0, len(chosen), PROBE_ROWS):
            if time.monotonic() > ends and blocks:
                context.cut("rows of the probe")
                break
            rows = np.sort(chosen[start : start + PROBE_ROWS])
            chosen[start : start + PROBE_ROWS] = rows
            blocks.append(self.raw(self.module.backbone, inputs[0], rows))
        features = np.concatenate(blocks)
        seen = chosen[: len(features)]
        valid = self.raw(self.module.backbone, inputs[1])
        head = LinearHead(self.task, context.seed)
        head.fit(
            features,
            labels[0][seen],
            valid.reshape(len(valid), features.shape[1]),
            labels[1],
            metric=context.metric,
            threads=context.threads,
            deadline=context.deadline,
        )
        tensors = (head.mean, head.scale, np.ascontiguousarray(head.weights.T), head.bias)
        self.module.start(*(torch.as_tensor(np.asarray(t, dtype=np.float32)) for t in tensors))
        context.notes.update(probe_rows=len(features))

    def layers(self) -> Sequence[nn.Module]:
        return layers(self.module.backbone)

    def groups(self) -> tuple[Group, ...]:
        parts = [nn.ParameterList(parameters) for parameters in stages(self.module.backbone)]
        thaw = (*[0.0] * math.ceil(len(parts) / 2), LATER)
        head = groups_of(self.module.head, self.head_rate)
        some = parts if self.lower else parts[: math.ceil(len(parts) / 2)]
        return head + layerwise_groups(
            some, self.rate, factor=self.decay, weight_decay=self.weight_decay, thaw=thaw[: len(some)]
        )


class TextTuned(Tuned):
    """A sentence encoder fine-tuned."""

    modality = "text"
    attends = True
    epochs, rate = 3.0, 1e-4

    def sizes_of(self, network: TextNetwork) -> dict[str, int]:
        self.tokenizer = network.tokenizer
        return {"max_tokens": min(network.max_tokens, 256), "fill": -1, "empty": network.pad}


class ImageTuned(Tuned):
    """A convolutional network or vision transformer fine-tuned, its lower half left as it is.

    The lower half of a convolutional network holds few weights and half of a step, its resolution being high: without
    its backward pass there is time for twice the epochs. On 1,640 photographs one epoch gained nothing at any rate,
    five of the upper half took the accuracy from 0.882 to 0.909.
    """

    modality = "image"
    epochs, rate, head_rate = 5.0, 3e-4, 3e-4
    lower = False
    mixup, smoothing = 0.4, 0.05
    backward = 2.0

    def sizes_of(self, network: ImageNetwork) -> dict[str, int]:
        return {"most": network.size, "least": min(128, network.size), "step": 32}


class AudioTuned(Tuned):
    """A speech encoder fine-tuned."""

    modality = "audio"
    attends = True
    epochs, rate = 5.0, 1e-4

    def sizes_of(self, network: AudioNetwork) -> dict[str, int]:
        return {"marked": 1}
