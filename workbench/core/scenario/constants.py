"""Numbers that all scenarios share."""

EXPOSURE_LUX = 1000.0  # illuminance that puts a white matte surface at linear 1.0 when exposure.ev is 0
NEVER_DONORS = ("test",)  # splits whose pixels and statistics go into nothing
