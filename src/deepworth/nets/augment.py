"""Random changes of whole batches of images and spectrograms, every draw from the generator that is handed in.

The draws are made on the generator's device and moved, so a run on a CPU and one on an accelerator see the same
changes, and a generator whose state is restored goes on exactly where it was.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


def _uniform(low: float, high: float, n: int, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    return (torch.rand(n, generator=generator, device=generator.device) * (high - low) + low).to(device)


def flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror each of (n, channels, height, width) left to right with probability 1/2."""
    chosen = _uniform(0.0, 1.0, len(images), generator, images.device) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def resized_crop(images: torch.Tensor, generator: torch.Generator, smallest: float = 0.5) -> torch.Tensor:
    """A random rectangle of each (n, channels, height, width) image, stretched to the whole size (Szegedy et al. 2015).

    The rectangle covers `smallest` to all of the area at an aspect ratio of 4/5 to 5/4; bilinear, float images only.
    """
    n, device = len(images), images.device
    side = _uniform(smallest, 1.0, n, generator, device).sqrt()
    ratio = torch.exp(_uniform(-0.2231, 0.2231, n, generator, device) / 2)
    width, height = (side * ratio).clamp(max=1.0), (side / ratio).clamp(max=1.0)
    theta = torch.zeros(n, 2, 3, device=device, dtype=images.dtype)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2] = _uniform(-1.0, 1.0, n, generator, device) * (1 - width)
    theta[:, 1, 2] = _uniform(-1.0, 1.0, n, generator, device) * (1 - height)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def gain(mels: torch.Tensor, generator: torch.Generator, largest: float) -> torch.Tensor:
    """Make each recording louder or softer: a gain is one number added to every cell of a logarithmic spectrogram."""
    return mels + _uniform(-largest, largest, len(mels), generator, mels.device).to(mels.dtype)[:, None, None]


def time_shift(mels: torch.Tensor, generator: torch.Generator, share: float = 0.1) -> torch.Tensor:
    """Move each (n, mels, frames) spectrogram by up to `share` of its length; emptied frames take its lowest value."""
    frames = mels.shape[2]
    reach = int(frames * share)
    moved = torch.randint(-reach, reach + 1, (len(mels),), generator=generator, device=generator.device)
    source = torch.arange(frames, device=mels.device) - moved.to(mels.device)[:, None]  # (n, frames)
    inside = (source >= 0) & (source < frames)
    taken = mels.gather(2, source.clamp(0, frames - 1)[:, None, :].expand_as(mels))
    return torch.where(inside[:, None, :], taken, mels.amin((1, 2), keepdim=True))


def spec_augment(mels: torch.Tensor, generator: torch.Generator, share: float = 0.2) -> torch.Tensor:
    """Blank one band of frequencies and one stretch of time of up to `share` of each (SpecAugment, Park et al. 2019).

    The blank takes the mean of the spectrogram.
    """
    n, bands, frames = mels.shape
    mean = mels.mean((1, 2), keepdim=True)
    hidden = (
        _band(n, bands, share, generator, mels.device)[:, :, None]
        | _band(n, frames, share, generator, mels.device)[:, None, :]
    )
    return torch.where(hidden, mean, mels)


def _band(n: int, size: int, share: float, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """(n, size), true in one random stretch of 0 to `share` of `size` in each row."""
    length = _uniform(0.0, size * share, n, generator, device)
    begin = _uniform(0.0, 1.0, n, generator, device) * (size - length)
    place = torch.arange(size, device=device)
    return (place >= begin[:, None]) & (place < (begin + length)[:, None])
