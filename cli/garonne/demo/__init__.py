"""The main job: the whole city lives a little, and an independent count is made."""
