"""What the stories of a command begin with."""

import pytest
from tests.city.command_life.story import Story


@pytest.fixture
def story() -> Story:
    return Story()
