//! What the sandbox refuses, tried from inside: a process of its own closes it as the commands do and does what it must not.
//!
//! A harness would have threads before the sandbox closes, so that this test is a plain program. Each deed is done outside first, which
//! shows that it is the sandbox that refuses it.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::arithmetic_side_effects,
        clippy::disallowed_methods,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::print_stdout,
        clippy::unwrap_used,
        reason = "a test that is a plain program: it fails loudly, writes its own files and waits no longer than it says"
    )
)]

#[cfg(target_os = "linux")]
#[path = "sandbox/inside.rs"]
mod inside;
#[cfg(target_os = "linux")]
#[path = "sandbox/program.rs"]
mod program;

fn main() {
    #[cfg(target_os = "linux")]
    {
        let args: Vec<String> = std::env::args().collect();
        if args.get(1).is_some_and(|first| first == "inside") {
            inside::child(&args[2..]);
        } else {
            inside::every_deed_is_refused_inside_and_done_outside();
            inside::a_kernel_without_landlock_keeps_the_rest();
            program::the_program_closes_it_in_every_thread();
            program::every_command_that_reads_images_works_in_it();
            program::what_must_be_held_is_stated();
            println!("the sandbox holds what it should");
        }
    }
}
