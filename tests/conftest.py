"""What all tests share: where there is no GPU, its kernels are run by Triton's interpreter."""

import os
import shutil

if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = "1"  # before anything imports Triton
