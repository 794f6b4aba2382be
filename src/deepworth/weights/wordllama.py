"""WordLlama: a static table of token embeddings, looked up and averaged; weak but thousands of texts a second."""

from __future__ import annotations

from deepworth.registry import WeightsSpec

SPECS = [
    WeightsSpec(
        name="wordllama",
        summary="WordLlama, static token embeddings, 32,000 x 256",
        modality="text",
        package="wordllama",
        install="pip install --no-deps wordllama==0.4.0.post1",
        licence="MIT (package); the table was cut from Llama 2 models, so the Llama 2 licence may reach it: ask first",
        trained_on=("token embeddings of Llama-2-family models, distilled on public sentence pairs",),
        load="deepworth.weights._text:load_wordllama",
    )
]
