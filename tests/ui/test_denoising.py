"""A future of a diffusion model on its way from noise, on the page."""


def test_steps_and_frames_are_walked_by_pointer_and_keys_under_the_player_s_cursor(app, open_page):
    phone = {"width": 390, "height": 844}
    page = open_page(app + '?model=d-diffusion&n=1&past=3&future=4&options={"steps":3}', viewport=phone)
    page.wait_for_selector("#status >> text=Settings taken from the link", timeout=30_000)
    page.click("#look-inside button.label-wrap")
    page.click("#look")
    page.wait_for_selector(".vp-denoising:not([hidden])", timeout=60_000)
    assert page.is_hidden(".vp-latent") and "3 denoising steps" in page.inner_text(".vp-denoising-title")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    said, rows = page.locator(".vp-denoising-said"), page.locator(".vp-denoising .vp-inside-row")
    assert (
        rows.count() == 3 and said.inner_text().startswith("After step 1 of 3, frame 6.") and "grey levels" in said.inner_text()
    )
    box = rows.nth(1).bounding_box()
    rows.nth(1).click(position={"x": box["width"] * 4.5 / 7, "y": box["height"] * 0.7})
    assert said.inner_text().startswith("After step 2 of 3, frame 4.") and page.input_value(".vp-denoising-step") == "1"
    page.focus(".vp-denoising-time")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert said.inner_text() == "After step 3: the future, frame 5. This is the finished future."
    assert page.get_attribute(".vp-player", "data-frame") == "5"
    page.locator(".vp-scrub .vp-range").fill("1")
    assert "frame 1, which was given" in said.inner_text()
    page.fill(".vp-denoising-step", "0")
    assert said.inner_text().startswith("After step 1 of 3")
    page.click("#fresh")
    page.wait_for_selector(".vp-denoising", state="hidden", timeout=20_000)
