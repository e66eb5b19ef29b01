"""The direction of imports, as a test: whoever stands above may import what stands below, never the reverse."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the ground up. Those on one floor may know each other, as long as there is no circle.
FLOORS = [
    {"words", "texts"},
    {"errors"},
    {"config"},
    {"convolutions"},
    {"networks", "images", "files", "hub"},
    {"gan", "data"},
    {"training", "latent", "metrics", "export"},
    {"gan_core"},  # the public names, for others; nobody inside asks here
    {"cli", "commands", "__main__", "bench"},
    {"ui"},
    {"app"},
]
FLOOR = {name: height for height, floor in enumerate(FLOORS) for name in floor}

# The innermost rooms, and what must not be known in them.
STRANGERS = {
    "gan_core.training.losses": {"gan_core.networks", "gan_core.gan", "gan_core.data", "torch.optim"},
    "gan_core.networks": {"torch.optim", "gan_core.training"},
    "gan_core.training.trainer": {
        "io", "json", "os", "pathlib", "shutil", "tempfile", "safetensors", "tqdm",
        "gan_core.files", "gan_core.training.checkpoint", "gan_core.training.folder",
        "gan_core.training.listeners", "gan_core.training.session",
    },
}  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in [ROOT / "app.py", *(ROOT / "gan_core").rglob("*.py")] if path.exists()}


def imports(module: str) -> Iterator[str]:
    """Every module that this one names in an import, wherever it stands: a late import is an import."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: imports are written in full"
            for alias in node.names:  # `from package import module` means the module
                inner = f"{node.module}.{alias.name}"
                if inner not in MODULES:
                    yield node.module
                if inner in MODULES or node.module not in MODULES:
                    yield inner


def room(module: str) -> str:
    """The part of the house that a module belongs to: gan_core.training.losses -> training."""
    return module.split(".")[1] if module.startswith("gan_core.") else module


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


every_module = pytest.mark.parametrize("module", sorted(MODULES))


@every_module
def test_imports_go_down(module):
    assert room(module) in FLOOR, f"{module} has no floor: give it one in FLOORS"
    for other in imports(module):
        if other in MODULES and room(other) != room(module):
            assert FLOOR[room(other)] <= FLOOR[room(module)], f"{module} imports {other}, which stands above it"


def test_there_are_no_circles():
    """Raises CycleError, which names the circle."""
    graph = {module: {other for other in imports(module) if other in MODULES} for module in MODULES}
    TopologicalSorter(graph).prepare()


@every_module
def test_only_the_page_knows_gradio(module):
    if room(module) not in ("ui", "app"):
        assert not [other for other in imports(module) if other.split(".")[0].startswith("gradio")]


def test_tabs_do_not_know_each_other():
    tabs = {module for module in MODULES if within(module, "gan_core.ui") and module.endswith("_tab")}
    for tab in tabs:
        assert not (tabs - {tab}) & set(imports(tab)), tab


@pytest.mark.parametrize("module", STRANGERS)
def test_the_innermost_know_least(module):
    known = {other for other in imports(module) for stranger in STRANGERS[module] if within(other, stranger)}
    assert not known, f"{module} knows {known}"


def test_networks_name_no_optimiser_and_the_trainer_opens_no_file():
    tree = ast.parse(MODULES["gan_core.networks"].read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "optim"]
    tree = ast.parse(MODULES["gan_core.training.trainer"].read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"open", "torch.save", "torch.load", "print"}


@pytest.mark.parametrize("package", ["gan_core", "gan_core.cli"])
def test_importing_the_core_does_not_load_gradio(package):
    code = f"import sys, {package}; sys.exit(any(name.split('.')[0] == 'gradio' for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "gradio was loaded"


def test_every_folder_of_code_is_a_package():
    """One without __init__.py works here and is missing from the wheel."""
    folders = {path.parent for path in MODULES.values()} - {ROOT, ROOT / "gan_core" / "data" / "bundled"}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


OURS = sorted({*MODULES.values(), *(ROOT / "tests").rglob("*.py")})


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_3_10_can_read_it(path):
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 10))
