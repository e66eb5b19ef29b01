"""Makes the two bundled sets again, byte for byte:

python gan_core/data/bundled/make.py /usr/share/datasets/fashion-mnist ../shared/data/fruits64.zip
"""

import shutil
import sys
from collections import defaultdict
from pathlib import Path
from zipfile import ZipFile, ZipInfo

HERE = Path(__file__).parent
FRUITS_EACH = 36  # of 56 varieties: 2,016 pictures


def fashion_mini(folder: Path) -> None:
    """The test split as it is: 10,000 pictures, so that the training split stays for whoever has it."""
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        shutil.copyfile(folder / name, HERE / "fashion-mini" / name)


def fruits_mini(archive: Path) -> None:
    """Evenly spaced views of every variety, the WebP files untouched."""
    with ZipFile(archive) as source, ZipFile(HERE / "fruits-mini" / "fruits-mini.zip", "w") as target:
        varieties = defaultdict(list)
        for name in sorted(source.namelist()):
            varieties[name.split("/")[0]].append(name)
        for names in varieties.values():
            for i in range(FRUITS_EACH):
                name = names[i * len(names) // FRUITS_EACH]
                target.writestr(ZipInfo(name), source.read(name))  # ZipInfo: a date of 1980, so the bytes never differ


if __name__ == "__main__":
    fashion_mini(Path(sys.argv[1]))
    fruits_mini(Path(sys.argv[2]))
