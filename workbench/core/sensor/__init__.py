"""What a camera does to light: a fixed chain of stages from linear radiance to a JPEG file."""

from workbench.core.sensor.chain import Picture, SensorSettings, form_image, pixels

__all__ = ["Picture", "SensorSettings", "form_image", "pixels"]
