//! Looking around, and that what is seen is right.

use anyhow::{Result, ensure};
use image::RgbImage;
use immersive_tests_browser::oracle::{self, View};
use immersive_tests_browser::{Page, failure};
use serde_json::json;

use crate::world::{World, checks};

checks!(
    views_equal_the_turned_frame,
    a_drag_turns_the_view_and_the_picture,
    arrow_keys_turn_and_the_wheel_zooms,
    one_finger_turns_and_two_zoom,
);

/// The player samples the frame as v360 does: linearly, in the frame's own encoding. What remains
/// is the rounding of weights and colours to 8 bits on each side, about one level, which is 48 dB;
/// software adapters place texels to 1/256. Half a pixel of displacement on this panorama is 35 dB.
pub const PSNR_LIMIT_DB: f64 = 40.0;

async fn views_equal_the_turned_frame(world: &World) -> Result<()> {
    let page = world.play("calm/high/media.m3u8").await?;
    page.hold_still().await?;
    let frame = page.video_frame().await?;
    ensure!(!oracle::is_black(&frame), "the browser decoded a black frame");
    // Front, right, the seam behind, left, both poles, and one that is none of them.
    let directions = [
        (0.0, 0.0, 70.0),
        (90.0, 0.0, 70.0),
        (180.0, 0.0, 70.0),
        (-90.0, 0.0, 70.0),
        (0.0, 90.0, 70.0),
        (0.0, -90.0, 70.0),
        (150.0, 35.0, 40.0),
    ];
    for (yaw, pitch, vertical_fov) in directions {
        let view = View { yaw, pitch, vertical_fov };
        let compared = Compared::new(&page, &frame, view).await?;
        ensure!(
            compared.psnr_db > PSNR_LIMIT_DB,
            "at {view:?} the picture agrees with ffmpeg's to {:.1} dB only; {}-*.png",
            compared.psnr_db,
            compared.keep(world)?
        );
    }
    Ok(())
}

/// What is seen in one direction, beside what should be.
pub struct Compared {
    view: View,
    seen: RgbImage,
    expected: RgbImage,
    /// How well they agree.
    pub psnr_db: f64,
}

impl Compared {
    /// Turns the view there. `frame` is what the video shows, and goes on showing.
    pub async fn new(page: &Page<'_>, frame: &RgbImage, view: View) -> Result<Self> {
        page.look_at(view.yaw, view.pitch, view.vertical_fov).await?;
        let seen = page.capture(480, 270).await?;
        let expected = oracle::view_of(frame, view, 480, 270).await?;
        let psnr_db = oracle::psnr_db(&seen, &expected)?;
        Ok(Self { view, seen, expected, psnr_db })
    }

    /// How well what is seen agrees with what would be seen in another direction.
    pub async fn elsewhere_db(&self, frame: &RgbImage, view: View) -> Result<f64> {
        oracle::psnr_db(&self.seen, &oracle::view_of(frame, view, 480, 270).await?)
    }

    /// Keeps both pictures for whoever looks at the failure.
    pub fn keep(&self, world: &World) -> Result<String> {
        let View { yaw, pitch, .. } = self.view;
        let title = format!("{}-yaw{yaw}-pitch{pitch}", world.browser.backend.name());
        failure::keep_pictures(&title, &[("seen", &self.seen), ("expected", &self.expected)])
    }
}

async fn a_drag_turns_the_view_and_the_picture(world: &World) -> Result<()> {
    let page = world.play("calm/high/media.m3u8").await?;
    page.hold_still().await?;
    page.look_at(0.0, 0.0, 70.0).await?;
    let before = page.capture(240, 136).await?;
    drag(&page, -200.0, 0.0).await?;
    page.wait_until("player.yaw > 5").await?;
    // The hand lets go and the view comes to rest by itself.
    let still = "(() => { const last = window.lastYaw; window.lastYaw = player.yaw; \
                 return last === player.yaw; })()";
    page.wait_until(still).await?;
    let (yaw, pitch) = (page.number("player.yaw").await?, page.number("player.pitch").await?);
    ensure!(pitch.abs() < 1.0, "a level drag turned the view by {pitch} degrees up");
    let after = page.capture(240, 136).await?;
    let same_db = oracle::psnr_db(&before, &after)?;
    ensure!(
        same_db < 30.0,
        "the view is at yaw {yaw}, but the picture is the same ({same_db:.1} dB)"
    );
    Ok(())
}

