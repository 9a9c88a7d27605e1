"""What the tests of peers' bugs share with those of durability."""

from tests.durability.conftest import layer as layer
from tests.durability.conftest import zygote as zygote
