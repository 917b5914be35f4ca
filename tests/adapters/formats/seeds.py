"""One small data set of each format, as bytes, to be spoiled."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zlib
from typing import Any

import h5py
import numpy as np
from PIL import Image

W, H = 64, 48


def npy(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def png(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


def replicator() -> dict[str, bytes]:
    box = [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4")]
    solid = [("semanticId", "<u4"), *((f"{a}_{end}", "<f4") for end in ("min", "max") for a in "xyz")]
    solid += [("transform", "<f4", (4, 4)), ("occlusionRatio", "<f4")]
    ids = np.zeros((H, W), np.uint8)
    ids[3:9, 2:8] = 3
    camera = {
        "cameraModel": "pinhole",
        "cameraViewTransform": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -5, 1],
        "cameraProjection": [2, 0, 0, 0, 0, 2.6, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0],
        "metersPerSceneUnit": 1.0,
        "renderProductResolution": [W, H],
    }
    thing = {"label": "cube", "local_to_world_transform": np.eye(4).tolist(), "size": [1, 1, 1]}
    thing["cuboid_keypoints_projected"] = [[9, 9], [20, 20], *[[12, 12]] * 7]
    data = {"camera_view_matrix": camera["cameraViewTransform"], "camera_projection_matrix": camera["cameraProjection"]}
    return {
        "metadata.txt": b'{"name": "BasicWriter"}',
        "bounding_box_2d_tight_0000.npy": npy(np.array([(0, 2, 3, 7, 8, 0.5)], [*box, ("occlusionRatio", "<f4")])),
        "bounding_box_2d_tight_labels_0000.json": text({"0": {"class": "cone"}}),
        "bounding_box_2d_tight_prim_paths_0000.json": text(["/World/Cone"]),
        "bounding_box_3d_0000.npy": npy(np.array([(0, -1, -1, -1, 1, 1, 1, np.eye(4), 0)], solid)),
        "bounding_box_3d_labels_0000.json": text({"0": {"class": "cone"}}),
        "bounding_box_3d_prim_paths_0000.json": text(["/World/Cone"]),
        "camera_params_0000.json": text(camera),
        "distance_to_camera_0000.npy": npy(np.ones((H, W), np.float32)),
        "instance_segmentation_0000.png": png(ids),
        "instance_segmentation_mapping_0000.json": text({"3": "/World/Cone"}),
        "pose/000000.json": text({"camera_data": data, "objects": [thing]}),
        "pose/000000.png": png(ids),
    }


def solo() -> dict[str, bytes]:
    value = {"instanceId": 1, "labelId": 1, "labelName": "crate"}
    pose = {"translation": [0, 0, 4], "size": [1, 1, 1], "rotation": [0, 0, 0, 1]}
    points = [{"index": 0, "location": [3, 4], "state": 2}]
    solo = "type.unity.com/unity.solo."
    colors = np.zeros((H, W, 4), np.uint8)
    colors[2:9, 3:9] = (9, 8, 7, 255)
    annotations = [
        {"@type": f"{solo}BoundingBox2DAnnotation", "values": [{**value, "origin": [3, 2], "dimension": [6, 7]}]},
        {"@type": f"{solo}BoundingBox3DAnnotation", "values": [{**value, **pose}]},
        {"@type": f"{solo}KeypointAnnotation", "templateId": "t", "values": [{**value, "keypoints": points}]},
        {"@type": f"{solo}InstanceSegmentationAnnotation", "filename": "step0.camera.instance segmentation.png",
         "instances": [{**value, "color": [9, 8, 7, 255]}]},
    ]  # fmt: skip
    capture = {"@type": f"{solo}RGBCamera", "id": "camera", "filename": "step0.camera.png", "dimension": [W, H],
               "matrix": [2, 0, 0, 0, 2.6, 0, 0, 0, -1], "position": [0, 1, 2], "rotation": [0, 0, 0, 1],
               "projection": "Perspective", "annotations": annotations}  # fmt: skip
    info = {
        "@type": f"{solo}RenderedObjectInfoMetric",
        "sensorId": "camera",
        "values": [{**value, "visiblePixels": 42}],
    }
    template = {"templateId": "t", "keypoints": [{"label": "nose", "index": 0}]}
    spec = [{"label_id": 1, "label_name": "crate"}]
    return {
        "sequence.0/step0.frame_data.json": text({"captures": [capture], "metrics": [info]}),
        "sequence.0/step0.camera.instance segmentation.png": png(colors),
        "annotation_definitions.json": text({"annotationDefinitions": [{"template": template, "spec": spec}]}),
    }


def bop() -> dict[str, bytes]:
    turn = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    mask = np.zeros((H, W), np.uint8)
    mask[4:10, 3:9] = 255
    camera = {"cam_K": [60, 0, 31.5, 0, 60, 23.5, 0, 0, 1], "depth_scale": 0.1}
    camera |= {"cam_R_w2c": turn, "cam_t_w2c": [0, 0, 9]}
    model = {f"{key}_{axis}": value for axis in "xyz" for key, value in (("min", -20), ("size", 40))}
    info = {"bbox_obj": [3, 4, 5, 5], "bbox_visib": [3, 4, 5, 5], "px_count_visib": 36, "visib_fract": 0.75}
    scene = "train_pbr/000000"
    return {
        "models/models_info.json": text({"1": model}),
        f"{scene}/scene_camera.json": text({"3": camera}),
        f"{scene}/scene_gt.json": text({"3": [{"cam_R_m2c": turn, "cam_t_m2c": [-25, -18, 400], "obj_id": 1}]}),
        f"{scene}/scene_gt_info.json": text({"3": [info]}),
        f"{scene}/mask_visib/000003_000000.png": png(mask),
        f"{scene}/depth/000003.png": png(np.full((H, W), 4000, np.uint16)),
    }


def blenderproc(**changed: Any) -> bytes:
    ids = np.zeros((H, W), np.int64)
    ids[4:10, 3:9] = 2
    attributes = [{"idx": 1, "category_id": 0, "name": "floor"}, {"idx": 2, "category_id": 5, "name": "Cube"}]
    content = {
        "colors": np.full((H, W, 3), 90, np.uint8),
        "depth": np.full((H, W), 1.25, np.float32),
        "instance_segmaps": ids,
        "instance_attribute_maps": np.bytes_(json.dumps(attributes)),
        **changed,
    }
    stream = io.BytesIO()
    with h5py.File(stream, "w") as container:
        for key, value in content.items():
            if value is not None:
                compression = {"compression": "gzip"} if np.ndim(value) else {}
                container.create_dataset(key, data=value, **compression)
    return stream.getvalue()


def packed(values: Any) -> dict[str, Any]:
    """An array as FiftyOne stores it."""
    return {"$binary": {"base64": base64.b64encode(zlib.compress(npy(values))).decode(), "subType": "00"}}


def fiftyone(**changed: Any) -> dict[str, bytes]:
    """A data set folder of FiftyOne with one sample of many fields; ``changed`` replaces fields."""
    box = {"_cls": "Detection", "label": "cat", "bounding_box": [0.25, 0.25, 0.25, 0.5], "confidence": 0.5, "index": 3}
    box |= {"mask": packed(np.ones((24, 16), bool)), "tags": [], "attributes": {"hue": {"value": "red"}}, "gain": 2}
    line = {"_cls": "Keypoint", "label": "cat", "of": 0, "points": [[0.3, 0.3], [{"$numberDouble": "NaN"}] * 2]}
    depth, instances = {"_cls": "Heatmap", "map_path": "fields/d.png"}, {"_cls": "Segmentation"}
    camera = {"_cls": "DynamicEmbeddedDocument", "fx": 50, "fy": 50, "cx": 31.5, "cy": 23.5}
    sample = {
        "_id": {"$oid": "6b03b4651b92bfd24438291e"}, "_media_type": "image", "filepath": "data/a.jpg", "tags": ["val"],
        "metadata": {"_cls": "ImageMetadata", "width": W, "height": H}, "created_at": {"$date": "2026-01-01T00:00:00Z"},
        "ground_truth": {"_cls": "Detections", "detections": [box]}, "weather": "rain", "camera": camera,
        "keypoints": {"_cls": "Keypoints", "keypoints": [line]}, "best": {"_cls": "Classification", "label": "bin"},
        "depth": depth, "instances": {**instances, "mask_path": "fields/i.png"}, "point_cloud": "fields/c.pcd",
    }  # fmt: skip
    cloud = b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 1\nHEIGHT 1\nDATA ascii\n1 2 3\n"
    return {
        "metadata.json": text({"name": "bins", "version": "1.22.1", "sample_fields": []}),
        "samples.json": text({"samples": [sample | changed]}),
        "fields/d.png": png(np.full((H, W), 1500, np.uint16)),
        "fields/i.png": png(np.full((H, W), 3, np.uint8)),
        "fields/c.pcd": cloud,
    }


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    objects = {"bbox": [[3.0, 2.0, 6.0, 7.0]], "category": [0]}
    row = {"image": {"bytes": png(np.full((H, W, 3), 90, np.uint8)), "path": "a.png"}, "objects": objects, "gain": 2.5}
    said = {"info": {"features": {"objects": {"category": {"feature": {"names": ["cat"]}}}}}}
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]).replace_schema_metadata({"huggingface": json.dumps(said)}), stream)
    return stream.getvalue()


def webdataset() -> bytes:
    label = {"category": "cat", "bbox": [3, 2, 6, 7]}
    said = {"workbench": 1, "image": {"split": "val", "lighting": "dim"}, "annotations": [label]}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as shard:
        for name, data in (("0.png", png(np.full((H, W, 3), 90, np.uint8))), ("0.json", text(said))):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    return stream.getvalue()


VOC = (
    b"<annotation><filename>a.jpg</filename><size><width>64</width><height>48</height></size><object><name>cat</name>"
    b"<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>"
)
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "camera": {"fx": 1, "fy": 1, "cx": 0, "cy": 0}, "tags": ["x"]}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 3, 4, 5, 9]]},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"counts": "0141N0003", "size": [48, 64]}},
    ],
}
SEEDS: dict[str, dict[str, bytes]] = {
    "coco": {"labels.json": json.dumps(COCO).encode()},
    "csv": {"_annotations.csv": b"filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,48,cat,2,3,12,23\n"},
    "voc": {"Annotations/a.xml": VOC, "ImageSets/Main/train.txt": b"a\n"},
    "yolo": {"data.yaml": b"train: images\nnames: [cat, dog]\nkpt_shape: [1, 2]\n", "labels/a.txt": b"0 .5 .5 .2 .2\n"},
    "folder": {
        "metadata.csv": b'file_name,gain,note\na.jpg,1.5,"x, y"\n',
        "a_mask.png": png(np.pad(np.full((9, 9), 3, np.uint8), ((0, H - 9), (0, W - 9)))),
        "depth/a.npy": npy(np.ones((H, W), np.float32)),
        "a.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 1\nHEIGHT 1\nDATA ascii\n1 2 3\n",
    },
    "kitti": {
        "label_2/a.txt": b"Car 0.25 1 -1.57 10 12 40 30 1.5 1.6 4.0 1.0 1.5 10.0 1.2\n"
        b"\"{'class': 'car'}\" 0 0 0 1 2 3 4 0 0 0 0 0 0 0\n",
        "calib/a.txt": b"P2: 50 0 32 25 0 50 24 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n"
        b"Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0\n",
        "velodyne/a.bin": bytes(32),
    },
    "replicator": replicator(),
    "solo": solo(),
    "bop": bop(),
    "blenderproc": {"0.hdf5": blenderproc()},
    "cloud": {
        "scan/0.pcd": b"FIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F F\nWIDTH 2\nHEIGHT 1\nDATA ascii\n"
        b"1 2 3 4.2e6\n4 5 nan 0\n",
        "scan/1.pcd": b"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 1\nHEIGHT 1\nDATA binary_compressed\n"
        b"\x06\0\0\0\x0c\0\0\0\x01\0\0\xe0\x01\0",
        "scan/2.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
        b"property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n" + bytes(15),
        "scan/3.bin": np.arange(8, dtype="<f4").tobytes(),
        "scan/4.xyz": b"# x y z\n1 2 3\n4,5,6\n",
    },
    "fiftyone": fiftyone(),
    "parquet": {"data/train-0.parquet": parquet()},
    "webdataset": {"val-0.tar": webdataset()},
}
HOME = {  # where the picture lies
    "coco": "a.jpg",
    "csv": "a.jpg",
    "voc": "JPEGImages/a.jpg",
    "yolo": "images/a.jpg",
    "folder": "a.jpg",
    "kitti": "image_2/a.jpg",
    "replicator": "rgb_0000.png",
    "solo": "sequence.0/step0.camera.png",
    "bop": "train_pbr/000000/rgb/000003.png",
    "blenderproc": "unused.png",
    "parquet": "unused.png",
    "webdataset": "unused.png",
    "cloud": "unused.png",
    "fiftyone": "data/a.jpg",
}
INSIDE = {
    "blenderproc": "0.hdf5",
    "cloud": "scan/0.pcd",
    "parquet": "data/train-0.parquet",
    "webdataset": "val-0.tar",
}  # the picture lies in a container, or is a cloud
OWN = {"replicator": 2, "cloud": 5}  # BasicWriter and PoseWriter, one picture each; five clouds
