"""`python -m bench.imports`: how fast a catalog file is imported into a running stack, and how fast the second time. Prints."""

import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.system import own_stack
from config import REPOSITORY

ROWS = 15_000
WORDS = ["for", "high", "speeds", "&", "low", "noise", "<", "5", "µm", "sealed", "housing", "gearbox", "pump", "steel"]


def write_file(path: Path, rows: int, specifications: int = 10) -> None:
    """Write a catalog with so many specifications per part."""
    chance = random.Random(rows)  # the same file every time
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = ["sku", "part_name", "description", "category", "price", "currency", "current_stock", "min_stock_level"]
        writer.writerow([*header, *(f"Dimension {n} [mm]" for n in range(specifications))])
        for number in range(rows):
            text = " ".join(chance.choices(WORDS, k=30))
            place = f"Bench > Family {chance.randrange(10)} > Series {chance.randrange(12)}"
            price, sizes = f"{chance.randrange(1, 90_000) / 100:.2f}", chance.choices(range(500), k=specifications)
            writer.writerow([f"B{number:06}", f"Bearing {number}", text, place, price, "EUR", chance.randrange(5000), 10, *sizes])


def main() -> None:
    """Import the file twice and print rows a second, from the command's start to its end, and the largest process's memory."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home)) as system:
        if system.stack is None:
            raise RuntimeError("the bench has a stack of its own")
        path = Path(home) / "parts.csv"
        write_file(path, ROWS)
        environ = os.environ | {"LOCKSTEP_HOME": home, "DATABASE_URL": system.stack.settings.database_url}
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "import-parts", str(path)]
        for what in ("new parts", "the same file again"):
            began = time.perf_counter()
            subprocess.run(command, env=environ, cwd=REPOSITORY, check=True, capture_output=True)
            took = time.perf_counter() - began
            print(f"import of {ROWS:,} rows, {what}: {took:.1f} s, {ROWS / took:,.0f} rows a second")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"memory of the largest process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
