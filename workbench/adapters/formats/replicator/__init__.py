"""Isaac Sim Replicator: the files that its BasicWriter and PoseWriter leave."""
