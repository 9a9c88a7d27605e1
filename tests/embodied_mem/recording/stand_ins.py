"""Stand-ins for arrays of libraries that the tests do not install; each does what the library's own does."""

from typing import Any

import numpy as np


class Tensor:
    """A stand-in for `torch.Tensor`: on a GPU or with gradients it refuses to become a NumPy array."""

    def __init__(self, values: Any, *, device: str = "cpu", requires_grad: bool = False) -> None:
        self.values = np.asarray(values)
        self.device = device
        self.requires_grad = requires_grad

    def numpy(self) -> Any:
        if self.device != "cpu":
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the "
                "tensor to host memory first."
            )
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self.values

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy() if dtype is None else self.numpy().astype(dtype, copy=False)

    def cpu(self) -> "Tensor":
        return Tensor(self.values, requires_grad=self.requires_grad)

    def detach(self) -> "Tensor":
        return Tensor(self.values, device=self.device)

    def item(self) -> Any:
        return self.values.item()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> "Tensor":
        return Tensor(self.values[index], device=self.device, requires_grad=self.requires_grad)

    def __deepcopy__(self, memo: Any) -> "Tensor":
        if self.requires_grad:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
                "the moment"
            )
        return Tensor(self.values.copy(), device=self.device)


class BFloat16(Tensor):
    """A stand-in for a tensor of `torch.bfloat16`, which NumPy does not have."""

    def numpy(self) -> Any:
        raise TypeError("Got unsupported ScalarType BFloat16")

    def cpu(self) -> "BFloat16":
        return self

    def detach(self) -> "BFloat16":
        return self

    def float(self) -> Tensor:
        return Tensor(self.values)


class Lazy:
    """A stand-in for lazily stacked frames: `__array__` and nothing else."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None) -> Any:
        return self.values


class Picture:
    """A stand-in for `PIL.Image.Image`: `__array_interface__`."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    @property
    def __array_interface__(self) -> Any:
        return self.values.__array_interface__


class Exchanged:
    """A stand-in for arrays that are exchanged by DLPack only."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values)

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


def on_gpu(values: Any) -> Tensor:
    return Tensor(values, device="cuda:0")


def with_gradients(values: Any) -> Tensor:
    return Tensor(values, device="cuda:0", requires_grad=True)


ALL = [Tensor, on_gpu, with_gradients, BFloat16, Lazy, Picture, Exchanged]
