"""`StoredMemory`: the memory of a store, which keeps images as the store's attachments."""

from typing import Protocol, Unpack

import numpy as np
import numpy.typing as npt

from embodied_mem.contracts import Backend
from embodied_mem.memory.experience_memory import ExperienceMemory, MemoryOptions
from embodied_mem.records.experience import Attachment
from embodied_mem.store.upkeep.attachments import AttachmentStore


class HasAttachments(Protocol):
    """What a memory needs of its store."""

    @property
    def backend(self) -> Backend:
        """The log."""
        ...

    @property
    def attachments(self) -> AttachmentStore:
        """The attachment files."""
        ...


class StoredMemory(ExperienceMemory):
    """The memory of a `MemoryStore`; also a `KeepsImages`, which a memory over a bare back end is not.

    Args:
        store: The store.
        options: Keyword arguments of `ExperienceMemory`.
    """

    def __init__(self, store: HasAttachments, **options: Unpack[MemoryOptions]) -> None:
        super().__init__(store.backend, **options)
        self._store = store

    def keep_image(self, image: "npt.NDArray[np.uint8]", *, role: str) -> Attachment:
        """Store an image as PNG among the attachments of the store; equal images are stored once.

        Name the attachment in the experience recorded next: `remove_unreferenced` deletes files that no
        experience names.

        Args:
            image: (h, w), (h, w, 3) or (h, w, 4) uint8; see `store.png.encode_png`.
            role: What it shows, such as "first/front".

        Raises:
            InvalidRecord: The array is not such an image, or the role is empty.
            QuotaExceeded: The image would exceed the quota of attachments; nothing was stored.
            StoreError: The store is read-only, or its folder cannot be written; nothing was stored.
        """
        from embodied_mem.store.png import encode_png

        return self._store.attachments.put(encode_png(image), role=role, media_type="image/png")
