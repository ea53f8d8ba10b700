"""ONNX files: the graph walked node by node, every operator read as the file's opset means it."""
