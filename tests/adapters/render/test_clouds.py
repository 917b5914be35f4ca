"""Real point clouds: our readers against Open3D's."""

from __future__ import annotations

import numpy as np
import open3d
import pytest

from workbench.core.clouds import read_cloud


def test_real_clouds_hold_what_open3d_reads(shared_data):
    compared = 0
    for path in sorted((shared_data / "pcd_pcl").glob("*.p[cl]*")):
        if path.name in ("brisk_descriptors_gt.pcd", "stereo_left.pcd"):
            with pytest.raises(ValueError, match="without x, y, z"):
                read_cloud(path)
            continue
        theirs = open3d.io.read_point_cloud(str(path), remove_nan_points=True, remove_infinite_points=True)
        ours = read_cloud(path)
        assert np.allclose(ours.xyz, np.asarray(theirs.points), atol=1e-6), path.name
        if theirs.has_colors() and ours.rgb is not None:
            mine = np.stack([ours.rgb >> shift & 255 for shift in (16, 8, 0)], axis=1)
            assert np.array_equal(mine, np.round(np.asarray(theirs.colors) * 255)), path.name
        compared += 1
    assert compared == 12
