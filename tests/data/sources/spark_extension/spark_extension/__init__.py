"""Two operators: torch.ops.spark_extension.scale and .shift, on the CPU and by a kernel of ours on a GPU."""

import torch  # noqa: F401 - its libraries must be there before ours

from spark_extension import _C  # noqa: F401 - registers the operators
