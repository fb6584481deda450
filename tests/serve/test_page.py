"""The page in a real browser: a photo speaks, a dialogue plays, faults are told, a phone is wide enough."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from idfacevc.errors import InputError
from idfacevc.serve.dialogue import Line, lines_of
from idfacevc.serve.model import EXAMPLE_PHOTO, Model
from tests.browser import open_browser, wait
from tests.serve.conftest import running, wait_for

PATIENCE = 500  # seconds, on a machine with other work
SOUND = """
const [box, done] = arguments;
const player = document.querySelector(box + " audio");
if (!player || !player.src) { done(null); return; }
fetch(player.src).then((answer) => answer.arrayBuffer())
  .then((data) => new OfflineAudioContext(1, 16000, 16000).decodeAudioData(data))
  .then((sound) => done([sound.duration, Math.max(...sound.getChannelData(0).map(Math.abs))]))
  .catch((error) => done(String(error)));
"""
NAMELESS = """
const shown = (one) => one.offsetParent !== null;
const name = (one) => one.getAttribute("aria-label") || one.title || one.innerText.trim() || one.placeholder ||
  (one.querySelector("img[alt]") || {}).alt ||
  [...(one.labels || [])].map((label) => label.innerText.trim()).join("") || one.getAttribute("aria-labelledby");
return [...document.querySelectorAll("button, input, textarea, select")]
  .filter((one) => shown(one) && !name(one)).map((one) => one.outerHTML.slice(0, 200));
"""
FOREIGN = """
return performance.getEntriesByType("resource").map((one) => one.name)
  .filter((name) => !name.startsWith(location.origin) && !name.startsWith("blob:") && !name.startsWith("data:"));
"""


@pytest.fixture(scope="module")
def page(both: Model) -> Iterator[str]:
    with running(lambda: both) as url:
        wait_for(url)
        yield url


@pytest.fixture
def browser(tmp_path: Path, page: str) -> Iterator[Chrome]:
    chrome = open_browser(tmp_path)
    chrome.set_window_size(1200, 1400)
    chrome.set_script_timeout(PATIENCE)
    chrome.get(page)
    wait(lambda: bool(chrome.find_elements(By.ID, "speak")), PATIENCE)
    yield chrome
    chrome.quit()


def upload(browser: Chrome, box: str, *files: Path) -> None:
    browser.find_element(By.CSS_SELECTOR, f"{box} input[type=file]").send_keys("\n".join(map(str, files)))


def tab_to(browser: Chrome, box: str) -> WebElement:
    """What has the focus, once it is in a box: the way there is by the tabulator alone."""
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        if browser.execute_script("return arguments[0].closest(arguments[1]) !== null", focused, box):
            return focused
    raise AssertionError(f"no key leads to {box}")


def text_of(browser: Chrome, selector: str) -> str:
    return " ".join(one.text for one in browser.find_elements(By.CSS_SELECTOR, selector))


def sound(browser: Chrome, box: str) -> tuple[float, float]:
    """Seconds and peak of what a player would play."""
    found: Any = None

    def there() -> bool:
        nonlocal found
        found = browser.execute_async_script(SOUND, box)
        return found is not None

    wait(there, PATIENCE)
    assert isinstance(found, list), found
    return found[0], found[1]


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_photo_speaks(browser: Chrome, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    Image.new("RGB", (200, 200), "grey").save(grey)
    upload(browser, "#photo", grey)
    wait(lambda: "no face found in 200x200 pixels; give a photo" in text_of(browser, "#fault"), PATIENCE)
    browser.find_element(By.ID, "speak").click()
    wait(lambda: "there is no voice yet" in text_of(browser, "body"), PATIENCE)
    browser.save_screenshot(str(tmp_path / "fault.png"))

    browser.get(browser.current_url)
    wait(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#photo input[type=file]")), PATIENCE)
    # all of this by keyboard alone
    tab_to(browser, "#example").send_keys(Keys.ENTER)
    wait(lambda: "Voice 4" in text_of(browser, "#chosen"), PATIENCE)
    tab_to(browser, "#chosen label:nth-child(2)").send_keys(Keys.SPACE)
    wait(lambda: text_of(browser, "#chosen label:has(:checked)") == "Voice 2", PATIENCE)
    tab_to(browser, "#hear").send_keys(Keys.ENTER)
    for number in range(1, 5):
        assert sound(browser, f"#sample-{number}")[1] > 0.01
    first, second = (browser.find_element(By.ID, f"sample-{number}").rect for number in (1, 2))
    assert first["y"] == second["y"] and first["width"] >= 280
    words = tab_to(browser, "#text")
    words.send_keys(Keys.CONTROL, "a")
    words.send_keys("Good morning to all of you.")
    tab_to(browser, "#speak").send_keys(Keys.ENTER)
    seconds, peak = sound(browser, "#result")
    assert 1 < seconds < 5 and peak > 0.01
    wait(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#figure img")), PATIENCE)
    assert browser.find_element(By.CSS_SELECTOR, "#figure img").get_attribute("alt")
    assert browser.execute_script(NAMELESS) == []
    assert browser.execute_script(FOREIGN) == []
    browser.save_screenshot(str(tmp_path / "spoken.png"))

    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= 390
    speak = browser.find_element(By.ID, "speak").rect
    assert speak["x"] >= 0 and speak["x"] + speak["width"] <= 390
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone | {"height": 2600})
    browser.save_screenshot(str(tmp_path / "phone.png"))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_dialogue_plays(browser: Chrome, tmp_path: Path) -> None:
    portraits = [tmp_path / name for name in ("Anna.jpg", "Ben.jpg")]
    for portrait in portraits:
        shutil.copy(EXAMPLE_PHOTO, portrait)
    tab = next(tab for tab in browser.find_elements(By.CSS_SELECTOR, "[role=tab]") if tab.text == "Dialogue")
    browser.execute_script("arguments[0].click()", tab)  # a fading cover may still lie over it
    wait(lambda: bool(browser.find_elements(By.CSS_SELECTOR, "#portraits input[type=file]")), PATIENCE)
    upload(browser, "#portraits", *portraits)
    wait(lambda: "Ben" in text_of(browser, "#cast"), PATIENCE)
    script = browser.find_element(By.CSS_SELECTOR, "#script textarea")
    script.send_keys("ANNA: Hello.\nCLEO: Who?")
    browser.find_element(By.ID, "play").click()
    wait(lambda: "line 2: CLEO has no portrait; there are: Anna, Ben" in text_of(browser, "body"), PATIENCE)
    script.send_keys(Keys.CONTROL, "a")
    script.send_keys("ANNA: Hello.\nBen: Good morning.")
    browser.find_element(By.ID, "play").click()
    seconds, peak = sound(browser, "#track")
    assert 1.5 < seconds < 6 and peak > 0.01
    wait(lambda: "02-Ben" in text_of(browser, "#lines"), PATIENCE)
    browser.save_screenshot(str(tmp_path / "dialogue.png"))


def test_scripts() -> None:
    assert lines_of("\nanna:  Hi: there. \nBEN: Yes.\n", ["Anna", "ben"]) == [
        Line("Anna", "Hi: there."),
        Line("ben", "Yes."),
    ]
    for script, message in (
        ("", "the script is empty"),
        ("Anna", "line 1: is not"),
        ("\nBen: x", "line 2: Ben has no"),
    ):
        with pytest.raises(InputError, match=message):
            lines_of(script, ["Anna"])
