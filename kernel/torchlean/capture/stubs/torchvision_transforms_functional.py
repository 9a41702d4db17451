"""`torchvision.transforms.functional`: what its transforms compute of a tensor, operation by operation.

A picture that has not been read is a `Picture`: its size, and nothing of its content. The numbers that resizing gives
are followed where something may be proved of them; of data that a script loads, their range is enough.
"""

import torch

from torchlean.capture.intrinsics import data, fail, in_script, numbers_of, unsupported


class InterpolationMode:
    """Members are the names that `torch.nn.functional.interpolate` knows, where it knows them."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


class Picture:
    """A `PIL.Image` that is read when the program runs; its tensor has `channels` x `height` x `width`."""

    def __init__(self, channels, height, width):
        self.channels = channels
        self.height = height
        self.width = width
        self.mode = "L" if channels == 1 else "RGB"
        self.size = (width, height)

    def convert(self, mode=None):
        return Picture(1 if mode in ("L", "1") else 3, self.height, self.width)

    def resize(self, size, *args, **kwargs):
        return Picture(self.channels, size[1], size[0])

    def crop(self, box):
        return Picture(self.channels, box[3] - box[1], box[2] - box[0])

    def copy(self):
        return self

    def close(self):
        return None

    def transpose(self, method):
        return self

    def rotate(self, angle, *args, **kwargs):
        return self

    def filter(self, kernel):
        return self


def pair(size):
    if isinstance(size, (tuple, list)):
        return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])
    return (size, size)


def get_dimensions(img):
    if isinstance(img, Picture):
        return [img.channels, img.height, img.width]
    if img.dim() < 2:
        fail("TL103", TypeError, f"an image tensor has at least 2 dimensions, got {img.dim()}")
    return [1 if img.dim() == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]


def to_tensor(pic):
    if isinstance(pic, Picture):
        return data((pic.channels, pic.height, pic.width), torch.float32, 0.0, 1.0)
    if not in_script():
        fail("TL103", TypeError, "pic should be PIL Image or ndarray. Got <class 'torch.Tensor'>")
    if pic.dim() == 2:
        pic = pic[:, :, None]
    image = pic.permute(2, 0, 1)
    return image.float() / 255 if image.dtype == torch.uint8 else image


def pil_to_tensor(pic):
    return data((pic.channels, pic.height, pic.width), torch.uint8, 0, 255)


def largest(dtype):
    """The greatest number of a type of images; 1 for those that torchvision does not know."""
    known = {
        torch.uint8: 2**8 - 1,
        torch.int8: 2**7 - 1,
        torch.int16: 2**15 - 1,
        torch.int32: 2**31 - 1,
        torch.int64: 2**63 - 1,
    }
    return known.get(dtype, 1)


def float_to_whole(image, dtype):
    wide = dtype in (torch.int32, torch.int64) if image.dtype == torch.float32 else dtype == torch.int64
    if wide:
        fail("TL103", RuntimeError, f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
    return image.mul(largest(dtype) + 1.0 - 1e-3).to(dtype)


def convert_image_dtype(image, dtype=torch.float32):
    if image.dtype == dtype:
        return image
    if image.dtype.is_floating_point:
        return image.to(dtype) if dtype.is_floating_point else float_to_whole(image, dtype)
    before, after = largest(image.dtype), largest(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(before)
    if before > after:
        return torch.div(image, (before + 1) // (after + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((after + 1) // (before + 1))


def normalize(tensor, mean, std, inplace=False):
    if not tensor.dtype.is_floating_point:
        fail("TL103", TypeError, f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.dim() < 3:
        shape = tuple(tensor.shape)
        fail("TL103", ValueError, f"Expected tensor to be a tensor image of size (..., C, H, W). Got {shape}")
    if isinstance(std, (tuple, list)) and any(value == 0 for value in std):
        fail("TL103", ValueError, "std evaluated to zero, leading to division by zero.")
    mean = torch.as_tensor(mean, dtype=tensor.dtype)
    std = torch.as_tensor(std, dtype=tensor.dtype)
    mean = mean.view(-1, 1, 1) if mean.dim() == 1 else mean
    std = std.view(-1, 1, 1) if std.dim() == 1 else std
    return tensor.sub_(mean).div_(std) if inplace else tensor.sub(mean).div(std)


def resized_size(height, width, size, max_size=None):
    """Height and width of the result: both are given, or the shorter edge, or only the longest that may be."""
    short, long = min(height, width), max(height, width)
    if isinstance(size, (tuple, list)) and len(size) == 2:
        return size[0], size[1]
    if size is None:
        new_short, new_long = int(max_size * short / long), max_size
    else:
        new_short = pair(size)[0]
        new_long = int(new_short * long / short)
        if max_size is not None and new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def mode_of(interpolation):
    """The name of a mode, also of Pillow's numbers."""
    return {0: "nearest", 2: "bilinear", 3: "bicubic"}.get(interpolation, interpolation)


