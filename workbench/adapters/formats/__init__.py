"""Formats on disk: what a folder holds, read into records and written from them.

Map of the nouns::

    registry    which formats there are, and which one a folder fits
    contract    Format, Writer, Evidence, Placed: what a format must be able to do
    unpacked    where files go that are made of the insides of others
    archive     zip and tar, unpacked safely
    tree        the files of one folder; no path leads out of it
    pictures    every picture is read once, in parallel
    glance      header, size and hash from one read
    headers     size and type of a picture from its bytes
    json_stream a JSON data set, piece by piece
    problems    the kinds of problems and the place where they are collected
    boxes       one rule for boxes and outlines
    space       poses and boxes in space: camera frames, metres
    arrays      arrays and per-pixel maps, read without trust
    depth       depth maps, all in millimetres
    clouds      point clouds: usable, or a named problem
    sightings   objects of which several files speak, brought together
    json_files  JSON files, read without trust
    extended_json
                MongoDB's way to write ids, dates and bytes in JSON
    text_files  small text files, read without trust
    siblings    masks, depth maps and clouds beside plain pictures
    bop_imagewise
                BOP with the files of each picture beside it
    tum         RGB-D sequences: times, poses and depth of plain pictures
    coco voc yolo kitti replicator solo bop blenderproc fiftyone_folder folder cloud_folder
                the formats; ``*_labels``, ``*_fields`` and ``*_media`` read their entries, ``*_write`` writes them
"""
