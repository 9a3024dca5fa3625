//! Which devices a run is to do: all, or those of one shard.
//!
//! An engine that runs an array of tasks numbers them in their environment. That is asked only where `--shard` says so: a variable that happens
//! to be there must not drop devices. Where it is there and nothing was said, it is told that the run does all.

use anyhow::Result;

use crate::commands::exit::Usage;
use crate::commands::talk;
use crate::fleet::inventory::Fleet;
use crate::fleet::shard::{Asked, Shard, ShardRow, number};
use crate::place::escape;

/// The devices that a run is to do.
pub(super) struct Mine {
    shard: Option<Shard>,
    /// Their positions in the inventory, in its order.
    pub(super) positions: Vec<usize>,
}

impl Mine {
    /// Those that were asked for.
    pub(super) fn of(asked: Option<Asked>, fleet: &Fleet) -> Result<Self> {
        let environment = |name: &str| {
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().into_owned())
        };
        let shard = asked.map(|asked| resolve(asked, environment)).transpose()?;
        let task = ENGINES.iter().find(|it| environment(it.index).is_some());
        if let (None, Some(engine)) = (shard, task) {
            talk::say(&format!(
                "note: this is a task of an array ({}), and without --shard it does the whole fleet",
                engine.index
            ));
        }
        let positions = match shard {
            Some(shard) => shard.positions(&fleet.devices),
            None => (0..fleet.devices.len()).collect(),
        };
        Ok(Self { shard, positions })
    }

    /// The shard, as the first line of the results says.
    pub(super) fn row(&self) -> Option<ShardRow> {
        self.shard.map(|shard| shard.row(self.positions.len()))
    }
}

/// What runs arrays of tasks, and the variables that it sets in each of them.
struct Engine {
    name: &'static str,
    /// The number of the task.
    index: &'static str,
    /// How many tasks there are; a Kubernetes job does not say.
    of: Option<&'static str>,
    /// The numbers of the first and the last task, where they are free to choose.
    ends: Option<(&'static str, &'static str)>,
}

const ENGINES: [Engine; 3] = [
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        of: Some("SLURM_ARRAY_TASK_COUNT"),
        ends: Some(("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX")),
    },
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        of: None,
        ends: None,
    },
    Engine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        of: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
        ends: None,
    },
];

/// The shard that was asked for, as the environment numbers it.
fn resolve(asked: Asked, environment: impl Fn(&str) -> Option<String>) -> Result<Shard, Usage> {
    let of = match asked {
        Asked::Stated(shard) => return Ok(shard),
        Asked::AutoOf(of) => Some(of),
        Asked::Auto => None,
    };
    let set = |engine: &&Engine| environment(engine.index).is_some();
    let mut engines = ENGINES.iter().filter(set);
    let Some(engine) = engines.next() else {
        let known = ENGINES.map(|engine| engine.index).join(", ");
        let told = format!(
            "--shard auto: nothing numbers this task (none of {known} is set); say --shard I/N"
        );
        return Err(Usage(told));
    };
    if let Some(other) = engines.next() {
        let (one, two) = (engine.index, other.index);
        let told = format!("--shard auto: {one} and {two} are both set; say --shard I/N");
        return Err(Usage(told));
    }
    let read = |name: &str| {
        let value = environment(name).unwrap_or_default();
        let told = || format!("--shard auto: {name} is {}, not a number", quoted(&value));
        number(&value).map_err(|_form| Usage(told()))
    };
    let index = read(engine.index)?;
    let of = match (of, engine.of) {
        (Some(of), _) => of,
        (None, Some(of)) => read(of)?,
        (None, None) => {
            let told = format!(
                "--shard auto: {} does not say how many tasks there are; say --shard auto/N",
                engine.name
            );
            return Err(Usage(told));
        }
    };
    let is_stated = asked != Asked::Auto;
    if let Some((first, last)) = engine.ends.filter(|_| !is_stated)
        && (read(first)?, read(last)?.checked_add(1)) != (0, Some(of))
    {
        let told = "--shard auto: the array is not 0 to N-1 without gaps; make it so, or say --shard auto/N, as where some shards run again";
        return Err(Usage(told.to_owned()));
    }
    Shard::new(index, of).map_err(|error| {
        let told = format!("--shard auto: {} is {index}: {error}", engine.index);
        Usage(told)
    })
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", escape(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(asked: &str, set: &[(&str, &str)]) -> Result<String, String> {
        let environment = |name: &str| {
            let found = set.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let shard = resolve(asked.parse().unwrap(), environment);
        shard.map(|it| it.to_string()).map_err(|error| error.0)
    }

    fn slurm<'v>(
        id: &'v str,
        min: &'v str,
        max: &'v str,
        count: &'v str,
    ) -> [(&'v str, &'v str); 4] {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    }

    #[test]
    fn each_engine_numbers_its_tasks() {
        let whole = slurm("2", "0", "6", "7");
        assert_eq!(resolved("auto", &whole), Ok("2/7".to_owned()));
        let batch = [
            ("AWS_BATCH_JOB_ARRAY_INDEX", "0"),
            ("AWS_BATCH_JOB_ARRAY_SIZE", "7"),
        ];
        assert_eq!(resolved("auto", &batch), Ok("0/7".to_owned()));
        let kubernetes = [("JOB_COMPLETION_INDEX", "6")];
        assert_eq!(resolved("auto/7", &kubernetes), Ok("6/7".to_owned()));
        let told = resolved("auto", &kubernetes).unwrap_err();
        assert!(told.contains("say --shard auto/N"), "{told}");
        // What is said outright asks nothing.
        assert_eq!(resolved("1/3", &whole), Ok("1/3".to_owned()));
    }

    #[test]
    fn some_tasks_of_an_array_are_not_taken_for_all() {
        for part in [
            slurm("3", "3", "3", "1"),
            slurm("1", "1", "7", "7"),
            slurm("2", "0", "6", "4"),
        ] {
            let told = resolved("auto", &part).unwrap_err();
            assert!(told.contains("without gaps"), "{told}");
        }
        let again = slurm("3", "3", "3", "1");
        assert_eq!(resolved("auto/7", &again), Ok("3/7".to_owned()));
        let beyond = slurm("7", "1", "7", "7");
        let told = resolved("auto/7", &beyond).unwrap_err();
        assert!(told.contains("the last 6/7"), "{told}");
    }

    #[test]
    fn what_the_environment_does_not_say_is_not_guessed() {
        let told = resolved("auto/7", &[]).unwrap_err();
        assert!(told.contains("nothing numbers this task"), "{told}");
        let both = [("JOB_COMPLETION_INDEX", "0"), ("SLURM_ARRAY_TASK_ID", "0")];
        let told = resolved("auto/7", &both).unwrap_err();
        assert!(told.contains("both set"), "{told}");
        for value in ["", "-1", "x\u{1b}"] {
            let told = resolved("auto/7", &[("JOB_COMPLETION_INDEX", value)]).unwrap_err();
            assert!(told.contains("not a number"), "{told}");
            assert!(!told.contains('\u{1b}'));
        }
        let told = resolved("auto", &[("SLURM_ARRAY_TASK_ID", "0")]).unwrap_err();
        assert!(told.contains("SLURM_ARRAY_TASK_COUNT is \"\""), "{told}");
    }
}
