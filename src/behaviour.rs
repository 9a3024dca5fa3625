//! What files of a tree do, step by step: the same words for a command of a script, a call of a program and a line of a
//! configuration, so that rules need not know which of them it was.
//!
//! A step is an act with its circumstances and the text that shows it. Steps that belong together (one script with those that it
//! starts or sources, one configuration, one function of a program with those that it calls) are a unit, in the order in which they
//! happen. Rules look for steps in one unit.

mod act;
mod config;
mod host;
mod options;
mod paths;
mod program;
mod registry;
mod scene;
mod shell;
mod start;
mod tree;
mod unit;

pub use self::act::{Act, Trait};
pub use self::paths::is_documentation;
pub use self::scene::{Content, Makeup, Scene};
pub use self::start::Started;
pub use self::tree::is_read;
pub use self::unit::{InCode, Spot, Step, Unit};
pub use crate::facts::secret::Secret;

/// The units of all files of a scene, in their order, and what starts with the device.
pub fn units(scene: &Scene) -> (Vec<Unit>, Vec<Started>) {
    let mut units = Vec::new();
    for file in scene.files() {
        if file.code.is_none() && file.makeup.is_none() {
            units.extend(tree::unit(scene, file));
            continue;
        }
        let of_code = file
            .code
            .as_ref()
            .map(|code| program::units(scene, file, code));
        let of_code = of_code.unwrap_or_default();
        let makeup = file.makeup.as_ref();
        units.extend(makeup.and_then(|makeup| program::whole(scene, file, makeup, &of_code)));
        units.extend(of_code);
    }
    let started = start::started(scene);
    (units, started)
}
