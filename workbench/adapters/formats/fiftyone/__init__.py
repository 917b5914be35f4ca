"""FiftyOne's own folder of a dataset."""
