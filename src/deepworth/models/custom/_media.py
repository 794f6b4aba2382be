"""Networks for text, images and audio trained from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.models._media_net import MediaNet
from deepworth.models._media_views import joined, text_columns
from deepworth.models.learner import Context
from deepworth.nets.resnet import ResNet
from deepworth.nets.spectrogram_cnn import SpectrogramCNN
from deepworth.nets.transformer import PAD, TextTransformer
from deepworth.train.recipe import Group, groups_of

if TYPE_CHECKING:  # only networks for text need it
    from tokenizers import Tokenizer

VOCABULARY = 8_000
VOCABULARY_ROWS = 100_000  # texts the vocabulary is made from


class Scratch(MediaNet):
    """A network whose every weight is learnt here."""

    rate: float
    weight_decay = 0.05
    patience = 10  # from a random start the best weights come late, when the rates have fallen

    def begin(self, train: Examples, context: Context) -> None:
        self.facts = self.first_facts(train, context)
        self.module = self.make()

    def first_facts(self, train: Examples, context: Context) -> dict[str, int]:
        """What the module and the view are built from."""
        raise NotImplementedError

    def layers(self) -> Sequence[nn.Module]:
        return list(self.module.stages)

    def groups(self) -> tuple[Group, ...]:
        return groups_of(self.module, float(self.params.get("rate", self.rate)), self.weight_decay)


class TextScratch(Scratch):
    """A small transformer over word pieces that are found in the training texts."""

    modality = "text"
    epochs, rate = 15.0, 1e-3

    def first_facts(self, train: Examples, context: Context) -> dict[str, int]:
        some = train.take(np.linspace(0, len(train) - 1, min(len(train), VOCABULARY_ROWS)).astype(np.int64))
        facts = {"max_tokens": 256, "fill": PAD, "empty": PAD}
        self.tokenizer = word_pieces(joined(some, text_columns(self.columns)))
        return facts | {
            "vocabulary": self.tokenizer.get_vocab_size(),
            "width": int(self.params.get("width", 128)),
            "layers": int(self.params.get("layers", 2)),
        }

    def layers(self) -> Sequence[nn.Module]:
        return list(self.module.encoder.layers)

    def make(self) -> nn.Module:
        facts = self.facts
        return TextTransformer(
            facts["vocabulary"],
            self.outputs,
            facts["width"],
            facts["layers"],
            max_length=facts["max_tokens"],
            dropout=self.dropout,
        )


class ImageScratch(Scratch):
    """A small residual network."""

    modality = "image"
    epochs, rate = 30.0, 2e-3
    mixup = 0.2

    def first_facts(self, train: Examples, context: Context) -> dict[str, int]:
        return {"most": 64, "least": 32, "step": 8, "width": int(self.params.get("width", 32))}

    def make(self) -> nn.Module:
        width = self.facts["width"]
        net = ResNet(self.outputs, self.facts["most"], widths=(width, 2 * width, 4 * width), dropout=self.dropout)
        return net.to(memory_format=torch.channels_last)  # 1.1x to 1.4x the speed, on a CPU too


class AudioScratch(Scratch):
    """A convolutional network over log-mel spectrograms."""

    modality = "audio"
    epochs, rate = 30.0, 2e-3
    dropout = 0.2
    compiles = True  # 1.15 times the speed

    def first_facts(self, train: Examples, context: Context) -> dict[str, int]:
        return {"marked": 0, "width": int(self.params.get("width", 24))}

    def make(self) -> nn.Module:
        width = self.facts["width"]
        return SpectrogramCNN(self.outputs, (width, 2 * width, 4 * width, 6 * width), self.dropout)


def word_pieces(texts: list[str]) -> Tokenizer:
    """Byte-pair pieces of lower-cased words, the most frequent `VOCABULARY` of these texts; id 0 is the padding."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=2,
        special_tokens=["[PAD]", "[UNK]"],
        limit_alphabet=500,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
