"""HOG, Gabor and colour features of images, a batch at a time, and the learners on them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.fft import fft2, fftfreq, ifft2
from skimage.color import rgb2hsv

from deepworth.data.examples import Examples
from deepworth.modalities._image import GREY, decode_image, sample_sizes
from deepworth.modalities._load import in_chunks, tolerant
from deepworth.models._heads import LinearHead, TreeHead
from deepworth.models.classical._described import CHUNK, Described

GRID = 8  # HOG cells a side
SIGNED, UNSIGNED = 18, 9  # orientation bins of a full and of a half turn
WAVELENGTHS, DIRECTIONS = (3.0, 6.0, 12.0), 6  # of the Gabor bank, in pixels
SMALL, LARGE = 32, 96  # sides images are stretched to
EPSILON = 1e-3  # of a block's energy, pixels scaled to 0..1: flat cells stay near zero instead of showing noise

HOG_WIDTH = GRID * GRID * (SIGNED + UNSIGNED + 4)
GABOR_WIDTH = len(WAVELENGTHS) * DIRECTIONS * 5
COLOUR_WIDTH = 64 + 12 + 6 * 3 + 4 * 4 * 6


def describe_images(images: np.ndarray) -> np.ndarray:
    """(n, HOG_WIDTH + GABOR_WIDTH + COLOUR_WIDTH) float32 features of (n, side, side, 3) uint8 images."""
    pixels = images.astype(np.float32) / 255.0
    grey = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    step = images.shape[1] // SMALL  # colours need no more pixels than that, at a ninth of the price
    return np.concatenate([hog(pixels), gabor(grey), colours(images[:, ::step, ::step])], axis=1)


def hog(pixels: np.ndarray) -> np.ndarray:
    """(n, 8 * 8 * 31) histograms of oriented gradients of (n, side, side, 3) pixels in 0..1.

    The form of Felzenszwalb et al. 2010: 18 signed and 9 unsigned orientations a cell, normalised by the four blocks
    around it and averaged, and the four energies. The gradient is that of the steepest channel, shared over the two
    nearest orientations and the four nearest cells.
    """
    count, side = pixels.shape[:2]
    dx, dy = np.zeros_like(pixels), np.zeros_like(pixels)
    dx[:, :, 1:-1] = pixels[:, :, 2:] - pixels[:, :, :-2]
    dy[:, 1:-1] = pixels[:, 2:] - pixels[:, :-2]
    size = np.square(dx) + np.square(dy)
    steepest = size.argmax(axis=3)[..., None]
    size, dx, dy = (np.take_along_axis(values, steepest, axis=3)[..., 0] for values in (size, dx, dy))
    size = np.sqrt(size)
    turn = np.arctan2(dy, dx) * (SIGNED / (2 * np.pi)) + SIGNED
    low_turn = turn.astype(np.int32)
    share_turn = turn - low_turn

    place = (np.arange(side) + 0.5) * GRID / side + 0.5  # in cells, on a grid with one cell of margin
    low_place = place.astype(np.int64)
    share_place = (place - low_place).astype(np.float32)
    padded = GRID + 2
    histogram = np.zeros(count * padded * padded * SIGNED)
    image = np.arange(count)[:, None, None] * padded
    for down in (0, 1):
        weight_down = np.abs(1 - down - share_place)[None, :, None]
        row = (image + (low_place + down)[None, :, None]) * padded
        for across in (0, 1):
            weight = size * weight_down * np.abs(1 - across - share_place)
            cell = (row + (low_place + across)) * SIGNED
            for step in (0, 1):
                bins = (cell + (low_turn + step) % SIGNED).ravel()
                shared = weight * (share_turn if step else 1 - share_turn)
                histogram += np.bincount(bins, shared.ravel(), minlength=len(histogram))
    cells = histogram.reshape(count, padded, padded, SIGNED)[:, 1:-1, 1:-1].astype(np.float32)
    cells *= (GRID / side) ** 2  # mean over a cell: the same for every side
    return _normalised(cells).reshape(count, -1)


def _normalised(cells: np.ndarray) -> np.ndarray:
    """(n, GRID, GRID, 31) from (n, GRID, GRID, 18) signed histograms."""
    half = cells[..., :UNSIGNED] + cells[..., UNSIGNED:]
    energy = np.pad(np.square(half).sum(axis=3), ((0, 0), (1, 1), (1, 1)), mode="edge")
    block = energy[:, :-1, :-1] + energy[:, 1:, :-1] + energy[:, :-1, 1:] + energy[:, 1:, 1:]
    scale = 1.0 / np.sqrt(block + EPSILON**2)
    out = np.zeros((*cells.shape[:3], SIGNED + UNSIGNED + 4), dtype=np.float32)
    for corner, (down, across) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        near = scale[:, down : down + GRID, across : across + GRID, None]
        signed, unsigned = np.minimum(cells * near, 0.2), np.minimum(half * near, 0.2)
        out[..., :SIGNED] += 0.5 * signed
        out[..., SIGNED:-4] += 0.5 * unsigned
        out[..., SIGNED + UNSIGNED + corner] = 0.2357 * signed.sum(axis=3)
    return out


def gabor(grey: np.ndarray) -> np.ndarray:
    """(n, 18 * 5) answers of a Gabor bank to (n, side, side) grey images: mean strength in each quarter, and spread.

    Filters with nothing above half the highest frequency are applied to a spectrum cut to it: the same answer at every
    second pixel for a quarter of the price.
    """
    count, side = grey.shape[:2]
    whole = fft2(grey - grey.mean(axis=(1, 2), keepdims=True))
    cut = np.r_[0 : side // 4, side - side // 4 : side]
    coarse = whole[:, cut[:, None], cut] / 4.0
    out = np.empty((count, len(WAVELENGTHS) * DIRECTIONS, 5), dtype=np.float32)
    for index, kernel in enumerate(_bank(side)):
        fits = index >= DIRECTIONS  # all but the shortest wavelength
        strength = np.abs(ifft2(coarse * kernel[cut[:, None], cut] if fits else whole * kernel))
        half = strength.shape[1] // 2
        quarters = strength.reshape(count, 2, half, 2, half).mean(axis=(2, 4))
        out[:, index, :4] = quarters.reshape(count, 4)
        out[:, index, 4] = strength.std(axis=(1, 2))
    return out.reshape(count, -1)


@functools.lru_cache(maxsize=4)
def _bank(side: int) -> np.ndarray:
    """(18, side, side) transfer functions: a Gaussian of about one octave at each frequency, one-sided (analytic)."""
    down, across = np.meshgrid(fftfreq(side), fftfreq(side), indexing="ij")
    kernels = []
    for wavelength in WAVELENGTHS:
        for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            apart = (across - np.cos(angle) / wavelength) ** 2 + (down - np.sin(angle) / wavelength) ** 2
            kernels.append(np.exp(-apart * (3.0 * wavelength) ** 2 / 2))
    return np.array(kernels, dtype=np.float32)


def colours(images: np.ndarray) -> np.ndarray:
    """(n, COLOUR_WIDTH) of (n, side, side, 3) uint8: a histogram of 4 x 4 x 4 RGB colours, one of 12 hues, moments of
    RGB and HSV, and the mean and spread of RGB on a 4 x 4 grid."""
    count, side = images.shape[:2]
    pixels = images.astype(np.float32) / 255.0
    codes = (images >> 6).astype(np.int64) @ np.array([16, 4, 1])
    every = np.arange(count)[:, None, None]
    palette = np.bincount((every * 64 + codes).ravel(), minlength=count * 64).reshape(count, 64) / side**2
    hsv = rgb2hsv(pixels).astype(np.float32)
    hue = np.minimum((hsv[..., 0] * 12).astype(np.int64), 11)
    vivid = (hsv[..., 1] * hsv[..., 2]).ravel()  # the hue of grey and black is noise
    hues = np.bincount((every * 12 + hue).ravel(), vivid, minlength=count * 12).reshape(count, 12) / side**2
    both = np.concatenate([pixels, hsv], axis=3).reshape(count, -1, 6)
    mean, std = both.mean(axis=1), both.std(axis=1)
    skew = np.cbrt(((both - mean[:, None]) ** 3).mean(axis=1))
    tiles = pixels.reshape(count, 4, side // 4, 4, side // 4, 3)
    layout = [tiles.mean(axis=(2, 4)).reshape(count, -1), tiles.std(axis=(2, 4)).reshape(count, -1)]
    return np.concatenate([np.sqrt(palette), np.sqrt(hues), mean, std, skew, *layout], axis=1).astype(np.float32)


class _Images(Described):
    kind = "image"
    width = HOG_WIDTH + GABOR_WIDTH + COLOUR_WIDTH
    version = "hog1"

    def choose(self, examples: Examples, name: str) -> dict[str, Any]:
        sizes = sample_sizes(examples, name)
        small = len(sizes) and np.median(sizes.min(axis=1)) <= 1.5 * SMALL
        return {"side": SMALL if small else LARGE}

    def describe(
        self, examples: Examples, name: str, settings: dict[str, Any], notes: dict[str, Any] | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        size = (settings["side"], settings["side"])
        pixels = tolerant(
            lambda path: decode_image(path, size), lambda: np.full((*size, 3), GREY, dtype=np.uint8), notes
        )
        return in_chunks(
            examples,
            name,
            lambda paths: describe_images(np.stack([pixels(path) for path in paths])),
            threads=self.threads,
            chunk=CHUNK,
        )


class HogLinear(_Images):
    """HOG, Gabor and colour features into a softmax or ridge regression."""

    head = LinearHead


class HogTrees(_Images):
    """HOG, Gabor and colour features into boosted trees."""

    head = TreeHead
