"""numpy, onnx and onnxruntime for the scripts here; where one is missing, a script ends with exit code 77."""
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: {missing}; pip install onnx onnxruntime numpy")
    sys.exit(77)

onnxruntime.set_default_logger_severity(3)