async fn arrow_keys_turn_and_the_wheel_zooms(world: &World) -> Result<()> {
    let page = world.play("calm/high/media.m3u8").await?;
    page.look_at(0.0, 0.0, 70.0).await?;
    page.tab_to_player().await?;
    page.press("ArrowRight", "ArrowRight", 39).await?;
    page.wait_until("player.yaw > 0.5").await?;
    page.press("ArrowUp", "ArrowUp", 38).await?;
    page.wait_until("player.pitch > 0.5").await?;
    let (x, y) = page.middle().await?;
    let wheel = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -240 });
    page.browser().cdp("Input.dispatchMouseEvent", wheel).await?;
    page.wait_until("player.fov < 69").await
}

async fn one_finger_turns_and_two_zoom(world: &World) -> Result<()> {
    let page = world.play("calm/high/media.m3u8").await?;
    page.look_at(0.0, 0.0, 70.0).await?;
    let (x, y) = page.middle().await?;
    // One finger drags the picture down and to the left: up and to the right is looked.
    let finger = |part: f64| vec![(x - 160.0 * part, y + 60.0 * part)];
    touch(&page, finger).await?;
    page.wait_until("player.yaw > 5 && player.pitch > 2").await?;
    // The second gesture begins when the first has come to rest.
    page.look_at(0.0, 0.0, 70.0).await?;
    let fingers = |apart: f64| vec![(x - apart, y), (x + apart, y)];
    touch(&page, |part| fingers(60.0 + 90.0 * part)).await?;
    page.wait_until("player.fov < 50").await?;
    let zoomed_in = page.number("player.fov").await?;
    touch(&page, |part| fingers(150.0 - 90.0 * part)).await?;
    page.wait_until(&format!("player.fov > {zoomed_in} + 10")).await?;
    let goes_on = page.value("!player.paused || player.ended").await?;
    ensure!(goes_on == json!(true), "looking around paused the video");
    Ok(())
}

/// Puts fingers down, moves them and lifts them; `at` says where they are by how much is done.
async fn touch(page: &Page<'_>, at: impl Fn(f64) -> Vec<(f64, f64)>) -> Result<()> {
    const MOVES: u32 = 8;
    let event = |kind: &'static str, fingers: Vec<(f64, f64)>| {
        let points = fingers.iter().enumerate();
        let points = points.map(|(id, (x, y))| json!({ "x": x, "y": y, "id": id }));
        let points: Vec<_> = points.collect();
        page.browser()
            .cdp("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points }))
    };
    event("touchStart", at(0.0)).await?;
    for step in 1..=MOVES {
        event("touchMove", at(f64::from(step) / f64::from(MOVES))).await?;
    }
    event("touchEnd", Vec::new()).await?;
    Ok(())
}

/// Takes hold of the middle of the picture and pulls it, with a rest before letting go.
async fn drag(page: &Page<'_>, right_px: f64, down_px: f64) -> Result<()> {
    const MOVES: u32 = 8;
    let (x, y) = page.middle().await?;
    let mouse = |kind: &'static str, part: f64, buttons: u32| {
        let at = (x + right_px * part, y + down_px * part);
        let event = json!({
            "type": kind, "x": at.0, "y": at.1, "button": "left", "buttons": buttons,
            "clickCount": 1, "pointerType": "mouse",
        });
        page.browser().cdp("Input.dispatchMouseEvent", event)
    };
    mouse("mouseMoved", 0.0, 0).await?;
    mouse("mousePressed", 0.0, 1).await?;
    for step in 1..=MOVES {
        mouse("mouseMoved", f64::from(step) / f64::from(MOVES), 1).await?;
    }
    mouse("mouseReleased", 1.0, 0).await?;
    Ok(())
}
