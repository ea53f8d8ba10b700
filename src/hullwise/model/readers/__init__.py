"""Models as networks: torch modules, ONNX files, scikit-learn MLPs."""
