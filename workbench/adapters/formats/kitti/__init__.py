"""KITTI: one text file per image, 3D boxes, calibration."""
