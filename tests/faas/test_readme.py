"""What functions/README.md shows is true: its examples run."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "functions" / "README.md"


def test_the_handler_and_its_test_run_as_they_are_shown(tmp_path: Path) -> None:
    handler, test = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "greet.py").write_text(handler)
    call = (
        "import sys; from pathlib import Path; from faas.loader import package_at, "
        "collect; assert ['greet'] == list(collect(package_at(Path(sys.argv[1]))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{call}{test}\ntest_a_car_is_greeted()", tmp_path],
        check=False,
        capture_output=True,
    )

    assert (0, b"") == (done.returncode, done.stderr)
