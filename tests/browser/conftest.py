"""The browser, and a page of every kind to look at in it.

Without a Chromium on the path the tests are skipped, unless SPARSESIM_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from reports.files import PAGE, write_report
from reports.page.of_run import run_page
from sparsesim.cli.compare import page_of
from sparsesim.cli.main import main
from sparsesim.results.model import Result
from tests.builders_comparisons import compared, slowed
from tests.builders_pages import HOSTILE, drawings_of_result, hostile_result
from tests.builders_reproduction import without_simulation
from tests.builders_results import small_trace
from tests.builders_sweeps import ran, sweep, trace

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
KINDS = ("run", "study", "hostile", "comparison", "hostile_comparison", "reproduction")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        missing = "no Chromium on the path (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("SPARSESIM_REQUIRE_BROWSER") else pytest.skip(missing)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def run_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run, as a user gets it."""
    folder = tmp_path_factory.mktemp("run") / "run"
    assert main(["run", "alexnet", "--dataset", "cifar10", "--report", "--out", str(folder)]) == 0
    return folder / "report" / PAGE


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a result all of whose names try to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    result: Result = hostile_result()
    manifest = {"volatile": {"argv": ["sparsesim", *HOSTILE]}, "arguments": dict(enumerate(HOSTILE))}
    report = folder / "hostile" / "report"
    write_report(run_page(result, manifest, drawings_of_result(result)), report, ("html",))
    return report / PAGE


@pytest.fixture(scope="session")
def study_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small study that was really run."""
    folder = tmp_path_factory.mktemp("study")
    recorded = trace(folder / "t.npz")
    vary = ("--vary", "groups=14,28,56", "--vary", "kilobytes=64,96")
    command = sweep(folder / "study", "--trace", recorded, *vary, "--workers", 1)
    assert ran(folder / "sweep", *command).status == 0
    assert main(["report", str(folder / "study")]) == 0
    return folder / "study" / "report" / PAGE


@pytest.fixture(scope="session")
def comparison_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three runs side by side, as a user gets it."""
    folder = tmp_path_factory.mktemp("comparison")
    recorded = str(small_trace(folder / "t.npz"))
    runs = {"base": [], "groups112": ["--set", "groups=112"], "hbm2": ["--memory", "hbm2"]}
    for name, options in runs.items():
        assert main(["run", "--trace", recorded, *options, "--out", str(folder / name)]) == 0
    report = folder / "comparison" / "report"
    assert main(["compare", *(str(folder / name) for name in runs), "--out", str(report)]) == 0
    return report / PAGE


@pytest.fixture(scope="session")
def hostile_comparison_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs all of whose names try to break out, and their folders' too."""
    folder = tmp_path_factory.mktemp("hostile-comparison")
    one = hostile_result()
    other = replace(slowed(one, {one.layer_names()[0]: 3.0}), energy_table=HOSTILE[1], seed=1)
    manifest = {"volatile": {"argv": ["sparsesim", *HOSTILE]}}
    comparison = compared(folder, {"a": one, "<b>'\"": other}, manifest=manifest)
    report = folder / "hostile-comparison" / "report"
    write_report(page_of(comparison), report, ("html",))
    return report / PAGE


@pytest.fixture(scope="session")
def reproduction_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of networks beside the published averages; of made-up results, as real ones take minutes."""
    folder = tmp_path_factory.mktemp("reproduction") / "reproduction"
    report = folder / "report"
    with pytest.MonkeyPatch.context() as patched:
        without_simulation(patched)
        command = ["reproduce", "--out", str(folder / "study"), "--report", str(report)]
        assert main(command) == 0
    return report / PAGE


@pytest.fixture(scope="module", params=KINDS)
def report(request: pytest.FixtureRequest) -> Path:
    """Every kind of page."""
    found: Path = request.getfixturevalue(f"{request.param}_report")
    return found
