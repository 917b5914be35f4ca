"""Run as a process: a street in a dataset, shown by the FiftyOne App; prints its address, ends with its input."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

from tests.actions.clouds.street import THINGS, write_street
from workbench.adapters import store
from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.source import Source

COLOURS = {"ground": 0x606060, "Car": 0xFF0000, "Pedestrian": 0x00FF00}
EACH = 1500  # points on a thing; the ground's come first


def coloured_pcd(scan: Path) -> Path:
    """The scan as PCD, each thing in a colour of its own."""
    xyz = np.fromfile(scan, "<f4").reshape(-1, 4)[:, :3]
    things = [COLOURS[kind] for kind, *_ in THINGS for _ in range(EACH)]
    points = np.empty(len(xyz), [("xyz", "<f4", 3), ("rgb", "<u4")])
    points["xyz"], points["rgb"] = xyz, [COLOURS["ground"]] * (len(xyz) - len(things)) + things
    head = f"VERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH {len(xyz)}\nHEIGHT 1\n"
    path = scan.with_suffix(".pcd")
    path.write_bytes(f"{head}POINTS {len(xyz)}\nDATA binary\n".encode() + points.tobytes())
    return path


def main(folder: Path, name: str) -> None:
    records = list(FORMATS["kitti"].read(Source(write_street(folder))))
    records = [dataclasses.replace(r, cloud=coloured_pcd(Path(str(r.cloud)))) for r in records]
    dataset = store.open_dataset(name)
    store.add(dataset, records, source="real")
    print(f"\nat {store.open_app(store.view(dataset))}", flush=True)
    sys.stdin.read()
    store.delete_dataset(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
