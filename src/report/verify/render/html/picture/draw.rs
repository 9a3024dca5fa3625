//! Bands, labels and curves as SVG. Places along the image are in per cent, so that a drawing is as wide as there is room.

use std::fmt::Write;

use super::class;
use crate::extract::Profile;
use crate::report::verify::map::{Area, What};
use crate::report::verify::render::html::write::Html;

/// What is to be looked at is drawn at least so wide, in thousandths of a per cent.
const LEAST: u64 = 500;
/// All of it.
const WHOLE: u64 = 100_000;
/// A region has a label if it is at least so wide.
const LABELLED: u64 = 7_000;

/// A piece of a drawing, in thousandths of a per cent of its width.
#[derive(Clone, Copy)]
pub(super) struct Band {
    what: What,
    at: u64,
    len: u64,
}

impl Band {
    /// The piece `[at, at+len)` of `all`.
    pub(super) fn new(what: What, at: u64, len: u64, all: u64) -> Option<Self> {
        let start = share(at, all)?;
        let end = share(at.saturating_add(len), all)?.min(WHOLE);
        Some(Self {
            what,
            at: start,
            len: end.saturating_sub(start),
        })
    }
}

fn share(at: u64, all: u64) -> Option<u64> {
    let share = u128::from(at).checked_mul(u128::from(WHOLE))?;
    u64::try_from(share.checked_div(u128::from(all))?).ok()
}

/// The areas that lie in a range of the image.
pub(super) fn bands(areas: &[&Area], at: u64, len: u64) -> Vec<Band> {
    let inside = |area: &&Area| Band::new(area.what, area.at.checked_sub(at)?, area.len, len);
    areas.iter().filter_map(inside).collect()
}

/// A drawing's bands, below its labels.
pub(super) fn row(bands: &[Band], html: &mut Html) {
    draw(bands, "20", "52", html);
}

/// A drawing that has bands alone.
pub(super) fn thin(bands: &[Band], html: &mut Html) {
    draw(bands, "0", "22", html);
}

fn draw(bands: &[Band], y: &str, height: &str, html: &mut Html) {
    // What needs attention comes last, on top of its neighbours, and wide enough to be seen.
    let (plain, open): (Vec<&Band>, Vec<&Band>) =
        bands.iter().partition(|band| band.what <= What::Read);
    let all = [
        ("class", "frame"),
        ("x", "0"),
        ("y", y),
        ("width", "100%"),
        ("height", height),
    ];
    html.shape("rect", &all);
    for band in plain.iter().filter(|band| band.len > 0) {
        rect(band, band.len, y, height, html);
    }
    for band in open {
        rect(band, band.len.max(LEAST), y, height, html);
    }
}

fn rect(band: &Band, len: u64, y: &str, height: &str, html: &mut Html) {
    let (x, width) = (
        percent(band.at.min(WHOLE.saturating_sub(len))),
        percent(len),
    );
    let attributes = [
        ("class", class(band.what)),
        ("x", &x),
        ("y", y),
        ("width", &width),
        ("height", height),
    ];
    html.shape("rect", &attributes);
}

/// The name of a region above its bands, cut off where they end.
pub(super) fn label(name: &str, at: u64, len: u64, all: u64, html: &mut Html) {
    let Some(band) = Band::new(What::Read, at, len, all).filter(|band| band.len >= LABELLED) else {
        return;
    };
    let (x, width) = (percent(band.at), percent(band.len));
    html.within(
        "svg",
        &[("x", &x), ("y", "0"), ("width", &width), ("height", "18")],
        |html| {
            html.leaf("text", &[("x", "2"), ("y", "13")], name);
        },
    );
}

/// The entropy of a range of the image, below its bands.
pub(super) fn curve(profile: &Profile, at: u64, len: u64, html: &mut Html) {
    let mut points = String::new();
    let mut last = None;
    for (index, entropy) in profile.points.iter().enumerate() {
        let Ok(index) = u64::try_from(index) else {
            break;
        };
        let start = index.saturating_mul(profile.block);
        let end = start.saturating_add(profile.block);
        if end <= at || start >= at.saturating_add(len) {
            continue;
        }
        let x =
            |place: u64| share(place.saturating_sub(at).min(len), len).unwrap_or_default() / 100;
        // A stored record may say anything.
        let y = 8.0
            - if entropy.is_finite() {
                entropy.clamp(0.0, 8.0)
            } else {
                0.0
            };
        let sign = if last.is_none() { 'M' } else { 'L' };
        let _ = write!(points, "{sign}{} {y:.1}L{} {y:.1}", x(start), x(end));
        last = Some(x(end));
    }
    if last.is_none() {
        return;
    }
    let place = [
        ("x", "0"),
        ("y", "80"),
        ("width", "100%"),
        ("height", "66"),
        ("viewBox", "0 -0.2 1000 8.4"),
        ("preserveAspectRatio", "none"),
    ];
    html.within("svg", &place, |html| {
        html.shape(
            "path",
            &[("class", "grid"), ("d", "M0 0H1000M0 4H1000M0 8H1000")],
        );
        html.shape("path", &[("class", "curve"), ("d", &points)]);
    });
}

/// Thousandths of a per cent as text.
fn percent(thousandths: u64) -> String {
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}
