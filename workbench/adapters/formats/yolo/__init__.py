"""YOLO: one text file per image, with boxes, outlines, keypoints or oriented boxes."""
