"""Prints the calls that reduct-rs publishes, from its sources as cargo has them: "public KIND.METHOD", a line each. Rust itself cannot be asked."""

import json
import re
import subprocess
import sys
from pathlib import Path

# Public in its module, which is not: nobody outside ever has one.
WITHIN = {"HttpClient"}


def main() -> None:
    asked = ["cargo", "metadata", "--offline", "--format-version", "1", "--manifest-path", str(Path(__file__).with_name("Cargo.toml"))]
    packages = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)["packages"]
    manifest = next(Path(package["manifest_path"]) for package in packages if package["name"] == "reduct-rs")
    for file in sorted((manifest.parent / "src").rglob("*.rs")):
        kind = None
        for line in file.read_text().partition("#[cfg(test)]\nmod tests")[0].splitlines():
            if found := re.match(r"impl (\w+) \{", line):
                kind = found[1]
            elif line == "}":
                kind = None
            elif kind and kind not in WITHIN and (found := re.match(r" {4}pub (?:async )?fn (\w+)", line)):
                print(f"public {kind}.{found[1]}")


if __name__ == "__main__":
    sys.exit(main())
