"""BlenderProc: one HDF5 container per frame."""
