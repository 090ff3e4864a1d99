"""What holds for every test: no test judges the speed of the machine it runs on."""

from hypothesis import settings

settings.register_profile("garonne", deadline=None)
settings.load_profile("garonne")
