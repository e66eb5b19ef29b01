"""The live studio in a real browser, as a teacher and a pupil use it: a run watched, steered, rewound and forked."""

import json
import os
import signal
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from gan_core.training.checkpoint import checkpoints
from gan_core.training.events import Advice, Sample
from gan_core.training.folder import RunFolder
from tests.browser.conftest import App
from tests.browser.test_train import WIDTH, fill_toy, in_state, train_tab

pytestmark = pytest.mark.browser

KEY = "owl-and-lantern"
ELEMENT = "document.querySelector('gan-train')"
AA = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app for a class: whoever holds the key, or started a run, steers it."""
    app = App(tmp_path_factory.mktemp("studio"), STUDIO_TEACHER_KEY=KEY)
    yield app
    app.end()


def accessible(page):
    found = Axe().run(page, options=AA).response["violations"]
    assert not found, [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found]


def step_of(page):
    return page.evaluate(f"{ELEMENT}.run.progress.step")


def started(page, app, steps=1_000_000):
    """A toy run, by clicking. Returns its folder."""
    train_tab(page)
    fill_toy(page, steps)
    page.get_by_role("button", name="Start training").click()
    in_state(page, "running")
    page.wait_for_function(f"() => {ELEMENT}.record.samples.length >= 6", timeout=120_000)
    return RunFolder(app.runs / page.locator(".run-name").inner_text())


@pytest.mark.timeout(300)
def test_every_tool_of_the_laboratory_is_for_everybody(open_page):
    """Axe on each tool, in both lights, with everything unfolded that can be."""
    page = open_page("?tab=explore&tool=walk&model=shipped:digits")
    page.wait_for_function("() => document.querySelector('gan-lab')?.canvas.dataset.painted > 0")
    tools = page.locator("gan-lab .tools button")
    for dark in (False, True):
        page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
        for i in range(tools.count()):
            tools.nth(i).click()
            page.evaluate("() => document.querySelectorAll('gan-lab details').forEach((box) => { box.open = true; })")
            page.locator("gan-lab .loading:visible").first.wait_for(state="hidden")
            if tools.nth(i).inner_text() == "Inside G":
                accessible(page)
                page.get_by_role("button", name="Switch channels").click()
            accessible(page)


@pytest.mark.timeout(900)
def test_a_lesson(open_page, app):
    page = open_page()
    folder = started(page, app)
    first = page.locator(".run-picture").get_attribute("data-step")
    page.wait_for_function(f"() => document.querySelector('.run-picture').dataset.step !== '{first}'")

    # the time line, back and forth, while it trains
    slider = page.locator(".run-back input")
    before = step_of(page)
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => document.querySelector('.run-picture').dataset.step === '0'")
    assert page.locator(".run-losses .run-cursor").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.run-picture').dataset.step === '10'")
    assert page.locator(".run-losses .run-legend-step").inner_text() == "step 10"
    page.wait_for_function(f"() => {ELEMENT}.run.progress.step > {before}")  # it went on meanwhile
    assert page.locator(".run-picture").get_attribute("data-step") == "10"
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.run-picture').dataset.step !== '10'")
    page.get_by_role("button", name="Play the training as a film").click()
    page.wait_for_function("() => Number(document.querySelector('.run-picture').dataset.step) < 100")
    page.get_by_role("button", name="To the newest").click()

    # pause, and G alone: only G changes
    page.locator(".run-toggle", has_text="Pause").click()
    in_state(page, "paused")
    paused = step_of(page)
    page.locator(".wheel > summary").click()
    page.get_by_role("button", name="G moves", exact=True).click()
    page.get_by_text("G moved alone").wait_for()
    assert "D does not move: its weights moved by 0." in page.locator(".of-to_D .moves-shift").inner_text()
    moved = [event for event in folder.history() if event["event"] == "moved"][-1]
    assert (moved["who"], moved["shift_D"]) == ("G", 0) and moved["shift_G"] > 0
    assert page.locator(".moves-stage.lit").count() >= 1
    assert page.locator(".of-to_G canvas").count() == 8  # dD/dx, a picture beside each fake
    page.get_by_role("button", name="Both move").click()
    page.wait_for_function(f"() => {ELEMENT}.run.look.step === {paused + 1}")
    assert step_of(page) == paused + 1

    # slow motion
    page.get_by_role("button", name="Slow motion").click()
    page.get_by_role("button", name="Full speed").wait_for()
    page.wait_for_function(
        f"() => {ELEMENT}.record.moved?.slow && {ELEMENT}.record.moved.step > {paused + 2}", timeout=90_000
    )
    page.locator(".moves-stage.now").first.wait_for()
    page.locator(".run-toggle", has_text="Pause").click()
    in_state(page, "paused")

    # a setting changes, and is marked
    page.get_by_text("Change settings while it runs").click()
    settings = page.locator(".wheel .wheel-form")
    assert settings.get_by_label("Learning rate of D").input_value() == "0.0002"
    settings.get_by_label("Learning rate of D").fill("0.0001")
    page.get_by_role("button", name="Change from the next step on").click()
    page.locator(".happened li", has_text="lr_D: 0.0002 → 0.0001").wait_for()
    settings.get_by_label("Learning rate of D").fill("-1")
    page.get_by_role("button", name="Change from the next step on").click()
    page.locator(".run-note", has_text="lr_D is -1").wait_for()
    # the doctor's advice is a button: now, or in a fork from before it was needed
    smaller = {"lr_D": 5e-5, "lr_G": 5e-5}
    folder.append(Advice(paused, "collapse", "Try smaller steps.", "请减小步长。", smaller, paused))
    page.locator(".run-note", has_text="Try smaller steps.").wait_for()
    page.get_by_role("button", name="Change now: lr_D 0.00005, lr_G 0.00005").click()
    page.locator(".happened li", has_text="lr_G: 0.0002 → 0.00005").wait_for()
    accessible(page)

    # a pupil watches, without control
    pupil = train_tab(open_page("?lang=zh", width=390, height=844, color_scheme="dark"), "训练")
    in_state(pupil, "paused")
    pupil.get_by_text("您正在观看").wait_for()
    assert pupil.locator(".run-toggle, .run-stop, .run-discard").locator("visible=true").count() == 0
    assert pupil.evaluate(WIDTH) <= 390
    accessible(pupil)
    refused = pupil.evaluate(
        "async () => (await import('./gradio_api/gan/static/live.js')).live.ask("
        + json.dumps(folder.name)
        + ", 'stop')"
    )
    assert "教师" in refused["error"] and folder.wish == "pause"
    # the teacher's key, on another machine; it goes from the address bar into the browser
    teacher = train_tab(open_page(f"?key={KEY}"))
    in_state(teacher, "paused")
    teacher.locator(".run-toggle", has_text="Go on").wait_for()
    assert "key" not in teacher.url
    teacher.close()

    # back to a step, exactly
    checkpoint = int(checkpoints(folder.checkpoints)[-1].stem) if checkpoints(folder.checkpoints) else None
    page.locator(".run-toggle", has_text="Go on").click()
    page.wait_for_function(
        f"() => {ELEMENT}.run.look.checkpoints?.length > 0 && {ELEMENT}.run.progress.step > 1500", timeout=180_000
    )
    assert checkpoint is None or checkpoint > 0
    page.evaluate(f"{ELEMENT}.time.goTo(1250)")
    page.get_by_role("button", name="Go back to here").click()
    page.locator(".run-ask[open]").get_by_role("button", name="Go back to here").click()
    in_state(page, "paused")
    page.wait_for_function(f"() => {ELEMENT}.run.look.step === 1250")
    page.locator(".happened li", has_text="Gone back to step 1,250").wait_for()
    pupil.locator(".happened li", has_text="1,250").first.wait_for()  # everybody's curve went back

    # a fork, with another name and rate
    page.locator(".run-toggle", has_text="Go on").click()
    in_state(page, "running")
    page.get_by_role("button", name="Stop and save").click()
    in_state(page, "stopped")
    page.evaluate(f"{ELEMENT}.time.goTo(1000)")
    page.get_by_role("button", name="Fork here …").click()
    fork = page.locator("dialog[open]")
    fork.get_by_label("Name of the run").fill("the other way")
    fork.get_by_label("Learning rate of G").fill("0.0005")
    accessible(page)
    fork.get_by_role("button", name="Start the fork").click()
    page.locator(".run-name", has_text="the other way").wait_for()
    in_state(page, "running")
    page.locator(".happened li", has_text=f"Began here as a copy of {folder.name}").wait_for()
    assert RunFolder(app.runs / "the other way").config["train"]["lr_G"] == 5e-4

    # side by side, then a reload finds the same run again
    page.get_by_label(f"What can be done with {folder.name}").click()
    page.get_by_label("Beside the one on screen").locator("visible=true").check()
    page.wait_for_function("() => document.querySelectorAll('.run-picture:not([hidden])').length === 2")
    assert page.locator(".run-losses .run-key").count() == 4
    page.reload()
    train_tab(page)
    page.locator(".run-name", has_text="the other way").wait_for()

    # its process is killed: the message, and on
    in_state(page, "running")
    os.kill(RunFolder(app.runs / "the other way").status.pid, signal.SIGKILL)
    in_state(page, "dead")
    page.get_by_text("ended without a word at step").wait_for()
    page.locator(".run-toggle", has_text="Go on").click()
    in_state(page, "running")
    page.get_by_role("button", name="Stop and discard").click()
    page.locator(".run-ask[open]").get_by_role("button", name="Stop and discard").click()
    page.locator(".runs-card", has_text="the other way").wait_for(state="detached")
    assert not (app.runs / "the other way").exists()


def test_a_run_of_the_command_line_on_the_teachers_phone(open_page, app):
    """In Chinese, in the dark, by touch; stopped from the command line, and taken up again on the phone."""
    command = [sys.executable, "-m", "gan_core"]
    place = [f"--runs={app.runs}"]
    toy = ["--ngf=4", "--ndf=4", "--batch-size=8", "--report-every=10", "--threads=1", "--steps=1000000"]
    train = subprocess.Popen(
        [*command, "train", "--run=从命令行", "--data=fashion-mini", *place, *toy], stderr=subprocess.DEVNULL
    )
    try:
        phone = open_page(
            f"?lang=zh&key={KEY}&tab=train&run=从命令行", width=390, height=844, color_scheme="dark", has_touch=True
        )
        in_state(phone, "running")
        phone.wait_for_function(f"() => {ELEMENT}.record.samples.length >= 5", timeout=120_000)
        slider = phone.locator(".run-back input")
        slider.evaluate("(slider) => slider.scrollIntoView({block: 'center'})")  # as a thumb would have it
        box = slider.bounding_box()
        phone.touchscreen.tap(box["x"] + 12, box["y"] + box["height"] / 2)
        phone.wait_for_function("() => document.querySelector('.run-picture').dataset.step === '0'")
        picture, hand = phone.locator(".run-picture").bounding_box(), slider.bounding_box()
        assert picture["y"] < 844 and hand["y"] >= 0  # the picture is in sight while the thumb is on the control
        phone.get_by_role("button", name="回到最新").tap()
        phone.locator(".run-toggle", has_text="暂停").tap()
        in_state(phone, "paused")
        phone.locator(".wheel > summary").tap()
        phone.get_by_role("button", name="D 走一步").tap()
        phone.get_by_text("只有 D 走了一步").wait_for()
        assert "G 不动：其权重移动了 0。" in phone.locator(".of-to_G .moves-shift").inner_text()
        assert phone.evaluate(WIDTH) <= 390
        accessible(phone)
        subprocess.run([*command, "stop", "从命令行", *place], check=True, stdout=subprocess.DEVNULL)
        in_state(phone, "stopped")
        assert train.wait(60) == 0
        phone.locator(".run-toggle", has_text="继续").tap()
        in_state(phone, "running")
        phone.get_by_role("button", name="停止并保存").tap()
        in_state(phone, "stopped")
    finally:
        train.kill()
        train.wait()


def test_a_run_is_open_live_while_it_trains_and_finishes(open_page, app):
    page = open_page()
    train_tab(page)
    fill_toy(page, 3000)
    page.get_by_role("button", name="Start training").click()
    in_state(page, "running")
    page.get_by_role("button", name="Open in Generate").click()
    sprite = "document.querySelector('gan-generate').sprite"
    page.wait_for_function(f"() => {sprite}?.step > 0")
    seed = page.locator(".controls").get_by_label("Seed").first
    seed.fill("7")
    page.wait_for_function(f"() => {sprite}.step === 3000", timeout=120_000)  # newer snapshots took over by themselves
    assert seed.input_value() == "7"
    page.get_by_role("tab", name="Train").click()
    in_state(page, "finished")
    name = page.locator(".run-name").inner_text()

    # a seed through all snapshots
    page.get_by_label("Seed of another latent").fill("5")
    page.get_by_role("button", name="Show it").click()
    snapshots = len(list((app.runs / name / "snapshots").glob("[0-9]*")))
    page.get_by_label(f"One latent at {snapshots} steps").wait_for()
    # the film of the time line
    page.get_by_text("Film of the training").click()
    with page.expect_download() as film:
        page.get_by_role("button", name="WebP").locator("visible=true").click()
    assert film.value.path().read_bytes()[8:12] == b"WEBP"

    # the link, its code, and the settings in the form
    page.get_by_role("button", name="Share").click()
    link = page.get_by_label("Link", exact=True).input_value()
    assert f"run={name}" in link and "lang=en" in link
    page.wait_for_function("() => document.querySelector('.share-code').naturalWidth > 0")
    accessible(page)
    page.get_by_role("button", name="Close").locator("visible=true").click()
    page.get_by_label(f"What can be done with {name}").click()
    page.get_by_role("button", name="Copy its settings to the form").locator("visible=true").click()
    page.wait_for_function("() => [...document.querySelectorAll('.train-form input')].some((i) => i.value === '3000')")

    # renamed, then deleted: it asks first
    menu = page.get_by_label(f"What can be done with {name}")
    menu.click()
    page.get_by_role("button", name="Rename").locator("visible=true").click()
    page.locator(".run-ask[open] input").fill("kept")
    page.locator(".run-ask[open]").get_by_role("button", name="Rename").click()
    page.locator(".run-name", has_text="kept").wait_for()
    assert (app.runs / "kept").is_dir() and not (app.runs / name).exists()
    opened = open_page("?tab=train&run=kept&step=1000&controls=no")
    opened.wait_for_function("() => document.querySelector('.run-picture')?.dataset.step === '1000'")
    assert opened.locator(".train-form, .runs, .run-stop").locator("visible=true").count() == 0
    page.get_by_label("What can be done with kept").click()
    page.get_by_role("button", name="Delete", exact=True).locator("visible=true").click()
    page.locator(".run-ask[open]").get_by_role("button", name="Cancel").click()
    assert (app.runs / "kept").is_dir()
    page.get_by_label("What can be done with kept").click()
    page.get_by_role("button", name="Delete", exact=True).locator("visible=true").click()
    page.locator(".run-ask[open]").get_by_role("button", name="Delete").click()
    page.locator(".runs-card", has_text="kept").wait_for(state="detached")
    assert not (app.runs / "kept").exists()
    opened.get_by_text("The folder of this run is not there any more").wait_for()


@pytest.mark.parametrize("tab", ["Generate", "Interpolate", "Train"])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_axe_finds_nothing(open_page, tab, light):
    page = open_page(color_scheme=light)
    page.locator("gan-generate .cell").first.wait_for()
    page.get_by_role("tab", name=tab).click()
    page.wait_for_timeout(500)  # until the tab has faded in
    accessible(page)


def test_a_question_is_answered_for_the_run_that_it_named(open_page, app):
    """Another run may come on screen behind an open question."""
    for name in ("first", "second"):
        folder = RunFolder(app.runs / name)
        folder.path.mkdir()
        folder.write_config({"model": {"image_size": 28}, "train": {"loss": "ns", "steps": 20}, "data": {"name": "x"}})
        for step in (0, 10, 20):
            folder.append(Sample(step, Image.new("L", (224, 224), 10 * step)))
        folder.checkpoints.mkdir()
        (folder.checkpoints / "000010.safetensors").write_bytes(b"")
        folder.write_status("finished", 20)
    page = open_page(f"?tab=train&run=first&step=10&key={KEY}")
    asked = []
    page.route("**/ask*", lambda route: (asked.append(route.request.url), route.fulfill(json={})))
    page.get_by_role("button", name="Go back to here").click()
    page.locator("dialog[open]", has_text="Go back to step 10?").wait_for()
    page.evaluate(f"{ELEMENT}.watch(['second'], 10)")
    page.locator("dialog[open]").get_by_role("button", name="Go back to here").click()
    page.wait_for_function("() => !document.querySelector('dialog[open]')")
    page.get_by_role("button", name="Fork here …").click()
    page.locator("dialog[open]", has_text="A fork of second at step 10").wait_for()
    page.evaluate(f"{ELEMENT}.watch(['first'], 10)")
    page.locator("dialog[open]").get_by_role("button", name="Start the fork").click()
    page.wait_for_function("() => !document.querySelector('dialog[open]')")
    assert [url.split("/runs/")[1].split("/")[0] for url in asked] == ["first", "second"]


def test_a_line_that_falls_silent_is_noticed(open_page, app):
    """A stopped app keeps its connections: nothing breaks, nothing comes."""
    page = open_page("?tab=train")
    page.locator("gan-train .run").wait_for()
    page.evaluate("""async () => {
        const { live } = await import('./gradio_api/gan/static/live.js');
        for (const kind of ['lost', 'found']) live.addEventListener(kind, () => (window[kind] = true));
        const age = setInterval(() => (window.lost ? clearInterval(age) : (live.heardAt -= 60_000)), 500);
    }""")
    page.wait_for_function("() => window.lost === true && window.found === true", timeout=30_000)