def interpolated(img, height, width, interpolation, antialias):
    """Resize a floating tensor, or any by copying."""
    mode = mode_of(interpolation)
    if mode not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        return unsupported(f"resizing a tensor with mode {mode!r} is not followed; `bilinear` is")
    smooth = mode in ("bilinear", "bicubic")
    batch = img.unsqueeze(0) if img.dim() < 4 else img
    made = torch.nn.functional.interpolate(
        batch,
        size=[height, width],
        mode=mode,
        align_corners=False if smooth else None,
        antialias=bool(antialias) and smooth,
    )
    return made.squeeze(0) if img.dim() < 4 else made


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """Whole numbers are resized as float32 numbers and rounded."""
    return resized(img, size, interpolation, max_size, antialias, (torch.float32, torch.float64))


def resized(img, size, interpolation, max_size, antialias, own):
    """Numbers of the dtypes `own` are resized as what they are, others as float32 numbers."""
    channels, height, width = get_dimensions(img)
    new_height, new_width = resized_size(height, width, size, max_size)
    if isinstance(img, Picture):
        return Picture(channels, new_height, new_width)
    if (height, width) == (new_height, new_width):
        return img
    if in_script():
        return numbers_of(img, (*img.shape[:-2], new_height, new_width))
    if img.dtype in own:
        return interpolated(img, new_height, new_width, interpolation, antialias)
    made = interpolated(img.to(torch.float32), new_height, new_width, interpolation, antialias)
    if mode_of(interpolation) == "bicubic" and img.dtype == torch.uint8:
        made = made.clamp(min=0, max=255)
    return made.to(img.dtype) if img.dtype.is_floating_point else made.round().to(img.dtype)


def pad(img, padding, fill=0, padding_mode="constant"):
    """`padding` is one number, (left and right, top and bottom), or (left, top, right, bottom)."""
    pads = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,)
    left, top, right, bottom = (pads * 4)[:4] if len(pads) != 2 else (pads * 2)
    if isinstance(img, Picture):
        return Picture(img.channels, img.height + top + bottom, img.width + left + right)
    mode = "replicate" if padding_mode == "edge" else padding_mode
    if mode == "symmetric" or not isinstance(fill, (int, float)):
        return unsupported("padding with mode 'symmetric', or with a colour, is not followed")
    batch = img.unsqueeze(0) if img.dim() < 4 else img
    amounts = [left, right, top, bottom]
    if mode == "constant":
        made = torch.nn.functional.pad(batch, amounts, value=float(fill))
    else:
        # Such padding is implemented for floating types; whole numbers of images survive the way there and back.
        exact = batch if batch.dtype in (torch.float32, torch.float64) else batch.to(torch.float32)
        made = torch.nn.functional.pad(exact, amounts, mode=mode).to(img.dtype)
    return made.squeeze(0) if img.dim() < 4 else made


def crop(img, top, left, height, width):
    """Beyond the image there are zeros."""
    channels, old_height, old_width = get_dimensions(img)
    if isinstance(img, Picture):
        return Picture(channels, height, width)
    right, bottom = left + width, top + height
    inside = img[..., max(top, 0) : bottom, max(left, 0) : right]
    if left < 0 or top < 0 or right > old_width or bottom > old_height:
        amounts = [
            max(min(right, 0) - left, 0),
            max(right - max(old_width, left), 0),
            max(min(bottom, 0) - top, 0),
            max(bottom - max(old_height, top), 0),
        ]
        return torch.nn.functional.pad(inside, amounts)
    return inside


def center_crop(img, output_size):
    """An image that is too small is padded with zeros."""
    crop_height, crop_width = pair(output_size)
    _, height, width = get_dimensions(img)
    if isinstance(img, Picture):
        return Picture(img.channels, crop_height, crop_width)
    if crop_width > width or crop_height > height:
        wide, high = max(crop_width - width, 0), max(crop_height - height, 0)
        img = pad(img, [wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2])
        _, height, width = get_dimensions(img)
        if (crop_height, crop_width) == (height, width):
            return img
    top = round((height - crop_height) / 2.0)
    left = round((width - crop_width) / 2.0)
    return crop(img, top, left, crop_height, crop_width)


def resized_crop(
    img, top, left, height, width, size, interpolation=InterpolationMode.BILINEAR, antialias=True
):
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img):
    return img if isinstance(img, Picture) else img.flip(-1)


def vflip(img):
    return img if isinstance(img, Picture) else img.flip(-2)


def rgb_to_grayscale(img, num_output_channels=1):
    if isinstance(img, Picture):
        return Picture(num_output_channels, img.height, img.width)
    grey = img
    if img.shape[-3] == 3:
        red, green, blue = img.unbind(-3)
        grey = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    # As in torchvision, one channel stays one.
    return grey.expand(img.shape) if num_output_channels == 3 else grey


to_grayscale = rgb_to_grayscale
