//! The arguments of `report`, and what a report says of the unit.

use std::path::PathBuf;

use clap::Args;

use super::ReportOutput;
use crate::report::verify::unit;

/// Which unit it is, and who stands for the record.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Device record")]
pub struct Unit {
    /// The unit's asset tag: the baseline must be for it where it names units, and it stands in the report.
    #[arg(long, value_name = "TAG")]
    pub asset: Option<String>,
    /// The unit's serial number.
    #[arg(long, value_name = "NUMBER")]
    pub serial: Option<String>,
    /// The number of the work order.
    #[arg(long, value_name = "NUMBER")]
    pub work_order: Option<String>,
    /// Who verifies.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// Who checks the record.
    #[arg(long, value_name = "NAME")]
    pub reviewer: Option<String>,
    /// A file with these and more (TOML: asset, serial, udi, label, location, department, network, acquired, `work_order`,
    /// operator, reviewer); a flag comes before what it says.
    #[arg(long, value_name = "FILE")]
    pub device_record: Option<PathBuf>,
}

impl Unit {
    /// What the flags say.
    pub fn said(&self) -> unit::Unit {
        unit::Unit {
            asset: self.asset.clone(),
            serial: self.serial.clone(),
            work_order: self.work_order.clone(),
            operator: self.operator.clone(),
            reviewer: self.reviewer.clone(),
            ..unit::Unit::default()
        }
    }
}

/// `vitalsign report`
#[derive(Debug, Args)]
pub struct Report {
    /// What `--format json` wrote.
    #[arg(required_unless_present = "compare", conflicts_with = "compare")]
    pub file: Option<PathBuf>,
    /// Tell what changed for the device between two such files; in the forms terminal and json. Exit codes: 0 nothing, the sum of
    /// 1 something is new, 2 something is gone, 4 the verdict, the image or the baseline is another.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    pub compare: Vec<PathBuf>,
    /// Where the report goes.
    #[command(flatten)]
    pub output: ReportOutput,
}
