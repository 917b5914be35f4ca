"""Formats on disk: what a folder holds, read into records and written from them.

A format is a folder with ``read.py`` and, if it can be written, ``write.py``; ``registry`` lists them. A new one takes
its folder, a line in ``registry`` and a test.

The modules::

    registry        which formats there are, and which one a folder fits
    predictions     files of predictions
    toolkit/
      contract      Format, Found, Writer, NamedRecord: what a format must be able to do
      source        Source: the file or folder that is read, and how
      tree          the files of one folder; no path leads out of it
      problems      the kinds of problems and the place where they are collected
      pictures      every image is read once, in parallel
      probe         header, size and hash of an image from one read
      headers       size and type of an image from its bytes
      archive       zip and tar, unpacked safely
      scratch       files extracted from containers or converted
      json_stream   a JSON data set, piece by piece
      json_files    JSON files, read without trust
      text_files    small text files, read without trust
      arrays        arrays and per-pixel maps, read without trust
      boxes         one rule for boxes and outlines
      masks, rle    masks of whole images, and as run lengths
      space         poses and boxes in space: camera frames, metres
      depth         depth maps, all in millimetres
      clouds        point clouds: usable, or a reported problem
      partial_labels  objects that several files describe, brought together
      names         splits, classes and attributes by their usual names
      fidelity      what a format cannot hold, in sentences
"""
