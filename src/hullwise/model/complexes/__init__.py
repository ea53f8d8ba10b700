"""Cell complexes of networks over boxes of two to six dimensions: faces, volumes, topology."""
