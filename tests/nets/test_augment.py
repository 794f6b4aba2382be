"""Augmentations keep shapes and ranges, change what they say, and repeat from the same generator state."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from deepworth.nets import augment  # noqa: E402


def generator(seed: int = 0):
    return torch.Generator().manual_seed(seed)


IMAGES = torch.rand(6, 3, 12, 10, generator=generator(1))
MELS = torch.randn(6, 16, 30, generator=generator(2))
CHANGES = {
    "flip": (augment.flip, IMAGES),
    "resized_crop": (augment.resized_crop, IMAGES),
    "gain": (lambda x, g: augment.gain(x, g, 0.5), MELS),
    "time_shift": (augment.time_shift, MELS),
    "spec_augment": (augment.spec_augment, MELS),
}


@pytest.mark.parametrize("name", CHANGES)
def test_same_state_same_change(name):
    change, batch = CHANGES[name]
    g = generator(3)
    state = g.get_state()
    first, second = change(batch, g), change(batch, g)
    assert first.shape == batch.shape
    assert not torch.equal(first, second)
    g.set_state(state)
    assert torch.equal(change(batch, g), first)


@pytest.mark.parametrize("name", ["flip", "resized_crop", "time_shift", "spec_augment"])
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_values_stay_within_the_range_of_the_batch(name, seed):
    change, batch = CHANGES[name]
    changed = change(batch, generator(seed))
    assert torch.isfinite(changed).all()
    assert changed.min() >= batch.min() - 1e-5 and changed.max() <= batch.max() + 1e-5


def test_flip_mirrors_or_leaves():
    flipped = augment.flip(IMAGES, generator())
    kept = [torch.equal(a, b) for a, b in zip(flipped, IMAGES, strict=True)]
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(flipped, IMAGES, strict=True)]
    assert all(k != m for k, m in zip(kept, mirrored, strict=True)) and any(kept) and any(mirrored)


def test_resized_crop_keeps_a_constant_image():
    constant = torch.full((2, 3, 8, 8), 0.25)
    assert torch.allclose(augment.resized_crop(constant, generator()), constant)


def test_gain_adds_one_number_a_row():
    change = augment.gain(MELS, generator(), 0.5) - MELS
    assert torch.allclose(change, change[:, :1, :1].expand_as(change), atol=1e-6)
    assert change.abs().max() <= 0.5 + 1e-6


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_spec_augment_hides_at_most_what_it_says(seed):
    changed = augment.spec_augment(MELS, generator(seed), share=0.2)
    same = changed == MELS
    columns, rows = same.any(1).float().mean(1), same.any(2).float().mean(1)
    assert (columns >= 0.75).all() and (rows >= 0.75).all()
